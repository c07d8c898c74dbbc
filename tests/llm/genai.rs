//! Vendors with protocols of their own, against a server that speaks them.

use serde_json::json;
use svitgen::llm::{FinishReason, Genai, GenaiConfig, LlmClient, ResponseFormat, Secret, Usage};
use svitgen::{LlmError, LlmErrorKind, Parameters};

use crate::openai::server::{Server, answer};
use crate::openai::{request, run};

const KEY: &str = "sk-ant-0123456789abcdef";

fn config(server: &Server, vendor: &str) -> GenaiConfig {
    let config = GenaiConfig::new().with_vendor(vendor).with_key(Secret::new(KEY)).with_base_url(server.url());
    config.with_model("m-1").without_proxy()
}

fn json_answer(body: &serde_json::Value) -> Vec<u8> {
    answer(200, &["Content-Type: application/json"], body.to_string())
}

#[test]
fn a_reply_in_anthropics_protocol() {
    let body = json!({
        "id": "msg_1", "type": "message", "role": "assistant", "model": "m-1-2026", "stop_reason": "max_tokens",
        "content": [{"type": "text", "text": "A dog"}, {"type": "text", "text": " runs."}],
        "usage": {"input_tokens": 5, "output_tokens": 7}
    });
    let server = Server::start(move |_, _| json_answer(&body));
    let client = Genai::new(config(&server, "anthropic")).unwrap();
    let parameters = Parameters::default().with_max_tokens(9).with_temperature(0.5);
    let completion = run(client.complete(&request().with_parameters(parameters))).unwrap();
    assert_eq!(completion.text, "A dog runs.");
    assert_eq!(completion.finish_reason, FinishReason::Length);
    assert_eq!(completion.usage, Some(Usage { input_tokens: 5, output_tokens: 7 }));
    assert_eq!(completion.model.as_deref(), Some("m-1-2026"));
    let received = &server.received()[0];
    assert_eq!(received.line, "POST /v1/messages HTTP/1.1");
    assert_eq!(received.header("x-api-key"), Some(KEY));
    let sent = received.json();
    assert_eq!((&sent["model"], &sent["max_tokens"], &sent["temperature"]), (&json!("m-1"), &json!(9), &json!(0.5)));
    assert!(sent["system"].to_string().contains("Be brief."), "{sent}");
    assert_eq!(sent["messages"].as_array().unwrap().len(), 1);
}

#[test]
fn a_reply_in_geminis_protocol() {
    let body = json!({
        "candidates": [{"content": {"role": "model", "parts": [{"text": "A dog."}]}, "finishReason": "STOP"}],
        "usageMetadata": {"promptTokenCount": 5, "candidatesTokenCount": 7}, "modelVersion": "m-1"
    });
    let server = Server::start(move |_, _| json_answer(&body));
    let client = Genai::new(config(&server, "gemini")).unwrap();
    let schema = ResponseFormat::JsonSchema { name: "pairs".to_owned(), schema: json!({"type": "object"}) };
    let completion = run(client.complete(&request().with_response_format(Some(schema)))).unwrap();
    assert_eq!((completion.text.as_str(), completion.finish_reason), ("A dog.", FinishReason::Stop));
    assert_eq!(completion.usage, Some(Usage { input_tokens: 5, output_tokens: 7 }));
    let received = &server.received()[0];
    assert_eq!(received.line, "POST /v1/models/m-1:generateContent HTTP/1.1");
    assert_eq!(received.json()["generationConfig"]["responseMimeType"], "application/json");
}

fn fails(bytes: Vec<u8>) -> LlmError {
    let server = Server::start(move |_, _| bytes.clone());
    let client = Genai::new(config(&server, "anthropic")).unwrap();
    let error = run(client.complete(&request())).unwrap_err();
    assert_eq!(server.received().len(), 1, "one call is one attempt");
    assert!(!format!("{error:?} {client:?}").contains("0123"), "{error:?}");
    assert!(!error.message().contains("Be brief"), "{error}");
    error
}

#[test]
fn errors_are_sorted_by_what_can_be_done() {
    let anthropic =
        |kind: &str| json!({"type": "error", "error": {"type": kind, "message": format!("m {KEY}")}}).to_string();
    let error = fails(answer(429, &["Retry-After: 3"], anthropic("rate_limit_error")));
    assert_eq!((error.kind(), error.message()), (LlmErrorKind::RateLimited, "HTTP 429: m ..."));
    assert_eq!(error.retry_after().unwrap().as_secs(), 3);
    assert_eq!(fails(answer(529, &[], anthropic("overloaded_error"))).kind(), LlmErrorKind::Transient);
    assert_eq!(fails(answer(401, &[], anthropic("authentication_error"))).kind(), LlmErrorKind::Credentials);
    assert_eq!(fails(answer(404, &[], anthropic("not_found_error"))).kind(), LlmErrorKind::UnknownModel);
    assert_eq!(fails(answer(400, &[], anthropic("invalid_request_error"))).kind(), LlmErrorKind::InvalidRequest);
    let long = r#"{"error": {"type": "invalid_request_error", "message": "prompt is too long: 9 tokens"}}"#;
    assert_eq!(fails(answer(400, &[], long)).kind(), LlmErrorKind::TooLong);
    assert_eq!(fails(answer(307, &["Location: http://127.0.0.1:1/"], "")).kind(), LlmErrorKind::Transient);
    assert_eq!(fails(Vec::new()).kind(), LlmErrorKind::Transient);
    assert_eq!(fails(answer(200, &["Content-Type: application/json"], "{\"cut")).kind(), LlmErrorKind::Malformed);
    assert_eq!(fails(answer(200, &["Content-Type: text/html"], "<h1>Log in</h1>")).kind(), LlmErrorKind::Malformed);
}

#[test]
fn what_cannot_be_asked_is_an_error() {
    let kind = |config: GenaiConfig| Genai::new(config).unwrap_err().kind();
    let base = || GenaiConfig::new().with_base_url("http://localhost:1/");
    assert_eq!(kind(base().with_vendor("nobody")), LlmErrorKind::InvalidRequest);
    assert_eq!(kind(base()), LlmErrorKind::InvalidRequest);
    let client = Genai::new(base().with_vendor("anthropic").with_key(Secret::new(KEY))).unwrap();
    assert_eq!(run(client.complete(&request())).unwrap_err().kind(), LlmErrorKind::InvalidRequest);
    let error = futures::executor::block_on(client.complete(&request())).unwrap_err();
    assert_eq!((error.kind(), client.name()), (LlmErrorKind::Unavailable, "genai"));
}
