//! What a `Limit` keeps to.

use std::fmt;
use std::sync::Arc;

use crate::llm::CompletionRequest;

/// How many calls may run at a time, and how many requests and tokens may be sent in a minute.
#[derive(Clone)]
#[non_exhaustive]
pub struct Limits {
    pub(super) in_flight: usize,
    pub(super) is_fixed: bool,
    pub(super) requests_per_minute: Option<u32>,
    pub(super) tokens_per_minute: Option<u64>,
    pub(super) estimate: Arc<Estimate>,
}

pub(super) type Estimate = dyn Fn(&CompletionRequest) -> u64 + Send + Sync;

impl Limits {
    /// At most `most` calls at a time, at least one: fewer while the server refuses a real share of them for rate, step
    /// by step more again when it does not.
    pub fn adaptive(most: usize) -> Self {
        let estimate = Arc::new(tokens_of_bytes);
        Self { in_flight: most, is_fixed: false, requests_per_minute: None, tokens_per_minute: None, estimate }
    }

    /// Always `n` calls at a time, at least one.
    pub fn fixed(n: usize) -> Self {
        Self { is_fixed: true, ..Self::adaptive(n) }
    }

    /// Sets how many requests may be sent in any minute, at least one. They are spread over it.
    #[must_use]
    pub fn with_requests_per_minute(mut self, n: u32) -> Self {
        self.requests_per_minute = Some(n);
        self
    }

    /// Sets how many tokens, read and written, may be used up in any minute, at least one. What a request needs is
    /// estimated before it is sent and corrected when the server has told it.
    #[must_use]
    pub fn with_tokens_per_minute(mut self, n: u64) -> Self {
        self.tokens_per_minute = Some(n);
        self
    }

    /// Sets how the tokens of a request are estimated, those of its reply included. By default: a third of the bytes of
    /// its messages, and `max_tokens` for the reply.
    #[must_use]
    pub fn with_estimate(mut self, estimate: impl Fn(&CompletionRequest) -> u64 + Send + Sync + 'static) -> Self {
        self.estimate = Arc::new(estimate);
        self
    }
}

/// Prompts full of boxes have three bytes to a token; prose has four.
fn tokens_of_bytes(request: &CompletionRequest) -> u64 {
    let n_bytes: usize = request.messages.iter().map(|message| message.content.len()).sum();
    n_bytes as u64 / 3 + u64::from(request.parameters.max_tokens.unwrap_or(0))
}

impl fmt::Debug for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limits")
            .field("in_flight", &self.in_flight)
            .field("is_fixed", &self.is_fixed)
            .field("requests_per_minute", &self.requests_per_minute)
            .field("tokens_per_minute", &self.tokens_per_minute)
            .finish_non_exhaustive()
    }
}
