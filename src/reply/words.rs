//! Words of a text, compared without regard to case, and phrases found among them in one pass.

use std::ops::Range;

/// The words of `text`: runs of letters, digits and apostrophes, with their bytes.
pub(super) fn words(text: &str) -> impl Iterator<Item = Range<usize>> {
    let mut start = None;
    let ends = text.char_indices().chain([(text.len(), ' ')]);
    ends.filter_map(move |(offset, c)| match (start, is_word(c)) {
        (None, true) => {
            start = Some(offset);
            None
        }
        (Some(begin), false) => {
            start = None;
            Some(begin..offset)
        }
        _ => None,
    })
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '\'' | '’')
}

/// Phrases in lower case, to be found as whole words.
#[derive(Debug)]
pub(super) struct Phrases {
    /// Each phrase as its words; sorted by the first word.
    phrases: Vec<Vec<&'static str>>,
}

impl Phrases {
    pub(super) fn new(phrases: &[&'static str]) -> Self {
        let mut phrases: Vec<Vec<_>> = phrases.iter().map(|phrase| phrase.split(' ').collect()).collect();
        phrases.sort();
        Self { phrases }
    }

    /// Bytes of the first phrase that `text` has.
    pub(super) fn find(&self, text: &str) -> Option<Range<usize>> {
        let words: Vec<_> = words(text).collect();
        (0..words.len()).find_map(|index| self.find_at(text, &words[index..]))
    }

    fn find_at(&self, text: &str, words: &[Range<usize>]) -> Option<Range<usize>> {
        let first = words.first()?;
        let first_word = &text[first.clone()];
        let from = self.phrases.partition_point(|phrase| compare(phrase[0], first_word).is_lt());
        let candidates = self.phrases[from..].iter().take_while(|phrase| compare(phrase[0], first_word).is_eq());
        let mut found = candidates.filter(|phrase| {
            phrase.len() <= words.len()
                && phrase.iter().zip(words).all(|(known, word)| compare(known, &text[word.clone()]).is_eq())
        });
        let len = found.next()?.len();
        Some(first.start..words[len - 1].end)
    }
}

/// Compares a word in lower case with one of a text, which may have capitals and a typographic apostrophe.
fn compare(known: &str, word: &str) -> std::cmp::Ordering {
    known.chars().cmp(word.chars().map(|c| if c == '’' { '\'' } else { c.to_ascii_lowercase() }))
}

/// Whether the text begins with one of these phrases, in lower case, as whole words.
pub(super) fn starts_with_any(text: &str, phrases: &[&str]) -> bool {
    // Ten words are more than any phrase has.
    let start: Vec<_> = words(text).take(10).collect();
    phrases.iter().any(|phrase| {
        let mut words = start.iter();
        phrase.split(' ').all(|known| words.next().is_some_and(|word| compare(known, &text[word.clone()]).is_eq()))
    })
}

/// The text in lower case, without punctuation, words set apart by one space: equal for texts that say the same.
pub(super) fn normalized(text: &str) -> String {
    let mut normal = String::with_capacity(text.len());
    for word in words(text) {
        if !normal.is_empty() {
            normal.push(' ');
        }
        normal.extend(text[word].chars().flat_map(char::to_lowercase));
    }
    normal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phrases_are_found_as_whole_words() {
        let phrases = Phrases::new(&["caption", "bounding box", "given data", "i can't see"]);
        let find = |text: &str| phrases.find(text).map(|span| text[span].to_owned());
        assert_eq!(find("The Caption says"), Some("Caption".into()));
        assert_eq!(find("a captioned photo"), None);
        assert_eq!(find("its bounding, er, bounding box."), Some("bounding box".into()));
        assert_eq!(find("Sadly I can’t see it"), Some("I can’t see".into()));
        assert_eq!(find("given"), None);
        assert_eq!(find(""), None);
    }

    #[test]
    fn normal_forms_ignore_case_space_and_punctuation() {
        assert_eq!(normalized("  Why,\n then? "), normalized("why then"));
        assert_eq!(normalized("ÄÖ!"), "äö");
        assert!(starts_with_any("I hope these help!", &["i hope"]));
        assert!(!starts_with_any("I hop", &["i hope"]));
    }
}
