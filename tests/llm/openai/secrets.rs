//! Where keys go, and where they do not.

use svitgen::LlmErrorKind;
use svitgen::llm::{LlmClient, OpenAi, OpenAiConfig, Secret};

use super::server::{Received, Server, answer, reply};
use super::{config, request, run};

const KEY: &str = "sk-test-0123456789abcdef";

fn echo(_: usize, received: &Received) -> Vec<u8> {
    answer(401, &[], format!("{} {}", "x ".repeat(140), received.head.replace("\r\n", " ")))
}

#[test]
fn keys_go_where_they_are_wanted() {
    let sent = |config: &dyn Fn(OpenAiConfig) -> OpenAiConfig, header: &str| {
        let server = Server::start(|_, _| reply("A dog."));
        run(OpenAi::new(config(super::config(&server))).unwrap().complete(&request())).unwrap();
        server.received()[0].header(header).map(str::to_owned)
    };
    assert_eq!(sent(&|config| config, "authorization"), None);
    let bearer = format!("Bearer {KEY}");
    assert_eq!(sent(&|config| config.with_key(Secret::new(format!("{KEY}\n"))), "authorization"), Some(bearer));
    let azure = |config: OpenAiConfig| config.with_key(Secret::new(KEY)).with_key_header("api-key");
    assert_eq!(sent(&azure, "api-key"), Some(KEY.to_owned()));
    assert_eq!(sent(&azure, "authorization"), None);
    let unset = |config: OpenAiConfig| config.with_key_from_env("SVITGEN_TEST_NO_SUCH_VARIABLE");
    assert_eq!(sent(&unset, "authorization"), None);
}

#[test]
fn names_passwords_and_queries_of_the_base_url() {
    let server = Server::start(echo);
    let url = server.url().replace("http://", "http://me:pass-word@") + "/chat/completions?api-version=1&key=qqqqqq";
    let client = OpenAi::new(OpenAiConfig::new(url).without_proxy()).unwrap();
    let error = run(client.complete(&request())).unwrap_err();
    let received = &server.received()[0];
    assert_eq!(received.line, "POST /v1/chat/completions?api-version=1&key=qqqqqq HTTP/1.1");
    assert_eq!(received.header("authorization"), Some("Basic bWU6cGFzcy13b3Jk"));
    let shown = format!("{error:?} {client:?}");
    assert!(!shown.contains("qqqqqq") && !shown.contains("pass-word") && !shown.contains("api-version"), "{shown}");
}

#[test]
fn no_key_in_errors_and_debug() {
    let server = Server::start(echo);
    let config = config(&server).with_key(Secret::new(KEY)).with_header("X-Token", "Bearer other-secret");
    assert!(!format!("{config:?}").contains("0123") && !format!("{config:?}").contains("other-secret"), "{config:?}");
    let client = OpenAi::new(config).unwrap();
    let error = run(client.complete(&request())).unwrap_err();
    assert_eq!(error.kind(), LlmErrorKind::Credentials);
    assert_eq!(server.received()[0].header("authorization"), Some(format!("Bearer {KEY}").as_str()));
    assert!(error.message().chars().count() < 330, "{error}");
    let shown = format!("{error:?} {error} {client:?}");
    assert!(!shown.contains("0123") && !shown.contains("other-secret"), "{shown}");
}

#[test]
fn no_key_in_what_is_said_of_odd_answers() {
    let odd = [
        format!(r#"{{"choices": "{KEY}"}}"#),
        format!(r#"{{"choices": [{{"message": "{KEY}"}}]}}"#),
        format!(r#"{{"error": {{"message": "{KEY}", "code": "{KEY}"}}}}"#),
        format!("{KEY} is no JSON"),
    ];
    for body in odd {
        for (body, streaming) in [(format!("data: {body}\n\n"), true), (body.clone(), true), (body, false)] {
            let server = Server::start(move |_, _| answer(200, &[], &body));
            let config = config(&server).with_key(Secret::new(KEY));
            let client = OpenAi::new(if streaming { config.with_streaming() } else { config }).unwrap();
            let error = run(client.complete(&request())).unwrap_err();
            assert!(!format!("{error:?}").contains("0123"), "{error:?}");
        }
    }
}

#[test]
fn a_redirect_is_told_and_not_followed() {
    let away = Server::start(|_, _| reply("evil"));
    let target = away.url();
    let kinds = [
        (301, LlmErrorKind::Unavailable),
        (302, LlmErrorKind::Transient),
        (303, LlmErrorKind::Transient),
        (307, LlmErrorKind::Transient),
        (308, LlmErrorKind::Unavailable),
    ];
    for (status, kind) in kinds {
        let location = format!("Location: {target}?token=abcdef");
        let server = Server::start(move |_, _| answer(status, &[&location], ""));
        let client = OpenAi::new(config(&server).with_key(Secret::new(KEY))).unwrap();
        let error = run(client.complete(&request())).unwrap_err();
        assert_eq!(error.kind(), kind);
        let words = format!("HTTP {status}: the server redirects to {target}; if that is right, make it the base URL");
        assert_eq!(error.message(), words);
    }
    assert!(away.received().is_empty());
}

#[test]
fn what_cannot_be_sent_is_an_error_without_the_key() {
    let kind = |config: OpenAiConfig| {
        let error = OpenAi::new(config).unwrap_err();
        assert!(!format!("{error:?}").contains("0123"), "{error:?}");
        error.kind()
    };
    let base = || OpenAiConfig::new("http://localhost:1/v1");
    assert_eq!(kind(base().with_key(Secret::new("sk-0123\n4567"))), LlmErrorKind::Credentials);
    assert_eq!(kind(base().with_header("bad name", "x")), LlmErrorKind::InvalidRequest);
    assert_eq!(kind(base().with_header("name", "0123\n4567")), LlmErrorKind::InvalidRequest);
    assert_eq!(kind(base().with_key(Secret::new("x")).with_key_header("bad name")), LlmErrorKind::InvalidRequest);
    assert_eq!(kind(base().with_proxy("socks5://u:0123@localhost:1")), LlmErrorKind::InvalidRequest);
    assert_eq!(kind(OpenAiConfig::new("localhost:8000")), LlmErrorKind::InvalidRequest);
    assert_eq!(kind(OpenAiConfig::new("ftp://u:0123@localhost/")), LlmErrorKind::InvalidRequest);
    assert_eq!(kind(OpenAiConfig::new("")), LlmErrorKind::InvalidRequest);
}

#[test]
fn a_proxy_gets_the_request_and_the_server_behind_it_the_key() {
    let proxy = Server::start(|_, _| reply("through"));
    let config = OpenAiConfig::new("http://model.invalid/v1").with_key(Secret::new(KEY)).with_proxy(proxy.url());
    assert_eq!(run(OpenAi::new(config).unwrap().complete(&request())).unwrap().text, "through");
    assert_eq!(proxy.received()[0].line, "POST http://model.invalid/v1/chat/completions HTTP/1.1");
}
