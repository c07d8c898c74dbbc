//! Watching a run and stopping it; journals that are compacted, deleted, or of another time.

use std::fs;

use futures::executor::block_on;
use svitgen::llm::{LlmError, LlmErrorKind, MockLlm, Parameters};
use svitgen::pipeline::{Phase, RunControl, RunFolder};
use svitgen::{ErrorKind, Pipeline, Task};

use crate::{answer, builder, data_files, pipeline, records};

#[test]
fn a_run_that_is_told_to_stop_writes_what_it_has_and_goes_on_later() {
    let folder = tempfile::tempdir().unwrap();
    let control = RunControl::new();
    let stopper = control.clone();
    let mock = MockLlm::function(move |request| {
        if stopper.snapshot().requests() >= 20 {
            stopper.stop();
        }
        answer(request)
    });
    let result = block_on(builder(mock.clone()).build().unwrap().run_with(&records(60), folder.path(), &control));
    assert!(matches!(result.unwrap_err().kind(), ErrorKind::Interrupted));
    let snapshot = control.snapshot();
    assert_eq!((snapshot.phase, snapshot.in_flight()), (Phase::Ended, 0));
    assert_eq!(snapshot.requests(), mock.requests().len() as u64);
    let total = RunFolder::open(folder.path()).unwrap().ledger().unwrap().total();
    assert_eq!((total.unanswered, total.failed), (0, 0));
    assert!(total.pending > 0 && total.accepted > 0);

    let rest = RunControl::new();
    block_on(builder(MockLlm::function(answer)).build().unwrap().run_with(&records(60), folder.path(), &rest)).unwrap();
    let snapshot = rest.snapshot();
    assert_eq!((snapshot.done(), snapshot.total()), (120, Some(120)));
    assert!(snapshot.tasks["complex_reasoning"].done_before > 0);
    let fresh = tempfile::tempdir().unwrap();
    block_on(builder(MockLlm::function(answer)).build().unwrap().run(&records(60), fresh.path())).unwrap();
    assert_eq!(data_files(folder.path()), data_files(fresh.path()));
}

#[test]
fn what_was_given_up_while_it_waited_is_pending() {
    let folder = tempfile::tempdir().unwrap();
    let mock = MockLlm::function(|_| LlmError::new(LlmErrorKind::Interrupted, "it waited for its turn"));
    let ledger = block_on(pipeline(mock).run(&records(10), folder.path())).unwrap();
    assert_eq!((ledger.total().pending, ledger.total().failed), (18, 0));
    let ledger = block_on(pipeline(MockLlm::function(answer)).run(&records(10), folder.path())).unwrap();
    assert_eq!(ledger.total().pending, 0);
}

#[test]
fn a_compacted_journal_is_smaller_and_says_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let failing = MockLlm::function(|_| LlmError::new(LlmErrorKind::Transient, "not now"));
    block_on(pipeline(failing).run(&records(30), folder.path())).unwrap();
    let before = block_on(pipeline(MockLlm::function(answer)).run(&records(30), folder.path())).unwrap();
    let files = data_files(folder.path());

    let compaction = RunFolder::open(folder.path()).unwrap().compact().unwrap();
    assert!(compaction.bytes_after < compaction.bytes_before, "{compaction:?}");
    let length = fs::metadata(folder.path().join("journal.jsonl")).unwrap().len();
    assert_eq!(length, compaction.bytes_after);
    let again = RunFolder::open(folder.path()).unwrap().compact().unwrap();
    assert_eq!(again.bytes_after, compaction.bytes_after);

    let silent = MockLlm::function(answer);
    let after = block_on(pipeline(silent.clone()).run(&records(30), folder.path())).unwrap();
    assert_eq!(silent.requests().len(), 0);
    assert_eq!(after, before);
    assert_eq!(data_files(folder.path()), files);
}

#[test]
fn a_journal_of_a_later_version_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    block_on(pipeline(MockLlm::function(answer)).run(&records(3), folder.path())).unwrap();
    let path = folder.path().join("journal.jsonl");
    // The checksum of the header says that it is whole.
    fs::write(&path, "{\"journal\":99,\"sum\":\"SUM\"}\n".replace("SUM", &sum("{\"journal\":99"))).unwrap();
    let error = block_on(pipeline(MockLlm::function(answer)).run(&records(3), folder.path())).unwrap_err();
    let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
    assert!(cause.contains("version 99"), "{error}: {cause}");
    assert!(fs::read_to_string(&path).unwrap().contains("99"));
}

fn sum(text: &str) -> String {
    format!("{:016x}", xxhash_rust::xxh3::xxh3_64(text.as_bytes()))
}

#[cfg(unix)]
#[test]
fn a_folder_that_is_deleted_stops_the_run() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("run");
    let target = folder.clone();
    let mock = MockLlm::function(move |request| {
        let _ = fs::remove_dir_all(&target);
        answer(request)
    });
    let error = block_on(builder(mock.clone()).build().unwrap().run(&records(60), &folder)).unwrap_err();
    assert!(error.to_string().contains("journal.jsonl"), "{error}");
    // Those in flight when it happened, and no more.
    assert!(mock.requests().len() <= 8, "{}", mock.requests().len());
}

#[test]
fn tasks_may_have_parameters_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let build = |model: &str| {
        let mock = MockLlm::function(answer);
        let small = Parameters::default().with_model(model);
        let builder = Pipeline::builder(mock.clone()).parameters(Parameters::default().with_model("big").with_seed(1));
        let builder = builder.task(Task::complex_reasoning()).task_with(Task::detail_description(), small);
        (builder.top_ups(0).build().unwrap(), mock)
    };
    let (pipeline, mock) = build("small");
    block_on(pipeline.run(&records(2), folder.path())).unwrap();
    let mut models: Vec<_> = mock.requests().into_iter().map(|request| request.parameters).collect();
    models.sort_by_key(|parameters| parameters.model.clone());
    assert_eq!(models[0], Parameters::default().with_model("big").with_seed(1));
    assert_eq!(models[3], Parameters::default().with_model("small").with_seed(1));
    let error = block_on(build("other").0.run(&records(2), folder.path())).unwrap_err();
    assert!(error.to_string().contains("task detail_description.parameters.model"), "{error}");
}
