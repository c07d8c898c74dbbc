//! Batches that keep to a cap: reserved when they are submitted, charged when their results are there.

use std::path::Path;
use std::sync::Arc;

use svitgen::llm::{Account, Budget, MockLlm, Spending};
use svitgen::pipeline::{BatchOptions, BatchReport};
use svitgen::{ErrorKind, LlmErrorKind, Parameters, Pipeline, Task};

use crate::batch_server::BatchServer;
use crate::{answer, records};

const N_IMAGES: u64 = 6;
const N_RECORDS: u64 = 12;
/// Half of the built-in price of 100 tokens of a prompt and 10 of a reply, in trillionths of a dollar.
const COST: u128 = (100 * 150_000 + 10 * 600_000) / 2;

fn wait<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

fn account(folder: &Path, cap: u64) -> Arc<Account> {
    Arc::new(Account::new().with_max_total_tokens(cap).with_file(folder.join("budget.jsonl")).unwrap())
}

/// Prompts of the first images; there are others.
fn pipeline(account: &Arc<Account>) -> Pipeline {
    pipeline_of(account, N_IMAGES)
}

fn pipeline_of(account: &Arc<Account>, n_images: u64) -> Pipeline {
    let client = Budget::new(MockLlm::function(answer), account.clone());
    let parameters = Parameters::default().with_model("gpt-4o-mini").with_max_tokens(1_000);
    let builder = Pipeline::builder(client).task(Task::detail_description()).parameters(parameters);
    builder.top_ups(0).limit(n_images as usize).build().unwrap()
}

/// Submits or collects in a process of its own, as far as the account can tell.
fn submit(server: &BatchServer, folder: &Path, cap: u64) -> svitgen::Result<BatchReport> {
    let account = account(folder, cap);
    let options = BatchOptions::default().with_account(account.clone());
    wait(pipeline(&account).submit_batches_with(&records(N_RECORDS), folder, &server.api(), &options))
}

fn collect(server: &BatchServer, folder: &Path, cap: u64) -> BatchReport {
    collect_of(N_IMAGES, server, folder, cap)
}

fn collect_of(n_images: u64, server: &BatchServer, folder: &Path, cap: u64) -> BatchReport {
    let account = account(folder, cap);
    let options = BatchOptions::default().with_account(account.clone());
    wait(pipeline_of(&account, n_images).collect_batches_with(&records(N_RECORDS), folder, &server.api(), &options))
        .unwrap()
}

fn spending(folder: &Path) -> Spending {
    Spending::read(folder.join("budget.jsonl")).unwrap()
}

#[test]
fn what_a_batch_may_take_is_reserved_over_restarts_and_then_charged_at_its_price() {
    let (server, run) = (BatchServer::start(), tempfile::tempdir().unwrap());
    let folder = run.path();
    assert_eq!(submit(&server, folder, 1_000_000).unwrap().submitted, N_IMAGES);
    let reserved = spending(folder);
    assert_eq!((reserved.in_batches, reserved.requests), (N_IMAGES, 0));
    assert!(reserved.reserved_tokens > N_IMAGES * 1_000, "{reserved:?}");
    assert_eq!(submit(&server, folder, 1_000_000).unwrap().submitted, 0);
    assert_eq!(spending(folder), reserved, "it is reserved once");

    // A call that does not fit beside the batch ends the run; it does not wait for a day.
    let tight = account(folder, reserved.reserved_tokens + 10);
    let error = wait(pipeline_of(&tight, N_IMAGES + 2).run(&records(N_RECORDS), folder)).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Stopped(cause) if cause.kind() == LlmErrorKind::Budget), "{error:?}");
    drop(tight);

    // A limit that has grown stays so.
    assert_eq!(collect_of(N_IMAGES + 2, &server, folder, 1_000_000).tally.completions, N_IMAGES);
    let spent = spending(folder);
    assert_eq!((spent.in_batches, spent.reserved_tokens, spent.requests, spent.at_bound), (0, 0, N_IMAGES, 0));
    assert_eq!((spent.input_tokens, spent.output_tokens), (100 * N_IMAGES, 10 * N_IMAGES));
    assert_eq!(spent.cost.picodollars(), COST * u128::from(N_IMAGES));
}

#[test]
fn a_cap_holds_requests_back_until_there_is_room() {
    let (server, run) = (BatchServer::start(), tempfile::tempdir().unwrap());
    let folder = run.path();
    // A prompt has some thousands of bytes, so that there is room for a few requests and not for all.
    let error = submit(&server, folder, 900).unwrap();
    assert!(error.submitted == 0 && error.capped.is_some(), "{error:?}");
    let whole = {
        let (server, run) = (BatchServer::start(), tempfile::tempdir().unwrap());
        submit(&server, run.path(), 1_000_000).unwrap();
        spending(run.path()).reserved_tokens
    };
    let cap = whole / 2;
    let (mut n_rounds, mut n_answered) = (0, 0);
    while n_answered < N_IMAGES {
        let report = submit(&server, folder, cap).unwrap();
        assert_eq!(report.capped.is_some(), n_answered + report.submitted < N_IMAGES, "{report:?}");
        assert!(report.submitted > 0, "what the batch before left is free again");
        let reserved = spending(folder);
        let spent = reserved.input_tokens + reserved.output_tokens;
        assert!(spent + reserved.reserved_tokens <= cap, "{reserved:?}");
        n_answered += collect(&server, folder, cap).tally.completions;
        n_rounds += 1;
    }
    assert!(n_rounds > 1 && server.n_requests() as u64 == N_IMAGES, "nothing is asked twice");
}

#[test]
fn what_is_lost_counts_at_its_bound_and_what_expired_is_free() {
    let (server, run) = (BatchServer::start(), tempfile::tempdir().unwrap());
    let folder = run.path();
    server.change(|state| state.n_errors = 2);
    submit(&server, folder, 1_000_000).unwrap();
    let reserved = spending(folder);
    server.change(|state| _ = state.forgotten.insert("files/out-1/content".to_owned()));
    assert_eq!(collect(&server, folder, 1_000_000).unknown, 1);
    assert_eq!(spending(folder), reserved);
    assert_eq!(collect(&server, folder, 1_000_000).lost, 1);
    let spent = spending(folder);
    assert_eq!((spent.requests, spent.at_bound, spent.in_batches), (N_IMAGES - 2, N_IMAGES - 2, 0));
    assert_eq!(spent.output_tokens, 1_000 * (N_IMAGES - 2));
}

#[test]
fn a_request_without_a_bound_stops_before_anything_is_sent() {
    let (server, run) = (BatchServer::start(), tempfile::tempdir().unwrap());
    let account = account(run.path(), 1_000_000);
    let client = Budget::new(MockLlm::function(answer), account.clone());
    let pipeline = Pipeline::builder(client).task(Task::detail_description()).build().unwrap();
    let options = BatchOptions::default().with_account(account);
    let (records, api) = (records(N_RECORDS), server.api());
    let work = pipeline.submit_batches_with(&records, run.path(), &api, &options);
    let error = wait(work).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Stopped(cause) if cause.message().contains("max_tokens")), "{error:?}");
    assert_eq!(server.n_batches(), 0);
}
