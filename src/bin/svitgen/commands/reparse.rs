//! `svitgen reparse`: the replies of a run, read once more.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::FromArgMatches;
use svitgen::Parameters;
use svitgen::llm::MockLlm;

use crate::args::{Args, Command};
use crate::commands::generate::{CONFIG_FILE, GenerateArgs};
use crate::failure::Failure;
use crate::output::{json, print};
use crate::{args, config};

/// Reads the replies of a run once more, with another policy.
///
/// The parser is that of this program. It writes the outputs anew and prints what is different; nothing is sent. The policy
/// is the run's own from then on.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  svitgen reparse run
  svitgen reparse run --policy strict --json")]
pub(crate) struct ReparseArgs {
    /// Folder of the run.
    run: PathBuf,
    /// careful, strict, salvage, or a JSON file; the run's own unless given.
    #[arg(long, value_name = "NAME|FILE")]
    policy: Option<String>,
    /// Print the difference as JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &ReparseArgs) -> Result<ExitCode, Failure> {
    let generate = of_run(&args.run)?;
    let (seed, needs) = (generate.pipeline.seed(), generate.pipeline.needs());
    let pipeline = generate.pipeline.with_policy(args.policy.clone());
    let pipeline = pipeline.build(MockLlm::script([]), Parameters::default(), 1, generate.selection.limit())?;
    let source = generate.selection.of(generate.input.open_again(needs)?, seed)?;
    let reparse = pipeline.reparse(&source, &args.run)?;
    if let Some(policy) = &args.policy {
        // It is the run's own from now on.
        config::change(&args.run.join(CONFIG_FILE), "policy", policy)?;
    }
    print(&if args.json { json(&reparse) } else { format!("{reparse}\n{}", reparse.ledger) })
}

/// The options with which a run was made.
pub(crate) fn of_run(folder: &std::path::Path) -> Result<GenerateArgs, Failure> {
    super::open_run(folder)?;
    let path = folder.join(CONFIG_FILE);
    if !path.exists() {
        return Err(Failure::usage(format_args!(
            "{} is not there: it says with which options `svitgen generate` made the run",
            path.display()
        )));
    }
    let arguments: Vec<OsString> = vec!["svitgen".into(), "generate".into(), "--config".into(), path.clone().into()];
    let arguments = config::expand(&args::command(), arguments)?;
    let wrong = |error: clap::Error| Failure::usage(format_args!("{}: {error}", path.display()));
    let matches = args::command().try_get_matches_from(arguments).map_err(wrong)?;
    match Args::from_arg_matches(&matches).map_err(wrong)?.command {
        Command::Generate(generate) => Ok(*generate),
        _ => Err(Failure::usage(format_args!("{}: it holds no options of generate", path.display()))),
    }
}
