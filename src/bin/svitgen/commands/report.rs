//! `svitgen report`: one page of HTML about a run.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use svitgen::annotation::RecordSource;
use svitgen::llm::{Prices, Usage};
use svitgen::pipeline::RunFolder;
use svitgen::report::{Images, Report, TokenPrices};

use crate::commands::reparse;
use crate::failure::Failure;
use crate::inputs::{InputArgs, Needs};
use crate::output::Verbosity;

/// Writes one HTML page about a run.
///
/// It holds the account, distributions, and a gallery of what was asked and answered. It loads nothing and needs no server. With the inputs of the run it shows annotations and prompts: they are found by
/// the options that `svitgen generate` kept; give them where these are not there or no longer true.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  svitgen report run
  svitgen report quickstart-run --sample
  svitgen report run --vg visual_genome --images https://cs.stanford.edu/people/rak248
  svitgen report run --images /data/vg --gallery 200 --out report.html")]
pub(crate) struct ReportArgs {
    /// The folder of the run.
    run: PathBuf,
    /// Where to write the page; RUN/report.html unless given.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Most units in the gallery; of a larger run it shows a part, drawn evenly over tasks and outcomes.
    #[arg(long, value_name = "N", default_value_t = 500)]
    gallery: usize,
    /// Folder of the images, which are put into the page, or an address below which a browser finds them. The image of a
    /// record is looked for where its URL ends: VG_100K/1.jpg.
    #[arg(long, value_name = "DIR|URL")]
    images: Option<String>,
    /// What a million tokens of prompts and of replies cost, in dollars: 0.15,0.60. Unless given, the built-in price of the run's
    /// model, if it has one and no other.
    #[arg(long, value_name = "IN,OUT", value_parser = prices)]
    token_prices: Option<TokenPrices>,
    #[command(flatten)]
    input: InputArgs,
}

pub(crate) fn run(args: &ReportArgs, verbosity: Verbosity) -> Result<ExitCode, Failure> {
    let folder = super::open_run(&args.run)?;
    let source = args.input.open_if_given()?.or_else(|| inputs_of(&args.run));
    let mut report = Report::new(&folder).with_gallery(args.gallery);
    if let Some(source) = &source {
        report = report.with_source(source.as_ref());
    }
    if let Some(images) = &args.images {
        report = report.with_images(images_at(images)?);
    }
    if let Some(prices) = args.token_prices.or_else(|| prices_of(&folder)) {
        report = report.with_prices(prices);
    }
    let out = args.out.clone().unwrap_or_else(|| args.run.join("report.html"));
    let page = report.write(&out)?;
    if verbosity > Verbosity::Quiet {
        let size = page.html.len().div_ceil(1024);
        // Texts of strangers hold no tags.
        let n_images = page.html.matches("<img ").count();
        let images = if args.images.is_some() { format!(", {n_images} images") } else { String::new() };
        eprintln!("{}: {size} KiB, {} of {} units in the gallery{images}", out.display(), page.n_shown, page.n_units);
    }
    Ok(ExitCode::SUCCESS)
}

fn images_at(argument: &str) -> Result<Images, Failure> {
    let images = Images::from_argument(argument);
    match &images {
        Images::Folder(folder) if !folder.is_dir() => Err(Failure::usage(format_args!(
            "--images {argument}: neither a folder nor an address that starts with https:// or http://"
        ))),
        _ => Ok(images),
    }
}

/// The inputs of the run, where its options say which they are and they can be read.
fn inputs_of(run: &Path) -> Option<Box<dyn RecordSource>> {
    let source = reparse::of_run(run)
        .and_then(|generate| generate.input.with_index(run.join("index")).open_again(Needs::Everything));
    let hint = "--vg, --coco, --records or --sample names the inputs";
    source.inspect_err(|failure| eprintln!("shown without annotations and prompts: {failure}; {hint}")).ok()
}

/// The built-in price of the one model that all tasks of a run were asked of.
fn prices_of(run: &RunFolder) -> Option<TokenPrices> {
    let manifest = run.manifest().ok()?;
    let tasks = manifest["tasks"].as_object()?;
    let mut models = tasks.values().map(|task| task["parameters"]["model"].as_str());
    let model = models.next()??;
    let price = Prices::built_in().price(model).filter(|_| models.all(|other| other == Some(model)))?;
    let dollars = |usage| price.cost(usage).to_string().trim_start_matches('$').parse().ok();
    let million = 1_000_000;
    Some(TokenPrices {
        input: dollars(Usage { input_tokens: million, output_tokens: 0 })?,
        output: dollars(Usage { input_tokens: 0, output_tokens: million })?,
    })
}

/// Two prices with a comma between.
pub(super) fn prices(text: &str) -> Result<TokenPrices, String> {
    let price = |text: &str| text.trim().parse::<f64>().ok().filter(|price| price.is_finite() && *price >= 0.0);
    let both = text.split_once(',').and_then(|(input, output)| Some((price(input)?, price(output)?)));
    let (input, output) = both.ok_or("two prices are needed, with a comma between: 0.15,0.60")?;
    Ok(TokenPrices { input, output })
}
