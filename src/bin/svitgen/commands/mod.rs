//! One file per command: its arguments, and what it does with them.

pub(crate) mod check;
pub(crate) mod batch;
pub(crate) mod compact;
pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod diff;
pub(crate) mod export;
pub(crate) mod generate;
pub(crate) mod parse;
pub(crate) mod policy;
pub(crate) mod prompt;
pub(crate) mod reparse;
pub(crate) mod report;
pub(crate) mod stats;

use std::io;
use std::path::Path;

use svitgen::pipeline::RunFolder;
use svitgen::{ErrorKind, Task};

use crate::failure::Failure;

/// The run in a folder.
fn open_run(folder: &Path) -> Result<RunFolder, Failure> {
    RunFolder::open(folder).map_err(|error| match error.kind() {
        ErrorKind::Io { source, .. } if source.kind() == io::ErrorKind::NotFound => Failure::usage(format_args!(
            "{} is not the folder of a run: it holds no run.json, which `svitgen generate --out {0}` would write",
            folder.display()
        )),
        _ => error.into(),
    })
}

/// The task of that name.
fn task(name: &str) -> Result<Task, Failure> {
    Task::by_name(name).ok_or_else(|| {
        let names: Vec<String> = Task::built_in().iter().map(|task| task.name().to_owned()).collect();
        Failure::usage(format_args!("there is no task {name:?}; the tasks are {}", names.join(", ")))
    })
}
