//! Processes that end at any moment: killed, or with a full disk.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;
use std::{env, fs};

use futures::executor::block_on;
use svitgen::Choices;
use svitgen::llm::MockLlm;
use svitgen::pipeline::RunFolder;

use crate::support::say;
use crate::{answer, builder, child_argument, data_files, records};

const N_IMAGES: u64 = 60;
const N_KILLS: u64 = 60;
const FOLDER: &str = "SVITGEN_TEST_CHILD_FOLDER";

/// The run that is killed; only does something in a process started by another test.
#[test]
fn child() {
    let Some(folder) = child_argument(FOLDER) else { return };
    let slow = MockLlm::function(|request| {
        thread::sleep(Duration::from_micros(500));
        answer(request)
    });
    if let Err(error) = block_on(builder(slow).build().unwrap().run(&records(N_IMAGES), folder)) {
        println!("{error}: {:?}", std::error::Error::source(&error).map(ToString::to_string));
        std::process::exit(3);
    }
}

fn start(folder: &Path) -> Child {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", "kill::child", "--nocapture"]).env(FOLDER, folder);
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// Starts a process and kills it at any moment, again and again, until one ends by itself; returns how many were killed.
/// On a busy machine a process needs longer to get anywhere; it gets some microseconds more at each attempt.
pub(crate) fn kill_until_done(choices: &mut Choices, more_micros: usize, start: impl Fn() -> Child) -> u64 {
    for n_kills in 0.. {
        let mut child = start();
        let most_micros = (10 + n_kills) * more_micros;
        thread::sleep(Duration::from_micros(choices.below(most_micros) as u64));
        child.kill().unwrap();
        let status = child.wait().unwrap();
        if status.success() {
            return n_kills as u64;
        }
        assert_eq!(status.code(), None, "killed, not failed");
    }
    unreachable!("there is no last number")
}

#[test]
fn a_killed_run_goes_on_and_ends_the_same() {
    let undisturbed = tempfile::tempdir().unwrap();
    let whole = builder(MockLlm::function(answer)).build().unwrap();
    let n_requests = block_on(whole.run(&records(N_IMAGES), undisturbed.path())).unwrap().total().requests;
    let expected = data_files(undisturbed.path());

    let mut choices = Choices::new(1, ["kills"]);
    let (mut n_kills, mut n_runs, mut n_unanswered) = (0, 0, 0);
    while n_kills < N_KILLS {
        let folder = tempfile::tempdir().unwrap();
        n_kills += kill_until_done(&mut choices, 3_000, || start(folder.path()));
        n_runs += 1;
        assert_eq!(data_files(folder.path()), expected);
        let total = RunFolder::open(folder.path()).unwrap().ledger().unwrap().total();
        // No unit is asked more often than kills can explain, and no answer is lost.
        assert_eq!(total.requests, n_requests + total.unanswered);
        n_unanswered += total.unanswered;
    }
    say(format_args!("{n_kills} kills in {n_runs} runs, {n_unanswered} requests in flight were sent again"));
}

#[cfg(unix)]
#[test]
fn a_full_disk_loses_nothing_that_was_journaled() {
    let folder = tempfile::tempdir().unwrap();
    // The shell's limit makes the operating system refuse to let any file grow beyond 40 blocks.
    let limited = |blocks: u32| {
        let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" --exact kill::child --nocapture");
        let mut command = Command::new("sh");
        command.args(["-c", &script]).arg(env::current_exe().unwrap()).env(FOLDER, folder.path());
        command.output().unwrap()
    };
    let output = limited(40);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("journal.jsonl") && said.contains("File too large"), "{said}");
    let journal = fs::read(folder.path().join("journal.jsonl")).unwrap();
    assert!(!journal.is_empty());

    let mock = MockLlm::function(answer);
    block_on(builder(mock.clone()).build().unwrap().run(&records(N_IMAGES), folder.path())).unwrap();
    let fresh = tempfile::tempdir().unwrap();
    let whole = MockLlm::function(answer);
    block_on(builder(whole.clone()).build().unwrap().run(&records(N_IMAGES), fresh.path())).unwrap();
    assert_eq!(data_files(folder.path()), data_files(fresh.path()));
    assert!(mock.requests().len() < whole.requests().len(), "what was journaled is not asked again");
}
