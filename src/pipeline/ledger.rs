//! The account of a run: every unit in exactly one state, every state adding up.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::pipeline::journal::Counts;
use crate::pipeline::unit::{UnitResult, UnitState};
use crate::prompt::PromptReport;

/// What became of everything that went into a run, by task.
///
/// [`Display`](fmt::Display) prints it as a table, with the sum that must add up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Ledger {
    /// By name of the task.
    pub tasks: BTreeMap<String, TaskLedger>,
    /// Lines of the journal that were damaged after they had been written; their units were asked again.
    pub damaged_lines: u64,
}

/// What became of the units of one task.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TaskLedger {
    /// Images that went in; the sum of the five states.
    pub inputs: u64,
    /// Units with a sample of the whole reply.
    pub accepted: u64,
    /// Units with a sample of a part of the reply, or one with defects.
    pub partial: u64,
    /// Units of which nothing could be used.
    pub rejected: u64,
    /// Units of which the call failed.
    pub failed: u64,
    /// Units not asked yet.
    pub pending: u64,
    /// Why units are not accepted, by code or kind of error; sums up to `partial`, `rejected` and `failed`.
    pub causes: BTreeMap<String, u64>,
    /// Everything that was noticed in replies, by code.
    pub issues: BTreeMap<String, u64>,
    /// Question-answer pairs in the samples.
    pub pairs: u64,
    /// Requests that were sent.
    pub requests: u64,
    /// Those among the requests that asked for what a reply lacked.
    #[serde(default)]
    pub top_ups: u64,
    /// Those among the pairs that they brought.
    #[serde(default)]
    pub top_up_pairs: u64,
    /// Those among the requests that are in a batch whose results have not been collected.
    #[serde(default)]
    pub in_batches: u64,
    /// Requests that were sent and never answered, because the process ended: they may have been billed.
    pub unanswered: u64,
    /// Tokens of the prompts that were answered, as far as the server told.
    pub input_tokens: u64,
    /// Tokens of the replies, as far as the server told.
    pub output_tokens: u64,
    /// What the prompts showed and left out.
    pub prompts: PromptReport,
}

impl Ledger {
    /// All tasks together.
    pub fn total(&self) -> TaskLedger {
        let mut total = TaskLedger::default();
        for task in self.tasks.values() {
            total.merge(task);
        }
        total
    }

    /// Adds what became of one unit.
    pub fn add(&mut self, result: &UnitResult) {
        if !self.tasks.contains_key(&result.task) {
            self.tasks.insert(result.task.clone(), TaskLedger::default());
        }
        if let Some(task) = self.tasks.get_mut(&result.task) {
            task.add(result);
        }
    }
}

impl TaskLedger {
    /// How many units are in a state.
    pub fn count(&self, state: UnitState) -> u64 {
        match state {
            UnitState::Accepted => self.accepted,
            UnitState::Partial => self.partial,
            UnitState::Rejected => self.rejected,
            UnitState::Failed => self.failed,
            UnitState::Pending => self.pending,
        }
    }

    fn add(&mut self, result: &UnitResult) {
        self.inputs += 1;
        match result.state {
            UnitState::Accepted => self.accepted += 1,
            UnitState::Partial => self.partial += 1,
            UnitState::Rejected => self.rejected += 1,
            UnitState::Failed => self.failed += 1,
            UnitState::Pending => self.pending += 1,
        }
        if let Some(cause) = &result.cause {
            add_to(&mut self.causes, cause, 1);
        }
        for issue in result.parsed.iter().flat_map(|parsed| &parsed.issues) {
            add_to(&mut self.issues, issue.code.as_str(), 1);
        }
        self.pairs += result.sample.as_ref().map_or(0, |sample| sample.n_pairs() as u64);
        self.requests += (result.completions.len() + usize::from(result.error.is_some())) as u64;
        self.top_ups += result.completions.len().saturating_sub(1) as u64;
        let later = result.parsed.iter().flat_map(|parsed| &parsed.items).filter(|item| item.reply > 0);
        self.top_up_pairs += later.count() as u64;
        for usage in result.completions.iter().filter_map(|completion| completion.usage) {
            self.input_tokens += usage.input_tokens;
            self.output_tokens += usage.output_tokens;
        }
        self.prompts.add(&result.prompt_report);
    }

    pub(super) fn count_requests(&mut self, counts: Counts) {
        self.requests = counts.requests;
        self.top_ups = counts.top_ups;
        self.unanswered = counts.requests.saturating_sub(counts.answers);
    }

    /// Takes what is in an open batch from what is never answered.
    pub(super) fn count_batched(&mut self, counts: Counts) {
        let n_waiting = counts.requests.saturating_sub(counts.answers);
        self.in_batches += n_waiting;
        self.unanswered = self.unanswered.saturating_sub(n_waiting);
    }

    fn merge(&mut self, other: &Self) {
        self.inputs += other.inputs;
        self.accepted += other.accepted;
        self.partial += other.partial;
        self.rejected += other.rejected;
        self.failed += other.failed;
        self.pending += other.pending;
        for (cause, n) in &other.causes {
            add_to(&mut self.causes, cause, *n);
        }
        for (code, n) in &other.issues {
            add_to(&mut self.issues, code, *n);
        }
        self.pairs += other.pairs;
        self.requests += other.requests;
        self.top_ups += other.top_ups;
        self.top_up_pairs += other.top_up_pairs;
        self.in_batches += other.in_batches;
        self.unanswered += other.unanswered;
        self.input_tokens += other.input_tokens;
        self.output_tokens += other.output_tokens;
        self.prompts.add(&other.prompts);
    }
}

fn add_to(counts: &mut BTreeMap<String, u64>, name: &str, n: u64) {
    match counts.get_mut(name) {
        Some(count) => *count += n,
        None => {
            counts.insert(name.to_owned(), n);
        }
    }
}

impl fmt::Display for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let total = self.total();
        writeln!(
            f,
            "{:<22}{:>8}{:>10}{:>9}{:>10}{:>8}{:>9}{:>9}{:>10}",
            "task", "inputs", "accepted", "partial", "rejected", "failed", "pending", "pairs", "requests"
        )?;
        for (name, task) in self.tasks.iter().map(|(name, task)| (name.as_str(), task)).chain([("total", &total)]) {
            writeln!(
                f,
                "{name:<22}{:>8}{:>10}{:>9}{:>10}{:>8}{:>9}{:>9}{:>10}",
                task.inputs,
                task.accepted,
                task.partial,
                task.rejected,
                task.failed,
                task.pending,
                task.pairs,
                task.requests
            )?;
        }
        let states: Vec<String> =
            UnitState::ALL.iter().map(|state| format!("{} {state}", total.count(*state))).collect();
        writeln!(f, "{} inputs = {}", total.inputs, states.join(" + "))?;
        write_counts(f, "not accepted because of", &total.causes)?;
        write_counts(f, "noticed in replies", &total.issues)?;
        if total.top_ups > 0 {
            writeln!(
                f,
                "follow-ups for what replies lacked: {}, which brought {} pairs",
                total.top_ups, total.top_up_pairs
            )?;
        }
        if total.in_batches > 0 {
            writeln!(f, "requests in batches that are not collected: {}", total.in_batches)?;
        }
        if total.unanswered > 0 {
            writeln!(f, "requests sent and never answered: {}; they may have been billed", total.unanswered)?;
        }
        if self.damaged_lines > 0 {
            writeln!(f, "lines of the journal found damaged: {}; their units were asked again", self.damaged_lines)?;
        }
        Ok(())
    }
}

fn write_counts(f: &mut fmt::Formatter<'_>, what: &str, counts: &BTreeMap<String, u64>) -> fmt::Result {
    if counts.is_empty() {
        return Ok(());
    }
    let counts: Vec<String> = counts.iter().map(|(name, n)| format!("{name} {n}")).collect();
    writeln!(f, "{what}: {}", counts.join(", "))
}
