//! What is told of a batch of a run: how far it is, and what came of it.

use serde::{Deserialize, Serialize};

use crate::llm::Totals;

/// A batch of a run, as its folder knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RunBatch {
    /// Its number in the run, from 1; some may be missing.
    pub number: u32,
    /// What it is called on the server: the name of its file, and `svitgen` in its metadata.
    pub name: String,
    /// How many requests it has.
    pub requests: u64,
    /// Size of its file, in bytes.
    pub bytes: u64,
    /// The model that all of its requests name.
    #[serde(default)]
    pub model: Option<String>,
    /// What its requests can take at most, if an account is to be charged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) bounds: Option<Totals>,
    /// How far it is.
    #[serde(default)]
    pub state: RunBatchState,
    /// The server's id of its file.
    #[serde(default)]
    pub file: Option<String>,
    /// The server's id of the batch.
    #[serde(default)]
    pub id: Option<String>,
    /// What the server did not find at the last look.
    #[serde(default)]
    pub not_found: Option<NotFound>,
    /// What came of its requests, once it is collected.
    #[serde(default)]
    pub tally: Option<BatchTally>,
}

/// How far a batch is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RunBatchState {
    /// It is decided which requests are in it.
    #[default]
    Planned,
    /// The server has its file.
    Uploaded,
    /// The server has the batch.
    Created,
    /// What came of it is in the journal.
    Collected,
    /// The server did not take it; its requests are sent again.
    Abandoned,
    /// The server no longer knows it, or no longer has its results; what is not in the journal is sent again.
    Lost,
}

/// What a server did not find of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum NotFound {
    /// The batch itself.
    Batch,
    /// A file of its results.
    Results,
}

impl RunBatchState {
    /// Whether its requests are on their way, so that nobody else may send them.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Planned | Self::Uploaded | Self::Created)
    }

    /// The name used in files and reports: `created`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Uploaded => "uploaded",
            Self::Created => "created",
            Self::Collected => "collected",
            Self::Abandoned => "abandoned",
            Self::Lost => "lost",
        }
    }
}

/// What came of the requests of batches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct BatchTally {
    /// Requests with a completion.
    pub completions: u64,
    /// Requests that failed or expired, or whose batch was not accepted.
    pub failures: u64,
    /// Requests about which the results say nothing; they are sent again.
    pub missing: u64,
    /// Results of requests that had one already; passed over.
    pub duplicates: u64,
    /// Lines of results that could not be understood; passed over.
    pub garbage: u64,
    /// Results of requests that are not in the batch; passed over.
    pub unknown: u64,
}

impl BatchTally {
    #[cfg(feature = "openai")]
    pub(super) fn add(&mut self, other: &Self) {
        self.completions += other.completions;
        self.failures += other.failures;
        self.missing += other.missing;
        self.duplicates += other.duplicates;
        self.garbage += other.garbage;
        self.unknown += other.unknown;
    }
}
