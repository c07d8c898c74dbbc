//! The values of a text in JSON, in a flat list: no depth of nesting can exhaust the stack.

use std::ops::Range;

use memchr::{memchr, memmem};

use crate::reply::json::string::{self, closing_quote};

/// How deep values are read: far deeper than any reply of use.
const MAX_DEPTH: usize = 128;

/// A value, and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Value {
    pub(super) kind: Kind,
    /// With quotes and brackets.
    pub(super) span: Range<usize>,
    /// Between the quotes of its key.
    pub(super) key: Option<Range<usize>>,
    pub(super) parent: Option<usize>,
    pub(super) is_closed: bool,
    /// Index behind the last value that it holds.
    next: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Object,
    List,
    /// With what stands between its quotes.
    Text(Range<usize>),
    /// A number, or a word such as `null`.
    Other,
}

/// All values of a text, each before what it holds.
#[derive(Debug)]
pub(super) struct Values {
    pub(super) values: Vec<Value>,
    /// Where the last one ends.
    pub(super) end: usize,
    /// Whether something had to be overlooked.
    pub(super) is_repaired: bool,
}

impl Values {
    /// Reads the value at `start`, and those that follow it directly.
    pub(super) fn read(text: &str, start: usize) -> Self {
        let values = Self { values: Vec::new(), end: start, is_repaired: false };
        let mut reader = Reader { text, at: start, values, open: Vec::new(), key: None, misses_comma: false };
        loop {
            reader.value();
            reader.values.end = reader.at;
            let next = text[reader.at..].trim_start_matches([',', ' ', '\n', '\r', '\t']);
            if !next.starts_with(['{', '[']) {
                return reader.values;
            }
            reader.at = text.len() - next.len();
        }
    }

    /// The values directly in a list or an object.
    pub(super) fn children(&self, index: usize) -> impl Iterator<Item = usize> + '_ {
        let end = self.values[index].next;
        let mut at = index + 1;
        std::iter::from_fn(move || {
            let child = (at < end).then_some(at)?;
            at = self.values[child].next;
            Some(child)
        })
    }

    /// Whether the last value was closed, and with it all that hold it.
    pub(super) fn is_closed(&self) -> bool {
        self.values.iter().all(|value| value.parent.is_some() || value.is_closed)
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    values: Values,
    /// The containers around the place.
    open: Vec<usize>,
    /// The key whose value comes next.
    key: Option<Range<usize>>,
    /// Whether a value has ended and no comma has come yet.
    misses_comma: bool,
}

impl Reader<'_> {
    /// Reads one list or object to its end, or to that of the text.
    fn value(&mut self) {
        loop {
            self.skip_space();
            let Some(next) = self.text.as_bytes().get(self.at) else { return self.give_up() };
            match next {
                b'{' | b'[' if self.open.len() == MAX_DEPTH => return self.give_up(),
                b'{' | b'[' => self.open(*next),
                b'}' | b']' => self.close(*next),
                b',' | b':' => {
                    self.misses_comma = false;
                    self.at += 1;
                }
                b'"' | b'\'' => self.string(),
                0x80.. if self.opens_string() => self.string(),
                _ => self.word(),
            }
            if self.open.is_empty() {
                self.misses_comma = false;
                return;
            }
        }
    }

    fn opens_string(&self) -> bool {
        self.text[self.at..].chars().next().and_then(closing_quote).is_some()
    }

    fn skip_space(&mut self) {
        loop {
            let rest = &self.text[self.at..];
            let trimmed = rest.trim_start();
            self.at += rest.len() - trimmed.len();
            let bytes = trimmed.as_bytes();
            let comment = match bytes {
                [b'/', b'/', ..] => memchr(b'\n', bytes),
                [b'/', b'*', ..] => memmem::find(bytes, b"*/").map(|len| len + 2),
                _ => return,
            };
            self.at += comment.unwrap_or(trimmed.len());
            self.values.is_repaired = true;
        }
    }

    fn push(&mut self, kind: Kind, span: Range<usize>, is_closed: bool) -> usize {
        let index = self.values.values.len();
        let parent = self.open.last().copied();
        let key = self.key.take();
        self.values.is_repaired |= std::mem::replace(&mut self.misses_comma, true);
        self.values.values.push(Value { kind, span, key, parent, is_closed, next: index + 1 });
        index
    }

    fn open(&mut self, bracket: u8) {
        let kind = if bracket == b'{' { Kind::Object } else { Kind::List };
        let index = self.push(kind, self.at..self.text.len(), false);
        self.open.push(index);
        self.misses_comma = false;
        self.at += 1;
    }

    fn close(&mut self, bracket: u8) {
        let before = self.text[..self.at].trim_end();
        self.values.is_repaired |= before.ends_with(',');
        self.at += 1;
        self.key = None;
        self.misses_comma = true;
        let fits = |index: &usize| {
            matches!((&self.values.values[*index].kind, bracket), (Kind::Object, b'}') | (Kind::List, b']'))
        };
        let Some(position) = self.open.iter().rposition(fits) else {
            // A bracket too many.
            self.values.is_repaired = true;
            return;
        };
        self.values.is_repaired |= position + 1 < self.open.len();
        let next = self.values.values.len();
        // What is still open within was never closed; it ends here all the same.
        for (depth, index) in self.open.drain(position..).enumerate() {
            let value = &mut self.values.values[index];
            value.span.end = if depth == 0 { self.at } else { self.at - 1 };
            value.is_closed = depth == 0;
            value.next = next;
        }
    }

    fn string(&mut self) {
        let Some(read) = string::read(self.text, self.at) else { return self.word() };
        self.values.is_repaired |= read.is_repaired;
        let start = self.at;
        self.at = read.end;
        if self.expects_key() && self.text[self.at..].trim_start().starts_with(':') {
            self.values.is_repaired |= std::mem::take(&mut self.misses_comma);
            self.key = Some(read.inner);
            return;
        }
        self.push(Kind::Text(read.inner), start..read.end, read.is_closed);
    }

    fn word(&mut self) {
        let rest = &self.text[self.at..];
        let len = rest.find([',', ':', '}', ']', '{', '[', '"', '\n']).unwrap_or(rest.len()).max(1);
        let len = rest.ceil_char_boundary(len);
        let word = rest[..len].trim_end();
        let start = self.at;
        self.at += len;
        if self.expects_key() && self.text[self.at..].starts_with(':') {
            self.key = Some(start..start + word.len());
            self.values.is_repaired = true;
            self.misses_comma = false;
            return;
        }
        let is_json = matches!(word, "null" | "true" | "false") || word.parse::<f64>().is_ok();
        self.values.is_repaired |= !is_json;
        self.push(Kind::Other, start..start + word.len().max(1), true);
    }

    fn expects_key(&self) -> bool {
        let innermost = self.open.last().map(|index| &self.values.values[*index].kind);
        self.key.is_none() && matches!(innermost, Some(Kind::Object))
    }

    /// The text ends within what is open.
    fn give_up(&mut self) {
        let next = self.values.values.len();
        for index in self.open.drain(..) {
            self.values.values[index].next = next;
        }
        self.at = self.text.len();
    }
}
