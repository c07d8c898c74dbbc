//! The lines of `batches.jsonl`.

use serde::{Deserialize, Serialize};

use crate::annotation::ImageId;
use crate::digest::Digest;
use crate::llm::Charge;
use crate::pipeline::batch::{BatchTally, NotFound, RunBatch};
use crate::pipeline::journal::UnitKey;

/// Version of the lines; a file of a later one is refused.
pub(super) const VERSION: u64 = 1;

/// A request of a batch: what a line of the journal needs to say about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Request {
    pub(super) image_id: ImageId,
    pub(super) task: String,
    #[serde(default)]
    pub(super) turn: usize,
    /// Digest of the messages.
    pub(super) prompt: Digest,
    /// What it can take at most, if an account is to be charged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) bound: Option<Charge>,
}

impl Request {
    pub(super) fn key(&self) -> UnitKey {
        UnitKey::new(&self.image_id, &self.task, self.turn)
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(super) enum Line {
    /// The first line; `run` is what tells the batches of this run from those of others.
    Started {
        version: u64,
        run: Digest,
    },
    /// A request of a batch that is about to be planned.
    Request {
        number: u32,
        request: Request,
    },
    /// All requests of the batch are above, and its file is whole.
    Planned {
        batch: RunBatch,
    },
    Uploaded {
        number: u32,
        file: String,
    },
    Created {
        number: u32,
        id: String,
    },
    /// The server did not find the batch at one look, or its results.
    NotFound {
        number: u32,
        what: NotFound,
    },
    Collected {
        number: u32,
        tally: BatchTally,
    },
    /// Nor did it at the next one.
    Lost {
        number: u32,
        tally: BatchTally,
    },
    Abandoned {
        number: u32,
        reason: String,
    },
}
