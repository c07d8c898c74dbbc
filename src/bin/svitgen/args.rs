//! The commands; each has its own arguments beside it in `commands`.

use clap::{CommandFactory, Parser, Subcommand};

use crate::commands::batch::BatchArgs;
use crate::commands::check::CheckArgs;
use crate::commands::compact::CompactArgs;
use crate::commands::completions::CompletionsArgs;
use crate::commands::config::ConfigArgs;
use crate::commands::diff::DiffArgs;
use crate::commands::export::ExportArgs;
use crate::commands::generate::GenerateArgs;
use crate::commands::parse::ParseArgs;
use crate::commands::policy::PolicyArgs;
use crate::commands::prompt::PromptArgs;
use crate::commands::reparse::ReparseArgs;
use crate::commands::report::ReportArgs;
use crate::commands::stats::StatsArgs;
use crate::output::Verbosity;

/// Where the options that all commands have stand among the others.
const LAST: usize = 900;

/// Turns human annotations of images into visual instruction-tuning data, and accounts for every reply.
#[derive(Debug, Parser)]
#[command(name = "svitgen", version, about)]
#[command(after_help = "Start here, without key and network:
  svitgen generate --sample --llm rules --out run
  svitgen report run

`svitgen COMMAND --help` tells more, with examples.")]
pub(crate) struct Args {
    /// Say nothing but errors.
    #[arg(long, short, global = true, conflicts_with = "verbose", display_order = LAST)]
    quiet: bool,
    /// Say what happens inside: requests, retries, repairs.
    #[arg(long, short, global = true, display_order = LAST)]
    verbose: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

impl Args {
    pub(crate) fn verbosity(&self) -> Verbosity {
        match (self.quiet, self.verbose) {
            (true, _) => Verbosity::Quiet,
            (_, true) => Verbosity::Verbose,
            _ => Verbosity::Normal,
        }
    }
}

/// In the order in which they are listed: a run, what goes before it, what comes after it, what needs none.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Generate(Box<GenerateArgs>),
    Batch(Box<BatchArgs>),
    Stats(StatsArgs),
    Prompt(Box<PromptArgs>),
    Report(ReportArgs),
    Export(ExportArgs),
    Reparse(ReparseArgs),
    Diff(DiffArgs),
    Compact(CompactArgs),
    Check(CheckArgs),
    Parse(ParseArgs),
    Policy(PolicyArgs),
    Config(Box<ConfigArgs>),
    Completions(CompletionsArgs),
}

/// The whole command line, for help, completions and files of options.
pub(crate) fn command() -> clap::Command {
    let mut command = Args::command();
    command.build();
    command
}
