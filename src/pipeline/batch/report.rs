//! What was done about batches.

use std::fmt;

use serde::Serialize;

use crate::pipeline::Ledger;
use crate::pipeline::batch::BatchTally;

/// What one call about batches has done, and what is left.
///
/// [`Display`](fmt::Display) prints it in a few lines.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct BatchReport {
    /// Batches that were created on the server.
    pub created: u64,
    /// Batches that a process had created before it ended, and that were found again.
    pub found: u64,
    /// Batches that the server did not take; their requests are free to be sent again.
    pub abandoned: u64,
    /// Requests in the batches that were created or found.
    pub submitted: u64,
    /// Batches whose results are in the journal now.
    pub collected: u64,
    /// What came of the requests of these.
    pub tally: BatchTally,
    /// Batches that the server did not know at this look, or whose results it did not have. They stay open; if it says so
    /// again at the next look, they are lost.
    pub unknown: u64,
    /// Batches that the server no longer knows, or whose results it no longer has: what is `missing` of them may have
    /// been billed, and is sent again.
    pub lost: u64,
    /// Why the cap let no further request into a batch, if so.
    pub capped: Option<String>,
    /// Batches that are open still.
    pub open: u64,
    /// Requests in these.
    pub open_requests: u64,
    /// The account of the run, after collecting.
    pub ledger: Option<Ledger>,
}

impl fmt::Display for BatchReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { created, found, submitted, collected, tally, .. } = self;
        if created + found > 0 {
            write!(f, "batches created: {created}, with {submitted} requests")?;
            writeln!(f, "{}", if *found > 0 { format!("; found again: {found}") } else { String::new() })?;
        }
        if self.abandoned > 0 {
            writeln!(f, "batches that the server did not take: {}", self.abandoned)?;
        }
        if *collected > 0 {
            writeln!(
                f,
                "batches collected: {collected}, with {} completions; failed or expired: {}; missing: {}",
                tally.completions, tally.failures, tally.missing
            )?;
            if tally.duplicates + tally.garbage + tally.unknown > 0 {
                writeln!(
                    f,
                    "passed over in the results: {} doubled, {} garbage, {} of other requests",
                    tally.duplicates, tally.garbage, tally.unknown
                )?;
            }
        }
        if self.lost > 0 {
            writeln!(
                f,
                "batches that the server no longer has: {}; {} requests of them may have been billed and are to be sent \
                 again",
                self.lost, tally.missing
            )?;
        }
        if self.unknown > 0 {
            writeln!(
                f,
                "batches that the server did not know at this look: {}; if it says so once more, their requests are free \
                 to be sent again",
                self.unknown
            )?;
        }
        if let Some(reason) = &self.capped {
            writeln!(f, "held back: {reason}")?;
        }
        writeln!(f, "batches open: {}, with {} requests", self.open, self.open_requests)
    }
}
