//! The command line: reads arguments, calls the library, prints. stdout is data, stderr is messages.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program prints")]

mod args;
mod commands;
mod config;
mod failure;
mod inputs;
mod output;
mod selection;

use std::process::ExitCode;

use clap::{ArgMatches, FromArgMatches};

use crate::args::{Args, Command};
use crate::failure::Failure;
use crate::output::Verbosity;

/// A run lives on small texts, which this hands out with less ado than most systems do.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        Err(failure) => failure.report(),
    }
}

fn run() -> Result<ExitCode, Failure> {
    let arguments = config::expand(&args::command(), std::env::args_os().collect())?;
    let matches = args::command().get_matches_from(arguments);
    let args = Args::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    let verbosity = args.verbosity();
    if verbosity == Verbosity::Verbose {
        output::tell_events();
    }
    match args.command {
        Command::Prompt(args) => commands::prompt::run(&args, verbosity),
        Command::Generate(args) => commands::generate::run(&args, of_command(&matches), verbosity),
        Command::Batch(args) => commands::batch::run(&args, of_command(&matches), verbosity),
        Command::Stats(args) => commands::stats::run(&args, verbosity),
        Command::Report(args) => commands::report::run(&args, verbosity),
        Command::Diff(args) => commands::diff::run(&args, verbosity),
        Command::Reparse(args) => commands::reparse::run(&args),
        Command::Export(args) => commands::export::run(&args, verbosity),
        Command::Check(args) => commands::check::run(&args),
        Command::Compact(args) => commands::compact::run(&args),
        Command::Parse(args) => commands::parse::run(&args),
        Command::Policy(args) => commands::policy::run(&args),
        Command::Config(args) => commands::config::run(&args, of_command(&matches)),
        Command::Completions(args) => commands::completions::run(&args),
    }
}

fn of_command(matches: &ArgMatches) -> &ArgMatches {
    matches.subcommand().map_or(matches, |(_, matches)| matches)
}
