//! `svitgen completions`: a script for a shell.

use std::process::ExitCode;

use crate::args;
use crate::failure::Failure;
use crate::output::print;

/// Prints a script that completes commands in a shell.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  svitgen completions bash > ~/.local/share/bash-completion/completions/svitgen
  svitgen completions zsh > ~/.zfunc/_svitgen")]
pub(crate) struct CompletionsArgs {
    /// The shell.
    shell: clap_complete::Shell,
}

pub(crate) fn run(args: &CompletionsArgs) -> Result<ExitCode, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut args::command(), "svitgen", &mut script);
    print(&String::from_utf8_lossy(&script))
}
