//! How much patience a run has is for its user to say.

use std::net::TcpListener;

use crate::program::Run;
use crate::server::Server;

const N_IMAGES: usize = 6;

#[test]
fn faults_are_met_so_many_times() {
    let faults = ["--fault", "500_json=1", "--faulty-attempts", "2", "--reply-bytes", "800"];
    let Some(server) = Server::start(&faults) else { return };
    // Too few faults for the server to pass for dead.
    let run = Run::new(2);
    let ended = run.finish(&server.base_url(), &["--model", "m", "--max-attempts", "2"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert_eq!((run.ledger().failed, server.n_requests()), (2, 4));
    run.succeed(&server.base_url(), &["--model", "m", "--max-attempts", "1"]);
}

#[test]
fn a_wait_that_is_longer_than_wanted_ends_the_run() {
    let Some(server) = Server::start(&["--fault", "429_secs=1", "--retry-after", "30"]) else { return };
    let run = Run::new(N_IMAGES);
    let ended = run.finish(&server.base_url(), &["--model", "m", "--max-wait", "20"]);
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert!(ended.stderr.contains("asks to wait for 30 s"), "{}", ended.stderr);
}

#[test]
fn a_dead_server_is_waited_for_as_long_as_wanted() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base_url = format!("http://{}/v1", listener.local_addr().unwrap());
    drop(listener);
    let run = Run::new(N_IMAGES);
    let cap = ["--max-tokens", "1000", "--max-tokens-total", "100000"];
    let ended = run.finish(&base_url, &[&["--model", "m", "--max-outage", "1"][..], &cap].concat());
    assert_eq!(ended.code, Some(3), "{ended:?}");
    // Not the cap: what no server got costs nothing.
    assert!(ended.stderr.contains("the server has answered nothing for"), "{}", ended.stderr);
    // The options of a run are kept with it.
    let options = std::fs::read_to_string(run.folder().join("svitgen.toml")).unwrap();
    assert!(options.contains("max-outage = 1"), "{options}");
}

#[test]
fn no_attempt_at_all_makes_no_sense() {
    let ended = Run::new(1).finish("http://127.0.0.1:1/v1", &["--max-attempts", "0"]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
}
