//! Results that arrive in any order, written in the order of the units while a run goes on.

use std::collections::BTreeMap;

use crate::annotation::RecordSource;
use crate::error::Result;
use crate::pipeline::batch::Batches;
use crate::pipeline::journal::Journal;
use crate::pipeline::outputs::{Draft, Outputs};
use crate::pipeline::{Ledger, Pipeline, UnitResult};

/// How many bytes may wait for an earlier unit. What does not fit is read from the journal at the end, so a unit that
/// takes an hour costs a second look at those behind it, and no memory.
const MAX_WAITING_BYTES: usize = 8 << 20;

/// The outputs of a run as far as they are known, by the number of their unit.
#[derive(Debug)]
pub(super) struct InOrder {
    outputs: Outputs,
    next: usize,
    waiting: BTreeMap<usize, Draft>,
    n_waiting_bytes: usize,
}

impl InOrder {
    pub(super) fn new(outputs: Outputs) -> Self {
        Self { outputs, next: 0, waiting: BTreeMap::new(), n_waiting_bytes: 0 }
    }

    /// Takes the result of a unit, whose number nothing had yet.
    pub(super) fn add(&mut self, number: usize, result: &UnitResult) -> Result<()> {
        if number == self.next {
            self.outputs.write(result)?;
            self.next += 1;
            return self.write_waiting();
        }
        if self.n_waiting_bytes < MAX_WAITING_BYTES {
            let draft = self.outputs.draft(result)?;
            self.n_waiting_bytes += draft.n_bytes();
            self.waiting.insert(number, draft);
        }
        Ok(())
    }

    fn write_waiting(&mut self) -> Result<()> {
        while let Some(draft) = self.take(self.next) {
            self.outputs.write_draft(&draft)?;
            self.next += 1;
        }
        Ok(())
    }

    fn take(&mut self, number: usize) -> Option<Draft> {
        let draft = self.waiting.remove(&number)?;
        self.n_waiting_bytes -= draft.n_bytes();
        Some(draft)
    }

    /// Writes what is missing by what the journal has, and puts the files in their places. `n_units` is the number of
    /// all units, if that is known.
    pub(super) fn finish(
        mut self,
        pipeline: &Pipeline,
        source: &dyn RecordSource,
        journal: &mut Journal,
        batches: &Batches,
        n_units: Option<usize>,
    ) -> Result<Ledger> {
        if n_units != Some(self.next) {
            for (number, unit) in pipeline.all_units(source.records()).enumerate().skip(self.next) {
                match self.take(number) {
                    Some(draft) => self.outputs.write_draft(&draft)?,
                    None => self.outputs.write(&pipeline.journaled(&unit?, journal)?)?,
                }
            }
        }
        self.outputs.commit(journal, batches)
    }
}
