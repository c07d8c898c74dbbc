//! What submitting and collecting have in common: the files of a run.

use std::fs;
use std::path::{Path, PathBuf};

use crate::annotation::RecordSource;
use crate::digest::Digester;
use crate::error::{Error, ErrorKind, Result};
use crate::llm::{BatchApi, LlmError, Totals};
use crate::pipeline::batch::file::BatchFile;
use crate::pipeline::batch::lines::{Line, Request};
use crate::pipeline::batch::{BatchOptions, BatchReport, RunBatchState};
use crate::pipeline::journal::{Entry, Failure, Journal, UnitKey};
use crate::pipeline::lock::Lock;
use crate::pipeline::{Pipeline, manifest};

/// The files of a run whose batches are worked on.
pub(super) struct Work<'a> {
    pub(super) pipeline: &'a Pipeline,
    pub(super) api: &'a BatchApi,
    pub(super) options: &'a BatchOptions,
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
        options: &'a BatchOptions,
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
        Ok(Self { pipeline, api, options, folder, journal, state, report, _lock: lock })
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
        let Request { image_id, task, turn, prompt, .. } = request;
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
        self.settle(number, Totals::default())?;
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
