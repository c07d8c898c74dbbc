//! Strings of JSON as models write them: other quotes, quotes within, line ends, wrong escapes.

use std::borrow::Cow;
use std::ops::Range;

use memchr::{memchr, memchr2};

/// How far behind a quote is looked for what would make it the end of a string.
const LOOK_AHEAD: usize = 80;

/// A string that was read.
#[derive(Debug)]
pub(super) struct Text {
    /// Between the quotes.
    pub(super) inner: Range<usize>,
    /// Behind the closing quote.
    pub(super) end: usize,
    pub(super) is_closed: bool,
    /// Whether something had to be overlooked.
    pub(super) is_repaired: bool,
}

/// The quote that closes what this one opens.
pub(super) fn closing_quote(quote: char) -> Option<char> {
    match quote {
        '"' | '\'' => Some(quote),
        '“' | '„' | '”' => Some('”'),
        '‘' | '’' => Some('’'),
        '«' => Some('»'),
        _ => None,
    }
}

/// Reads the string whose opening quote stands at `start`.
pub(super) fn read(json: &str, start: usize) -> Option<Text> {
    let quote = json[start..].chars().next()?;
    let close = closing_quote(quote)?;
    let mut buffer = [0; 4];
    let close = close.encode_utf8(&mut buffer).as_bytes();
    let inner_start = start + quote.len_utf8();
    let bytes = json.as_bytes();
    let mut at = inner_start;
    let mut is_repaired = quote != '"';
    while let Some(len) = memchr2(close[0], b'\\', &bytes[at..]) {
        at += len;
        if bytes[at] == b'\\' {
            let escape = escape(&json[at..]);
            is_repaired |= escape.is_none();
            at += escape.map_or(1, |(_, len)| len);
        } else if !bytes[at..].starts_with(close) {
            at += 1;
        } else if is_end(json, at + close.len()) {
            is_repaired |= memchr(b'\n', &bytes[inner_start..at]).is_some();
            return Some(Text { inner: inner_start..at, end: at + close.len(), is_closed: true, is_repaired });
        } else {
            is_repaired = true;
            at += close.len();
        }
    }
    Some(Text { inner: inner_start..json.len(), end: json.len(), is_closed: false, is_repaired })
}

/// What stands between the quotes, with its escapes resolved.
pub(super) fn unescaped(inner: &str) -> Cow<'_, str> {
    if memchr(b'\\', inner.as_bytes()).is_none() {
        return Cow::Borrowed(inner);
    }
    let mut text = String::with_capacity(inner.len());
    let mut rest = inner;
    while let Some(at) = memchr(b'\\', rest.as_bytes()) {
        text.push_str(&rest[..at]);
        let (c, len) = escape(&rest[at..]).unwrap_or(('\\', 1));
        text.push(c);
        rest = &rest[at + len..];
    }
    text.push_str(rest);
    Cow::Owned(text)
}

/// The character that an escape stands for, and how many bytes it takes.
pub(super) fn escape(text: &str) -> Option<(char, usize)> {
    let simple = |c| Some((c, 2));
    match text.as_bytes().get(1)? {
        b'n' => simple('\n'),
        b't' => simple('\t'),
        b'r' => simple('\r'),
        b'b' => simple('\u{8}'),
        b'f' => simple('\u{c}'),
        b'"' => simple('"'),
        b'\'' => simple('\''),
        b'\\' => simple('\\'),
        b'/' => simple('/'),
        b'u' => unicode(text),
        _ => None,
    }
}

/// `\u00e9`, or two of them for a character beyond the first 65,536.
fn unicode(text: &str) -> Option<(char, usize)> {
    let unit = |start: usize| {
        let digits = text.get(start..start + 6)?.strip_prefix("\\u")?;
        digits.bytes().all(|b| b.is_ascii_hexdigit()).then(|| u32::from_str_radix(digits, 16).ok())?
    };
    match (unit(0)?, unit(6)) {
        (high @ 0xd800..=0xdbff, Some(low @ 0xdc00..=0xdfff)) => {
            Some((char::from_u32(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00))?, 12))
        }
        (unit, _) => Some((char::from_u32(unit)?, 6)),
    }
}

/// Whether a quote before `at` ends its string, by what follows: only so can a quote within a text be told from the end.
fn is_end(json: &str, at: usize) -> bool {
    let space = &json[at..];
    let rest = space.trim_start();
    let Some(next) = rest.as_bytes().first() else { return true };
    match next {
        b'}' | b']' | b':' => true,
        b',' => starts_element(rest[1..].trim_start()),
        // A comma is missing, and a key follows.
        b'"' | b'\'' => starts_key(rest),
        0x80.. if rest.starts_with(['“', '‘']) => starts_key(rest),
        b'`' => rest.starts_with("```"),
        b'/' => rest.starts_with("//") || rest.starts_with("/*"),
        // A bare key; within a line it would be a part of the text.
        _ => space[..space.len() - rest.len()].contains('\n') && starts_key(rest),
    }
}

fn starts_element(text: &str) -> bool {
    let Some(next) = text.chars().next() else { return true };
    match next {
        '{' | '[' | '}' | ']' | '/' => true,
        quote if closing_quote(quote).is_some() => true,
        c if c.is_ascii_digit() || c == '-' => true,
        _ => {
            starts_key(text)
                || ["null", "true", "false", "None", "True", "False"].iter().any(|word| text.starts_with(word))
        }
    }
}

/// A key with its colon within a short distance.
fn starts_key(text: &str) -> bool {
    let text = &text[..text.floor_char_boundary(LOOK_AHEAD)];
    let inner = text.trim_start_matches(['"', '\'', '“', '”', '‘', '’']);
    let word = inner.trim_start_matches(|c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | ' '));
    word.len() < inner.len() && word.trim_start_matches(['"', '\'', '”', '’', ' ']).starts_with(':')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_and_escapes() {
        let check = |json: &str, expected: &str, closed: bool, repaired: bool| {
            let read = read(json, 0).unwrap();
            let text = unescaped(&json[read.inner]);
            assert_eq!((&*text, read.is_closed, read.is_repaired), (expected, closed, repaired), "{json}");
        };
        check(r#""a \"b\" \u00e9\n" }"#, "a \"b\" é\n", true, false);
        check(r#""\ud83d\ude42","#, "🙂", true, false);
        check(r#""\ud83d x"}"#, "\\ud83d x", true, true);
        check("'it is' }", "it is", true, true);
        check("'it's' }", "it's", true, true);
        check("“typographic”, \"a\": 1", "typographic", true, true);
        check(r#""She said "go", then left."}"#, "She said \"go\", then left.", true, true);
        check("\"two\nlines\"]", "two\nlines", true, true);
        check(r#""no comma" "answer": "#, "no comma", true, false);
        check("\"no comma\"\n answer: ", "no comma", true, false);
        check(r#""cut of"#, "cut of", false, false);
        check(r#""cut \"#, "cut \\", false, true);
    }
}
