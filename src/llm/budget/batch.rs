//! What batches may take: reserved by name until their results are there, also over restarts.

use super::account::Account;
use super::spending::{Charge, Known, Totals};
use super::state::State;
use super::{lost, used};
use crate::llm::{Completion, CompletionRequest, LlmError, LlmErrorKind};

impl Account {
    /// The most that a request can take in a batch, at the price of batches.
    ///
    /// # Errors
    /// [`LlmErrorKind::Budget`] if there is a cap and no such bound.
    pub(crate) fn bound_in_batch(&self, request: &CompletionRequest) -> Result<Charge, LlmError> {
        let usage = self.bound(request)?.usage();
        Ok(self.charge_in_batch(request.parameters.model.as_deref(), usage))
    }

    /// Why no batch may take `bounds` beside what is spent and reserved, if so.
    pub(crate) fn refusal_of_batch(&self, bounds: &Totals) -> Option<LlmError> {
        self.refusal_now(&self.lock(), bounds)
    }

    fn refusal_now(&self, state: &State, bounds: &Totals) -> Option<LlmError> {
        let bound = bounds.as_charge();
        self.refusal(state, &bound).or_else(|| {
            let is_full = !self.fits_now(state, &bound);
            is_full
                .then(|| LlmError::new(LlmErrorKind::Budget, "calls in flight hold the rest of the cap; wait for them"))
        })
    }

    /// Reserves what the batch of this name can take, on disk before this returns; what is reserved already stays so.
    ///
    /// # Errors
    /// [`LlmErrorKind::Budget`] if it does not fit, [`LlmErrorKind::Storage`] if the file cannot be written.
    pub(crate) fn reserve_batch(&self, name: &str, bounds: Totals) -> Result<(), LlmError> {
        let mut state = self.lock();
        if state.batches.contains_key(name) {
            return Ok(());
        }
        match self.refusal_now(&state, &bounds) {
            Some(error) => Err(error),
            None => state.reserve_batch(name, bounds).map_err(LlmError::storage),
        }
    }

    /// Charges what the batch of this name took in place of what is reserved for it; nothing if nothing is.
    ///
    /// # Errors
    /// [`LlmErrorKind::Storage`] if the file cannot be written.
    pub(crate) fn settle_batch(&self, name: &str, spent: Totals) -> Result<(), LlmError> {
        let mut state = self.lock();
        let settled = state.settle_batch(name, spent);
        let next = state.next_waker();
        drop(state);
        next.into_iter().for_each(std::task::Waker::wake);
        settled.map_err(LlmError::storage)
    }

    /// Adds what became of a request of a batch to what the batch took.
    pub(crate) fn add_result(
        &self,
        spent: &mut Totals,
        model: Option<&str>,
        bound: &Charge,
        result: &Result<Completion, LlmError>,
    ) {
        let (usage, known) = match result {
            Ok(completion) => used(completion, bound, bound.output_tokens > 0),
            Err(error) => lost(error, bound),
        };
        spent.add(&self.charge_in_batch(model, usage), known);
    }

    fn charge_in_batch(&self, model: Option<&str>, usage: crate::llm::Usage) -> Charge {
        let price = self.prices().price(model.unwrap_or_default());
        let cost = price.map(|price| price.batch().cost(usage));
        Charge { input_tokens: usage.input_tokens, output_tokens: usage.output_tokens, cost }
    }
}

impl Totals {
    /// Adds what a request can take at most.
    pub(crate) fn add_bound(&mut self, bound: &Charge) {
        self.add(bound, Known::Bound);
    }

    fn as_charge(&self) -> Charge {
        Charge { input_tokens: self.input_tokens, output_tokens: self.output_tokens, cost: Some(self.cost) }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use futures::executor::block_on;

    use super::*;
    use crate::llm::{Budget, LlmClient, MockLlm, Parameters, Spending};

    fn request() -> CompletionRequest {
        let parameters = Parameters::default().with_model("gpt-4o-mini").with_max_tokens(1_000);
        CompletionRequest::new(Vec::new()).with_parameters(parameters)
    }

    fn bounds(account: &Account, n_requests: usize) -> Totals {
        let mut bounds = Totals::default();
        (0..n_requests).for_each(|_| bounds.add_bound(&account.bound_in_batch(&request()).unwrap()));
        bounds
    }

    #[test]
    fn what_is_reserved_for_a_batch_outlives_the_process_and_costs_half() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("budget.jsonl");
        let account = Account::new().with_file(&path).unwrap();
        let single = account.bound(&request()).unwrap();
        account.reserve_batch("b", bounds(&account, 2)).unwrap();
        drop(account);

        let account = Account::new().with_max_total_tokens(3 * single.tokens() - 1).with_file(&path).unwrap();
        let spending = account.spending();
        assert_eq!((spending.in_batches, spending.requests, spending.reserved_cost), (2, 0, single.cost()));
        assert_eq!(Spending::read(&path).unwrap().reserved_tokens, 2 * single.tokens());
        account.reserve_batch("b", bounds(&account, 2)).unwrap();
        assert_eq!(account.spending(), spending, "it is reserved once");

        // A call that waited for a batch would wait for a day.
        let error = block_on(Budget::new(MockLlm::function(|_| "?"), account).complete(&request())).unwrap_err();
        assert_eq!(error.kind(), LlmErrorKind::Budget);
        assert!(error.message().contains("open batches"), "{error}");
    }

    #[test]
    fn a_batch_is_settled_once_and_what_it_left_is_free() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("budget.jsonl");
        let account = Account::new().with_max_cost("0.001".parse().unwrap()).with_file(&path).unwrap();
        let bound = account.bound_in_batch(&request()).unwrap();
        account.reserve_batch("b", bounds(&account, 3)).unwrap();
        assert!(account.refusal_of_batch(&bounds(&account, 1)).is_some(), "there is no room for a fourth");

        let mut spent = Totals::default();
        let answered = Completion::new("A dog.").with_usage(crate::llm::Usage { input_tokens: 10, output_tokens: 3 });
        account.add_result(&mut spent, Some("gpt-4o-mini"), &bound, &Ok(answered));
        let expired = LlmError::new(LlmErrorKind::Transient, "expired").with_nothing_sent();
        account.add_result(&mut spent, Some("gpt-4o-mini"), &bound, &Err(expired));
        spent.add_bound(&bound);
        account.settle_batch("b", spent).unwrap();
        account.settle_batch("b", spent).unwrap();
        drop(account);

        let spending = Spending::read(&path).unwrap();
        assert_eq!((spending.requests, spending.at_bound, spending.in_batches), (2, 1, 0));
        assert_eq!(spending.output_tokens, 1_003);
        let account = Account::new().with_max_cost("0.001".parse().unwrap()).with_file(&path).unwrap();
        assert!(account.refusal_of_batch(&bounds(&account, 1)).is_none());
    }
}
