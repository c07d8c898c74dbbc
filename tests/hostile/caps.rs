//! Caps of tokens and money, with many requests at a time.

use crate::program::Run;
use crate::server::Server;

const N_IMAGES: usize = 200;
const COMMON: [&str; 6] = ["--model", "gpt-4o-mini", "--max-tokens", "700", "--concurrency", "64"];

fn server() -> Option<Server> {
    Server::start(&["--latency-ms", "10", "--reply-bytes", "800"])
}

/// Runs with a cap that is too low, then with one that is not; what was spent at the first one, in tokens.
fn check(cap: [&str; 2], higher: [&str; 2]) -> Option<(u64, u64)> {
    let server = server()?;
    let run = Run::new(N_IMAGES);
    let ended = run.finish(&server.base_url(), &[&COMMON[..], &cap].concat());
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    let to_go_on = format!("svitgen.toml {} MORE", cap[0]);
    assert!(ended.stderr.contains(&to_go_on), "{}", ended.stderr);
    let journal = run.journal();
    let n_paid = server.log().iter().filter(|request| request.is_paid()).count();
    assert_eq!(n_paid, journal.ids.len(), "what the server was paid for is in the journal");
    assert!(n_paid > 0 && n_paid < N_IMAGES, "{n_paid}");
    let ledger = run.ledger();
    assert_eq!(ledger.inputs, N_IMAGES as u64);

    run.succeed(&server.base_url(), &[&COMMON[..], &higher].concat());
    assert_eq!(run.ledger().accepted, N_IMAGES as u64);
    assert!(server.log_by_key().values().all(|requests| requests.len() == 1), "nothing is asked twice");
    Some((journal.input_tokens, journal.output_tokens))
}

#[test]
fn a_cap_of_tokens_is_never_passed() {
    let spent = check(["--max-tokens-total", "60000"], ["--max-tokens-total", "10000000"]);
    let Some((input, output)) = spent else { return };
    assert!(input + output <= 60_000, "{input} + {output}");
}

#[test]
fn a_cap_of_money_is_never_passed() {
    let Some((input, output)) = check(["--max-cost", "0.015"], ["--max-cost", "10"]) else { return };
    // Dollars for a million tokens, in the built-in list.
    let cost = (input as f64 * 0.15 + output as f64 * 0.60) / 1e6;
    assert!(cost <= 0.015, "{input}, {output}: {cost}");
}
