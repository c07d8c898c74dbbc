//! The clock of tokio.

use std::time::Duration;

use futures::future::BoxFuture;
use tokio::time::{Instant, sleep_until};

use crate::llm::Timer;

/// The clock of tokio, to the millisecond; in tests of tokio with a paused clock, that clock.
///
/// What it returns from [`sleep_until`](Timer::sleep_until) is polled within a tokio runtime that has its time enabled.
/// Elsewhere tokio panics.
#[derive(Clone, Debug)]
pub struct TokioTimer {
    start: Instant,
}

impl TokioTimer {
    /// A clock that starts now.
    pub fn new() -> Self {
        Self { start: Instant::now() }
    }
}

impl Default for TokioTimer {
    fn default() -> Self {
        Self::new()
    }
}

impl Timer for TokioTimer {
    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    fn sleep_until(&self, moment: Duration) -> BoxFuture<'static, ()> {
        match self.start.checked_add(moment) {
            Some(instant) => Box::pin(async move { sleep_until(instant).await }),
            // A moment that no clock can show never comes.
            None => Box::pin(std::future::pending()),
        }
    }
}
