//! How a pipeline is put together.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use crate::error::{ErrorKind, Result};
use crate::llm::{LlmClient, Parameters};
use crate::pipeline::{Pipeline, TaskRow};
use crate::prompt::PromptOptions;
use crate::reply::Policy;
use crate::task::Task;

/// How often a short reply is topped up unless set.
const TOP_UPS: usize = 2;

/// Calls at a time, unless told otherwise.
const CONCURRENCY: usize = 16;

/// Puts a [`Pipeline`] together; made by [`Pipeline::builder`].
#[derive(Debug)]
#[must_use = "nothing happens before `build`"]
pub struct PipelineBuilder {
    client: Arc<dyn LlmClient>,
    tasks: Vec<(Task, Parameters)>,
    prompt_options: PromptOptions,
    parameters: Parameters,
    policy: Policy,
    concurrency: usize,
    limit: Option<usize>,
    top_ups: usize,
    lints: bool,
}

impl PipelineBuilder {
    pub(super) fn new(client: Arc<dyn LlmClient>) -> Self {
        Self {
            client,
            tasks: Vec::new(),
            prompt_options: PromptOptions::default(),
            parameters: Parameters::default(),
            policy: Policy::default(),
            concurrency: CONCURRENCY,
            limit: None,
            top_ups: TOP_UPS,
            lints: false,
        }
    }

    /// Adds a task.
    pub fn task(self, task: Task) -> Self {
        self.task_with(task, Parameters::default())
    }

    /// Adds a task whose completions are made in another way than the others': what is set here wins over
    /// [`parameters`](Self::parameters), the name of the model for example.
    pub fn task_with(mut self, task: Task, parameters: Parameters) -> Self {
        self.tasks.push((task, parameters));
        self
    }

    /// Adds tasks.
    pub fn tasks(mut self, tasks: impl IntoIterator<Item = Task>) -> Self {
        self.tasks.extend(tasks.into_iter().map(|task| (task, Parameters::default())));
        self
    }

    /// Sets how annotations become text, and the seed.
    pub fn prompt_options(mut self, options: PromptOptions) -> Self {
        self.prompt_options = options;
        self
    }

    /// Sets how completions are made: model, temperature and the like.
    pub fn parameters(mut self, parameters: Parameters) -> Self {
        self.parameters = parameters;
        self
    }

    /// Sets what is done about each issue of a reply.
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// Sets how many calls are made at a time; 16 unless set.
    pub fn concurrency(mut self, n: usize) -> Self {
        self.concurrency = n;
        self
    }

    /// Takes only the first `n` images, in order of their id.
    pub fn limit(mut self, n: usize) -> Self {
        self.limit = Some(n);
        self
    }

    /// Sets how often at most a short reply is topped up: what is accepted stays, and the model is asked for the missing
    /// items alone; 2 unless set. Never after a refusal.
    pub fn top_ups(mut self, n: usize) -> Self {
        self.top_ups = n;
        self
    }

    /// Has each answer held against the annotations of its image ([`Lint`](crate::Lint)): a score and its evidence are
    /// added to the sample, and nothing is dropped.
    pub fn lint(mut self) -> Self {
        self.lints = true;
        self
    }

    /// The pipeline.
    ///
    /// # Errors
    /// [`ErrorKind::Pipeline`] if there is no task, two have one name, or the concurrency is 0.
    pub fn build(self) -> Result<Pipeline> {
        let wrong = |problem: fmt::Arguments<'_>| Err(ErrorKind::Pipeline { problem: problem.to_string() }.into());
        if self.tasks.is_empty() {
            return wrong(format_args!("it has no task; add one with `task`, such as `Task::conversation()`"));
        }
        if self.concurrency == 0 {
            return wrong(format_args!("it makes 0 calls at a time; set `concurrency` to 1 or more"));
        }
        let mut names = BTreeSet::new();
        if let Some((twice, _)) = self.tasks.iter().find(|(task, _)| !names.insert(task.name())) {
            return wrong(format_args!("two tasks are named {}; give each a name of its own", twice.name()));
        }
        let row = |(task, parameters): (Task, Parameters)| TaskRow {
            parser: task.parser(self.policy.clone()),
            parameters: parameters.or(&self.parameters),
            task,
        };
        Ok(Pipeline {
            client: self.client,
            tasks: self.tasks.into_iter().map(row).collect(),
            prompt_options: self.prompt_options,
            policy: self.policy,
            concurrency: self.concurrency,
            limit: self.limit,
            top_ups: self.top_ups,
            lints: self.lints,
        })
    }
}
