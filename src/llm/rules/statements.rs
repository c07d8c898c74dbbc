//! Phrases of annotators as parts of sentences.

use crate::llm::rules::english;
use crate::llm::rules::facts::FactBox;

/// What is said of something in the image.
#[derive(Clone, Debug)]
pub(super) struct Statement {
    /// What it is said of, in lower case: "man".
    pub(super) subject: String,
    pub(super) kind: StatementKind,
    /// With an article where English wants one, without a full stop: "the man is wearing a hat", "a red car".
    pub(super) text: String,
    /// Whether the scene has several things of this name, of which it holds for one.
    pub(super) is_of_several: bool,
    /// The annotator's own words and their box, where the prompt has it.
    pub(super) phrase: Option<(String, FactBox)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StatementKind {
    /// It has a verb and can stand alone.
    Clause,
    /// It names something.
    Noun,
}

impl Statement {
    pub(super) fn clause(subject: String, text: String) -> Self {
        Self { subject, kind: StatementKind::Clause, text, is_of_several: false, phrase: None }
    }

    /// "the man", or "one of the men" where there are several.
    pub(super) fn mention(&self) -> String {
        if self.is_of_several {
            format!("one of the {}", english::plural(&self.subject))
        } else {
            format!("the {}", self.subject)
        }
    }

    /// The text with the subject as [`mention`](Self::mention) has it.
    pub(super) fn told(&self) -> String {
        match self.text.strip_prefix(&format!("the {}", self.subject)) {
            Some(rest) => format!("{}{rest}", self.mention()),
            None => self.text.clone(),
        }
    }
}

const DETERMINERS: &[&str] = &[
    "a", "an", "the", "some", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "many",
    "several", "few", "this", "that", "these", "those", "his", "her", "its", "their", "one", "no", "all", "both",
    "another", "each", "every", "there", "it", "he", "she", "they", "somebody", "someone", "part", "lots", "most",
    "more", "various", "multiple",
];

/// Verbs that make a clause of what stands before them.
const VERBS: &[&str] =
    &["is", "are", "has", "have", "wears", "holds", "stands", "sits", "hangs", "lies", "looks", "grows"];

/// Words behind which a noun is described further.
const ENDS_NOUN: &[&str] = &[
    "on", "in", "at", "of", "with", "behind", "near", "next", "by", "under", "over", "above", "below", "from", "for",
    "to", "that", "which", "who", "and", "along", "around", "beside", "between", "against", "through", "across",
    "inside", "outside", "up", "down", "into", "off", "onto", "without", "made", "parked", "covered", "filled",
    "hanging",
];

/// Verbs that captions are built with, beside [`VERBS`]; without an s they follow a plural.
const CAPTION_VERBS: &[&str] = &[
    "rides", "sits", "stands", "walks", "holds", "plays", "eats", "flies", "runs", "looks", "lies", "waits", "jumps",
    "hits", "swings", "talks", "poses", "watches", "carries", "drives", "rests", "lays", "leans", "throws", "catches",
    "stares", "drinks", "grazes", "sleeps", "works", "prepares", "crosses", "passes", "moves", "floats", "hangs",
    "wander", "cook", "gather", "wait", "ride", "sit", "stand", "walk", "hold", "eat", "fly", "run", "jump", "talk",
    "pose", "watch", "carry", "skis", "surfs", "makes", "takes", "tries", "swims", "travels", "does", "can", "was",
    "were", "shows", "features", "fills", "slide", "glide",
];

/// A caption as a sentence; most captions are none, but name what the image shows.
pub(super) fn caption_sentence(caption: &str) -> String {
    let lower = caption.to_lowercase();
    let has_verb = lower
        .split(|c: char| !c.is_alphanumeric() && c != '\'')
        .any(|word| VERBS.contains(&word) || CAPTION_VERBS.contains(&word));
    if has_verb || lower.starts_with("there ") {
        return english::sentence(caption);
    }
    english::sentence(&format!("the image shows {}", english::uncapitalized(caption)))
}

/// The phrase as a clause or as a noun with its article; `None` if it is neither.
pub(super) fn statement(phrase: &str, bbox: Option<FactBox>) -> Option<Statement> {
    let plain = phrase.chars().all(|c| c.is_alphanumeric() || " -',()/&".contains(c)) && !phrase.contains(" i ");
    let text = english::uncapitalized(phrase);
    let words: Vec<&str> = text.split_whitespace().collect();
    let verb_at = words.iter().position(|word| VERBS.contains(word));
    let kind = match verb_at {
        Some(0) => return None,
        Some(_) => StatementKind::Clause,
        None => StatementKind::Noun,
    };
    let has_determiner = words.first().is_some_and(|word| DETERMINERS.contains(word) || word.ends_with("'s"));
    let noun_end = words
        .iter()
        .position(|word| ENDS_NOUN.contains(word) || VERBS.contains(word) || (word.ends_with("ing") && word.len() > 5))
        .unwrap_or(words.len());
    // "standing in the street" names nothing.
    if noun_end == 0 || !plain || words.len() > 14 || (words.len() < 2 && kind == StatementKind::Noun) {
        return None;
    }
    let noun_start = usize::from(has_determiner && noun_end > 1);
    // "lamp lights the platform" has a verb that is not among those known.
    if words[noun_start..noun_end].iter().any(|word| DETERMINERS.contains(word)) {
        return None;
    }
    let subject = words[noun_start..noun_end].join(" ");
    let text = match kind {
        _ if has_determiner => words.join(" "),
        StatementKind::Clause => format!("the {}", words.join(" ")),
        StatementKind::Noun if english::is_plural(&subject) || english::is_mass(&subject) => words.join(" "),
        StatementKind::Noun => format!("{} {}", english::article(words[0]), words.join(" ")),
    };
    let phrase = bbox.map(|bbox| (phrase.to_owned(), bbox));
    Some(Statement { subject, kind, text, is_of_several: false, phrase })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phrases_become_parts_of_sentences() {
        let check = |phrase: &str, expected: Option<(StatementKind, &str, &str)>| {
            let statement = statement(phrase, None);
            let found = statement.as_ref().map(|s| (s.kind, s.subject.as_str(), s.text.as_str()));
            assert_eq!(found, expected, "{phrase}");
        };
        use StatementKind::{Clause, Noun};
        check("man is wearing sneakers", Some((Clause, "man", "the man is wearing sneakers")));
        check("The clock is green in colour", Some((Clause, "clock", "the clock is green in colour")));
        check("gray car parked on the street", Some((Noun, "gray car", "a gray car parked on the street")));
        check("trees behind the fence", Some((Noun, "trees", "trees behind the fence")));
        check("a man in a jacket", Some((Noun, "man", "a man in a jacket")));
        check("walking on the street", None);
        check("is red", None);
        check("lamp post lights the platform", None);
        check("dog", None);
    }
}
