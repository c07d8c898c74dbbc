//! `svitgen config`: the options that a run would have.

use std::process::ExitCode;

use clap::ArgMatches;

use crate::commands::generate::GenerateArgs;
use crate::failure::Failure;
use crate::output::print;
use crate::{args, config};

/// Prints the options that generate would have, defaults included.
///
/// They come as a TOML file for its --config.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Examples:
  svitgen config --sample --llm rules --out run > mine.toml
  svitgen config --config mine.toml --concurrency 8")]
pub(crate) struct ConfigArgs {
    #[command(flatten)]
    _generate: GenerateArgs,
}

pub(crate) fn run(_: &ConfigArgs, matches: &ArgMatches) -> Result<ExitCode, Failure> {
    let command = args::command();
    let generate = command.find_subcommand("generate");
    print(&generate.map(|generate| config::effective(generate, matches, true)).unwrap_or_default())
}
