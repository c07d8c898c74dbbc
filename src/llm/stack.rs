//! The wrappers around a client, in the order in which they make sense.

use crate::llm::{Breaker, BreakerPolicy, Limit, Limits, LlmClient, Retry, RetryPolicy, Timer};

/// Wraps a client that talks to a server: failed requests are tried again, so many run at a time, and a dead server is
/// waited for. Each wrapper has its default policy; build the same stack by hand for others.
///
/// Only errors come out that another attempt would not help, and those of requests that failed too often.
///
/// # Example
/// ```
/// use svitgen::llm::{Limits, LlmClient, MockLlm, resilient};
/// # #[derive(Clone, Debug)]
/// # struct Clock;
/// # impl svitgen::llm::Timer for Clock {
/// #     fn now(&self) -> std::time::Duration { std::time::Duration::ZERO }
/// #     fn sleep_until(&self, _: std::time::Duration) -> futures::future::BoxFuture<'static, ()> { Box::pin(async {}) }
/// # }
/// # let timer = Clock;
/// let client = MockLlm::rules([("dog", "Woof.")]); // or one that talks to a server
/// let model = resilient(client, Limits::adaptive(64), timer); // for example `TokioTimer::new()`
/// assert_eq!(model.name(), "mock");
/// ```
pub fn resilient<C: LlmClient>(
    client: C,
    limits: Limits,
    timer: impl Timer + Clone + 'static,
) -> Retry<Limit<Breaker<C>>> {
    let breaker = Breaker::new(client, BreakerPolicy::default(), timer.clone());
    Retry::new(Limit::new(breaker, limits, timer.clone()), RetryPolicy::default(), timer)
}
