//! A run through a server's Batch API: half the price, the same journal.
//!
//! `batches.jsonl` in the run folder says which requests went into which batch and how far each batch is
//! ([`RunBatch`]); what comes back goes to the journal, as the answers of calls do. With the feature `openai`,
//! `Pipeline::submit_batches` and `Pipeline::collect_batches` talk to the server.

#[cfg(feature = "openai")]
mod account;
#[cfg(feature = "openai")]
mod collect;
#[cfg(feature = "openai")]
mod file;
#[cfg(feature = "openai")]
mod growing;
mod lines;
#[cfg(feature = "openai")]
mod lost;
#[cfg(feature = "openai")]
mod options;
#[cfg(feature = "openai")]
mod report;
mod run_batch;
mod state;
#[cfg(feature = "openai")]
mod submit;
#[cfg(feature = "openai")]
mod work;

#[cfg(feature = "openai")]
pub use options::BatchOptions;
#[cfg(feature = "openai")]
pub use report::BatchReport;
pub use run_batch::{BatchTally, NotFound, RunBatch, RunBatchState};
pub(super) use state::Batches;

use crate::error::Result;
use crate::pipeline::RunFolder;

impl RunFolder {
    /// The batches of the run in order of their numbers, as the run folder knows them; the server is not asked.
    ///
    /// # Errors
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) if `batches.jsonl` cannot be read or is damaged.
    pub fn batches(&self) -> Result<Vec<RunBatch>> {
        Ok(Batches::read(self.path())?.into_batches())
    }
}
