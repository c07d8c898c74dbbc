//! The words of texts, taken once and looked at by every check.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};
use std::ops::Range;

/// Words of several texts in one list.
#[derive(Debug, Default)]
pub(crate) struct Words {
    words: Vec<Word>,
}

/// A word: a run of letters, digits and apostrophes, or one ideograph.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Word {
    /// Equal for words that are equal without regard to case.
    pub(crate) hash: u64,
    start: u32,
    len: u32,
}

impl Word {
    /// Where it stands in its text.
    pub(crate) fn span(self) -> Range<usize> {
        self.start as usize..self.start as usize + self.len as usize
    }
}

const SEED: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0100_0000_01b3;

const fn add(hash: u64, byte: u8) -> u64 {
    (hash ^ byte as u64).wrapping_mul(PRIME)
}

/// The hash of a word in lower case.
pub(crate) const fn hash_of(word: &str) -> u64 {
    let bytes = word.as_bytes();
    let mut hash = SEED;
    let mut index = 0;
    while index < bytes.len() {
        hash = add(hash, bytes[index]);
        index += 1;
    }
    hash
}

/// The hash of a word of ASCII, whatever its case.
pub(crate) fn hash_of_bytes(word: &[u8]) -> u64 {
    word.iter().fold(SEED, |hash, byte| add(hash, byte.to_ascii_lowercase()))
}

/// What a byte is in a word: its lower case, or 0 for one that is in none, or 1 for one that is not ASCII.
const CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        classes[byte] = match byte as u8 {
            b'A'..=b'Z' => byte as u8 + 32,
            b'a'..=b'z' | b'0'..=b'9' | b'\'' => byte as u8,
            0x80.. => 1,
            _ => 0,
        };
        byte += 1;
    }
    classes
};

impl Words {
    /// Adds the words of a text of at most 4 GiB; returns where they stand in the list.
    pub(crate) fn push(&mut self, text: &str) -> Range<usize> {
        let first = self.words.len();
        let bytes = text.as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            match CLASSES[usize::from(bytes[at])] {
                0 => at += 1,
                1 => at = self.push_other(text, at),
                _ => at = self.push_word(text, at),
            }
        }
        first..self.words.len()
    }

    /// Takes the word that starts at `start`, with a letter of ASCII; returns its end.
    fn push_word(&mut self, text: &str, start: usize) -> usize {
        let bytes = text.as_bytes();
        let mut hash = SEED;
        let mut at = start;
        while at < bytes.len() {
            match CLASSES[usize::from(bytes[at])] {
                0 => break,
                1 => return self.push_rest(text, start, at, hash),
                lower => hash = add(hash, lower),
            }
            at += 1;
        }
        self.push_if_word(start, at, hash);
        at
    }

    /// Takes a word, or passes over one character that is in none.
    fn push_other(&mut self, text: &str, start: usize) -> usize {
        self.push_rest(text, start, start, SEED)
    }

    /// Goes on with a word at a character beyond ASCII.
    fn push_rest(&mut self, text: &str, start: usize, from: usize, mut hash: u64) -> usize {
        let mut at = from;
        for c in text[from..].chars() {
            if is_ideograph(c) {
                if at == start {
                    hash = lower_hash(hash, c);
                    at += c.len_utf8();
                }
                break;
            } else if c == '’' || c == '\'' {
                hash = add(hash, b'\'');
            } else if c.is_alphanumeric() {
                hash = lower_hash(hash, c);
            } else {
                break;
            }
            at += c.len_utf8();
        }
        self.push_if_word(start, at, hash);
        if at == start { at + text[at..].chars().next().map_or(1, char::len_utf8) } else { at }
    }

    fn push_if_word(&mut self, start: usize, end: usize, hash: u64) {
        if end > start {
            self.words.push(Word { hash, start: start as u32, len: (end - start) as u32 });
        }
    }

    /// The words of a text, by the range that [`push`](Self::push) returned.
    pub(crate) fn get(&self, range: Range<usize>) -> &[Word] {
        &self.words[range]
    }
}

fn lower_hash(hash: u64, c: char) -> u64 {
    let mut buffer = [0; 4];
    c.to_lowercase().fold(hash, |hash, c| c.encode_utf8(&mut buffer).bytes().fold(hash, add))
}

fn is_ideograph(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}')
}

/// Hashes of words as keys: they are hashes already.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct AsIs(u64);

impl Hasher for AsIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().fold(self.0, |hash, byte| add(hash, *byte));
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash ^ (hash >> 29);
    }
}

/// A set of hashes.
pub(crate) type HashedSet = HashSet<u64, BuildHasherDefault<AsIs>>;

/// A map by hashes.
pub(crate) type HashedMap<V> = HashMap<u64, V, BuildHasherDefault<AsIs>>;

/// The words as a set.
pub(crate) fn set_of(words: &[&str]) -> HashedSet {
    words.iter().map(|word| hash_of(word)).collect()
}

/// Phrases in lower case, to be found as whole words.
#[derive(Debug)]
pub(crate) struct Phrases<T> {
    /// A bit for the longest word of each phrase: the words of most texts end here.
    bits: [u64; N_BITS / 64],
    /// By its longest word, each phrase.
    by_longest: HashedMap<Vec<Phrase<T>>>,
}

const N_BITS: usize = 4096;

#[derive(Debug)]
struct Phrase<T> {
    /// The hashes of its words.
    words: Vec<u64>,
    /// Which of them is the longest.
    longest: usize,
    meaning: T,
}

/// A phrase that was found: what it means, and which words it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hit<T> {
    pub(crate) meaning: T,
    pub(crate) words: Range<usize>,
}

impl<T: Copy> Phrases<T> {
    pub(crate) fn new(groups: impl IntoIterator<Item = (T, &'static [&'static str])>) -> Self {
        let mut bits = [0; N_BITS / 64];
        let mut by_longest: HashedMap<Vec<Phrase<T>>> = HashedMap::default();
        for (meaning, phrases) in groups {
            for phrase in phrases {
                let words: Vec<u64> = phrase.split(' ').map(hash_of).collect();
                let longest = phrase.split(' ').enumerate().max_by_key(|(_, word)| word.len()).map_or(0, |(at, _)| at);
                let (index, bit) = bit_of(words[longest]);
                bits[index] |= bit;
                by_longest.entry(words[longest]).or_default().push(Phrase { words, longest, meaning });
            }
        }
        Self { bits, by_longest }
    }

    /// All phrases among the words, by where their longest words stand.
    pub(crate) fn find(&self, words: &[Word], hits: &mut Vec<Hit<T>>) {
        for (at, word) in words.iter().enumerate() {
            let (index, bit) = bit_of(word.hash);
            if self.bits[index] & bit != 0 {
                self.find_at(words, at, hits);
            }
        }
    }

    #[cold]
    fn find_at(&self, words: &[Word], at: usize, hits: &mut Vec<Hit<T>>) {
        for phrase in self.by_longest.get(&words[at].hash).into_iter().flatten() {
            let Some(rest) = at.checked_sub(phrase.longest).map(|start| &words[start..]) else { continue };
            let mut pairs = phrase.words.iter().zip(rest);
            if phrase.words.len() <= rest.len() && pairs.all(|(hash, word)| *hash == word.hash) {
                let start = at - phrase.longest;
                hits.push(Hit { meaning: phrase.meaning, words: start..start + phrase.words.len() });
            }
        }
    }
}

fn bit_of(hash: u64) -> (usize, u64) {
    let slot = (hash ^ (hash >> 32)) as usize % N_BITS;
    (slot / 64, 1 << (slot % 64))
}

/// Whether the text begins with one of these phrases, in lower case, as whole words.
pub(in crate::reply) fn starts_with_any(text: &str, phrases: &[&str]) -> bool {
    // 120 bytes are more than any phrase has.
    let mut words = Words::default();
    let start = words.push(&text[..text.floor_char_boundary(120)]);
    let words = words.get(start);
    let starts = |phrase: &str| {
        let mut words = words.iter();
        phrase.split(' ').all(|known| words.next().is_some_and(|word| word.hash == hash_of(known)))
    };
    phrases.iter().any(|phrase| starts(phrase))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<&str> {
        let mut words = Words::default();
        let range = words.push(text);
        words.get(range).iter().map(|word| &text[word.span()]).collect()
    }

    #[test]
    fn words_of_texts() {
        assert_eq!(words("It's a T-shirt, isn’t it?"), ["It's", "a", "T", "shirt", "isn’t", "it"]);
        assert_eq!(words("caféÉ — ästhetik x"), ["caféÉ", "ästhetik", "x"]);
        assert_eq!(words("一只狗 dog狗x"), ["一", "只", "狗", "dog", "狗", "x"]);
        assert!(words(" —…\u{200b}").is_empty());
    }

    #[test]
    fn words_are_equal_without_regard_to_case() {
        let hash = |text: &str| {
            let mut words = Words::default();
            let range = words.push(text);
            words.get(range)[0].hash
        };
        assert_eq!(hash("Caption"), hash_of("caption"));
        assert_eq!(hash("CAN’T"), hash_of("can't"));
        assert_eq!(hash("ÄPFEL"), hash("äpfel"));
        assert_ne!(hash("caption"), hash("captions"));
    }

    #[test]
    fn texts_that_begin_with_a_phrase() {
        assert!(starts_with_any("I hope these help!", &["i hope"]));
        assert!(starts_with_any("I’m sorry, but", &["i'm sorry"]));
        assert!(!starts_with_any("I hop", &["i hope"]));
    }
}
