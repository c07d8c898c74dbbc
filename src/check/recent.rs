//! The pairs before, about the same image.

use std::collections::VecDeque;

use crate::reply::Pair;

/// How many pairs are remembered: with so many others a pair is compared.
const MOST: usize = 64;

/// The latest pairs about one image.
#[derive(Debug, Default)]
pub(super) struct Recent {
    image: Option<String>,
    pairs: VecDeque<(String, String)>,
}

impl Recent {
    /// Forgets what was about another image; what is about none is not compared with other entries.
    pub(super) fn about(&mut self, image: Option<&str>) {
        if image.is_none() || self.image.as_deref() != image {
            self.image = image.map(str::to_owned);
            self.pairs.clear();
        }
    }

    pub(super) fn pairs(&self) -> Vec<Pair<'_>> {
        self.pairs.iter().map(|(question, answer)| Pair { question, answer }).collect()
    }

    pub(super) fn remember(&mut self, question: String, answer: String) {
        if self.pairs.len() == MOST {
            self.pairs.pop_front();
        }
        self.pairs.push_back((question, answer));
    }
}
