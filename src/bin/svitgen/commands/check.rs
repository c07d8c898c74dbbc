//! `svitgen check`: what is wrong with training files.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde::Serialize;
use svitgen::check::{FileCheck, FileFormat, FileReport};

use crate::failure::{Failure, USAGE};
use crate::output::print;

/// Says what is wrong with training files, whoever made them.
///
/// It looks for leaks, refusals, repeated pairs, broken boxes, turns and placeholders out of place, and more. What it finds is data: the exit code is 0 unless a file cannot be read.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  svitgen check llava_instruct_150k.json
  svitgen check --json --examples 0 svit/*.json | jq '{path, found: (.codes | map_values(.share))}'")]
pub(crate) struct CheckArgs {
    /// The files: JSON arrays, or an entry a line.
    #[arg(required = true)]
    file: Vec<PathBuf>,
    /// What the entries are; without it the first one tells.
    #[arg(long)]
    format: Option<Format>,
    /// How many examples of each code are shown.
    #[arg(long, value_name = "N", default_value_t = 3)]
    examples: usize,
    /// Print JSON, a line for each file.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Format {
    /// The JSON of LLaVA: id, image, conversations of human and gpt.
    Llava,
    /// The JSON of SVIT: image_id, conversations with content.
    Svit,
}

pub(crate) fn run(args: &CheckArgs) -> Result<ExitCode, Failure> {
    let mut check = FileCheck::new().with_examples(args.examples);
    if let Some(format) = args.format {
        check = check.with_format(match format {
            Format::Llava => FileFormat::Llava,
            Format::Svit => FileFormat::Svit,
        });
    }
    let mut code = ExitCode::SUCCESS;
    for path in &args.file {
        if let Some(run) = run_of(path) {
            return Err(Failure::usage(format_args!(
                "{} is a file of a run and not for training: svitgen export {} --format llava --out FOLDER",
                path.display(),
                run.display()
            )));
        }
        match check.check_file(path) {
            Ok(report) => _ = print(&text(path, &report, args))?,
            // The other files may be all right.
            Err(error) => {
                Failure::from(error).report();
                code = USAGE.into();
            }
        }
    }
    Ok(code)
}

/// The run that a file of samples belongs to.
fn run_of(path: &Path) -> Option<&Path> {
    let folder = path.parent().filter(|folder| folder.ends_with("samples") || folder.ends_with("units"))?;
    let run = folder.parent().filter(|run| run.join("run.json").is_file())?;
    Some(if run.as_os_str().is_empty() { Path::new(".") } else { run })
}

/// What `--json` prints of a file.
#[derive(Serialize)]
struct Line<'a> {
    path: String,
    #[serde(flatten)]
    report: &'a FileReport,
}

fn text(path: &Path, report: &FileReport, args: &CheckArgs) -> String {
    if args.json {
        let line = Line { path: path.display().to_string(), report };
        return format!("{}\n", serde_json::to_string(&line).unwrap_or_default());
    }
    let gap = if args.file.first().is_some_and(|first| first == path) { "" } else { "\n" };
    format!("{gap}{}\n{report}", path.display())
}
