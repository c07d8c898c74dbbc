//! `svitgen batch`: a run through a server's Batch API.

mod status;

use std::fs;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::ArgMatches;
use futures::future::{Either, select};
use serde::Serialize;
use svitgen::annotation::RecordSource;
use svitgen::llm::{Account, BatchApi, Spending, StopSignal};
use svitgen::pipeline::{BatchOptions, BatchReport};
use svitgen::{Error, ErrorKind, LlmErrorKind, Pipeline};

use crate::commands::generate::{CONFIG_FILE, ClientArgs, PipelineArgs, hint};
use crate::config;
use crate::failure::{FAILED, Failure, INTERRUPTED, OUTPUT, STOPPED};
use crate::inputs::InputArgs;
use crate::output::{self, Verbosity};
use crate::selection::SelectionArgs;

/// What submit and collect print with `--json`.
#[derive(Serialize)]
struct Done<'a> {
    #[serde(flatten)]
    report: &'a BatchReport,
    spending: Spending,
}

/// Failures of the server in a row after which `--wait` gives up.
const MOST_FAILURES: u32 = 20;

/// Rounds in a row that bring no completion after which `--wait` gives up.
const MOST_IDLE_ROUNDS: u32 = 3;

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Action {
    /// Sends all that has no answer as batches.
    Submit,
    /// Says how the batches are getting on.
    Status,
    /// Fetches what has ended, and writes the outputs.
    Collect,
}

/// The same as generate through a server's Batch API, for half the price.
///
/// The run folder is the same, and options are those of `svitgen generate`; RUN/svitgen.toml is read where it is there.
/// Batches and generate can be mixed, and each may be killed at any moment. Exit codes are those of generate.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Examples:
  svitgen batch submit run --vg visual_genome --task conversation --llm openai --model gpt-4o-mini
  svitgen batch status run
  svitgen batch collect run
  svitgen batch submit run --wait        until nothing is left, follow-ups included")]
pub(crate) struct BatchArgs {
    /// What is to be done.
    action: Action,
    /// Folder of the run; it is made if need be.
    run: PathBuf,
    /// Go on until nothing is left: collect, and submit what is to be asked again.
    #[arg(long)]
    wait: bool,
    /// Seconds between two looks at the server with --wait.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    every: u64,
    /// Most requests in a batch, up to 50,000.
    #[arg(long, value_name = "N", default_value_t = BatchApi::MAX_LINES)]
    max_requests: usize,
    /// Give up batches of which the server knows nothing, although it knows nothing else of the run: they may be paid twice.
    #[arg(long)]
    give_up_unknown: bool,
    /// Units that may end `failed` before the exit code is 1.
    #[arg(long, value_name = "N", default_value_t = 0)]
    max_failures: u64,
    /// Print what was done as JSON.
    #[arg(long)]
    json: bool,
    /// Options from a TOML file; RUN/svitgen.toml unless given.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    pipeline: PipelineArgs,
    #[command(flatten)]
    client: ClientArgs,
    #[command(flatten)]
    input: InputArgs,
    #[command(flatten)]
    selection: SelectionArgs,
}

/// What the steps of the command work on.
struct Job<'a> {
    args: &'a BatchArgs,
    pipeline: Pipeline,
    source: &'a dyn RecordSource,
    api: BatchApi,
    options: BatchOptions,
    account: Arc<Account>,
    verbosity: Verbosity,
    /// Keeps the options of this command in the folder of the run.
    keep_options: &'a dyn Fn() -> Result<(), Failure>,
}

pub(crate) fn run(args: &BatchArgs, matches: &ArgMatches, verbosity: Verbosity) -> Result<ExitCode, Failure> {
    args.client.check()?;
    if args.action == Action::Submit {
        args.client.check_caps()?;
    } else {
        super::open_run(&args.run)?;
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::usage(format_args!("cannot start: {error}")))?;
    let _runtime = runtime.enter();
    let api = args.client.batch_api()?;
    if args.action == Action::Status {
        return until_interrupted(&runtime, status::print(args, &api));
    }
    fs::create_dir_all(&args.run)
        .map_err(|error| Failure::output(format_args!("cannot create {}: {error}", args.run.display())))?;
    let input = args.input.clone().with_index(args.run.join("index"));
    let source = args.selection.of(input.open(args.pipeline.needs())?, args.pipeline.seed())?;
    let account = args.client.account(&args.run)?;
    let client = args.client.open(account.clone(), &StopSignal::new())?;
    let pipeline =
        args.pipeline.build(client, args.client.parameters(), args.client.concurrency(), args.selection.limit())?;
    let keep_options = || config::write_of("batch", &args.run, &args.run.join(CONFIG_FILE), matches);
    if !args.run.join("run.json").exists() {
        keep_options()?;
    }
    let mut options = BatchOptions::default().with_max_requests(args.max_requests).with_account(account.clone());
    if args.give_up_unknown {
        options = options.with_unknown_given_up();
    }
    let job = Job { args, pipeline, source: &source, api, options, account, verbosity, keep_options: &keep_options };
    until_interrupted(&runtime, job.run())
}

/// A command that is interrupted can go on from any place.
fn until_interrupted(
    runtime: &tokio::runtime::Runtime,
    work: impl Future<Output = Result<ExitCode, Failure>>,
) -> Result<ExitCode, Failure> {
    runtime.block_on(async {
        match select(pin!(work), pin!(tokio::signal::ctrl_c())).await {
            Either::Left((result, _)) => result,
            Either::Right(_) => Err(Failure::with_code(INTERRUPTED, "interrupted; the same command goes on from here")),
        }
    })
}

impl Job<'_> {
    async fn run(&self) -> Result<ExitCode, Failure> {
        let report = match (self.args.action, self.args.wait) {
            (Action::Submit, false) => self.submit().await,
            (_, false) => self.collect().await,
            (action, true) => self.wait(action).await,
        };
        let report = report.map_err(|error| self.failure(error))?;
        // The limit and the tasks may have grown.
        (self.keep_options)()?;
        output::print(&self.text(&report))?;
        if let Some(reason) = &report.capped {
            let message = format!("{reason}: submit again with{}", self.args.client.higher_cap());
            return Err(Failure::with_code(STOPPED, message));
        }
        let n_failed = report.ledger.as_ref().map_or(0, |ledger| ledger.total().failed);
        if n_failed > self.args.max_failures {
            let message = format!("{n_failed} units failed; submit again for those whose cause may have passed");
            return Err(Failure::with_code(FAILED, message));
        }
        Ok(ExitCode::SUCCESS)
    }

    async fn submit(&self) -> svitgen::Result<BatchReport> {
        self.pipeline.submit_batches_with(self.source, &self.args.run, &self.api, &self.options).await
    }

    async fn collect(&self) -> svitgen::Result<BatchReport> {
        self.pipeline.collect_batches_with(self.source, &self.args.run, &self.api, &self.options).await
    }

    /// Collects, and submits what is to be asked again, until nothing is left or nothing gets better.
    async fn wait(&self, action: Action) -> svitgen::Result<BatchReport> {
        let (mut n_failures, mut n_idle, mut submits) = (0, 0, action == Action::Submit);
        loop {
            let step = if submits { self.submit().await } else { self.collect().await };
            let report = match step {
                Ok(report) => report,
                Err(error) if is_transient(&error) && n_failures < MOST_FAILURES => {
                    n_failures += 1;
                    self.say(format_args!("{error:?}; trying again"));
                    self.pause().await;
                    continue;
                }
                Err(error) => return Err(error),
            };
            n_failures = 0;
            if report.collected + report.lost + report.unknown > 0 {
                self.say(&report);
                n_idle = if report.tally.completions > 0 { 0 } else { n_idle + 1 };
            }
            match (submits, report.open) {
                // Whether anything is left only the outputs can tell.
                (true, 0) => {
                    let mut collected = self.collect().await?;
                    collected.capped = report.capped;
                    return Ok(collected);
                }
                (false, 0) if n_idle >= MOST_IDLE_ROUNDS => return Ok(report),
                (false, 0) => submits = true,
                _ => {
                    submits = false;
                    self.pause().await;
                }
            }
        }
    }

    async fn pause(&self) {
        tokio::time::sleep(Duration::from_secs(self.args.every)).await;
    }

    fn say(&self, text: impl std::fmt::Display) {
        if self.verbosity > Verbosity::Quiet {
            eprintln!("{}", text.to_string().trim_end());
        }
    }

    fn text(&self, report: &BatchReport) -> String {
        let spending = self.account.spending();
        if self.args.json {
            return output::json(&Done { report, spending });
        }
        let ledger = report.ledger.as_ref().map(ToString::to_string).unwrap_or_default();
        format!("{ledger}{report}charged so far: {spending}\n")
    }

    fn failure(&self, error: Error) -> Failure {
        let code = match error.kind() {
            ErrorKind::Batch { action, source }
                if source.kind() == LlmErrorKind::NotFound && action.starts_with("find batch") =>
            {
                let hint = "; `svitgen batch collect RUN --give-up-unknown` gives it up";
                return Failure::with_code(STOPPED, format!("{}{hint}", Failure::from(error)));
            }
            ErrorKind::Stopped(cause) => {
                let code = if cause.kind() == LlmErrorKind::Storage { OUTPUT } else { STOPPED };
                let hint = hint(cause.kind());
                return Failure::with_code(code, format!("{}{hint}", Failure::from(error)));
            }
            ErrorKind::Batch { .. } => STOPPED,
            ErrorKind::Io { path, .. } if path.starts_with(&self.args.run) => OUTPUT,
            _ => return error.into(),
        };
        Failure::with_code(code, Failure::from(error))
    }
}

fn is_transient(error: &Error) -> bool {
    let kind = |source: &svitgen::LlmError| source.is_transient() || source.kind() == LlmErrorKind::Unavailable;
    matches!(error.kind(), ErrorKind::Batch { source, .. } if kind(source))
}

/// The options file of the run that the arguments name; `None` for a run that is still to be made.
pub(crate) fn config_of(arguments: &[std::ffi::OsString]) -> Result<Option<PathBuf>, Failure> {
    let mut arguments = arguments.iter().skip_while(|argument| *argument != "batch");
    let is_action = |argument: &&std::ffi::OsString| matches!(argument.to_str(), Some("submit" | "status" | "collect"));
    let Some((action, run)) = arguments.find(is_action).zip(arguments.next()) else { return Ok(None) };
    if action != "submit" && !run.to_string_lossy().starts_with('-') {
        super::open_run(Path::new(run))?;
    }
    let path = Path::new(run).join(CONFIG_FILE);
    Ok(path.is_file().then_some(path))
}
