//! The boxes of the prompt, and how a box of a reply stands to them.

use crate::bbox::{NamedBox, UnitBox};
use crate::noun::{plural, same_things, singular};
use crate::sample::Verdict;

/// The boxes of a prompt, ready to be looked up.
#[derive(Debug)]
pub(super) struct KnownBoxes<'a> {
    boxes: &'a [NamedBox],
    /// Their edges in thousandths.
    keys: Vec<[u16; 4]>,
    near_iou: f64,
}

/// How a box stands to those of the prompt.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Matched {
    pub(super) verdict: Verdict,
    /// The box of the prompt that it is or is nearest to.
    pub(super) known: Option<UnitBox>,
}

impl<'a> KnownBoxes<'a> {
    pub(super) fn new(boxes: &'a [NamedBox], near_iou: f64) -> Self {
        Self { boxes, keys: boxes.iter().map(|known| known.bbox.thousandths()).collect(), near_iou }
    }

    /// The box with this number, counted from 1 in the order of the prompt.
    pub(super) fn by_number(&self, number: usize) -> Option<UnitBox> {
        self.boxes.get(number.checked_sub(1)?).map(|known| known.bbox)
    }

    pub(super) fn find(&self, bbox: UnitBox, decimals: u32) -> Matched {
        let key = bbox.thousandths();
        if let Some(index) = self.keys.iter().position(|known| *known == key) {
            return Matched { verdict: Verdict::Exact, known: Some(self.boxes[index].bbox) };
        }
        let half_unit = 0.5 * 10_f64.powi(-(decimals.min(9) as i32)) + 1e-9;
        let agrees = |known: &&NamedBox| {
            known.bbox.edges().iter().zip(bbox.edges()).all(|(known, edge)| (known - edge).abs() <= half_unit)
        };
        if let Some(known) = self.boxes.iter().find(|known| decimals < 3 && agrees(known)) {
            return Matched { verdict: Verdict::Rounded, known: Some(known.bbox) };
        }
        let overlaps = self.boxes.iter().map(|known| (known.bbox.iou(bbox), known.bbox));
        match overlaps.max_by(|a, b| a.0.total_cmp(&b.0)) {
            Some((overlap, known)) if overlap >= self.near_iou => {
                Matched { verdict: Verdict::Near, known: Some(known) }
            }
            _ => Matched { verdict: Verdict::NotInInput, known: None },
        }
    }

    /// Whether the prompt gives this box of its own to something that the phrase may name.
    pub(super) fn may_be_called(&self, known: UnitBox, phrase: &str) -> bool {
        let key = known.thousandths();
        let mut names =
            self.boxes.iter().zip(&self.keys).filter(|(_, found)| **found == key).map(|(known, _)| &known.name);
        names.any(|name| names_agree(name, phrase))
    }
}

/// Words that say nothing about what a phrase names.
const IGNORED: &[&str] =
    &["a", "an", "the", "of", "in", "on", "with", "and", "at", "to", "his", "her", "its", "their", "is"];

/// General words that may stand for a thing of many names.
const GENERAL: &[&str] =
    &["object", "thing", "item", "animal", "vehicle", "building", "food", "furniture", "area", "part"];

/// Whether a phrase may name what is called `name`, of which alternatives are set apart by ` / `: they share a word, in
/// singular or plural, or words for the same kind of thing.
fn names_agree(name: &str, phrase: &str) -> bool {
    if name.eq_ignore_ascii_case(phrase) {
        return true;
    }
    words(phrase).any(|word| {
        let word = singular(&word.to_lowercase());
        GENERAL.contains(&word.as_str()) || words(name).any(|of_name| may_be_same(&word, &of_name.to_lowercase()))
    })
}

fn may_be_same(word: &str, of_name: &str) -> bool {
    let of_name = singular(of_name);
    // "Glasses" are several, or what one wears.
    let is_same = word == of_name || plural(&of_name) == word || plural(word) == of_name;
    is_same || same_things(word).is_some_and(|mut names| names.any(|name| name == of_name))
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.filter(|word| !IGNORED.iter().any(|ignored| ignored.eq_ignore_ascii_case(word)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phrases_that_may_name_a_thing() {
        for (name, phrase) in [
            ("cup", "cup"),
            ("cup", "two red cups"),
            ("mug / cup", "the Cup"),
            ("man", "person in a hat"),
            ("men", "the woman"),
            ("a man in a red shirt", "red shirt"),
            ("bus", "buses"),
            ("suitcase", "four suitcases"),
            ("berry", "berries"),
            ("bookshelf", "bookshelves"),
            ("policemen", "policeman"),
            ("glass", "glasses"),
            ("dog", "animal"),
            ("puppy", "the dog"),
        ] {
            assert!(names_agree(name, phrase), "{name} {phrase}");
        }
        for (name, phrase) in
            [("cup", "dog"), ("man", "horse"), ("bus", "bush"), ("cup", "the"), ("the cup", "the dog")]
        {
            assert!(!names_agree(name, phrase), "{name} {phrase}");
        }
    }
}
