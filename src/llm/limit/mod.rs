//! How many calls run at a time, and how many are sent in a minute.

mod gate;
mod limits;
mod window;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use crate::llm::queue::Queue;
use crate::llm::{Activity, Completion, CompletionRequest, LlmClient, LlmError, StopSignal, Timer};

use gate::{Gate, Running};

pub use limits::Limits;

/// Lets only so many calls run at a time, and so many requests and tokens through in a minute ([`Limits`]). All clones
/// and all tasks share them; who comes first is served first.
///
/// # Example
/// ```
/// # use std::time::Duration;
/// use svitgen::llm::{CompletionRequest, Limit, Limits, LlmClient, LlmError, MockLlm, Timer};
/// # #[derive(Debug)]
/// # struct Clock;
/// # impl Timer for Clock {
/// #     fn now(&self) -> Duration { Duration::ZERO }
/// #     fn sleep_until(&self, _: Duration) -> futures::future::BoxFuture<'static, ()> { Box::pin(async {}) }
/// # }
/// # let timer = Clock;
/// let limits = Limits::adaptive(64).with_requests_per_minute(500).with_tokens_per_minute(90_000);
/// let model = Limit::new(MockLlm::script(["A dog.".into()]), limits, timer); // for example `TokioTimer::new()`
/// assert_eq!(model.activity().limit, Some(64));
/// let reply = futures::executor::block_on(model.complete(&CompletionRequest::new(Vec::new())))?;
/// assert_eq!(reply.text, "A dog.");
/// # Ok::<(), LlmError>(())
/// ```
#[derive(Clone)]
pub struct Limit<C> {
    inner: C,
    limits: Limits,
    queue: Arc<Queue<Gate>>,
    stop: StopSignal,
}

impl<C: LlmClient> Limit<C> {
    /// Wraps a client.
    pub fn new(inner: C, limits: Limits, timer: impl Timer + 'static) -> Self {
        let queue = Arc::new(Queue::new(Gate::new(&limits), Arc::new(timer)));
        Self { inner, limits, queue, stop: StopSignal::new() }
    }

    /// Gives up whatever waits for its turn as soon as the signal is set.
    #[must_use]
    pub fn with_stop_signal(mut self, stop: StopSignal) -> Self {
        self.stop = stop;
        self
    }

    fn estimate(&self, request: &CompletionRequest) -> f64 {
        match self.limits.tokens_per_minute {
            Some(most) => (self.limits.estimate)(request).min(most) as f64,
            None => 0.0,
        }
    }
}

#[async_trait]
impl<C: LlmClient> LlmClient for Limit<C> {
    async fn complete(&self, request: &CompletionRequest) -> Result<Completion, LlmError> {
        let permit = self.stop.unless_set(self.queue.enter(self.estimate(request))).await?;
        let running = Running::new(&self.queue, permit);
        let result = self.inner.complete(request).await;
        running.end(&result);
        result
    }

    fn name(&self) -> &str {
        self.inner.name()
    }

    fn activity(&self) -> Activity {
        let mut activity = self.inner.activity();
        let limit = self.queue.look(|gate| gate.limit() as u64);
        activity.limit = Some(activity.limit.map_or(limit, |inner| inner.min(limit)));
        activity.waiting += self.queue.n_waiting();
        activity
    }
}

impl<C: fmt::Debug> fmt::Debug for Limit<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limit")
            .field("inner", &self.inner)
            .field("limits", &self.limits)
            .field("waiting", &self.queue.n_waiting())
            .finish_non_exhaustive()
    }
}
