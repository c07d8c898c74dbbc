//! Prompts made again and replies read again, as the run did it.

use serde_json::Value;

use crate::annotation::ImageRecord;
use crate::error::Result;
use crate::llm::{Completion, FinishReason};
use crate::pipeline::{Call, RunFolder};
use crate::prompt::{Prompt, PromptOptions};
use crate::reply::{Parsed, Policy, ReplyContext, ReplyEnd, ReplyParser};
use crate::task::Task;

/// What reads the replies of a run once more, to show what is what in them.
#[derive(Debug)]
pub(super) struct Replay {
    rows: Vec<(Task, ReplyParser)>,
    options: PromptOptions,
}

/// A prompt that was made again.
#[derive(Debug)]
pub(super) struct PromptAgain {
    pub(super) prompt: Prompt,
    /// Whether it is the one that was sent, by its digest; `None` if nothing was sent.
    pub(super) is_as_sent: Option<bool>,
}

impl Replay {
    /// By the manifest of the run. A task that is not as it was in the run is left out: it would find other items.
    pub(super) fn new(run: &RunFolder, tasks: Vec<Task>) -> Result<Self> {
        let mut manifest = run.manifest()?;
        let mut value = |key: &str| manifest.get_mut(key).map(Value::take).unwrap_or_default();
        let policy: Policy = serde_json::from_value(value("policy")).unwrap_or_default();
        let options = serde_json::from_value(value("prompt")).unwrap_or_default();
        let known = value("tasks");
        let is_known = |task: &Task| known.get(task.name()).is_some_and(|then| *then == task.manifest());
        let row = |task: Task| (task.clone(), task.parser(policy.clone()));
        Ok(Self { rows: tasks.into_iter().filter(is_known).map(row).collect(), options })
    }

    fn row(&self, task: &str) -> Option<&(Task, ReplyParser)> {
        self.rows.iter().find(|(known, _)| known.name() == task)
    }

    /// The prompt about a record; `None` if there is none.
    pub(super) fn prompt(&self, record: &ImageRecord, task: &str, calls: &[Call]) -> Option<PromptAgain> {
        let prompt = Prompt::new(record, &self.row(task)?.0, &self.options).ok()?;
        let sent = calls.iter().find(|call| call.turn == 0);
        let is_as_sent = sent.map(|call| call.prompt == prompt.digest());
        Some(PromptAgain { prompt, is_as_sent })
    }

    /// What a reply holds on its own; `None` if the task is not known.
    pub(super) fn parse(&self, task: &str, completion: &Completion, prompt: Option<&Prompt>) -> Option<Parsed> {
        let parser = &self.row(task)?.1;
        let end = match completion.finish_reason {
            FinishReason::Length => ReplyEnd::Cut,
            FinishReason::ContentFilter => ReplyEnd::Filtered,
            _ => ReplyEnd::Whole,
        };
        Some(match prompt {
            Some(prompt) => prompt.parse(completion, parser),
            None => parser.parse(&completion.text, &ReplyContext::default().with_end(end)),
        })
    }
}
