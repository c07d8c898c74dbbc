//! Walks through the JSON of a record. Everything gives `None` for what is not as it should be.

/// A place in the JSON of a record.
pub(super) struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    /// Before the first byte; `None` if it is no text.
    pub(super) fn new(json: &'a [u8]) -> Option<Self> {
        Some(Self { text: str::from_utf8(json).ok()?, at: 0 })
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.at == self.text.len()
    }

    /// The place of the next token.
    #[inline]
    pub(super) fn place(&mut self) -> Option<usize> {
        self.peek()?;
        Some(self.at)
    }

    /// Goes back to a place.
    pub(super) fn back_to(&mut self, place: usize) -> &mut Self {
        self.at = place;
        self
    }

    /// Takes exactly these bytes.
    #[inline]
    pub(super) fn literal<const N: usize>(&mut self, literal: &[u8; N]) -> Option<()> {
        let found = self.rest().first_chunk::<N>()? == literal;
        self.at += if found { N } else { 0 };
        found.then_some(())
    }

    fn rest(&self) -> &'a [u8] {
        &self.text.as_bytes()[self.at..]
    }

    /// The first byte of the next token, left in place.
    #[inline]
    pub(super) fn peek(&mut self) -> Option<u8> {
        loop {
            match self.text.as_bytes().get(self.at)? {
                b' ' | b'\n' | b'\r' | b'\t' => self.at += 1,
                byte => return Some(*byte),
            }
        }
    }

    #[inline]
    fn expect(&mut self, byte: u8) -> Option<()> {
        self.take_if(byte).then_some(())
    }

    #[inline]
    fn take_if(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    pub(super) fn object(&mut self, mut on_entry: impl FnMut(&mut Self, &'a str) -> Option<()>) -> Option<()> {
        self.expect(b'{')?;
        if self.take_if(b'}') {
            return Some(());
        }
        loop {
            self.expect(b'"')?;
            let key = self.key()?;
            self.expect(b':')?;
            on_entry(self, key)?;
            if !self.take_if(b',') {
                return self.expect(b'}');
            }
        }
    }

    pub(super) fn list(&mut self, mut on_element: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.expect(b'[')?;
        if self.take_if(b']') {
            return Some(());
        }
        loop {
            on_element(self)?;
            if !self.take_if(b',') {
                return self.expect(b']');
            }
        }
    }

    /// The text of a key up to its closing quote.
    #[inline]
    fn key(&mut self) -> Option<&'a str> {
        // Most keys end within eight bytes.
        let len = self.rest().first_chunk().and_then(|bytes| first_special(*bytes));
        let Some(len) = len.filter(|len| self.rest()[*len] == b'"') else { return self.until_quote() };
        let key = self.text.get(self.at..self.at + len)?;
        self.at += len + 1;
        Some(key)
    }

    /// The text up to the closing quote, if there is no escape in it.
    fn until_quote(&mut self) -> Option<&'a str> {
        let len = plain_len(self.rest())?;
        if self.rest()[len] != b'"' {
            return None;
        }
        let text = self.text.get(self.at..self.at + len)?;
        self.at += len + 1;
        Some(text)
    }

    pub(super) fn text(&mut self) -> Option<String> {
        self.expect(b'"')?;
        if let Some(text) = self.until_quote() {
            return Some(text.to_owned());
        }
        let start = self.at - 1;
        loop {
            self.at += plain_len(self.rest())?;
            match self.rest()[0] {
                b'"' => break,
                b'\\' => self.at += 2,
                _ => return None,
            }
            self.rest_is_left()?;
        }
        self.at += 1;
        serde_json::from_str(self.text.get(start..self.at)?).ok()
    }

    fn rest_is_left(&self) -> Option<()> {
        (self.at < self.text.len()).then_some(())
    }

    pub(super) fn skip_text(&mut self) -> Option<()> {
        self.expect(b'"')?;
        self.until_quote().map(drop)
    }

    pub(super) fn texts<L: Default + Extend<String>>(&mut self) -> Option<L> {
        let mut texts = L::default();
        self.list(|cursor| {
            texts.extend([cursor.text()?]);
            Some(())
        })?;
        Some(texts)
    }

    #[inline]
    pub(super) fn integer(&mut self) -> Option<u64> {
        match self.rest().first_chunk().and_then(short_integer) {
            Some((number, len)) => {
                self.at += len;
                Some(number)
            }
            None => self.long_integer(),
        }
    }

    /// One with white space before it, with many digits, or near the end.
    fn long_integer(&mut self) -> Option<u64> {
        self.peek()?;
        let rest = self.rest();
        let mut number = 0;
        let mut len = 0;
        while let Some(digit @ b'0'..=b'9') = rest.get(len) {
            number = number * 10 + u64::from(digit - b'0');
            len += 1;
            // More digits may not fit, or lose precision as a fraction.
            if len > 15 {
                return None;
            }
        }
        let has_form = len == 1 || (len > 1 && rest[0] != b'0');
        if !has_form || matches!(rest.get(len), Some(b'.' | b'e' | b'E')) {
            return None;
        }
        self.at += len;
        Some(number)
    }

    /// A number without an exponent.
    pub(super) fn fraction(&mut self) -> Option<f64> {
        self.peek()?;
        let bytes = self.rest();
        let (mut digits, mut len) = (0_u64, usize::from(bytes[0] == b'-'));
        let mut take_digits = |len: &mut usize| {
            let start = *len;
            while let Some(digit @ b'0'..=b'9') = bytes.get(*len) {
                digits = digits.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'));
                *len += 1;
            }
            *len - start
        };
        let start = len;
        let n_whole = take_digits(&mut len);
        if n_whole == 0 || (n_whole > 1 && bytes[start] == b'0') {
            return None;
        }
        let mut n_behind = 0;
        if bytes.get(len) == Some(&b'.') {
            len += 1;
            n_behind = take_digits(&mut len);
            if n_behind == 0 {
                return None;
            }
        }
        if matches!(bytes.get(len), Some(b'e' | b'E')) {
            return None;
        }
        let text = self.text.get(self.at..self.at + len)?;
        self.at += len;
        if n_whole + n_behind > 15 {
            return text.parse().ok();
        }
        // Both are exact, so their quotient is the number that is nearest to the text.
        let number = digits as f64 / POWERS[n_behind];
        Some(if start == 1 { -number } else { number })
    }

    #[inline]
    pub(super) fn number(&mut self) -> Option<f64> {
        if let Some(number) = self.integer() {
            return Some(number as f64);
        }
        self.expect(b'-')?;
        if !self.rest().first()?.is_ascii_digit() {
            return None;
        }
        // A negative zero is not what the integer says.
        self.integer().filter(|number| *number != 0).map(|number| -(number as f64))
    }
}

/// Sets what is not set yet: a key that is there twice is for others to judge.
pub(super) fn set<T>(field: &mut Option<T>, value: T) -> Option<()> {
    field.replace(value).is_none().then_some(())
}

/// Powers of ten that a number of 64 bits holds exactly, as far as fractions of at most 15 digits need them.
const POWERS: [f64; 16] = [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];

/// An integer of up to seven digits at the start of eight bytes, and how many digits it has; all without a branch that
/// depends on how many they are, since that is anybody's guess.
#[inline]
fn short_integer(bytes: &[u8; 8]) -> Option<(u64, usize)> {
    let digits = u64::from_le_bytes(*bytes) ^ 0x3030_3030_3030_3030;
    let others = (digits | digits.wrapping_add(0x0606_0606_0606_0606)) & 0xf0f0_f0f0_f0f0_f0f0;
    let len = others.trailing_zeros() as usize / 8;
    if !(1..8).contains(&len) || matches!(bytes[len], b'.' | b'e' | b'E') || (len > 1 && bytes[0] == b'0') {
        return None;
    }
    // The digits at the end, zeros before them; then pairs, fours and all eight are added up.
    let eight = digits << (64 - 8 * len);
    let pairs = (eight.wrapping_mul(10) + (eight >> 8)) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs.wrapping_mul(100) + (pairs >> 16)) & 0x0000_ffff_0000_ffff;
    Some(((fours.wrapping_mul(10_000) + (fours >> 32)) & 0xffff_ffff, len))
}

/// How many bytes there are before a quote, a backslash or a control character.
fn plain_len(text: &[u8]) -> Option<usize> {
    let (words, rest) = text.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        if let Some(len) = first_special(*word) {
            return Some(index * 8 + len);
        }
    }
    let len = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20))?;
    Some(words.len() * 8 + len)
}

/// Where the first quote, backslash or control character is among eight bytes.
#[inline]
fn first_special(bytes: [u8; 8]) -> Option<usize> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let has_zero = |word: u64| word.wrapping_sub(ONES) & !word;
    let word = u64::from_le_bytes(bytes);
    let quote = has_zero(word ^ (ONES * u64::from(b'"')));
    let escape = has_zero(word ^ (ONES * u64::from(b'\\')));
    let control = word.wrapping_sub(ONES * 0x20) & !word;
    let found = (quote | escape | control) & HIGH;
    // The lowest mark is exact; those above it may come from a borrow.
    (found != 0).then(|| found.trailing_zeros() as usize / 8)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn fractions_are_those_of_their_digits(text in "-?[0-9]{1,12}([.][0-9]{0,18})?[,e\\] ]?") {
            let mut cursor = Cursor::new(text.as_bytes()).unwrap();
            if let Some(number) = cursor.fraction() {
                let expected: f64 = serde_json::from_str(&text[..cursor.at]).unwrap();
                prop_assert_eq!(number.to_bits(), expected.to_bits());
            }
        }

        #[test]
        fn integers_are_those_of_their_digits(text in "[0-9]{1,9}[,.e\\]} a-]{1,8}") {
            let text = format!("{text}        ");
            let digits = text.bytes().take_while(u8::is_ascii_digit).count();
            let found = short_integer(text.as_bytes().first_chunk().unwrap());
            let has_form = (digits == 1 || !text.starts_with('0')) && !matches!(text.as_bytes()[digits], b'.' | b'e');
            let expected = (digits < 8 && has_form).then(|| (text[..digits].parse().unwrap(), digits));
            prop_assert_eq!(found, expected);
        }
    }
}
