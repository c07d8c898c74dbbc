//! Holding calls back from a server that does not answer.

mod circuit;
mod policy;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use crate::llm::activity::Tally;
use crate::llm::queue::Queue;
use crate::llm::{Activity, Completion, CompletionRequest, LlmClient, LlmError, LlmErrorKind, StopSignal, Timer};

use circuit::{Circuit, Pass, Sign, Ticket};

pub use policy::BreakerPolicy;

/// Holds calls back from a server that does not answer, and stops the run when that goes on for too long.
///
/// After some faults in a row (`transient`: no connection, no answer, an error of the server's) without any answer, calls
/// wait; one at a time goes ahead after growing pauses. The first answer, be it a refusal, lets the others follow, few
/// at first. When [`patience`](BreakerPolicy::with_patience) is used up, all end with
/// [`Unavailable`](LlmErrorKind::Unavailable), which says how long the server was silent and what it said last. All
/// clones share this.
///
/// A call that certainly never reached the server ([`LlmError::was_not_sent`]) waits with the others while the server is
/// dead; it does not fail. Put it inside [`Limit`](crate::llm::Limit) and [`Retry`](crate::llm::Retry), next to the
/// client.
///
/// # Example
/// ```
/// use std::time::Duration;
/// use svitgen::llm::{Breaker, BreakerPolicy, CompletionRequest, LlmClient, LlmError, LlmErrorKind, MockLlm, Timer};
/// # #[derive(Debug)]
/// # struct Clock;
/// # impl Timer for Clock {
/// #     fn now(&self) -> Duration { Duration::ZERO }
/// #     fn sleep_until(&self, _: Duration) -> futures::future::BoxFuture<'static, ()> { Box::pin(async {}) }
/// # }
/// # let timer = Clock;
/// let server = MockLlm::function(|_| LlmError::new(LlmErrorKind::Transient, "connection refused"));
/// let policy = BreakerPolicy::default().with_failures(1).with_patience(Duration::ZERO);
/// let model = Breaker::new(server, policy, timer); // for example `TokioTimer::new()`
/// let error = futures::executor::block_on(model.complete(&CompletionRequest::new(Vec::new()))).unwrap_err();
/// assert_eq!(error.kind(), LlmErrorKind::Unavailable);
/// ```
#[derive(Clone)]
pub struct Breaker<C> {
    inner: C,
    policy: BreakerPolicy,
    queue: Arc<Queue<Circuit>>,
    tally: Tally,
    stop: StopSignal,
}

impl<C: LlmClient> Breaker<C> {
    /// Wraps a client.
    pub fn new(inner: C, policy: BreakerPolicy, timer: impl Timer + 'static) -> Self {
        let queue = Arc::new(Queue::new(Circuit::new(policy.clone()), Arc::new(timer)));
        Self { inner, policy, queue, tally: Tally::default(), stop: StopSignal::new() }
    }

    /// Gives up whatever is held back as soon as the signal is set.
    #[must_use]
    pub fn with_stop_signal(mut self, stop: StopSignal) -> Self {
        self.stop = stop;
        self
    }

    async fn attempt(&self, request: &CompletionRequest, ticket: Ticket) -> Attempt {
        let call = Call { queue: &self.queue, ticket: Some(ticket) };
        if ticket.is_ahead {
            event!("breaker probes the server");
        }
        let result = self.inner.complete(request).await;
        call.end(result)
    }
}

enum Attempt {
    Done(Result<Completion, LlmError>),
    /// It never reached the server, which is dead.
    Again,
}

/// A call on its way; dropping it lets another one go ahead.
struct Call<'a> {
    queue: &'a Queue<Circuit>,
    ticket: Option<Ticket>,
}

impl Call<'_> {
    fn end(mut self, result: Result<Completion, LlmError>) -> Attempt {
        let Some(ticket) = self.ticket.take() else { return Attempt::Done(result) };
        let sign = Sign::of(&result);
        let (change, verdict, is_open) = self.queue.update(|circuit, now| {
            let change = circuit.end(ticket, sign, result.as_ref().err(), now);
            (change, circuit.verdict(now), circuit.is_open())
        });
        // Nobody holds a lock here: who listens may ask what the client is doing.
        if change.is_some() {
            event!(change = change.map(tracing::field::display), "breaker changed");
        }
        match (result, verdict) {
            (Err(error), Some(verdict)) if sign == Sign::OfDeath => {
                let verdict = if error.was_not_sent() { verdict.with_nothing_sent() } else { verdict };
                Attempt::Done(Err(verdict.with_source(error)))
            }
            (Err(error), None) if sign == Sign::OfDeath && is_open && error.was_not_sent() => Attempt::Again,
            (result, _) => Attempt::Done(result),
        }
    }
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            self.queue.update(|circuit, now| circuit.end(ticket, Sign::None, None, now));
        }
    }
}

#[async_trait]
impl<C: LlmClient> LlmClient for Breaker<C> {
    async fn complete(&self, request: &CompletionRequest) -> Result<Completion, LlmError> {
        loop {
            let ticket = match self.stop.unless_set(self.queue.enter(())).await? {
                Pass::Through(ticket) => ticket,
                Pass::Refused(error) => return Err(error),
            };
            match self.attempt(request, ticket).await {
                Attempt::Done(result) => return result,
                Attempt::Again => self.tally.count_retry(LlmErrorKind::Transient),
            }
        }
    }

    fn name(&self) -> &str {
        self.inner.name()
    }

    fn activity(&self) -> Activity {
        let mut activity = self.tally.add_to(self.inner.activity());
        activity.waiting += self.queue.n_waiting();
        if let Some(room) = self.queue.look(Circuit::room) {
            activity.limit = Some(activity.limit.map_or(room, |limit| limit.min(room)));
        }
        activity
    }
}

impl<C: fmt::Debug> fmt::Debug for Breaker<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Breaker")
            .field("inner", &self.inner)
            .field("policy", &self.policy)
            .field("waiting", &self.queue.n_waiting())
            .finish_non_exhaustive()
    }
}
