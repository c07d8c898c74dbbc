//! A client that fails on order.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;

use crate::choice::Choices;
use crate::llm::{
    Activity, Completion, CompletionRequest, FinishReason, LlmClient, LlmError, LlmErrorKind, Timer, Usage,
};
use crate::lock::lock;

/// Wraps a client and lets some of its calls fail, at random but always the same ones: which fault a call meets depends
/// on the seed, on what is asked and on how often it was asked before, not on the order or the moment. A clone is a
/// handle to the same client.
///
/// # Example
/// ```
/// use svitgen::llm::testing::{Fault, FaultyLlm, MockTimer};
/// use svitgen::llm::{CompletionRequest, LlmClient, LlmErrorKind, MockLlm};
/// let timer = MockTimer::new();
/// let model = FaultyLlm::new(MockLlm::rules([("", "A dog.")]), 7, timer.clone())
///     .with_fault(Fault::Malformed, 1.0)
///     .with_faulty_attempts(1);
/// let request = CompletionRequest::new(vec![svitgen::Message::new(svitgen::MessageRole::User, "What is it?")]);
/// let error = timer.run(model.complete(&request))?.unwrap_err();
/// assert_eq!(error.kind(), LlmErrorKind::Malformed);
/// assert!(timer.run(model.complete(&request))?.is_ok());
/// assert_eq!(model.n_faults(), [(Fault::Malformed, 1)].into());
/// # Ok::<(), svitgen::llm::testing::Stuck>(())
/// ```
#[derive(Clone)]
pub struct FaultyLlm<C> {
    inner: C,
    seed: u64,
    timer: Arc<dyn Timer>,
    faults: Vec<(Fault, f64)>,
    faulty_attempts: u32,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Default)]
struct Seen {
    /// By a hash of what was asked.
    n_attempts: HashMap<u64, u32>,
    n_faults: BTreeMap<Fault, u64>,
}

/// What may befall a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// It never reaches the server: `transient`, with nothing sent.
    NotSent,
    /// The server answers with an error of its own: `transient`.
    Transient,
    /// The server answers, and the answer is lost on the way: `transient`.
    Lost,
    /// It is refused for rate: `rate_limited`, with a wait.
    RateLimited(Duration),
    /// An error of any other kind, without a wait.
    Error(LlmErrorKind),
    /// The answer cannot be understood: `malformed`.
    Malformed,
    /// The reply is cut somewhere, with `length`.
    Cut,
    /// The reply is empty.
    Empty,
    /// The reply is withheld, with `content_filter`.
    Filtered,
    /// The reply comes late by this time.
    Late(Duration),
    /// Nothing ever comes.
    Hang,
}

impl<C: LlmClient> FaultyLlm<C> {
    /// Wraps a client; without [`with_fault`](Self::with_fault) all passes.
    pub fn new(inner: C, seed: u64, timer: impl Timer + 'static) -> Self {
        let timer = Arc::new(timer);
        Self { inner, seed, timer, faults: Vec::new(), faulty_attempts: u32::MAX, seen: Arc::default() }
    }

    /// Adds a fault that befalls this share of the calls, 0 to 1. A call meets one fault at most, so that the shares of
    /// all faults add up; what is above 1 never comes.
    #[must_use]
    pub fn with_fault(mut self, fault: Fault, share: f64) -> Self {
        self.faults.push((fault, share));
        self
    }

    /// Sets how many attempts at a request may meet a fault; all later ones pass.
    #[must_use]
    pub fn with_faulty_attempts(mut self, n: u32) -> Self {
        self.faulty_attempts = n;
        self
    }

    /// How many calls have met each fault so far.
    pub fn n_faults(&self) -> BTreeMap<Fault, u64> {
        lock(&self.seen).n_faults.clone()
    }

    /// The fault that the next attempt at `request` meets, and choices for what is random about it.
    fn draw(&self, request: &CompletionRequest) -> (Option<Fault>, Choices) {
        let mut seen = lock(&self.seen);
        let attempts = seen.n_attempts.entry(request.choices(self.seed, 0).bits()).or_default();
        *attempts = attempts.saturating_add(1);
        let attempt = *attempts;
        let mut choices = request.choices(self.seed, attempt);
        let mut left = choices.below(1 << 53) as f64 / (1u64 << 53) as f64;
        let fault = self.faults.iter().find(|(_, share)| {
            left -= share;
            left < 0.0
        });
        let fault = fault.map(|(fault, _)| *fault).filter(|_| attempt <= self.faulty_attempts);
        if let Some(fault) = fault {
            *seen.n_faults.entry(fault).or_default() += 1;
        }
        (fault, choices)
    }
}

/// The text up to a random character, and as many tokens as are left.
fn cut(completion: Completion, choices: &mut Choices) -> Completion {
    let n_chars = completion.text.chars().count();
    let text: String = completion.text.chars().take(choices.below(n_chars)).collect();
    with_text(completion, text, FinishReason::Length)
}

fn with_text(completion: Completion, text: String, finish_reason: FinishReason) -> Completion {
    let share = |n_tokens: u64| match completion.text.len() {
        0 => 0,
        n_bytes => (u128::from(n_tokens) * text.len() as u128 / n_bytes as u128) as u64,
    };
    let usage = completion.usage.map(|usage| Usage { output_tokens: share(usage.output_tokens), ..usage });
    Completion { usage, text, finish_reason, ..completion }
}

fn failure(kind: LlmErrorKind) -> LlmError {
    LlmError::new(kind, "a fault that a test has ordered")
}

#[async_trait]
impl<C: LlmClient> LlmClient for FaultyLlm<C> {
    async fn complete(&self, request: &CompletionRequest) -> Result<Completion, LlmError> {
        let (fault, mut choices) = self.draw(request);
        match fault {
            None => self.inner.complete(request).await,
            Some(Fault::NotSent) => Err(failure(LlmErrorKind::Transient).with_nothing_sent()),
            Some(Fault::Transient) => Err(failure(LlmErrorKind::Transient)),
            Some(Fault::Lost) => self.inner.complete(request).await.and(Err(failure(LlmErrorKind::Transient))),
            Some(Fault::RateLimited(wait)) => Err(failure(LlmErrorKind::RateLimited).with_retry_after(wait)),
            Some(Fault::Error(kind)) => Err(failure(kind)),
            Some(Fault::Malformed) => self.inner.complete(request).await.and(Err(failure(LlmErrorKind::Malformed))),
            Some(Fault::Cut) => Ok(cut(self.inner.complete(request).await?, &mut choices)),
            Some(Fault::Empty) => Ok(with_text(self.inner.complete(request).await?, String::new(), FinishReason::Stop)),
            Some(Fault::Filtered) => {
                Ok(with_text(self.inner.complete(request).await?, String::new(), FinishReason::ContentFilter))
            }
            Some(Fault::Late(delay)) => {
                let completion = self.inner.complete(request).await?;
                self.timer.sleep_until(self.timer.now().saturating_add(delay)).await;
                Ok(completion)
            }
            Some(Fault::Hang) => std::future::pending().await,
        }
    }

    fn name(&self) -> &str {
        self.inner.name()
    }

    fn activity(&self) -> Activity {
        self.inner.activity()
    }
}

impl<C: fmt::Debug> fmt::Debug for FaultyLlm<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultyLlm")
            .field("inner", &self.inner)
            .field("faults", &self.faults)
            .field("n_faults", &lock(&self.seen).n_faults)
            .finish_non_exhaustive()
    }
}
