//! Replies in pieces.

use svitgen::llm::{Completion, FinishReason, LlmClient, OpenAi, Usage};
use svitgen::{LlmError, LlmErrorKind};

use super::server::{Received, Server, answer, reply};
use super::{config, request, run};

fn ask(answer: Vec<u8>) -> Result<Completion, LlmError> {
    let server = Server::start(move |_, _| answer.clone());
    run(OpenAi::new(config(&server).with_streaming()).unwrap().complete(&request()))
}

fn stream(events: &str) -> Result<Completion, LlmError> {
    ask(answer(200, &["Content-Type: text/event-stream"], events))
}

const PIECES: &str = r#": keep-alive

data: {"id": "c1", "model": "m1", "choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": null}]}

data: {"id": "c1", "choices": [{"delta": {"content": "A dog"}}], "usage": null}

event: message
id: 3
data: {"choices": [{"delta": {"reasoning_content": "Hm.", "content": " – \"Rex\"."}}]}

data: {"choices": [{"delta": {}, "finish_reason": "length"}]}

data: {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 4}}

data: [DONE]

"#;

#[track_caller]
fn check_whole(completion: &Completion) {
    assert_eq!(completion.text, "A dog – \"Rex\".");
    assert_eq!(completion.finish_reason, FinishReason::Length);
    assert_eq!(completion.usage, Some(Usage { input_tokens: 3, output_tokens: 4 }));
    assert_eq!((completion.id.as_deref(), completion.model.as_deref()), (Some("c1"), Some("m1")));
}

#[test]
fn pieces_become_one_completion() {
    check_whole(&stream(PIECES).unwrap());
    check_whole(&stream(&PIECES.replace('\n', "\r\n")).unwrap());
    check_whole(&stream(&PIECES.replace("data: ", "data:")).unwrap());
    check_whole(&stream(&PIECES.replace("\n\n", "\n")).unwrap());
    check_whole(&stream(&PIECES.replace("\n\ndata: [DONE]\n\n", "")).unwrap());
    check_whole(&stream(&format!("\u{feff}{PIECES}data: {{\"choices\": what}}\n\n")).unwrap());
    check_whole(&stream(&PIECES.replace("\"A dog\"", "\ndata: \"A dog\"\ndata: ")).unwrap());
}

#[test]
fn pieces_of_any_size_are_put_together() {
    let head = "HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n";
    for size in [1, 2, 7] {
        let mut bytes = head.as_bytes().to_vec();
        for piece in PIECES.as_bytes().chunks(size) {
            bytes.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
            bytes.extend_from_slice(piece);
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(b"0\r\n\r\n");
        check_whole(&ask(bytes).unwrap());
    }
}

#[test]
fn streams_that_are_cut() {
    let end = PIECES.find("data: {\"choices\": [{\"delta\": {}, ").unwrap();
    for (cut, kind) in
        [(end, LlmErrorKind::Transient), (end - 9, LlmErrorKind::Transient), (0, LlmErrorKind::Malformed)]
    {
        let error = stream(&PIECES[..cut]).unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
    }
    // A server that is interrupted may say that it is done.
    let error = stream(&format!("{}data: [DONE]\n\n", &PIECES[..end])).unwrap_err();
    assert_eq!(error.kind(), LlmErrorKind::Transient);
    assert!(error.message().contains("without a finish reason"), "{error}");
    // The connection breaks, whatever had come.
    let whole = answer(200, &["Content-Type: text/event-stream"], PIECES);
    let head = whole.len() - PIECES.len();
    assert_eq!(ask(whole[..head + end].to_vec()).unwrap_err().kind(), LlmErrorKind::Transient);
    let done = PIECES.find("data: [DONE]").unwrap();
    check_whole(&ask(whole[..head + done].to_vec()).unwrap());
}

#[test]
fn errors_within_a_stream() {
    let with =
        |event: &str| PIECES.replace("data: {\"choices\": [{\"delta\": {}, \"finish_reason\": \"length\"}]}", event);
    let error = stream(&with(r#"data: {"error": {"message": "Overloaded", "code": 503}}"#)).unwrap_err();
    assert_eq!(error.kind(), LlmErrorKind::Transient);
    assert_eq!(error.message(), "the server sent an error in place of a reply: Overloaded");
    let error =
        stream(&with("event: error\ndata: {\"error\": {\"message\": \"Slow\", \"type\": \"rate_limit_error\"}}"))
            .unwrap_err();
    assert_eq!(error.kind(), LlmErrorKind::RateLimited);
    let error = stream(&with("data: {\"choices\": [{\"delta\"")).unwrap_err();
    assert_eq!(error.kind(), LlmErrorKind::Malformed);
    let error = ask(answer(429, &["Retry-After: 1"], "{}")).unwrap_err();
    assert_eq!(error.kind(), LlmErrorKind::RateLimited);
}

#[test]
fn a_server_that_does_not_stream_is_understood() {
    assert_eq!(ask(reply("A dog.")).unwrap().text, "A dog.");
    check_whole(&ask(answer(200, &["Content-Type: text/html"], PIECES)).unwrap());
    assert_eq!(ask(answer(200, &[], "")).unwrap_err().kind(), LlmErrorKind::Malformed);
    assert_eq!(ask(answer(200, &[], "<h1>Log in</h1>")).unwrap_err().kind(), LlmErrorKind::Malformed);
}

#[test]
fn events_of_very_many_lines_take_no_longer_than_they_must() {
    let lines = "data: {\"a\": {}\n".repeat(200_000);
    let error = stream(&format!("{lines}\n\n")).unwrap_err();
    assert_eq!(error.kind(), LlmErrorKind::Malformed);
}

#[test]
fn streams_are_asked_for_with_usage_unless_refused() {
    let server =
        Server::start(|_, received: &Received| match received.json()["stream_options"]["include_usage"].is_null() {
            false => answer(400, &[], r#"{"error": {"message": "Unrecognized request argument: stream_options"}}"#),
            true => answer(200, &[], PIECES),
        });
    let client = OpenAi::new(config(&server).with_streaming().with_extra("stream", false)).unwrap();
    check_whole(&run(client.complete(&request())).unwrap());
    check_whole(&run(client.complete(&request())).unwrap());
    assert_eq!(server.received().len(), 3);
    assert!(server.received().iter().all(|received| received.json()["stream"] == true));
}

#[test]
fn a_long_text_is_capped() {
    let event = format!("data: {{\"choices\": [{{\"delta\": {{\"content\": \"{}\"}}}}]}}\n\n", "x".repeat(1000));
    let end = "data: {\"choices\": [{\"delta\": {}, \"finish_reason\": \"stop\"}]}\n\ndata: [DONE]\n\n";
    let events = event.repeat(120) + end;
    let ask = |cap| {
        let answer = answer(200, &[], &events);
        let server = Server::start(move |_, _| answer.clone());
        run(OpenAi::new(config(&server).with_streaming().with_body_cap(cap)).unwrap().complete(&request()))
    };
    assert_eq!(ask(200_000).unwrap().text.len(), 120_000);
    assert_eq!(ask(100_000).unwrap_err().kind(), LlmErrorKind::Malformed);
}
