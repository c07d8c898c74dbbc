//! All phrases that any check looks for, found in one pass over the words of a text.

use crate::reply::checks::words::{Hit, Phrases, Word};

/// What a phrase is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// Names what the trained model will not have.
    Source,
    /// Names it, or something in the image.
    SourceOrImage,
    Coordinates,
    /// The model speaks of itself.
    Itself,
    /// A word that trainers take for a speaker if it is in capitals.
    Speaker,
}

/// The words of a text and the phrases among them.
#[derive(Debug)]
pub(super) struct Found<'h> {
    pub(super) words: &'h [Word],
    pub(super) hits: &'h [Hit<Meaning>],
}

impl<'h> Found<'h> {
    /// Finds the phrases; `hits` is room that is used again.
    pub(super) fn new(phrases: &Phrases<Meaning>, words: &'h [Word], hits: &'h mut Vec<Hit<Meaning>>) -> Self {
        hits.clear();
        phrases.find(words, hits);
        Self { words, hits }
    }
}

#[cfg(test)]
pub(super) fn with_found<T>(text: &str, test: impl FnOnce(&Found<'_>) -> T) -> T {
    let mut words = crate::reply::checks::words::Words::default();
    let range = words.push(text);
    let mut hits = Vec::new();
    test(&Found::new(&super::PHRASES, words.get(range), &mut hits))
}
