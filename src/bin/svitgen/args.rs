//! The arguments of all commands.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

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
}

/// Reads replies of a language model: JSONL in, one result a line out.
///
/// A line holds {"id", "reply"} and, if known, "task", "asked" ({"qas": N} or {"conversations": N,
/// "qas_per_conversation": M}), "finish_reason" and "boxes" ([{"name", "box": [x1, y1, x2, y2]}]).
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  svitgen parse --task complex_reasoning replies.jsonl > pairs.jsonl
  svitgen parse --task referring_qa --policy strict < replies.jsonl | jq .outcome")]
pub(crate) struct ParseArgs {
    /// What was asked for: conversation, complex_reasoning, detail_description or referring_qa. A line's own task wins.
    #[arg(long)]
    pub(crate) task: Option<String>,
    /// What becomes of each issue: careful, strict, salvage, or a JSON file (see `svitgen policy --help`).
    #[arg(long, default_value = "careful")]
    pub(crate) policy: String,
    /// The replies; without it they are read from stdin.
    pub(crate) file: Option<PathBuf>,
}

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
    pub(crate) policy: String,
    /// Print JSON: one object from code to action.
    #[arg(long)]
    pub(crate) json: bool,
}
