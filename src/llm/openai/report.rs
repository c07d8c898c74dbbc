//! What a server says about a failure, in whatever form it says it.

use serde_json::Value;

/// The words of an error body.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::llm) struct Report {
    /// What happened, for a person, on one line; empty if the body says nothing.
    pub(super) message: String,
    /// `code` and `type`, in lower case.
    pub(super) codes: Vec<String>,
    /// The field that the server did not like.
    pub(super) parameter: Option<String>,
    /// A code that is a number, as compatible servers send them: the status that is meant.
    pub(super) status: Option<u16>,
}

impl Report {
    /// Understands a body: JSON of any server, HTML or text.
    pub(in crate::llm) fn of(body: &[u8]) -> Self {
        let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
        match serde_json::from_slice::<Value>(body) {
            Ok(value) => Self::of_value(&value),
            Err(_) => Self { message: one_line(&without_tags(&String::from_utf8_lossy(body))), ..Self::default() },
        }
    }

    /// What a redirect says.
    pub(super) fn redirect(location: &str) -> Self {
        let message = format!("the server redirects to {location}; if that is right, make it the base URL");
        Self { message, ..Self::default() }
    }

    /// Understands JSON: `{"error": {...}}`, a text in place of the object, the object alone, or a list of these.
    pub(in crate::llm) fn of_value(value: &Value) -> Self {
        let value = match value {
            Value::Array(values) => values.first().unwrap_or(&Value::Null),
            value => value,
        };
        let error = value.get("error").filter(|error| !error.is_null()).unwrap_or(value);
        let Value::Object(fields) = error else {
            return Self { message: words_of(error), ..Self::default() };
        };
        let first = |names: &[&str]| {
            let field = names.iter().find_map(|name| fields.get(*name).filter(|value| !value.is_null()));
            field.map(words_of).filter(|words| !words.is_empty())
        };
        let codes = ["code", "type", "status"].iter().filter_map(|name| fields.get(*name).and_then(Value::as_str));
        let innermost = error.pointer("/innererror/code").and_then(Value::as_str);
        let flagged = error.pointer("/metadata/reasons").is_some().then_some("moderation");
        let number = ["code", "status"].iter().find_map(|name| number(fields.get(*name)?));
        Self {
            message: first(&["message", "detail", "msg", "description", "error"]).unwrap_or_else(|| words_of(error)),
            codes: codes.chain(innermost).chain(flagged).map(str::to_lowercase).collect(),
            parameter: fields.get("param").and_then(Value::as_str).map(str::to_owned),
            status: number,
        }
    }

    /// Whether the code is one of `codes`.
    pub(super) fn has_code(&self, codes: &[&str]) -> bool {
        self.codes.iter().any(|code| codes.contains(&code.as_str()))
    }

    /// Whether the message holds one of `phrases`, which are in lower case.
    pub(super) fn says(&self, phrases: &[&str]) -> bool {
        let message = self.message.to_lowercase();
        phrases.iter().any(|phrase| message.contains(phrase))
    }
}

fn number(value: &Value) -> Option<u16> {
    let number = value.as_u64().or_else(|| value.as_str()?.parse().ok())?;
    u16::try_from(number).ok().filter(|status| (400..600).contains(status))
}

/// A value as words: texts as they are, anything else as JSON.
fn words_of(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => one_line(text),
        value => one_line(&value.to_string()),
    }
}

fn one_line(text: &str) -> String {
    let shown: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    shown.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The text of a page: without tags, and without what is no text at all.
fn without_tags(page: &str) -> String {
    if !page.trim_start().starts_with('<') {
        return page.to_owned();
    }
    let mut text = String::new();
    let mut hidden = None;
    for piece in page.split('<') {
        let (tag, behind) = piece.split_once('>').unwrap_or((piece, ""));
        let name = tag.split(|c: char| c.is_whitespace()).next().unwrap_or_default().to_lowercase();
        match hidden.as_deref() {
            None if matches!(name.as_str(), "style" | "script") => hidden = Some(format!("/{name}")),
            Some(end) if end == name => hidden = None,
            _ => {}
        }
        if hidden.is_none() {
            text.push(' ');
            text.push_str(behind);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(body: &str, message: &str, codes: &[&str], parameter: Option<&str>, status: Option<u16>) {
        let codes = codes.iter().map(|code| (*code).to_owned()).collect();
        let wanted = Report { message: message.to_owned(), codes, parameter: parameter.map(str::to_owned), status };
        assert_eq!(Report::of(body.as_bytes()), wanted, "{body}");
    }

    #[test]
    fn errors_come_in_all_forms() {
        let openai = r#"{"error": {"message": "No\n such", "type": "T", "param": "seed", "code": "c"}}"#;
        check(openai, "No such", &["c", "t"], Some("seed"), None);
        check(r#"{"error": {"message": "m", "code": 429}}"#, "m", &[], None, Some(429));
        check(r#"{"error": {"message": "m", "code": 7}}"#, "m", &[], None, None);
        check(r#"{"error": "busy"}"#, "busy", &[], None, None);
        check(
            r#"{"object": "error", "message": "m", "type": "BadRequestError", "param": null, "code": 400}"#,
            "m",
            &["badrequesterror"],
            None,
            Some(400),
        );
        check(r#"{"detail": "Not Found"}"#, "Not Found", &[], None, None);
        check(r#"{"detail": [{"msg": "extra"}]}"#, r#"[{"msg":"extra"}]"#, &[], None, None);
        check(
            r#"[{"error": {"code": 400, "message": "m", "status": "INVALID_ARGUMENT"}}]"#,
            "m",
            &["invalid_argument"],
            None,
            Some(400),
        );
        check(
            "<html><head><title>502 Bad Gateway</title><style>p { x: y }</style></head><body><h1>Bad</h1>\n</body></html>",
            "502 Bad Gateway Bad",
            &[],
            None,
            None,
        );
        check("upstream\tgone\r\n", "upstream gone", &[], None, None);
        check("", "", &[], None, None);
        check("null", "", &[], None, None);
        check(&"[".repeat(100_000), &"[".repeat(100_000), &[], None, None);
    }
}
