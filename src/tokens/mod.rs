//! How many tokens a text has for a language model: what it costs, and whether it fits.
//!
//! [`TokenCounter`] is the trait; [`TokenEstimate`] needs no vocabulary and is never too low; the feature `tokens` adds
//! `BpeCounter`, which is exact for the models of OpenAI.
//!
//! This module knows strings and messages, nothing else.

#[cfg(feature = "tokens")]
mod bpe;
mod estimate;

use std::fmt;
use std::sync::Arc;

#[cfg(feature = "tokens")]
pub use bpe::BpeCounter;
pub use estimate::TokenEstimate;

use crate::llm::Message;

/// Counts the tokens of texts as one kind of language model reads them.
///
/// # Contract
/// The same text always has the same count. A counter that cannot be exact should rather be too high: budgets are held
/// by what it says.
///
/// # Example
/// ```
/// use svitgen::tokens::TokenCounter;
///
/// /// For models that read bytes.
/// #[derive(Debug)]
/// struct Bytes;
///
/// impl TokenCounter for Bytes {
///     fn name(&self) -> &str {
///         "bytes"
///     }
///
///     fn count(&self, text: &str) -> usize {
///         text.len()
///     }
/// }
/// assert_eq!(Bytes.count("dog"), 3);
/// ```
pub trait TokenCounter: fmt::Debug + Send + Sync {
    /// A name that is different for counters that count differently: it stands in the manifest of a run.
    fn name(&self) -> &str;

    /// Tokens of a text.
    fn count(&self, text: &str) -> usize;

    /// Tokens of a whole prompt: those of its texts and those that chat formats put around each message and before the
    /// reply.
    fn count_messages(&self, messages: &[Message]) -> usize {
        // OpenAI's format: three marks and a role for each message, three marks to start the reply.
        let texts: usize = messages.iter().map(|message| self.count(&message.content)).sum();
        texts + 4 * messages.len() + 3
    }
}

impl<C: TokenCounter + ?Sized> TokenCounter for Arc<C> {
    fn name(&self) -> &str {
        (**self).name()
    }

    fn count(&self, text: &str) -> usize {
        (**self).count(text)
    }

    fn count_messages(&self, messages: &[Message]) -> usize {
        (**self).count_messages(messages)
    }
}

/// The counter of this crate that has that name; `None` for any other.
pub fn by_name(name: &str) -> Option<Arc<dyn TokenCounter>> {
    let estimates = [TokenEstimate::new(), TokenEstimate::digit_by_digit()];
    if let Some(estimate) = estimates.into_iter().find(|estimate| estimate.name() == name) {
        return Some(Arc::new(estimate));
    }
    #[cfg(feature = "tokens")]
    if let Some(exact) = [BpeCounter::o200k(), BpeCounter::cl100k()].into_iter().find(|exact| exact.name() == name) {
        return Some(Arc::new(exact));
    }
    None
}
