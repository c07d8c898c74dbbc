//! When a server counts as dead, and for how long anyone waits for it.

use std::time::Duration;

/// When calls are held back from a server that does not answer, and for how long.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BreakerPolicy {
    pub(super) failures: u32,
    pub(super) first_pause: Duration,
    pub(super) last_pause: Duration,
    pub(super) patience: Duration,
}

impl Default for BreakerPolicy {
    /// After 5 faults in a row one call at a time goes ahead, after 1 s, 2 s, 4 s and so on to 60 s; after 10 minutes of
    /// faults the run is stopped.
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { failures: 5, first_pause: seconds(1), last_pause: seconds(60), patience: seconds(600) }
    }
}

impl BreakerPolicy {
    /// Sets after how many faults in a row calls are held back; at least 1. Keep it below the attempts of
    /// [`RetryPolicy`](crate::llm::RetryPolicy), so that a single request does not fail before.
    #[must_use]
    pub fn with_failures(mut self, failures: u32) -> Self {
        self.failures = failures.max(1);
        self
    }

    /// Sets the pause before the first call that goes ahead, and the longest one; they double in between. A pause is a
    /// millisecond at least.
    #[must_use]
    pub fn with_pauses(mut self, first: Duration, last: Duration) -> Self {
        self.first_pause = first.max(Duration::from_millis(1));
        self.last_pause = last.max(self.first_pause);
        self
    }

    /// Sets how long calls are held back at most. After that they end with
    /// [`Unavailable`](crate::llm::LlmErrorKind::Unavailable).
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }
}
