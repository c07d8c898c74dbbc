//! Finds where values of a JSON file start and end, in one pass and in bounded memory, without building any of them.
//!
//! Only the outer structure is checked; what is inside a value is checked when the value is parsed.

use crate::annotation::Input;
use crate::annotation::brackets::Brackets;
use crate::annotation::problem::{Fault, InputProblem};
use crate::digest::{Digest, Digester};

const BLOCK: usize = 1 << 17;

/// Longest key or scalar that is looked at.
const MAX_SCALAR: usize = 64;

/// A place in an input from which values are read.
#[derive(Debug)]
pub(super) struct Scanner<'a> {
    input: &'a Input,
    block: Vec<u8>,
    /// Where the block starts in the input.
    block_start: u64,
    /// How much of the block is filled.
    block_len: usize,
    at: usize,
    digester: Digester,
}

impl<'a> Scanner<'a> {
    /// Starts at the first value, behind a byte order mark.
    pub(super) fn new(input: &'a Input) -> Result<Self, Fault> {
        let block = vec![0; BLOCK.min(usize::try_from(input.n_bytes()).unwrap_or(BLOCK)).max(4)];
        let digester = Digester::default();
        let mut scanner = Self { input, block, block_start: 0, block_len: 0, at: 0, digester };
        scanner.fill()?;
        let start = &scanner.block[..scanner.block_len];
        if start.is_empty() {
            return Err(Fault::new(0, InputProblem::Empty));
        }
        // A byte order mark of UTF-16, or a zero byte that text in UTF-8 would not start with.
        if start.starts_with(&[0xff, 0xfe])
            || start.starts_with(&[0xfe, 0xff])
            || start[..start.len().min(2)].contains(&0)
        {
            return Err(Fault::new(0, InputProblem::Utf16));
        }
        if start.starts_with(&[0xef, 0xbb, 0xbf]) {
            scanner.at = 3;
        }
        if scanner.peek()?.is_none() {
            return Err(Fault::new(0, InputProblem::Blank));
        }
        Ok(scanner)
    }

    pub(super) fn offset(&self) -> u64 {
        self.block_start + self.at as u64
    }

    /// Reads the next block; false at the end of the input.
    fn fill(&mut self) -> Result<bool, Fault> {
        self.block_start += self.block_len as u64;
        self.at = 0;
        self.block_len = 0;
        let n_read = self.input.read_at(self.block_start, &mut self.block);
        self.block_len = n_read.map_err(|error| Fault::new(self.block_start, error))?;
        self.digester.update(&self.block[..self.block_len]);
        Ok(self.block_len > 0)
    }

    fn byte(&mut self) -> Result<Option<u8>, Fault> {
        if self.at == self.block_len && !self.fill()? {
            return Ok(None);
        }
        Ok(Some(self.block[self.at]))
    }

    /// The first byte of the next token, left in place; `None` at the end.
    pub(super) fn peek(&mut self) -> Result<Option<u8>, Fault> {
        loop {
            match self.byte()? {
                Some(b' ' | b'\n' | b'\r' | b'\t') => self.at += 1,
                byte => return Ok(byte),
            }
        }
    }

    /// Takes a list; `on_element` must take each element, of which the first byte is peeked.
    pub(super) fn list(&mut self, mut on_element: impl FnMut(&mut Self) -> Result<(), Fault>) -> Result<(), Fault> {
        self.expect(b'[', "a list")?;
        if self.take_if(b']')? {
            return Ok(());
        }
        loop {
            on_element(self)?;
            if self.goes_on(b']', "within a list", "a comma or the end of the list")? {
                continue;
            }
            return Ok(());
        }
    }

    /// Takes an object; `on_entry` gets each key and must take its value.
    pub(super) fn object(
        &mut self,
        mut on_entry: impl FnMut(&mut Self, &str) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        self.expect(b'{', "an object")?;
        if self.take_if(b'}')? {
            return Ok(());
        }
        loop {
            if self.peek()? != Some(b'"') {
                return Err(self.unexpected("a key"));
            }
            let mut bytes = [0; MAX_SCALAR];
            let long;
            let key = match self.short_string() {
                Some(key) => {
                    bytes[..key.len()].copy_from_slice(key);
                    str::from_utf8(&bytes[..key.len()]).unwrap_or_default()
                }
                None => {
                    long = self.scalar()?;
                    long.trim_matches('"')
                }
            };
            self.expect(b':', "a colon")?;
            on_entry(self, key)?;
            if self.goes_on(b'}', "within an object", "a comma or the end of the object")? {
                continue;
            }
            return Ok(());
        }
    }

    /// Whether a comma follows, and behind it one more element.
    fn goes_on(&mut self, end: u8, within: &'static str, expected: &'static str) -> Result<bool, Fault> {
        match self.peek()? {
            Some(b',') => self.at += 1,
            Some(byte) if byte == end => {
                self.at += 1;
                return Ok(false);
            }
            Some(_) => return Err(self.unexpected(expected)),
            None => return Err(self.truncated(within)),
        }
        match self.peek()? {
            Some(byte) if byte == end => Err(Fault::new(self.offset(), InputProblem::TrailingComma)),
            Some(_) => Ok(true),
            None => Err(self.truncated(within)),
        }
    }

    fn expect(&mut self, byte: u8, expected: &'static str) -> Result<(), Fault> {
        match self.peek()? {
            Some(found) if found == byte => {
                self.at += 1;
                Ok(())
            }
            Some(_) => Err(self.unexpected(expected)),
            None => Err(self.truncated("within an object")),
        }
    }

    fn take_if(&mut self, byte: u8) -> Result<bool, Fault> {
        let found = self.peek()? == Some(byte);
        self.at += usize::from(found);
        Ok(found)
    }

    /// Takes a value, whatever it is.
    pub(super) fn skip(&mut self) -> Result<(), Fault> {
        match self.peek()? {
            Some(b'{' | b'[') => self.skip_nested(),
            Some(b'"') => self.skip_string(),
            Some(_) => self.scalar().map(drop),
            None => Err(self.truncated("where a value should stand")),
        }
    }

    fn skip_nested(&mut self) -> Result<(), Fault> {
        let mut brackets = Brackets::default();
        loop {
            if let Some(n) = brackets.walk(&self.block[self.at..self.block_len]) {
                self.at += n;
                return Ok(());
            }
            if !self.fill()? {
                let within = if brackets.is_in_string() { "within a string" } else { "within a record" };
                return Err(self.truncated(within));
            }
        }
    }

    /// Takes a string from its opening to its closing quote.
    fn skip_string(&mut self) -> Result<(), Fault> {
        self.at += 1;
        loop {
            let block = &self.block[self.at..self.block_len];
            match block.iter().position(|byte| matches!(byte, b'"' | b'\\')) {
                Some(next) if block[next] == b'"' => {
                    self.at += next + 1;
                    return Ok(());
                }
                Some(next) => {
                    self.at += next + 1;
                    if self.byte()?.is_none() {
                        return Err(self.truncated("within a string"));
                    }
                    self.at += 1;
                }
                None => {
                    if !self.fill()? {
                        return Err(self.truncated("within a string"));
                    }
                }
            }
        }
    }

    /// Takes a short string of plain ASCII that lies in this block, and returns what is between its quotes.
    fn short_string(&mut self) -> Option<&[u8]> {
        let text = self.block[self.at..self.block_len].strip_prefix(b"\"")?;
        let len = text
            .iter()
            .take(MAX_SCALAR)
            .position(|byte| !matches!(byte, b' '..=b'~') || matches!(byte, b'"' | b'\\'))?;
        if text[len] != b'"' {
            return None;
        }
        self.at += len + 2;
        Some(&self.block[self.at - len - 1..self.at - 1])
    }

    /// Takes an unsigned integer that lies in this block.
    pub(super) fn integer(&mut self) -> Option<u64> {
        let text = &self.block[self.at..self.block_len];
        let len = text.iter().take(20).position(|byte| !byte.is_ascii_digit())?;
        if !matches!(text[len], b',' | b'}' | b']' | b' ' | b'\n' | b'\r' | b'\t') {
            return None;
        }
        let number = str::from_utf8(&text[..len]).ok()?.parse().ok()?;
        self.at += len;
        Some(number)
    }

    /// Takes a string, with its quotes, or a number or word, and returns the start of it.
    pub(super) fn scalar(&mut self) -> Result<String, Fault> {
        let mut text = Vec::new();
        let is_string = self.peek()? == Some(b'"');
        let mut is_escaped = false;
        while let Some(byte) = self.byte()? {
            let ends_word = matches!(byte, b',' | b']' | b'}' | b'{' | b'[' | b':' | b' ' | b'\n' | b'\r' | b'\t');
            if !is_string && ends_word {
                return self.word(text);
            }
            self.at += 1;
            if text.len() < MAX_SCALAR {
                text.push(byte);
            }
            if is_string && byte == b'"' && !is_escaped && text.len() > 1 {
                return Ok(String::from_utf8_lossy(&text).into_owned());
            }
            is_escaped = byte == b'\\' && !is_escaped;
        }
        if is_string {
            Err(self.truncated("within a string"))
        } else {
            Err(self.truncated("within a number or a word"))
        }
    }

    fn word(&self, text: Vec<u8>) -> Result<String, Fault> {
        if text.is_empty() {
            return Err(self.unexpected("a value"));
        }
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    /// Takes a value and says what it is: the text of a scalar, else what kind of value it was.
    pub(super) fn scalar_or_kind(&mut self) -> Result<String, Fault> {
        match self.peek()? {
            Some(b'{' | b'[') => {
                let kind = self.shown();
                self.skip()?;
                Ok(kind)
            }
            _ => self.scalar(),
        }
    }

    /// Makes sure that nothing follows.
    pub(super) fn end(&mut self) -> Result<(), Fault> {
        match self.peek()? {
            None => Ok(()),
            Some(_) => {
                let found = self.shown();
                Err(Fault::new(self.offset(), InputProblem::TrailingData { found }))
            }
        }
    }

    /// The digest of the whole input, of which the rest is read if need be.
    pub(super) fn digest(mut self) -> Result<Digest, Fault> {
        while self.fill()? {}
        Ok(self.digester.finish())
    }

    fn truncated(&self, within: &'static str) -> Fault {
        Fault::new(self.offset(), InputProblem::Truncated { within })
    }

    /// The fault that something else stands here.
    pub(super) fn unexpected(&self, expected: &'static str) -> Fault {
        Fault::new(self.offset(), InputProblem::Unexpected { expected, found: self.shown() })
    }

    /// What stands here, in a few words.
    fn shown(&self) -> String {
        match self.block[..self.block_len].get(self.at) {
            Some(b'{') => "an object".to_owned(),
            Some(b'[') => "a list".to_owned(),
            Some(b'"') => "a string".to_owned(),
            Some(b'-' | b'0'..=b'9') => "a number".to_owned(),
            Some(b'a'..=b'z' | b'A'..=b'Z') => {
                let rest = &self.block[self.at..self.block_len];
                let word = rest.iter().take(12).take_while(|byte| byte.is_ascii_alphabetic());
                word.map(|byte| char::from(*byte)).collect()
            }
            Some(byte) => format!("{:?}", char::from(*byte)),
            None => "the end of the file".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The elements of a list as text, or the message of the fault.
    fn elements(text: &str) -> Result<Vec<String>, String> {
        let input = Input::bytes("x", text.as_bytes().to_vec());
        let scan = || -> Result<Vec<(u64, u64)>, Fault> {
            let mut found = Vec::new();
            let mut scanner = Scanner::new(&input)?;
            scanner.list(|scanner| {
                let start = scanner.offset();
                scanner.skip()?;
                found.push((start, scanner.offset()));
                Ok(())
            })?;
            scanner.end()?;
            Ok(found)
        };
        let spans = scan().map_err(|fault| format!("{}: {}", fault.offset, fault.problem))?;
        Ok(spans.into_iter().map(|(start, end)| text[start as usize..end as usize].to_owned()).collect())
    }

    #[test]
    fn elements_are_found_whatever_is_in_their_strings() {
        let check = |text: &str, expected: &[&str]| {
            assert_eq!(elements(text).unwrap(), expected, "{text}");
        };
        check("[]", &[]);
        check(
            "\u{feff} [1, \"a]\\\"b\", {\"x\": [\"}\"]} ,null]\r\n",
            &["1", "\"a]\\\"b\"", "{\"x\": [\"}\"]}", "null"],
        );
        let long = format!("[{{\"a\": \"{}\\\\\"}}, 2]", "x\\\"".repeat(100_000));
        assert_eq!(elements(&long).unwrap().len(), 2);
    }

    #[test]
    fn faults_name_their_place() {
        let check = |text: &str, expected: &str| {
            let message = elements(text).unwrap_err();
            assert!(message.contains(expected), "{text}: {message}");
        };
        check("", "0: the file is empty");
        check(" \n", "nothing but white space");
        check("\0[", "UTF-16");
        check("{}", "0: expected a list, found an object");
        check("null", "expected a list, found null");
        check("[1, ]", "4: a comma is followed");
        check("[1 2]", "3: expected a comma or the end of the list, found a number");
        check("[1, {\"a\": \"x", "ends within a string");
        check("[1, {\"a\": ", "ends within a record");
        check("[1,", "ends within a list");
        check("[1", "ends within a number");
        check("[1] [2]", "4: something follows the end of the data: a list");
        check(&"[".repeat(100_000), "ends within a record");
    }
}
