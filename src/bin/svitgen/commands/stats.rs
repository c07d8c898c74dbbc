//! `svitgen stats`: what an input holds.

use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

use svitgen::report::InputStatistics;

use crate::failure::Failure;
use crate::inputs::{InputArgs, Needs};
use crate::output::json;

/// Prints what an input holds: images, annotations of each, and what is odd about them.
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

pub(crate) fn run(args: &StatsArgs) -> Result<ExitCode, Failure> {
    let source = args.input.open(Needs::Everything)?;
    let statistics = InputStatistics::of(source.as_ref())?;
    let text = if args.json { format!("{}\n", json(&statistics)) } else { statistics.to_string() };
    print(&text)
}

/// Prints data; whoever reads it may stop reading.
pub(super) fn print(text: &str) -> Result<ExitCode, Failure> {
    let mut output = io::stdout().lock();
    match output.write_all(text.as_bytes()).and_then(|()| output.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::writing(&error)),
        _ => Ok(ExitCode::SUCCESS),
    }
}
