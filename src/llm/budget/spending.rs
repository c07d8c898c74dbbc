//! What was spent, in numbers that anybody may look at.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::llm::{Money, Usage};

/// What an [`Account`](crate::llm::Account) has been charged, what may still be charged for requests in flight, and its
/// caps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Spending {
    /// Requests that were charged.
    pub requests: u64,
    /// Tokens of their prompts.
    pub input_tokens: u64,
    /// Tokens of their replies.
    pub output_tokens: u64,
    /// What those with a price cost.
    pub cost: Money,
    /// Those among the requests whose model has no price.
    pub unpriced: u64,
    /// Those among the requests that are charged at their upper bound, because nobody told what they really took: no
    /// answer came, or one that does not say.
    pub at_bound: u64,
    /// Those among the requests that took more than their upper bound: the server does not hold to `max_tokens`. Only
    /// these can carry the sums beyond a cap.
    pub beyond_bound: u64,
    /// Requests in flight.
    pub in_flight: u64,
    /// Requests in batches whose results are not there yet.
    pub in_batches: u64,
    /// Most tokens that both of these can take.
    pub reserved_tokens: u64,
    /// Most that both of these can cost.
    pub reserved_cost: Money,
    /// Calls that wait for what others will leave.
    pub waiting: u64,
    /// Cap on the cost.
    pub max_cost: Option<Money>,
    /// Cap on the tokens of prompts and replies together.
    pub max_total_tokens: Option<u64>,
    /// Tells accounts apart.
    #[serde(skip)]
    pub(crate) account: usize,
}

impl Spending {
    /// What both accounts have spent together; the same if they are one account. Caps of two accounts do not add up and
    /// are left out.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        if self.account == other.account {
            return self;
        }
        Self {
            requests: self.requests + other.requests,
            input_tokens: self.input_tokens.saturating_add(other.input_tokens),
            output_tokens: self.output_tokens.saturating_add(other.output_tokens),
            cost: self.cost.saturating_add(other.cost),
            unpriced: self.unpriced + other.unpriced,
            at_bound: self.at_bound + other.at_bound,
            beyond_bound: self.beyond_bound + other.beyond_bound,
            in_flight: self.in_flight + other.in_flight,
            in_batches: self.in_batches + other.in_batches,
            reserved_tokens: self.reserved_tokens.saturating_add(other.reserved_tokens),
            reserved_cost: self.reserved_cost.saturating_add(other.reserved_cost),
            waiting: self.waiting + other.waiting,
            ..Self::default()
        }
    }
}

/// `1204 requests, 1926400 tokens in, 1023400 out, $0.91 of $12.50`, and what else there is to say.
impl fmt::Display for Spending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {} tokens in, {} out", Requests(self.requests), self.input_tokens, self.output_tokens)?;
        if let Some(cap) = self.max_total_tokens {
            write!(f, " (of {cap} together)")?;
        }
        if self.requests > self.unpriced || self.max_cost.is_some() {
            write!(f, ", {:.4}", self.cost)?;
        }
        if let Some(cap) = self.max_cost {
            write!(f, " of {cap}")?;
        }
        for (n_requests, what) in [
            (self.unpriced, "without a price"),
            (self.at_bound, "counted at their upper bound"),
            (self.beyond_bound, "beyond it"),
            (self.in_flight, "in flight"),
            (self.in_batches, "in batches"),
        ] {
            if n_requests > 0 {
                write!(f, ", {n_requests} {what}")?;
            }
        }
        Ok(())
    }
}

/// A number of requests in words.
pub(in crate::llm) struct Requests(pub(in crate::llm) u64);

impl fmt::Display for Requests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.0, if self.0 == 1 { "request" } else { "requests" })
    }
}

/// What one request takes: as an upper bound before it is sent, as it was afterwards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Charge {
    pub(super) input_tokens: u64,
    pub(super) output_tokens: u64,
    /// `None` if the model has no price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) cost: Option<Money>,
}

impl Charge {
    pub(super) fn tokens(&self) -> u64 {
        self.input_tokens.saturating_add(self.output_tokens)
    }

    pub(super) fn cost(&self) -> Money {
        self.cost.unwrap_or_default()
    }

    pub(super) fn usage(&self) -> Usage {
        Usage { input_tokens: self.input_tokens, output_tokens: self.output_tokens }
    }
}

/// How it is known what a request took.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Known {
    /// The server told.
    Told,
    /// The server told, and it is more than the upper bound.
    Beyond,
    /// It is not: the upper bound is taken.
    Bound,
    /// It took nothing.
    Nothing,
}

/// Sums over the requests that were charged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Totals {
    pub(super) requests: u64,
    pub(super) input_tokens: u64,
    pub(super) output_tokens: u64,
    pub(super) cost: Money,
    pub(super) unpriced: u64,
    pub(super) at_bound: u64,
    pub(super) beyond_bound: u64,
}

impl Totals {
    pub(super) fn add(&mut self, charge: &Charge, known: Known) {
        if known == Known::Nothing {
            return;
        }
        self.requests += 1;
        self.input_tokens = self.input_tokens.saturating_add(charge.input_tokens);
        self.output_tokens = self.output_tokens.saturating_add(charge.output_tokens);
        self.cost = self.cost.saturating_add(charge.cost());
        self.unpriced += u64::from(charge.cost.is_none());
        self.at_bound += u64::from(known == Known::Bound);
        self.beyond_bound += u64::from(known == Known::Beyond);
    }

    /// Adds those of a batch.
    pub(crate) fn add_all(&mut self, other: &Self) {
        self.requests += other.requests;
        self.input_tokens = self.input_tokens.saturating_add(other.input_tokens);
        self.output_tokens = self.output_tokens.saturating_add(other.output_tokens);
        self.cost = self.cost.saturating_add(other.cost);
        self.unpriced += other.unpriced;
        self.at_bound += other.at_bound;
        self.beyond_bound += other.beyond_bound;
    }

    pub(super) fn tokens(&self) -> u64 {
        self.input_tokens.saturating_add(self.output_tokens)
    }
}

impl From<Totals> for Spending {
    fn from(spent: Totals) -> Self {
        Self {
            requests: spent.requests,
            input_tokens: spent.input_tokens,
            output_tokens: spent.output_tokens,
            cost: spent.cost,
            unpriced: spent.unpriced,
            at_bound: spent.at_bound,
            beyond_bound: spent.beyond_bound,
            ..Self::default()
        }
    }
}
