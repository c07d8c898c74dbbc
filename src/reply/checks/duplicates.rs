//! Pairs that say again what a pair before them said.

use std::sync::LazyLock;

use crate::reply::IssueCode;
use crate::reply::checks::words::{HashedMap, HashedSet, Word, hash_of_bytes, set_of};

/// With how many pairs before it a pair is compared: more than any task asks for, and bounded for replies of any length.
const WINDOW: usize = 64;

/// From which share of common words on two questions are nearly the same.
const NEAR_QUESTION: f64 = 0.8;

/// The same for questions and answers together.
const NEAR_PAIR: f64 = 0.75;

/// A question about fewer things is like too many others: "Where is it?"
const MIN_QUESTION: usize = 2;

/// An answer with fewer words may be right for many questions: "Yes, there is."
const MIN_ANSWER: usize = 5;

/// As the answer to how many pairs a longer one is taken for a loop.
const MAX_SAME_ANSWER: usize = 2;

/// Words that say nothing about what a text is about.
const FUNCTION_WORDS: &[&str] = &[
    "a", "an", "the", "is", "are", "was", "were", "be", "been", "being", "do", "does", "did", "has", "have", "had",
    "of", "in", "at", "to", "for", "by", "with", "and", "or", "it", "its", "this", "that", "these", "those", "there",
    "here", "he", "she", "they", "them", "his", "her", "their", "would", "might", "may", "will", "image", "picture",
    "photo", "scene", "you", "i", "we", "see", "seen", "as", "so",
];

static IGNORED: LazyLock<HashedSet> = LazyLock::new(|| set_of(FUNCTION_WORDS));

/// What the pairs of a reply were about so far.
#[derive(Debug, Default)]
pub(super) struct Duplicates<'t> {
    questions: HashedSet,
    pairs: HashedSet,
    answers: HashedMap<usize>,
    window: Vec<About<'t>>,
    /// Which of them is the oldest.
    oldest: usize,
}

/// What a pair is about. Answers are looked at only where the questions are nearly the same.
#[derive(Debug)]
struct About<'t> {
    question: Topics,
    texts: [Text<'t>; 2],
}

impl About<'_> {
    fn is_near(&self, other: &About<'_>) -> bool {
        self.question.may_be_similar(&other.question, NEAR_QUESTION)
            && self.question.similarity(&other.question) >= NEAR_QUESTION
            && Topics::of(&self.texts).similarity(&Topics::of(&other.texts)) >= NEAR_PAIR
    }
}

/// The words that say what a text is about.
#[derive(Debug, Default)]
struct Topics {
    /// Sorted, without inflections.
    words: Vec<u64>,
    /// A bit for each, to rule out most comparisons.
    bits: u64,
}

impl Topics {
    fn of(texts: &[Text<'_>]) -> Self {
        let words = texts.iter().flat_map(|(text, words)| words.iter().map(move |word| (word, &text[word.span()])));
        let telling = words.filter(|(word, _)| !IGNORED.contains(&word.hash));
        let mut words: Vec<u64> = telling.map(|(word, text)| stem(word.hash, text)).collect();
        words.sort_unstable();
        words.dedup();
        let bits = words.iter().fold(0, |bits, word| bits | 1 << (word >> 58));
        Self { words, bits }
    }

    /// The share of common words among all, 0 to 1.
    fn similarity(&self, other: &Self) -> f64 {
        let (mut i, mut j, mut common) = (0, 0, 0);
        while i < self.words.len() && j < other.words.len() {
            match self.words[i].cmp(&other.words[j]) {
                std::cmp::Ordering::Less => i += 1,
                std::cmp::Ordering::Greater => j += 1,
                std::cmp::Ordering::Equal => {
                    (i, j, common) = (i + 1, j + 1, common + 1);
                }
            }
        }
        let all = self.words.len() + other.words.len() - common;
        if all == 0 { 0.0 } else { f64::from(common as u32) / f64::from(all as u32) }
    }

    /// False only if the similarity is below `least` for sure: each bit that differs is a word that only one has.
    fn may_be_similar(&self, other: &Self, least: f64) -> bool {
        let n_apart = f64::from((self.bits ^ other.bits).count_ones());
        let n_most = (self.words.len() + other.words.len()) as f64;
        n_apart <= n_most * (1.0 - least)
    }
}

/// The word without the endings of its forms: `wears`, `wearing` and `wear` are one.
fn stem(hash: u64, word: &str) -> u64 {
    let base = match word.as_bytes() {
        [base @ .., b'i', b'n', b'g'] | [base @ .., b'e', b'd'] | [base @ .., b'e', b's'] | [base @ .., b's'] => base,
        [base @ .., b'e'] => base,
        _ => return hash,
    };
    if base.len() < 3 { hash } else { hash_of_bytes(base) }
}

fn all(words: &[Word]) -> u64 {
    words
        .iter()
        .fold(words.len() as u64, |hash, word| (hash.rotate_left(5) ^ word.hash).wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

/// A text and its words.
pub(super) type Text<'a> = (&'a str, &'a [Word]);

impl<'t> Duplicates<'t> {
    /// What the next pair repeats, if it does.
    pub(super) fn repeats(&mut self, question: Text<'t>, answer: Text<'t>) -> Option<IssueCode> {
        let (asked, answered) = (all(question.1), all(answer.1));
        let is_new_pair = self.pairs.insert(asked ^ answered.rotate_left(32));
        let is_new_question = self.questions.insert(asked);
        let n_same_answers = self.answers.entry(answered).or_default();
        *n_same_answers += 1;
        let is_stuck = *n_same_answers > MAX_SAME_ANSWER && answer.1.len() >= MIN_ANSWER;
        let is_near = self.is_near(question, answer);
        match (is_new_pair, is_new_question) {
            (false, _) => Some(IssueCode::DuplicatePair),
            _ if is_stuck => Some(IssueCode::Repetition),
            (true, false) => Some(IssueCode::DuplicateQuestion),
            (true, true) => is_near.then_some(IssueCode::NearDuplicate),
        }
    }

    fn is_near(&mut self, question: Text<'t>, answer: Text<'t>) -> bool {
        let about = About { question: Topics::of(&[question]), texts: [question, answer] };
        if about.question.words.len() < MIN_QUESTION {
            return false;
        }
        let is_found = self.window.iter().any(|known| known.is_near(&about));
        if self.window.len() < WINDOW {
            self.window.push(about);
        } else {
            self.window[self.oldest] = about;
            self.oldest = (self.oldest + 1) % WINDOW;
        }
        is_found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reply::checks::words::Words;

    #[track_caller]
    fn check(pairs: &[(&str, &str)], expected: &[Option<IssueCode>]) {
        let mut words = Words::default();
        let ranges: Vec<_> =
            pairs.iter().map(|(question, answer)| (words.push(question), words.push(answer))).collect();
        let mut duplicates = Duplicates::default();
        let texts = pairs.iter().zip(ranges).map(|((question, answer), (asked, answered))| {
            ((*question, words.get(asked)), (*answer, words.get(answered)))
        });
        let found: Vec<_> = texts.map(|(question, answer)| duplicates.repeats(question, answer)).collect();
        assert_eq!(found, expected, "{pairs:?}");
    }

    #[test]
    fn pairs_that_repeat() {
        use IssueCode::{DuplicatePair, DuplicateQuestion, NearDuplicate};
        let first = ("Why does the man wear a hat?", "The sun is strong at noon.");
        check(&[first, ("why does the man wear a hat", "The sun is strong, at noon!")], &[None, Some(DuplicatePair)]);
        check(&[first, ("Why does the man wear a hat?", "He likes it.")], &[None, Some(DuplicateQuestion)]);
        check(&[first, ("Why is the man wearing a hat?", "At noon the sun is strong.")], &[None, Some(NearDuplicate)]);
    }

    #[test]
    fn pairs_that_only_look_alike() {
        check(
            &[
                ("How many cups stand on the left of the table?", "Three cups stand on the left."),
                ("How many cups stand on the right of the table?", "Two cups stand on the right."),
            ],
            &[None, None],
        );
        check(
            &[("Is there a cat?", "Yes, there is a cat."), ("Is there a dog?", "Yes, there is a dog.")],
            &[None, None],
        );
        check(&[("What is it?", "A cup."), ("Where is it?", "Here.")], &[None, None]);
    }

    #[test]
    fn one_answer_for_many_questions() {
        let answer = "It stands next to the old wall.";
        let pairs =
            [("Where is the cup?", answer), ("Where is a dog?", answer), ("Who waits?", answer), ("Why?", answer)];
        check(&pairs, &[None, None, Some(IssueCode::Repetition), Some(IssueCode::Repetition)]);
        let yes = [("Is it red?", "Yes, it is."), ("Is it old?", "Yes, it is."), ("Is it big?", "Yes, it is.")];
        check(&yes, &[None, None, None]);
    }
}
