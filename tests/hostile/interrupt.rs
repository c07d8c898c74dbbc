//! A run that its user ends.

#![cfg(unix)]

use std::process::Command;

use crate::program::Run;
use crate::server::Server;

const ARGUMENTS: [&str; 4] = ["--model", "m", "--concurrency", "8"];

#[test]
fn an_interrupted_run_waits_for_what_is_on_its_way() {
    let Some(server) = Server::start(&["--latency-ms", "100", "--reply-bytes", "800"]) else { return };
    let run = Run::new(150);
    let child = run.start(&server.base_url(), &ARGUMENTS);
    server.wait_for_requests(20);
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let ended = run.end(child);
    assert_eq!(ended.code, Some(130), "{}", ended.stderr);
    let ledger = run.ledger();
    assert_eq!((ledger.unanswered, ledger.failed), (0, 0));
    assert!(ledger.accepted > 0 && ledger.pending > 0, "{ledger:?}");
    assert_eq!(server.n_requests() as u64, ledger.accepted);

    run.succeed(&server.base_url(), &ARGUMENTS);
    assert!(server.log_by_key().values().all(|requests| requests.len() == 1), "nothing is asked twice");
    let undisturbed = Run::new(150);
    undisturbed.succeed(&server.base_url(), &["--model", "m"]);
    assert_eq!(run.data(), undisturbed.data());
}
