//! A token bucket: what flows in at a steady rate, and is taken in pieces.

use std::time::Duration;

/// Holds `capacity` at most and fills at a steady rate. What is taken may exceed what is in it; the debt is filled up
/// first.
#[derive(Clone, Debug)]
pub(super) struct Bucket {
    capacity: f64,
    per_second: f64,
    level: f64,
    updated: Duration,
}

impl Bucket {
    /// A full one.
    pub(super) fn full(capacity: f64, per_second: f64) -> Self {
        Self { capacity, per_second, level: capacity, updated: Duration::ZERO }
    }

    /// One for at most `most` in any minute, that lets as much of it through at once as flows in within half a second.
    pub(super) fn per_minute(most: f64) -> Self {
        let capacity = (most / 120.0).max(1.0);
        // What is in it at the start of a minute counts too. The piece that finds it empty is not let through.
        Self::full(capacity, (most + 1.0 - capacity) / 60.0)
    }

    /// How long to wait until `n` may be taken: until it is there, or, if it is more than ever is, until the bucket is
    /// full.
    pub(super) fn wait(&mut self, n: f64, now: Duration) -> Option<Duration> {
        self.fill(now);
        let missing = n.min(self.capacity) - self.level;
        // Sums of many small numbers are not exact.
        (missing > 1e-6).then(|| {
            let seconds = (missing / self.per_second).clamp(1e-6, 1e9);
            Duration::from_secs_f64(seconds)
        })
    }

    /// Takes `n`, into debt if need be.
    pub(super) fn take(&mut self, n: f64, now: Duration) {
        self.fill(now);
        self.level -= n;
    }

    /// Gives back what was taken and not used.
    pub(super) fn give_back(&mut self, n: f64, now: Duration) {
        self.fill(now);
        self.level = (self.level + n).min(self.capacity);
    }

    /// What flows in within a minute.
    pub(super) fn of_a_minute(&self) -> f64 {
        60.0 * self.per_second
    }

    fn fill(&mut self, now: Duration) {
        let seconds = now.saturating_sub(self.updated).as_secs_f64();
        self.level = (self.level + seconds * self.per_second).min(self.capacity);
        self.updated = self.updated.max(now);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_minute_gets_more_than_its_share(most in 1u32..5_000, pauses in prop::collection::vec(0u64..2_000, 1..400)) {
            let mut bucket = Bucket::per_minute(f64::from(most));
            let mut now = Duration::ZERO;
            let mut taken: Vec<Duration> = Vec::new();
            for pause in pauses {
                now += Duration::from_millis(pause);
                while let Some(wait) = bucket.wait(1.0, now) {
                    prop_assert!(!wait.is_zero());
                    now += wait;
                }
                bucket.take(1.0, now);
                taken.push(now);
                let minute = taken.iter().rev().take_while(|moment| now - **moment < Duration::from_secs(60));
                prop_assert!(minute.count() <= most as usize);
            }
        }

        #[test]
        fn what_is_taken_above_the_capacity_is_a_debt(most in 60f64..1e6, times in 2f64..10.0) {
            let mut bucket = Bucket::per_minute(most);
            bucket.take(most * times, Duration::ZERO);
            let wait = bucket.wait(1.0, Duration::ZERO).unwrap_or_default().as_secs_f64();
            prop_assert!((wait / 60.0 - times).abs() < 0.1, "{wait} s for {times} minutes");
            bucket.give_back(most * times, Duration::ZERO);
            prop_assert_eq!(bucket.wait(1.0, Duration::ZERO), None);
        }
    }
}
