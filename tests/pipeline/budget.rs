//! A run that its budget stops, and that goes on with a higher cap.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use std::{env, fs};

use futures::executor::block_on;
use svitgen::llm::{Account, Budget, MockLlm, Spending};
use svitgen::{ErrorKind, Ledger, LlmErrorKind, Parameters, Pipeline, Task};

use crate::support::say;
use crate::{answer, child_argument, data_files, records};

const N_IMAGES: u64 = 40;
const FOLDER: &str = "SVITGEN_TEST_BUDGET_FOLDER";

fn run(folder: &Path, account: Option<Account>) -> (MockLlm, svitgen::Result<Ledger>) {
    let mock = MockLlm::function(answer);
    let account = Arc::new(account.unwrap_or_default());
    let parameters = Parameters::default().with_model("gpt-4o-mini").with_max_tokens(2_000);
    let builder = Pipeline::builder(Budget::new(mock.clone(), account)).task(Task::complex_reasoning());
    let pipeline = builder.parameters(parameters).concurrency(8).top_ups(0).build().unwrap();
    (mock, block_on(pipeline.run(&records(N_IMAGES), folder)))
}

#[test]
fn a_run_stops_at_its_cap_and_goes_on_with_a_higher_one() {
    let [undisturbed, folder] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    run(undisturbed.path(), None).1.unwrap();

    let file = folder.path().join("budget.jsonl");
    let (mut n_runs, mut n_asked) = (0, 0);
    let ledger = loop {
        n_runs += 1;
        let cap = n_runs * 15_000;
        let account = Account::new().with_max_total_tokens(cap).with_file(&file).unwrap();
        let (mock, result) = run(folder.path(), Some(account));
        n_asked += mock.requests().len() as u64;
        let spending = Spending::read(&file).unwrap();
        assert!(spending.input_tokens + spending.output_tokens <= cap);
        match result {
            Ok(ledger) => break ledger,
            Err(error) => match error.kind() {
                ErrorKind::Stopped(error) => assert_eq!(error.kind(), LlmErrorKind::Budget, "{error}"),
                _ => panic!("{error:?}"),
            },
        }
        assert!(n_runs < 50, "each run gets further");
    };
    assert!(n_runs > 2, "the cap stopped it");
    assert_eq!(data_files(folder.path()), data_files(undisturbed.path()));
    let spending = Spending::read(&file).unwrap();
    let total = ledger.total();
    assert_eq!((spending.requests, spending.at_bound), (n_asked, 0));
    assert_eq!((spending.input_tokens, spending.output_tokens), (total.input_tokens, total.output_tokens));
}

/// The run that is killed; only does something in a process started by the test below. Its server notes each request.
#[test]
fn child() {
    let Some(folder) = child_argument(FOLDER) else { return };
    let folder = PathBuf::from(folder);
    let sent = OpenOptions::new().create(true).append(true).open(folder.join("sent")).unwrap();
    let mock = MockLlm::function(move |request| {
        (&sent).write_all(b".").unwrap();
        thread::sleep(Duration::from_micros(500));
        answer(request)
    });
    let account = Account::new().with_file(folder.join("budget.jsonl")).unwrap();
    let pipeline = Pipeline::builder(Budget::new(mock, account)).task(Task::complex_reasoning()).build().unwrap();
    block_on(pipeline.run(&records(N_IMAGES), folder.join("run"))).unwrap();
}

#[test]
fn a_killed_run_forgets_nothing_that_was_sent() {
    let folder = tempfile::tempdir().unwrap();
    let (file, sent) = (folder.path().join("budget.jsonl"), folder.path().join("sent"));
    let (mut n_kills, mut spent) = (0, 0);
    // On a busy machine a process needs longer to get anywhere; it gets more time at each attempt.
    let mut wait = 5;
    loop {
        let mut command = Command::new(env::current_exe().unwrap());
        command.args(["--exact", "budget::child", "--nocapture"]).env(FOLDER, folder.path());
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        thread::sleep(Duration::from_millis(wait));
        wait += wait / 3;
        child.kill().unwrap();
        let is_done = child.wait().unwrap().success();
        n_kills += u32::from(!is_done);
        let n_sent = fs::metadata(&sent).map_or(0, |sent| sent.len());
        let known = if file.exists() { Spending::read(&file).unwrap() } else { Spending::default() };
        // A kill between the line of a request and the request itself charges one that was not sent.
        assert!((n_sent..=n_sent + u64::from(n_kills)).contains(&known.requests), "{n_sent} were sent: {known}");
        assert!(known.at_bound <= n_kills.into());
        assert!(known.input_tokens >= spent, "it never gets less");
        spent = known.input_tokens;
        if is_done {
            break;
        }
    }
    say(format_args!("{n_kills} kills, {}", Spending::read(&file).unwrap()));
}
