//! Sends what has no answer yet, and journals what comes back.

use std::future;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Instant;

use futures::stream::{self, StreamExt};

use crate::annotation::RecordSource;
use crate::error::Result;
use crate::llm::{Completion, CompletionRequest, LlmError};
use crate::lock::lock;
use crate::pipeline::batch::Batches;
use crate::pipeline::in_order::InOrder;
use crate::pipeline::journal::{Entry, Failure, Journal, UnitKey};
use crate::pipeline::outputs::Outputs;
use crate::pipeline::run::{Known, known};
use crate::pipeline::unit::Unit;
use crate::pipeline::{Pipeline, RunControl};
use crate::prompt::{Prompt, PromptError, messages_digest};
use crate::reply::Parsed;

/// How many replies may wait at most while the requests that follow them are made.
const AT_ONCE: usize = 32;

/// Sends the units of a run.
pub(super) struct Sender<'a> {
    pipeline: &'a Pipeline,
    control: &'a RunControl,
    journal: Mutex<Journal>,
    batches: &'a Batches,
    outputs: Mutex<InOrder>,
    /// Why every further request would fail.
    stopped: Mutex<Option<LlmError>>,
}

/// What is left when everything is sent.
pub(super) struct Sent {
    pub(super) journal: Journal,
    pub(super) outputs: InOrder,
    /// Why every further request would fail, if that is so.
    pub(super) stopped: Option<LlmError>,
}

/// A unit about which nothing more is asked.
struct Asked {
    number: usize,
    unit: Unit,
    prompt: Result<Prompt, PromptError>,
    /// What the replies hold, as far as that told what to ask next, and the replies.
    replies: (Option<Parsed>, Vec<Completion>),
    /// Why the last call failed.
    failure: Option<LlmError>,
    n_calls: u64,
    /// Whether something is left to be asked.
    is_open: bool,
}

impl<'a> Sender<'a> {
    pub(super) fn new(
        pipeline: &'a Pipeline,
        control: &'a RunControl,
        journal: Journal,
        batches: &'a Batches,
        outputs: Outputs,
    ) -> Self {
        let outputs = Mutex::new(InOrder::new(outputs));
        Self { pipeline, control, journal: Mutex::new(journal), batches, outputs, stopped: Mutex::new(None) }
    }

    pub(super) fn into_sent(self) -> Sent {
        Sent {
            journal: self.journal.into_inner().unwrap_or_else(PoisonError::into_inner),
            outputs: self.outputs.into_inner().unwrap_or_else(PoisonError::into_inner),
            stopped: self.stopped.into_inner().unwrap_or_else(PoisonError::into_inner),
        }
    }

    /// Sends every unit that has no answer; of several errors the first one counts. Calls in flight are waited for.
    /// Returns how many units there are, if it got to the last one.
    pub(super) async fn send_all(&self, source: &dyn RecordSource) -> Result<Option<usize>> {
        let units = self.pipeline.all_units(source.records()).take_while(|_| !self.control.is_stopping());
        let calls = stream::iter(units.enumerate()).map(|(number, unit)| async move { self.send(number, unit?).await });
        let mut calls = std::pin::pin!(calls.buffer_unordered(self.pipeline.concurrency).ready_chunks(AT_ONCE));
        let mut n_units = 0;
        let mut result = Ok(());
        while let Some(ended) = calls.next().await {
            // What took their places goes out before anything is made of the replies.
            give_way().await;
            n_units += ended.len();
            for asked in ended {
                if let Err(error) = asked.and_then(|asked| self.conclude(asked)) {
                    self.control.stop();
                    result = result.and(Err(error));
                }
            }
        }
        result.map(|()| Some(n_units).filter(|_| !self.control.is_stopping()))
    }

    /// Makes of the replies what they hold, and writes it.
    fn conclude(&self, asked: Asked) -> Result<()> {
        let Asked { number, unit, prompt, mut replies, failure, n_calls, is_open } = asked;
        let result = match prompt {
            Err(error) => self.pipeline.without_prompt(&unit, error),
            Ok(_) if is_open => self.pipeline.journaled(&unit, &mut self.journal())?,
            Ok(prompt) => {
                if replies.0.is_none() {
                    let mut exchange = self.pipeline.exchange(&unit, &prompt);
                    replies.1.into_iter().for_each(|completion| exchange.take(completion));
                    replies = exchange.into_parts();
                }
                self.pipeline.conclude(&unit, &prompt, replies, failure)
            }
        };
        lock(&self.outputs).add(number, &result)?;
        if let Some(task) = self.control.progress().task(unit.task_index).filter(|_| !is_open) {
            task.done += 1;
            task.done_before += u64::from(n_calls == 0);
            task.failed += u64::from(result.error.is_some());
        }
        Ok(())
    }

    /// Sends a unit's prompt and follow-ups, as far as the journal has no answers.
    async fn send(&self, number: usize, unit: Unit) -> Result<Asked> {
        let prompt = self.pipeline.prompt(&unit);
        let mut asked =
            Asked { number, unit, prompt, replies: (None, Vec::new()), failure: None, n_calls: 0, is_open: false };
        self.change(&asked.unit, 1);
        let result = self.ask(&mut asked).await;
        self.change(&asked.unit, -1);
        result.map(|()| asked)
    }

    fn change(&self, unit: &Unit, in_flight: i64) {
        if let Some(task) = self.control.progress().task(unit.task_index) {
            task.in_flight = task.in_flight.saturating_add_signed(in_flight);
        }
    }

    async fn ask(&self, asked: &mut Asked) -> Result<()> {
        let (unit, Ok(prompt)) = (&asked.unit, &asked.prompt) else { return Ok(()) };
        let mut exchange = self.pipeline.exchange(unit, prompt);
        let mut unread = None;
        while let Some(request) = exchange.next_request(self.pipeline.parameters(unit)) {
            let key = UnitKey::new(&prompt.image_id, &prompt.task, exchange.turn());
            // The journal is free again before anything is waited for.
            let known = known(&mut self.journal(), key, prompt, exchange.turn(), &request)?;
            let answer = match known {
                Known::Completion(completion) => Some(Ok(completion)),
                Known::Failure(error) => Some(Err(error)),
                // What is in a batch has been sent already.
                Known::Nothing if self.control.is_stopping() || self.batches.holds(key) => {
                    asked.is_open = true;
                    return Ok(());
                }
                Known::Nothing => {
                    asked.n_calls += 1;
                    self.call(unit, key, prompt, exchange.turn(), &request).await?
                }
            };
            match answer {
                // Nothing more is asked whatever it says, so that reading it can wait.
                Some(Ok(completion)) if self.pipeline.top_ups == 0 => {
                    unread = Some(completion);
                    break;
                }
                Some(Ok(completion)) => exchange.take(completion),
                Some(Err(error)) => {
                    asked.failure = Some(error);
                    break;
                }
                None => break,
            }
        }
        asked.replies = exchange.into_parts();
        asked.replies.1.extend(unread);
        Ok(())
    }

    /// Makes one call and journals how it went.
    async fn call(
        &self,
        unit: &Unit,
        key: UnitKey,
        prompt: &Prompt,
        turn: usize,
        request: &CompletionRequest,
    ) -> Result<Option<Result<Completion, LlmError>>> {
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
                    lock(&self.stopped).get_or_insert(error);
                }
            }
        }
        self.journal().append(key, &entry)?;
        Ok(entry.into_answer())
    }

    fn journal(&self) -> MutexGuard<'_, Journal> {
        lock(&self.journal)
    }
}

/// Lets whatever else runs in this thread have its turn, such as the connections through which the next request goes out.
async fn give_way() {
    let mut has_waited = false;
    future::poll_fn(|context| {
        if std::mem::replace(&mut has_waited, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
