//! `svitgen policy`: what is done about each issue.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;

use svitgen::reply::{IssueCode, Policy};

use crate::failure::Failure;
use crate::output::print;

/// Prints what a policy does about each issue.
///
/// A policy of your own is a JSON file: {"preset": "careful", "actions": {"near_duplicate": "drop"}}. The actions are
/// note, flag, drop and reject.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  svitgen policy strict
  svitgen policy mine.json --json")]
pub(crate) struct PolicyArgs {
    /// careful, strict, salvage, or a JSON file.
    #[arg(default_value = "careful")]
    policy: String,
    /// Print JSON: one object from code to action.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &PolicyArgs) -> Result<ExitCode, Failure> {
    let policy = named(&args.policy)?;
    if args.json {
        let actions: BTreeMap<_, _> = IssueCode::ALL.iter().map(|code| (code, policy.action(code))).collect();
        print(&format!("{}\n", serde_json::to_string(&actions).unwrap_or_default()))
    } else {
        print(&policy.to_string())
    }
}

/// A preset by its name, or a policy from a file.
pub(crate) fn named(name: &str) -> Result<Policy, Failure> {
    if let Some(policy) = Policy::preset(name) {
        return Ok(policy);
    }
    let path = Path::new(name);
    let json = std::fs::read_to_string(path).map_err(|error| {
        Failure::usage(format_args!("--policy {name}: neither careful, strict nor salvage, nor a file: {error}"))
    })?;
    Policy::from_json(&json, &[]).map_err(|error| Failure::usage(format_args!("{name}: {error}")))
}
