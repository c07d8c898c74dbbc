//! `svitgen compact`: a smaller journal.

use std::path::PathBuf;
use std::process::ExitCode;

use crate::failure::Failure;
use crate::output::{count, print};

/// Makes the journal of a run smaller; nothing else changes.
///
/// Lines that say nothing any more are left out: requests that have been answered, failures that were made good.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  svitgen compact run")]
pub(crate) struct CompactArgs {
    /// Folder of the run.
    run: PathBuf,
}

pub(crate) fn run(args: &CompactArgs) -> Result<ExitCode, Failure> {
    let compaction = super::open_run(&args.run)?.compact()?;
    let (before, after) = (count(compaction.bytes_before), count(compaction.bytes_after));
    print(&format!("journal: {after} bytes, were {before}\n"))
}
