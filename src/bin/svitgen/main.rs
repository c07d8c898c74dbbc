//! The command line: reads arguments, calls the library, prints. stdout is data, stderr is messages.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program prints")]

mod args;
mod commands;
mod failure;
mod inputs;

use std::process::ExitCode;

use clap::Parser;

use crate::args::{Args, Command};

fn main() -> ExitCode {
    let result = match Args::parse().command {
        Command::Parse(args) => commands::parse::run(&args),
        Command::Policy(args) => commands::policy::run(&args),
        Command::Prompt(args) => commands::prompt::run(&args),
        Command::Stats(args) => commands::stats::run(&args),
        Command::Report(args) => commands::report::run(&args),
        Command::Diff(args) => commands::diff::run(&args),
    };
    match result {
        Ok(code) => code,
        Err(failure) => failure.report(),
    }
}
