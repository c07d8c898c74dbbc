//! A record and a task → the messages for a language model.
//!
//! [`Prompt::new`] writes the annotations as text, fills in the task's template, and says what it left out.
//! [`Prompt::parse`] and [`Prompt::sample`] lead from the completion to a sample. The same record, task and options give
//! the same prompt, byte for byte.
//!
//! This module knows no network, no clock and no files. Start with [`Prompt`].

mod context;
mod exchange;
mod follow_up;
mod merge;
mod options;
mod report;
mod sample;
mod text;

pub use exchange::Exchange;
pub use options::PromptOptions;
pub use report::{LeftOut, LeftOutReason, PromptReport};

use crate::annotation::{ImageId, ImageRecord};
use crate::bbox::NamedBox;
use crate::choice::Choices;
use crate::digest::Digest;
pub(crate) use crate::llm::messages_digest;
use crate::llm::{CompletionRequest, Message, Parameters, ResponseFormat};
use crate::prompt::context::Context;
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
    /// # Errors
    /// - [`PromptError::NoAnnotations`] if there is nothing to show, or nothing to point at in a task that points.
    /// - [`PromptError::Template`] if the template fails on this image.
    pub fn new(record: &ImageRecord, task: &Task, options: &PromptOptions) -> Result<Self, PromptError> {
        let context = Context::new(record, task, options);
        let image_id = record.image.id.clone();
        // Without a box there is nothing to point at.
        if context.is_empty() || (task.is_grounded() && context.boxes.is_empty()) {
            return Err(PromptError::NoAnnotations { image: image_id, report: context.report });
        }
        let id_text = image_id.to_string();
        let asked = task.form().asked();
        let size = record.image.size;
        let variables = TemplateVariables {
            annotations: &context.annotations,
            sections: context.sections(),
            n_pairs: asked.pairs.unwrap_or(0),
            n_conversations: asked.conversations.unwrap_or(0),
            is_json: task.is_json(),
            cites_numbers: task.cites_numbers(),
            image_id: &id_text,
            width: size.map_or(0, |size| size.width()),
            height: size.map_or(0, |size| size.height()),
        };
        let messages = task.template().render(&variables).map_err(|source| PromptError::Template {
            task: task.name().to_owned(),
            image: image_id.clone(),
            source,
        })?;
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
