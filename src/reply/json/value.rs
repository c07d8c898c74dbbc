//! The values of a text in JSON, in a flat list: no depth of nesting can exhaust the stack.

use std::ops::Range;

use crate::reply::json::string::{self, closing_quote};

/// A value, and where it stands.
#[derive(Debug)]
pub(super) struct Value {
    pub(super) kind: Kind,
    /// With quotes and brackets.
    pub(super) span: Range<usize>,
    pub(super) key: Option<String>,
    pub(super) parent: Option<usize>,
    pub(super) children: Vec<usize>,
    pub(super) is_closed: bool,
}

#[derive(Debug)]
pub(super) enum Kind {
    Object,
    List,
    Text {
        text: String,
        /// Between the quotes.
        inner: Range<usize>,
    },
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
        let mut reader = Reader { text, at: start, values, open: Vec::new(), key: None };
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
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    values: Values,
    /// The containers around the place.
    open: Vec<usize>,
    /// The key whose value comes next.
    key: Option<String>,
}

impl Reader<'_> {
    /// Reads one list or object to its end, or to that of the text.
    fn value(&mut self) {
        loop {
            self.skip_space();
            let Some(next) = self.text[self.at..].chars().next() else { return self.give_up() };
            match next {
                '{' | '[' => self.open(next),
                '}' | ']' => self.close(next),
                ',' | ':' => self.at += 1,
                quote if closing_quote(quote).is_some() => self.string(),
                _ => self.word(),
            }
            if self.open.is_empty() {
                return;
            }
        }
    }

    fn skip_space(&mut self) {
        loop {
            let rest = &self.text[self.at..];
            let trimmed = rest.trim_start();
            let comment = if trimmed.starts_with("//") {
                trimmed.find('\n')
            } else if trimmed.starts_with("/*") {
                trimmed.find("*/").map(|len| len + 2)
            } else {
                Some(0)
            };
            let len = comment.unwrap_or(trimmed.len());
            self.at += rest.len() - trimmed.len() + len;
            if len == 0 {
                return;
            }
            self.values.is_repaired = true;
        }
    }

    fn push(&mut self, kind: Kind, span: Range<usize>, is_closed: bool) -> usize {
        let index = self.values.values.len();
        let parent = self.open.last().copied();
        let key = self.key.take();
        self.values.values.push(Value { kind, span, key, parent, children: Vec::new(), is_closed });
        if let Some(parent) = parent {
            self.values.values[parent].children.push(index);
        }
        index
    }

    fn open(&mut self, bracket: char) {
        let kind = if bracket == '{' { Kind::Object } else { Kind::List };
        let index = self.push(kind, self.at..self.text.len(), false);
        self.open.push(index);
        self.at += 1;
    }

    fn close(&mut self, bracket: char) {
        let before = self.text[..self.at].trim_end();
        self.values.is_repaired |= before.ends_with(',');
        self.at += 1;
        self.key = None;
        let fits = |index: &usize| {
            matches!((&self.values.values[*index].kind, bracket), (Kind::Object, '}') | (Kind::List, ']'))
        };
        let Some(position) = self.open.iter().rposition(fits) else {
            // A bracket too many.
            self.values.is_repaired = true;
            return;
        };
        self.values.is_repaired |= position + 1 < self.open.len();
        // What is still open within was never closed; it ends here all the same.
        for (depth, index) in self.open.drain(position..).enumerate() {
            let value = &mut self.values.values[index];
            value.span.end = if depth == 0 { self.at } else { self.at - 1 };
            value.is_closed = depth == 0;
        }
    }

    fn string(&mut self) {
        let Some(read) = string::read(self.text, self.at) else { return };
        self.values.is_repaired |= read.is_repaired;
        let start = self.at;
        self.at = read.end;
        if self.expects_key() && self.text[self.at..].trim_start().starts_with(':') {
            self.key = Some(read.text);
            return;
        }
        self.push(Kind::Text { text: read.text, inner: read.inner }, start..read.end, read.is_closed);
    }

    fn word(&mut self) {
        let rest = &self.text[self.at..];
        let len = rest.find([',', ':', '}', ']', '{', '[', '"', '\n']).unwrap_or(rest.len()).max(1);
        let len = rest.ceil_char_boundary(len);
        let word = rest[..len].trim_end();
        let start = self.at;
        self.at += len;
        if self.expects_key() && self.text[self.at..].starts_with(':') {
            self.key = Some(word.to_owned());
            self.values.is_repaired = true;
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
        self.open.clear();
        self.at = self.text.len();
    }
}
