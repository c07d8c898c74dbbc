//! Batches: faults of every kind, kills at any moment, batches and calls in one run. The server is a hostile one.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use svitgen::llm::{Account, BatchApi, MockLlm, OpenAi, OpenAiConfig, Spending};
use svitgen::pipeline::{BatchOptions, BatchReport, PipelineBuilder, RunBatchState, RunFolder};
use svitgen::{Choices, ErrorKind, ImageRecord, Pipeline, Task, UnitBox};

use crate::hostile::Hostile;
use crate::kill::kill_until_done;
use crate::support::say;
use crate::{answer, child_argument, data_files};

const N_KILLS: u64 = 24;
const FOLDER: &str = "SVITGEN_TEST_BATCH_FOLDER";
const URL: &str = "SVITGEN_TEST_BATCH_URL";
/// How long a child may take for all it has to do; it ends by itself then.
const MOST_LOOKS: usize = 6_000;

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// The hostile server takes the word behind `image_id` for what a request is about, and replies by that alone.
fn records(n: u64) -> Vec<ImageRecord> {
    let record = |id| {
        let bbox = UnitBox::new(0.1, 0.25, 0.5, 0.75).unwrap();
        let caption = format!("A sign with image_id {id} on it.");
        ImageRecord::builder(id).object(format!("thing{id}"), bbox).caption(caption).build()
    };
    (1..=n).map(record).collect()
}

fn config(url: &str) -> OpenAiConfig {
    OpenAiConfig::new(url).without_proxy().with_model("m")
}

fn api(url: &str) -> BatchApi {
    BatchApi::new(config(url)).unwrap()
}

fn with_tasks(builder: PipelineBuilder) -> Pipeline {
    builder.tasks([Task::complex_reasoning(), Task::detail_description()]).build().unwrap()
}

fn pipeline(url: &str) -> Pipeline {
    with_tasks(Pipeline::builder(OpenAi::new(config(url)).unwrap()))
}

/// Submits and collects until there is nothing more to submit.
async fn through_batches(
    pipeline: &Pipeline,
    records: &Vec<ImageRecord>,
    folder: &Path,
    api: &BatchApi,
    options: &BatchOptions,
) -> svitgen::Result<Vec<BatchReport>> {
    let mut reports = Vec::new();
    for _ in 0..MOST_LOOKS {
        let submitted = pipeline.submit_batches_with(records, folder, api, options).await?;
        let is_done = submitted.submitted == 0 && submitted.open == 0;
        reports.push(submitted);
        if is_done {
            // Who was killed between the last results and the outputs has to write these.
            reports.push(pipeline.collect_batches_with(records, folder, api, options).await?);
            return Ok(reports);
        }
        for _ in 0..MOST_LOOKS {
            let collected = pipeline.collect_batches_with(records, folder, api, options).await?;
            let is_open = collected.open > 0;
            if collected.collected > 0 {
                reports.push(collected);
            }
            if !is_open {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    panic!("it never comes to an end: {:?}", reports.last());
}

/// How often each turn of a unit was answered by a completion.
fn completions(folder: &Path) -> BTreeMap<(String, String, usize), usize> {
    let mut answers = BTreeMap::new();
    for call in RunFolder::open(folder).unwrap().calls().unwrap() {
        let call = call.unwrap();
        if call.result.is_ok() {
            *answers.entry((call.image_id.to_string(), call.task, call.turn)).or_default() += 1;
        }
    }
    answers
}

fn assert_the_same_as_calls(server: &Hostile, records: &Vec<ImageRecord>, folder: &Path) -> u64 {
    let with_calls = tempfile::tempdir().unwrap();
    let ledger = runtime().block_on(pipeline(&server.url()).run(records, with_calls.path())).unwrap();
    assert_eq!(data_files(folder), data_files(with_calls.path()));
    assert_eq!(completions(folder), completions(with_calls.path()));
    assert!(completions(folder).values().all(|n| *n == 1), "each turn is answered once");
    ledger.total().requests
}

#[test]
fn every_unit_is_answered_once_whatever_the_server_does() {
    let faults = ["missing=0.05", "dup=0.05", "garbage=0.05", "error=0.05", "expire=0.3", "fail=0.2"];
    let mut arguments = vec!["--batch-secs", "0.05", "--seed", "3"];
    arguments.extend(faults.iter().flat_map(|fault| ["--batch-fault", fault]));
    let Some(server) = Hostile::start(&arguments) else { return };
    let records = records(200);
    let folder = tempfile::tempdir().unwrap();
    let (api, options) = (api(&server.url()), BatchOptions::default().with_max_requests(60));
    let pipeline = pipeline(&server.url());
    let work = through_batches(&pipeline, &records, folder.path(), &api, &options);
    let reports = runtime().block_on(work).unwrap();

    let n_requests = assert_the_same_as_calls(&server, &records, folder.path());
    let sum = |count: fn(&BatchReport) -> u64| reports.iter().map(count).sum::<u64>();
    let total = RunFolder::open(folder.path()).unwrap().ledger().unwrap().total();
    assert_eq!((total.failed, total.pending, total.in_batches), (0, 0, 0));
    assert_eq!(total.requests, sum(|report| report.submitted), "each submission counts as a request");
    let missing = sum(|report| report.tally.missing);
    assert_eq!(total.unanswered, missing, "what nobody answered is told");
    let failures = sum(|report| report.tally.failures);
    assert_eq!(sum(|report| report.tally.completions), n_requests);
    assert_eq!(total.requests, n_requests + failures + missing);
    let (duplicates, garbage) = (sum(|report| report.tally.duplicates), sum(|report| report.tally.garbage));
    assert!(missing > 0 && failures > 0 && duplicates > 0 && garbage > 0, "every fault has occurred");
    let batches = RunFolder::open(folder.path()).unwrap().batches().unwrap();
    assert!(batches.iter().all(|batch| batch.state == RunBatchState::Collected && batch.requests <= 60));
    say(format_args!(
        "{} batches with {} requests for {n_requests} turns; {failures} failed or expired, {missing} missing, \
         {duplicates} doubled, {garbage} garbage",
        batches.len(),
        total.requests
    ));
}

/// The work that is killed; only does something in a process started by another test.
#[test]
fn child() {
    let (Some(folder), Some(url)) = (child_argument(FOLDER), child_argument(URL)) else { return };
    let account = Account::new().with_file(Path::new(&folder).join("budget.jsonl")).unwrap();
    let options = BatchOptions::default().with_max_requests(25).with_account(account);
    let (pipeline, api, records) = (pipeline(&url), api(&url), records(60));
    let work = through_batches(&pipeline, &records, Path::new(&folder), &api, &options);
    if let Err(error) = runtime().block_on(work) {
        println!("{error:?}");
        std::process::exit(3);
    }
}

fn start(folder: &Path, url: &str) -> Child {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", "batch::child", "--nocapture"]).env(FOLDER, folder).env(URL, url);
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

#[test]
fn nothing_is_created_twice_or_lost_by_kills_at_any_moment() {
    let Some(server) = Hostile::start(&["--batch-secs", "0.05"]) else { return };
    let records = records(60);
    let mut choices = Choices::new(1, ["kills of batches"]);
    let (mut n_kills, mut n_runs, mut folders) = (0, 0, Vec::new());
    while n_kills < N_KILLS {
        let folder = tempfile::tempdir().unwrap();
        n_kills += kill_until_done(&mut choices, 5_000, || start(folder.path(), &server.url()));
        n_runs += 1;
        folders.push(folder);
    }
    let mut n_requests = 0;
    for folder in &folders {
        n_requests += assert_the_same_as_calls(&server, &records, folder.path());
        let total = RunFolder::open(folder.path()).unwrap().ledger().unwrap().total();
        assert_eq!((total.unanswered, total.in_batches, total.pending, total.failed), (0, 0, 0, 0));
        assert_eq!(total.requests, completions(folder.path()).len() as u64, "nothing is counted twice");
        let spending = Spending::read(folder.path().join("budget.jsonl")).unwrap();
        assert_eq!((spending.requests, spending.in_batches, spending.at_bound), (total.requests, 0, 0), "nor charged");
        assert_eq!((spending.input_tokens, spending.output_tokens), (total.input_tokens, total.output_tokens));
    }
    let batches = runtime().block_on(api(&server.url()).batches()).unwrap();
    let names: BTreeSet<&String> = batches.iter().filter_map(|batch| batch.metadata.get("svitgen")).collect();
    assert_eq!(names.len(), batches.len(), "no batch is created twice");
    let n_batched: u64 = batches.iter().map(|batch| batch.counts.total).sum();
    assert_eq!(n_batched, n_requests, "and no request is in two batches");
    let n_known: usize =
        folders.iter().map(|folder| RunFolder::open(folder.path()).unwrap().batches().unwrap().len()).sum();
    assert_eq!(batches.len(), n_known, "the runs know all batches of the server");
    say(format_args!("{n_kills} kills in {n_runs} runs, {} batches with {n_requests} requests", batches.len()));
}

#[test]
fn a_run_mixes_batches_and_calls() {
    let Some(server) = Hostile::start(&["--batch-secs", "0.05"]) else { return };
    let (api, records) = (api(&server.url()), records(40));
    let folder = tempfile::tempdir().unwrap();
    let mock = MockLlm::function(answer);
    let first = with_tasks(Pipeline::builder(mock.clone()).limit(15).top_ups(0));
    let all = with_tasks(Pipeline::builder(mock.clone()).top_ups(0));
    runtime().block_on(async {
        let report = first.submit_batches(&records, folder.path(), &api).await.unwrap();
        assert_eq!((report.created, report.submitted, report.open_requests), (1, 30, 30));
        assert!(mock.requests().is_empty(), "the client is not asked");
        let again = first.submit_batches(&records, folder.path(), &api).await.unwrap();
        assert_eq!((again.created, again.open), (0, 1), "what is in a batch is not submitted");

        let total = all.run(&records, folder.path()).await.unwrap().total();
        assert_eq!(mock.requests().len(), 50, "what is in a batch is not sent");
        assert_eq!((total.pending, total.in_batches, total.unanswered, total.requests), (30, 30, 0, 80));

        let nothing = all.submit_batches(&records, folder.path(), &api).await.unwrap();
        assert_eq!(nothing.submitted, 0, "what the journal answers is not submitted");
        let mut ledger = None;
        for _ in 0..MOST_LOOKS {
            let report = all.collect_batches(&records, folder.path(), &api).await.unwrap();
            ledger = report.ledger;
            if report.open == 0 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let total = ledger.unwrap().total();
        assert_eq!((total.pending, total.in_batches, total.unanswered, total.requests), (0, 0, 0, 80));
        all.run(&records, folder.path()).await.unwrap();
        assert_eq!(mock.requests().len(), 50, "nothing is left to send");
        let other = with_tasks(Pipeline::builder(mock.clone()).top_ups(1));
        let error = other.submit_batches(&records, folder.path(), &api).await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::RunDiffers { option, .. } if option == "top_ups"), "{error}");
    });
    assert!(completions(folder.path()).values().all(|n| *n == 1));
}
