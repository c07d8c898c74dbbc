//! Records × tasks through a language model, with bounded concurrency and an account of every unit.
//!
//! [`Pipeline::stream`] is a stream of results in order of completion, on any executor. [`Pipeline::run`] writes to a
//! run folder: every completion is journaled before it is read, a killed run goes on where it stopped, and the outputs
//! are in order of image and task whatever the order of arrival. Start with [`Pipeline`].

mod batch;
mod builder;
mod contents;
mod control;
mod estimate;
mod folder;
mod in_order;
mod journal;
mod ledger;
mod lock;
mod manifest;
mod outputs;
mod progress;
mod reparse;
mod run;
mod send;
mod unit;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::stream::{self, Stream, StreamExt};

#[cfg(feature = "openai")]
pub use batch::{BatchOptions, BatchReport};
pub use batch::{BatchTally, NotFound, RunBatch, RunBatchState};
pub use builder::PipelineBuilder;
pub use contents::{Call, CallFailure, UnitIssue, UnitSummary};
pub use control::RunControl;
pub use estimate::{RunEstimate, TaskEstimate};
pub use folder::RunFolder;
pub use journal::Compaction;
pub use ledger::{Ledger, TaskLedger};
pub use progress::{Phase, Snapshot, TaskProgress};
pub use reparse::{Reparse, ReparsedTask};
pub use unit::{UnitResult, UnitState};

use crate::annotation::ImageRecord;
use crate::error::Result;
use crate::llm::{LlmClient, Parameters};
use crate::pipeline::unit::Unit;
use crate::prompt::PromptOptions;
use crate::reply::{Policy, ReplyParser};
use crate::task::Task;

/// Tasks, a client and everything that decides what becomes of a record.
///
/// # Example
/// ```
/// use futures::{StreamExt, executor::block_on};
/// use svitgen::{ImageRecord, Pipeline, Task, UnitBox, llm::MockLlm, pipeline::UnitState};
/// let record = ImageRecord::builder(1).object("dog", UnitBox::new(0.1, 0.2, 0.5, 0.9)?).build();
/// let pipeline = Pipeline::builder(MockLlm::function(|_| "A dog.")).task(Task::detail_description()).build()?;
/// let results: Vec<_> = block_on(pipeline.stream([Ok(record)]).collect());
/// let result = results.into_iter().next().ok_or("no result")??;
/// assert_eq!(result.state, UnitState::Accepted);
/// assert!(result.sample.is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Pipeline {
    client: Arc<dyn LlmClient>,
    tasks: Arc<[TaskRow]>,
    prompt_options: PromptOptions,
    policy: Policy,
    concurrency: usize,
    limit: Option<usize>,
    top_ups: usize,
    lints: bool,
}

/// A task, how its requests are to be completed, and what reads the replies.
#[derive(Clone, Debug)]
struct TaskRow {
    task: Task,
    parameters: Parameters,
    parser: ReplyParser,
}

impl Pipeline {
    /// Starts a pipeline that asks `client`.
    pub fn builder(client: impl LlmClient + 'static) -> PipelineBuilder {
        PipelineBuilder::new(Arc::new(client))
    }

    /// The tasks, in the order in which each image goes through them.
    pub fn tasks(&self) -> impl Iterator<Item = &Task> {
        self.tasks.iter().map(|row| &row.task)
    }

    /// One result for each record and task, in order of completion, with as many calls at a time as the concurrency
    /// allows.
    ///
    /// An error of `records` comes through as it is, and ends the stream unless `records` goes on. Calls that fail are
    /// results ([`UnitState::Failed`]); if one would fail for every further request (quota, credentials, unknown model)
    /// the remaining units come as [`UnitState::Pending`], without a call.
    pub fn stream<'a>(
        &'a self,
        records: impl IntoIterator<Item = Result<ImageRecord>, IntoIter: Send + 'a>,
    ) -> impl Stream<Item = Result<UnitResult>> + Send + 'a {
        let units = self.all_units(records.into_iter());
        let stop = Arc::new(AtomicBool::new(false));
        let results = stream::iter(units).map(move |unit| {
            let stop = stop.clone();
            async move { Ok(self.ask(unit?, &stop).await) }
        });
        results.buffer_unordered(self.concurrency)
    }

    async fn ask(&self, unit: Unit, stop: &AtomicBool) -> UnitResult {
        let prompt = match self.prompt(&unit) {
            Ok(prompt) => prompt,
            Err(error) => return self.without_prompt(&unit, error),
        };
        let mut exchange = self.exchange(&unit, &prompt);
        let mut error = None;
        while let Some(request) =
            exchange.next_request(self.parameters(&unit)).filter(|_| !stop.load(Ordering::Relaxed))
        {
            match self.client.complete(&request).await {
                Ok(completion) => exchange.take(completion),
                Err(failure) => {
                    stop.fetch_or(failure.kind().stops_run(), Ordering::Relaxed);
                    error = Some(failure);
                    break;
                }
            }
        }
        self.conclude(&unit, &prompt, exchange.into_parts(), error)
    }

    /// The units of all records, as far as the limit allows.
    fn all_units<'a>(
        &'a self,
        records: impl Iterator<Item = Result<ImageRecord>> + Send + 'a,
    ) -> impl Iterator<Item = Result<Unit>> + Send + 'a {
        records.take(self.limit.unwrap_or(usize::MAX)).flat_map(|record| self.units(record))
    }

    /// The units of one record, or its error.
    fn units(&self, record: Result<ImageRecord>) -> impl Iterator<Item = Result<Unit>> + Send + use<> {
        let n_tasks = self.tasks.len();
        let (record, error) = match record {
            Ok(record) => (Some(Arc::new(record)), None),
            Err(error) => (None, Some(Err(error))),
        };
        let units = record.into_iter().flat_map(move |record| {
            (0..n_tasks).map(move |task_index| Ok(Unit { record: record.clone(), task_index }))
        });
        units.chain(error)
    }
}

impl fmt::Debug for Pipeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tasks: Vec<&str> = self.tasks().map(Task::name).collect();
        f.debug_struct("Pipeline").field("client", &self.client).field("tasks", &tasks).finish_non_exhaustive()
    }
}
