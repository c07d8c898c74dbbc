//! JSON schemas of the forms, for servers that constrain what a model can write.

use serde_json::{Value, json};

use crate::reply::ReplyForm;

impl ReplyForm {
    /// The JSON schema of a reply in this form; `None` for a form of your own.
    ///
    /// It uses only what servers with structured output understand: objects whose properties are all required and closed,
    /// lists, texts. The parser reads such a reply like labelled text, with the same result; how many items there are is
    /// said by `minItems` and `maxItems`, which some servers leave unheeded, and counted by the parser.
    ///
    /// # Example
    /// ```
    /// use svitgen::reply::ReplyForm;
    /// let schema = ReplyForm::QaList { pairs: 15 }.json_schema().ok_or("built in")?;
    /// assert_eq!(schema["properties"]["qas"]["minItems"], 15);
    /// # Ok::<(), &str>(())
    /// ```
    pub fn json_schema(&self) -> Option<Value> {
        match self {
            Self::Conversations { conversations, pairs } => {
                let conversation = object(&[("topic", text()), ("qas", list(pair(), *pairs))]);
                Some(object(&[("conversations", list(conversation, *conversations))]))
            }
            Self::QaList { pairs } => Some(object(&[("qas", list(pair(), *pairs))])),
            Self::Description => Some(object(&[("description", text())])),
            Self::Custom(_) => None,
        }
    }
}

fn pair() -> Value {
    object(&[("question", text()), ("answer", text())])
}

fn text() -> Value {
    json!({"type": "string"})
}

fn list(items: Value, n: usize) -> Value {
    json!({"type": "array", "items": items, "minItems": n, "maxItems": n})
}

fn object(properties: &[(&str, Value)]) -> Value {
    let required: Vec<&str> = properties.iter().map(|(name, _)| *name).collect();
    let properties: serde_json::Map<String, Value> =
        properties.iter().map(|(name, schema)| ((*name).to_owned(), schema.clone())).collect();
    json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false})
}
