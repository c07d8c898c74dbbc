//! Time for those who wait: behind a trait, so that tests can have a clock of their own.

#[cfg(feature = "tokio")]
mod tokio;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;

#[cfg(feature = "tokio")]
pub use self::tokio::TokioTimer;

/// A clock that never goes back, and a way to wait for it.
pub trait Timer: fmt::Debug + Send + Sync {
    /// Time since a moment that stays the same as long as the timer lives.
    fn now(&self) -> Duration;

    /// Ends as soon as [`now`](Self::now) has come to `moment`; at once if it is past.
    fn sleep_until(&self, moment: Duration) -> BoxFuture<'static, ()>;
}

impl<T: Timer + ?Sized> Timer for Arc<T> {
    fn now(&self) -> Duration {
        (**self).now()
    }

    fn sleep_until(&self, moment: Duration) -> BoxFuture<'static, ()> {
        (**self).sleep_until(moment)
    }
}
