//! How many tokens a prompt may have, and who counts them.

use std::sync::Arc;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::tokens::{self, TokenCounter, TokenEstimate};

/// Most tokens that a prompt may have, and the counter by which that holds.
///
/// Two budgets are equal if their limits and the names of their counters are. Written as JSON,
/// `{"max_tokens": 1500, "counter": "estimate"}`, and read back where the counter is one of this crate.
///
/// # Example
/// ```
/// use svitgen::prompt::TokenBudget;
/// use svitgen::tokens::TokenEstimate;
/// let budget = TokenBudget::new(1_500).with_counter(TokenEstimate::digit_by_digit());
/// assert_eq!(budget.counter().name(), "estimate_digit_by_digit");
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenBudget {
    max_tokens: usize,
    #[serde(serialize_with = "write_name", deserialize_with = "read_name")]
    counter: Arc<dyn TokenCounter>,
}

impl TokenBudget {
    /// At most `max_tokens`, by [`TokenEstimate`], which is never too low.
    pub fn new(max_tokens: usize) -> Self {
        Self { max_tokens, counter: Arc::new(TokenEstimate::new()) }
    }

    /// Sets who counts.
    #[must_use]
    pub fn with_counter(mut self, counter: impl TokenCounter + 'static) -> Self {
        self.counter = Arc::new(counter);
        self
    }

    /// Most tokens of a prompt, with what chat formats put around its messages.
    pub fn max_tokens(&self) -> usize {
        self.max_tokens
    }

    /// Who counts.
    pub fn counter(&self) -> &dyn TokenCounter {
        &*self.counter
    }
}

impl PartialEq for TokenBudget {
    fn eq(&self, other: &Self) -> bool {
        self.max_tokens == other.max_tokens && self.counter.name() == other.counter.name()
    }
}

fn write_name<S: Serializer>(counter: &Arc<dyn TokenCounter>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(counter.name())
}

fn read_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<dyn TokenCounter>, D::Error> {
    let name = String::deserialize(deserializer)?;
    tokens::by_name(&name).ok_or_else(|| D::Error::custom(format_args!("there is no counter of tokens named {name:?}")))
}
