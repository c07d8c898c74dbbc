//! A record and a task → the messages for a language model.
//!
//! [`Prompt::new`] writes the annotations as text, fills in the task's template, and says what it left out.
//! [`Prompt::parse`] and [`Prompt::sample`] lead from the completion to a sample. The same record, task and options give
//! the same prompt, byte for byte.
//!
//! This module knows no network, no clock and no files. Start with [`Prompt`].

mod context;
mod exchange;
mod fit;
mod follow_up;
mod lines;
mod merge;
mod options;
mod report;
mod sample;
mod text;

pub use exchange::Exchange;
pub use fit::TokenBudget;
pub use options::PromptOptions;
pub use report::{LeftOut, LeftOutReason, PromptReport};

use crate::annotation::{ImageId, ImageRecord};
use crate::bbox::NamedBox;
use crate::choice::Choices;
use crate::digest::Digest;
pub(crate) use crate::llm::messages_digest;
use crate::llm::{CompletionRequest, Message, Parameters, ResponseFormat};
use crate::prompt::lines::Context;
use crate::task::{Task, TemplateError, TemplateVariables};

/// What is sent to a language model about one image for one task, and what is needed to read its reply.
///
/// # Example
/// ```
/// use svitgen::{ImageRecord, Prompt, PromptOptions, Task, UnitBox};
/// let record = ImageRecord::builder(1).object("dog", UnitBox::new(0.1, 0.2, 0.5, 0.9)?).build();
/// let prompt = Prompt::new(&record, &Task::conversation(), &PromptOptions::default())?;
/// assert!(prompt.messages[1].content.starts_with("Objects:\n- dog: [0.100, 0.200, 0.500, 0.900]\n"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Prompt {
    /// The image.
    pub image_id: ImageId,
    /// Path of the image file below the folder of images.
    pub image: String,
    /// Name of the task.
    pub task: String,
    /// The messages.
    pub messages: Vec<Message>,
    /// Every box that stands in the messages, with its name, in order of appearance.
    pub boxes: Vec<NamedBox>,
    /// What the trained model is asked if the reply has no question of its own.
    pub instruction: Option<String>,
    /// The shape that the reply is held to by servers that can.
    pub response_format: Option<ResponseFormat>,
    /// What was shown, left out and clamped.
    pub report: PromptReport,
    /// Tokens of the messages, by the counter of the budget; `None` without a budget.
    pub n_tokens: Option<usize>,
}

/// Why there is no prompt.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PromptError {
    /// The image has no annotation that this task could show, or no box that it could point at: a model would be asked
    /// about nothing.
    #[error("image {image}: there is no annotation to prompt about")]
    NoAnnotations {
        /// The image.
        image: ImageId,
        /// What was left out.
        report: PromptReport,
    },
    /// Not even one annotation fits into the budget beside the words of the template.
    #[error(
        "task {task}, image {image}: the prompt has {needed} tokens with the shortest annotation alone, and may have \
         {max_tokens}; allow more, or shorten the template"
    )]
    OverBudget {
        /// Name of the task.
        task: String,
        /// The image.
        image: ImageId,
        /// Tokens of the smallest prompt that shows an annotation.
        needed: usize,
        /// Most tokens that the budget allows.
        max_tokens: usize,
    },
    /// The template fails on this image.
    #[error("task {task}, image {image}")]
    Template {
        /// Name of the task.
        task: String,
        /// The image.
        image: ImageId,
        /// What is wrong with the template.
        source: TemplateError,
    },
}

impl Prompt {
    /// The prompt for one image.
    ///
    /// With a budget ([`PromptOptions::with_max_tokens`]) a prompt that is too long is shortened: captions stay longest,
    /// the other annotations by how much they tell; what is dropped is in the report.
    ///
    /// # Errors
    /// - [`PromptError::NoAnnotations`] if there is nothing to show, or nothing to point at in a task that points.
    /// - [`PromptError::OverBudget`] if not even one annotation fits into the budget.
    /// - [`PromptError::Template`] if the template fails on this image.
    pub fn new(record: &ImageRecord, task: &Task, options: &PromptOptions) -> Result<Self, PromptError> {
        let lines = context::lines(record, task, options);
        let mut context = lines.write(task, |_| true);
        let image_id = record.image.id.clone();
        // Without a box there is nothing to point at.
        if context.is_empty() || (task.is_grounded() && context.boxes.is_empty()) {
            return Err(PromptError::NoAnnotations { image: image_id, report: context.report });
        }
        let id_text = image_id.to_string();
        let render = |context: &Context| messages(record, task, &id_text, context);
        let mut messages = render(&context)?;
        let mut n_tokens = None;
        if let Some(budget) = &options.budget {
            match fit::fit(&lines, task, budget, (context, messages), render)? {
                Ok(fitted) => (context, messages, n_tokens) = (fitted.0, fitted.1, Some(fitted.2)),
                Err(needed) => {
                    let (task, max_tokens) = (task.name().to_owned(), budget.max_tokens());
                    return Err(PromptError::OverBudget { task, image: image_id, needed, max_tokens });
                }
            }
        }
        let mut choices = Choices::new(options.seed, [&id_text, task.name()]);
        Ok(Self {
            image_id,
            image: record.image.path(),
            task: task.name().to_owned(),
            messages,
            boxes: context.boxes,
            instruction: task.instructions().map(|pool| pool.draw(&mut choices).to_owned()),
            response_format: task.response_format(),
            report: context.report,
            n_tokens,
        })
    }

    /// The request that sends this prompt.
    pub fn request(&self, parameters: &Parameters) -> CompletionRequest {
        let request = CompletionRequest::new(self.messages.clone()).with_parameters(parameters.clone());
        request.with_response_format(self.response_format.clone())
    }

    /// Digest of the messages.
    pub fn digest(&self) -> Digest {
        messages_digest(&self.messages)
    }
}

/// The template filled in.
fn messages(record: &ImageRecord, task: &Task, image_id: &str, context: &Context) -> Result<Vec<Message>, PromptError> {
    let asked = task.form().asked();
    let size = record.image.size;
    let variables = TemplateVariables {
        annotations: &context.annotations,
        sections: context.sections(),
        n_pairs: asked.pairs.unwrap_or(0),
        n_conversations: asked.conversations.unwrap_or(0),
        is_json: task.is_json(),
        cites_numbers: task.cites_numbers(),
        image_id,
        width: size.map_or(0, |size| size.width()),
        height: size.map_or(0, |size| size.height()),
    };
    task.template().render(&variables).map_err(|source| PromptError::Template {
        task: task.name().to_owned(),
        image: record.image.id.clone(),
        source,
    })
}
