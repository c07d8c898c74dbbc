//! The checks that run on every reply: leaks, refusals, tokens, forms not filled in, repeated pairs.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::LazyLock;

use crate::reply::words::{Phrases, normalized, starts_with_any};
use crate::reply::{Check, CheckContext, Finding, IssueCode, Item, ItemText};

/// Words that name the annotations, which the trained model will never see.
const SOURCES: &[&str] = &[
    "caption",
    "captions",
    "annotation",
    "annotations",
    "bounding box",
    "bounding boxes",
    "bbox",
    "given description",
    "given descriptions",
    "given information",
    "given data",
    "given details",
    "given facts",
    "provided description",
    "provided descriptions",
    "provided information",
    "provided data",
    "provided details",
    "provided facts",
    "information given",
    "information provided",
    "description given",
    "description provided",
    "descriptions given",
    "descriptions provided",
    "details provided",
    "data provided",
    "region description",
    "region descriptions",
    "list of objects",
    "object list",
    "objects listed",
    "according to the description",
    "according to the descriptions",
    "based on the description",
    "based on the descriptions",
    "the description mentions",
    "the descriptions mention",
    "the description says",
    "the description states",
];

/// Words that name boxes, in a task that does not point.
const COORDINATES: &[&str] = &["coordinates", "coordinate"];

/// Words with which a model speaks of itself.
const SELF: &[&str] = &[
    "as an ai",
    "language model",
    "i can't see",
    "i cannot see",
    "i can not see",
    "i am unable",
    "i'm unable",
    "i am not able to",
    "i'm not able to",
    "i don't have access",
    "i do not have access",
    "my training data",
];

static PHRASES: LazyLock<Phrases<IssueCode>> = LazyLock::new(|| {
    Phrases::new([
        (IssueCode::SourceLeak, SOURCES),
        (IssueCode::CoordinateLeak, COORDINATES),
        (IssueCode::SelfReference, SELF),
    ])
});

/// How refusals begin.
const REFUSALS: &[&str] = &[
    "i'm sorry",
    "i am sorry",
    "sorry but",
    "sorry i",
    "i apologize",
    "i apologise",
    "unfortunately i",
    "i can't",
    "i cannot",
    "i can not",
    "i'm unable",
    "i am unable",
    "i'm not able",
    "i am not able",
    "as an ai",
    "it seems that you",
    "it seems your message",
    "it seems like you",
    "it looks like your message",
    "it looks like you",
    "your message is empty",
    "your message seems",
    "please provide",
    "could you please provide",
    "there is no image",
    "no image",
    "no annotations",
];

/// Tokens that trainers and chat templates take for their own.
const SPECIAL_TOKENS: &[&str] = &[
    "<image>",
    "<video>",
    "<im_start>",
    "<im_end>",
    "<s>",
    "</s>",
    "<unk>",
    "<pad>",
    "<mask>",
    "[INST]",
    "[/INST]",
    "<<SYS>>",
    "<start_of_turn>",
    "<end_of_turn>",
    "<think>",
    "</think>",
];

const TAGS: &[&str] = &["<st>", "<ed>"];

/// Whether a text declines to do what was asked.
pub(super) fn is_refusal(text: &str) -> bool {
    starts_with_any(text, REFUSALS)
}

/// The checks that look at each text on its own.
#[derive(Debug)]
pub(super) struct TextChecks;

impl Check for TextChecks {
    fn check(&self, items: &[Item], context: &CheckContext<'_>) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (index, item) in items.iter().enumerate() {
            for text in item.texts() {
                check_text(text, context, &mut |code, span| {
                    findings.push(Finding { item: index, code, span });
                });
            }
        }
        findings
    }
}

fn check_text(text: &ItemText, context: &CheckContext<'_>, found: &mut impl FnMut(IssueCode, Option<Range<usize>>)) {
    let body = text.text.as_str();
    let mut report = |code, hit: Option<Range<usize>>| {
        if let Some(hit) = hit {
            found(code, text.span_of(hit));
        }
    };
    // One finding of a kind is enough for a text.
    let mut reported = Vec::new();
    PHRASES.find_all(body, |code, hit| {
        let points_rightly = *code == IssueCode::CoordinateLeak && context.is_grounded;
        if !points_rightly && !reported.contains(code) {
            reported.push(code.clone());
            report(code.clone(), Some(hit));
        }
    });
    report(IssueCode::Placeholder, is_placeholder(body).then_some(0..body.len()));
    // Most texts have none of the marks that the rest looks for.
    if !body.bytes().any(|byte| matches!(byte, b'<' | b'[' | b'(')) {
        return;
    }
    report(IssueCode::SpecialToken, special_token(body, context.is_grounded));
    if !context.is_grounded {
        report(IssueCode::CoordinateLeak, bracketed_fractions(body));
    }
}

impl ItemText {
    /// Where a part of the text stands in the reply; `None` where decoding has moved it.
    pub(super) fn span_of(&self, part: Range<usize>) -> Option<Range<usize>> {
        let is_slice = self.span.len() == self.text.len();
        is_slice.then(|| self.span.start + part.start..self.span.start + part.end)
    }
}

fn special_token(text: &str, is_grounded: bool) -> Option<Range<usize>> {
    let tags: &[&str] = if is_grounded { &[] } else { TAGS };
    let known = SPECIAL_TOKENS.iter().chain(tags).find_map(|token| text.find(token).map(|at| at..at + token.len()));
    known.or_else(|| {
        let start = text.find("<|")?;
        let len = text[start..].find("|>")?;
        Some(start..start + len + 2)
    })
}

/// A form that was not filled in: `<answer>`, `[question]`, `...`.
fn is_placeholder(text: &str) -> bool {
    let inside = |open: char, close: char| {
        let inner = text.strip_prefix(open).and_then(|text| text.strip_suffix(close));
        inner.is_some_and(|inner| inner.chars().all(|c| c.is_alphabetic() || c == ' '))
    };
    inside('<', '>') || inside('[', ']') || text.chars().all(|c| matches!(c, '.' | '…' | '_' | '-' | ' '))
}

/// Brackets around at least two numbers of which each is a fraction: `[0.31, 0.22]`.
fn bracketed_fractions(text: &str) -> Option<Range<usize>> {
    let mut from = 0;
    while let Some(open) = text[from..].find(['[', '(']).map(|at| from + at) {
        let len = text[open + 1..].bytes().take_while(|b| b.is_ascii_digit() || b".,; ".contains(b)).count();
        let end = open + 1 + len;
        let numbers = text[open + 1..end].split([',', ';']).map(str::trim);
        let n_fractions = numbers.filter(|number| is_fraction(number)).count();
        if n_fractions >= 2 && text[end..].starts_with([']', ')']) {
            return Some(open..end + 1);
        }
        from = open + 1;
    }
    None
}

fn is_fraction(number: &str) -> bool {
    number.contains('.') && number.parse::<f64>().is_ok_and(|value| (0.0..=1.0).contains(&value))
}

/// Finds pairs that say the same again, and questions that are asked twice.
#[derive(Debug)]
pub(super) struct Duplicates;

impl Check for Duplicates {
    fn check(&self, items: &[Item], _: &CheckContext<'_>) -> Vec<Finding> {
        let mut questions = HashSet::new();
        let mut pairs = HashSet::new();
        let mut findings = Vec::new();
        for (index, item) in items.iter().enumerate() {
            let Some(question) = &item.question else { continue };
            let question = normalized(&question.text);
            let is_new_pair = pairs.insert((question.clone(), normalized(&item.answer.text)));
            let is_new_question = questions.insert(question);
            let code = match (is_new_pair, is_new_question) {
                (false, _) => IssueCode::DuplicatePair,
                (true, false) => IssueCode::DuplicateQuestion,
                (true, true) => continue,
            };
            findings.push(Finding { item: index, code, span: None });
        }
        findings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_not_filled_in() {
        for text in ["<answer>", "[a few words]", "...", "…", "___"] {
            assert!(is_placeholder(text), "{text}");
        }
        for text in ["No.", "<st>cup<ed> [0.1, 0.2, 0.3, 0.4]", "[0.1, 0.2]", "x..."] {
            assert!(!is_placeholder(text), "{text}");
        }
    }

    #[test]
    fn fractions_in_brackets_are_boxes() {
        assert_eq!(bracketed_fractions("at [0.31, 0.22, 0.52, 0.81]"), Some(3..27));
        assert_eq!(bracketed_fractions("at (0.5, 0.25)."), Some(3..14));
        for text in ["in (1, 2)", "[1.5, 2.5]", "(0.5", "see [1] and (0.5)"] {
            assert_eq!(bracketed_fractions(text), None, "{text}");
        }
    }
}
