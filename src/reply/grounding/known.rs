//! The boxes of the prompt, and how a box of a reply stands to them.

use crate::bbox::{NamedBox, UnitBox};
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

/// Words for people, any of which may stand for another.
const PEOPLE: &[&str] = &[
    "person",
    "people",
    "man",
    "men",
    "woman",
    "women",
    "boy",
    "girl",
    "child",
    "children",
    "kid",
    "guy",
    "lady",
    "adult",
    "player",
    "rider",
    "skier",
    "surfer",
    "skateboarder",
    "pedestrian",
    "human",
    "someone",
    "worker",
    "customer",
    "couple",
    "crowd",
    "baby",
    "toddler",
    "figure",
    "individual",
    "spectator",
    "passenger",
    "driver",
    "tourist",
    "batter",
    "catcher",
    "pitcher",
    "umpire",
    "snowboarder",
    "cyclist",
    "chef",
    "cook",
    "family",
];

/// General words that may stand for a thing of many names.
const GENERAL: &[&str] =
    &["object", "thing", "item", "animal", "vehicle", "building", "food", "furniture", "area", "part"];

/// Whether a phrase may name what is called `name`, of which alternatives are set apart by ` / `: they share a word, in
/// singular or plural, or both name people.
fn names_agree(name: &str, phrase: &str) -> bool {
    if name.eq_ignore_ascii_case(phrase) {
        return true;
    }
    let is_any = |known: &[&str], word: &str| known.iter().any(|known| same_noun(known, word));
    words(phrase).any(|word| {
        is_any(GENERAL, word)
            || words(name).any(|of_name| same_noun(of_name, word) || is_any(PEOPLE, word) && is_any(PEOPLE, of_name))
    })
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.filter(|word| !IGNORED.iter().any(|ignored| ignored.eq_ignore_ascii_case(word)))
}

/// Whether two words are equal without regard to case, or one is the plural of the other.
fn same_noun(a: &str, b: &str) -> bool {
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    let Some((start, ending)) = long.split_at_checked(short.len()) else { return false };
    if start.eq_ignore_ascii_case(short) {
        return matches!(ending, "" | "s" | "es");
    }
    let stem = |ending: &str, plural: &str| {
        let stems = short.strip_suffix(ending).zip(long.strip_suffix(plural));
        stems.is_some_and(|(short, long)| short.eq_ignore_ascii_case(long))
    };
    stem("y", "ies") || stem("f", "ves") || stem("fe", "ves") || stem("man", "men") || stem("men", "man")
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
