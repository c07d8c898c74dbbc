//! A queue in front of a rule: calls pass one by one, in the order in which they came, when the rule lets them.

use std::collections::{HashMap, VecDeque};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;

use crate::llm::Timer;
use crate::lock::lock;

/// Who may pass, and when. It is asked for the first in the queue only.
pub(super) trait Rule {
    /// What a call needs.
    type Ask;
    /// What a call has that was let through.
    type Pass;

    /// Lets the first in the queue through, or says when to ask again.
    fn admit(&mut self, ask: &Self::Ask, now: Duration) -> Admission<Self::Pass>;

    /// Takes back what was given to a call that was dropped before it could use it.
    fn take_back(&mut self, pass: Self::Pass, now: Duration);
}

pub(super) enum Admission<P> {
    Now(P),
    /// Not before this moment, unless the rule changes.
    At(Duration),
    /// Not before the rule changes.
    Later,
}

/// First come, first served. Whoever is dropped while waiting leaves the queue, and the next is woken.
pub(super) struct Queue<R: Rule> {
    timer: Arc<dyn Timer>,
    state: Mutex<State<R>>,
}

struct State<R: Rule> {
    rule: R,
    /// Tickets ascend.
    waiting: VecDeque<Waiter<R::Ask>>,
    /// What was given to those who have not been polled since.
    granted: HashMap<u64, R::Pass>,
    next_ticket: u64,
}

struct Waiter<A> {
    ticket: u64,
    ask: A,
    waker: Waker,
    /// The moment for which it has set its alarm.
    alarm: Option<Duration>,
}

impl<R: Rule> Queue<R> {
    pub(super) fn new(rule: R, timer: Arc<dyn Timer>) -> Self {
        let state = State { rule, waiting: VecDeque::new(), granted: HashMap::new(), next_ticket: 0 };
        Self { timer, state: Mutex::new(state) }
    }

    /// Waits for its turn.
    pub(super) fn enter(&self, ask: R::Ask) -> Enter<'_, R> {
        Enter { queue: self, ask: Some(ask), ticket: None, alarm: None }
    }

    /// Changes the rule, and lets through who may pass now.
    pub(super) fn update<T>(&self, change: impl FnOnce(&mut R, Duration) -> T) -> T {
        let now = self.timer.now();
        let mut state = lock(&self.state);
        let output = change(&mut state.rule, now);
        let woken = state.admit_first(now, None).woken;
        drop(state);
        woken.into_iter().for_each(Waker::wake);
        output
    }

    /// Looks at the rule.
    pub(super) fn look<T>(&self, look: impl FnOnce(&R) -> T) -> T {
        look(&lock(&self.state).rule)
    }

    pub(super) fn n_waiting(&self) -> u64 {
        lock(&self.state).waiting.len() as u64
    }
}

/// What came of asking the rule.
struct Answer {
    woken: Vec<Waker>,
    /// When the first in the queue has to ask again by itself.
    ask_again: Option<Duration>,
}

impl<R: Rule> State<R> {
    /// Lets through from the front as many as may pass. `asking` is the ticket of the call that is at it, if it is one.
    fn admit_first(&mut self, now: Duration, asking: Option<u64>) -> Answer {
        let mut woken = Vec::new();
        while let Some(first) = self.waiting.front_mut() {
            let ask_again = match self.rule.admit(&first.ask, now) {
                Admission::Now(pass) => {
                    if let Some(first) = self.waiting.pop_front() {
                        self.granted.insert(first.ticket, pass);
                        if Some(first.ticket) != asking {
                            woken.push(first.waker);
                        }
                    }
                    continue;
                }
                Admission::At(moment) => Some(moment),
                Admission::Later => None,
            };
            if Some(first.ticket) == asking {
                first.alarm = ask_again;
            } else if ask_again.is_some_and(|moment| first.alarm.is_none_or(|alarm| moment < alarm)) {
                // Its own task has to set the alarm.
                woken.push(first.waker.clone());
            }
            return Answer { woken, ask_again };
        }
        Answer { woken, ask_again: None }
    }

    fn position(&self, ticket: u64) -> Option<usize> {
        self.waiting.binary_search_by_key(&ticket, |waiter| waiter.ticket).ok()
    }
}

/// A call that waits for its turn.
pub(super) struct Enter<'a, R: Rule> {
    queue: &'a Queue<R>,
    ask: Option<R::Ask>,
    ticket: Option<u64>,
    alarm: Option<(Duration, BoxFuture<'static, ()>)>,
}

// Nothing in it is ever pinned.
impl<R: Rule> Unpin for Enter<'_, R> {}

impl<R: Rule> Future for Enter<'_, R> {
    type Output = R::Pass;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<R::Pass> {
        loop {
            let moment = match self.step(context) {
                Step::Passed(pass) => {
                    self.ticket = None;
                    return Poll::Ready(pass);
                }
                Step::Waits => {
                    self.alarm = None;
                    return Poll::Pending;
                }
                Step::WaitsUntil(moment) => moment,
            };
            if self.alarm.as_ref().is_none_or(|(set_for, _)| *set_for != moment) {
                self.alarm = Some((moment, self.queue.timer.sleep_until(moment)));
            }
            if let Some((_, sleep)) = &mut self.alarm
                && sleep.poll_unpin(context).is_pending()
            {
                return Poll::Pending;
            }
            self.alarm = None;
        }
    }
}

enum Step<P> {
    Passed(P),
    Waits,
    WaitsUntil(Duration),
}

impl<R: Rule> Enter<'_, R> {
    fn step(&mut self, context: &Context<'_>) -> Step<R::Pass> {
        let queue = self.queue;
        let now = queue.timer.now();
        let mut state = lock(&queue.state);
        let ticket = match self.arrive(&mut state, now, context) {
            Ok(ticket) => ticket,
            Err(pass) => return Step::Passed(pass),
        };
        if let Some(pass) = state.granted.remove(&ticket) {
            return Step::Passed(pass);
        }
        if let Some(waiter) = state.position(ticket).and_then(|position| state.waiting.get_mut(position)) {
            waiter.waker.clone_from(context.waker());
        }
        if state.waiting.front().is_none_or(|first| first.ticket != ticket) {
            return Step::Waits;
        }
        let answer = state.admit_first(now, Some(ticket));
        let pass = state.granted.remove(&ticket);
        drop(state);
        answer.woken.into_iter().for_each(Waker::wake);
        match (pass, answer.ask_again) {
            (Some(pass), _) => Step::Passed(pass),
            (None, Some(moment)) => Step::WaitsUntil(moment),
            (None, None) => Step::Waits,
        }
    }

    /// The ticket of this call; or, if nobody waits and the rule lets it, its pass.
    fn arrive(&mut self, state: &mut State<R>, now: Duration, context: &Context<'_>) -> Result<u64, R::Pass> {
        if let Some(ask) = self.ask.take() {
            if state.waiting.is_empty()
                && let Admission::Now(pass) = state.rule.admit(&ask, now)
            {
                return Err(pass);
            }
            self.ticket = Some(state.next_ticket);
            let waker = context.waker().clone();
            state.waiting.push_back(Waiter { ticket: state.next_ticket, ask, waker, alarm: None });
            state.next_ticket += 1;
        }
        Ok(self.ticket.unwrap_or(u64::MAX))
    }
}

impl<R: Rule> Drop for Enter<'_, R> {
    fn drop(&mut self) {
        let Some(ticket) = self.ticket else { return };
        let now = self.queue.timer.now();
        let mut state = lock(&self.queue.state);
        if let Some(pass) = state.granted.remove(&ticket) {
            state.rule.take_back(pass, now);
        } else if let Some(position) = state.position(ticket) {
            state.waiting.remove(position);
        }
        let woken = state.admit_first(now, None).woken;
        drop(state);
        woken.into_iter().for_each(Waker::wake);
    }
}
