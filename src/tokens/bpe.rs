//! Exact counts for the models of OpenAI.

use std::fmt;

use bpe_openai::Tokenizer;

use crate::tokens::TokenCounter;

/// Counts tokens exactly, with a vocabulary of OpenAI's that is compiled in.
///
/// # Example
/// ```
/// use svitgen::tokens::{BpeCounter, TokenCounter};
/// let counter = BpeCounter::for_model("gpt-4o-mini").ok_or("no vocabulary is known for it")?;
/// assert_eq!(counter.name(), "o200k_base");
/// assert_eq!(counter.count("- dog: [0.100, 0.200, 0.500, 0.900]"), 23);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy)]
pub struct BpeCounter {
    name: &'static str,
    tokenizer: &'static Tokenizer,
}

impl BpeCounter {
    /// The vocabulary of GPT-4o and what came after it.
    pub fn o200k() -> Self {
        Self { name: "o200k_base", tokenizer: bpe_openai::o200k_base() }
    }

    /// The vocabulary of GPT-3.5 and GPT-4.
    pub fn cl100k() -> Self {
        Self { name: "cl100k_base", tokenizer: bpe_openai::cl100k_base() }
    }

    /// The vocabulary of a model of OpenAI's by its name; `None` for other models. A vendor before a slash does not count.
    pub fn for_model(model: &str) -> Option<Self> {
        let model = model.rsplit('/').next().unwrap_or(model);
        let starts_with = |names: &[&str]| names.iter().any(|name| model.starts_with(name));
        if starts_with(&["gpt-4o", "gpt-4.", "gpt-5", "gpt-oss", "chatgpt-", "o1", "o3", "o4"]) {
            Some(Self::o200k())
        } else if starts_with(&["gpt-4", "gpt-3.5", "gpt-35"]) {
            Some(Self::cl100k())
        } else {
            None
        }
    }
}

impl TokenCounter for BpeCounter {
    fn name(&self) -> &str {
        self.name
    }

    fn count(&self, text: &str) -> usize {
        self.tokenizer.count(text)
    }
}

impl fmt::Debug for BpeCounter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("BpeCounter").field(&self.name).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_have_their_vocabularies() {
        let name = |model| BpeCounter::for_model(model).map(|counter| counter.name);
        assert_eq!(name("gpt-4o-mini-2024-07-18"), Some("o200k_base"));
        assert_eq!(name("openai/gpt-4.1"), Some("o200k_base"));
        assert_eq!(name("gpt-4-turbo"), Some("cl100k_base"));
        assert_eq!(name("qwen2.5-7b-instruct"), None);
    }
}
