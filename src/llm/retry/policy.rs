//! Whether to try again, and when: a pure function.

use std::time::Duration;

use crate::llm::{LlmError, LlmErrorKind};

/// Whether a request is tried again after a failure, and how long to wait before.
///
/// A wait that the server asks for is kept to the moment, and such failures are not counted as attempts: a busy server
/// may ask as often as it likes, until [`patience`](Self::with_patience) is used up. Without one, the wait is drawn
/// from zero to a bound that doubles with every attempt ("full jitter"), and the number of attempts is bounded.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RetryPolicy {
    attempts: u32,
    rate_limited_attempts: u32,
    malformed_attempts: u32,
    first_bound: Duration,
    last_bound: Duration,
    longest_server_wait: Duration,
    patience: Duration,
    pub(super) share: f64,
    pub(super) per_second: f64,
    pub(super) burst: f64,
    pub(super) seed: u64,
}

/// How the attempts at one request have failed so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Failures {
    /// Of any kind, the last one included.
    pub total: u32,
    /// Faults (`transient`) without a wait of the server's.
    pub transient: u32,
    /// Refusals for rate (`rate_limited`) without a wait of the server's.
    pub rate_limited: u32,
    /// Answers that could not be understood (`malformed`).
    pub malformed: u32,
    /// The waits that the server asked for, together.
    pub told: Duration,
}

/// What to do after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryDecision {
    /// Try again after this wait, which the server asked for.
    Told(Duration),
    /// Try again after this wait, which is a guess.
    Guessed(Duration),
    /// Another attempt would not help, or there were enough.
    GiveUp,
    /// The server asks for a longer wait than anyone wants to sit through: stop the run.
    Stop,
}

impl Default for RetryPolicy {
    /// 6 attempts, 20 at what was refused for rate without a wait, 3 at what is malformed; guessed waits of up to 0.5 s,
    /// 1 s, 2 s and so on to 30 s; waits of the server up to 10 minutes, together up to an hour.
    fn default() -> Self {
        Self {
            attempts: 6,
            rate_limited_attempts: 20,
            malformed_attempts: 3,
            first_bound: Duration::from_millis(500),
            last_bound: Duration::from_secs(30),
            longest_server_wait: Duration::from_secs(600),
            patience: Duration::from_secs(3600),
            share: 0.1,
            per_second: 10.0,
            burst: 100.0,
            seed: 0,
        }
    }
}

impl RetryPolicy {
    /// Sets how often a request is sent at most if the attempts meet faults; 1 for a single attempt.
    #[must_use]
    pub fn with_attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts;
        self
    }

    /// Sets how often a request is sent at most if it is refused for rate and the server names no wait.
    #[must_use]
    pub fn with_rate_limited_attempts(mut self, attempts: u32) -> Self {
        self.rate_limited_attempts = attempts;
        self
    }

    /// Sets how often a request is sent at most if the answers cannot be understood. They are billed.
    #[must_use]
    pub fn with_malformed_attempts(mut self, attempts: u32) -> Self {
        self.malformed_attempts = attempts;
        self
    }

    /// Sets between which bounds guessed waits are drawn: from zero to `first` after the first failure, to twice as much
    /// after the next one, never above `last`.
    #[must_use]
    pub fn with_guessed_waits(mut self, first: Duration, last: Duration) -> Self {
        (self.first_bound, self.last_bound) = (first, last);
        self
    }

    /// Sets the longest single wait that the server may ask for. A longer one stops the run, to be resumed later.
    #[must_use]
    pub fn with_longest_server_wait(mut self, longest: Duration) -> Self {
        self.longest_server_wait = longest;
        self
    }

    /// Sets how long the waits that the server asks for may be together, for one request.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Bounds further attempts of all requests together, apart from those at the moment that the server named: `burst`
    /// at once, then the given share of all requests, plus `per_second`. What is beyond waits for its turn, so that an
    /// outage does not multiply the traffic. Negative numbers and those that are none count as zero; at least one
    /// attempt in ten seconds is left.
    #[must_use]
    pub fn with_retry_budget(mut self, burst: u32, share: f64, per_second: f64) -> Self {
        self.burst = f64::from(burst).max(1.0);
        self.share = at_least(share, 0.0);
        self.per_second = at_least(per_second, 0.1);
        self
    }

    /// Sets the seed of the guessed waits.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// What to do after a failure of this kind. `failures` counts it already; `random` is any number.
    pub fn decide(
        &self,
        failures: &Failures,
        kind: LlmErrorKind,
        server_wait: Option<Duration>,
        random: u64,
    ) -> RetryDecision {
        if !kind.is_transient() {
            return RetryDecision::GiveUp;
        }
        match server_wait.filter(|wait| !wait.is_zero()) {
            Some(wait) if wait > self.longest_server_wait => RetryDecision::Stop,
            // Every attempt at a reply that cannot be understood is billed, whatever the server says.
            Some(_) if kind == LlmErrorKind::Malformed && failures.malformed >= self.malformed_attempts => {
                RetryDecision::GiveUp
            }
            Some(_) if failures.told > self.patience => RetryDecision::GiveUp,
            Some(wait) => RetryDecision::Told(wait),
            None => self.guess(failures, kind, random),
        }
    }

    fn guess(&self, failures: &Failures, kind: LlmErrorKind, random: u64) -> RetryDecision {
        let (n_failures, attempts) = match kind {
            LlmErrorKind::RateLimited => (failures.rate_limited, self.rate_limited_attempts),
            LlmErrorKind::Malformed => (failures.malformed, self.malformed_attempts),
            _ => (failures.transient, self.attempts),
        };
        if n_failures >= attempts {
            return RetryDecision::GiveUp;
        }
        let doubled = 2u32.saturating_pow(n_failures.saturating_sub(1));
        let bound = self.first_bound.saturating_mul(doubled).min(self.last_bound);
        // A fraction of 53 bits, which a double holds exactly.
        let fraction = (random >> 11) as f64 / (1u64 << 53) as f64;
        RetryDecision::Guessed(bound.mul_f64(fraction))
    }
}

/// A finite number, whatever was given.
fn at_least(number: f64, least: f64) -> f64 {
    if number >= least { number.min(1e6) } else { least }
}

impl Failures {
    /// Counts one more.
    pub fn count(&mut self, error: &LlmError) {
        self.total = self.total.saturating_add(1);
        let wait = error.retry_after().unwrap_or_default();
        self.told = self.told.saturating_add(wait);
        let counter = match error.kind() {
            LlmErrorKind::Malformed => &mut self.malformed,
            _ if !wait.is_zero() => return,
            LlmErrorKind::RateLimited => &mut self.rate_limited,
            _ => &mut self.transient,
        };
        *counter = counter.saturating_add(1);
    }
}
