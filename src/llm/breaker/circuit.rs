//! The rule of a `Breaker`: who goes ahead, and what that tells about the server.

use std::fmt;
use std::time::Duration;

use crate::llm::queue::{Admission, Rule};
use crate::llm::wait::in_words;
use crate::llm::{Completion, LlmError, LlmErrorKind};

use super::policy::BreakerPolicy;

/// Calls at a time right after the server has come back. Each answer makes room for one more.
const FIRST_ROOM: usize = 2;

/// With room for so many, nobody is held back any longer.
const ROOM_FOR_ALL: usize = 64;

pub(super) struct Circuit {
    policy: BreakerPolicy,
    state: State,
    /// What ended may tell about another state than the present one.
    epoch: u64,
    n_failures: u64,
    first_failure: Option<Duration>,
    last_error: String,
}

enum State {
    /// All pass.
    Closed,
    /// One goes ahead now and then.
    Open { since: Duration, ahead_at: Duration, pause: Duration, is_one_ahead: bool },
    /// The server is back; more and more pass.
    Reopening { room: usize, n_running: usize },
}

/// What becomes of a call in front of the server.
pub(super) enum Pass {
    Through(Ticket),
    /// The server has been dead for too long.
    Refused(LlmError),
}

#[derive(Clone, Copy)]
pub(super) struct Ticket {
    epoch: u64,
    /// Whether it finds out if the server is back.
    pub(super) is_ahead: bool,
}

/// What has become of the circuit, for whoever wants to be told.
#[derive(Clone, Copy)]
pub(super) enum Change {
    Opened { failures: u64, pause: Duration },
    StaysOpen { pause: Duration },
    HalfOpen,
    Closed,
}

/// What the end of a call tells about the server.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    OfLife,
    OfDeath,
    /// Nothing was sent, or the call was dropped.
    None,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Opened { failures, pause } => {
                write!(f, "opened after {failures} faults in a row, next probe in {}", in_words(*pause))
            }
            Self::StaysOpen { pause } => write!(f, "stays open, next probe in {}", in_words(*pause)),
            Self::HalfOpen => f.write_str("half-open, a few calls follow"),
            Self::Closed => f.write_str("closed, all calls pass"),
        }
    }
}

impl Sign {
    pub(super) fn of(result: &Result<Completion, LlmError>) -> Self {
        match result {
            Err(error) if error.kind() == LlmErrorKind::Transient => Self::OfDeath,
            Err(error) if error.was_not_sent() => Self::None,
            Err(error) if has_no_answer(error.kind()) => Self::None,
            // Who refuses is alive.
            _ => Self::OfLife,
        }
    }
}

impl Circuit {
    pub(super) fn new(policy: BreakerPolicy) -> Self {
        let state = State::Closed;
        Self { policy, state, epoch: 0, n_failures: 0, first_failure: None, last_error: String::new() }
    }

    /// Calls at a time, unless all pass.
    pub(super) fn room(&self) -> Option<u64> {
        match self.state {
            State::Closed => None,
            State::Open { .. } => Some(1),
            State::Reopening { room, .. } => Some(room as u64),
        }
    }

    pub(super) fn is_open(&self) -> bool {
        matches!(self.state, State::Open { .. })
    }

    /// The error to end with, once patience is used up.
    pub(super) fn verdict(&self, now: Duration) -> Option<LlmError> {
        let State::Open { since, .. } = self.state else { return None };
        (now >= since.saturating_add(self.policy.patience)).then(|| {
            let silence = in_words(now.saturating_sub(self.first_failure.unwrap_or(since)));
            let message = format!(
                "the server has answered nothing for {silence} ({} calls failed, the last one with: {}); see whether it \
                 runs and can be reached, then start the run again",
                self.n_failures, self.last_error
            );
            LlmError::new(LlmErrorKind::Unavailable, message)
        })
    }

    /// Takes in what the end of a call tells; what changes by that.
    pub(super) fn end(
        &mut self,
        ticket: Ticket,
        sign: Sign,
        error: Option<&LlmError>,
        now: Duration,
    ) -> Option<Change> {
        let is_of_now = ticket.epoch == self.epoch;
        if let State::Reopening { n_running, .. } = &mut self.state
            && is_of_now
        {
            *n_running = n_running.saturating_sub(1);
        }
        match sign {
            Sign::OfLife => self.live(is_of_now),
            Sign::OfDeath if is_of_now => {
                self.n_failures += 1;
                self.first_failure.get_or_insert(now);
                self.last_error = error.map(ToString::to_string).unwrap_or_default();
                self.fail(now, ticket.is_ahead)
            }
            Sign::None if is_of_now && ticket.is_ahead => {
                self.nobody_is_ahead(now);
                None
            }
            // What began before the server was found dead tells nothing new.
            Sign::OfDeath | Sign::None => None,
        }
    }

    fn live(&mut self, is_of_now: bool) -> Option<Change> {
        (self.n_failures, self.first_failure) = (0, None);
        match &mut self.state {
            State::Closed => None,
            State::Open { .. } => {
                self.become_state(State::Reopening { room: FIRST_ROOM, n_running: 0 });
                Some(Change::HalfOpen)
            }
            State::Reopening { room, .. } if is_of_now => {
                *room += 1;
                if *room < ROOM_FOR_ALL {
                    return None;
                }
                self.become_state(State::Closed);
                Some(Change::Closed)
            }
            State::Reopening { .. } => None,
        }
    }

    fn fail(&mut self, now: Duration, is_ahead: bool) -> Option<Change> {
        if let State::Open { ahead_at, pause, is_one_ahead, .. } = &mut self.state {
            if !is_ahead {
                return None;
            }
            *pause = pause.saturating_mul(2).min(self.policy.last_pause);
            *ahead_at = now.saturating_add(*pause);
            *is_one_ahead = false;
            return Some(Change::StaysOpen { pause: *pause });
        }
        if let State::Reopening { room, .. } = &mut self.state {
            *room = (*room / 2).max(1);
        }
        if self.n_failures < u64::from(self.policy.failures) {
            return None;
        }
        let pause = self.policy.first_pause;
        let ahead_at = now.saturating_add(pause);
        self.become_state(State::Open { since: now, ahead_at, pause, is_one_ahead: false });
        Some(Change::Opened { failures: self.n_failures, pause })
    }

    fn nobody_is_ahead(&mut self, now: Duration) {
        if let State::Open { ahead_at, is_one_ahead, .. } = &mut self.state {
            (*ahead_at, *is_one_ahead) = (now, false);
        }
    }

    fn become_state(&mut self, state: State) {
        self.state = state;
        self.epoch += 1;
    }
}

impl Rule for Circuit {
    type Ask = ();
    type Pass = Pass;

    fn admit(&mut self, (): &(), now: Duration) -> Admission<Pass> {
        let verdict = self.verdict(now);
        let epoch = self.epoch;
        let through = |is_ahead| Admission::Now(Pass::Through(Ticket { epoch, is_ahead }));
        match &mut self.state {
            State::Closed => through(false),
            State::Reopening { room, n_running } if *n_running < *room => {
                *n_running += 1;
                through(false)
            }
            State::Reopening { .. } => Admission::Later,
            State::Open { since, ahead_at, is_one_ahead, .. } => {
                // Even then one call now and then finds out whether the server is back.
                if !*is_one_ahead && now >= *ahead_at {
                    *is_one_ahead = true;
                    return through(true);
                }
                let end = since.saturating_add(self.policy.patience);
                match verdict {
                    Some(error) => Admission::Now(Pass::Refused(error.with_nothing_sent())),
                    None if *is_one_ahead => Admission::At(end),
                    None => Admission::At(end.min(*ahead_at)),
                }
            }
        }
    }

    fn take_back(&mut self, pass: Pass, now: Duration) {
        if let Pass::Through(ticket) = pass {
            self.end(ticket, Sign::None, None, now);
        }
    }
}

/// Whether an error of that kind says nothing about the server.
fn has_no_answer(kind: LlmErrorKind) -> bool {
    use LlmErrorKind::{Budget, Interrupted, Storage, Unavailable};
    matches!(kind, Budget | Interrupted | Storage | Unavailable)
}
