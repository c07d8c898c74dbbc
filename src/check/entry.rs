//! Entries as strangers write them: taken apart without refusing anything.

use serde_json::Value;

use crate::check::FileFormat;

/// What an entry holds, as far as it could be understood.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) id: Option<String>,
    /// What it is about; pairs about the same thing may repeat each other.
    pub(super) image: Option<String>,
    /// How many `<image>` it should have; `None` in a format that has no placeholders.
    pub(super) n_images: Option<usize>,
    /// The conversations, or what the entry lacks to be of the format.
    pub(super) conversations: Result<Vec<Vec<FileTurn>>, &'static str>,
}

#[derive(Debug)]
pub(super) struct FileTurn {
    pub(super) speaker: Speaker,
    /// `None` for a value that is not text.
    pub(super) text: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Speaker {
    User,
    Assistant,
    /// Says how the assistant is to behave; it takes no part.
    System,
    Unknown,
}

/// The format that an entry looks like.
pub(super) fn format_of(entry: &Value) -> FileFormat {
    let has_content = entry.pointer("/conversations/0/content").is_some();
    let is_svit = has_content || entry.get("image_id").is_some() && entry.get("id").is_none();
    if is_svit { FileFormat::Svit } else { FileFormat::Llava }
}

impl Entry {
    pub(super) fn new(mut value: Value, format: FileFormat) -> Self {
        let conversations = value.get_mut("conversations").map(Value::take).ok_or("there are no `conversations`");
        match format {
            FileFormat::Llava => Self::llava(&value, conversations),
            FileFormat::Svit => Self::svit(&value, conversations),
        }
    }

    fn llava(value: &Value, conversations: Result<Value, &'static str>) -> Self {
        let image = value.get("image").filter(|image| !image.is_null());
        let n_images = image.map_or(0, |image| image.as_array().map_or(1, Vec::len));
        Self {
            id: value.get("id").and_then(text_of),
            image: image.map(|image| text_of(image).unwrap_or_else(|| image.to_string())),
            n_images: Some(n_images),
            conversations: conversations.and_then(turns).map(|turns| vec![turns]),
        }
    }

    fn svit(value: &Value, conversations: Result<Value, &'static str>) -> Self {
        let id = value.get("image_id").and_then(text_of);
        let content = |mut one: Value| {
            let content = one.get_mut("content").map(Value::take);
            content.ok_or("a conversation has no `content`").and_then(turns)
        };
        let conversations = conversations.and_then(|conversations| match conversations {
            Value::Array(all) => all.into_iter().map(content).collect(),
            _ => Err("`conversations` are no list"),
        });
        Self { image: id.clone(), id, n_images: None, conversations }
    }
}

/// A string, or a number as it is written.
fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn turns(value: Value) -> Result<Vec<FileTurn>, &'static str> {
    let Value::Array(turns) = value else { return Err("the turns are no list") };
    turns.into_iter().map(|value| turn(value).ok_or("a turn has no `from` or no `value`")).collect()
}

fn turn(mut value: Value) -> Option<FileTurn> {
    let speaker = match value.get("from")?.as_str().map(str::to_ascii_lowercase).as_deref() {
        Some("human" | "user") => Speaker::User,
        Some("gpt" | "assistant") => Speaker::Assistant,
        Some("system") => Speaker::System,
        _ => Speaker::Unknown,
    };
    let text = match value.get_mut("value")?.take() {
        Value::String(text) => Some(text),
        _ => None,
    };
    Some(FileTurn { speaker, text })
}
