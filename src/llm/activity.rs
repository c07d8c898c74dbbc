//! What clients have done so far, for whoever watches a run.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::llm::{LlmErrorKind, Spending};

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
