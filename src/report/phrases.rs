//! The text of a turn with what points at boxes marked in it.

use std::ops::Range;

use crate::report::html::Html;
use crate::report::statistics::verdict_name;
use crate::report::text::cut;
use crate::sample::{Reference, ReferenceBox, Turn, Verdict};

const OPEN: &str = "<st>";
const CLOSE: &str = "<ed>";

/// Longest text of a turn that is shown, in bytes.
const MAX_TEXT: usize = 4_000;

/// What a box of a reply lights up, and what there is to say about it.
#[derive(Debug)]
pub(super) struct Target {
    /// Names of boxes in the picture, with spaces between.
    pub(super) boxes: String,
    /// What the box stands for, in words.
    pub(super) words: String,
}

/// Writes a turn; `target` draws a box into the picture and says what it lights up.
pub(super) fn turn(html: &mut Html, turn: &Turn, mut target: impl FnMut(&str, ReferenceBox) -> Target) {
    let (text, rest) = cut(&turn.text, MAX_TEXT);
    let mut at = 0;
    for (span, reference) in spans(text, &turn.references) {
        html.text(&text[at..span.start]);
        phrase(html, reference, &mut target);
        at = span.end;
    }
    html.text(&text[at..]);
    rest.write(html);
}

fn phrase(html: &mut Html, reference: &Reference, target: &mut impl FnMut(&str, ReferenceBox) -> Target) {
    let targets: Vec<Target> = reference.boxes.iter().map(|found| target(&reference.phrase, *found)).collect();
    let boxes: Vec<&str> = targets.iter().map(|target| target.boxes.as_str()).collect();
    let words: Vec<&str> = targets.iter().map(|target| target.words.as_str()).collect();
    let attributes = [
        ("class", worst_class(reference)),
        ("tabindex", "0"),
        ("data-boxes", &boxes.join(" ")),
        ("title", &words.join("\n")),
    ];
    html.open("mark", &attributes).isolated(cut(&reference.phrase, 200).0);
    for (found, words) in reference.boxes.iter().zip(&words) {
        // What a title says is not read aloud everywhere.
        html.classed("span", "coordinates", &format!(" {}", found.bbox)).classed(
            "span",
            "aloud",
            &format!(" ({words})"),
        );
    }
    html.close("mark");
}

/// Class of the verdict that deserves most attention.
fn worst_class(reference: &Reference) -> &'static str {
    let worst = reference.boxes.iter().map(|found| found.verdict).max_by_key(|verdict| attention(*verdict));
    verdict_class(worst.unwrap_or(Verdict::Unchecked))
}

fn attention(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Exact => 0,
        Verdict::Rounded => 1,
        Verdict::Unchecked => 2,
        Verdict::Near => 3,
        Verdict::NotInInput => 4,
    }
}

/// Class of a box or phrase with this verdict.
pub(super) fn verdict_class(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Exact | Verdict::Rounded => "of-prompt",
        Verdict::Near => "near",
        Verdict::NotInInput => "foreign",
        Verdict::Unchecked => "unchecked",
    }
}

/// What is said of a box: verdict and coordinates.
pub(super) fn verdict_words(found: ReferenceBox) -> String {
    match found.verdict {
        Verdict::Exact => "as in the prompt".to_owned(),
        verdict => verdict_name(verdict).to_owned(),
    }
}

/// Where the references stand in a text, in order: tags, name and boxes.
///
/// Tags of which nothing was made are passed over, and so is a reference that is not found; its boxes are not lost to the
/// reader, who sees the text as it is.
fn spans<'r>(text: &str, references: &'r [Reference]) -> Vec<(Range<usize>, &'r Reference)> {
    let mut spans = Vec::new();
    let mut from = 0;
    for reference in references {
        if let Some(span) = next_span(text, from, reference.phrase.trim()) {
            from = span.end;
            spans.push((span, reference));
        }
    }
    spans
}

/// The next place from here on where a phrase stands between tags.
fn next_span(text: &str, from: usize, phrase: &str) -> Option<Range<usize>> {
    let mut at = from;
    loop {
        let start = at + text[at..].find(OPEN)?;
        let name_from = start + OPEN.len();
        let close = name_from + text[name_from..].find(CLOSE)?;
        if text[name_from..close].trim() == phrase {
            return Some(start..end_of_boxes(text, close + CLOSE.len()));
        }
        at = name_from;
    }
}

/// Behind all brackets that follow one another from here.
fn end_of_boxes(text: &str, from: usize) -> usize {
    let mut end = from;
    loop {
        let rest = &text[end..];
        let gap = rest.len() - rest.trim_start_matches([' ', ',', ';']).len();
        let Some(inner) = rest[gap..].strip_prefix('[') else { return end };
        match inner.find(']') {
            Some(close) if close < 80 => end += gap + 1 + close + 1,
            _ => return end,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bbox::{BoxError, UnitBox};

    #[test]
    fn references_are_found_in_their_text() -> Result<(), BoxError> {
        let bbox = UnitBox::new(0.1, 0.2, 0.3, 0.4)?;
        let reference = |phrase: &str| Reference {
            phrase: phrase.to_owned(),
            boxes: vec![ReferenceBox { bbox, verdict: Verdict::Exact }],
        };
        let text =
            "The <st>two cups<ed> [0.1, 0.2, 0.3, 0.4], [0.5, 0.2, 0.6, 0.4], and <st>a dog<ed> [0.1, 0.2, 0.3, 0.4].";
        let references = [reference("two cups"), reference("gone"), reference("a dog")];
        let found: Vec<&str> = spans(text, &references).into_iter().map(|(span, _)| &text[span]).collect();
        assert_eq!(found, [&text[4..63], &text[69..103]]);
        let behind = "<st>lost<ed> and <st>a dog<ed> [0.1, 0.2, 0.3, 0.4]";
        assert_eq!(spans(behind, &references).len(), 1);
        assert!(spans("no tags", &references).is_empty() && spans("<st>two cups", &references).is_empty());
        Ok(())
    }
}
