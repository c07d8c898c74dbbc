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

/// Phrases in lower case ASCII, to be found as whole words, each with what it means.
#[derive(Debug)]
pub(super) struct Phrases<T> {
    /// The words of each phrase, by its first byte. Most words of a text start no phrase and end the search here.
    by_start: [Vec<(Vec<&'static str>, T)>; 256],
}

impl<T: Clone> Phrases<T> {
    pub(super) fn new(groups: impl IntoIterator<Item = (T, &'static [&'static str])>) -> Self {
        let mut by_start: [Vec<_>; 256] = std::array::from_fn(|_| Vec::new());
        for (meaning, phrases) in groups {
            for phrase in phrases {
                if let Some(first) = phrase.bytes().next() {
                    by_start[usize::from(first)].push((phrase.split(' ').collect(), meaning.clone()));
                }
            }
        }
        Self { by_start }
    }

    /// Gives each phrase that `text` has to `found`, with its bytes.
    pub(super) fn find_all(&self, text: &str, mut found: impl FnMut(&T, Range<usize>)) {
        let mut in_word = false;
        for (offset, byte) in text.bytes().enumerate() {
            let was_in_word = in_word;
            in_word = match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'\'' => true,
                0x80..=0xbf => in_word,
                0xc0.. => starts_with_word(&text[offset..]),
                _ => false,
            };
            if in_word && !was_in_word {
                for (phrase, meaning) in &self.by_start[usize::from(byte.to_ascii_lowercase())] {
                    if let Some(len) = len_at_start(phrase, &text[offset..]) {
                        found(meaning, offset..offset + len);
                    }
                }
            }
        }
    }
}

fn starts_with_word(text: &str) -> bool {
    text.chars().next().is_some_and(is_word)
}

/// Length of a phrase at the start of a text.
fn len_at_start(phrase: &[&'static str], text: &str) -> Option<usize> {
    let mut at = 0;
    for (index, word) in phrase.iter().enumerate() {
        if index > 0 {
            at += text[at..].find(is_word)?;
        }
        for byte in word.bytes() {
            at += match text.as_bytes().get(at)? {
                found if found.to_ascii_lowercase() == byte => 1,
                0xe2 if byte == b'\'' && text[at..].starts_with('’') => '’'.len_utf8(),
                _ => return None,
            };
        }
        if starts_with_word(&text[at..]) {
            return None;
        }
    }
    Some(at)
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
    if text.is_ascii() {
        for byte in text.bytes() {
            match byte {
                b'a'..=b'z' | b'0'..=b'9' | b'\'' => normal.push(char::from(byte)),
                b'A'..=b'Z' => normal.push(char::from(byte.to_ascii_lowercase())),
                _ if normal.is_empty() || normal.ends_with(' ') => {}
                _ => normal.push(' '),
            }
        }
        normal.truncate(normal.trim_end().len());
        return normal;
    }
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
        let phrases = Phrases::new([((), ["caption", "bounding box", "given data", "i can't see"].as_slice())]);
        let find = |text: &str| {
            let mut first = None;
            phrases.find_all(text, |(), span| first = first.take().or(Some(text[span].to_owned())));
            first
        };
        assert_eq!(find("The Caption says"), Some("Caption".into()));
        assert_eq!(find("a captioned photo"), None);
        assert_eq!(find("its bounding, er, bounding box."), Some("bounding box".into()));
        assert_eq!(find("Sadly I can’t see it"), Some("I can’t see".into()));
        assert_eq!(find("the image—caption"), Some("caption".into()));
        assert_eq!(find("ästhetic Ébounding box"), None);
        assert_eq!(find("given"), None);
        assert_eq!(find(""), None);
    }

    #[test]
    fn normal_forms_ignore_case_space_and_punctuation() {
        assert_eq!(normalized("  Why,\n then? "), normalized("why then"));
        assert_eq!(normalized("ÄÖ!"), "äö");
        assert_eq!(normalized("It's 5 o'clock…"), normalized("it's 5 -- o'clock."));
        assert!(starts_with_any("I hope these help!", &["i hope"]));
        assert!(!starts_with_any("I hop", &["i hope"]));
    }
}
