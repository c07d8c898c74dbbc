//! What no further request would help ends the run early, with a sentence, and the run can go on.

use std::net::TcpListener;
use std::time::Duration;

use svitgen::annotation::Jsonl;
use svitgen::llm::{Breaker, BreakerPolicy, OpenAi, OpenAiConfig, Retry, RetryPolicy, TokioTimer};
use svitgen::{ErrorKind, LlmErrorKind, Pipeline, Task};

use crate::program::Run;
use crate::server::Server;

const CONCURRENCY: usize = 8;
const ARGUMENTS: [&str; 4] = ["--model", "m", "--concurrency", "8"];

/// A run against a server with only this fault ends with this sentence, and goes on with a better server.
fn check(fault: &str, sentence: &str) {
    let always = format!("{fault}=1");
    let Some(server) = Server::start(&["--fault", &always]) else { return };
    let run = Run::new(100);
    let ended = run.finish(&server.base_url(), &ARGUMENTS);
    assert_eq!(ended.code, Some(3), "{fault}: {}", ended.stderr);
    assert!(ended.stderr.contains(sentence), "{fault}: {}", ended.stderr);
    assert!(ended.stderr.contains("to go on: svitgen generate"), "{fault}: {}", ended.stderr);
    let n_requests = server.n_requests();
    assert!(n_requests <= 2 * CONCURRENCY, "{fault}: {n_requests} requests");
    let ledger = run.ledger();
    assert_eq!((ledger.inputs, ledger.accepted), (100, 0));

    let Some(better) = Server::start(&["--reply-bytes", "800"]) else { return };
    run.succeed(&better.base_url(), &ARGUMENTS);
    assert_eq!(run.ledger().accepted, 100, "{fault}");
}

#[test]
fn a_quota_that_is_used_up() {
    check("quota", "add credit");
}

#[test]
fn a_key_that_is_refused() {
    check("401", "--api-key-env");
    check("403", "--api-key-env");
}

#[test]
fn a_model_that_the_server_does_not_have() {
    check("404", "--model");
}

#[test]
fn a_wait_that_nobody_sits_through() {
    check("429_huge", "start it again");
}

#[test]
fn a_server_that_is_not_there_ends_the_run_when_patience_is_used_up() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base_url = format!("http://{}/v1", listener.local_addr().unwrap());
    drop(listener);
    let lines: String = (0..20).map(|id| format!("{{\"id\": {id}, \"captions\": [\"A dog.\"]}}\n")).collect();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("records.jsonl");
    std::fs::write(&path, lines).unwrap();
    let run = async {
        let timer = TokioTimer::new();
        let client = OpenAi::new(OpenAiConfig::new(base_url).without_proxy().with_model("m")).unwrap();
        let policy = BreakerPolicy::default()
            .with_failures(2)
            .with_pauses(Duration::from_millis(20), Duration::from_millis(50))
            .with_patience(Duration::from_millis(300));
        let client = Retry::new(Breaker::new(client, policy, timer.clone()), RetryPolicy::default(), timer);
        let pipeline = Pipeline::builder(client).tasks([Task::detail_description()]).concurrency(4).build().unwrap();
        let source = Jsonl::open(&path).unwrap();
        pipeline.run(&source, folder.path().join("run")).await
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let result = runtime.block_on(async { tokio::time::timeout(Duration::from_secs(120), run).await }).unwrap();
    let error = result.unwrap_err();
    let ErrorKind::Stopped(cause) = error.kind() else { panic!("{error:?}") };
    assert_eq!(cause.kind(), LlmErrorKind::Unavailable);
}
