//! What may be spent, what is, and who is next.

use std::collections::VecDeque;
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use super::spending::{Charge, Known, Spending, Totals};
use super::store::Store;
use crate::error::Result;
use crate::llm::{CompletionRequest, LlmError, LlmErrorKind, Money, Prices, Usage};

/// What may be spent and what has been, for one [`Budget`](crate::llm::Budget) or for several that share it.
///
/// Without a cap it only counts. With a file it outlives the process, and a run that is started again goes on with what is
/// left.
#[derive(Debug, Default)]
pub struct Account {
    prices: Prices,
    max_cost: Option<Money>,
    max_total_tokens: Option<u64>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    spent: Totals,
    in_flight: u64,
    reserved_tokens: u64,
    reserved_cost: Money,
    file: Option<Store>,
    next_request: u64,
    /// Calls whose bound does not fit at present, the first one first.
    queue: VecDeque<Waiter>,
    next_ticket: u64,
}

#[derive(Debug)]
struct Waiter {
    ticket: u64,
    waker: Waker,
}

impl Account {
    /// An account without caps and with the [built-in](Prices::built_in) prices.
    pub fn new() -> Self {
        Self { prices: Prices::built_in(), ..Self::default() }
    }

    /// Sets the prices.
    #[must_use]
    pub fn with_prices(mut self, prices: Prices) -> Self {
        self.prices = prices;
        self
    }

    /// Sets a cap on the cost. Every request must then name a model that has a price, and `max_tokens`.
    #[must_use]
    pub fn with_max_cost(mut self, cap: Money) -> Self {
        self.max_cost = Some(cap);
        self
    }

    /// Sets a cap on the tokens of prompts and replies together. Every request must then set `max_tokens`.
    #[must_use]
    pub fn with_max_total_tokens(mut self, cap: u64) -> Self {
        self.max_total_tokens = Some(cap);
        self
    }

    /// Goes on with what the file says was spent, and keeps it up to date; makes the file and its folder if there
    /// is none.
    ///
    /// Before a request is sent, its upper bound is in the file. So when the process is killed, nothing that was sent is
    /// forgotten: a request of which the file says no more counts at its upper bound. When the power is cut, up to 512
    /// requests may be forgotten, because the file is synced once in 1024 lines (two for each request), when the account is
    /// dropped, and by [`sync`](Self::sync).
    ///
    /// # Errors
    /// A file that cannot be read or written, that is no account or is damaged other than at its end, or that another
    /// account has open, in this process or in another.
    pub fn with_file(self, path: impl AsRef<Path>) -> Result<Self> {
        let (file, spent) = Store::open(path.as_ref())?;
        let mut state = self.lock();
        state.spent = spent;
        state.file = Some(file);
        drop(state);
        Ok(self)
    }

    /// What has been spent so far.
    pub fn spending(&self) -> Spending {
        let state = self.lock();
        Spending {
            in_flight: state.in_flight,
            reserved_tokens: state.reserved_tokens,
            reserved_cost: state.reserved_cost,
            waiting: state.queue.len() as u64,
            max_cost: self.max_cost,
            max_total_tokens: self.max_total_tokens,
            account: std::ptr::from_ref(self).addr(),
            ..state.spent.into()
        }
    }

    /// Makes what the file says outlive a power cut.
    ///
    /// # Errors
    /// A file that cannot be synced.
    pub fn sync(&self) -> Result<()> {
        self.lock().file.as_mut().map_or(Ok(()), Store::sync)
    }

    /// The most that a request can take.
    ///
    /// # Errors
    /// [`LlmErrorKind::Budget`] if there is a cap and no such bound.
    pub(super) fn bound(&self, request: &CompletionRequest) -> Result<Charge, LlmError> {
        let parameters = &request.parameters;
        let price = self.prices.price(parameters.model.as_deref().unwrap_or_default());
        if self.max_cost.is_some() && price.is_none() {
            return Err(without_price(parameters.model.as_deref()));
        }
        let is_capped = self.max_cost.is_some() && price.is_some_and(|price| price.charges_replies());
        if parameters.max_tokens.is_none() && (is_capped || self.max_total_tokens.is_some()) {
            let message = "a request without max_tokens can take any number of tokens, and there is a cap; set max_tokens \
                           (`Parameters::with_max_tokens`)";
            return Err(LlmError::new(LlmErrorKind::Budget, message));
        }
        let output_tokens = parameters.max_tokens.unwrap_or_default().into();
        let usage = Usage { input_tokens: request.max_input_tokens(), output_tokens };
        Ok(self.charge(parameters.model.as_deref(), usage))
    }

    /// What these tokens are charged.
    pub(super) fn charge(&self, model: Option<&str>, usage: Usage) -> Charge {
        let price = self.prices.price(model.unwrap_or_default());
        let cost = price.map(|price| price.cost(usage));
        Charge { input_tokens: usage.input_tokens, output_tokens: usage.output_tokens, cost }
    }

    /// Waits until `bound` fits beside what is spent and what others may still spend; then it is reserved.
    ///
    /// # Errors
    /// When it ends: [`LlmErrorKind::Budget`] if it will never fit, [`LlmErrorKind::Storage`] if the file cannot be
    /// written.
    pub(super) fn reserve(self: &Arc<Self>, bound: Charge) -> Turn<'_> {
        Turn { account: self, bound, ticket: None }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic of one task must not stop the account of the others.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether `tokens` or `cost` is more than a cap.
    fn is_beyond(&self, tokens: u64, cost: Money) -> bool {
        self.max_total_tokens.is_some_and(|cap| tokens > cap) || self.max_cost.is_some_and(|cap| cost > cap)
    }

    /// Why the account will never let `bound` through, if so: what is spent stays spent.
    fn refusal(&self, state: &State, bound: &Charge) -> Option<LlmError> {
        let spent = &state.spent;
        if self.max_cost.is_some() && spent.unpriced > 0 {
            return Some(unpriced_past(spent.unpriced));
        }
        let is_beyond =
            self.is_beyond(spent.tokens().saturating_add(bound.tokens()), spent.cost.saturating_add(bound.cost()));
        is_beyond.then(|| self.used_up(spent, bound))
    }

    fn fits_now(&self, state: &State, bound: &Charge) -> bool {
        let tokens = state.spent.tokens().saturating_add(state.reserved_tokens).saturating_add(bound.tokens());
        let cost = state.spent.cost.saturating_add(state.reserved_cost).saturating_add(bound.cost());
        !self.is_beyond(tokens, cost)
    }

    fn used_up(&self, spent: &Totals, bound: &Charge) -> LlmError {
        let mut caps = Vec::new();
        if let Some(cap) = self.max_cost {
            let left = cap.saturating_sub(spent.cost);
            caps.push(format!("it may cost {:.6}; {:.6} of {cap} is spent, {left} is left", bound.cost(), spent.cost));
        }
        if let Some(cap) = self.max_total_tokens {
            let (needed, spent) = (bound.tokens(), spent.tokens());
            let left = cap.saturating_sub(spent);
            caps.push(format!("it may take {needed} tokens; {spent} of {cap} are spent, {left} are left"));
        }
        let caps = caps.join("; ");
        let message = format!("the next request could pass the cap: {caps}; raise the cap and start again to go on");
        LlmError::new(LlmErrorKind::Budget, message)
    }
}

fn without_price(model: Option<&str>) -> LlmError {
    let model = model.map_or_else(|| "a request that names no model".to_owned(), |model| format!("model {model}"));
    let message = format!(
        "no price is known for {model}, and there is a cap on the cost; name its price in a file of prices (`*` stands for \
         every model), or cap the tokens instead"
    );
    LlmError::new(LlmErrorKind::Budget, message)
}

fn unpriced_past(n_requests: u64) -> LlmError {
    let message = format!(
        "{n_requests} requests of this account have no price, so that nobody knows what is left of the cap on the cost; \
         take an account of its own, or cap the tokens instead"
    );
    LlmError::new(LlmErrorKind::Budget, message)
}

impl State {
    fn is_next(&self, ticket: Option<u64>) -> bool {
        self.queue.front().map(|waiter| waiter.ticket) == ticket
    }

    /// Puts a call at the end of the queue, or notes how to wake it from now on.
    fn wait(&mut self, ticket: &mut Option<u64>, waker: &Waker) {
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
    fn leave(&mut self, ticket: Option<u64>) {
        if let Some(position) = ticket.and_then(|ticket| self.position(ticket)) {
            self.queue.remove(position);
        }
    }

    /// Whom to wake, once the lock is given up, whenever the sums or the queue have changed: the first one looks, and
    /// the next one is woken when it has left.
    fn next_waker(&self) -> Option<Waker> {
        self.queue.front().map(|waiter| waiter.waker.clone())
    }

    /// Reserves `bound`, in the file first: a request that is not in it is not sent.
    fn reserve(&mut self, bound: Charge) -> Result<u64, LlmError> {
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

    fn settle(&mut self, request: u64, bound: &Charge, charge: &Charge, known: Known) {
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

/// A call that waits for its bound to fit. Dropping it gives its place up.
#[derive(Debug)]
#[must_use]
pub(super) struct Turn<'a> {
    account: &'a Arc<Account>,
    bound: Charge,
    ticket: Option<u64>,
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

#[cfg(test)]
impl Account {
    pub(super) fn make_file_unwritable(&self) {
        self.lock().file.iter_mut().for_each(Store::make_unwritable);
    }
}
