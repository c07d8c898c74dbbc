//! What a run leaves behind: samples and units by task, and the ledger. No time, no latency, no attempt is in them.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::annotation::ImageId;
use crate::atomic::{self, AtomicFile};
use crate::error::{Error, ErrorKind, Result};
use crate::pipeline::batch::Batches;
use crate::pipeline::journal::Journal;
use crate::pipeline::{Ledger, TaskLedger, UnitResult, UnitState};
use crate::reply::{Action, IssueCode};
use crate::task::Task;

pub(super) fn samples_path(folder: &Path, task: &str) -> PathBuf {
    folder.join("samples").join(format!("{task}.jsonl"))
}

pub(super) fn ledger_path(folder: &Path) -> PathBuf {
    folder.join("ledger.json")
}

pub(super) fn units_path(folder: &Path, task: &str) -> PathBuf {
    folder.join("units").join(format!("{task}.jsonl"))
}

/// The files of a run while they are written; they take their places together at the end.
#[derive(Debug)]
pub(super) struct Outputs {
    folder: PathBuf,
    ledger: Ledger,
    files: Vec<TaskFiles>,
}

#[derive(Debug)]
struct TaskFiles {
    task: String,
    samples: AtomicFile,
    units: AtomicFile,
}

impl Outputs {
    pub(super) fn create<'a>(folder: &Path, tasks: impl Iterator<Item = &'a Task>) -> Result<Self> {
        for name in ["samples", "units"] {
            let path = folder.join(name);
            fs::create_dir_all(&path).map_err(|source| Error::io("create", &path, source))?;
        }
        let mut outputs = Self { folder: folder.to_owned(), ledger: Ledger::default(), files: Vec::new() };
        for task in tasks {
            outputs.ledger.tasks.insert(task.name().to_owned(), TaskLedger::default());
            outputs.files.push(TaskFiles {
                task: task.name().to_owned(),
                samples: AtomicFile::create(&samples_path(folder, task.name()))?,
                units: AtomicFile::create(&units_path(folder, task.name()))?,
            });
        }
        Ok(outputs)
    }

    pub(super) fn write(&mut self, result: &UnitResult) -> Result<()> {
        let draft = self.draft(result)?;
        self.write_draft(&draft)
    }

    /// Counts a result, whose lines are to be written later.
    pub(super) fn draft(&mut self, result: &UnitResult) -> Result<Draft> {
        self.ledger.add(result);
        let path = |folder: fn(&Path, &str) -> PathBuf| folder(&self.folder, &result.task);
        Ok(Draft {
            file_index: self.files.iter().position(|files| files.task == result.task),
            sample: result.sample.as_ref().map(|sample| line(&path(samples_path), sample)).transpose()?,
            unit: line(&path(units_path), &UnitLine::from(result))?,
        })
    }

    pub(super) fn write_draft(&mut self, draft: &Draft) -> Result<()> {
        let Some(files) = draft.file_index.and_then(|index| self.files.get_mut(index)) else { return Ok(()) };
        if let Some(sample) = &draft.sample {
            files.samples.write_with(|writer| writer.write_all(sample))?;
        }
        files.units.write_with(|writer| writer.write_all(&draft.unit))
    }

    pub(super) fn commit(mut self, journal: &Journal, batches: &Batches) -> Result<Ledger> {
        for files in self.files {
            files.samples.commit()?;
            files.units.commit()?;
        }
        for (name, task) in &mut self.ledger.tasks {
            task.count_requests(journal.counts(name));
        }
        for (name, counts) in batches.open_numbers().flat_map(|number| journal.batched(number)) {
            if let Some(task) = self.ledger.tasks.get_mut(name) {
                task.count_batched(counts);
            }
        }
        self.ledger.damaged_lines = journal.damaged_lines;
        let path = ledger_path(&self.folder);
        let ledger =
            serde_json::to_string_pretty(&self.ledger).map_err(|source| Error::io("write", &path, source.into()))?;
        atomic::write(&path, format!("{ledger}\n").as_bytes())?;
        Ok(self.ledger)
    }
}

/// The lines of a unit.
#[derive(Debug)]
pub(super) struct Draft {
    file_index: Option<usize>,
    sample: Option<Vec<u8>>,
    unit: Vec<u8>,
}

impl Draft {
    pub(super) fn n_bytes(&self) -> usize {
        self.unit.len() + self.sample.as_ref().map_or(0, Vec::len)
    }
}

/// What became of a unit, for people who look for what is missing.
#[derive(Serialize)]
struct UnitLine<'a> {
    image_id: &'a ImageId,
    state: UnitState,
    cause: Option<&'a str>,
    pairs: usize,
    issues: Vec<IssueLine<'a>>,
}

#[derive(Serialize)]
struct IssueLine<'a> {
    code: &'a IssueCode,
    action: Action,
    span: [usize; 2],
    item: Option<usize>,
}

impl<'a> From<&'a UnitResult> for UnitLine<'a> {
    fn from(result: &'a UnitResult) -> Self {
        let issues = result.parsed.iter().flat_map(|parsed| &parsed.issues).map(|issue| IssueLine {
            code: &issue.code,
            action: issue.action,
            span: [issue.span.start, issue.span.end],
            item: issue.item,
        });
        Self {
            image_id: &result.image_id,
            state: result.state,
            cause: result.cause.as_deref(),
            pairs: result.sample.as_ref().map_or(0, |sample| sample.n_pairs()),
            issues: issues.collect(),
        }
    }
}

fn line(path: &Path, value: &impl Serialize) -> Result<Vec<u8>> {
    let mut line = serde_json::to_vec(value).map_err(|source| Error::io("write", path, source.into()))?;
    line.push(b'\n');
    Ok(line)
}

/// The values of a file, one a line.
pub(super) fn read_lines<T: DeserializeOwned>(path: PathBuf) -> Result<impl Iterator<Item = Result<T>>> {
    let file = File::open(&path).map_err(|source| Error::io("read", &path, source))?;
    let lines = BufReader::new(file).lines().enumerate();
    Ok(lines.map(move |(index, line)| {
        let line = line.map_err(|source| Error::io("read", &path, source))?;
        serde_json::from_str(&line)
            .map_err(|source| ErrorKind::RunLine { path: path.clone(), line: index as u64 + 1, source }.into())
    }))
}
