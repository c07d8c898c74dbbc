//! `svitgen generate`: annotations in, a run folder out.

mod client;
mod ending;
mod lacks;
mod options;
mod progress;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::ArgMatches;
use svitgen::llm::StopSignal;
use svitgen::pipeline::RunControl;
use svitgen::{ErrorKind, Pipeline, RecordSource};

use crate::config;
use crate::failure::Failure;
use crate::inputs::InputArgs;
use crate::output::Verbosity;
use crate::selection::SelectionArgs;

pub(crate) use client::ClientArgs;
pub(crate) use ending::hint;
pub(crate) use options::PipelineArgs;

/// Where a run keeps the options that made it, for `--config`.
pub(crate) const CONFIG_FILE: &str = "svitgen.toml";

/// Asks a language model about images and writes a run folder.
///
/// The folder holds samples, what became of each image, and the ledger. The same command goes on with a run that was ended in any way. Exit codes: 0 done; 1 more units failed than
/// --max-failures; 2 wrong usage or input; 3 stopped by budget, quota, credentials or a dead server; 4 the run folder
/// cannot be written; 130 interrupted. After 3, 4 and 130 it can go on.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Examples:
  svitgen generate --sample --llm rules --task conversation --out run
  svitgen generate --vg visual_genome --coco captions_train2017.json --coco captions_val2017.json \\
      --task complex_reasoning --llm openai --model gpt-4o-mini --max-tokens 2000 --max-cost 25 --out run
  svitgen generate --records mine.jsonl --task detail_description --llm openai --base-url http://localhost:8000/v1 \\
      --model local --concurrency 256 --out run
  svitgen generate --config run/svitgen.toml        goes on with a run")]
pub(crate) struct GenerateArgs {
    /// Folder of the run; it is made if need be.
    #[arg(long, value_name = "RUN")]
    pub(crate) out: PathBuf,
    /// Units that may end `failed` before the exit code is 1.
    #[arg(long, value_name = "N", default_value_t = 0)]
    max_failures: u64,
    /// Print the ledger as JSON.
    #[arg(long)]
    json: bool,
    /// Options from a TOML file, such as the run's own svitgen.toml; options of the command line win.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) pipeline: PipelineArgs,
    #[command(flatten)]
    client: ClientArgs,
    #[command(flatten)]
    pub(crate) input: InputArgs,
    #[command(flatten)]
    pub(crate) selection: SelectionArgs,
}

pub(crate) fn run(args: &GenerateArgs, matches: &ArgMatches, verbosity: Verbosity) -> Result<ExitCode, Failure> {
    args.client.check()?;
    args.client.check_caps()?;
    let input = args.input.clone().with_index(args.out.join("index"));
    let source = args.selection.of(input.open(args.pipeline.needs())?, args.pipeline.seed())?;
    fs::create_dir_all(&args.out)
        .map_err(|error| Failure::output(format_args!("cannot create {}: {error}", args.out.display())))?;
    let stop = StopSignal::new();
    // One thread is enough for thousands of requests in a second, and costs less than handing work to others.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::usage(format_args!("cannot start threads: {error}")))?;
    // Connections belong to the runtime in which they are made.
    let _runtime = runtime.enter();
    let client = args.client.open(args.client.account(&args.out)?, &stop)?;
    let pipeline =
        args.pipeline.build(client, args.client.parameters(), args.client.concurrency(), args.selection.limit())?;
    let keep_options = || config::write(&args.out.join(CONFIG_FILE), matches);
    let is_new = !args.out.join("run.json").exists();
    if is_new {
        keep_options()?;
    }
    let control = RunControl::with_stop_signal(stop);
    let result = runtime.block_on(drive(&pipeline, &source, &args.out, &control, verbosity));
    // The limit and the tasks may have grown; a folder that refuses these options keeps its own.
    let kept = if !is_new && has_gone_on(&result) { keep_options() } else { Ok(()) };
    let code = ending::report(args, result, &source, control.snapshot(), verbosity)?;
    kept.map(|()| code)
}

/// Whether the folder took the options.
fn has_gone_on(result: &svitgen::Result<svitgen::Ledger>) -> bool {
    match result {
        Ok(_) => true,
        Err(error) => matches!(error.kind(), ErrorKind::Stopped(_) | ErrorKind::Interrupted),
    }
}

/// Runs, shows how far it has come, and stops at Ctrl-C.
async fn drive(
    pipeline: &Pipeline,
    source: &dyn RecordSource,
    folder: &Path,
    control: &RunControl,
    verbosity: Verbosity,
) -> svitgen::Result<svitgen::Ledger> {
    let watcher = tokio::spawn(progress::watch(control.clone(), verbosity));
    let stopper = tokio::spawn(stop_at_interrupt(control.clone()));
    let result = pipeline.run_with(source, folder, control).await;
    stopper.abort();
    // It sees that the run has ended and takes its bars away.
    let _ = watcher.await;
    result
}

async fn stop_at_interrupt(control: RunControl) {
    if tokio::signal::ctrl_c().await.is_err() {
        return;
    }
    control.stop();
    eprintln!("\nstopping: {} requests are on their way; Ctrl-C again ends at once", control.snapshot().in_flight());
    if tokio::signal::ctrl_c().await.is_ok() {
        eprintln!("ended; the requests on their way will be sent again and may be billed twice");
        std::process::exit(130);
    }
}
