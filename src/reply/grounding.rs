//! References: `<st>two cups<ed> [0.120, 0.400, 0.180, 0.520], [0.210, 0.410, 0.260, 0.515]`.

use std::ops::Range;

use crate::bbox::{BoxError, NamedBox, UnitBox};
use crate::reply::IssueCode;
use crate::sample::{Reference, ReferenceBox, Verdict};

/// From which overlap on a box counts as near one of the prompt.
const NEAR_IOU: f64 = 0.7;

/// From which number on an edge is taken for pixels rather than for a fraction that is off.
const PIXELS_FROM: f64 = 2.0;

/// Bytes that a tagged name may have before it is taken for a tag that was not closed.
const MAX_PHRASE: usize = 1_000;

/// Bytes that a bracket may have before it is no longer taken for a box.
const MAX_BRACKET: usize = 200;

/// How other notations for pointing begin.
const FOREIGN: &[&str] =
    &["<box>", "<ref>", "<bbox>", "<|box_start|>", "<|object_ref_start|>", "<loc", "<p>", "<coor>"];

/// What a text points at, and what is wrong with how it does so; spans are bytes of the text.
pub(super) struct Pointing {
    pub(super) references: Vec<Reference>,
    pub(super) findings: Vec<(IssueCode, Range<usize>)>,
}

/// Reads the references of a text and holds their boxes against those of the prompt, where they are known.
pub(super) fn read(text: &str, boxes: Option<&[NamedBox]>) -> Pointing {
    let mut reader = Reader { text, boxes, at: 0, next_close: 0, references: Vec::new(), findings: Vec::new() };
    while let Some(mark) = reader.next_mark() {
        reader.read(mark);
    }
    Pointing { references: reader.references, findings: reader.findings }
}

struct Reader<'a> {
    text: &'a str,
    boxes: Option<&'a [NamedBox]>,
    at: usize,
    /// Where the next `<ed>` starts, or the end of the text, as far as looked up.
    next_close: usize,
    references: Vec<Reference>,
    findings: Vec<(IssueCode, Range<usize>)>,
}

enum Mark {
    Open,
    Close,
    Bracket,
    Foreign,
}

const OPEN: &str = "<st>";
const CLOSE: &str = "<ed>";

impl Reader<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    /// Goes to the next thing that could be part of a reference.
    fn next_mark(&mut self) -> Option<Mark> {
        loop {
            self.at += self.rest().find(['<', '['])?;
            let rest = self.rest();
            if rest.starts_with(OPEN) {
                return Some(Mark::Open);
            } else if rest.starts_with(CLOSE) {
                return Some(Mark::Close);
            } else if rest.starts_with('[') && box_like(rest).is_some() {
                return Some(Mark::Bracket);
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
            Mark::Bracket => {
                self.at += box_like(self.rest()).unwrap_or(1);
                self.found(IssueCode::TagMissing, start);
            }
            Mark::Foreign => {
                self.at += 1;
                self.found(IssueCode::UnsupportedReferenceSyntax, start);
            }
        }
    }

    fn found(&mut self, code: IssueCode, start: usize) {
        self.findings.push((code, start..self.at));
    }

    /// From `<st>` to the last of the boxes behind `<ed>`.
    fn reference(&mut self) {
        let start = self.at;
        self.at += OPEN.len();
        let phrase_start = self.at;
        let Some(close) = self.find_close() else { return self.found(IssueCode::TagUnclosed, start) };
        let phrase = &self.text[phrase_start..close];
        if phrase.len() > MAX_PHRASE {
            return self.found(IssueCode::TagUnclosed, start);
        }
        if phrase.contains(OPEN) {
            return self.found(IssueCode::TagNested, start);
        }
        let phrase = phrase.trim().to_owned();
        self.at = close + CLOSE.len();
        if phrase.is_empty() {
            self.found(IssueCode::TagEmpty, start);
        }
        let n_findings = self.findings.len();
        let boxes = self.box_list();
        if !boxes.is_empty() {
            self.references.push(Reference { phrase, boxes });
        } else if self.findings.len() == n_findings {
            self.found(IssueCode::BoxMissing, start);
        }
    }

    /// Where the next `<ed>` starts; the text is searched once in all.
    fn find_close(&mut self) -> Option<usize> {
        if self.next_close < self.at {
            self.next_close = self.rest().find(CLOSE).map_or(self.text.len(), |len| self.at + len);
        }
        (self.next_close < self.text.len()).then_some(self.next_close)
    }

    /// The boxes behind a tagged name, with commas, "and" or nothing but spaces between them.
    fn box_list(&mut self) -> Vec<ReferenceBox> {
        let mut boxes = Vec::new();
        let mut is_first = true;
        while let Some((gap, len)) = self.next_box(is_first) {
            is_first = false;
            let start = self.at + gap;
            self.at = start + len;
            match parse_box(&self.text[start..self.at]) {
                Ok((bbox, decimals)) => {
                    let verdict = self.boxes.map_or(Verdict::Unchecked, |boxes| verdict(bbox, decimals, boxes));
                    if verdict == Verdict::NotInInput {
                        self.found(IssueCode::BoxNotInInput, start);
                    }
                    boxes.push(ReferenceBox { bbox, verdict });
                }
                Err(code) => self.found(code, start),
            }
        }
        boxes
    }

    /// How far away the next box of the list is, and how long it is.
    fn next_box(&self, is_first: bool) -> Option<(usize, usize)> {
        let rest = self.rest();
        let mut tail = rest.trim_start();
        if !is_first {
            tail = tail.strip_prefix(',').unwrap_or(tail).trim_start();
            tail = tail.strip_prefix("and ").unwrap_or(tail).trim_start();
        }
        let gap = rest.len() - tail.len();
        // Behind a name any bracket is meant to be a box.
        let len = if is_first { tail.starts_with('[').then(|| bracket_len(tail)) } else { box_like(tail) };
        len.map(|len| (gap, len))
    }
}

/// Length of a bracket, up to its end or, without one, that of the line.
fn bracket_len(text: &str) -> usize {
    let text = &text[..text.floor_char_boundary(MAX_BRACKET)];
    let line = text.lines().next().unwrap_or_default();
    line.find(']').map_or(line.len(), |at| at + 1)
}

/// Length of a bracket at the start of `text` that holds a number and nothing but what boxes are made of.
fn box_like(text: &str) -> Option<usize> {
    let inner = text.strip_prefix('[')?;
    let len = inner.bytes().take(MAX_BRACKET).take_while(|b| b.is_ascii_digit() || b" .,;-+%[".contains(b)).count();
    let has_number = inner[..len].bytes().any(|b| b.is_ascii_digit()) && inner[..len].contains([',', '.']);
    (has_number && inner[len..].starts_with(']')).then_some(len + 2)
}

/// The box and how many decimals it was written with, at most.
fn parse_box(bracket: &str) -> Result<(UnitBox, u32), IssueCode> {
    let inner = bracket.strip_prefix('[').and_then(|text| text.strip_suffix(']')).ok_or(IssueCode::BoxMalformed)?;
    let mut edges = [0.0; 4];
    let mut decimals = 0;
    let mut numbers = inner.split(',').map(str::trim);
    for edge in &mut edges {
        let number = numbers.next().ok_or(IssueCode::BoxMalformed)?;
        *edge = number.parse().map_err(|_| IssueCode::BoxMalformed)?;
        decimals = decimals.max(number.split_once('.').map_or(0, |(_, fraction)| fraction.len() as u32));
    }
    if numbers.next().is_some() {
        return Err(IssueCode::BoxMalformed);
    }
    let [x1, y1, x2, y2] = edges;
    let bbox = UnitBox::new(x1, y1, x2, y2).map_err(|problem| match problem {
        BoxError::Inverted | BoxError::Empty => IssueCode::BoxInverted,
        BoxError::OutOfRange if edges.iter().any(|edge| *edge >= PIXELS_FROM) => IssueCode::BoxPixelUnits,
        BoxError::OutOfRange => IssueCode::BoxOutOfRange,
        _ => IssueCode::BoxMalformed,
    })?;
    Ok((bbox, decimals))
}

fn verdict(bbox: UnitBox, decimals: u32, boxes: &[NamedBox]) -> Verdict {
    let edges = bbox.edges();
    // Edges of the prompt are whole thousandths; half of one is more than any error of the arithmetic.
    let agree = |known: &NamedBox, tolerance: f64| {
        known.bbox.edges().iter().zip(edges).all(|(known, edge)| (known - edge).abs() <= tolerance)
    };
    if boxes.iter().any(|known| agree(known, 0.000_5)) {
        return Verdict::Exact;
    }
    let half_unit = 0.5 * 10_f64.powi(-(decimals.min(9) as i32)) + 1e-9;
    if decimals < 3 && boxes.iter().any(|known| agree(known, half_unit)) {
        return Verdict::Rounded;
    }
    let overlap = boxes.iter().map(|known| known.bbox.iou(bbox)).fold(0.0, f64::max);
    if overlap >= NEAR_IOU { Verdict::Near } else { Verdict::NotInInput }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, phrases: &[&str], codes: &[IssueCode]) {
        let boxes = [NamedBox { name: "cup".into(), bbox: UnitBox::new(0.125, 0.25, 0.5, 0.75).unwrap() }];
        let pointing = read(text, Some(&boxes));
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
    }

    #[test]
    fn references_and_their_verdicts() {
        check("The <st>cup<ed> [0.125, 0.250, 0.500, 0.750].", &["cup Exact"], &[]);
        check("<st>cup<ed>[0.13,0.25,0.5,0.75] and", &["cup Rounded"], &[]);
        check("<st>cups<ed> [0.126, 0.250, 0.500, 0.750] and [0.125, 0.25, 0.5, 0.75]", &["cups Near Exact"], &[]);
        check("<st>cat<ed> [0.8, 0.8, 0.9, 0.9]", &["cat NotInInput"], &[IssueCode::BoxNotInInput]);
        check("no tags, but [1] and [sic]", &[], &[]);
    }

    #[test]
    fn defects_of_tags_and_boxes() {
        use IssueCode::*;
        check("<st>cup [0.125, 0.250, 0.500, 0.750]", &[], &[TagUnclosed, TagMissing]);
        check("cup<ed> and", &[], &[TagUnclosed]);
        check("<st>a <st>cup<ed> [0.125, 0.250, 0.500, 0.750]", &["cup Exact"], &[TagNested]);
        check("<st> <ed> [0.125, 0.250, 0.500, 0.750]", &[" Exact"], &[TagEmpty]);
        check("<st>cup<ed> is", &[], &[BoxMissing]);
        check("<st>cup<ed> [0.9, 0.1, 0.2, 0.4]", &[], &[BoxInverted]);
        check("<st>cup<ed> [0.9, 0.1, 1.2, 0.4]", &[], &[BoxOutOfRange]);
        check("<st>cup<ed> [90, 10, 120, 40]", &[], &[BoxPixelUnits]);
        check("<st>cup<ed> [0.1, 0.2, 0.3]", &[], &[BoxMalformed]);
        check("<st>cup<ed> [left]", &[], &[BoxMalformed]);
        check("<st>cup<ed> [0.1, 0.2", &[], &[BoxMalformed]);
        check("<box>0.1</box>", &[], &[UnsupportedReferenceSyntax]);
    }
}
