//! `svitgen compact`: a smaller journal.

use std::path::PathBuf;
use std::process::ExitCode;

use crate::failure::Failure;
use crate::output::{count, print};

/// Makes the journal of a run smaller; nothing else changes.
///
/// Lines that say nothing any more are left out: requests that have been answered, failures that were made good.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  svitgen compact run
  svitgen compact run --pack        for a run that is over: run/journal.jsonl.zst, a fraction of the size")]
pub(crate) struct CompactArgs {
    /// Folder of the run.
    run: PathBuf,
    /// Pack it too; whatever needs it again unpacks it.
    #[arg(long)]
    pack: bool,
}

pub(crate) fn run(args: &CompactArgs) -> Result<ExitCode, Failure> {
    let run = super::open_run(&args.run)?;
    let compaction = if args.pack { run.pack()? } else { run.compact()? };
    let (before, after) = (count(compaction.bytes_before), count(compaction.bytes_after));
    print(&format!("journal: {after} bytes, were {before}\n"))
}
