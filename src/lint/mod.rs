//! Hallucination lint: what an answer claims and the annotations of its image do not bear out.
//!
//! It works offline by plain rules and names its evidence. It flags and drops nothing: annotations are never complete, so
//! a doubt is a reason to look, not a proof. It reads English.
//!
//! Start with [`Lint`].

mod facts;
mod words;

use std::collections::HashSet;

use crate::annotation::ImageRecord;
use crate::lint::facts::Facts;
use crate::lint::words::{COLOURS, number, words};
use crate::noun::{same_things, singular};
use crate::sample::{Doubt, DoubtKind, Support};

/// Words before a name by which it is not claimed to be there.
const DENIALS: &[&str] =
    &["no", "not", "without", "isn't", "aren't", "never", "neither", "nor", "any", "absence", "lack"];

/// Words in a sentence by which it guesses or speaks of what is not in the image.
const HEDGES: &[&str] = &[
    "might",
    "may",
    "could",
    "would",
    "should",
    "if",
    "perhaps",
    "possibly",
    "probably",
    "likely",
    "suggests",
    "suggest",
    "imagine",
    "usually",
    "often",
    "typically",
    "generally",
    "such",
    "future",
];

/// How far behind a number or a colour its noun may stand, in words.
const REACH: usize = 2;

/// By how much the centres of boxes must lie the other way before a position is doubted, as a fraction of the image.
const MARGIN: f64 = 0.02;

/// Holds texts against the annotations of one image.
///
/// It doubts names of things that no annotation has, counts that differ from those of the merged boxes, positions that
/// the boxes contradict, and colours that the annotations give otherwise.
///
/// # Example
/// ```
/// use svitgen::{ImageRecord, Lint, UnitBox};
/// let record = ImageRecord::builder(1)
///     .object("dog", UnitBox::new(0.1, 0.5, 0.3, 0.9)?)
///     .object("cat", UnitBox::new(0.6, 0.5, 0.8, 0.9)?)
///     .phrase("a black dog")
///     .build();
/// let lint = Lint::new(&record);
/// assert_eq!(lint.check("A black dog sits to the left of the cat.").score, 1.0);
/// let support = lint.check("A white dog sits to the right of the cat, near a bicycle.");
/// let reasons: Vec<_> = support.doubts.iter().map(|doubt| doubt.reason.as_str()).collect();
/// assert_eq!(reasons, [
///     "no annotation has a bicycle",
///     "the dog is annotated as black",
///     "the dog is annotated to the left of the cat",
/// ]);
/// # Ok::<(), svitgen::BoxError>(())
/// ```
#[derive(Debug)]
pub struct Lint {
    facts: Facts,
}

impl Lint {
    /// Takes in the annotations of an image.
    pub fn new(record: &ImageRecord) -> Self {
        Self { facts: Facts::new(record) }
    }

    /// What of a text the annotations bear out.
    pub fn check(&self, text: &str) -> Support {
        let mut findings = Findings::default();
        let plain = without_boxes(text);
        for sentence in plain.split(['.', '!', '?', ';', '\n']) {
            let words: Vec<String> = words(sentence).collect();
            let is_guess = words.iter().any(|word| HEDGES.contains(&word.as_str()));
            if !is_guess {
                self.things(&words, &mut findings);
                self.counts(&words, &mut findings);
                self.colours(&words, &mut findings);
                self.positions(&words, &mut findings);
            }
        }
        findings.support()
    }

    /// Names of things that no annotation has.
    fn things(&self, words: &[String], findings: &mut Findings) {
        for (index, word) in words.iter().enumerate() {
            let name = singular(word);
            let Some(mut names) = same_things(&name) else { continue };
            if is_denied(words, index) || !findings.mentioned.insert(name.clone()) {
                continue;
            }
            let is_known = self.facts.mentions(&name) || names.any(|name| self.facts.mentions(name));
            findings.claim(!is_known, DoubtKind::Object, word, || format!("no annotation has a {name}"));
        }
    }

    /// `three cups`, where the merged boxes are of another number.
    fn counts(&self, words: &[String], findings: &mut Findings) {
        for (index, word) in words.iter().enumerate() {
            let Some(stated) = number(word) else { continue };
            let behind = &words[index + 1..(index + 1 + REACH).min(words.len())];
            let noun = behind.iter().find_map(|noun| Some((noun, self.facts.boxes(&singular(noun))?)));
            let Some((noun, boxes)) = noun.filter(|(noun, _)| singular(noun) != **noun) else { continue };
            let quote = format!("{word} {noun}");
            findings.claim(boxes.len() != stated, DoubtKind::Count, &quote, || {
                format!("{} of {noun} annotated", boxes.len())
            });
        }
    }

    /// `red car`, where the annotations give the car other colours and never this one.
    fn colours(&self, words: &[String], findings: &mut Findings) {
        for (index, word) in words.iter().enumerate() {
            let Some(colour) = COLOURS.iter().find(|colour| *colour == word) else { continue };
            let behind = &words[index + 1..(index + 1 + REACH).min(words.len())];
            let noun = behind.iter().take_while(|word| word.as_str() != "and" && word.as_str() != "with");
            let known = noun.filter(|noun| same_things(&singular(noun)).is_some());
            let Some((noun, colours)) =
                known.filter_map(|noun| Some((singular(noun), self.facts.colours(&singular(noun))?))).next()
            else {
                continue;
            };
            let is_same = |known: &&str| known == colour || is_grey(known) && is_grey(colour);
            let is_known = colours.iter().any(is_same);
            findings.claim(!is_known, DoubtKind::Colour, &format!("{colour} {noun}"), || {
                let mut colours: Vec<_> = colours.iter().copied().collect();
                colours.sort_unstable();
                format!("the {noun} is annotated as {}", colours.join(", "))
            });
        }
    }

    /// `X ... left of Y`, where each has one box and they lie the other way.
    fn positions(&self, words: &[String], findings: &mut Findings) {
        for (index, word) in words.iter().enumerate() {
            let (axis, sign, opposite) = match word.as_str() {
                "left" => (0, -1.0, "to the right of"),
                "right" => (0, 1.0, "to the left of"),
                "above" => (1, -1.0, "below"),
                "below" | "under" | "beneath" => (1, 1.0, "above"),
                _ => continue,
            };
            let is_relation = axis == 1 || words.get(index + 1).is_some_and(|next| next == "of");
            let (before, behind) = (self.single(words[..index].iter().rev()), self.single(words[index + 1..].iter()));
            let (Some((subject, one)), Some((object, other)), true) = (before, behind, is_relation) else { continue };
            let at = |bbox: crate::bbox::UnitBox| if axis == 0 { bbox.center().0 } else { bbox.center().1 };
            let is_contradicted = (at(one) - at(other)) * sign < -MARGIN;
            findings.claim(is_contradicted, DoubtKind::Position, &format!("{subject} {word} {object}"), || {
                format!("the {subject} is annotated {opposite} the {object}")
            });
        }
    }

    /// The first thing among these words, if it has one box.
    fn single<'w>(&self, words: impl Iterator<Item = &'w String>) -> Option<(String, crate::bbox::UnitBox)> {
        let mut names = words.map(|word| singular(word)).filter(|name| same_things(name).is_some());
        let name = names.next()?;
        match self.facts.boxes(&name)? {
            [only] => Some((name, *only)),
            _ => None,
        }
    }
}

fn is_grey(colour: &str) -> bool {
    matches!(colour, "grey" | "gray" | "silver")
}

fn is_denied(words: &[String], index: usize) -> bool {
    words[index.saturating_sub(3)..index].iter().any(|word| DENIALS.contains(&word.as_str()))
}

/// The text without tags and boxes, of which the numbers count nothing.
fn without_boxes(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut in_brackets = false;
    for c in text.chars() {
        match c {
            '[' => in_brackets = true,
            ']' => in_brackets = false,
            _ if !in_brackets => plain.push(c),
            _ => {}
        }
    }
    plain.replace("<st>", " ").replace("<ed>", " ")
}

/// What was claimed and what of it is in doubt.
#[derive(Debug, Default)]
struct Findings {
    n_claims: usize,
    doubts: Vec<Doubt>,
    mentioned: HashSet<String>,
}

impl Findings {
    fn claim(&mut self, is_doubtful: bool, kind: DoubtKind, quote: &str, reason: impl FnOnce() -> String) {
        self.n_claims += 1;
        if is_doubtful {
            self.doubts.push(Doubt { kind, quote: quote.to_owned(), reason: reason() });
        }
    }

    fn support(mut self) -> Support {
        self.doubts.sort_by(|a, b| (a.kind, &a.reason).cmp(&(b.kind, &b.reason)));
        self.doubts.dedup();
        let n_borne_out = self.n_claims.saturating_sub(self.doubts.len());
        let score = if self.n_claims == 0 { 1.0 } else { n_borne_out as f64 / self.n_claims as f64 };
        Support { score, n_claims: self.n_claims, doubts: self.doubts }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::annotation::{Attribute, Object};
    use crate::bbox::UnitBox;

    fn lint() -> Lint {
        let unit = |x1, y1, x2, y2| UnitBox::new(x1, y1, x2, y2).unwrap();
        let mut record = ImageRecord::builder(1)
            .object("man", unit(0.1, 0.2, 0.3, 0.9))
            .object("car", unit(0.5, 0.5, 0.9, 0.9))
            .object("cup", unit(0.40, 0.1, 0.45, 0.2))
            .object("cup", unit(0.60, 0.1, 0.65, 0.2))
            .object("cup", unit(0.601, 0.1, 0.651, 0.2))
            .phrase("white cups on a shelf")
            .caption("A man waits next to his car.")
            .build();
        record.attributes.push(Attribute::new(Object::new("car", unit(0.5, 0.5, 0.9, 0.9)), ["red", "parked"]));
        Lint::new(&record)
    }

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let found: Vec<String> = lint().check(text).doubts.into_iter().map(|doubt| doubt.reason).collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn what_the_annotations_bear_out() {
        for text in [
            "A person stands to the left of a red car.",
            "Two white cups stand on the shelf.",
            "There is no dog in the image.",
            "He might be waiting for a bus.",
            "The cups are above the car.",
            "It is a calm morning.",
            "",
        ] {
            check(text, &[]);
        }
    }

    #[test]
    fn what_they_do_not() {
        check("A dog sits next to the man.", &["no annotation has a dog"]);
        check("Three cups stand on the shelf.", &["2 of cups annotated"]);
        check("The man waits next to his blue car.", &["the car is annotated as red"]);
        check("The man is to the right of the car.", &["the man is annotated to the left of the car"]);
        check("The <st>man<ed> [0.1, 0.2, 0.3, 0.9] rides a horse.", &["no annotation has a horse"]);
    }

    #[test]
    fn scores_are_shares_of_claims() {
        let support = lint().check("A man and a dog.");
        assert_eq!((support.n_claims, support.score), (2, 0.5));
        assert_eq!(lint().check("How nice.").score, 1.0);
    }
}
