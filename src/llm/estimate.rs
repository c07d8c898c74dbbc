//! What requests would take and cost, before any of them is sent.

use std::fmt;

use serde::Serialize;

use crate::llm::budget::Requests;
use crate::llm::{Money, Prices, Usage};

/// Sums over requests that could be sent.
///
/// How many tokens a request has is for the caller to say: a count or an upper bound of its prompt
/// ([`CompletionRequest::max_input_tokens`](crate::CompletionRequest::max_input_tokens)), and `max_tokens` or what replies
/// usually have. The sums are of that kind: bounds of bounds, guesses of guesses. Follow-ups and further attempts come on
/// top.
///
/// # Example
/// ```
/// use svitgen::llm::{Estimate, Prices, Usage};
/// let prices = Prices::built_in();
/// let mut estimate = Estimate::default();
/// for input_tokens in [1_400, 1_600] {
///     estimate.add(Some("gpt-4o-mini"), Usage { input_tokens, output_tokens: 800 }, &prices);
/// }
/// assert_eq!(estimate.to_string(), "2 requests, 3000 tokens in, 1600 out, $0.0015; as a batch $0.0008");
/// assert_eq!(estimate.cost, "0.00141".parse()?);
/// # Ok::<(), svitgen::llm::MoneyError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Estimate {
    /// Requests.
    pub requests: u64,
    /// Tokens of their prompts.
    pub input_tokens: u64,
    /// Tokens of their replies.
    pub output_tokens: u64,
    /// What those with a price cost if they are sent one by one.
    pub cost: Money,
    /// What they cost if they are sent through a Batch API.
    pub batch_cost: Money,
    /// Those among the requests whose model has no price.
    pub unpriced: u64,
}

impl Estimate {
    /// Adds a request to `model` that has `usage` tokens.
    pub fn add(&mut self, model: Option<&str>, usage: Usage, prices: &Prices) {
        self.requests += 1;
        self.input_tokens = self.input_tokens.saturating_add(usage.input_tokens);
        self.output_tokens = self.output_tokens.saturating_add(usage.output_tokens);
        let Some(price) = prices.price(model.unwrap_or_default()) else {
            self.unpriced += 1;
            return;
        };
        self.cost = self.cost.saturating_add(price.cost(usage));
        self.batch_cost = self.batch_cost.saturating_add(price.batch().cost(usage));
    }
}

impl fmt::Display for Estimate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {} tokens in, {} out", Requests(self.requests), self.input_tokens, self.output_tokens)?;
        if self.requests > self.unpriced {
            write!(f, ", {:.4}", self.cost)?;
        }
        if self.batch_cost < self.cost {
            write!(f, "; as a batch {:.4}", self.batch_cost)?;
        }
        if self.unpriced > 0 { write!(f, ", {} without a price", self.unpriced) } else { Ok(()) }
    }
}
