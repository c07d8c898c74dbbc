//! A clock that moves when a test says so.

use std::collections::BTreeMap;
use std::fmt;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use futures::future::BoxFuture;

use crate::llm::Timer;
use crate::lock::lock;

/// A clock that moves only when told, on any executor. A clone shows the same time.
///
/// [`run`](Self::run) is the handy way: it drives a future and moves the clock on whenever everything waits for it, so
/// that a test of hours takes milliseconds and always goes the same way.
///
/// # Example
/// ```
/// use std::time::Duration;
/// use svitgen::llm::Timer;
/// use svitgen::llm::testing::MockTimer;
/// let timer = MockTimer::new();
/// timer.run(timer.sleep_until(Duration::from_secs(3600)))?;
/// assert_eq!(timer.now(), Duration::from_secs(3600));
/// # Ok::<(), svitgen::llm::testing::Stuck>(())
/// ```
#[derive(Clone, Default)]
pub struct MockTimer {
    clock: Arc<Mutex<Clock>>,
}

/// What a future is that neither ends nor waits for the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the future has not ended, and nothing in it waits for the clock: it would hang (the clock shows {now:?})")]
pub struct Stuck {
    /// What the clock showed.
    pub now: Duration,
}

#[derive(Default)]
struct Clock {
    now: Duration,
    next_sleeper: u64,
    /// By moment, then in the order in which they went to sleep.
    sleepers: BTreeMap<(Duration, u64), Waker>,
}

impl MockTimer {
    /// A clock that shows zero.
    pub fn new() -> Self {
        Self::default()
    }

    /// Moves the clock on and wakes whom it concerns, by moment, then in the order in which they went to sleep.
    pub fn advance(&self, by: Duration) {
        let moment = self.now().saturating_add(by);
        self.advance_to(moment);
    }

    /// How many wait for the clock.
    pub fn n_sleeping(&self) -> usize {
        lock(&self.clock).sleepers.len()
    }

    /// Drives `future` to its end on this thread; whenever it waits, the clock moves on to the next moment that
    /// anything waits for.
    ///
    /// # Errors
    /// [`Stuck`] if the future waits for something else than this clock, which nothing on this thread can bring about.
    pub fn run<F: Future>(&self, future: F) -> Result<F::Output, Stuck> {
        let mut future = pin!(future);
        let woken = Arc::new(Woken(AtomicBool::new(true)));
        let waker = Waker::from(woken.clone());
        let mut context = Context::from_waker(&waker);
        loop {
            while woken.0.swap(false, Ordering::SeqCst) {
                if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
                    return Ok(output);
                }
            }
            let next = lock(&self.clock).sleepers.keys().next().map(|(moment, _)| *moment);
            self.advance_to(next.ok_or(Stuck { now: self.now() })?);
        }
    }

    fn advance_to(&self, moment: Duration) {
        let due = {
            let mut clock = lock(&self.clock);
            let now = clock.now.max(moment);
            clock.now = now;
            let later = clock.sleepers.split_off(&(now, u64::MAX));
            std::mem::replace(&mut clock.sleepers, later)
        };
        due.into_values().for_each(Waker::wake);
    }
}

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

impl Timer for MockTimer {
    fn now(&self) -> Duration {
        lock(&self.clock).now
    }

    fn sleep_until(&self, moment: Duration) -> BoxFuture<'static, ()> {
        Box::pin(Sleep { clock: self.clock.clone(), moment, sleeper: None })
    }
}

struct Sleep {
    clock: Arc<Mutex<Clock>>,
    moment: Duration,
    sleeper: Option<u64>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let shared = self.clock.clone();
        let mut clock = lock(&shared);
        if clock.now >= self.moment {
            return Poll::Ready(());
        }
        let sleeper = *self.sleeper.get_or_insert_with(|| {
            clock.next_sleeper += 1;
            clock.next_sleeper
        });
        clock.sleepers.insert((self.moment, sleeper), context.waker().clone());
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(sleeper) = self.sleeper {
            lock(&self.clock).sleepers.remove(&(self.moment, sleeper));
        }
    }
}

impl fmt::Debug for MockTimer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let clock = lock(&self.clock);
        f.debug_struct("MockTimer").field("now", &clock.now).field("n_sleeping", &clock.sleepers.len()).finish()
    }
}
