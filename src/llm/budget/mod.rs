//! A cap on what is spent that cannot be passed, and an account of it.
//!
//! What a request can take at most is reserved before it is sent, and what it took is charged afterwards. [`Budget`] is
//! the wrapper, [`Account`] the sums and caps behind it, [`Spending`] what they say.

mod account;
#[cfg(feature = "openai")]
mod batch;
mod bound;
mod spending;
mod state;
mod store;
mod turn;

use std::sync::Arc;

use async_trait::async_trait;

pub use account::Account;
pub use spending::Spending;

pub(super) use spending::Requests;
#[cfg_attr(not(feature = "openai"), allow(unused_imports, reason = "only batches are charged from elsewhere"))]
pub(crate) use spending::{Charge, Totals};

use crate::llm::budget::spending::Known;
use crate::llm::budget::turn::Reservation;
use crate::llm::{Activity, Completion, CompletionRequest, LlmClient, LlmError, LlmErrorKind, StopSignal, Usage};

/// A client that charges an [`Account`], and sends nothing that could carry it beyond a cap.
///
/// # Contract
/// - The upper bound of a request is reserved before it is sent: [`CompletionRequest::max_input_tokens`] and
///   `max_tokens`. If that does not fit beside what is spent and reserved, the call waits until others have left enough,
///   first come first served; if it can never fit, it fails with [`LlmErrorKind::Budget`], which stops a run.
/// - An answer is charged by its usage; if it tells none, at its bound. So is a request without an answer, because it may
///   have been billed: a timeout, a cut, an answer that cannot be understood, a prompt that was refused, and a call that
///   was given up (whose future was dropped). A prompt that is too long is charged without a reply. Nothing is charged if
///   nothing was processed: rate limits, credentials, invalid requests, and errors that say
///   [`was_not_sent`](LlmError::was_not_sent).
/// - With 256 requests in flight or one, the sums stay within the caps, as long as the server holds to `max_tokens`;
///   where it does not, [`Spending::beyond_bound`] counts it.
///
/// One call is one attempt at one model, so put it next to the client, inside of what retries or falls back:
/// `Retry` around `Budget` around the client, [`Fallback`](crate::llm::Fallback) around two of them.
///
/// # Example
/// ```
/// use futures::executor::block_on;
/// use svitgen::llm::{Account, Budget, MockLlm};
/// use svitgen::{CompletionRequest, LlmClient, LlmErrorKind, Message, MessageRole, Parameters};
/// let account = Account::new().with_max_cost("0.001".parse()?); // .with_file("run/budget.jsonl")? to go on later
/// let client = Budget::new(MockLlm::function(|_| "A dog."), account);
/// let parameters = Parameters::default().with_model("gpt-4o-mini").with_max_tokens(1_000);
/// let question = Message::new(MessageRole::User, "What is it?");
/// let request = CompletionRequest::new(vec![question]).with_parameters(parameters);
/// block_on(client.complete(&request))?;
/// let error = block_on(client.complete(&request)).err().ok_or("it fits")?;
/// assert_eq!(error.kind(), LlmErrorKind::Budget);
/// let spent = "1 request, 155 tokens in, 1000 out, $0.0007 of $0.001, 1 counted at their upper bound";
/// assert_eq!(client.spending().to_string(), spent);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Budget<C> {
    inner: C,
    account: Arc<Account>,
    stop: StopSignal,
}

impl<C: LlmClient> Budget<C> {
    /// Charges `account`, which clients share by sharing an [`Arc`] of it.
    pub fn new(inner: C, account: impl Into<Arc<Account>>) -> Self {
        Self { inner, account: account.into(), stop: StopSignal::new() }
    }

    /// Gives up whatever waits for room in the account as soon as the signal is set.
    #[must_use]
    pub fn with_stop_signal(mut self, stop: StopSignal) -> Self {
        self.stop = stop;
        self
    }

    /// What the account has been charged so far.
    pub fn spending(&self) -> Spending {
        self.account.spending()
    }

    fn settle(&self, reservation: Reservation, request: &CompletionRequest, result: &Result<Completion, LlmError>) {
        let bound = *reservation.bound();
        let (usage, known) = match result {
            Ok(completion) => used(completion, &bound, request.parameters.max_tokens.is_some()),
            Err(error) => lost(error, &bound),
        };
        reservation.settle(&self.account.charge(request.parameters.model.as_deref(), usage), known);
    }
}

/// What an answer took.
fn used(completion: &Completion, bound: &Charge, is_reply_bounded: bool) -> (Usage, Known) {
    let Some(mut usage) = completion.usage else { return (bound.usage(), Known::Bound) };
    let mut known = Known::Told;
    // A prompt has tokens, and so has a text: a zero is a server's word for "not counted".
    if usage.input_tokens == 0 {
        (usage.input_tokens, known) = (bound.input_tokens, Known::Bound);
    }
    if usage.output_tokens == 0 && !completion.text.is_empty() {
        (usage.output_tokens, known) = (bound.output_tokens, Known::Bound);
    }
    let is_reply_beyond = is_reply_bounded && usage.output_tokens > bound.output_tokens;
    let is_beyond = is_reply_beyond || usage.input_tokens > bound.input_tokens;
    (usage, if is_beyond { Known::Beyond } else { known })
}

/// What a request without an answer may have taken.
fn lost(error: &LlmError, bound: &Charge) -> (Usage, Known) {
    if error.was_not_sent() {
        return (Usage::default(), Known::Nothing);
    }
    match error.kind() {
        LlmErrorKind::RateLimited
        | LlmErrorKind::Quota
        | LlmErrorKind::Credentials
        | LlmErrorKind::UnknownModel
        | LlmErrorKind::InvalidRequest
        | LlmErrorKind::Budget
        | LlmErrorKind::Interrupted => (Usage::default(), Known::Nothing),
        LlmErrorKind::TooLong => (Usage { output_tokens: 0, ..bound.usage() }, Known::Bound),
        // Whatever does not surely cost nothing may have cost all it could.
        _ => (bound.usage(), Known::Bound),
    }
}

#[async_trait]
impl<C: LlmClient> LlmClient for Budget<C> {
    async fn complete(&self, request: &CompletionRequest) -> Result<Completion, LlmError> {
        let bound = self.account.bound(request)?;
        let reservation = self.stop.unless_set(self.account.reserve(bound)).await??;
        let result = self.inner.complete(request).await;
        self.settle(reservation, request, &result);
        result
    }

    fn name(&self) -> &str {
        self.inner.name()
    }

    fn activity(&self) -> Activity {
        let mut activity = self.inner.activity();
        let spending = self.account.spending();
        activity.waiting += spending.waiting;
        activity.spending = Some(activity.spending.map_or(spending, |inner| inner.and(spending)));
        activity
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use futures::executor::block_on;

    use super::*;
    use crate::llm::MockLlm;

    #[test]
    fn nothing_is_sent_that_the_file_does_not_have() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("budget.jsonl");
        let account = Arc::new(Account::new().with_file(&path).unwrap());
        let mock = MockLlm::function(|_| "A dog.");
        let budget = Budget::new(mock.clone(), account.clone());
        let request = CompletionRequest::new(Vec::new());
        assert!(block_on(budget.complete(&request)).is_ok());
        let written = std::fs::read(&path).unwrap();
        account.make_file_unwritable();
        for _ in 0..2 {
            let error = block_on(budget.complete(&request)).unwrap_err();
            assert_eq!(error.kind(), LlmErrorKind::Storage);
            assert!(error.message().ends_with("budget.jsonl") && std::error::Error::source(&error).is_some());
        }
        let spending = account.spending();
        assert_eq!((mock.requests().len(), spending.requests, spending.in_flight), (1, 1, 0));
        assert_eq!(std::fs::read(&path).unwrap(), written);
    }
}
