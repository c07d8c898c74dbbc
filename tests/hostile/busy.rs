//! A server with more to do than it can.

use std::env;

use crate::program::Run;
use crate::server::Server;
use crate::support::say;

#[test]
fn a_busy_server_is_waited_for_and_nothing_is_lost() {
    let n_images = env::var("SVITGEN_TEST_IMAGES").ok().and_then(|n| n.parse().ok()).unwrap_or(300);
    let Some(server) =
        Server::start(&["--profile", "busy", "--fault", "429_ms=0.05", "--seed", "7", "--reply-bytes", "800"])
    else {
        return;
    };
    let run = Run::new(n_images);
    run.succeed(&server.base_url(), &["--model", "m"]);

    let ledger = run.ledger();
    assert_eq!((ledger.inputs, ledger.failed, ledger.pending), (n_images as u64, 0, 0));
    let journal = run.journal();
    assert_eq!(journal.images.len(), n_images);
    assert!(journal.images.values().all(|n| *n == 1));

    let keys = server.log_by_key();
    assert_eq!(keys.len(), n_images);
    let (mut n_requests, mut n_waits) = (0, 0);
    for requests in keys.values() {
        n_requests += requests.len();
        for pair in requests.windows(2) {
            let [first, next] = pair else { continue };
            // What a date asks for depends on when in its second it was written.
            let wait = match first.fault.as_str() {
                "429_secs" => 1.0,
                "429_ms" => 0.15,
                _ => continue,
            };
            n_waits += 1;
            // The log has four digits.
            assert!(next.t - first.t >= wait - 0.0002, "sent too early: {first:?}, {next:?}");
        }
        let paid: Vec<_> = requests.iter().filter(|request| request.is_paid()).collect();
        assert_eq!(paid.len(), 1, "paid once: {requests:?}");
        assert!(journal.ids.contains(&paid[0].completion_id()));
    }
    assert!(n_requests > n_images, "the server was not busy");
    say(format_args!("{n_images} images, {n_requests} requests, {n_waits} waits that the server asked for, all kept"));
}
