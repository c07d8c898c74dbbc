//! What is asked, and what is done about the replies.

use std::path::PathBuf;

use svitgen::llm::{LlmClient, Parameters};
use svitgen::task::{InstructionPool, Template};
use svitgen::{Pipeline, PromptOptions, Task};

use crate::commands::{policy, task};
use crate::failure::Failure;
use crate::inputs::Needs;

#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Tasks and replies")]
pub(crate) struct PipelineArgs {
    /// conversation, complex_reasoning, detail_description or referring_qa; all four unless given. Repeatable.
    #[arg(long)]
    task: Vec<String>,
    /// A template of your own for a task, in place of the built-in one. Repeatable.
    #[arg(long, value_name = "TASK=FILE")]
    template: Vec<String>,
    /// Instructions of your own for detail_description, one a line.
    #[arg(long, value_name = "FILE")]
    instructions: Option<PathBuf>,
    /// Ask for JSON by schema instead of labelled text.
    #[arg(long)]
    json_replies: bool,
    /// Have boxes cited by their numbers, so that none can be invented.
    #[arg(long)]
    cite_numbers: bool,
    /// Drop what tells the least until no prompt has more than N tokens.
    #[arg(long, value_name = "N")]
    max_prompt_tokens: Option<usize>,
    /// Seed of all random choices.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// What becomes of each issue: careful, strict, salvage, or a JSON file (see `svitgen policy --help`).
    #[arg(long, value_name = "NAME|FILE", default_value = "careful")]
    policy: String,
    /// How often at most a short reply is asked for what it lacks.
    #[arg(long, value_name = "N", default_value_t = 2)]
    top_ups: usize,
    /// Hold answers against the annotations: a score and its evidence beside each.
    #[arg(long)]
    lint: bool,
}

impl PipelineArgs {
    pub(crate) fn seed(&self) -> u64 {
        self.seed
    }

    /// What of the annotations is looked at.
    pub(crate) fn needs(&self) -> Needs {
        if self.lint { Needs::Everything } else { Needs::Prompts }
    }

    /// The same with another policy.
    pub(crate) fn with_policy(mut self, policy: Option<String>) -> Self {
        self.policy = policy.unwrap_or(self.policy);
        self
    }

    pub(crate) fn build(
        &self,
        client: impl LlmClient + 'static,
        parameters: Parameters,
        concurrency: usize,
        limit: Option<usize>,
    ) -> Result<Pipeline, Failure> {
        let mut options = PromptOptions::default().with_seed(self.seed);
        if let Some(n) = self.max_prompt_tokens {
            options = options.with_max_tokens(n);
        }
        let mut builder = Pipeline::builder(client)
            .tasks(self.tasks()?)
            .prompt_options(options)
            .parameters(parameters)
            .policy(policy::named(&self.policy)?)
            .concurrency(concurrency)
            .top_ups(self.top_ups);
        if self.lint {
            builder = builder.lint();
        }
        if let Some(n) = limit {
            builder = builder.limit(n);
        }
        Ok(builder.build()?)
    }

    fn tasks(&self) -> Result<Vec<Task>, Failure> {
        let tasks = if self.task.is_empty() {
            Task::built_in().into_iter().collect()
        } else {
            self.task.iter().map(|name| task(name)).collect::<Result<Vec<_>, _>>()?
        };
        tasks.into_iter().map(|task| self.adapted(task)).collect()
    }

    fn adapted(&self, mut task: Task) -> Result<Task, Failure> {
        for choice in &self.template {
            let (name, path) = choice.split_once('=').ok_or_else(|| {
                Failure::usage(format_args!(
                    "--template {choice}: write it as TASK=FILE, such as conversation=mine.txt"
                ))
            })?;
            super::super::task(name)?;
            if name == task.name() {
                task = task.with_template(Template::from_file(path)?);
            }
        }
        if let Some(path) = self.instructions.as_ref().filter(|_| task.instructions().is_some()) {
            task = task.with_instructions(InstructionPool::from_file(path)?);
        }
        if self.json_replies {
            task = task.in_json();
        }
        if self.cite_numbers && task.is_grounded() {
            task = task.citing_numbers();
        }
        Ok(task)
    }
}
