//! A reply of the embedded model as JSON, where a request asks for it.

use serde_json::{Value, json};

/// Turns a reply in labelled text into JSON of the shape that the built-in tasks ask for.
pub(super) fn from_text(text: &str) -> String {
    let mut conversations: Vec<(Value, Vec<Value>)> = vec![(Value::Null, Vec::new())];
    let mut question = "";
    for line in text.lines() {
        let Some((label, said)) = line.split_once(": ") else {
            if line.starts_with("Conversation ") {
                conversations.push((Value::Null, Vec::new()));
            }
            continue;
        };
        let Some((topic, pairs)) = conversations.last_mut() else { continue };
        match label {
            "Topic" => *topic = said.into(),
            "Question" | "User" => question = said,
            "Answer" | "GPT" => pairs.push(json!({"question": question, "answer": said})),
            _ => {}
        }
    }
    conversations.retain(|(_, pairs)| !pairs.is_empty());
    let reply = match conversations.as_slice() {
        [] => json!({"description": text}),
        [(Value::Null, pairs)] => json!({"qas": pairs}),
        all => {
            let all: Vec<Value> = all.iter().map(|(topic, pairs)| json!({"topic": topic, "qas": pairs})).collect();
            json!({"conversations": all})
        }
    };
    reply.to_string()
}
