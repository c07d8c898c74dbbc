//! How far a run has come.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::llm::{Activity, Usage};

/// How far back the rate looks.
const WINDOW: Duration = Duration::from_secs(60);

/// What a run is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Phase {
    /// It reads its inputs and its journal.
    #[default]
    Opening,
    /// It asks the model.
    Sending,
    /// It writes the outputs.
    Writing,
    /// It has ended.
    Ended,
}

/// What a run is doing and how far it has come; see [`RunControl::snapshot`](crate::pipeline::RunControl::snapshot).
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Snapshot {
    /// What it is doing.
    pub phase: Phase,
    /// By name of the task.
    pub tasks: BTreeMap<String, TaskProgress>,
    /// What the client and its wrappers are doing: retries by cause, calls that wait.
    pub activity: Activity,
    /// Since the run was started.
    pub elapsed: Duration,
    /// Units a second, over the last minute.
    pub rate: f64,
    /// How long the rest takes at that rate; `None` as long as nobody can tell.
    pub remaining: Option<Duration>,
}

/// How far a run has come with one task.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct TaskProgress {
    /// All units, if the source of the records can tell.
    pub total: Option<u64>,
    /// Units with an answer, those of earlier starts included.
    pub done: u64,
    /// Those among them that had it when the run was started.
    pub done_before: u64,
    /// Those among them of which the call failed.
    pub failed: u64,
    /// Units that are being asked about.
    pub in_flight: u64,
    /// Requests of this start, follow-ups included and retries not.
    pub requests: u64,
    /// Tokens of this start's prompts, as far as the server told.
    pub input_tokens: u64,
    /// Tokens of this start's replies, as far as the server told.
    pub output_tokens: u64,
}

impl Snapshot {
    /// Requests of this start, of all tasks.
    pub fn requests(&self) -> u64 {
        self.tasks.values().map(|task| task.requests).sum()
    }

    /// Units with an answer, of all tasks.
    pub fn done(&self) -> u64 {
        self.tasks.values().map(|task| task.done).sum()
    }

    /// Units that are being asked about, of all tasks.
    pub fn in_flight(&self) -> u64 {
        self.tasks.values().map(|task| task.in_flight).sum()
    }

    /// All units of all tasks, if the source of the records can tell.
    pub fn total(&self) -> Option<u64> {
        self.tasks.values().map(|task| task.total).sum()
    }
}

/// What is counted while a run goes on.
#[derive(Debug, Default)]
pub(super) struct Progress {
    phase: Phase,
    started: Option<Instant>,
    names: Vec<String>,
    tasks: Vec<TaskProgress>,
    /// Moments at which somebody looked, and what was done by then in this start.
    looks: VecDeque<(Instant, u64)>,
}

impl Progress {
    pub(super) fn start<'a>(&mut self, names: impl Iterator<Item = &'a str>, n_units_each: Option<u64>) {
        let now = Instant::now();
        self.started = Some(now);
        self.names = names.map(str::to_owned).collect();
        self.tasks = vec![TaskProgress { total: n_units_each, ..TaskProgress::default() }; self.names.len()];
        self.looks = VecDeque::from([(now, 0)]);
    }

    pub(super) fn enter(&mut self, phase: Phase) {
        self.phase = phase;
    }

    pub(super) fn task(&mut self, index: usize) -> Option<&mut TaskProgress> {
        self.tasks.get_mut(index)
    }

    pub(super) fn snapshot(&mut self, activity: Activity) -> Snapshot {
        let now = Instant::now();
        let done: u64 = self.tasks.iter().map(|task| task.done - task.done_before).sum();
        while self.looks.len() > 1 && self.looks.get(1).is_some_and(|(moment, _)| now - *moment > WINDOW) {
            self.looks.pop_front();
        }
        let rate = self.looks.front().map_or(0.0, |(moment, before)| {
            let seconds = (now - *moment).as_secs_f64();
            if seconds > 0.0 { done.saturating_sub(*before) as f64 / seconds } else { 0.0 }
        });
        self.looks.push_back((now, done));
        let mut snapshot = Snapshot {
            phase: self.phase,
            tasks: self.names.iter().cloned().zip(self.tasks.iter().cloned()).collect(),
            activity,
            elapsed: self.started.map_or(Duration::ZERO, |started| now - started),
            rate,
            remaining: None,
        };
        let n_left = snapshot.total().map(|total| total.saturating_sub(snapshot.done()));
        let seconds = n_left.filter(|_| rate > 0.0).map(|n_left| n_left as f64 / rate);
        snapshot.remaining = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        snapshot
    }
}

impl TaskProgress {
    pub(super) fn take(&mut self, usage: Option<Usage>) {
        let usage = usage.unwrap_or_default();
        self.input_tokens += usage.input_tokens;
        self.output_tokens += usage.output_tokens;
    }
}
