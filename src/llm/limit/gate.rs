//! The rule of a `Limit`, and the calls that it let through.

use std::time::Duration;

use crate::llm::bucket::Bucket;
use crate::llm::queue::{Admission, Queue, Rule};
use crate::llm::{Completion, LlmError, LlmErrorKind};

use super::limits::Limits;
use super::window::{Ending, Step, Window};

pub(super) struct Gate {
    window: Window,
    n_running: usize,
    requests: Option<Bucket>,
    tokens: Option<Bucket>,
}

/// What a running call holds.
pub(super) struct Permit {
    epoch: u64,
    /// Tokens that were reserved.
    tokens: f64,
}

impl Gate {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            window: Window::new(limits.in_flight, limits.is_fixed),
            n_running: 0,
            requests: limits.requests_per_minute.map(|n| Bucket::per_minute(f64::from(n.max(1)))),
            tokens: limits.tokens_per_minute.map(|n| Bucket::per_minute(n.max(1) as f64)),
        }
    }

    /// Calls at a time.
    pub(super) fn limit(&self) -> usize {
        self.window.size()
    }

    fn release(&mut self, permit: &Permit, ending: Ending, used: f64, now: Duration) -> Option<Step> {
        self.n_running = self.n_running.saturating_sub(1);
        if let Some(tokens) = &mut self.tokens {
            // A server that tells nonsense must not stop the run for longer than a minute.
            tokens.give_back(permit.tokens - used.min(tokens.of_a_minute()), now);
        }
        self.window.end(permit.epoch, ending)
    }
}

impl Rule for Gate {
    type Ask = f64;
    type Pass = Permit;

    fn admit(&mut self, tokens: &f64, now: Duration) -> Admission<Permit> {
        if self.n_running >= self.window.size() {
            return Admission::Later;
        }
        let of_requests = self.requests.as_mut().and_then(|bucket| bucket.wait(1.0, now));
        let of_tokens = self.tokens.as_mut().and_then(|bucket| bucket.wait(*tokens, now));
        if let Some(wait) = of_requests.max(of_tokens) {
            return Admission::At(now.saturating_add(wait));
        }
        self.requests.iter_mut().for_each(|bucket| bucket.take(1.0, now));
        self.tokens.iter_mut().for_each(|bucket| bucket.take(*tokens, now));
        self.n_running += 1;
        Admission::Now(Permit { epoch: self.window.begin(self.n_running), tokens: *tokens })
    }

    fn take_back(&mut self, permit: Permit, now: Duration) {
        self.requests.iter_mut().for_each(|bucket| bucket.give_back(1.0, now));
        self.release(&permit, Ending::Unknown, 0.0, now);
    }
}

/// A call that was let through; dropping it makes room for the next one.
pub(super) struct Running<'a> {
    queue: &'a Queue<Gate>,
    permit: Permit,
    ending: Ending,
    /// Tokens that it has used up.
    used: f64,
}

impl<'a> Running<'a> {
    pub(super) fn new(queue: &'a Queue<Gate>, permit: Permit) -> Self {
        // A call that is dropped midway may have been served: its tokens stay used.
        let used = permit.tokens;
        Self { queue, permit, ending: Ending::Unknown, used }
    }

    pub(super) fn end(mut self, result: &Result<Completion, LlmError>) {
        match result {
            Ok(completion) => {
                self.ending = Ending::Answered;
                if let Some(usage) = completion.usage {
                    self.used = usage.input_tokens.saturating_add(usage.output_tokens) as f64;
                }
            }
            Err(error) if error.was_not_sent() => self.used = 0.0,
            Err(error) if error.kind() == LlmErrorKind::RateLimited => {
                self.ending = Ending::Refused;
                self.used = 0.0;
            }
            Err(_) => self.ending = Ending::Answered,
        }
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let Self { queue, permit, ending, used } = self;
        let step = queue.update(|gate, now| gate.release(permit, *ending, *used, now));
        if step.is_some() {
            event!(change = step.map(tracing::field::display), "limit changed");
        }
    }
}
