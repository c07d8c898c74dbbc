//! What a user can choose about the text of prompts.

use serde::{Deserialize, Serialize};

use crate::prompt::TokenBudget;
use crate::task::Section;
use crate::tokens::TokenCounter;

/// How annotations become text. The defaults show everything, and everything once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct PromptOptions {
    /// Decides which instruction is drawn.
    pub seed: u64,
    /// Most lines of each section, in the order of [`Section::ALL`]; `None` for no limit.
    pub max_lines: [Option<usize>; Section::ALL.len()],
    /// From which intersection over union on two objects of one name count as one; `None` keeps all. 0.7 by default.
    pub merge_iou: Option<f64>,
    /// Whether captions and phrases that say the same are shown once. Their case and outer punctuation do not count.
    pub merge_phrases: bool,
    /// Most tokens of a prompt; `None` shows everything however long it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budget: Option<TokenBudget>,
}

impl Default for PromptOptions {
    fn default() -> Self {
        Self { seed: 0, max_lines: [None; Section::ALL.len()], merge_iou: Some(0.7), merge_phrases: true, budget: None }
    }
}

impl PromptOptions {
    /// Sets the seed.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Shows at most `n` lines of a section: the first ones, as annotated.
    #[must_use]
    pub fn with_max(mut self, section: Section, n: usize) -> Self {
        self.max_lines[section as usize] = Some(n);
        self
    }

    /// Counts objects of one name as one from this intersection over union on, 0 to 1; `None` keeps all.
    #[must_use]
    pub fn with_merge_iou(mut self, iou: Option<f64>) -> Self {
        self.merge_iou = iou;
        self
    }

    /// Sets whether captions and phrases that say the same are shown once.
    #[must_use]
    pub fn with_merge_phrases(mut self, merge: bool) -> Self {
        self.merge_phrases = merge;
        self
    }

    /// Drops annotations until a prompt has at most `max_tokens`, by an estimate that is never too low
    /// ([`TokenEstimate`](crate::tokens::TokenEstimate)). Follow-ups come on top of the prompt.
    #[must_use]
    pub fn with_max_tokens(mut self, max_tokens: usize) -> Self {
        self.budget = Some(TokenBudget::new(max_tokens));
        self
    }

    /// The same, with a counter of your choice, such as one that is exact for the model.
    #[must_use]
    pub fn with_max_tokens_by(mut self, max_tokens: usize, counter: impl TokenCounter + 'static) -> Self {
        self.budget = Some(TokenBudget::new(max_tokens).with_counter(counter));
        self
    }

    pub(super) fn max(&self, section: Section) -> usize {
        self.max_lines[section as usize].unwrap_or(usize::MAX)
    }
}
