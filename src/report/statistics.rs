//! What a run holds, in numbers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::annotation::RecordSource;
use crate::error::Result;
use crate::pipeline::{Call, Ledger, RunFolder};
use crate::report::mentions::ObjectMentions;
use crate::report::tally::{Histogram, WordCounts};
use crate::report::walk::{Step, walk};
use crate::sample::{QaPair, Sample, Turn, Verdict};

/// What a run holds, in numbers: the ledger, and how its samples are distributed.
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct RunStatistics {
    /// The account of the run.
    pub ledger: Ledger,
    /// By name of the task.
    pub tasks: BTreeMap<String, TaskStatistics>,
    /// How long calls took, in tenths of a second, as far as the journal says so.
    pub latency: Histogram,
    /// Which objects answers name, held against the annotations if these were given.
    pub objects: ObjectMentions,
}

/// How the samples of one task are distributed.
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct TaskStatistics {
    /// Question-answer pairs in each sample.
    pub pairs: Histogram,
    /// Words in each question.
    pub question_words: Histogram,
    /// Words in each answer.
    pub answer_words: Histogram,
    /// The first two words of each question, in lower case.
    pub first_words: WordCounts,
    /// Answers that start with "yes".
    pub yes: u64,
    /// Answers that start with "no".
    pub no: u64,
    /// Boxes by how they stand to those of the prompt.
    pub verdicts: BTreeMap<&'static str, u64>,
    /// The mean support of the answers that were held against the annotations.
    pub mean_support: Option<f64>,
    #[serde(skip)]
    n_supported: u64,
}

/// What tokens cost.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TokenPrices {
    /// Of a million tokens of prompts, in dollars.
    pub input: f64,
    /// Of a million tokens of replies, in dollars.
    pub output: f64,
}

impl TokenPrices {
    /// What so many tokens cost.
    pub fn cost(self, input_tokens: u64, output_tokens: u64) -> f64 {
        (input_tokens as f64 * self.input + output_tokens as f64 * self.output) / 1e6
    }
}

impl RunStatistics {
    /// Goes through the samples and the journal of a run, and through its records if they are given; memory does not
    /// grow with the run.
    ///
    /// # Errors
    /// Those of [`RunFolder`] where a file of the run cannot be read, and those of the records.
    pub fn of(run: &RunFolder, source: Option<&dyn RecordSource>) -> Result<Self> {
        let mut statistics = Self::start(run)?;
        walk(run, source, |step| {
            statistics.add(&step);
            Ok(())
        })?;
        for call in run.calls()? {
            statistics.add_call(&call?);
        }
        Ok(statistics)
    }

    pub(super) fn start(run: &RunFolder) -> Result<Self> {
        let tasks = run.tasks().iter().map(|task| (task.clone(), TaskStatistics::default())).collect();
        Ok(Self { ledger: run.ledger()?, tasks, ..Self::default() })
    }

    pub(super) fn add(&mut self, step: &Step) {
        // Images of which no answer is kept say nothing about what answers name.
        if !step.samples.is_empty() {
            self.objects.add(step.record.as_ref(), &step.samples);
        }
        for sample in &step.samples {
            if let Some(task) = self.tasks.get_mut(&sample.task) {
                task.add(sample);
            }
        }
    }

    pub(super) fn add_call(&mut self, call: &Call) {
        if let Some(latency) = call.latency {
            self.latency.add((latency.as_secs_f64() * 10.0).round() as u64);
        }
    }
}

impl TaskStatistics {
    fn add(&mut self, sample: &Sample) {
        self.pairs.add(sample.n_pairs() as u64);
        for pair in sample.conversations.iter().flat_map(|conversation| conversation.pairs()) {
            self.add_pair(pair);
        }
    }

    fn add_pair(&mut self, QaPair { question, answer }: QaPair<'_>) {
        self.question_words.add(n_words(&question.text));
        self.answer_words.add(n_words(&answer.text));
        self.first_words.add(&first_words(&question.text));
        match words(&answer.text).next().map(str::to_lowercase).as_deref() {
            Some("yes") => self.yes += 1,
            Some("no") => self.no += 1,
            _ => {}
        }
        self.add_boxes(question);
        self.add_boxes(answer);
        if let Some(support) = &answer.support {
            let (n, mean) = (self.n_supported as f64, self.mean_support.unwrap_or(0.0));
            self.mean_support = Some((mean * n + support.score) / (n + 1.0));
            self.n_supported += 1;
        }
    }

    fn add_boxes(&mut self, turn: &Turn) {
        for found in turn.references.iter().flat_map(|reference| &reference.boxes) {
            *self.verdicts.entry(verdict_name(found.verdict)).or_default() += 1;
        }
    }
}

/// The name of a verdict in reports.
pub(super) fn verdict_name(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Exact => "exact",
        Verdict::Rounded => "rounded",
        Verdict::Near => "near",
        Verdict::NotInInput => "not in the prompt",
        Verdict::Unchecked => "unchecked",
    }
}

/// What stands between white space, without marks around it.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split_whitespace()
        .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()))
        .filter(|word| !word.is_empty())
}

fn n_words(text: &str) -> u64 {
    text.split_whitespace().count() as u64
}

fn first_words(question: &str) -> String {
    let short = |word: &str| word.chars().take(24).flat_map(char::to_lowercase).collect::<String>();
    words(question).take(2).map(short).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_words_are_short_and_bare() {
        assert_eq!(first_words("\"What's the man\" doing?"), "what's the");
        assert_eq!(first_words(&"x".repeat(1_000_000)).len(), 24);
        assert_eq!(first_words(" ?! "), "");
    }

    #[test]
    fn prices_are_for_a_million_tokens() {
        assert_eq!(TokenPrices { input: 2.5, output: 10.0 }.cost(2_000_000, 100_000), 6.0);
    }
}
