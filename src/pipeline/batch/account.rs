//! Batches that keep to a cap: reserved before they are sent, charged when their results are there.

use crate::error::{Error, ErrorKind, Result};
use crate::llm::{Charge, CompletionRequest, LlmError, Totals};
use crate::pipeline::batch::RunBatch;
use crate::pipeline::batch::collect::Told;
use crate::pipeline::batch::growing::Growing;
use crate::pipeline::batch::work::Work;

/// What an account has to say about a request.
pub(super) enum Bound {
    /// Nobody counts.
    None,
    Fits(Charge),
    /// It could pass the cap, and why.
    Beyond(String),
}

impl Work<'_> {
    /// What a request can take at most, and whether that fits beside what is about to be sent.
    pub(super) fn bound<'g>(
        &self,
        request: &CompletionRequest,
        growing: impl Iterator<Item = &'g Growing>,
    ) -> Result<Bound> {
        let Some(account) = &self.options.account else { return Ok(Bound::None) };
        let bound = account.bound_in_batch(request).map_err(stopped)?;
        let mut bounds = Totals::default();
        growing.for_each(|file| bounds.add_all(&file.bounds));
        bounds.add_bound(&bound);
        Ok(match account.refusal_of_batch(&bounds) {
            Some(error) => Bound::Beyond(error.message().to_owned()),
            None => Bound::Fits(bound),
        })
    }

    /// Reserves what a batch can take at most, if an account is to be charged.
    pub(super) fn reserve(&self, batch: &RunBatch) -> Result<()> {
        match (&self.options.account, batch.bounds) {
            (Some(account), Some(bounds)) => account.reserve_batch(&batch.name, bounds).map_err(stopped),
            _ => Ok(()),
        }
    }

    /// Charges what a batch took in place of what is reserved for it.
    pub(super) fn settle(&self, number: u32, spent: Totals) -> Result<()> {
        match (&self.options.account, self.state.batch(number)) {
            (Some(account), Some(batch)) => account.settle_batch(&batch.name, spent).map_err(stopped),
            _ => Ok(()),
        }
    }

    /// What a batch took: what the results tell, and the bounds of all else.
    pub(super) fn spent(&mut self, number: u32, told: &Told) -> Result<Totals> {
        let mut spent = told.spent;
        if self.options.account.is_none() {
            return Ok(spent);
        }
        for key in self.state.keys(number).into_iter().filter(|key| !told.keys.contains(key)) {
            let request = self.state.request(number, key)?;
            request.and_then(|request| request.bound).iter().for_each(|bound| spent.add_bound(bound));
        }
        Ok(spent)
    }
}

/// Nothing more can be sent.
fn stopped(error: LlmError) -> Error {
    ErrorKind::Stopped(error).into()
}
