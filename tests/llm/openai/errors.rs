//! From a server's answer to the kind of an error, as a table.

use std::net::TcpListener;
use std::time::Duration;

use svitgen::LlmErrorKind::{self, *};
use svitgen::llm::{LlmClient, OpenAi, OpenAiConfig};

use super::server::{Server, answer};
use super::{ask, config, request, run};

#[track_caller]
fn check(status: u16, headers: &[&str], body: &str, kind: LlmErrorKind, words: &str, wait: Option<u64>) {
    let error = ask(answer(status, headers, body)).unwrap_err();
    assert_eq!(error.kind(), kind, "{status} {body}: {error}");
    assert_eq!(error.message(), words, "{status} {body}");
    assert_eq!(error.retry_after(), wait.map(Duration::from_millis), "{status} {headers:?}");
}

/// An OpenAI error object.
fn openai(message: &str, kind: &str, code: &str) -> String {
    serde_json::json!({"error": {"message": message, "type": kind, "param": null, "code": code}}).to_string()
}

#[test]
fn rates_quotas_and_waits() {
    let busy = openai("Rate limit reached.", "requests", "rate_limit_exceeded");
    check(429, &["Retry-After: 2"], &busy, RateLimited, "HTTP 429: Rate limit reached.", Some(2000));
    check(
        429,
        &["retry-after-ms: 350", "Retry-After: 1"],
        &busy,
        RateLimited,
        "HTTP 429: Rate limit reached.",
        Some(350),
    );
    let dates = ["Date: Sun, 06 Nov 1994 08:49:37 GMT", "Retry-After: Sun, 06 Nov 1994 08:49:41 GMT"];
    check(429, &dates, &busy, RateLimited, "HTTP 429: Rate limit reached.", Some(4000));
    check(429, &["Retry-After: soon, please"], "", RateLimited, "HTTP 429: no further words", None);
    check(429, &["Retry-After: 86400"], "", RateLimited, "HTTP 429: no further words", Some(86_400_000));
    check(503, &["Retry-After: 1"], "", Transient, "HTTP 503: no further words", Some(1000));
    let quota =
        openai("You exceeded your current quota, please check your plan.", "insufficient_quota", "insufficient_quota");
    let words = "HTTP 429: You exceeded your current quota, please check your plan.";
    check(429, &["Retry-After: 2"], &quota, Quota, words, Some(2000));
    check(429, &[], r#"{"error": "You exceeded your current quota, please check your plan."}"#, Quota, words, None);
    check(
        429,
        &["Retry-After: 9"],
        r#"{"error": "You exceeded your current quota, please check your plan."}"#,
        RateLimited,
        words,
        Some(9000),
    );
    check(402, &[], r#"{"error": {"message": "Insufficient Balance"}}"#, Quota, "HTTP 402: Insufficient Balance", None);
    check(
        403,
        &[],
        &openai("no credit", "new_api_error", "insufficient_user_quota"),
        Quota,
        "HTTP 403: no credit",
        None,
    );
}

#[test]
fn what_no_further_attempt_will_change() {
    check(
        401,
        &[],
        &openai("Bad key.", "invalid_request_error", "invalid_api_key"),
        Credentials,
        "HTTP 401: Bad key.",
        None,
    );
    check(403, &[], "Forbidden", Credentials, "HTTP 403: Forbidden", None);
    check(
        400,
        &[],
        r#"[{"error": {"code": 400, "message": "API key not valid. Pass one.", "status": "INVALID_ARGUMENT"}}]"#,
        Credentials,
        "HTTP 400: API key not valid. Pass one.",
        None,
    );
    check(404, &[], &openai("No.", "invalid_request_error", "model_not_found"), UnknownModel, "HTTP 404: No.", None);
    check(404, &[], r#"{"detail": "Not Found"}"#, UnknownModel, "HTTP 404: Not Found", None);
    check(
        400,
        &[],
        r#"{"object": "error", "message": "The model `x` does not exist.", "type": "NotFoundError", "code": 400}"#,
        UnknownModel,
        "HTTP 400: The model `x` does not exist.",
        None,
    );
    check(
        400,
        &[],
        &openai("Long.", "invalid_request_error", "context_length_exceeded"),
        TooLong,
        "HTTP 400: Long.",
        None,
    );
    check(
        400,
        &[],
        r#"{"message": "This model's maximum context length is 4096 tokens."}"#,
        TooLong,
        "HTTP 400: This model's maximum context length is 4096 tokens.",
        None,
    );
    check(
        500,
        &[],
        r#"{"error": {"code": 500, "message": "the request exceeds the available context size"}}"#,
        TooLong,
        "HTTP 500: the request exceeds the available context size",
        None,
    );
    check(413, &[], "", TooLong, "HTTP 413: no further words", None);
    check(
        400,
        &[],
        &openai("No.", "invalid_request_error", "content_policy_violation"),
        Refused,
        "HTTP 400: No.",
        None,
    );
    let azure = r#"{"error": {"message": "filtered", "code": "content_filter", "status": 400, "innererror":
        {"code": "ResponsibleAIPolicyViolation"}}}"#;
    check(400, &[], azure, Refused, "HTTP 400: filtered", None);
    check(
        403,
        &[],
        r#"{"error": {"message": "Your input was flagged", "metadata": {"reasons": ["x"]}}}"#,
        Refused,
        "HTTP 403: Your input was flagged",
        None,
    );
    check(400, &[], &openai("Odd.", "invalid_request_error", "x"), InvalidRequest, "HTTP 400: Odd.", None);
    check(422, &[], r#"{"detail": [{"msg": "no"}]}"#, InvalidRequest, r#"HTTP 422: [{"msg":"no"}]"#, None);
    check(405, &[], "", InvalidRequest, "HTTP 405: no further words", None);
}

#[test]
fn what_another_attempt_may_not_meet() {
    let page = "<html><head><title>502 Bad Gateway</title></head><body><h1>Bad</h1></body></html>";
    check(502, &["Content-Type: text/html"], page, Transient, "HTTP 502: 502 Bad Gateway Bad", None);
    check(500, &[], &openai("Oops", "server_error", ""), Transient, "HTTP 500: Oops", None);
    check(408, &[], "", Transient, "HTTP 408: no further words", None);
    check(
        529,
        &[],
        r#"{"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}"#,
        Transient,
        "HTTP 529: Overloaded",
        None,
    );
}

#[test]
fn a_schema_that_the_model_did_not_keep_to() {
    let failed = openai("Failed to generate JSON.", "invalid_request_error", "json_validate_failed");
    check(400, &[], &failed, Malformed, "HTTP 400: Failed to generate JSON.", None);
}

#[test]
fn errors_in_place_of_a_reply() {
    let prefix = "the server sent an error in place of a reply:";
    let inside = |error: &str, kind, words: &str| {
        check(200, &[], &format!(r#"{{"error": {error}}}"#), kind, &format!("{prefix} {words}"), None);
    };
    inside(r#"{"message": "Oops", "type": "server_error"}"#, Transient, "Oops");
    inside(r#"{"message": "Slow", "type": "rate_limit_error", "code": null}"#, RateLimited, "Slow");
    inside(r#"{"message": "Slow", "code": 429}"#, RateLimited, "Slow");
    inside(r#"{"message": "Provider", "code": 502}"#, Transient, "Provider");
    inside(r#"{"message": "Bad", "type": "invalid_request_error"}"#, InvalidRequest, "Bad");
    let behind = r#"{"choices": [{"message": {"content": ""}, "finish_reason": "error", "error": {"message": "Gone", "code": 502}}]}"#;
    check(200, &[], behind, Transient, &format!("{prefix} Gone"), None);
    inside(r#""plain""#, Transient, "plain");
    inside(r#"{"message": "No.", "code": "insufficient_quota"}"#, Quota, "No.");
}

#[test]
fn bodies_that_are_no_completion() {
    let malformed = |body: &str| {
        let error = ask(answer(200, &[], body)).unwrap_err();
        assert_eq!(error.kind(), Malformed, "{body}: {error}");
        error.message().to_owned()
    };
    assert_eq!(malformed(""), "the server sent an empty body");
    assert_eq!(malformed("{}"), "the server sent JSON without a choice");
    assert_eq!(malformed(r#"{"choices": []}"#), "the server sent JSON without a choice");
    assert_eq!(malformed(r#"{"choices": null}"#), "the server sent JSON without a choice");
    assert!(malformed("Hello there").ends_with("it begins: Hello there"));
    assert!(malformed("<h1>Log in</h1>").ends_with("it begins: Log in"));
    malformed(r#"{"choices": [{"message": {"content": "cut o"#);
    malformed(r#"{"choices": [{"message": {"content": 7}}]}"#);
    malformed(r#"{"choices": [{"message": {"content": "\ud800"}}]}"#);
    malformed(&format!(r#"{{"choices": [{{"message": {{"content": {}"#, "[".repeat(200_000)));
    malformed(&"[".repeat(200_000));
    malformed(&format!(r#"{{"choices": {}{}}}"#, "[".repeat(200_000), "]".repeat(200_000)));
    malformed(r#"{"choices": [{"message": ["A dog."]}]}"#);
    let invalid = [&br#"{"choices": [{"message": {"content": ""#[..], b"\xff\xfe", br#""}}]}"#].concat();
    assert_eq!(ask(answer(200, &[], invalid)).unwrap_err().kind(), Malformed);
}

#[test]
fn connections_that_break() {
    let whole = super::server::reply("A dog.");
    for length in [0, 10, whole.len() - 20] {
        let error = ask(whole[..length].to_vec()).unwrap_err();
        assert_eq!(error.kind(), Transient, "{error}");
    }
    let error = ask(b"SSH-2.0-OpenSSH_9.6\r\n\r\n".to_vec()).unwrap_err();
    assert_eq!(error.kind(), Transient, "{error}");
}

#[test]
fn what_never_got_a_connection_was_not_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let refusing = OpenAiConfig::new(format!("http://{}/v1", listener.local_addr().unwrap()));
    drop(listener);
    let error = run(OpenAi::new(refusing).unwrap().complete(&request())).unwrap_err();
    assert_eq!((error.kind(), error.was_not_sent()), (LlmErrorKind::Transient, true), "{error}");

    // Who takes the request and says nothing may have charged for it.
    let closing = Server::start(|_, _| Vec::new());
    let error = run(OpenAi::new(config(&closing)).unwrap().complete(&request())).unwrap_err();
    assert_eq!((error.kind(), error.was_not_sent()), (LlmErrorKind::Transient, false), "{error}");
}
