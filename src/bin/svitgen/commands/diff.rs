//! `svitgen diff`: two runs side by side.

use std::path::PathBuf;
use std::process::ExitCode;

use svitgen::report::{RunDiff, TokenPrices};

use crate::commands::report::prices;
use crate::failure::Failure;
use crate::output::{Verbosity, json, print};

/// Puts two runs side by side.
///
/// It says what was set otherwise, what came of it, and which units ended differently.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  svitgen diff careful-run strict-run
  svitgen diff old new --token-prices 0.15,0.60 --html diff.html")]
pub(crate) struct DiffArgs {
    /// The folder of the first run.
    first: PathBuf,
    /// The folder of the second run.
    second: PathBuf,
    /// Most units that are shown with what was made of them; 5 in the terminal, 100 in a page.
    #[arg(long, value_name = "N")]
    show: Option<usize>,
    /// Write a page of HTML to this file as well.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// What a million tokens of prompts and of replies cost, in dollars: 0.15,0.60.
    #[arg(long, value_name = "IN,OUT", value_parser = prices)]
    token_prices: Option<TokenPrices>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Units that are shown in a terminal and in a page.
const SHOWN: [usize; 2] = [5, 100];

pub(crate) fn run(args: &DiffArgs, verbosity: Verbosity) -> Result<ExitCode, Failure> {
    let (first, second) = (super::open_run(&args.first)?, super::open_run(&args.second)?);
    let n = args.show.unwrap_or(if args.html.is_some() { SHOWN[1] } else { SHOWN[0] });
    let mut diff = RunDiff::of([&first, &second], n)?;
    if let Some(prices) = args.token_prices {
        diff = diff.with_prices(prices);
    }
    if let Some(path) = &args.html {
        diff.write_html(path)?;
        if verbosity > Verbosity::Quiet {
            eprintln!("{}: {} units that differ", path.display(), diff.differences.len());
        }
        diff.differences.truncate(args.show.unwrap_or(SHOWN[0]));
    }
    print(&if args.json { json(&diff) } else { diff.to_string() })
}
