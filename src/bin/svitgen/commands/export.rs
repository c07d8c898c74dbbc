//! `svitgen export`: training files.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use svitgen::export::{Llava, Svit, write_file};
use svitgen::pipeline::RunFolder;

use crate::failure::Failure;
use crate::output::{Verbosity, count};

/// Writes the samples of a run in a format that trainers read, a file per task.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  svitgen export run --format llava --out llava
  svitgen export run --format svit --task referring_qa --out svit")]
pub(crate) struct ExportArgs {
    /// Folder of the run.
    run: PathBuf,
    /// Format of the files.
    #[arg(long)]
    format: Format,
    /// Folder for the files, TASK.json each; it is made if need be.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Only this task. Repeatable.
    #[arg(long)]
    task: Vec<String>,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Format {
    /// The JSON of LLaVA and most trainers after it: id, image, conversations of human and gpt.
    Llava,
    /// The JSON of SVIT.
    Svit,
}

pub(crate) fn run(args: &ExportArgs, verbosity: Verbosity) -> Result<ExitCode, Failure> {
    let run = super::open_run(&args.run)?;
    if let Some(unknown) = args.task.iter().find(|task| !run.tasks().contains(task)) {
        return Err(Failure::usage(format_args!(
            "the run has no task {unknown:?}; its tasks are {}",
            run.tasks().join(", ")
        )));
    }
    fs::create_dir_all(&args.out)
        .map_err(|error| Failure::output(format_args!("cannot create {}: {error}", args.out.display())))?;
    for task in run.tasks().iter().filter(|task| args.task.is_empty() || args.task.contains(task)) {
        let path = args.out.join(format!("{task}.json"));
        let n_entries = write(&run, task, args.format, &path)?;
        if verbosity > Verbosity::Quiet {
            eprintln!("{}: {} entries", path.display(), count(n_entries));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn write(run: &RunFolder, task: &str, format: Format, path: &Path) -> Result<u64, Failure> {
    let samples = run.samples(task)?;
    let result = match format {
        Format::Llava => write_file(Llava::new(), samples, path),
        Format::Svit => write_file(Svit, samples, path),
    };
    result.map_err(|error| match error.kind() {
        svitgen::ErrorKind::Io { path: at, .. } if at.starts_with(path.parent().unwrap_or(path)) => {
            Failure::output(Failure::from(error))
        }
        _ => error.into(),
    })
}
