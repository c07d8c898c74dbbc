//! Keys, and texts without them.

use std::borrow::Cow;
use std::fmt;

/// A key that shows itself to nobody: its `Debug` and every error message hold dots in its place.
///
/// # Example
/// ```
/// use svitgen::llm::Secret;
/// assert_eq!(format!("{:?}", Secret::new("sk-123")), "Secret(...)");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// A key; white space around it, such as the line end of a file, is no part of it.
    pub fn new(key: impl AsRef<str>) -> Self {
        Self(key.as_ref().trim().to_owned())
    }

    /// The key in the environment variable `name`; `None` if the variable is unset, blank or no text.
    pub fn from_env(name: &str) -> Option<Self> {
        std::env::var(name).ok().map(Self::new).filter(|secret| !secret.0.is_empty())
    }

    pub(in crate::llm) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(...)")
    }
}

/// What no message may hold: keys, passwords and the values of headers.
#[derive(Clone, Default)]
pub(in crate::llm) struct Redactor(Vec<Secret>);

/// Shorter values are not secrets, and a message without them would be hard to read.
const SHORTEST: usize = 4;

/// Of a long key, servers echo the beginning and mask the rest.
const LONG: usize = 16;

/// How much of the beginning of a long key tells it from other words.
const BEGINNING: usize = 8;

impl Redactor {
    pub(in crate::llm) fn add(&mut self, secret: Secret) {
        if secret.0.len() >= SHORTEST && !self.0.contains(&secret) {
            self.0.push(secret);
            // A key that holds another one goes first, so that nothing of it is left.
            self.0.sort_by_key(|secret| std::cmp::Reverse(secret.0.len()));
        }
    }

    /// `text` with dots in place of every secret, and of what starts like a long one.
    pub(in crate::llm) fn redact<'t>(&self, text: &'t str) -> Cow<'t, str> {
        self.0.iter().fold(Cow::Borrowed(text), |text, secret| {
            let beginning = secret.0.get(..BEGINNING).filter(|_| secret.0.len() >= LONG);
            let text = replace(text, &secret.0);
            beginning.map_or_else(|| text.clone(), |beginning| replace_words(text.clone(), beginning))
        })
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Redactor({} secrets)", self.0.len())
    }
}

fn replace<'t>(text: Cow<'t, str>, secret: &str) -> Cow<'t, str> {
    if text.contains(secret) { Cow::Owned(text.replace(secret, "...")) } else { text }
}

/// Replaces what starts with `beginning`, up to the next white space or quote.
fn replace_words<'t>(text: Cow<'t, str>, beginning: &str) -> Cow<'t, str> {
    if !text.contains(beginning) {
        return text;
    }
    let mut clean = String::with_capacity(text.len());
    let mut pieces = text.split(beginning);
    clean.push_str(pieces.next().unwrap_or_default());
    for piece in pieces {
        let rest = piece.find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | ',' | ';'));
        clean.push_str("...");
        clean.push_str(rest.map_or("", |rest| &piece[rest..]));
    }
    Cow::Owned(clean)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_key_is_left() {
        let mut redactor = Redactor::default();
        redactor.add(Secret::new("sk-proj-0123456789abcdef\n"));
        redactor.add(Secret::new("a b"));
        redactor.add(Secret::new("token"));
        let clean = |text| redactor.redact(text).into_owned();
        assert_eq!(clean("key sk-proj-0123456789abcdef is wrong"), "key ... is wrong");
        assert_eq!(clean("Incorrect API key: sk-proj-****cdef."), "Incorrect API key: ...");
        assert_eq!(clean("sk-proj-01, 'sk-proj-'"), "..., '...'");
        assert_eq!(clean("a b token."), "a b ....");
        assert_eq!(clean("nothing to hide"), "nothing to hide");
    }
}
