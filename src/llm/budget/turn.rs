//! Waiting for what a request may take, holding it, and giving it back.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::account::Account;
use super::spending::{Charge, Known};
use crate::llm::LlmError;

/// A call that waits for its bound to fit. Dropping it gives its place up.
#[derive(Debug)]
#[must_use]
pub(super) struct Turn<'a> {
    account: &'a Arc<Account>,
    bound: Charge,
    ticket: Option<u64>,
}

impl<'a> Turn<'a> {
    pub(super) fn new(account: &'a Arc<Account>, bound: Charge) -> Self {
        Self { account, bound, ticket: None }
    }
}

impl Future for Turn<'_> {
    type Output = Result<Reservation, LlmError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let account = self.account;
        let mut state = account.lock();
        let verdict = match account.refusal(&state, &self.bound) {
            Some(error) => Err(error),
            None if state.is_next(self.ticket) && account.fits_now(&state, &self.bound) => state.reserve(self.bound),
            None => {
                state.wait(&mut self.ticket, context.waker());
                return Poll::Pending;
            }
        };
        state.leave(self.ticket.take());
        let next = state.next_waker();
        drop(state);
        if let Some(waker) = next {
            waker.wake();
        }
        Poll::Ready(verdict.map(|request| Reservation {
            account: account.clone(),
            request,
            bound: self.bound,
            is_settled: false,
        }))
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if self.ticket.is_some() {
            let mut state = self.account.lock();
            state.leave(self.ticket.take());
            let next = state.next_waker();
            drop(state);
            if let Some(waker) = next {
                waker.wake();
            }
        }
    }
}

/// A bound that is held until it is known what the request took. Dropping it takes it at its bound.
#[derive(Debug)]
pub(super) struct Reservation {
    account: Arc<Account>,
    request: u64,
    bound: Charge,
    is_settled: bool,
}

impl Reservation {
    pub(super) fn bound(&self) -> &Charge {
        &self.bound
    }

    pub(super) fn settle(mut self, charge: &Charge, known: Known) {
        self.settle_once(charge, known);
    }

    fn settle_once(&mut self, charge: &Charge, known: Known) {
        self.is_settled = true;
        let mut state = self.account.lock();
        state.settle(self.request, &self.bound, charge, known);
        let next = state.next_waker();
        drop(state);
        if let Some(waker) = next {
            waker.wake();
        }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if !self.is_settled {
            let bound = self.bound;
            self.settle_once(&bound, Known::Bound);
        }
    }
}
