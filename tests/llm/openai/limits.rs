//! Timeouts, caps and room.

use std::io::Write;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use svitgen::LlmErrorKind;
use svitgen::llm::{LlmClient, OpenAi, OpenAiConfig, Timeouts};

use super::server::{Server, answer, completion, reply};
use super::{ask, config, request, run};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    answer(200, &["Content-Encoding: gzip"], encoder.finish().unwrap())
}

#[test]
fn compressed_bodies_are_asked_for_and_unpacked() {
    let server = Server::start(|_, _| gzip(completion("A dog.").to_string().as_bytes()));
    assert_eq!(run(OpenAi::new(config(&server)).unwrap().complete(&request())).unwrap().text, "A dog.");
    let accepted = server.received()[0].header("accept-encoding").unwrap().to_owned();
    assert!(["gzip", "br", "zstd"].iter().all(|encoding| accepted.contains(encoding)), "{accepted}");
    let error = ask(answer(200, &["Content-Encoding: gzip"], "no gzip at all")).unwrap_err();
    assert_eq!(error.kind(), LlmErrorKind::Malformed, "{error}");
}

#[test]
fn no_body_is_larger_than_the_cap() {
    let text = "x".repeat(200_000);
    let body = completion(&text).to_string();
    let answers =
        [reply(&text), gzip(body.as_bytes()), format!("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{body}").into()];
    for answer in answers {
        let copy = answer.clone();
        let server = Server::start(move |_, _| copy.clone());
        let client = OpenAi::new(config(&server).with_body_cap(100_000)).unwrap();
        let error = run(client.complete(&request())).unwrap_err();
        assert_eq!(error.kind(), LlmErrorKind::Malformed);
        assert_eq!(error.message(), "the body is larger than 100000 bytes, which is the cap");
        assert_eq!(ask(answer).unwrap().text.len(), 200_000);
    }
}

#[test]
fn a_bomb_is_not_unpacked() {
    // 100 MB from a hundredth of that; the default cap is 8 MiB.
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let zeros = vec![b' '; 1 << 20];
    (0..100).for_each(|_| encoder.write_all(&zeros).unwrap());
    let bomb = encoder.finish().unwrap();
    let error = ask(answer(200, &["Content-Encoding: gzip"], bomb)).unwrap_err();
    assert_eq!(error.message(), "the body is larger than 8388608 bytes, which is the cap");
}

#[test]
fn large_bodies_wait_for_one_another_and_never_for_ever() {
    // Each takes up the whole allowance, as its cap is above half of it.
    let server = Server::start(|_, _| reply(&"x".repeat(300_000)));
    let client = Arc::new(OpenAi::new(config(&server).with_body_cap(48 << 20)).unwrap());
    let calls = (0..12).map(|_| {
        let client = Arc::clone(&client);
        async move { client.complete(&request()).await.unwrap().text.len() }
    });
    assert_eq!(run(futures::future::join_all(calls)), vec![300_000; 12]);
}

#[test]
fn silence_ends() {
    let pause = Duration::from_secs(40);
    let short = Duration::from_millis(300);
    let late = move |_: usize, _: &_| {
        thread::sleep(pause);
        Vec::new()
    };
    let server = Server::start(late);
    let timeouts = Timeouts::default().with_first_byte(short);
    let client = OpenAi::new(config(&server).with_timeouts(timeouts)).unwrap();
    let error = run(client.complete(&request())).unwrap_err();
    assert_eq!((error.kind(), error.message()), (LlmErrorKind::Transient, "no answer within 300ms"));
    let timeouts = Timeouts::default().with_whole(short);
    let client = OpenAi::new(config(&server).with_timeouts(timeouts)).unwrap();
    let error = run(client.complete(&request())).unwrap_err();
    assert_eq!(error.message(), "no whole answer within 300ms");
}

#[test]
fn nobody_listens() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let client = OpenAi::new(OpenAiConfig::new(format!("http://{address}")).without_proxy()).unwrap();
    let error = run(client.complete(&request())).unwrap_err();
    assert_eq!(error.kind(), LlmErrorKind::Transient);
    assert!(!error.message().is_empty());
}

#[test]
fn without_a_runtime_there_is_an_error_that_says_so() {
    let client = OpenAi::new(OpenAiConfig::new("http://localhost:1")).unwrap();
    let error = futures::executor::block_on(client.complete(&request())).unwrap_err();
    assert_eq!(error.kind(), LlmErrorKind::Unavailable);
    assert!(error.message().contains("tokio runtime"), "{error}");
}

#[test]
fn a_client_is_named() {
    let client = OpenAi::new(OpenAiConfig::new("http://localhost:1")).unwrap();
    assert_eq!(client.name(), "openai");
    assert!(format!("{client:?}").contains("http://localhost:1/v1"), "{client:?}");
}
