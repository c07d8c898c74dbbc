//! The words of texts, taken once and looked at by every check.

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

/// Phrases in lower case, to be found as whole words.
#[derive(Debug)]
pub(crate) struct Phrases<T> {
    /// The hashes of the words of each phrase, by the low bits of its first: most words of a text end here.
    by_start: Vec<Vec<(Vec<u64>, T)>>,
}

const N_STARTS: usize = 1024;

impl<T: Copy> Phrases<T> {
    pub(crate) fn new(groups: impl IntoIterator<Item = (T, &'static [&'static str])>) -> Self {
        let mut by_start: Vec<Vec<(Vec<u64>, T)>> = (0..N_STARTS).map(|_| Vec::new()).collect();
        for (meaning, phrases) in groups {
            for phrase in phrases {
                let hashes: Vec<u64> = phrase.split(' ').map(hash_of).collect();
                by_start[start_of(hashes[0])].push((hashes, meaning));
            }
        }
        Self { by_start }
    }

    /// The phrases that start at the first of these words: what they mean and how many words they have.
    pub(crate) fn at_start<'p>(&'p self, words: &'p [Word]) -> impl Iterator<Item = (T, usize)> + 'p {
        let candidates = words.first().map_or(&[] as &[_], |word| self.by_start[start_of(word.hash)].as_slice());
        let fits = move |phrase: &[u64]| {
            phrase.len() <= words.len() && phrase.iter().zip(words).all(|(hash, word)| *hash == word.hash)
        };
        candidates.iter().filter(move |(phrase, _)| fits(phrase)).map(|(phrase, meaning)| (*meaning, phrase.len()))
    }
}

fn start_of(hash: u64) -> usize {
    (hash ^ (hash >> 32)) as usize % N_STARTS
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
