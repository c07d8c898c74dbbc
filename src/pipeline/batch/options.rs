//! How batches are made and collected.

use std::sync::Arc;

use crate::llm::{Account, BatchApi};

/// How batches are made and collected.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct BatchOptions {
    pub(super) max_requests: usize,
    pub(super) max_bytes: u64,
    pub(super) account: Option<Arc<Account>>,
    pub(super) gives_up_unknown: bool,
}

impl Default for BatchOptions {
    /// As large as the service allows, without a cap.
    fn default() -> Self {
        let (max_requests, max_bytes) = (BatchApi::MAX_LINES, BatchApi::MAX_BYTES);
        Self { max_requests, max_bytes, account: None, gives_up_unknown: false }
    }
}

impl BatchOptions {
    /// Sets how many requests a batch has at most: 1 to 50,000, which is the default.
    #[must_use]
    pub fn with_max_requests(mut self, n: usize) -> Self {
        self.max_requests = n.clamp(1, BatchApi::MAX_LINES);
        self
    }

    /// Sets how many bytes a file has at most, up to 200,000,000, which is the default; a single request may have more.
    #[must_use]
    pub fn with_max_bytes(mut self, n: u64) -> Self {
        self.max_bytes = n.min(BatchApi::MAX_BYTES);
        self
    }

    /// Charges an account, at the price of batches, and keeps to its caps: what a batch can take at most is reserved before
    /// it is sent, in the file of the account, and what it took is charged when its results are collected.
    ///
    /// It is to be the account of the run's other requests, and the same for submitting and collecting. What was submitted
    /// without an account is not charged.
    #[must_use]
    pub fn with_account(mut self, account: impl Into<Arc<Account>>) -> Self {
        self.account = Some(account.into());
        self
    }

    /// Has collecting give up batches of which the server knows nothing, although it knows nothing else of the run either:
    /// perhaps it is another server or the key of another project, and then the batches are paid for twice.
    #[must_use]
    pub fn with_unknown_given_up(mut self) -> Self {
        self.gives_up_unknown = true;
        self
    }
}
