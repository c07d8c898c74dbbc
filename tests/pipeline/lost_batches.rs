//! Batches that the server no longer knows, for good or for a moment, and results that are gone.

use std::path::Path;

use svitgen::llm::MockLlm;
use svitgen::pipeline::{BatchOptions, BatchReport, RunBatchState, RunFolder, TaskLedger};
use svitgen::{ErrorKind, LlmErrorKind, Pipeline, Task};

use crate::batch_server::BatchServer;
use crate::{answer, records};

const N_IMAGES: u64 = 5;

struct Run {
    server: BatchServer,
    folder: tempfile::TempDir,
    pipeline: Pipeline,
}

impl Run {
    /// A run whose requests are in one batch.
    fn submitted() -> Self {
        let builder = Pipeline::builder(MockLlm::function(answer)).task(Task::detail_description()).top_ups(0);
        let (server, folder) = (BatchServer::start(), tempfile::tempdir().unwrap());
        let run = Self { server, folder, pipeline: builder.build().unwrap() };
        assert_eq!(run.submit().submitted, N_IMAGES);
        run
    }

    fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
    }

    fn submit(&self) -> BatchReport {
        let (api, records) = (self.server.api(), records(N_IMAGES));
        self.wait(self.pipeline.submit_batches(&records, self.path(), &api)).unwrap()
    }

    fn try_collect(&self, options: &BatchOptions) -> svitgen::Result<BatchReport> {
        let (api, records) = (self.server.api(), records(N_IMAGES));
        self.wait(self.pipeline.collect_batches_with(&records, self.path(), &api, options))
    }

    fn collect(&self) -> BatchReport {
        self.try_collect(&BatchOptions::default()).unwrap()
    }

    fn forget(&self, paths: &[&str]) {
        self.server.change(|state| state.forgotten.extend(paths.iter().map(|path| (*path).to_owned())));
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn states(&self) -> Vec<RunBatchState> {
        RunFolder::open(self.path()).unwrap().batches().unwrap().iter().map(|batch| batch.state).collect()
    }

    fn total(&self) -> TaskLedger {
        RunFolder::open(self.path()).unwrap().ledger().unwrap().total()
    }
}

#[test]
fn a_batch_that_is_lost_is_given_up_at_the_second_look_and_its_requests_are_free() {
    let run = Run::submitted();
    run.forget(&["batches/batch-1", "listed/batch-1"]);
    let first = run.collect();
    assert_eq!((first.unknown, first.lost, first.open), (1, 0, 1));
    assert!(first.to_string().contains("did not know at this look: 1"), "{first}");
    assert_eq!(run.submit().submitted, 0, "what may still come is not sent again");
    let second = run.collect();
    assert_eq!((second.unknown, second.lost, second.open, second.tally.missing), (0, 1, 0, N_IMAGES));
    assert!(second.to_string().contains("5 requests of them may have been billed"), "{second}");
    let total = run.total();
    assert_eq!((total.pending, total.unanswered, total.in_batches), (N_IMAGES, N_IMAGES, 0));

    assert_eq!(run.submit().submitted, N_IMAGES);
    assert_eq!(run.collect().tally.completions, N_IMAGES);
    let total = run.total();
    assert_eq!((total.accepted, total.requests, total.unanswered), (N_IMAGES, 2 * N_IMAGES, N_IMAGES));
    assert_eq!(run.states(), [RunBatchState::Lost, RunBatchState::Collected]);
}

#[test]
fn a_batch_that_was_not_known_for_a_moment_is_not_lost() {
    let run = Run::submitted();
    run.forget(&["batches/batch-1", "listed/batch-1"]);
    assert_eq!(run.collect().unknown, 1);
    run.server.change(|state| state.forgotten.clear());
    // It is known again, and then its results are not there for a moment: that is one look and not two.
    run.forget(&["files/out-1/content"]);
    assert_eq!(run.collect().unknown, 1);
    run.server.change(|state| state.forgotten.clear());
    let report = run.collect();
    assert_eq!((report.collected, report.tally.completions, report.lost), (1, N_IMAGES, 0));
    assert_eq!(run.server.n_batches(), 1);
}

#[test]
fn a_batch_that_is_in_the_list_is_known() {
    let run = Run::submitted();
    run.forget(&["batches/batch-1"]);
    assert_eq!(run.collect().tally.completions, N_IMAGES);
}

#[test]
fn a_server_that_knows_nothing_of_the_run_is_not_believed_unless_told_so() {
    let run = Run::submitted();
    run.forget(&["batches/batch-1", "listed/batch-1", "files/file-1"]);
    for _ in 0..3 {
        let error = run.try_collect(&BatchOptions::default()).unwrap_err();
        let ErrorKind::Batch { action, source } = error.kind() else { panic!("{error:?}") };
        assert_eq!((action.as_str(), source.kind()), ("find batch 1 on the server", LlmErrorKind::NotFound));
        assert!(source.message().contains("batch-1") && source.message().contains("the key"), "{source}");
        assert_eq!(run.states(), [RunBatchState::Created]);
    }
    // Nor is one that has no lists.
    run.forget(&["batches", "files"]);
    assert!(run.try_collect(&BatchOptions::default()).is_err());
    let report = run.try_collect(&BatchOptions::default().with_unknown_given_up()).unwrap();
    assert_eq!((report.lost, report.open), (1, 0));
    run.server.change(|state| state.forgotten.clear());
    assert_eq!(run.submit().submitted, N_IMAGES);
}

#[test]
fn a_fault_says_nothing_about_a_batch() {
    let run = Run::submitted();
    run.forget(&["batches/batch-1", "listed/batch-1"]);
    run.server.change(|state| _ = state.failing.insert("batches".to_owned()));
    for _ in 0..3 {
        assert!(matches!(run.try_collect(&BatchOptions::default()).unwrap_err().kind(), ErrorKind::Batch { .. }));
    }
    run.server.change(|state| state.failing.clear());
    run.server.change(|state| _ = state.failing.insert("batches/batch-1".to_owned()));
    assert!(run.try_collect(&BatchOptions::default().with_unknown_given_up()).is_err());
    assert_eq!(run.states(), [RunBatchState::Created]);
    run.server.change(|state| (state.failing.clear(), state.forgotten.clear()).0);
    assert_eq!(run.collect().tally.completions, N_IMAGES);
}

#[test]
fn results_that_are_gone_are_given_up_at_the_second_look_and_the_rest_is_taken() {
    let run = Run::submitted();
    run.server.change(|state| state.n_errors = 2);
    run.forget(&["files/out-1/content"]);
    let first = run.collect();
    assert_eq!((first.unknown, first.open), (1, 1));
    let second = run.collect();
    assert_eq!((second.lost, second.open), (1, 0));
    let tally = second.tally;
    assert_eq!((tally.completions, tally.failures, tally.missing), (0, 2, N_IMAGES - 2));
    let total = run.total();
    assert_eq!((total.failed, total.pending, total.unanswered), (2, N_IMAGES - 2, N_IMAGES - 2));
    // What expired may pass later, so it is sent again as well.
    run.server.change(|state| state.n_errors = 0);
    assert_eq!(run.submit().submitted, N_IMAGES);
    assert_eq!(run.collect().tally.completions, N_IMAGES);
}
