//! Counting without a vocabulary.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::LazyLock;

use crate::llm::Message;
use crate::tokens::TokenCounter;

/// Words of annotations and prompts, by the most tokens that they have after a space in lower case, and otherwise.
const WORDS: &str = include_str!("words.txt");

static KNOWN: LazyLock<HashMap<&'static str, Known>> = LazyLock::new(|| {
    let mut known = HashMap::new();
    let mut tokens = Known { after_space: 0, otherwise: 0 };
    for line in WORDS.lines() {
        match line.strip_prefix("= ").and_then(|counts| counts.split_once(' ')) {
            Some((after_space, otherwise)) => {
                let number = |digits: &str| digits.parse().unwrap_or(3);
                tokens = Known { after_space: number(after_space), otherwise: number(otherwise) };
            }
            None => known.extend(line.split(' ').map(|word| (word, tokens))),
        }
    }
    known
});

/// Longest word of the list; no longer one is looked up.
const MAX_WORD: usize = 24;

#[derive(Clone, Copy, Debug)]
struct Known {
    after_space: usize,
    otherwise: usize,
}

/// Counts tokens without a vocabulary: never too low, and a few percent too high on prompts of this crate.
///
/// It follows the rules by which byte-pair vocabularies cut texts: numbers into three digits each, every punctuation mark
/// by itself, common words whole, other words by a bound that holds because nearly all pairs of letters are tokens.
/// Measured against OpenAI's vocabularies (`cl100k_base`, `o200k_base`), from which Llama 3 and Qwen took theirs. For
/// models that read each digit by itself (Qwen, Gemma, Mistral) there is [`digit_by_digit`](Self::digit_by_digit).
///
/// # Example
/// ```
/// use svitgen::tokens::{TokenCounter, TokenEstimate};
/// let line = "- dog: [0.100, 0.200, 0.500, 0.900]";
/// assert_eq!(TokenEstimate::new().count(line), 23); // as in truth; its bytes by four would be 9
/// assert_eq!(TokenEstimate::digit_by_digit().count(line), 31);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TokenEstimate {
    /// How many digits one token may hold.
    digits: usize,
}

impl Default for TokenEstimate {
    fn default() -> Self {
        Self::new()
    }
}

impl TokenEstimate {
    /// For models that read three digits as one token: OpenAI's, Llama 3, DeepSeek.
    pub const fn new() -> Self {
        Self { digits: 3 }
    }

    /// For models that read each digit as a token: Qwen, Gemma, Mistral, Llama 2.
    pub const fn digit_by_digit() -> Self {
        Self { digits: 1 }
    }
}

impl TokenCounter for TokenEstimate {
    fn name(&self) -> &str {
        if self.digits == 1 { "estimate_digit_by_digit" } else { "estimate" }
    }

    fn count(&self, text: &str) -> usize {
        let bytes = text.as_bytes();
        let mut n_tokens = 0;
        let mut start = 0;
        // Whether a line end would belong to the punctuation before it.
        let mut takes_line_end = false;
        while start < bytes.len() {
            let kind = Kind::of(bytes[start]);
            let n_same = bytes[start..].iter().take_while(|byte| Kind::of(**byte) == kind).count();
            let run = Run { bytes, range: start..start + n_same };
            n_tokens += match kind {
                Kind::Letter => run.letters(),
                Kind::Digit => n_same.div_ceil(self.digits),
                Kind::Space => run.spaces() - usize::from(takes_line_end && matches!(bytes[start], b'\n' | b'\r')),
                Kind::Punctuation | Kind::Other => n_same,
            };
            takes_line_end = kind == Kind::Punctuation && run.before() != Some(b' ') && !run.text().ends_with(b"^");
            start += n_same;
        }
        n_tokens
    }

    fn count_messages(&self, messages: &[Message]) -> usize {
        // The most that the chat formats of Llama 3, ChatML and OpenAI put around a message and before the reply.
        let texts: usize = messages.iter().map(|message| self.count(&message.content)).sum();
        texts + 5 * messages.len() + 5
    }
}

/// What vocabularies keep apart.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Letter,
    Digit,
    Space,
    Punctuation,
    /// Bytes beyond ASCII and control characters: a token each at worst.
    Other,
}

impl Kind {
    fn of(byte: u8) -> Self {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' => Self::Letter,
            b'0'..=b'9' => Self::Digit,
            b' ' | b'\t'..=b'\r' => Self::Space,
            _ if byte.is_ascii_punctuation() => Self::Punctuation,
            _ => Self::Other,
        }
    }
}

/// Neighbouring bytes of one kind.
struct Run<'t> {
    bytes: &'t [u8],
    range: Range<usize>,
}

impl<'t> Run<'t> {
    fn text(&self) -> &'t [u8] {
        &self.bytes[self.range.clone()]
    }

    fn before(&self) -> Option<u8> {
        self.range.start.checked_sub(1).map(|at| self.bytes[at])
    }

    fn after(&self) -> Option<u8> {
        self.bytes.get(self.range.end).copied()
    }

    /// A token each, but a space before a word or a mark belongs to it.
    fn spaces(&self) -> usize {
        let is_followed = self.after().is_some_and(|byte| matches!(Kind::of(byte), Kind::Letter | Kind::Punctuation));
        self.range.len() - usize::from(is_followed && self.text().ends_with(b" "))
    }

    fn letters(&self) -> usize {
        let bound = self.bound();
        if bound == 1 {
            return bound;
        }
        self.known().map_or(bound, |known| known.min(bound))
    }

    /// The tokens of a word of the list.
    fn known(&self) -> Option<usize> {
        let word = self.text();
        let mut lower = [0; MAX_WORD];
        let lower = lower.get_mut(..word.len())?;
        lower.copy_from_slice(word);
        lower[0].make_ascii_lowercase();
        let known = KNOWN.get(std::str::from_utf8(lower).ok()?)?;
        let before = self.before().map(|byte| (byte, Kind::of(byte)));
        let n_tokens = match before {
            Some((b' ', _)) if word[0].is_ascii_lowercase() => known.after_space,
            None | Some((b' ' | b'\n' | b'\r', _) | (_, Kind::Digit)) => known.otherwise,
            // The mark or tab before it may join with its first letters.
            Some((_, Kind::Punctuation | Kind::Space)) => known.otherwise + 2,
            Some((_, Kind::Other | Kind::Letter)) => return None,
        };
        match self.after().map(|byte| (byte, Kind::of(byte))) {
            Some((_, Kind::Other)) => None,
            // An apostrophe may join with its last letters.
            Some((b'\'', _)) => Some(n_tokens + 1),
            _ => Some(n_tokens),
        }
    }

    /// The most tokens that letters can have: two of three are joined, for nearly every pair of lower-case letters is a
    /// token, and so is a space with any letter; capitals count by themselves.
    fn bound(&self) -> usize {
        let (mut n_tokens, mut n_lower, mut last) = (0, usize::from(self.before() == Some(b' ')), b' ');
        for &letter in self.text() {
            if letter.is_ascii_uppercase() {
                // A space joins with the capital.
                let n_joined = if last == b' ' { 0 } else { joined(n_lower) };
                n_tokens += 1 + n_joined;
                n_lower = 0;
            } else {
                n_lower += 1;
                n_tokens += usize::from(is_lone(last, letter));
            }
            last = letter;
        }
        n_tokens + joined(n_lower)
    }
}

/// The most tokens of `n` letters of which no two neighbours stand alone.
fn joined(n: usize) -> usize {
    (2 * n + 1) / 3
}

/// Whether a letter may stand alone beside another that does.
fn is_lone(last: u8, letter: u8) -> bool {
    matches!((last, letter), (_, b'j' | b'q' | b'x' | b'z') | (b'g', b'k') | (b'w', b'v') | (b'y', b'f' | b'v'))
}
