//! `svitgen stats`: what an input holds.

use std::process::ExitCode;

use svitgen::report::InputStatistics;

use crate::failure::Failure;
use crate::inputs::{InputArgs, Needs, say_what_is_damaged};
use crate::output::{Verbosity, json, print};

/// Prints what an input holds, and what is odd about it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  svitgen stats --sample
  svitgen stats --vg visual_genome --skip-bad --json | jq .quirks")]
pub(crate) struct StatsArgs {
    #[command(flatten)]
    input: InputArgs,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &StatsArgs, verbosity: Verbosity) -> Result<ExitCode, Failure> {
    let source = args.input.open(Needs::Everything)?;
    let statistics = InputStatistics::of(source.as_ref())?;
    if verbosity > Verbosity::Quiet {
        say_what_is_damaged(&source.report(), usize::MAX);
    }
    print(&if args.json { json(&statistics) } else { statistics.to_string() })
}
