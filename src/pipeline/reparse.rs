//! Reading the journal of a run once more, with another parser, policy or check, and what that changes.

use std::collections::BTreeMap;
use std::fmt;
use std::iter::Peekable;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::annotation::{ImageId, RecordSource};
use crate::error::{Error, ErrorKind, Result};
use crate::pipeline::batch::Batches;
use crate::pipeline::journal::Journal;
use crate::pipeline::lock::Lock;
use crate::pipeline::outputs::{self, Outputs};
use crate::pipeline::{Ledger, Pipeline, UnitResult, UnitState, manifest};
use crate::sample::Sample;

/// How many images of each kind of change are named.
const N_NAMED: usize = 5;

/// What another parser, policy or check makes of the replies of a run.
///
/// [`Display`](fmt::Display) prints it as a table.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Reparse {
    /// By name of the task.
    pub tasks: BTreeMap<String, ReparsedTask>,
    /// The account of the run as it is now.
    pub ledger: Ledger,
}

/// What has changed in one task.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ReparsedTask {
    /// Units that had no sample and have one now.
    pub newly_accepted: u64,
    /// Units that had a sample and have none now.
    pub newly_rejected: u64,
    /// Units whose sample is another one now.
    pub changed: u64,
    /// Units that are what they were.
    pub unchanged: u64,
    /// Question-answer pairs before.
    pub pairs_before: u64,
    /// Question-answer pairs now.
    pub pairs_after: u64,
    /// The first images of each change: `newly_accepted`, `newly_rejected`, `changed`.
    pub examples: BTreeMap<String, Vec<ImageId>>,
}

impl Pipeline {
    /// Reads the replies in the journal of a run with this pipeline's parsers, policy and checks, writes the outputs
    /// anew, and says what is different. Nothing is sent; the client is not asked.
    ///
    /// Prompts must be the same: replies to other prompts say nothing.
    ///
    /// # Errors
    /// - [`ErrorKind::Io`] or [`ErrorKind::RunFile`] if there is no run in the folder, or a file cannot be read or
    ///   written.
    /// - [`ErrorKind::RunInUse`] if another process writes to it.
    /// - [`ErrorKind::RunDiffers`] if inputs or prompts are not those of the run.
    /// - Errors of the records.
    pub fn reparse(&self, source: &dyn RecordSource, folder: impl AsRef<Path>) -> Result<Reparse> {
        let folder = folder.as_ref();
        manifest::task_names(folder)?;
        let _lock = Lock::take(folder)?;
        let manifest = manifest::reparsed(folder, self, source)?;
        let mut journal = Journal::open(folder)?;
        let mut before = self.tasks().map(|task| Before::open(folder, task.name())).collect::<Result<Vec<_>>>()?;
        let mut reparse = Reparse::default();
        let mut outputs = Outputs::create(folder, self.tasks())?;
        for unit in self.all_units(source.records()) {
            let unit = unit?;
            let result = self.journaled(&unit, &mut journal)?;
            let old = before[unit.task_index].take(&result.image_id)?;
            reparse.tasks.entry(result.task.clone()).or_default().add(&old, &result);
            outputs.write(&result)?;
        }
        manifest::write(folder, &manifest)?;
        reparse.ledger = outputs.commit(&journal, &Batches::read(folder)?)?;
        Ok(reparse)
    }
}

/// What the outputs say of a unit.
#[derive(Debug, Default)]
struct Old {
    state: Option<UnitState>,
    sample: Option<Sample>,
}

#[derive(Debug, Deserialize)]
struct OldUnit {
    image_id: ImageId,
    state: UnitState,
}

type Lines<T> = Peekable<Box<dyn Iterator<Item = Result<T>>>>;

/// The outputs of one task as they were, in order of image id.
struct Before {
    units: Lines<OldUnit>,
    samples: Lines<Sample>,
}

impl Before {
    fn open(folder: &Path, task: &str) -> Result<Self> {
        Ok(Self {
            units: lines(outputs::read_lines(outputs::units_path(folder, task)))?,
            samples: lines(outputs::read_lines(outputs::samples_path(folder, task)))?,
        })
    }

    fn take(&mut self, image_id: &ImageId) -> Result<Old> {
        let state = next_of(&mut self.units, image_id, |unit| &unit.image_id)?.map(|unit| unit.state);
        Ok(Old { state, sample: next_of(&mut self.samples, image_id, |sample| &sample.image_id)? })
    }
}

/// A run that was ended before it wrote outputs has none, which is nothing wrong.
fn lines<T: 'static>(lines: Result<impl Iterator<Item = Result<T>> + 'static>) -> Result<Lines<T>> {
    let none: Box<dyn Iterator<Item = Result<T>>> = Box::new(std::iter::empty());
    match lines {
        Ok(lines) => Ok((Box::new(lines) as Box<dyn Iterator<Item = Result<T>>>).peekable()),
        Err(error) if is_not_found(&error) => Ok(none.peekable()),
        Err(error) => Err(error),
    }
}

fn is_not_found(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound)
}

/// The value of an image, if it comes next; those of images before it are passed over.
fn next_of<T>(lines: &mut Lines<T>, image_id: &ImageId, id: impl Fn(&T) -> &ImageId) -> Result<Option<T>> {
    loop {
        match lines.peek() {
            Some(Ok(value)) if id(value) > image_id => return Ok(None),
            None => return Ok(None),
            Some(_) => {}
        }
        match lines.next() {
            Some(Ok(value)) if id(&value) == image_id => return Ok(Some(value)),
            Some(Err(error)) => return Err(error),
            _ => {}
        }
    }
}

impl ReparsedTask {
    fn add(&mut self, old: &Old, new: &UnitResult) {
        self.pairs_before += old.sample.as_ref().map_or(0, |sample| sample.n_pairs() as u64);
        self.pairs_after += new.sample.as_ref().map_or(0, |sample| sample.n_pairs() as u64);
        let (count, name) = match (&old.sample, &new.sample) {
            (None, Some(_)) => (&mut self.newly_accepted, "newly_accepted"),
            (Some(_), None) => (&mut self.newly_rejected, "newly_rejected"),
            (Some(old), Some(new)) if old.conversations != new.conversations => (&mut self.changed, "changed"),
            (None, None) if old.state.is_some_and(|state| state != new.state) => (&mut self.changed, "changed"),
            _ => {
                self.unchanged += 1;
                return;
            }
        };
        *count += 1;
        let examples = self.examples.entry(name.to_owned()).or_default();
        if examples.len() < N_NAMED {
            examples.push(new.image_id.clone());
        }
    }
}

impl fmt::Display for Reparse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<22}{:>15}{:>15}{:>9}{:>10}{:>14}{:>7}",
            "task", "newly accepted", "newly rejected", "changed", "the same", "pairs before", "now"
        )?;
        for (name, task) in &self.tasks {
            writeln!(
                f,
                "{name:<22}{:>15}{:>15}{:>9}{:>10}{:>14}{:>7}",
                task.newly_accepted,
                task.newly_rejected,
                task.changed,
                task.unchanged,
                task.pairs_before,
                task.pairs_after
            )?;
        }
        for (name, task) in &self.tasks {
            for (change, images) in &task.examples {
                let images: Vec<String> = images.iter().map(ToString::to_string).collect();
                writeln!(f, "{name}, {}: image {}", change.replace('_', " "), images.join(", "))?;
            }
        }
        Ok(())
    }
}
