//! The lines of a journal: objects that end with a checksum of the line.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use crate::annotation::ImageId;
use crate::checked_lines;
use crate::digest::Digest;
use crate::llm::{Completion, LlmError, LlmErrorKind};

/// Version of the lines; a journal of a later one is refused.
pub(super) const VERSION: u64 = 1;

/// What was asked, and with `completion` or `failure` what came of it. A line with neither says that a request is about
/// to be sent.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::pipeline) struct Entry {
    pub(in crate::pipeline) image_id: ImageId,
    pub(in crate::pipeline) task: String,
    /// 0 for the prompt, 1 and up for the follow-ups.
    #[serde(default, skip_serializing_if = "is_first")]
    pub(in crate::pipeline) turn: usize,
    /// Digest of the messages.
    pub(in crate::pipeline) prompt: Digest,
    /// Number of the batch in which it goes to the server; `None` if it goes by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::pipeline) batch: Option<u32>,
    /// Milliseconds from asking to the answer, all waiting included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::pipeline) latency_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::pipeline) completion: Option<Completion>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::pipeline) failure: Option<Failure>,
}

fn is_first(turn: &usize) -> bool {
    *turn == 0
}

/// A call that failed.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::pipeline) struct Failure {
    pub(in crate::pipeline) kind: LlmErrorKind,
    #[serde(default)]
    pub(in crate::pipeline) message: String,
}

impl From<&LlmError> for Failure {
    fn from(error: &LlmError) -> Self {
        Self { kind: error.kind(), message: error.message().to_owned() }
    }
}

/// How many lines of each kind a task has.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(in crate::pipeline) struct Counts {
    pub(in crate::pipeline) requests: u64,
    /// Those among the requests that are follow-ups.
    pub(in crate::pipeline) top_ups: u64,
    pub(in crate::pipeline) answers: u64,
}

impl Counts {
    pub(super) fn add(&mut self, end: EntryEnd, turn: usize) {
        match end {
            EntryEnd::Open => {
                self.requests += 1;
                self.top_ups += u64::from(turn > 0);
            }
            EntryEnd::Completion | EntryEnd::Failure(_) => self.answers += 1,
        }
    }
}

/// What the lines of each batch count for, by task.
pub(super) type BatchedCounts = BTreeMap<u32, BTreeMap<String, Counts>>;

/// A line, without the texts of completions.
pub(super) enum Line<'a> {
    /// The first line: the version.
    Header(u64),
    /// What the lines before it count for; lines that say nothing more have been left out.
    Counts(BTreeMap<String, Counts>, BatchedCounts),
    Entry(EntryHead<'a>),
}

/// What an entry is about, and how it ended.
#[derive(Deserialize)]
pub(super) struct EntryHead<'a> {
    pub(super) image_id: ImageId,
    #[serde(borrow)]
    pub(super) task: Cow<'a, str>,
    #[serde(default)]
    pub(super) turn: usize,
    #[serde(default)]
    pub(super) batch: Option<u32>,
    #[serde(default)]
    completion: Option<IgnoredAny>,
    #[serde(default)]
    failure: Option<FailureHead>,
}

#[derive(Deserialize)]
struct FailureHead {
    kind: LlmErrorKind,
}

impl EntryHead<'_> {
    pub(super) fn end(&self) -> EntryEnd {
        match (&self.completion, &self.failure) {
            (Some(_), _) => EntryEnd::Completion,
            (None, Some(failure)) => EntryEnd::Failure(failure.kind),
            (None, None) => EntryEnd::Open,
        }
    }
}

/// How an entry ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EntryEnd {
    /// It is about to be sent.
    Open,
    Completion,
    Failure(LlmErrorKind),
}

impl Entry {
    /// What came of the call; `None` if that is not known.
    pub(in crate::pipeline) fn into_answer(self) -> Option<Result<Completion, LlmError>> {
        let failure = self.failure.map(|Failure { kind, message }| Err(LlmError::new(kind, message)));
        self.completion.map(Ok).or(failure)
    }

    pub(super) fn end(&self) -> EntryEnd {
        match (&self.completion, &self.failure) {
            (Some(_), _) => EntryEnd::Completion,
            (None, Some(failure)) => EntryEnd::Failure(failure.kind),
            (None, None) => EntryEnd::Open,
        }
    }
}

/// What a line says; `None` if it is damaged or not whole.
pub(super) fn decode(line: &[u8]) -> Option<Line<'_>> {
    #[derive(Deserialize)]
    struct Other {
        journal: Option<u64>,
        counts: Option<BTreeMap<String, Counts>>,
        #[serde(default)]
        batched: BatchedCounts,
    }
    let object = checked_lines::object(line)?;
    if let Ok(entry) = serde_json::from_slice(object) {
        return Some(Line::Entry(entry));
    }
    let other: Other = serde_json::from_slice(object).ok()?;
    other.counts.map(|counts| Line::Counts(counts, other.batched)).or(other.journal.map(Line::Header))
}
