//! Exactly once: what was paid for, against what is in the journal, with a process that is killed at any moment.

use std::collections::BTreeSet;
use std::thread;
use std::time::Duration;

use svitgen::Choices;

use crate::program::Run;
use crate::server::Server;
use crate::support::say;

const N_IMAGES: usize = 200;
const N_KILLS: usize = 24;
const CONCURRENCY: usize = 8;
const ARGUMENTS: [&str; 4] = ["--model", "m", "--concurrency", "8"];

fn server() -> Option<Server> {
    Server::start(&["--latency-ms", "15", "--reply-bytes", "800"])
}

#[test]
fn nothing_is_lost_or_doubled_by_kills() {
    let Some(calm) = server() else { return };
    let undisturbed = Run::new(N_IMAGES);
    undisturbed.succeed(&calm.base_url(), &ARGUMENTS);
    let expected = undisturbed.data();

    let mut choices = Choices::new(5, ["kills of the program"]);
    let (mut n_kills, mut n_runs, mut n_paid_twice) = (0, 0, 0);
    while n_kills < N_KILLS {
        let Some(server) = server() else { return };
        let run = Run::new(N_IMAGES);
        let mut n_kills_here = 0;
        // On a busy machine a process needs longer to get anywhere; it gets more time at each attempt.
        for most_millis in (80..).step_by(10) {
            let mut child = run.start(&server.base_url(), &ARGUMENTS);
            thread::sleep(Duration::from_millis(choices.below(most_millis) as u64));
            child.kill().unwrap();
            match run.end(child) {
                ended if ended.code == Some(0) => break,
                ended => assert_eq!(ended.code, None, "killed, not failed: {}", ended.stderr),
            }
            n_kills_here += 1;
        }
        n_paid_twice += account(&run, &server, n_kills_here);
        assert_eq!(run.data(), expected);
        n_kills += n_kills_here;
        n_runs += 1;
    }
    say(format_args!("{n_kills} kills in {n_runs} runs; {n_paid_twice} replies were in flight and paid for twice"));
}

/// Holds the journal of a finished run against the log of its server; how many replies were paid for and lost.
fn account(run: &Run, server: &Server, n_kills: usize) -> usize {
    let ledger = run.ledger();
    assert_eq!(ledger.accepted + ledger.partial, N_IMAGES as u64);
    let journal = run.journal();
    assert_eq!(journal.images.len(), N_IMAGES);
    assert!(journal.images.values().all(|n| *n == 1), "one reply for each image");
    let log = server.log();
    let paid: BTreeSet<String> =
        log.iter().filter(|request| request.is_paid()).map(|request| request.completion_id()).collect();
    assert!(journal.ids.is_subset(&paid), "what is journaled was paid for");
    let n_lost = paid.len() - journal.ids.len();
    assert!(n_lost as u64 <= ledger.unanswered, "{n_lost} lost, of {} that the ledger knows", ledger.unanswered);
    assert!(ledger.unanswered <= (n_kills * CONCURRENCY) as u64, "{} in {n_kills} kills", ledger.unanswered);
    assert!(log.len() as u64 <= ledger.requests, "{} requests, {} in the ledger", log.len(), ledger.requests);
    n_lost
}
