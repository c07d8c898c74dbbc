//! References: `<st>two cups<ed> [0.120, 0.400, 0.180, 0.520], [0.210, 0.410, 0.260, 0.515]`.

mod boxes;
mod known;

use std::ops::Range;

use memchr::{memchr, memchr_iter, memchr2};

use crate::bbox::NamedBox;
use crate::reply::grounding::boxes::{Bracket, Holds, box_like, bracket};
use crate::reply::grounding::known::{KnownBoxes, Matched};
use crate::reply::{IssueCode, Origin};
use crate::sample::{Reference, ReferenceBox, Verdict};

/// How boxes of replies are held against those of the prompt.
///
/// # Example
/// ```
/// use svitgen::reply::{Grounding, ReplyContext, ReplyForm, ReplyParser};
/// use svitgen::{NamedBox, UnitBox};
/// let boxes = [NamedBox { name: "cup".into(), bbox: UnitBox::new(0.125, 0.25, 0.5, 0.75)? }];
/// let parser = ReplyParser::new(ReplyForm::QaList { pairs: 1 }).grounded_by(Grounding::default().snapping());
/// let reply = "Question: What is the <st>cup<ed> [0.126, 0.25, 0.5, 0.75] for?\nAnswer: Tea.";
/// let parsed = parser.parse(reply, &ReplyContext::default().with_boxes(&boxes));
/// let question = parsed.items[0].question.as_ref().unwrap();
/// assert_eq!(question.text, "What is the <st>cup<ed> [0.125, 0.250, 0.500, 0.750] for?");
/// # Ok::<(), svitgen::BoxError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Grounding {
    near_iou: f64,
    is_snapping: bool,
}

impl Default for Grounding {
    fn default() -> Self {
        Self { near_iou: 0.7, is_snapping: false }
    }
}

impl Grounding {
    /// Sets from which overlap on, as intersection over union in 0 to 1, a box counts as near one of the prompt; 0.7 by
    /// default.
    #[must_use]
    pub fn with_near_iou(mut self, near_iou: f64) -> Self {
        self.near_iou = near_iou;
        self
    }

    /// Replaces boxes that are rounded or near by the annotated ones. The text then is [`Origin::Snapped`], and the item
    /// has the issue [`IssueCode::BoxRepaired`].
    #[must_use]
    pub fn snapping(mut self) -> Self {
        self.is_snapping = true;
        self
    }
}

/// Bytes that a tagged name may have before it is taken for a tag that was not closed.
const MAX_PHRASE: usize = 1_000;

/// How other notations for pointing begin.
const FOREIGN: &[&str] =
    &["<box>", "<ref>", "<bbox>", "<|box_start|>", "<|object_ref_start|>", "<loc", "<p>", "<coor>", "<grounding>"];

const OPEN: &str = "<st>";
const CLOSE: &str = "<ed>";

/// Closing tags that are meant to be `<ed>`.
const OTHER_CLOSES: &[&str] = &["</st>", "</ed>", "<ed/>", "<et>"];

/// What a text points at, and what is wrong with how it does so; spans are bytes of the text.
#[derive(Debug, Default)]
pub(super) struct Pointing {
    pub(super) references: Vec<Reference>,
    pub(super) findings: Vec<(IssueCode, Range<usize>)>,
    /// The text in the form that was asked for, and what made it so, if it was not.
    pub(super) rewritten: Option<(String, Origin)>,
}

/// The boxes of a prompt and how replies are held against them.
#[derive(Debug)]
pub(super) struct Grounder<'a> {
    known: Option<KnownBoxes<'a>>,
    is_snapping: bool,
}

impl<'a> Grounder<'a> {
    pub(super) fn new(grounding: Grounding, boxes: Option<&'a [NamedBox]>) -> Self {
        let known = boxes.map(|boxes| KnownBoxes::new(boxes, grounding.near_iou));
        Self { known, is_snapping: grounding.is_snapping }
    }

    /// Reads the references of a text and holds their boxes against those of the prompt, where they are known.
    pub(super) fn read(&self, text: &str) -> Pointing {
        let pointing = Pointing::default();
        let mut reader = Reader { text, grounder: self, at: 0, next_close: 0, pointing, edits: Vec::new() };
        while let Some(mark) = reader.next_mark() {
            reader.read(mark);
        }
        reader.finish()
    }
}

struct Reader<'t, 'a> {
    text: &'t str,
    grounder: &'t Grounder<'a>,
    at: usize,
    /// Where the next `<ed>` starts, or the end of the text, as far as looked up.
    next_close: usize,
    pointing: Pointing,
    /// What is to be written in place of which bytes.
    edits: Vec<(Range<usize>, String, Origin)>,
}

enum Mark {
    Open,
    Close,
    Bracket(Bracket),
    Foreign,
}

impl Reader<'_, '_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    /// Goes to the next thing that could be part of a reference.
    fn next_mark(&mut self) -> Option<Mark> {
        loop {
            self.at += memchr2(b'<', b'[', self.rest().as_bytes())?;
            let rest = self.rest();
            if rest.starts_with('[') {
                if let Some(bracket) = box_like(rest) {
                    return Some(Mark::Bracket(bracket));
                }
            } else if rest.starts_with(OPEN) {
                return Some(Mark::Open);
            } else if rest.starts_with(CLOSE) {
                return Some(Mark::Close);
            } else if FOREIGN.iter().any(|mark| rest.starts_with(mark)) {
                return Some(Mark::Foreign);
            }
            self.at += 1;
        }
    }

    fn read(&mut self, mark: Mark) {
        let start = self.at;
        match mark {
            Mark::Open => self.reference(),
            Mark::Close => {
                self.at += CLOSE.len();
                self.found(IssueCode::TagUnclosed, start);
            }
            Mark::Bracket(bracket) => {
                self.at += bracket.len;
                self.found(IssueCode::TagMissing, start);
            }
            Mark::Foreign => {
                self.at += 1;
                self.found(IssueCode::UnsupportedReferenceSyntax, start);
            }
        }
    }

    fn found(&mut self, code: IssueCode, start: usize) {
        self.pointing.findings.push((code, start..self.at));
    }

    /// From `<st>` to the last of the boxes behind `<ed>`.
    fn reference(&mut self) {
        let start = self.at;
        self.at += OPEN.len();
        let phrase_start = self.at;
        let Some((phrase_end, end)) = self.close() else { return self.found(IssueCode::TagUnclosed, start) };
        let phrase = &self.text[phrase_start..phrase_end];
        if phrase.len() > MAX_PHRASE {
            return self.found(IssueCode::TagUnclosed, start);
        }
        if phrase.contains(OPEN) {
            return self.found(IssueCode::TagNested, start);
        }
        let phrase = phrase.trim();
        self.at = end;
        if phrase.is_empty() {
            self.found(IssueCode::TagEmpty, start);
        }
        let n_findings = self.pointing.findings.len();
        let boxes = self.box_list(phrase);
        if !boxes.is_empty() {
            self.pointing.references.push(Reference { phrase: phrase.to_owned(), boxes });
        } else if self.pointing.findings.len() == n_findings {
            self.found(IssueCode::BoxMissing, start);
        }
    }

    /// Where the phrase ends and where its closing tag does, `<ed>` or what is meant to be one.
    fn close(&mut self) -> Option<(usize, usize)> {
        let usual = self.find_close();
        // A slash is in no name, so that a short look is enough.
        let window = &self.text[self.at..self.text.floor_char_boundary((self.at + MAX_PHRASE).min(usual))];
        let other = memchr(b'<', window.as_bytes()).and_then(|at| {
            OTHER_CLOSES.iter().find(|tag| window[at..].starts_with(*tag)).map(|tag| (self.at + at, tag))
        });
        match other {
            Some((at, tag)) => {
                let span = at..at + tag.len();
                self.pointing.findings.push((IssueCode::TagRepaired, span.clone()));
                self.edits.push((span.clone(), CLOSE.to_owned(), Origin::Rendered));
                Some((span.start, span.end))
            }
            None => (usual < self.text.len()).then_some((usual, usual + CLOSE.len())),
        }
    }

    /// Where the next `<ed>` starts; the text is searched once in all.
    fn find_close(&mut self) -> usize {
        if self.next_close < self.at {
            let rest = self.rest();
            let found = memchr_iter(b'<', rest.as_bytes()).find(|at| rest[*at..].starts_with(CLOSE));
            self.next_close = found.map_or(self.text.len(), |len| self.at + len);
        }
        self.next_close
    }

    /// The boxes behind a tagged name, with commas, "and" or nothing but spaces between them.
    fn box_list(&mut self, phrase: &str) -> Vec<ReferenceBox> {
        let mut boxes = Vec::new();
        let mut is_first = true;
        while let Some((gap, bracket)) = self.next_box(is_first) {
            is_first = false;
            let start = self.at + gap;
            self.at = start + bracket.len;
            match bracket.holds {
                Holds::Box { bbox, decimals, rewritten } => {
                    if let Some(rewritten) = rewritten {
                        self.found(IssueCode::BoxRepaired, start);
                        self.edits.push((start..self.at, rewritten, Origin::Rendered));
                    }
                    let matched = self.matched(bbox, decimals);
                    boxes.push(self.judge(start, bbox, matched, phrase));
                }
                Holds::Numbers(numbers) => self.by_numbers(start, &numbers, phrase, &mut boxes),
                Holds::Defect(code) => self.found(code, start),
            }
        }
        boxes
    }

    fn matched(&self, bbox: crate::bbox::UnitBox, decimals: u32) -> Matched {
        let unchecked = Matched { verdict: Verdict::Unchecked, known: None };
        self.grounder.known.as_ref().map_or(unchecked, |known| known.find(bbox, decimals))
    }

    /// Says what is wrong with a box that stands from `start` on, and snaps it if that is wanted.
    fn judge(&mut self, start: usize, bbox: crate::bbox::UnitBox, matched: Matched, phrase: &str) -> ReferenceBox {
        let Some(known) = matched.known else {
            if matched.verdict == Verdict::NotInInput {
                self.found(IssueCode::BoxNotInInput, start);
            }
            return ReferenceBox { bbox, verdict: matched.verdict };
        };
        let names = self.grounder.known.as_ref();
        if !phrase.is_empty() && names.is_some_and(|names| !names.may_be_called(known, phrase)) {
            self.found(IssueCode::PhraseBoxMismatch, start);
        }
        if self.grounder.is_snapping && matched.verdict != Verdict::Exact {
            self.found(IssueCode::BoxRepaired, start);
            self.edits.retain(|(span, _, _)| span.start != start);
            self.edits.push((start..self.at, known.to_string(), Origin::Snapped));
            return ReferenceBox { bbox: known, verdict: matched.verdict };
        }
        ReferenceBox { bbox, verdict: matched.verdict }
    }

    /// Writes the boxes that are cited by their numbers.
    fn by_numbers(&mut self, start: usize, numbers: &[usize], phrase: &str, boxes: &mut Vec<ReferenceBox>) {
        let by_number = |number: &usize| self.grounder.known.as_ref()?.by_number(*number);
        let Some(cited) = numbers.iter().map(by_number).collect::<Option<Vec<_>>>() else {
            let code = if self.grounder.known.is_some() { IssueCode::BoxMissing } else { IssueCode::BoxMalformed };
            return self.found(code, start);
        };
        let written: Vec<String> = cited.iter().map(ToString::to_string).collect();
        self.edits.push((start..self.at, written.join(", "), Origin::Rendered));
        for bbox in cited {
            let matched = Matched { verdict: Verdict::Exact, known: Some(bbox) };
            let judged = self.judge(start, bbox, matched, phrase);
            boxes.push(judged);
        }
    }

    /// How far away the next box of the list is, and what it is.
    fn next_box(&self, is_first: bool) -> Option<(usize, Bracket)> {
        let rest = self.rest();
        let mut tail = rest.trim_start();
        if is_first {
            tail = tail.strip_prefix(':').unwrap_or(tail).trim_start();
        } else {
            tail = tail.strip_prefix(',').unwrap_or(tail).trim_start();
            tail = tail.strip_prefix("and ").unwrap_or(tail).trim_start();
        }
        let gap = rest.len() - tail.len();
        // Behind a name any bracket is meant to be a box; round ones only if they hold one.
        let found = if is_first { bracket(tail) } else { box_like(tail) }?;
        let is_meant = tail.starts_with('[') || matches!(found.holds, Holds::Box { .. });
        is_meant.then_some((gap, found))
    }

    fn finish(mut self) -> Pointing {
        if !self.edits.is_empty() {
            self.edits.sort_by_key(|(span, _, _)| span.start);
            let mut text = String::with_capacity(self.text.len() + 64);
            let mut at = 0;
            let mut origin = Origin::Rendered;
            for (span, written, of_edit) in &self.edits {
                text.push_str(&self.text[at..span.start]);
                text.push_str(written);
                at = span.end;
                origin = if *of_edit == Origin::Snapped { Origin::Snapped } else { origin };
            }
            text.push_str(&self.text[at..]);
            self.pointing.rewritten = Some((text, origin));
        }
        self.pointing
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bbox::UnitBox;

    #[track_caller]
    fn check_with(grounding: Grounding, text: &str, phrases: &[&str], codes: &[IssueCode], rewritten: Option<&str>) {
        let boxes = [
            NamedBox { name: "cup".into(), bbox: UnitBox::new(0.125, 0.25, 0.5, 0.75).unwrap() },
            NamedBox { name: "dog".into(), bbox: UnitBox::new(0.6, 0.1, 0.7, 0.2).unwrap() },
        ];
        let pointing = Grounder::new(grounding, Some(&boxes)).read(text);
        let written: Vec<String> = pointing
            .references
            .iter()
            .map(|reference| {
                let verdicts: Vec<String> = reference.boxes.iter().map(|b| format!("{:?}", b.verdict)).collect();
                format!("{} {}", reference.phrase, verdicts.join(" "))
            })
            .collect();
        assert_eq!(written, phrases, "{text}");
        assert_eq!(pointing.findings.into_iter().map(|(code, _)| code).collect::<Vec<_>>(), codes, "{text}");
        assert_eq!(pointing.rewritten.as_ref().map(|(text, _)| text.as_str()), rewritten, "{text}");
    }

    #[track_caller]
    fn check(text: &str, phrases: &[&str], codes: &[IssueCode]) {
        check_with(Grounding::default(), text, phrases, codes, None);
    }

    #[test]
    fn references_and_their_verdicts() {
        check("The <st>cup<ed> [0.125, 0.250, 0.500, 0.750].", &["cup Exact"], &[]);
        check("<st>cup<ed>[0.13,0.25,0.5,0.75] and", &["cup Rounded"], &[]);
        check("<st>cup<ed>: [0.125, 0.250, 0.500, 0.750]", &["cup Exact"], &[]);
        check("<st>cups<ed> [0.126, 0.250, 0.500, 0.750] and [0.125, 0.25, 0.5, 0.75]", &["cups Near Exact"], &[]);
        check("<st>cat<ed> [0.8, 0.8, 0.9, 0.9]", &["cat NotInInput"], &[IssueCode::BoxNotInInput]);
        check("<st>cup<ed> [0.6, 0.1, 0.7, 0.2]", &["cup Exact"], &[IssueCode::PhraseBoxMismatch]);
        check("no tags, but [1] and [sic]", &[], &[]);
    }

    #[test]
    fn defects_of_tags_and_boxes() {
        use IssueCode::*;
        check("<st>cup [0.125, 0.250, 0.500, 0.750]", &[], &[TagUnclosed, TagMissing]);
        check("cup<ed> and", &[], &[TagUnclosed]);
        check("<st>a <st>cup<ed> [0.125, 0.250, 0.500, 0.750]", &["cup Exact"], &[TagNested]);
        check("<st> <ed> [0.125, 0.250, 0.500, 0.750]", &[" Exact"], &[TagEmpty]);
        check("<st>cup<ed> is (big)", &[], &[BoxMissing]);
        check("<st>cup<ed> (big)", &[], &[BoxMissing]);
        check("<st>cup<ed> [0.9, 0.1, 0.2, 0.4]", &[], &[BoxInverted]);
        check("<st>cup<ed> [90, 10, 120, 40]", &[], &[BoxPixelUnits]);
        check("<st>cup<ed> [0.1, 0.2, 0.3]", &[], &[BoxMalformed]);
        check("<box>0.1</box>", &[], &[UnsupportedReferenceSyntax]);
    }

    #[test]
    fn texts_that_are_put_right() {
        use IssueCode::*;
        let check = |text, phrases: &[&str], codes: &[IssueCode], rewritten| {
            check_with(Grounding::default(), text, phrases, codes, Some(rewritten));
        };
        let right = "<st>cup<ed> [0.125, 0.25, 0.5, 0.75].";
        check("<st>cup<ed> (0.125, 0.25, 0.5, 0.75).", &["cup Exact"], &[BoxRepaired], right);
        check("<st>cup</st> [0.125, 0.25, 0.5, 0.75].", &["cup Exact"], &[TagRepaired], right);
        let numbered = "<st>cup<ed> [0.125, 0.250, 0.500, 0.750], [0.600, 0.100, 0.700, 0.200]!";
        check("<st>cup<ed> [1, 2]!", &["cup Exact Exact"], &[PhraseBoxMismatch], numbered);
        check_with(Grounding::default(), "<st>cup<ed> [7]", &[], &[BoxMissing], None);
    }

    #[test]
    fn snapping_leaves_a_trace() {
        let snapping = Grounding::default().with_near_iou(0.5).snapping();
        check_with(
            snapping,
            "A <st>cup<ed> [0.13, 0.25, 0.5, 0.7].",
            &["cup Near"],
            &[IssueCode::BoxRepaired],
            Some("A <st>cup<ed> [0.125, 0.250, 0.500, 0.750]."),
        );
        check_with(snapping, "A <st>cup<ed> [0.125, 0.25, 0.5, 0.75].", &["cup Exact"], &[], None);
    }
}
