//! What the annotations of an image say, ready to be held against a text.

use std::collections::{HashMap, HashSet};

use crate::annotation::ImageRecord;
use crate::bbox::UnitBox;
use crate::lint::words::{COLOURS, words};
use crate::noun::singular;

/// Overlap from which on two boxes of one name are one thing.
const SAME_IOU: f64 = 0.7;

/// All words, boxes and colours of the annotations.
#[derive(Debug, Default)]
pub(super) struct Facts {
    words: HashSet<String>,
    /// By name in singular: the boxes of the things of that name, merged.
    boxes: HashMap<String, Vec<UnitBox>>,
    /// By name: whether a crowd or a box out of the image makes counting vain.
    uncountable: HashSet<String>,
    /// By name: the colours that any annotation gives it.
    colours: HashMap<String, HashSet<&'static str>>,
}

impl Facts {
    pub(super) fn new(record: &ImageRecord) -> Self {
        let mut facts = Self::default();
        let objects = record.objects.iter().chain(record.attributes.iter().map(|attribute| &attribute.object));
        let related = record.relationships.iter().flat_map(|relation| [&relation.subject, &relation.object]);
        for object in objects.chain(related) {
            for name in &object.names {
                facts.add_text(name);
                let Some(head) = words(name).last() else { continue };
                let head = singular(&head);
                match object.bbox.to_unit(record.image.size) {
                    Ok(clamped) if !object.is_crowd => facts.add_box(head, clamped.bbox),
                    _ => drop(facts.uncountable.insert(head)),
                }
            }
            for synset in &object.synsets {
                facts.add_text(synset.split('.').next().unwrap_or_default());
            }
        }
        for attribute in &record.attributes {
            let heads: Vec<String> = attribute.object.names.iter().filter_map(|name| words(name).last()).collect();
            for value in &attribute.values {
                facts.add_text(value);
                for head in &heads {
                    facts.add_colours(singular(head), value);
                }
            }
        }
        let texts = record.captions.iter().map(|caption| &caption.text);
        let phrases = record.regions.iter().map(|region| &region.phrase);
        let predicates = record.relationships.iter().map(|relation| &relation.predicate);
        for text in texts.chain(phrases).chain(predicates) {
            facts.add_text(text);
            facts.add_coloured_things(text);
        }
        facts
    }

    fn add_text(&mut self, text: &str) {
        self.words.extend(words(text).map(|word| singular(&word)));
    }

    fn add_box(&mut self, name: String, bbox: UnitBox) {
        let boxes = self.boxes.entry(name).or_default();
        if !boxes.iter().any(|known| known.iou(bbox) >= SAME_IOU) {
            boxes.push(bbox);
        }
    }

    fn add_colours(&mut self, name: String, text: &str) {
        let found = words(text).filter_map(|word| COLOURS.iter().find(|colour| **colour == word).copied());
        self.colours.entry(name).or_default().extend(found);
    }

    /// `red car`, `white and red sign`: colours before a name within a phrase.
    fn add_coloured_things(&mut self, text: &str) {
        let all: Vec<String> = words(text).collect();
        for (index, word) in all.iter().enumerate() {
            let before = &all[index.saturating_sub(3)..index];
            let colours = before.iter().filter_map(|word| COLOURS.iter().find(|colour| *colour == word).copied());
            let colours: Vec<_> = colours.collect();
            if !colours.is_empty() {
                self.colours.entry(singular(word)).or_default().extend(colours);
            }
        }
    }

    /// Whether any annotation has this word, in singular.
    pub(super) fn mentions(&self, word: &str) -> bool {
        self.words.contains(word)
    }

    /// The boxes of things of this name; `None` if they cannot be counted.
    pub(super) fn boxes(&self, name: &str) -> Option<&[UnitBox]> {
        if self.uncountable.contains(name) { None } else { self.boxes.get(name).map(Vec::as_slice) }
    }

    /// The colours that the annotations give to things of this name.
    pub(super) fn colours(&self, name: &str) -> Option<&HashSet<&'static str>> {
        self.colours.get(name).filter(|colours| !colours.is_empty())
    }
}
