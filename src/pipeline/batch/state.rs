//! `batches.jsonl`: which requests are in which batch, and how far each batch is; only ever appended to.
//!
//! A line that is damaged in the middle is an error and not a gap, as it is in the journal: behind a gap there could be a
//! batch that would be paid for twice.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::{Path, PathBuf};

use crate::checked_lines::{self, Place};
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::pipeline::batch::lines::{Line, VERSION};
use crate::pipeline::batch::{BatchTally, RunBatch, RunBatchState};
use crate::pipeline::journal::UnitKey;

/// The batches of a run.
#[derive(Debug, Default)]
#[cfg_attr(not(feature = "openai"), allow(dead_code, reason = "only who changes batches asks where lines are"))]
pub(in crate::pipeline) struct Batches {
    pub(super) path: PathBuf,
    pub(super) run: Option<Digest>,
    pub(super) batches: BTreeMap<u32, RunBatch>,
    /// Requests of open batches, and where their lines are.
    pub(super) requests: HashMap<UnitKey, (u32, Place)>,
    /// Requests of the batch that is about to be planned.
    unplanned: Vec<(u32, UnitKey, Place)>,
    /// The highest number that a line has.
    pub(super) highest: u32,
    /// Where the last whole line ends.
    pub(super) end: u64,
}

impl Batches {
    /// Reads what there is; nothing, if the run has no batches.
    pub(in crate::pipeline) fn read(folder: &Path) -> Result<Self> {
        let path = folder.join("batches.jsonl");
        let mut batches = Self { path: path.clone(), ..Self::default() };
        match checked_lines::read(&path, |place, line| batches.learn(place, line)) {
            Ok(end) => batches.end = end,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(Error::io("read", &path, error)),
        }
        batches.unplanned.clear();
        Ok(batches)
    }

    pub(super) fn learn(&mut self, place: Place, line: Option<Line>) -> io::Result<()> {
        let damage = || {
            let message = format!(
                "the line at byte {} is damaged or of a later svitgen; what is in which batch can no longer be told",
                place.offset
            );
            io::Error::new(io::ErrorKind::InvalidData, message)
        };
        match line.ok_or_else(damage)? {
            Line::Started { version, .. } if version > VERSION => return Err(damage()),
            Line::Started { run, .. } => self.run = Some(run),
            Line::Request { number, request } => {
                self.highest = self.highest.max(number);
                self.unplanned.push((number, request.key(), place));
            }
            Line::Planned { batch } => {
                let planned = self.unplanned.drain(..).filter(|(number, ..)| *number == batch.number);
                self.requests.extend(planned.map(|(number, key, place)| (key, (number, place))));
                self.highest = self.highest.max(batch.number);
                self.batches.insert(batch.number, batch);
            }
            Line::Uploaded { number, file } => self.change(number, |batch| {
                batch.state = RunBatchState::Uploaded;
                batch.file = Some(file);
            }),
            Line::Created { number, id } => self.change(number, |batch| {
                batch.state = RunBatchState::Created;
                batch.id = Some(id);
                batch.not_found = None;
            }),
            Line::NotFound { number, what } => self.change(number, |batch| batch.not_found = Some(what)),
            Line::Collected { number, tally } => self.close(number, RunBatchState::Collected, Some(tally)),
            Line::Lost { number, tally } => self.close(number, RunBatchState::Lost, Some(tally)),
            Line::Abandoned { number, .. } => self.close(number, RunBatchState::Abandoned, None),
        }
        Ok(())
    }

    fn change(&mut self, number: u32, change: impl FnOnce(&mut RunBatch)) {
        if let Some(batch) = self.batches.get_mut(&number) {
            change(batch);
        }
    }

    fn close(&mut self, number: u32, state: RunBatchState, tally: Option<BatchTally>) {
        self.change(number, |batch| (batch.state, batch.tally) = (state, tally));
        self.requests.retain(|_, (of, _)| *of != number);
    }

    /// Whether a turn of a unit is in an open batch.
    pub(in crate::pipeline) fn holds(&self, key: UnitKey) -> bool {
        self.requests.contains_key(&key)
    }

    /// The batches whose requests are on their way.
    pub(in crate::pipeline) fn open_numbers(&self) -> impl Iterator<Item = u32> {
        self.batches.values().filter(|batch| batch.state.is_open()).map(|batch| batch.number)
    }

    pub(super) fn into_batches(self) -> Vec<RunBatch> {
        self.batches.into_values().collect()
    }
}
