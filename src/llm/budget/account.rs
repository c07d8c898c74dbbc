//! What may be spent, and what is.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};

use super::spending::{Charge, Requests, Spending, Totals};
use super::state::State;
use super::store::Store;
use super::turn::Turn;
use crate::error::Result;
use crate::llm::{CompletionRequest, LlmError, LlmErrorKind, Money, Prices, Usage};
use crate::lock::lock;

/// What may be spent and what has been, for one [`Budget`](crate::llm::Budget) or for several that share it.
///
/// Budgets of one account stand side by side, never one inside the other: each charges what goes through it.
/// What goes in batches is charged too, if `BatchOptions::with_account` (feature `openai`) names the account.
/// Without a cap it only counts. With a file it outlives the process, and a run that is started again goes on with what is
/// left.
#[derive(Debug)]
pub struct Account {
    prices: Prices,
    max_cost: Option<Money>,
    max_total_tokens: Option<u64>,
    state: Mutex<State>,
}

impl Account {
    /// An account without caps and with the [built-in](Prices::built_in) prices.
    pub fn new() -> Self {
        Self { prices: Prices::built_in(), max_cost: None, max_total_tokens: None, state: Mutex::default() }
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
    /// forgotten: a request of which the file says no more counts at its upper bound. When the power is cut, the requests of
    /// the last tens of milliseconds may be forgotten: a thread syncs the file as often as that.
    ///
    /// # Errors
    /// A file that cannot be read or written, that is no account or is damaged other than at its end, or that another
    /// account has open, in this process or in another.
    pub fn with_file(self, path: impl AsRef<Path>) -> Result<Self> {
        let (file, kept) = Store::open(path.as_ref())?;
        let mut state = self.lock();
        (state.spent, state.batches) = (kept.spent, kept.batches);
        state.file = Some(file);
        drop(state);
        Ok(self)
    }

    /// What has been spent so far.
    pub fn spending(&self) -> Spending {
        let state = self.lock();
        let batches = state.in_batches();
        Spending {
            in_flight: state.in_flight,
            in_batches: batches.requests,
            reserved_tokens: state.reserved_tokens.saturating_add(batches.tokens()),
            reserved_cost: state.reserved_cost.saturating_add(batches.cost),
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
        Turn::new(self, bound)
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // A panic of one task must not stop the account of the others.
        lock(&self.state)
    }

    /// Whether `tokens` or `cost` is more than a cap.
    fn is_beyond(&self, tokens: u64, cost: Money) -> bool {
        self.max_total_tokens.is_some_and(|cap| tokens > cap) || self.max_cost.is_some_and(|cap| cost > cap)
    }

    /// Why the account will never let `bound` through, if so: what is spent stays spent, and what is in a batch stays so
    /// for longer than anybody waits.
    pub(super) fn refusal(&self, state: &State, bound: &Charge) -> Option<LlmError> {
        let mut taken = state.spent;
        if self.max_cost.is_some() && taken.unpriced > 0 {
            return Some(unpriced_past(taken.unpriced));
        }
        let batches = state.in_batches();
        taken.add_all(&batches);
        let is_beyond =
            self.is_beyond(taken.tokens().saturating_add(bound.tokens()), taken.cost.saturating_add(bound.cost()));
        is_beyond.then(|| self.used_up(&taken, batches.requests, bound))
    }

    pub(super) fn fits_now(&self, state: &State, bound: &Charge) -> bool {
        let batches = state.in_batches();
        let tokens = [state.reserved_tokens, batches.tokens(), bound.tokens()];
        let costs = [state.reserved_cost, batches.cost, bound.cost()];
        let tokens = tokens.into_iter().fold(state.spent.tokens(), u64::saturating_add);
        !self.is_beyond(tokens, costs.into_iter().fold(state.spent.cost, Money::saturating_add))
    }

    #[cfg(feature = "openai")]
    pub(super) fn prices(&self) -> &Prices {
        &self.prices
    }

    fn used_up(&self, spent: &Totals, in_batches: u64, bound: &Charge) -> LlmError {
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
        if in_batches > 0 {
            let batches = Requests(in_batches);
            caps.push(format!(
                "that counts {batches} in open batches at the most they can take, until they are collected"
            ));
        }
        let caps = caps.join("; ");
        let message = format!("the next request could pass the cap: {caps}; raise the cap and start again to go on");
        LlmError::new(LlmErrorKind::Budget, message)
    }
}

impl Default for Account {
    fn default() -> Self {
        Self::new()
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
        "{} of this account went to models without a price, so that nobody knows what is left of the cap on the cost; take \
         an account of its own, or cap the tokens instead",
        Requests(n_requests)
    );
    LlmError::new(LlmErrorKind::Budget, message)
}

#[cfg(test)]
impl Account {
    pub(super) fn make_file_unwritable(&self) {
        self.lock().file.iter_mut().for_each(Store::make_unwritable);
    }
}
