//! Trying again what may pass later.

mod policy;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;

use crate::llm::activity::Tally;
use crate::llm::bucket::Bucket;
use crate::llm::wait::in_words;
use crate::llm::{Activity, Completion, CompletionRequest, LlmClient, LlmError, LlmErrorKind, StopSignal, Timer};
use crate::lock::lock;

pub use policy::{Failures, RetryDecision, RetryPolicy};

/// Tries again what failed and may pass later, as [`RetryPolicy`] says. A clone shares the budget of further attempts.
///
/// While one request waits the others go on. Put it around [`Limit`](crate::llm::Limit), so that whoever waits holds
/// nobody else up. The error of the last attempt says how many there were.
///
/// # Example
/// ```
/// use std::time::Duration;
/// use svitgen::llm::{CompletionRequest, LlmClient, LlmError, LlmErrorKind, MockLlm, Retry, RetryPolicy, Timer};
/// # #[derive(Debug)]
/// # struct Clock;
/// # impl Timer for Clock {
/// #     fn now(&self) -> Duration { Duration::ZERO }
/// #     fn sleep_until(&self, _: Duration) -> futures::future::BoxFuture<'static, ()> { Box::pin(async {}) }
/// # }
/// # let timer = Clock;
/// let busy = LlmError::new(LlmErrorKind::RateLimited, "slow down").with_retry_after(Duration::from_secs(2));
/// let model = MockLlm::script([busy.into(), "A dog.".into()]);
/// let patient = Retry::new(model.clone(), RetryPolicy::default(), timer); // for example `TokioTimer::new()`
/// let reply = futures::executor::block_on(patient.complete(&CompletionRequest::new(Vec::new())))?;
/// assert_eq!((reply.text.as_str(), model.requests().len()), ("A dog.", 2));
/// assert_eq!(patient.activity().retries[&LlmErrorKind::RateLimited], 1);
/// # Ok::<(), LlmError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Retry<C> {
    inner: C,
    policy: RetryPolicy,
    timer: Arc<dyn Timer>,
    budget: Arc<Mutex<Bucket>>,
    tally: Tally,
    stop: StopSignal,
}

impl<C: LlmClient> Retry<C> {
    /// Wraps a client.
    pub fn new(inner: C, policy: RetryPolicy, timer: impl Timer + 'static) -> Self {
        let budget = Arc::new(Mutex::new(Bucket::full(policy.burst, policy.per_second)));
        Self { inner, policy, timer: Arc::new(timer), budget, tally: Tally::default(), stop: StopSignal::new() }
    }

    /// Gives up whatever waits for another attempt as soon as the signal is set.
    #[must_use]
    pub fn with_stop_signal(mut self, stop: StopSignal) -> Self {
        self.stop = stop;
        self
    }

    /// How long to wait before the next attempt, or the error to end with.
    fn after(&self, error: LlmError, failures: &Failures, request: &CompletionRequest) -> Result<Duration, LlmError> {
        let random = request.choices(self.policy.seed, failures.total).bits();
        match self.policy.decide(failures, error.kind(), error.retry_after(), random) {
            RetryDecision::Told(wait) => Ok(wait),
            RetryDecision::Guessed(wait) => Ok(wait.max(self.turn())),
            RetryDecision::GiveUp if error.is_transient() => Err(with_attempts(error, failures.total)),
            RetryDecision::GiveUp => Err(error),
            RetryDecision::Stop => Err(too_long_a_wait(error)),
        }
    }

    /// Reserves one attempt of the budget and says how far off its turn is.
    fn turn(&self) -> Duration {
        let now = self.timer.now();
        let mut budget = lock(&self.budget);
        let wait = budget.wait(1.0, now).unwrap_or_default();
        budget.take(1.0, now);
        wait
    }
}

fn with_attempts(error: LlmError, n_attempts: u32) -> LlmError {
    if n_attempts < 2 {
        return error;
    }
    let message = format!("{} (after {n_attempts} attempts)", error.message());
    error.with_message(message)
}

fn too_long_a_wait(error: LlmError) -> LlmError {
    let wait = in_words(error.retry_after().unwrap_or_default());
    let message = format!("the server asks to wait for {wait}; start the run again after that ({error})");
    LlmError::new(LlmErrorKind::Unavailable, message).with_source(error)
}

#[async_trait]
impl<C: LlmClient> LlmClient for Retry<C> {
    async fn complete(&self, request: &CompletionRequest) -> Result<Completion, LlmError> {
        lock(&self.budget).give_back(self.policy.share, self.timer.now());
        let mut failures = Failures::default();
        loop {
            let error = match self.inner.complete(request).await {
                Ok(completion) => return Ok(completion),
                Err(error) => error,
            };
            failures.count(&error);
            let failed_at = self.timer.now();
            let kind = error.kind();
            let wait = self.after(error, &failures, request)?;
            event!(%kind, attempt = failures.total, ?wait, "request waits for another attempt");
            let waiting = self.tally.wait();
            self.stop.unless_set(self.timer.sleep_until(failed_at.saturating_add(wait))).await?;
            drop(waiting);
            self.tally.count_retry(kind);
        }
    }

    fn name(&self) -> &str {
        self.inner.name()
    }

    fn activity(&self) -> Activity {
        self.tally.add_to(self.inner.activity())
    }
}
