//! The commands; each has its own arguments beside it in `commands`.

use clap::{Parser, Subcommand};

use crate::commands::diff::DiffArgs;
use crate::commands::parse::ParseArgs;
use crate::commands::policy::PolicyArgs;
use crate::commands::prompt::PromptArgs;
use crate::commands::report::ReportArgs;
use crate::commands::stats::StatsArgs;

/// Turns human annotations of images into visual instruction-tuning data, and accounts for every reply.
#[derive(Debug, Parser)]
#[command(name = "svitgen", version, about, propagate_version = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Parse(ParseArgs),
    Policy(PolicyArgs),
    Prompt(PromptArgs),
    Stats(StatsArgs),
    Report(ReportArgs),
    Diff(DiffArgs),
}
