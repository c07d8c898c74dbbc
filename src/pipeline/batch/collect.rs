//! From the results of batches to the journal.

use std::collections::HashSet;
use std::path::Path;

use futures::StreamExt;

use crate::annotation::RecordSource;
use crate::error::Result;
use crate::llm::{Batch, BatchApi, BatchResult, BatchStatus, LlmError, LlmErrorKind};
use crate::pipeline::Pipeline;
use crate::pipeline::batch::state::Line;
use crate::pipeline::batch::work::{BatchReport, Work, failure};
use crate::pipeline::batch::{BatchTally, RunBatchState};
use crate::pipeline::in_order::InOrder;
use crate::pipeline::journal::{Failure, UnitKey};
use crate::pipeline::outputs::Outputs;

impl Pipeline {
    /// Fetches the results of the batches that have ended, journals them and writes the outputs as
    /// [`run`](Self::run) does; the others stay open. Whatever a batch brought nothing for is submitted by the next
    /// [`submit_batches`](Self::submit_batches), or sent by the next run.
    ///
    /// Results come in any order; those that are doubled count once, and garbage is passed over and counted.
    ///
    /// # Errors
    /// Those of [`submit_batches`](Self::submit_batches).
    pub async fn collect_batches(
        &self,
        source: &dyn RecordSource,
        folder: impl AsRef<Path>,
        api: &BatchApi,
    ) -> Result<BatchReport> {
        let mut work = Work::open(self, source, folder.as_ref(), api)?;
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
struct Told {
    keys: HashSet<UnitKey>,
    tally: BatchTally,
}

impl Work<'_> {
    async fn collect(&mut self, number: u32) -> Result<()> {
        let Some(batch) = self.state.batch(number).cloned() else { return Ok(()) };
        let Some(id) = batch.id else { return Ok(()) };
        let api = self.api;
        let on_server = api.batch(&id).await.map_err(failure(format!("ask how batch {number} ({id}) gets on")))?;
        if !on_server.status.is_final() {
            return Ok(());
        }
        let mut told = Told::default();
        if on_server.status == BatchStatus::Failed {
            told.tally.failures = self.fail(number, &not_accepted(&on_server))?;
        } else {
            let mut results = std::pin::pin!(api.results(&on_server));
            while let Some(result) = results.next().await {
                let result = result.map_err(failure(format!("fetch the results of batch {number} ({id})")))?;
                self.take(number, result, &mut told)?;
            }
            told.tally.missing = batch.requests.saturating_sub(told.keys.len() as u64);
        }
        // What is closed is never looked at again, so what it brought must be on the disk.
        self.journal.sync()?;
        self.state.append([Line::Collected { number, tally: told.tally }])?;
        self.report.collected += 1;
        self.report.tally.add(&told.tally);
        Ok(())
    }

    fn take(&mut self, number: u32, result: BatchResult, told: &mut Told) -> Result<()> {
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
        // An earlier process may have ended amid the results.
        if self.has_answer(number, key)? {
            return Ok(());
        }
        self.answer(number, key, request, |entry| match result.result {
            Ok(completion) => entry.completion = Some(completion),
            Err(error) => entry.failure = Some(Failure::from(&error)),
        })
    }
}

/// Of a batch that was not accepted nothing was processed; what is wrong may be mended before it is sent again.
fn not_accepted(batch: &Batch) -> LlmError {
    let reasons = batch.errors.join("; ");
    let reason = if reasons.is_empty() { "the server gives no reason" } else { &reasons };
    LlmError::new(LlmErrorKind::Transient, format!("batch {} was not accepted: {reason}", batch.id))
}
