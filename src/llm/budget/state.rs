//! The sums of an account, and the queue in front of it.

use std::collections::{BTreeMap, VecDeque};
use std::task::Waker;

use super::spending::{Charge, Known, Totals};
use super::store::Store;
#[cfg(feature = "openai")]
use crate::error::Result;
use crate::llm::{LlmError, Money};

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) spent: Totals,
    pub(super) in_flight: u64,
    pub(super) reserved_tokens: u64,
    pub(super) reserved_cost: Money,
    /// What batches can take at most, by their names.
    pub(super) batches: BTreeMap<String, Totals>,
    pub(super) file: Option<Store>,
    next_request: u64,
    /// Calls whose bound does not fit at present, the first one first.
    pub(super) queue: VecDeque<Waiter>,
    next_ticket: u64,
}

#[derive(Debug)]
pub(super) struct Waiter {
    ticket: u64,
    waker: Waker,
}

impl State {
    pub(super) fn is_next(&self, ticket: Option<u64>) -> bool {
        self.queue.front().map(|waiter| waiter.ticket) == ticket
    }

    /// Puts a call at the end of the queue, or notes how to wake it from now on.
    pub(super) fn wait(&mut self, ticket: &mut Option<u64>, waker: &Waker) {
        let known = ticket.and_then(|ticket| self.position(ticket));
        match known.and_then(|position| self.queue.get_mut(position)) {
            Some(waiter) => waiter.waker.clone_from(waker),
            None => {
                *ticket = Some(self.next_ticket);
                self.queue.push_back(Waiter { ticket: self.next_ticket, waker: waker.clone() });
                self.next_ticket += 1;
            }
        }
    }

    fn position(&self, ticket: u64) -> Option<usize> {
        self.queue.binary_search_by_key(&ticket, |waiter| waiter.ticket).ok()
    }

    /// Takes a call out of the queue.
    pub(super) fn leave(&mut self, ticket: Option<u64>) {
        if let Some(position) = ticket.and_then(|ticket| self.position(ticket)) {
            self.queue.remove(position);
        }
    }

    /// Whom to wake, once the lock is given up, whenever the sums or the queue have changed: the first one looks, and
    /// the next one is woken when it has left.
    pub(super) fn next_waker(&self) -> Option<Waker> {
        self.queue.front().map(|waiter| waiter.waker.clone())
    }

    /// Reserves `bound`, in the file first: a request that is not in it is not sent.
    pub(super) fn reserve(&mut self, bound: Charge) -> Result<u64, LlmError> {
        let request = self.next_request;
        if let Some(file) = &mut self.file {
            file.sent(request, bound).map_err(LlmError::storage)?;
        }
        self.next_request += 1;
        self.in_flight += 1;
        self.reserved_tokens = self.reserved_tokens.saturating_add(bound.tokens());
        self.reserved_cost = self.reserved_cost.saturating_add(bound.cost());
        Ok(request)
    }

    /// What all open batches can take at most.
    pub(super) fn in_batches(&self) -> Totals {
        let mut sum = Totals::default();
        self.batches.values().for_each(|bounds| sum.add_all(bounds));
        sum
    }

    #[cfg(feature = "openai")]
    pub(super) fn reserve_batch(&mut self, name: &str, bounds: Totals) -> Result<()> {
        if let Some(file) = &mut self.file {
            file.batch(name, bounds)?;
        }
        self.batches.insert(name.to_owned(), bounds);
        Ok(())
    }

    #[cfg(feature = "openai")]
    pub(super) fn settle_batch(&mut self, name: &str, spent: Totals) -> Result<()> {
        if !self.batches.contains_key(name) {
            return Ok(());
        }
        if let Some(file) = &mut self.file {
            file.batch_settled(name, spent)?;
        }
        self.batches.remove(name);
        self.spent.add_all(&spent);
        Ok(())
    }

    pub(super) fn settle(&mut self, request: u64, bound: &Charge, charge: &Charge, known: Known) {
        self.in_flight -= 1;
        self.reserved_tokens = self.reserved_tokens.saturating_sub(bound.tokens());
        self.reserved_cost = self.reserved_cost.saturating_sub(bound.cost());
        self.spent.add(charge, known);
        if let Some(file) = &mut self.file {
            // If it cannot be written, the file has the request at its bound, and the next request is not sent.
            let _ = file.settled(request, *charge, known);
        }
    }
}
