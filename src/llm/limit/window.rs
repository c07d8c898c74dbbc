//! How many calls may run at a time: less when the server refuses, more when it does not.

use std::fmt;

/// A window that is refused for a smaller share than this is let grow.
const SHARE_TO_GROW: f64 = 0.075;

/// A window that is refused for this share is made smaller. Servers refuse a few requests for reasons that have nothing
/// to do with how many there are.
const SHARE_TO_SHRINK: f64 = 0.15;

/// What is left of the window then.
const SHRUNK_TO: f64 = 0.7;

/// Shares of fewer calls than this are chance.
const FEWEST_CALLS: f64 = 40.0;

/// Additive increase, multiplicative decrease: at most one step for as many calls as fit into the window, counted over
/// calls that began after the last decrease, so that one burst of refusals is one decrease.
#[derive(Clone, Debug)]
pub(super) struct Window {
    most: f64,
    size: f64,
    is_fixed: bool,
    epoch: u64,
    n_ended: f64,
    n_refused: f64,
    was_full: bool,
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    Answered,
    /// Refused for rate.
    Refused,
    /// Dropped, or never sent.
    Unknown,
}

/// How a window has become larger or smaller.
#[derive(Debug)]
pub(super) struct Step {
    from: usize,
    to: usize,
    /// Calls that ended since the last step.
    n_ended: u64,
    /// Those of them that were refused for rate.
    n_refused: u64,
}

/// `shrank from 100 to 70, as 15 of 15 calls were refused for rate`
impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { from, to, n_ended, n_refused } = self;
        let change = if to < from { "shrank" } else { "grew" };
        write!(f, "{change} from {from} to {to}, as {n_refused} of {n_ended} calls were refused for rate")
    }
}

impl Window {
    pub(super) fn new(most: usize, is_fixed: bool) -> Self {
        let most = most.max(1) as f64;
        Self { most, size: most, is_fixed, epoch: 0, n_ended: 0.0, n_refused: 0.0, was_full: false }
    }

    /// Calls at a time.
    pub(super) fn size(&self) -> usize {
        self.size as usize
    }

    /// What a call that begins now has to show at its end. `n_running` counts it already.
    pub(super) fn begin(&mut self, n_running: usize) -> u64 {
        self.was_full |= n_running >= self.size();
        self.epoch
    }

    /// Counts a call that has ended; what becomes of the window by that, if anything.
    pub(super) fn end(&mut self, epoch: u64, ending: Ending) -> Option<Step> {
        if self.is_fixed || epoch != self.epoch || ending == Ending::Unknown {
            return None;
        }
        self.n_ended += 1.0;
        self.n_refused += f64::from(u8::from(ending == Ending::Refused));
        let n_calls = self.size.max(FEWEST_CALLS);
        if self.n_refused >= SHARE_TO_SHRINK * n_calls {
            self.epoch += 1;
            self.step((self.size * SHRUNK_TO).max(1.0))
        } else if self.n_ended >= n_calls {
            let may_grow = self.was_full && self.n_refused <= SHARE_TO_GROW * n_calls;
            let more = if may_grow { (self.most / 64.0).max(1.0) } else { 0.0 };
            self.step((self.size + more).min(self.most))
        } else {
            None
        }
    }

    fn step(&mut self, size: f64) -> Option<Step> {
        let (from, n_ended, n_refused) = (self.size(), self.n_ended as u64, self.n_refused as u64);
        *self = Self { size, n_ended: 0.0, n_refused: 0.0, was_full: false, ..self.clone() };
        (self.size() != from).then(|| Step { from, to: self.size(), n_ended, n_refused })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_of_refusals_is_one_decrease() {
        let mut window = Window::new(100, false);
        let epochs: Vec<u64> = (1..=100).map(|n_running| window.begin(n_running)).collect();
        let steps: Vec<Step> = epochs.into_iter().filter_map(|epoch| window.end(epoch, Ending::Refused)).collect();
        assert_eq!(window.size(), 70);
        let steps: Vec<String> = steps.iter().map(Step::to_string).collect();
        assert_eq!(steps, ["shrank from 100 to 70, as 15 of 15 calls were refused for rate"]);
        // The next round trip is another one.
        let epochs: Vec<u64> = (1..=70).map(|n_running| window.begin(n_running)).collect();
        for epoch in epochs {
            window.end(epoch, Ending::Refused);
        }
        assert_eq!(window.size(), 49);
    }

    #[test]
    fn a_few_refusals_change_nothing() {
        let mut window = Window::new(100, false);
        for call in 0..10_000 {
            let epoch = window.begin(100);
            window.end(epoch, if call % 20 == 0 { Ending::Refused } else { Ending::Answered });
        }
        assert_eq!(window.size(), 100);
    }

    #[test]
    fn it_grows_back_only_while_it_is_used() {
        let mut window = Window::new(10, false);
        for _ in 0..6 {
            window.end(0, Ending::Refused);
        }
        assert_eq!(window.size(), 7);
        let answer = |window: &mut Window, n_running: usize| {
            for _ in 0..1_000 {
                let epoch = window.begin(n_running);
                window.end(epoch, Ending::Answered);
            }
        };
        answer(&mut window, 3);
        assert_eq!(window.size(), 7);
        answer(&mut window, 7);
        // 7 is no longer full once it has grown to 8.
        assert_eq!(window.size(), 8);
        answer(&mut window, 10);
        assert_eq!(window.size(), 10);
    }

    #[test]
    fn a_fixed_one_stays_and_an_empty_one_lets_one_through() {
        let mut window = Window::new(0, true);
        for _ in 0..100 {
            window.end(0, Ending::Refused);
        }
        assert_eq!(window.size(), 1);
    }
}
