//! Two runs side by side: what differs.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;

use crate::annotation::ImageId;
use crate::error::Result;
use crate::pipeline::{RunFolder, UnitState, UnitSummary};
use crate::report::plot::grouped;
use crate::report::selection::Selection;
use crate::report::statistics::{RunStatistics, TokenPrices};
use crate::report::tally::Histogram;
use crate::sample::Sample;

/// Most pairs of a sample that are shown.
const MAX_PAIRS: usize = 6;

/// Two runs side by side: what was set otherwise, what came of it, and units that ended differently.
///
/// [`Display`](std::fmt::Display) prints it for a terminal, [`html`](Self::html) makes a page of it.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct RunDiff {
    /// Names of the two folders.
    pub names: [String; 2],
    /// Options by their path in `run.json`, where the two runs differ.
    pub options: BTreeMap<String, [Value; 2]>,
    /// The numbers of each run.
    pub statistics: [RunStatistics; 2],
    /// What tokens cost, if that is known.
    pub prices: Option<TokenPrices>,
    /// Units of both runs by task, state in the first and state in the second run.
    pub transitions: BTreeMap<String, BTreeMap<String, u64>>,
    /// Units that only one of the runs has.
    pub one_sided: [u64; 2],
    /// Units that differ, drawn evenly over tasks and pairs of states, those with different states first.
    pub differences: Vec<Difference>,
}

/// A unit that two runs have made different samples of.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Difference {
    /// The image.
    pub image_id: ImageId,
    /// Name of the task.
    pub task: String,
    /// Its state in each run.
    pub states: [UnitState; 2],
    /// Why it is not accepted, in each run.
    pub causes: [Option<String>; 2],
    /// Its sample in each run.
    pub samples: [Option<Sample>; 2],
}

impl RunDiff {
    /// Compares two runs; `n_differences` is how many units are shown at most.
    ///
    /// # Errors
    /// Those of [`RunFolder`] where a file of a run cannot be read.
    pub fn of(runs: [&RunFolder; 2], n_differences: usize) -> Result<Self> {
        let [left, right] = runs;
        let mut options = BTreeMap::new();
        options_that_differ("", &left.manifest()?, &right.manifest()?, &mut options);
        let mut diff = Self {
            names: runs.map(|run| run.path().display().to_string()),
            options,
            statistics: [RunStatistics::of(left, None)?, RunStatistics::of(right, None)?],
            prices: None,
            transitions: BTreeMap::new(),
            one_sided: [0, 0],
            differences: Vec::new(),
        };
        diff.compare_units(runs, n_differences)?;
        Ok(diff)
    }

    /// Sets what tokens cost.
    #[must_use]
    pub fn with_prices(mut self, prices: TokenPrices) -> Self {
        self.prices = Some(prices);
        self
    }

    /// The tasks of either run.
    pub(super) fn tasks(&self) -> BTreeSet<&String> {
        self.statistics.iter().flat_map(|statistics| statistics.ledger.tasks.keys()).collect()
    }

    fn compare_units(&mut self, runs: [&RunFolder; 2], n_differences: usize) -> Result<()> {
        // Twice as many, for some of those that ended alike are alike.
        let mut selection = Selection::new(n_differences.saturating_mul(2));
        for task in runs[0].tasks() {
            if !runs[1].tasks().contains(task) {
                self.one_sided[0] += self.statistics[0].ledger.tasks.get(task).map_or(0, |ledger| ledger.inputs);
                continue;
            }
            for_pairs(runs[0].units(task)?, runs[1].units(task)?, |left, right| match (left, right) {
                (Some(left), Some(right)) => {
                    let states = format!("{} → {}", left.state, right.state);
                    *self.transitions.entry(task.clone()).or_default().entry(states).or_default() += 1;
                    let is_same_state = left.state == right.state;
                    selection.offer((is_same_state, task, left.state, right.state), &left.image_id, task);
                }
                (left, _) => self.one_sided[usize::from(left.is_none())] += 1,
            })?;
        }
        for task in runs[1].tasks().iter().filter(|task| !runs[0].tasks().contains(task)) {
            self.one_sided[1] += self.statistics[1].ledger.tasks.get(task).map_or(0, |ledger| ledger.inputs);
        }
        let selected = selection.finish().units;
        self.differences = differences(runs, &selected)?;
        self.differences.sort_by_key(|difference| difference.states[0] == difference.states[1]);
        self.differences.truncate(n_differences);
        Ok(())
    }

    /// The numbers that are put side by side, of one task or of all.
    pub(super) fn rows(&self, task: Option<&str>) -> Vec<(&'static str, [Option<f64>; 2])> {
        let numbers = [0, 1].map(|side| self.numbers(side, task));
        let names = [
            "inputs",
            "accepted, %",
            "partial, %",
            "rejected, %",
            "failed, %",
            "pairs",
            "pairs per input",
            "requests",
            "words per question",
            "words per answer",
            "tokens in",
            "tokens out",
            "cost, $",
            "cost of 1,000 pairs, $",
        ];
        let rows = names.into_iter().enumerate().map(|(index, name)| (name, [numbers[0][index], numbers[1][index]]));
        rows.filter(|(_, values)| values.iter().any(Option::is_some)).collect()
    }

    fn numbers(&self, side: usize, task: Option<&str>) -> [Option<f64>; 14] {
        let statistics = &self.statistics[side];
        let total = match task {
            Some(task) => statistics.ledger.tasks.get(task).cloned(),
            None => Some(statistics.ledger.total()),
        };
        let Some(ledger) = total else { return [None; 14] };
        let share = |n: u64| Some(n as f64 / ledger.inputs.max(1) as f64 * 100.0);
        let mean = |of: fn(&crate::report::TaskStatistics) -> &Histogram| {
            let chosen = statistics.tasks.iter().filter(|(name, _)| task.is_none_or(|task| task == name.as_str()));
            let (sum, n) = chosen.map(|(_, task)| of(task)).fold((0, 0), |(sum, n), h| (sum + h.sum(), n + h.n()));
            (n > 0).then(|| sum as f64 / n as f64)
        };
        let cost = self.prices.map(|prices| prices.cost(ledger.input_tokens, ledger.output_tokens));
        [
            Some(ledger.inputs as f64),
            share(ledger.accepted),
            share(ledger.partial),
            share(ledger.rejected),
            share(ledger.failed),
            Some(ledger.pairs as f64),
            Some(ledger.pairs as f64 / ledger.inputs.max(1) as f64),
            Some(ledger.requests as f64),
            mean(|task| &task.question_words),
            mean(|task| &task.answer_words),
            Some(ledger.input_tokens as f64),
            Some(ledger.output_tokens as f64),
            cost,
            cost.filter(|_| ledger.pairs > 0).map(|cost| cost / ledger.pairs as f64 * 1000.0),
        ]
    }

    /// Why units are not accepted, in each run, most frequent first.
    pub(super) fn causes(&self) -> Vec<(String, [u64; 2])> {
        let mut causes: BTreeMap<String, [u64; 2]> = BTreeMap::new();
        for (side, statistics) in self.statistics.iter().enumerate() {
            for (cause, n) in statistics.ledger.total().causes {
                causes.entry(cause).or_default()[side] += n;
            }
        }
        let mut causes: Vec<_> = causes.into_iter().collect();
        causes.sort_by_key(|(_, counts)| std::cmp::Reverse(counts[0].max(counts[1])));
        causes
    }
}

/// Walks two lists that are in order of image id.
fn for_pairs(
    left: impl Iterator<Item = Result<UnitSummary>>,
    right: impl Iterator<Item = Result<UnitSummary>>,
    mut each: impl FnMut(Option<&UnitSummary>, Option<&UnitSummary>),
) -> Result<()> {
    let (mut left, mut right) = (left, right);
    let (mut of_left, mut of_right) = (left.next().transpose()?, right.next().transpose()?);
    loop {
        let order = match (&of_left, &of_right) {
            (None, None) => return Ok(()),
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
            (Some(left), Some(right)) => left.image_id.cmp(&right.image_id),
        };
        each(of_left.as_ref().filter(|_| order.is_le()), of_right.as_ref().filter(|_| order.is_ge()));
        if order.is_le() {
            of_left = left.next().transpose()?;
        }
        if order.is_ge() {
            of_right = right.next().transpose()?;
        }
    }
}

/// The selected units of which the two runs have made different things.
fn differences(runs: [&RunFolder; 2], selected: &BTreeSet<(ImageId, String)>) -> Result<Vec<Difference>> {
    let mut found: BTreeMap<(ImageId, String), Difference> = BTreeMap::new();
    for (side, run) in runs.into_iter().enumerate() {
        let tasks: BTreeSet<&String> = selected.iter().map(|(_, task)| task).collect();
        for task in tasks {
            for unit in run.units(task)? {
                let unit = unit?;
                let key = (unit.image_id, task.clone());
                if selected.contains(&key) {
                    let (image_id, task) = key.clone();
                    let empty = Difference {
                        image_id,
                        task,
                        states: [UnitState::Pending; 2],
                        causes: [None, None],
                        samples: [None, None],
                    };
                    let difference = found.entry(key).or_insert(empty);
                    difference.states[side] = unit.state;
                    difference.causes[side] = unit.cause;
                }
            }
            for sample in run.samples(task)? {
                let sample = sample?;
                if let Some(difference) = found.get_mut(&(sample.image_id.clone(), task.clone())) {
                    difference.samples[side] = Some(sample);
                }
            }
        }
    }
    let conversations = |sample: &Option<Sample>| sample.as_ref().map(|sample| sample.conversations.clone());
    Ok(found
        .into_values()
        .filter(|difference| {
            let [left, right] = &difference.samples;
            difference.states[0] != difference.states[1] || conversations(left) != conversations(right)
        })
        .collect())
}

/// Options that differ, by their path; digests and inputs by their whole.
fn options_that_differ(path: &str, left: &Value, right: &Value, found: &mut BTreeMap<String, [Value; 2]>) {
    match (left, right) {
        _ if left == right => {}
        (Value::Object(of_left), Value::Object(of_right)) => {
            let keys: BTreeSet<&String> = of_left.keys().chain(of_right.keys()).collect();
            for key in keys {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                options_that_differ(&path, &left[key], &right[key], found);
            }
        }
        _ => {
            found.insert(path.to_owned(), [left.clone(), right.clone()]);
        }
    }
}

pub(super) fn pairs(sample: &Option<Sample>) -> impl Iterator<Item = (&str, &str)> {
    let conversations = sample.iter().flat_map(|sample| &sample.conversations);
    let pairs = conversations.flat_map(|conversation| conversation.pairs());
    pairs.map(|pair| (&*pair.question.text, &*pair.answer.text)).take(MAX_PAIRS)
}

pub(super) fn number(value: Option<f64>) -> String {
    match value {
        None => "–".to_owned(),
        Some(value) if value.fract() == 0.0 && value < 1e15 => grouped(value as u64),
        Some(value) if value.abs() < 1.0 => format!("{value:.4}"),
        Some(value) => format!("{value:.2}"),
    }
}
