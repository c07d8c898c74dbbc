//! Run folders: what is in them, what they refuse, and what becomes of damaged ones.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;

use futures::executor::block_on;
use svitgen::llm::{LlmError, LlmErrorKind, MockLlm};
use svitgen::pipeline::RunFolder;
use svitgen::{ErrorKind, Ledger, Pipeline, Policy, PromptOptions, Sample, Task};

use crate::{answer, data_files, pipeline, records};

fn run(pipeline: &Pipeline, n: u64, folder: &Path) -> svitgen::Result<Ledger> {
    block_on(pipeline.run(&records(n), folder))
}

#[test]
fn outputs_are_in_order_and_the_ledger_adds_up() {
    let folder = tempfile::tempdir().unwrap();
    let mock = MockLlm::function(answer);
    let ledger = run(&pipeline(mock.clone()), 60, folder.path()).unwrap();
    insta::assert_snapshot!(ledger.to_string());

    let run_folder = RunFolder::open(folder.path()).unwrap();
    assert_eq!(run_folder.tasks(), ["complex_reasoning", "detail_description"]);
    assert_eq!(run_folder.ledger().unwrap(), ledger);
    let total = ledger.total();
    assert_eq!((total.requests, total.unanswered), (mock.requests().len() as u64, 0));
    for (task, account) in &ledger.tasks {
        let samples: Vec<Sample> = run_folder.samples(task).unwrap().map(|sample| sample.unwrap()).collect();
        assert_eq!(samples.len() as u64, account.accepted + account.partial);
        assert!(samples.is_sorted_by_key(|sample| sample.image_id.clone()));
        let units = fs::read_to_string(folder.path().join(format!("units/{task}.jsonl"))).unwrap();
        assert_eq!(units.lines().count() as u64, account.inputs);
    }
    assert!(!folder.path().join("samples/complex_reasoning.jsonl.tmp").exists());
}

#[test]
fn a_finished_run_asks_nothing_again_and_may_grow() {
    let folder = tempfile::tempdir().unwrap();
    let mock = MockLlm::function(answer);
    let build = |limit| {
        let builder = Pipeline::builder(mock.clone()).task(Task::complex_reasoning());
        builder.limit(limit).build().unwrap()
    };
    assert_eq!(run(&build(10), 30, folder.path()).unwrap().total().inputs, 10);
    let n_requests = mock.requests().len();
    run(&build(10), 30, folder.path()).unwrap();
    assert_eq!(mock.requests().len(), n_requests);

    let grown = Pipeline::builder(mock.clone()).task(Task::complex_reasoning()).task(Task::detail_description());
    let ledger = run(&grown.limit(20).build().unwrap(), 30, folder.path()).unwrap();
    assert_eq!((ledger.total().inputs, ledger.total().pending), (40, 0));
    assert_eq!(ledger.total().requests, mock.requests().len() as u64);
}

#[test]
fn changed_options_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let build = || Pipeline::builder(MockLlm::function(answer)).task(Task::complex_reasoning());
    run(&build().limit(3).build().unwrap(), 5, folder.path()).unwrap();
    let check = |pipeline: svitgen::pipeline::PipelineBuilder, n, expected: &str| {
        let error = run(&pipeline.build().unwrap(), n, folder.path()).unwrap_err();
        let message = error.to_string();
        assert!(matches!(error.kind(), ErrorKind::RunDiffers { .. }) && message.contains(expected), "{message}");
    };
    check(build().limit(2), 5, "limit = 3, now it is 2");
    check(build().limit(3).policy(Policy::strict()), 5, "policy.preset = \"careful\", now it is \"strict\"");
    check(build().limit(3).prompt_options(PromptOptions::default().with_seed(9)), 5, "prompt.seed = 0, now it is 9");
    check(build().limit(3), 6, "inputs");
    check(
        Pipeline::builder(MockLlm::function(answer)).task(Task::conversation()).limit(3),
        5,
        "task complex_reasoning",
    );
}

#[test]
fn one_writer_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let (path, second) = (folder.path().to_owned(), pipeline(MockLlm::function(answer)));
    // While the first run waits for a reply, the second one is refused.
    let mock = MockLlm::function(answer).with_delay(move |_| {
        let (path, second) = (path.clone(), second.clone());
        async move {
            let error = second.run(&records(3), &path).await.unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::RunInUse { .. }), "{error}");
            assert!(error.to_string().contains(&std::process::id().to_string()), "{error}");
        }
    });
    run(&pipeline(mock), 3, folder.path()).unwrap();
}

#[test]
fn a_run_stops_when_all_would_fail_and_goes_on_later() {
    let folder = tempfile::tempdir().unwrap();
    let poor = std::sync::atomic::AtomicUsize::new(0);
    let poor = MockLlm::function(move |request| match poor.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
        0..20 => Ok(answer(request)),
        _ => Err(LlmError::new(LlmErrorKind::Quota, "no credit left")),
    });
    let error = run(&pipeline(poor), 40, folder.path()).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Stopped(_)), "{error}");
    let ledger = RunFolder::open(folder.path()).unwrap().ledger().unwrap();
    assert!(ledger.total().pending > 0 && ledger.total().failed > 0, "{ledger}");

    run(&pipeline(MockLlm::function(answer)), 40, folder.path()).unwrap();
    let fresh = tempfile::tempdir().unwrap();
    run(&pipeline(MockLlm::function(answer)), 40, fresh.path()).unwrap();
    assert_eq!(data_files(folder.path()), data_files(fresh.path()));
}

#[test]
fn failures_are_asked_again_only_if_they_may_pass() {
    for (kind, asked_again) in [(LlmErrorKind::Transient, true), (LlmErrorKind::TooLong, false)] {
        let folder = tempfile::tempdir().unwrap();
        run(&pipeline(MockLlm::function(move |_| LlmError::new(kind, "no"))), 2, folder.path()).unwrap();
        let mock = MockLlm::function(answer);
        let ledger = run(&pipeline(mock.clone()), 2, folder.path()).unwrap();
        assert_eq!(mock.requests().len(), if asked_again { 4 } else { 0 });
        assert_eq!(ledger.total().failed, if asked_again { 0 } else { 4 });
    }
}

#[test]
fn damage_to_the_journal_costs_only_the_damaged_lines() {
    let folder = tempfile::tempdir().unwrap();
    run(&pipeline(MockLlm::function(answer)), 30, folder.path()).unwrap();
    let whole = data_files(folder.path());
    let journal = folder.path().join("journal.jsonl");
    // A torn tail, as a kill in mid-write leaves it.
    OpenOptions::new().append(true).open(&journal).unwrap().write_all(b"{\"image_id\":3,\"task\":\"compl").unwrap();
    let mock = MockLlm::function(answer);
    let ledger = run(&pipeline(mock.clone()), 30, folder.path()).unwrap();
    assert_eq!((mock.requests().len(), ledger.damaged_lines), (0, 0));
    // One flipped byte within a completion.
    let mut bytes = fs::read(&journal).unwrap();
    let text = String::from_utf8(bytes.clone()).unwrap();
    let at = text.find("\"completion\"").unwrap() + 20;
    bytes[at] ^= 1;
    fs::write(&journal, &bytes).unwrap();
    let ledger = run(&pipeline(mock.clone()), 30, folder.path()).unwrap();
    assert_eq!((mock.requests().len(), ledger.damaged_lines), (1, 1));
    assert_eq!(data_files(folder.path()), whole);
}
