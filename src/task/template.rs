//! Templates: the words of a prompt with places for the annotations.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value};

use crate::digest::Digest;
use crate::error::{Error, ErrorKind, Result};
use crate::llm::{Message, MessageRole};
use crate::lock::lock;
use crate::task::Section;
use crate::task::prepared::{Prepared, is_preparable, marked};

/// Steps that a template may take; the built-in ones need about a hundred, whatever the image.
const FUEL: u64 = 1_000_000;

/// The words of a prompt: messages written in [minijinja](https://docs.rs/minijinja).
///
/// A line `=== system ===`, `=== user ===` or `=== assistant ===` starts a message; without one, all is one message of
/// the user. The text is split before it is filled in, so no annotation can start a message. `prompts/README.md` lists
/// the variables; one that does not exist is an error.
///
/// # Example
/// ```
/// use svitgen::llm::MessageRole;
/// use svitgen::task::{Template, TemplateVariables};
/// let template = Template::new("=== system ===\nBe brief.\n=== user ===\n{{ annotations }}")?;
/// let messages = template.render(&TemplateVariables { annotations: "Objects:\n- dog", ..Default::default() })?;
/// assert_eq!(messages[0].role, MessageRole::System);
/// assert_eq!(messages[1].content, "Objects:\n- dog");
/// # Ok::<(), svitgen::Error>(())
/// ```
#[derive(Clone)]
pub struct Template {
    environment: Arc<Environment<'static>>,
    roles: Vec<MessageRole>,
    digest: Digest,
    /// Whether all messages can be prepared.
    is_preparable: bool,
    /// The messages prepared last, and what they ask for.
    prepared: Arc<Mutex<Option<PreparedFor>>>,
}

/// What a task asks for, the same for all images: pairs, conversations, JSON, numbers.
type Asked = (usize, usize, bool, bool);

/// Messages and what they ask for.
type PreparedFor = (Asked, Arc<[Prepared]>);

/// Names and values of all variables.
pub(super) type Variables = Vec<(&'static str, Value)>;

/// What a template can say about an image; see `prompts/README.md`.
#[derive(Clone, Copy, Debug, Default)]
pub struct TemplateVariables<'a> {
    /// All sections, each under its heading.
    pub annotations: &'a str,
    /// The lines of each section without its heading, in the order of [`Section::ALL`].
    pub sections: [&'a str; Section::ALL.len()],
    /// How many question-answer pairs are asked for.
    pub n_pairs: usize,
    /// How many conversations are asked for.
    pub n_conversations: usize,
    /// Whether the reply is to be JSON.
    pub is_json: bool,
    /// Whether boxes have numbers, by which the reply is to cite them.
    pub cites_numbers: bool,
    /// Id of the image.
    pub image_id: &'a str,
    /// Width of the image in pixels, 0 where unknown.
    pub width: u32,
    /// Height of the image in pixels, 0 where unknown.
    pub height: u32,
}

/// What is wrong with a template.
#[derive(Debug, thiserror::Error)]
#[error(
    "{}template, message {}{}: {problem}",
    .file.as_ref().map(|file| format!("{}: ", file.display())).unwrap_or_default(),
    .message + 1,
    line(.problem)
)]
pub struct TemplateError {
    /// The file that it comes from, if any.
    pub file: Option<PathBuf>,
    /// Index of the message.
    pub message: usize,
    /// What is wrong.
    #[source]
    pub problem: TemplateProblem,
}

/// What is wrong with a message of a template.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TemplateProblem {
    /// It uses a variable that does not exist.
    #[error("there is no variable `{name}`; prompts/README.md lists those that there are: {}", known_variables().join(", "))]
    UnknownVariable {
        /// The variable.
        name: String,
    },
    /// The template engine cannot read it, or fails on an image.
    #[error(transparent)]
    Engine(#[from] minijinja::Error),
}

/// The line of the message, where the template engine tells it.
fn line(problem: &TemplateProblem) -> String {
    match problem {
        TemplateProblem::Engine(error) => error.line().map(|line| format!(", line {line} of it")).unwrap_or_default(),
        TemplateProblem::UnknownVariable { .. } => String::new(),
    }
}

fn known_variables() -> Vec<String> {
    TemplateVariables::default().pairs().into_iter().map(|(name, _)| name.to_owned()).collect()
}

impl Template {
    /// A template from its text.
    ///
    /// # Errors
    /// [`ErrorKind::Template`] if the syntax is wrong or a variable does not exist.
    pub fn new(source: &str) -> Result<Self> {
        let source = source.trim_start_matches('\u{feff}');
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|_| AutoEscape::None);
        environment.set_fuel(Some(FUEL));
        let mut roles = Vec::new();
        let is_preparable = split(source).iter().all(|(_, text)| is_preparable(text));
        for (message, (role, text)) in split(source).into_iter().enumerate() {
            environment
                .add_template_owned(message.to_string(), text.trim().to_owned())
                .map_err(|error| TemplateError { file: None, message, problem: error.into() })?;
            roles.push(role);
        }
        let template = Self {
            environment: Arc::new(environment),
            roles,
            digest: Digest::of(source),
            is_preparable,
            prepared: Arc::default(),
        };
        // Shows what is wrong now rather than at the first image.
        template.check_variables()?;
        template.render(&TemplateVariables::default())?;
        Ok(template)
    }

    fn check_variables(&self) -> Result<(), TemplateError> {
        let known = known_variables();
        for message in 0..self.roles.len() {
            let template = self.environment.get_template(&message.to_string());
            let template = template.map_err(|error| TemplateError { file: None, message, problem: error.into() })?;
            let mut unknown: Vec<String> = template.undeclared_variables(false).into_iter().collect();
            unknown
                .retain(|name| !known.contains(name) && !self.environment.globals().any(|(global, _)| global == name));
            unknown.sort();
            if let Some(name) = unknown.into_iter().next() {
                return Err(TemplateError { file: None, message, problem: TemplateProblem::UnknownVariable { name } });
            }
        }
        Ok(())
    }

    /// A template from a file.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] if the file cannot be read as UTF-8, [`ErrorKind::Template`] as for [`new`](Self::new).
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let text = fs::read_to_string(path).map_err(|source| Error::io("read", path, source))?;
        Self::new(&text).map_err(|error| match error.into_kind() {
            ErrorKind::Template(error) => TemplateError { file: Some(path.to_owned()), ..error }.into(),
            other => other.into(),
        })
    }

    /// The messages for one image.
    ///
    /// # Errors
    /// [`TemplateError`] if the template fails on these values or takes too many steps.
    pub fn render(&self, variables: &TemplateVariables<'_>) -> Result<Vec<Message>, TemplateError> {
        let texts = if self.is_preparable {
            self.prepared(variables)?.iter().map(|prepared| prepared.fill(variables)).collect()
        } else {
            self.render_with(variables.pairs())?
        };
        Ok(self.roles.iter().zip(texts).map(|(role, text)| Message::new(*role, text)).collect())
    }

    /// The text of each message.
    fn render_with(&self, variables: Variables) -> Result<Vec<String>, TemplateError> {
        let context = Value::from_pairs(variables);
        let render = |message: usize| -> Result<String, minijinja::Error> {
            self.environment.get_template(&message.to_string())?.render(context.clone())
        };
        let in_message =
            |message| move |error: minijinja::Error| TemplateError { file: None, message, problem: error.into() };
        (0..self.roles.len()).map(|message| render(message).map_err(in_message(message))).collect()
    }

    fn prepared(&self, variables: &TemplateVariables<'_>) -> Result<Arc<[Prepared]>, TemplateError> {
        let asked = (variables.n_pairs, variables.n_conversations, variables.is_json, variables.cites_numbers);
        let mut last = lock(&self.prepared);
        if let Some((_, prepared)) = last.as_ref().filter(|(for_asked, _)| *for_asked == asked) {
            return Ok(Arc::clone(prepared));
        }
        let texts = self.render_with(marked(variables))?;
        let prepared: Arc<[Prepared]> = texts.iter().map(|text| Prepared::new(text)).collect();
        *last = Some((asked, Arc::clone(&prepared)));
        Ok(prepared)
    }

    /// Digest of the text.
    pub fn digest(&self) -> Digest {
        self.digest
    }
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Template").field("roles", &self.roles).field("digest", &self.digest).finish_non_exhaustive()
    }
}

impl TemplateVariables<'_> {
    pub(super) fn pairs(self) -> Variables {
        let sections = Section::ALL.into_iter().map(|section| section.as_str()).zip(self.sections.map(Value::from));
        let others = [
            ("annotations", Value::from(self.annotations)),
            ("n_pairs", Value::from(self.n_pairs)),
            ("n_conversations", Value::from(self.n_conversations)),
            ("is_json", Value::from(self.is_json)),
            ("cites_numbers", Value::from(self.cites_numbers)),
            ("image_id", Value::from(self.image_id)),
            ("width", Value::from(self.width)),
            ("height", Value::from(self.height)),
        ];
        sections.chain(others).collect()
    }
}

/// The messages of a template: role and text, in order.
fn split(source: &str) -> Vec<(MessageRole, &str)> {
    let mut messages = Vec::new();
    let mut role = MessageRole::User;
    let mut text_start = 0;
    let mut offset = 0;
    for line in source.split_inclusive('\n') {
        if let Some(next_role) = role_of(line) {
            messages.push((role, &source[text_start..offset]));
            role = next_role;
            text_start = offset + line.len();
        }
        offset += line.len();
    }
    messages.push((role, &source[text_start..]));
    // Nothing need stand before the first marker.
    if messages.len() > 1 && messages[0].1.trim().is_empty() {
        messages.remove(0);
    }
    messages
}

fn role_of(line: &str) -> Option<MessageRole> {
    match line.trim() {
        "=== system ===" => Some(MessageRole::System),
        "=== user ===" => Some(MessageRole::User),
        "=== assistant ===" => Some(MessageRole::Assistant),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_start_at_markers() {
        let split = |text| split(text).into_iter().map(|(_, text)| text.trim().to_owned()).collect::<Vec<_>>();
        assert_eq!(split("one"), ["one"]);
        assert_eq!(split("\n=== system ===\na\n=== user ===\nb\n"), ["a", "b"]);
        assert_eq!(split("x\n=== user ==="), ["x", ""]);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        let check = |text: &str, expected: &str| {
            let message = Template::new(text).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        };
        check("=== system ===\na\n=== user ===\nb {{ capitons }}", "message 2: there is no variable `capitons`");
        check("a\n{{ width.x.y }}", "message 1, line 2");
        check("{% for x in objects %}", "message 1");
        check("{% for x in range(9000) %}{% for y in range(9000) %}x{% endfor %}{% endfor %}", "fuel");
        let missing = Template::from_file("/nowhere/x.txt").unwrap_err().to_string();
        assert!(missing.contains("/nowhere/x.txt"), "{missing}");
    }
}
