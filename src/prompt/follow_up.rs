//! Asking again for what a reply lacks: one turn on top of the prompt.

use std::fmt::Write;

use crate::llm::{Message, MessageRole};
use crate::prompt::Prompt;
use crate::reply::{IssueCode, Missing, Parsed};

const TEXT: &str = include_str!("../../prompts/follow_up.txt");

/// The messages that ask for what is missing: those of the prompt, what is accepted as the model's turn, and the request
/// for the rest.
pub(super) fn messages(prompt: &Prompt, parsed: &Parsed, missing: &Missing, is_description: bool) -> Vec<Message> {
    let is_json = prompt.response_format.is_some();
    let text = request(parsed, missing, is_description, is_json);
    let mut messages = prompt.messages.clone();
    if parsed.items.is_empty() {
        // Nothing is accepted: the request stands at the end of the prompt, for turns must alternate.
        match messages.last_mut().filter(|message| message.role == MessageRole::User) {
            Some(last) => write!(last.content, "\n\n{text}").unwrap_or_default(),
            None => messages.push(Message::new(MessageRole::User, text)),
        }
        return messages;
    }
    let accepted = if is_json { parsed.render_json() } else { parsed.render() };
    messages.push(Message::new(MessageRole::Assistant, accepted.trim_end()));
    messages.push(Message::new(MessageRole::User, text));
    messages
}

fn request(parsed: &Parsed, missing: &Missing, is_description: bool, is_json: bool) -> String {
    let name = match (is_description, parsed.has_conversations) {
        (true, _) => "description",
        (false, true) => "conversations",
        (false, false) => "pairs",
    };
    let n_pairs = missing.n_pairs();
    let text = section(name).replace("{{ n_pairs }}", &n_pairs.to_string());
    let text = text.replace("{{ pair_word }}", if n_pairs == 1 { "pair" } else { "pairs" });
    let text = text.replace("{{ n_conversations }}", &missing.parts.len().to_string());
    let text = text.replace("{{ parts }}\n", &parts(parsed, missing));
    let text = text.replace("{{ reasons }}\n", &reasons(&missing.causes));
    text.replace("{{ form }}", section(&format!("{name} as {}", if is_json { "json" } else { "text" })))
}

/// What each of the conversations asked for is to hold.
fn parts(parsed: &Parsed, missing: &Missing) -> String {
    let mut text = String::new();
    for (index, part) in missing.parts.iter().enumerate() {
        let word = if part.n_pairs == 1 { "question with its answer" } else { "questions with their answers" };
        let topic = part.conversation.and_then(|index| parsed.topics.get(index)?.as_ref());
        let what = match (part.conversation, topic) {
            (None, _) => "a new topic".to_owned(),
            (Some(_), Some(topic)) => format!("goes on with the topic \"{}\"", topic.text),
            (Some(index), None) => format!("goes on with conversation {}", index + 1),
        };
        writeln!(text, "- Conversation {}: {what}, {} {word}", index + 1, part.n_pairs).unwrap_or_default();
    }
    text
}

/// A sentence for each cause that the model can do something about.
fn reasons(causes: &[IssueCode]) -> String {
    let lines = section("reasons").lines();
    let known = lines.filter_map(|line| line.split_once(": "));
    let said = known.filter(|(code, _)| causes.iter().any(|cause| cause.as_str() == *code));
    let sentences: Vec<String> = said.map(|(_, sentence)| format!("- {sentence}\n")).collect();
    if sentences.is_empty() { String::new() } else { format!("What was wrong before:\n{}", sentences.concat()) }
}

/// The text below a heading of the file.
fn section(name: &str) -> &'static str {
    let heading = format!("=== {name} ===\n");
    let Some((_, rest)) = TEXT.split_once(&heading) else { return "" };
    rest.split_once("\n===").map_or(rest, |(section, _)| section).trim_end()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_section_is_there_and_every_reason_is_a_code() {
        for name in ["pairs", "conversations", "description"] {
            assert!(section(name).contains("{{ form }}"), "{name}");
            for form in ["text", "json"] {
                assert!(!section(&format!("{name} as {form}")).is_empty(), "{name} {form}");
            }
        }
        for line in section("reasons").lines() {
            let (code, sentence) = line.split_once(": ").unwrap();
            assert!(!matches!(IssueCode::custom(code), IssueCode::Custom(_)), "{code}");
            assert!(sentence.ends_with('.'), "{sentence}");
        }
    }
}
