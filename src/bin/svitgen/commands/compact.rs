//! `svitgen compact`: a smaller journal.

use std::path::PathBuf;
use std::process::ExitCode;

use svitgen::pipeline::RunFolder;

use crate::failure::Failure;
use crate::output::count;

/// Writes the journal of a run anew without the lines that say nothing any more. Nothing else changes.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  svitgen compact run")]
pub(crate) struct CompactArgs {
    /// Folder of the run.
    run: PathBuf,
}

pub(crate) fn run(args: &CompactArgs) -> Result<ExitCode, Failure> {
    let compaction = RunFolder::open(&args.run)?.compact()?;
    println!("journal: {} bytes, were {}", count(compaction.bytes_after), count(compaction.bytes_before));
    Ok(ExitCode::SUCCESS)
}
