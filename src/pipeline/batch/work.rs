//! What submitting and collecting have in common: the files of a run, and the account of what was done.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::annotation::RecordSource;
use crate::digest::Digester;
use crate::error::{Error, ErrorKind, Result};
use crate::llm::{BatchApi, LlmError};
use crate::pipeline::batch::state::{BatchFile, Line, Request};
use crate::pipeline::batch::{BatchTally, RunBatchState};
use crate::pipeline::journal::{Entry, Failure, Journal, UnitKey};
use crate::pipeline::lock::Lock;
use crate::pipeline::{Ledger, Pipeline, manifest};

/// How batches are made.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BatchOptions {
    pub(super) max_requests: usize,
    pub(super) max_bytes: u64,
}

impl Default for BatchOptions {
    /// As large as the service allows.
    fn default() -> Self {
        Self { max_requests: BatchApi::MAX_LINES, max_bytes: BatchApi::MAX_BYTES }
    }
}

impl BatchOptions {
    /// Sets how many requests a batch has at most: 1 to 50,000, which is the default.
    #[must_use]
    pub fn with_max_requests(mut self, n: usize) -> Self {
        self.max_requests = n.clamp(1, BatchApi::MAX_LINES);
        self
    }

    /// Sets how many bytes a file has at most, up to 200,000,000, which is the default; a single request may have more.
    #[must_use]
    pub fn with_max_bytes(mut self, n: u64) -> Self {
        self.max_bytes = n.min(BatchApi::MAX_BYTES);
        self
    }
}

/// What one call about batches has done, and what is left.
///
/// [`Display`](fmt::Display) prints it in a few lines.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct BatchReport {
    /// Batches that were created on the server.
    pub created: u64,
    /// Batches that a process had created before it ended, and that were found again.
    pub found: u64,
    /// Batches that the server did not take; their requests are free to be sent again.
    pub abandoned: u64,
    /// Requests in the batches that were created or found.
    pub submitted: u64,
    /// Batches whose results are in the journal now.
    pub collected: u64,
    /// What came of the requests of these.
    pub tally: BatchTally,
    /// Batches that are open still.
    pub open: u64,
    /// Requests in these.
    pub open_requests: u64,
    /// The account of the run, after collecting.
    pub ledger: Option<Ledger>,
}

/// The files of a run whose batches are worked on.
pub(super) struct Work<'a> {
    pub(super) pipeline: &'a Pipeline,
    pub(super) api: &'a BatchApi,
    pub(super) folder: PathBuf,
    pub(super) journal: Journal,
    pub(super) state: BatchFile,
    pub(super) report: BatchReport,
    _lock: Lock,
}

impl<'a> Work<'a> {
    pub(super) fn open(
        pipeline: &'a Pipeline,
        source: &dyn RecordSource,
        folder: &Path,
        api: &'a BatchApi,
    ) -> Result<Self> {
        fs::create_dir_all(folder).map_err(|error| Error::io("create", folder, error))?;
        let lock = Lock::take(folder)?;
        manifest::agree(folder, pipeline, source)?;
        let manifest = folder.join("run.json");
        let manifest = fs::read(&manifest).map_err(|error| Error::io("read", &manifest, error))?;
        let state = BatchFile::open(folder, || {
            // Runs with the same options are told apart by their places.
            let mut digester = Digester::default();
            digester.update(&manifest);
            let place = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
            digester.update(place.as_os_str().as_encoded_bytes());
            digester.finish()
        })?;
        let journal = Journal::open(folder)?;
        let (folder, report) = (folder.to_owned(), BatchReport::default());
        Ok(Self { pipeline, api, folder, journal, state, report, _lock: lock })
    }

    /// The file of a batch, as long as the server may need it.
    pub(super) fn path(&self, number: u32) -> PathBuf {
        self.folder.join("batches").join(format!("{number}.jsonl"))
    }

    /// Numbers of the open batches in these states.
    pub(super) fn numbers(&self, states: &[RunBatchState]) -> Vec<u32> {
        let is_wanted = |number: &u32| self.state.batch(*number).is_some_and(|batch| states.contains(&batch.state));
        self.state.batches.open_numbers().filter(is_wanted).collect()
    }

    /// Ends a batch of which there are no results: requests without an answer have failed.
    pub(super) fn fail(&mut self, number: u32, error: &LlmError) -> Result<u64> {
        let mut n_failed = 0;
        for key in self.state.keys(number) {
            if let Some(request) = self.state.request(number, key)? {
                if !self.has_answer(number, key)? {
                    self.answer(number, key, request, |entry| entry.failure = Some(Failure::from(error)))?;
                }
                n_failed += 1;
            }
        }
        Ok(n_failed)
    }

    /// Whether the journal has what came of a request of a batch.
    pub(super) fn has_answer(&mut self, number: u32, key: UnitKey) -> Result<bool> {
        let Some(answer) = self.journal.answer(key) else { return Ok(false) };
        let entry = self.journal.read(answer)?;
        Ok(entry.is_some_and(|entry| entry.batch == Some(number)))
    }

    /// Writes a line about a request to the journal.
    pub(super) fn answer(
        &mut self,
        number: u32,
        key: UnitKey,
        request: Request,
        end: impl FnOnce(&mut Entry),
    ) -> Result<()> {
        let Request { image_id, task, turn, prompt } = request;
        let batch = Some(number);
        let mut entry =
            Entry { image_id, task, turn, prompt, batch, latency_ms: None, completion: None, failure: None };
        end(&mut entry);
        self.journal.append(key, &entry)
    }

    /// Gives up a batch that the server does not take.
    pub(super) fn abandon(&mut self, number: u32, error: &LlmError) -> Result<()> {
        // Only requests that have been announced can have failed.
        if self.n_announced(number) > 0 {
            self.announce(number)?;
            self.fail(number, error)?;
        }
        self.journal.sync()?;
        self.state.append([Line::Abandoned { number, reason: error.to_string() }])?;
        self.report.abandoned += 1;
        self.remove(number);
        Ok(())
    }

    /// Says in the journal that the requests of a batch are about to be sent, as far as it has not been said.
    pub(super) fn announce(&mut self, number: u32) -> Result<()> {
        let n_announced = self.n_announced(number);
        for key in self.state.keys(number).into_iter().skip(usize::try_from(n_announced).unwrap_or(usize::MAX)) {
            if let Some(request) = self.state.request(number, key)? {
                self.answer(number, key, request, |_| {})?;
            }
        }
        self.journal.sync()
    }

    fn n_announced(&self, number: u32) -> u64 {
        self.journal.batched(number).map(|(_, counts)| counts.requests).sum()
    }

    /// Removes the file of a batch; one that stays does no harm.
    pub(super) fn remove(&self, number: u32) {
        let _ = fs::remove_file(self.path(number));
    }

    pub(super) fn into_report(mut self) -> BatchReport {
        for number in self.state.batches.open_numbers() {
            self.report.open += 1;
            self.report.open_requests += self.state.batch(number).map_or(0, |batch| batch.requests);
        }
        self.report
    }
}

pub(super) fn failure(action: String) -> impl FnOnce(LlmError) -> Error {
    move |source| ErrorKind::Batch { action, source }.into()
}

impl fmt::Display for BatchReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { created, found, submitted, collected, tally, .. } = self;
        if created + found > 0 {
            write!(f, "batches created: {created}, with {submitted} requests")?;
            writeln!(f, "{}", if *found > 0 { format!("; found again: {found}") } else { String::new() })?;
        }
        if self.abandoned > 0 {
            writeln!(f, "batches that the server did not take: {}", self.abandoned)?;
        }
        if *collected > 0 {
            writeln!(
                f,
                "batches collected: {collected}, with {} completions; failed or expired: {}; missing: {}",
                tally.completions, tally.failures, tally.missing
            )?;
            if tally.duplicates + tally.garbage + tally.unknown > 0 {
                writeln!(
                    f,
                    "passed over in the results: {} doubled, {} garbage, {} of other requests",
                    tally.duplicates, tally.garbage, tally.unknown
                )?;
            }
        }
        writeln!(f, "batches open: {}, with {} requests", self.open, self.open_requests)
    }
}
