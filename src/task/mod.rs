//! What a language model is asked for: a [`Task`] says which annotations it sees, in which words it is asked, in which
//! form it replies, and what its reply is checked for.
//!
//! The four built-in tasks are rows of one table; a task of your own is one more value of the same type. Start with
//! [`Task`].
//!
//! This module knows no images and no network; templates and instruction pools can come from files.

mod built_in;
mod instructions;
mod prepared;
mod sections;
mod template;

use std::sync::Arc;

use serde_json::{Value, json};

pub use instructions::InstructionPool;
pub use sections::{Section, Sections};
pub use template::{Template, TemplateError, TemplateProblem, TemplateVariables};

use crate::error::{ErrorKind, Result};
use crate::llm::ResponseFormat;
use crate::reply::{Check, Grounding, IssueCode, Policy, ReplyForm, ReplyParser, each_item};

/// One thing to ask a language model about every image.
///
/// # Example
/// ```
/// use svitgen::reply::ReplyForm;
/// use svitgen::task::{Section, Sections, Task, Template};
/// let template = Template::new("{{ annotations }}\nAsk {{ n_pairs }} questions about colours.")?;
/// let task = Task::new("colours", template, ReplyForm::QaList { pairs: 5 })?
///     .with_sections(Sections::PLAIN.with(Section::Attributes));
/// assert_eq!(task.name(), "colours");
/// # Ok::<(), svitgen::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Task {
    name: String,
    template: Template,
    sections: Sections,
    form: ReplyForm,
    grounding: Option<Grounding>,
    is_json: bool,
    cites_numbers: bool,
    instructions: Option<InstructionPool>,
    checks: Vec<Arc<dyn Check>>,
}

impl Task {
    /// A task of your own: it sees captions, objects and regions, and does not point.
    ///
    /// The name is used in file names and samples. For [`ReplyForm::Description`] the questions come from the built-in
    /// instructions, unless [`with_instructions`](Self::with_instructions) sets others.
    ///
    /// # Errors
    /// [`ErrorKind::TaskName`] unless the name is 1 to 64 lower-case letters, digits and underscores.
    pub fn new(name: impl Into<String>, template: Template, form: ReplyForm) -> Result<Self> {
        let name = name.into();
        let is_word = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        if name.is_empty() || name.len() > 64 || !is_word {
            return Err(ErrorKind::TaskName { name }.into());
        }
        let instructions = matches!(form, ReplyForm::Description).then(InstructionPool::built_in);
        let sections = Sections::PLAIN;
        Ok(Self {
            name,
            template,
            sections,
            form,
            grounding: None,
            is_json: false,
            cites_numbers: false,
            instructions,
            checks: Vec::new(),
        })
    }

    /// Sets which annotations the model sees.
    #[must_use]
    pub fn with_sections(mut self, sections: Sections) -> Self {
        self.sections = sections;
        self
    }

    /// Sets the words in which the model is asked.
    #[must_use]
    pub fn with_template(mut self, template: Template) -> Self {
        self.template = template;
        self
    }

    /// Sets the form of the reply, and with it how much is asked for.
    #[must_use]
    pub fn with_form(mut self, form: ReplyForm) -> Self {
        self.form = form;
        self
    }

    /// Makes regions come with their boxes, and wants each item to point with `<st>`, `<ed>` and boxes of the prompt.
    #[must_use]
    pub fn grounded(self) -> Self {
        self.grounded_by(Grounding::default())
    }

    /// The same, with boxes held against those of the prompt in a way of your own: another threshold, or snapping.
    #[must_use]
    pub fn grounded_by(mut self, grounding: Grounding) -> Self {
        self.grounding = Some(grounding);
        self
    }

    /// Asks for JSON, and has servers that can hold the reply to the schema of the form
    /// ([`ReplyForm::json_schema`]). The items are the same as those of labelled text. The template is told by its variable
    /// `is_json`.
    #[must_use]
    pub fn in_json(mut self) -> Self {
        self.is_json = true;
        self
    }

    /// Makes the task point, and cite boxes by the numbers that they have in the prompt: `<st>cup<ed> [#3]`. No coordinate
    /// can be invented then; the parser writes the boxes. The template is told by its variable `cites_numbers`.
    #[must_use]
    pub fn citing_numbers(mut self) -> Self {
        self.cites_numbers = true;
        self.grounding = self.grounding.or(Some(Grounding::default()));
        self
    }

    /// Sets what the trained model is asked where a reply has no question of its own.
    #[must_use]
    pub fn with_instructions(mut self, instructions: InstructionPool) -> Self {
        self.instructions = Some(instructions);
        self
    }

    /// Adds a check of the reply's items to those that every task has.
    #[must_use]
    pub fn with_check(mut self, check: impl Check + 'static) -> Self {
        self.checks.push(Arc::new(check));
        self
    }

    /// The name, `snake_case`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The words in which the model is asked.
    pub fn template(&self) -> &Template {
        &self.template
    }

    /// Which annotations the model sees.
    pub fn sections(&self) -> Sections {
        self.sections
    }

    /// The form of the reply.
    pub fn form(&self) -> &ReplyForm {
        &self.form
    }

    /// Whether its items point at boxes.
    pub fn is_grounded(&self) -> bool {
        self.grounding.is_some()
    }

    /// Whether it asks for JSON.
    pub fn is_json(&self) -> bool {
        self.is_json
    }

    /// Whether it has boxes cited by their numbers.
    pub fn cites_numbers(&self) -> bool {
        self.cites_numbers
    }

    /// The shape that the reply is held to by servers that can, if the task asks for JSON.
    pub fn response_format(&self) -> Option<ResponseFormat> {
        if !self.is_json {
            return None;
        }
        Some(match self.form.json_schema() {
            Some(schema) => ResponseFormat::JsonSchema { name: self.name.clone(), schema },
            None => ResponseFormat::JsonObject,
        })
    }

    /// What the trained model is asked where a reply has no question of its own.
    pub fn instructions(&self) -> Option<&InstructionPool> {
        self.instructions.as_ref()
    }

    /// What reads the replies to this task.
    pub fn parser(&self, policy: Policy) -> ReplyParser {
        let mut parser = ReplyParser::new(self.form.clone()).with_policy(policy);
        if let Some(grounding) = self.grounding {
            parser = parser.grounded_by(grounding);
        }
        if self.instructions.is_none() {
            parser = parser.with_check(each_item(IssueCode::MissingQuestion, |item| item.question.is_none()));
        }
        self.checks.iter().fold(parser, |parser, check| parser.with_shared_check(check.clone()))
    }

    /// Everything by which this task changes prompts and samples, for the manifest of a run: texts by their digest,
    /// forms and checks by their [`Debug`](std::fmt::Debug).
    pub fn manifest(&self) -> Value {
        json!({
            "template": self.template.digest(),
            "sections": self.sections,
            "form": format!("{:?}", self.form),
            "grounding": self.grounding.map(|grounding| format!("{grounding:?}")),
            "json": self.is_json,
            "cites_numbers": self.cites_numbers,
            "instructions": self.instructions.as_ref().map(InstructionPool::digest),
            "checks": self.checks.iter().map(|check| format!("{check:?}")).collect::<Vec<_>>(),
        })
    }
}
