//! One image for one task: the unit of work, and what becomes of it.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::annotation::{ImageId, ImageRecord};
use crate::lint::Lint;
use crate::llm::{Completion, LlmError, LlmErrorKind, Parameters};
use crate::pipeline::Pipeline;
use crate::prompt::{Exchange, Prompt, PromptError, PromptReport};
use crate::reply::{Outcome, Parsed};
use crate::sample::Sample;

/// One image for one task.
#[derive(Debug)]
pub(super) struct Unit {
    pub(super) record: Arc<ImageRecord>,
    pub(super) task_index: usize,
}

/// What became of one image for one task: each unit is in exactly one of these states.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UnitState {
    /// There is a sample of the whole reply.
    Accepted,
    /// There is a sample of a part of the reply, or one with defects.
    Partial,
    /// The reply could not be used, or there was nothing to ask about.
    Rejected,
    /// There is no reply, because the call failed.
    Failed,
    /// It has not been asked yet.
    Pending,
}

impl UnitState {
    /// All states in the order of reports.
    pub const ALL: [Self; 5] = [Self::Accepted, Self::Partial, Self::Rejected, Self::Failed, Self::Pending];

    /// The name used in files and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Partial => "partial",
            Self::Rejected => "rejected",
            Self::Failed => "failed",
            Self::Pending => "pending",
        }
    }
}

impl fmt::Display for UnitState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One image for one task, with all that came of it.
#[derive(Debug)]
#[non_exhaustive]
pub struct UnitResult {
    /// The image.
    pub image_id: ImageId,
    /// Name of the task.
    pub task: String,
    /// What became of it.
    pub state: UnitState,
    /// Why it is not accepted: a code of [`IssueCode`](crate::reply::IssueCode), `no_annotations`, `over_budget`,
    /// `template`, or a kind of [`LlmErrorKind`].
    pub cause: Option<String>,
    /// The sample, if anything could be kept.
    pub sample: Option<Sample>,
    /// What the reply holds.
    pub parsed: Option<Parsed>,
    /// What the model returned: to the prompt, then to each follow-up.
    pub completions: Vec<Completion>,
    /// Why the last call failed. Failed follow-ups leave what was accepted before.
    pub error: Option<LlmError>,
    /// What the prompt showed and left out.
    pub prompt_report: PromptReport,
}

impl UnitResult {
    fn new(image_id: ImageId, task: &str, prompt_report: PromptReport) -> Self {
        Self {
            image_id,
            task: task.to_owned(),
            state: UnitState::Pending,
            cause: None,
            sample: None,
            parsed: None,
            completions: Vec::new(),
            error: None,
            prompt_report,
        }
    }

    fn ended(mut self, state: UnitState, cause: Option<String>) -> Self {
        self.state = state;
        self.cause = cause;
        self
    }
}

impl Pipeline {
    pub(super) fn prompt(&self, unit: &Unit) -> Result<Prompt, PromptError> {
        Prompt::new(&unit.record, &self.tasks[unit.task_index].task, &self.prompt_options)
    }

    /// How the completions of a unit are to be made.
    pub(super) fn parameters(&self, unit: &Unit) -> &Parameters {
        &self.tasks[unit.task_index].parameters
    }

    /// The exchange about a unit, before anything is sent.
    pub(super) fn exchange<'p>(&'p self, unit: &Unit, prompt: &'p Prompt) -> Exchange<'p> {
        Exchange::new(prompt, &self.tasks[unit.task_index].parser, self.top_ups)
    }

    /// What becomes of a unit about which nothing can be asked.
    pub(super) fn without_prompt(&self, unit: &Unit, error: PromptError) -> UnitResult {
        let image_id = unit.record.image.id.clone();
        let task = self.tasks[unit.task_index].task.name();
        match error {
            PromptError::NoAnnotations { report, .. } => {
                let result = UnitResult::new(image_id, task, report);
                result.ended(UnitState::Rejected, Some("no_annotations".to_owned()))
            }
            PromptError::OverBudget { .. } => {
                let result = UnitResult::new(image_id, task, PromptReport::default());
                result.ended(UnitState::Failed, Some("over_budget".to_owned()))
            }
            PromptError::Template { .. } => {
                let result = UnitResult::new(image_id, task, PromptReport::default());
                result.ended(UnitState::Failed, Some("template".to_owned()))
            }
        }
    }

    /// What becomes of a unit, from its prompt, what the replies hold and the replies: a pure function.
    pub(super) fn conclude(
        &self,
        unit: &Unit,
        prompt: &Prompt,
        (parsed, completions): (Option<Parsed>, Vec<Completion>),
        error: Option<LlmError>,
    ) -> UnitResult {
        let task = self.tasks[unit.task_index].task.name();
        let mut result = UnitResult::new(unit.record.image.id.clone(), task, prompt.report.clone());
        let failure = error.as_ref().map(LlmError::kind);
        result.error = error;
        let Some(parsed) = parsed else {
            return match failure {
                // It never was on its way.
                None | Some(LlmErrorKind::Interrupted | LlmErrorKind::Budget) => result,
                Some(kind) => result.ended(UnitState::Failed, Some(kind.to_string())),
            };
        };
        result.sample = prompt.sample(&parsed, &completions, &self.policy);
        if let Some(sample) = result.sample.as_mut().filter(|_| self.lints) {
            let lint = Lint::new(&unit.record);
            sample.set_support(|answer| lint.check(answer));
        }
        let state = match parsed.outcome {
            Outcome::Ok => UnitState::Accepted,
            Outcome::Partial => UnitState::Partial,
            Outcome::Reject => UnitState::Rejected,
        };
        let cause = parsed.cause().map(ToString::to_string);
        result.parsed = Some(parsed);
        result.completions = completions;
        result.ended(state, cause)
    }
}
