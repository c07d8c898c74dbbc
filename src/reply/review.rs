//! The checks of texts, over pairs of any origin.

use std::ops::Range;

use crate::reply::grounding::Grounder;
use crate::reply::{CheckContext, Finding, Grounding, IssueCode, Item, ItemText, Origin, checks};

/// A question with its answer, wherever they come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pair<'a> {
    /// The question.
    pub question: &'a str,
    /// The answer.
    pub answer: &'a str,
}

/// Something wrong with a pair.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PairFinding {
    /// Index of the pair.
    pub pair: usize,
    /// What it is.
    pub code: IssueCode,
    /// Which text of the pair.
    pub part: PairPart,
    /// Where, in bytes of that text.
    pub span: Range<usize>,
}

/// A text of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PairPart {
    /// The question.
    Question,
    /// The answer; also for what concerns the pair as a whole.
    Answer,
}

/// What is wrong with pairs that are training data already: leaks, refusals, tokens, loops, placeholders, empty texts,
/// and pairs that repeat each other or one of `before`.
///
/// Boxes are looked at where the texts point with `<st>` and `<ed>`; without these tags they are a
/// [`IssueCode::CoordinateLeak`]. Findings are in the order of the pairs.
///
/// # Example
/// ```
/// use svitgen::reply::{IssueCode, Pair, review};
/// let pair = Pair { question: "Is it red?", answer: "The caption says that it is." };
/// let findings = review(&[pair], &[]);
/// assert_eq!(findings[0].code, IssueCode::SourceLeak);
/// assert_eq!(&pair.answer[findings[0].span.clone()], "caption");
/// ```
pub fn review(pairs: &[Pair<'_>], before: &[Pair<'_>]) -> Vec<PairFinding> {
    let is_grounded = pairs.iter().any(|pair| [pair.question, pair.answer].iter().any(|text| points(text)));
    let mut findings = Vec::new();
    let mut items = Vec::new();
    let mut indices = Vec::new();
    for (index, pair) in pairs.iter().enumerate() {
        let n_before = findings.len();
        single(index, pair, is_grounded, &mut findings);
        // What is empty repeats nothing, and leaks nothing.
        if !findings[n_before..].iter().any(|finding| is_empty(&finding.code)) {
            items.push(item(pair));
            indices.push(index);
        }
    }
    let accepted: Vec<Item> = before.iter().map(item).collect();
    let context = CheckContext { reply: "", boxes: None, accepted: &accepted, is_grounded };
    let mut of_texts = Vec::new();
    checks::texts(&items, &context, &mut of_texts);
    let located = of_texts.into_iter().filter_map(|finding| {
        let index = *indices.get(finding.item)?;
        Some(locate(finding, index, pairs.get(index)?))
    });
    findings.extend(located);
    findings.sort_by_key(|finding| finding.pair);
    findings
}

fn points(text: &str) -> bool {
    text.contains("<st>") || text.contains("<ed>")
}

fn is_empty(code: &IssueCode) -> bool {
    matches!(code, IssueCode::EmptyQuestion | IssueCode::EmptyAnswer)
}

/// What can be told from one pair alone, beside what the checks of texts find.
fn single(index: usize, pair: &Pair<'_>, is_grounded: bool, findings: &mut Vec<PairFinding>) {
    let mut found = |code, part, span| findings.push(PairFinding { pair: index, code, part, span });
    let texts = [
        (PairPart::Question, pair.question, IssueCode::EmptyQuestion),
        (PairPart::Answer, pair.answer, IssueCode::EmptyAnswer),
    ];
    for (part, text, empty) in texts {
        if text.trim().is_empty() {
            found(empty, part, 0..text.len());
        } else if is_grounded {
            let pointing = Grounder::new(Grounding::default(), None).read(text);
            pointing.findings.into_iter().for_each(|(code, span)| found(code, part, span));
        }
    }
    if checks::declines(pair.answer) {
        found(IssueCode::Refusal, PairPart::Answer, 0..pair.answer.len());
    }
}

/// The pair as an item of a reply that consists of the question and, right behind it, the answer.
fn item(pair: &Pair<'_>) -> Item {
    let text = |text: &str, start: usize| ItemText {
        text: text.to_owned(),
        span: start..start + text.len(),
        origin: Origin::Verbatim,
        references: Vec::new(),
    };
    Item {
        conversation: 0,
        question: Some(text(pair.question, 0)),
        answer: text(pair.answer, pair.question.len()),
        flags: Vec::new(),
        reply: 0,
    }
}

fn locate(finding: Finding, index: usize, pair: &Pair<'_>) -> PairFinding {
    let middle = pair.question.len();
    let (part, span) = match finding.span {
        Some(span) if span.start < middle => (PairPart::Question, span.start..span.end.min(middle)),
        Some(span) => (PairPart::Answer, span.start - middle..span.end - middle),
        None => (PairPart::Answer, 0..pair.answer.len()),
    };
    PairFinding { pair: index, code: finding.code, part, span }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pairs: &[(&str, &str)], before: &[(&str, &str)], expected: &[(usize, IssueCode, &str)]) {
        let pairs: Vec<_> = pairs.iter().map(|(question, answer)| Pair { question, answer }).collect();
        let before: Vec<_> = before.iter().map(|(question, answer)| Pair { question, answer }).collect();
        let findings = review(&pairs, &before);
        let written: Vec<_> = findings
            .into_iter()
            .map(|finding| {
                let pair = pairs[finding.pair];
                let text = if finding.part == PairPart::Question { pair.question } else { pair.answer };
                (finding.pair, finding.code, &text[finding.span])
            })
            .collect();
        assert_eq!(written, expected);
    }

    #[test]
    fn what_is_found_has_its_place() {
        use IssueCode::*;
        check(&[("Is it red?", "Yes, it is.")], &[], &[]);
        check(&[("Do the captions say so?", "Yes.")], &[], &[(0, SourceLeak, "captions")]);
        check(&[("", "Yes."), ("Why?", " ")], &[], &[(0, EmptyQuestion, ""), (1, EmptyAnswer, " ")]);
        let refusal = "I'm sorry, but your message is empty.";
        check(&[("Why?", refusal)], &[], &[(0, Refusal, refusal)]);
        check(&[("Is it old?", "So it is.")], &[("Is it old?", "So it is.")], &[(0, DuplicatePair, "So it is.")]);
    }

    #[test]
    fn boxes_belong_behind_tags() {
        use IssueCode::*;
        check(
            &[("Where?", "At [0.100, 0.200, 0.300, 0.400].")],
            &[],
            &[(0, CoordinateLeak, "[0.100, 0.200, 0.300, 0.400]")],
        );
        check(&[("Where is the <st>cup<ed> [0.1, 0.2, 0.3, 0.4]?", "Left."), ("Who waits?", "Nobody does.")], &[], &[]);
        check(&[("<st>cup<ed> [9, 2, 30, 40]?", "Left.")], &[], &[(0, BoxPixelUnits, "[9, 2, 30, 40]")]);
    }
}
