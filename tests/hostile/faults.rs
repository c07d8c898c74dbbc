//! Every fault that the server knows, one at a time.

use std::collections::VecDeque;
use std::process::Command;
use std::sync::Mutex;
use std::thread;

use crate::program::Run;
use crate::server::{Server, program};
use crate::support::say;

const N_IMAGES: usize = 3;

/// The exit codes that make sense for a fault that passes after two attempts.
fn wanted(fault: &str) -> i32 {
    match fault {
        // Every further request would fail as well.
        "quota" | "401" | "403" | "404" | "429_huge" => 3,
        // The prompt is what is wrong with it.
        "400_context" | "400_policy" => 1,
        _ => 0,
    }
}

fn check(fault: &str) -> Result<(), String> {
    let always = format!("{fault}=1");
    let arguments = ["--fault", &always, "--faulty-attempts", "2", "--late-ms", "6000", "--huge-mb", "20"];
    let Some(server) = Server::start(&arguments) else { return Ok(()) };
    let run = Run::new(N_IMAGES);
    let stream = if fault.starts_with("sse") { &["--stream"][..] } else { &[] };
    let ended = run.finish(&server.base_url(), &[&["--model", "m", "--timeout", "3"], stream].concat());
    let n_requests = server.n_requests();
    if ended.code != Some(wanted(fault)) {
        return Err(format!("{fault}: {ended:?} after {n_requests} requests"));
    }
    let ledger = run.ledger();
    let journal = run.journal();
    let n_answered = ledger.accepted + ledger.partial + ledger.rejected;
    let is_sound = ledger.inputs == N_IMAGES as u64
        && journal.images.len() as u64 == n_answered
        && journal.images.values().all(|n| *n == 1)
        && (ended.code != Some(0) || n_answered == N_IMAGES as u64);
    if is_sound { Ok(()) } else { Err(format!("{fault}: {ledger:?}, {journal:?}")) }
}

#[test]
fn every_fault_alone_ends_well() {
    let Some(program) = program() else { return };
    let list = Command::new(program).arg("--list-faults").output().unwrap().stdout;
    let list = String::from_utf8(list).unwrap();
    let faults: VecDeque<&str> = list.lines().filter_map(|line| line.split_whitespace().next()).collect();
    let n_faults = faults.len();
    assert!(n_faults > 50, "{list}");
    // They wait more than they work.
    let (faults, problems) = (Mutex::new(faults), Mutex::new(Vec::new()));
    let work = || {
        loop {
            let next = faults.lock().unwrap().pop_front();
            let Some(fault) = next else { return };
            if let Err(problem) = check(fault) {
                problems.lock().unwrap().push(problem);
            }
        }
    };
    thread::scope(|scope| (0..12).for_each(|_| drop(scope.spawn(work))));
    let problems = problems.into_inner().unwrap();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    say(format_args!("{n_faults} faults, each alone"));
}
