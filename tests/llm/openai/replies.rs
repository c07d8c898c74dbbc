//! Completions of all servers, as they write them.

use svitgen::llm::{Completion, FinishReason, Usage};

use super::ask;
use super::server::answer;

fn read(body: &str) -> Completion {
    ask(answer(200, &["Content-Type: application/json"], body)).unwrap()
}

#[test]
fn a_whole_reply() {
    let completion = ask(super::server::reply("A dog.\n– \"Rex\"")).unwrap();
    assert_eq!(completion.text, "A dog.\n– \"Rex\"");
    assert_eq!(completion.finish_reason, FinishReason::Stop);
    assert_eq!(completion.usage, Some(Usage { input_tokens: 5, output_tokens: 7 }));
    assert_eq!(completion.model.as_deref(), Some("m-1"));
    assert_eq!(completion.id.as_deref(), Some("chatcmpl-1"));
}

#[test]
fn texts_in_all_places() {
    let text = |message: &str| read(&format!(r#"{{"choices": [{{"message": {message}}}]}}"#)).text;
    assert_eq!(text(r#"{"content": null}"#), "");
    assert_eq!(text("{}"), "");
    assert_eq!(text("null"), "");
    assert_eq!(text(r#"{"content": ""}"#), "");
    assert_eq!(text(r#"{"content": null, "refusal": "I cannot."}"#), "I cannot.");
    assert_eq!(text(r#"{"content": "A dog.", "refusal": null}"#), "A dog.");
    assert_eq!(text(r#"{"content": "A dog.", "reasoning_content": "Hm.", "reasoning": {"a": 1}}"#), "A dog.");
    assert_eq!(text(r#"{"content": null, "reasoning_content": "Hm."}"#), "");
    assert_eq!(
        text(r#"{"content": [{"type": "thinking", "text": "Hm."}, {"type": "text", "text": "A dog."}]}"#),
        "A dog."
    );
    assert_eq!(
        text(r#"{"content": "nul \u0000 and bell \u0007", "tool_calls": [{"id": 1}]}"#),
        "nul \0 and bell \u{7}"
    );
}

#[test]
fn what_servers_get_wrong() {
    let odd = read(
        "\u{feff}{\"id\": 7, \"model\": null, \"created\": \"now\", \"usage\": \"none\", \"error\": null, \"choices\": \
         [{\"index\": \"0\", \"finish_reason\": \"flushed\", \"logprobs\": [[]], \"message\": {\"content\": \"A dog.\"}}, {}]}",
    );
    assert_eq!(odd.text, "A dog.");
    assert_eq!((odd.id.as_deref(), odd.model.as_deref(), odd.usage), (Some("7"), None, None));
    assert_eq!(odd.finish_reason, FinishReason::Other("flushed".to_owned()));
}

#[test]
fn finish_reasons_of_all_servers() {
    let reason =
        |word: &str| read(&format!(r#"{{"choices": [{{"message": {{}}, "finish_reason": {word}}}]}}"#)).finish_reason;
    assert_eq!(reason(r#""stop""#), FinishReason::Stop);
    assert_eq!(reason(r#""eos_token""#), FinishReason::Stop);
    assert_eq!(reason(r#""length""#), FinishReason::Length);
    assert_eq!(reason(r#""MAX_TOKENS""#), FinishReason::Length);
    assert_eq!(reason(r#""content_filter""#), FinishReason::ContentFilter);
    assert_eq!(reason("null"), FinishReason::Unknown);
    assert_eq!(reason("{}"), FinishReason::Unknown);
}

#[test]
fn usage_in_all_forms() {
    let usage = |usage: &str| read(&format!(r#"{{"choices": [{{"message": {{}}}}], "usage": {usage}}}"#)).usage;
    let tokens = |input_tokens, output_tokens| Some(Usage { input_tokens, output_tokens });
    assert_eq!(usage("null"), None);
    assert_eq!(usage("{}"), None);
    assert_eq!(usage("[1]"), None);
    assert_eq!(usage(r#"{"prompt_tokens": 3, "completion_tokens": null}"#), tokens(3, 0));
    assert_eq!(usage(r#"{"input_tokens": 3, "output_tokens": 4.0}"#), tokens(3, 4));
    assert_eq!(usage(r#"{"prompt_tokens": -3, "completion_tokens": "x"}"#), None);
}

#[test]
fn chunks_and_encodings() {
    let body = super::server::completion("A dog.").to_string();
    let head = "HTTP/1.1 200 OK\r\nConnection: close\r\n";
    let mut chunked = format!("{head}Transfer-Encoding: chunked\r\n\r\n");
    for piece in body.as_bytes().chunks(3) {
        chunked.push_str(&format!("{:x}\r\n{}\r\n", piece.len(), String::from_utf8_lossy(piece)));
    }
    chunked.push_str("0\r\n\r\n");
    assert_eq!(ask(chunked.into_bytes()).unwrap().text, "A dog.");
    assert_eq!(ask(format!("{head}\r\n{body}").into_bytes()).unwrap().text, "A dog.");
    let many: String = (0..2000).map(|n| format!("X-Trace-{n}: {}\r\n", "x".repeat(90))).collect();
    assert_eq!(ask(format!("{head}{many}\r\n{body}").into_bytes()).unwrap().text, "A dog.");
}
