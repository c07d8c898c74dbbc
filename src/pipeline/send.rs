//! Sends what has no answer yet, and journals what comes back.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use futures::stream::{self, StreamExt};

use crate::annotation::RecordSource;
use crate::error::Result;
use crate::llm::{Completion, CompletionRequest, LlmError};
use crate::lock::lock;
use crate::pipeline::batch::Batches;
use crate::pipeline::journal::{Entry, Failure, Journal, UnitKey};
use crate::pipeline::run::{Known, known};
use crate::pipeline::unit::Unit;
use crate::pipeline::{Pipeline, RunControl};
use crate::prompt::{Prompt, messages_digest};

/// Sends the units of a run.
pub(super) struct Sender<'a> {
    pipeline: &'a Pipeline,
    control: &'a RunControl,
    journal: Mutex<Journal>,
    batches: &'a Batches,
    /// Why every further request would fail.
    stopped: Mutex<Option<LlmError>>,
}

/// How the asking about a unit went.
#[derive(Clone, Copy, Default)]
struct Asked {
    n_calls: u64,
    has_failed: bool,
    /// Whether something is left to be asked.
    is_open: bool,
}

impl<'a> Sender<'a> {
    pub(super) fn new(pipeline: &'a Pipeline, control: &'a RunControl, journal: Journal, batches: &'a Batches) -> Self {
        Self { pipeline, control, journal: Mutex::new(journal), batches, stopped: Mutex::new(None) }
    }

    /// The journal, and why every further request would fail, if that is so.
    pub(super) fn into_parts(self) -> (Journal, Option<LlmError>) {
        let journal = self.journal.into_inner().unwrap_or_else(PoisonError::into_inner);
        (journal, self.stopped.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    /// Sends every unit that has no answer; of several errors the first one counts. Calls in flight are waited for.
    pub(super) async fn send_all(&self, source: &dyn RecordSource) -> Result<()> {
        let limited = source.records().take(self.pipeline.limit.unwrap_or(usize::MAX));
        let units = limited.flat_map(|record| self.pipeline.units(record));
        let units = units.take_while(|_| !self.control.is_stopping());
        let unanswered = units.filter(|unit| unit.as_ref().map_or(true, |unit| self.is_unanswered(unit)));
        let calls = stream::iter(unanswered).map(|unit| async move { self.send(unit?).await });
        let mut calls = std::pin::pin!(calls.buffer_unordered(self.pipeline.concurrency));
        let mut result = Ok(());
        while let Some(call) = calls.next().await {
            if let Err(error) = call {
                self.control.stop();
                result = result.and(Err(error));
            }
        }
        result
    }

    /// Whether there may be something to send; with follow-ups only the replies can tell.
    fn is_unanswered(&self, unit: &Unit) -> bool {
        let task = self.pipeline.tasks[unit.task_index].task.name();
        let answer = self.journal().answer(UnitKey::new(&unit.record.image.id, task, 0));
        let is_unanswered = self.pipeline.top_ups > 0 || answer.is_none_or(|answer| answer.may_pass);
        if !is_unanswered {
            self.count(unit.task_index, Asked::default());
        }
        is_unanswered
    }

    fn count(&self, task_index: usize, asked: Asked) {
        if let Some(task) = self.control.progress().task(task_index).filter(|_| !asked.is_open) {
            task.done += 1;
            task.done_before += u64::from(asked.n_calls == 0);
            task.failed += u64::from(asked.has_failed);
        }
    }

    /// Sends a unit's prompt and follow-ups, as far as the journal has no answers.
    async fn send(&self, unit: Unit) -> Result<()> {
        let mut asked = Asked::default();
        // Units without a prompt are accounted for when the outputs are written.
        if let Ok(prompt) = self.pipeline.prompt(&unit) {
            self.change(&unit, 1);
            let result = self.ask(&unit, &prompt, &mut asked).await;
            self.change(&unit, -1);
            result?;
        }
        self.count(unit.task_index, asked);
        Ok(())
    }

    fn change(&self, unit: &Unit, in_flight: i64) {
        if let Some(task) = self.control.progress().task(unit.task_index) {
            task.in_flight = task.in_flight.saturating_add_signed(in_flight);
        }
    }

    async fn ask(&self, unit: &Unit, prompt: &Prompt, asked: &mut Asked) -> Result<()> {
        let mut exchange = self.pipeline.exchange(unit, prompt);
        while let Some(request) = exchange.next_request(self.pipeline.parameters(unit)) {
            let key = UnitKey::new(&prompt.image_id, &prompt.task, exchange.turn());
            // The journal is free again before anything is waited for.
            let known = known(&mut self.journal(), key, prompt, exchange.turn(), &request)?;
            let completion = match known {
                Known::Completion(completion) => completion,
                Known::Failed => {
                    asked.has_failed = true;
                    return Ok(());
                }
                // What is in a batch has been sent already.
                Known::Nothing if self.control.is_stopping() || self.batches.holds(key) => {
                    asked.is_open = true;
                    return Ok(());
                }
                Known::Nothing => {
                    asked.n_calls += 1;
                    let turn = exchange.turn();
                    match self.call(unit, key, prompt, turn, &request).await? {
                        Some(completion) => completion,
                        None => {
                            asked.has_failed = true;
                            return Ok(());
                        }
                    }
                }
            };
            if self.pipeline.top_ups == 0 {
                return Ok(());
            }
            exchange.take(completion);
        }
        Ok(())
    }

    /// Makes one call and journals it; `None` if it failed.
    async fn call(
        &self,
        unit: &Unit,
        key: UnitKey,
        prompt: &Prompt,
        turn: usize,
        request: &CompletionRequest,
    ) -> Result<Option<Completion>> {
        let mut entry = Entry {
            image_id: prompt.image_id.clone(),
            task: prompt.task.clone(),
            turn,
            prompt: messages_digest(&request.messages),
            batch: None,
            latency_ms: None,
            completion: None,
            failure: None,
        };
        self.journal().append(key, &entry)?;
        event!(image = %entry.image_id, task = entry.task, turn, "request sent");
        let asked = Instant::now();
        let result = self.pipeline.client.complete(request).await;
        entry.latency_ms = u64::try_from(asked.elapsed().as_millis()).ok();
        if let Some(task) = self.control.progress().task(unit.task_index) {
            task.requests += 1;
            task.take(result.as_ref().ok().and_then(|completion| completion.usage));
        }
        match result {
            Ok(completion) => {
                event!(
                    image = %entry.image_id, task = entry.task, turn, ms = entry.latency_ms,
                    finish_reason = ?completion.finish_reason, output_tokens = completion.usage.map(|usage| usage.output_tokens),
                    "request answered"
                );
                entry.completion = Some(completion);
            }
            Err(error) => {
                event!(
                    image = %entry.image_id, task = entry.task, turn, ms = entry.latency_ms, kind = %error.kind(),
                    "request failed"
                );
                entry.failure = Some(Failure::from(&error));
                if error.kind().stops_run() {
                    self.control.stop();
                    let mut stopped = lock(&self.stopped);
                    stopped.get_or_insert(error);
                }
            }
        }
        self.journal().append(key, &entry)?;
        Ok(entry.completion)
    }

    fn journal(&self) -> MutexGuard<'_, Journal> {
        lock(&self.journal)
    }
}
