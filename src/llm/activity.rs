//! What clients have done so far, for whoever watches a run.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use serde::Serialize;

use crate::llm::{LlmErrorKind, Spending};
use crate::lock::lock;

/// What a client and its wrappers have done since they were made, and what they are doing.
///
/// Each field is filled in by the wrapper that knows it; without that wrapper it stays empty.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Activity {
    /// Further attempts at requests whose attempt before failed, by the kind of that failure.
    pub retries: BTreeMap<LlmErrorKind, u64>,
    /// Calls that wait at present: for another attempt, or for their turn.
    pub waiting: u64,
    /// Calls at a time that are let through at present.
    pub limit: Option<u64>,
    /// Requests that were handed on to a second client.
    pub fallbacks: u64,
    /// What was spent, and what of.
    pub spending: Option<Spending>,
}

impl Activity {
    /// What two clients that work side by side do together.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        for (kind, n_retries) in other.retries {
            *self.retries.entry(kind).or_default() += n_retries;
        }
        self.waiting += other.waiting;
        self.limit = self.limit.zip(other.limit).map(|(limit, other)| limit + other);
        self.fallbacks += other.fallbacks;
        self.spending = match (self.spending, other.spending) {
            (Some(spending), Some(other)) => Some(spending.and(other)),
            (spending, other) => spending.or(other),
        };
        self
    }
}

/// What a wrapper that waits and tries again has to tell; a clone counts into the same numbers.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    retries: Arc<Mutex<BTreeMap<LlmErrorKind, u64>>>,
    waiting: Arc<AtomicU64>,
}

/// A call that waits, for as long as this lives.
pub(super) struct Waiting<'a>(&'a AtomicU64);

impl Tally {
    pub(super) fn wait(&self) -> Waiting<'_> {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        Waiting(&self.waiting)
    }

    pub(super) fn count_retry(&self, kind: LlmErrorKind) {
        *lock(&self.retries).entry(kind).or_default() += 1;
    }

    pub(super) fn add_to(&self, mut activity: Activity) -> Activity {
        for (kind, n_retries) in &*lock(&self.retries) {
            *activity.retries.entry(*kind).or_default() += n_retries;
        }
        activity.waiting += self.waiting.load(Ordering::Relaxed);
        activity
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
