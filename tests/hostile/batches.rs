//! `svitgen batch` against a server whose batches lose, double and spoil results, keep to no time, or vanish.

use svitgen::llm::Spending;
use svitgen::pipeline::RunFolder;

use crate::program::{Ended, Run};
use crate::server::Server;
use crate::support::say;

const N_IMAGES: usize = 60;
const COMMON: [&str; 4] = ["--model", "gpt-4o-mini", "--max-tokens", "700"];

fn arguments<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&COMMON, more].concat()
}

fn assert_good(ended: &Ended) {
    assert_eq!(ended.code, Some(0), "{ended:?}");
}

/// The data of the same run by calls.
fn by_calls(server: &Server) -> Run {
    let run = Run::new(N_IMAGES);
    run.succeed(&server.base_url(), &COMMON);
    run
}

#[test]
fn a_run_through_batches_ends_as_one_of_calls() {
    let faults = ["missing=0.1", "dup=0.05", "garbage=0.05", "error=0.1", "expire=0.2", "fail=0.1"];
    let mut flags = vec!["--batch-secs", "0.2", "--reply-bytes", "800", "--seed", "3"];
    flags.extend(faults.iter().flat_map(|fault| ["--batch-fault", fault]));
    let Some(server) = Server::start(&flags) else { return };
    let run = Run::new(N_IMAGES);
    let submitted = run.batch("submit", &server.base_url(), &arguments(&["--max-requests", "20"]));
    assert_good(&submitted);
    assert!(submitted.stdout.contains("batches created: 3, with 60 requests"), "{}", submitted.stdout);
    let status = run.batch("status", &server.base_url(), &COMMON);
    assert_good(&status);
    assert!(status.stdout.contains("created") && status.stdout.lines().count() == 4, "{}", status.stdout);

    let waited = run.batch("collect", &server.base_url(), &arguments(&["--wait", "--every", "1"]));
    assert_good(&waited);
    let ledger = run.ledger();
    assert_eq!((ledger.accepted, ledger.failed, ledger.pending), (N_IMAGES as u64, 0, 0));
    assert!(ledger.unanswered > 0 && ledger.requests > N_IMAGES as u64, "the server had its faults: {ledger:?}");
    let journal = run.journal();
    assert!(journal.images.len() == N_IMAGES && journal.images.values().all(|n| *n == 1));
    assert_eq!(run.data(), by_calls(&server).data());
    let status = run.batch("status", &server.base_url(), &arguments(&["--json"]));
    let rows: serde_json::Value = serde_json::from_str(&status.stdout).unwrap();
    let rows = rows.as_array().unwrap();
    assert!(rows.iter().all(|row| row["batch"]["state"] == "collected" && row["server"].is_null()), "{rows:?}");
    say(format_args!("{} batches with {} requests for {N_IMAGES} images", rows.len(), ledger.requests));
}

#[test]
fn a_cap_holds_for_batches_and_calls_together() {
    let Some(server) = Server::start(&["--batch-secs", "0.2", "--reply-bytes", "800"]) else { return };
    let run = Run::new(N_IMAGES);
    let spending = || Spending::read(run.folder().join("budget.jsonl")).unwrap();
    let capped = arguments(&["--max-cost", "0.010"]);
    let ended = run.batch("submit", &server.base_url(), &capped);
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert!(ended.stdout.contains("held back: ") && ended.stderr.contains("--max-cost"), "{ended:?}");
    let reserved = spending();
    assert!(reserved.in_batches > 0 && reserved.in_batches < N_IMAGES as u64, "{reserved}");
    let cap = "0.010".parse().unwrap();
    assert!(reserved.cost.saturating_add(reserved.reserved_cost) <= cap, "{reserved:?}");
    // What is left is too little for a call, and a call does not wait for a batch.
    let calls = run.finish(&server.base_url(), &capped);
    assert_eq!(calls.code, Some(3), "{}", calls.stderr);
    assert!(calls.stderr.contains("open batches"), "{}", calls.stderr);

    // Round after round what the batches did not take is free for the next ones.
    let ended = run.batch("submit", &server.base_url(), &[&capped[..], &["--wait", "--every", "1"]].concat());
    assert!(ended.code == Some(0) || ended.code == Some(3), "{ended:?}");
    let spent = spending();
    assert!(spent.cost <= cap && spent.in_batches == 0, "{spent:?}");
    let journal = run.journal();
    assert_eq!((spent.requests, spent.at_bound), (journal.ids.len() as u64, 0));
    assert_eq!((spent.input_tokens, spent.output_tokens), (journal.input_tokens, journal.output_tokens));
    let n_done = journal.ids.len();
    let told = format!("charged so far: {n_done} requests, ");
    assert!(ended.stdout.contains(&told) && ended.stdout.contains("of $0.01"), "{}", ended.stdout);

    let rest = run.batch("submit", &server.base_url(), &arguments(&["--max-cost", "10", "--wait", "--every", "1"]));
    assert_good(&rest);
    assert_eq!(run.ledger().accepted, N_IMAGES as u64);
    let batches = RunFolder::open(run.folder()).unwrap().batches().unwrap();
    assert_eq!(batches.iter().map(|batch| batch.requests).sum::<u64>(), N_IMAGES as u64, "nothing is asked twice");
    say(format_args!("{n_done} of {N_IMAGES} for {:.4} of $0.010, then all for {:.4}", spent.cost, spending().cost));
}

#[test]
fn a_server_that_has_lost_everything_is_told_and_given_up_on_request() {
    let Some(first) = Server::start(&["--batch-secs", "600", "--reply-bytes", "800"]) else { return };
    let run = Run::new(N_IMAGES);
    assert_good(&run.batch("submit", &first.base_url(), &COMMON));
    drop(first);
    let Some(second) = Server::start(&["--batch-secs", "0.2", "--reply-bytes", "800"]) else { return };
    for _ in 0..2 {
        let ended = run.batch("collect", &second.base_url(), &COMMON);
        assert_eq!(ended.code, Some(3), "{ended:?}");
        assert!(ended.stderr.contains("--give-up-unknown"), "{}", ended.stderr);
    }
    let status = run.batch("status", &second.base_url(), &COMMON);
    assert_good(&status);
    assert!(status.stdout.contains("unknown"), "{}", status.stdout);

    let ended = run.batch("collect", &second.base_url(), &arguments(&["--give-up-unknown"]));
    assert_good(&ended);
    assert!(ended.stdout.contains("no longer has: 1; 60 requests"), "{}", ended.stdout);
    assert_eq!((run.ledger().pending, run.ledger().unanswered), (N_IMAGES as u64, N_IMAGES as u64));
    assert_good(&run.batch("submit", &second.base_url(), &arguments(&["--wait", "--every", "1"])));
    assert_eq!(run.data(), by_calls(&second).data());
    let spent = Spending::read(run.folder().join("budget.jsonl")).unwrap();
    assert_eq!((spent.requests, spent.at_bound), (2 * N_IMAGES as u64, N_IMAGES as u64), "what is lost counts");
}
