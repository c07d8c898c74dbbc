//! From the results of batches to the journal.

use std::collections::HashSet;
use std::path::Path;

use futures::StreamExt;

use crate::annotation::RecordSource;
use crate::error::Result;
use crate::llm::{Batch, BatchApi, BatchResult, BatchStatus, LlmError, LlmErrorKind, Totals};
use crate::pipeline::Pipeline;
use crate::pipeline::batch::lines::Line;
use crate::pipeline::batch::work::{Work, failure};
use crate::pipeline::batch::{BatchOptions, BatchReport, BatchTally, NotFound, RunBatch, RunBatchState};
use crate::pipeline::in_order::InOrder;
use crate::pipeline::journal::{Failure, UnitKey};
use crate::pipeline::outputs::Outputs;

impl Pipeline {
    /// Fetches the results of the batches that have ended, journals them and writes the outputs as
    /// [`run`](Self::run) does; the others stay open. Whatever a batch brought nothing for is submitted by the next
    /// [`submit_batches`](Self::submit_batches), or sent by the next run.
    ///
    /// Results come in any order; those that are doubled count once, and garbage is passed over and counted. A batch that
    /// the server says at two looks that it does not know is lost, and so is one whose results it no longer has: its
    /// requests may have been billed, and are open again. Of a server that knows nothing of the run this is not believed,
    /// unless [`BatchOptions::with_unknown_given_up`] says so.
    ///
    /// # Errors
    /// Those of [`submit_batches`](Self::submit_batches).
    pub async fn collect_batches(
        &self,
        source: &dyn RecordSource,
        folder: impl AsRef<Path>,
        api: &BatchApi,
    ) -> Result<BatchReport> {
        self.collect_batches_with(source, folder, api, &BatchOptions::default()).await
    }

    /// As [`collect_batches`](Self::collect_batches), with an account to charge, or batches to give up.
    ///
    /// # Errors
    /// Those of [`submit_batches_with`](Self::submit_batches_with).
    pub async fn collect_batches_with(
        &self,
        source: &dyn RecordSource,
        folder: impl AsRef<Path>,
        api: &BatchApi,
        options: &BatchOptions,
    ) -> Result<BatchReport> {
        let mut work = Work::open(self, source, folder.as_ref(), api, options)?;
        let mut result = Ok(());
        for number in work.numbers(&[RunBatchState::Created]) {
            // A batch that cannot be fetched holds up no other.
            result = result.and(work.collect(number).await);
        }
        let outputs = InOrder::new(Outputs::create(folder.as_ref(), self.tasks())?);
        let ledger = outputs.finish(self, source, &mut work.journal, &work.state.batches, None)?;
        work.report.ledger = Some(ledger);
        result.map(|()| work.into_report())
    }
}

/// What the results of one batch have told so far.
#[derive(Default)]
pub(super) struct Told {
    pub(super) keys: HashSet<UnitKey>,
    tally: BatchTally,
    /// What they took, if an account is charged.
    pub(super) spent: Totals,
}

impl Work<'_> {
    async fn collect(&mut self, number: u32) -> Result<()> {
        let Some(batch) = self.state.batch(number).cloned() else { return Ok(()) };
        let Some(on_server) = self.look(&batch).await? else { return Ok(()) };
        if !on_server.status.is_final() {
            return Ok(());
        }
        let mut told = Told::default();
        if on_server.status == BatchStatus::Failed {
            told.tally.failures = self.fail(number, &not_accepted(&on_server))?;
            return self.close(number, told, Totals::default());
        }
        let mut is_whole = true;
        for file in [&on_server.output_file, &on_server.error_file].into_iter().flatten() {
            is_whole &= self.read(&batch, file, &mut told).await?;
        }
        if !is_whole {
            return self.miss(number, NotFound::Results, told);
        }
        told.tally.missing = batch.requests.saturating_sub(told.keys.len() as u64);
        let spent = self.spent(number, &told)?;
        self.close(number, told, spent)
    }

    /// Takes the results in a file of the server's; false if it does not have the file.
    async fn read(&mut self, batch: &RunBatch, file: &str, told: &mut Told) -> Result<bool> {
        let mut results = std::pin::pin!(self.api.results_in(&[file]));
        while let Some(result) = results.next().await {
            match result {
                Ok(result) => self.take(batch, result, told)?,
                Err(error) if error.kind() == LlmErrorKind::NotFound => return Ok(false),
                Err(error) => return Err(failure(format!("fetch the results of batch {}", batch.number))(error)),
            }
        }
        Ok(true)
    }

    fn take(&mut self, batch: &RunBatch, result: BatchResult, told: &mut Told) -> Result<()> {
        let number = batch.number;
        let Some(custom_id) = result.custom_id else {
            told.tally.garbage += 1;
            return Ok(());
        };
        let key: Option<UnitKey> = custom_id.parse().ok();
        let request = match key {
            Some(key) => self.state.request(number, key)?.map(|request| (key, request)),
            None => None,
        };
        let Some((key, request)) = request else {
            told.tally.unknown += 1;
            return Ok(());
        };
        if !told.keys.insert(key) {
            told.tally.duplicates += 1;
            return Ok(());
        }
        match &result.result {
            Ok(_) => told.tally.completions += 1,
            Err(_) => told.tally.failures += 1,
        }
        if let (Some(account), Some(bound)) = (&self.options.account, &request.bound) {
            account.add_result(&mut told.spent, batch.model.as_deref(), bound, &result.result);
        }
        // An earlier process may have ended amid the results.
        if self.has_answer(number, key)? {
            return Ok(());
        }
        self.answer(number, key, request, |entry| match result.result {
            Ok(completion) => entry.completion = Some(completion),
            Err(error) => entry.failure = Some(Failure::from(&error)),
        })
    }

    fn close(&mut self, number: u32, told: Told, spent: Totals) -> Result<()> {
        // What is closed is never looked at again, so what it brought must be on the disk.
        self.journal.sync()?;
        self.settle(number, spent)?;
        self.state.append([Line::Collected { number, tally: told.tally }])?;
        self.report.collected += 1;
        self.report.tally.add(&told.tally);
        Ok(())
    }

    /// Gives up what a batch has not brought yet, if the look before found no more.
    pub(super) fn miss(&mut self, number: u32, what: NotFound, mut told: Told) -> Result<()> {
        let before = self.state.batch(number).and_then(|batch| batch.not_found);
        let is_given_up = what == NotFound::Batch && self.options.gives_up_unknown;
        if before != Some(what) && !is_given_up {
            self.report.unknown += 1;
            return self.state.append([Line::NotFound { number, what }]);
        }
        for key in self.state.keys(number) {
            told.tally.missing += u64::from(!self.has_answer(number, key)?);
        }
        let spent = self.spent(number, &told)?;
        self.journal.sync()?;
        self.settle(number, spent)?;
        self.state.append([Line::Lost { number, tally: told.tally }])?;
        self.report.lost += 1;
        self.report.tally.add(&told.tally);
        Ok(())
    }
}

/// Of a batch that was not accepted nothing was processed; what is wrong may be mended before it is sent again.
fn not_accepted(batch: &Batch) -> LlmError {
    let reasons = batch.errors.join("; ");
    let reason = if reasons.is_empty() { "the server gives no reason" } else { &reasons };
    LlmError::new(LlmErrorKind::Transient, format!("batch {} was not accepted: {reason}", batch.id))
}
