//! Strings of JSON as models write them: other quotes, quotes within, line ends, wrong escapes.

use std::ops::Range;

/// How far behind a quote is looked for what would make it the end of a string.
const LOOK_AHEAD: usize = 80;

/// A string that was read.
#[derive(Debug)]
pub(super) struct Text {
    /// Decoded.
    pub(super) text: String,
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
        '“' | '„' => Some('”'),
        '‘' => Some('’'),
        _ => None,
    }
}

/// Reads the string whose opening quote stands at `start`.
pub(super) fn read(json: &str, start: usize) -> Option<Text> {
    let quote = json[start..].chars().next()?;
    let close = closing_quote(quote)?;
    let inner_start = start + quote.len_utf8();
    let mut text = String::new();
    let mut is_repaired = quote != '"';
    let mut chars = json[inner_start..].char_indices();
    while let Some((offset, c)) = chars.next() {
        let at = inner_start + offset;
        if c == '\\' {
            let (decoded, len) = escape(&json[at..]);
            is_repaired |= decoded.is_none();
            text.push(decoded.unwrap_or('\\'));
            if decoded.is_some() {
                skip(&mut chars, len - 1);
            }
        } else if c == close && is_end(json, at + close.len_utf8()) {
            let end = at + close.len_utf8();
            return Some(Text { text, inner: inner_start..at, end, is_closed: true, is_repaired });
        } else {
            is_repaired |= c == close || c == '\n';
            text.push(c);
        }
    }
    Some(Text { text, inner: inner_start..json.len(), end: json.len(), is_closed: false, is_repaired })
}

fn skip(chars: &mut std::str::CharIndices<'_>, n_bytes: usize) {
    let target = chars.offset() + n_bytes;
    while chars.offset() < target && chars.next().is_some() {}
}

/// The character that an escape stands for, and how many bytes it takes.
fn escape(text: &str) -> (Option<char>, usize) {
    let simple = |c| (Some(c), 2);
    match text.as_bytes().get(1) {
        Some(b'n') => simple('\n'),
        Some(b't') => simple('\t'),
        Some(b'r') => simple('\r'),
        Some(b'b') => simple('\u{8}'),
        Some(b'f') => simple('\u{c}'),
        Some(b'"') => simple('"'),
        Some(b'\'') => simple('\''),
        Some(b'\\') => simple('\\'),
        Some(b'/') => simple('/'),
        Some(b'u') => unicode(text),
        _ => (None, 1),
    }
}

/// `\u00e9`, or two of them for a character beyond the first 65,536.
fn unicode(text: &str) -> (Option<char>, usize) {
    let unit = |start: usize| {
        let digits = text.get(start..start + 6)?.strip_prefix("\\u")?;
        digits.bytes().all(|b| b.is_ascii_hexdigit()).then(|| u32::from_str_radix(digits, 16).ok())?
    };
    match (unit(0), unit(6)) {
        (Some(high @ 0xd800..=0xdbff), Some(low @ 0xdc00..=0xdfff)) => {
            (char::from_u32(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00)), 12)
        }
        (Some(unit), _) => (char::from_u32(unit), 6),
        (None, _) => (None, 1),
    }
}

/// Whether a quote before `at` ends its string, by what follows: only so can a quote within a text be told from the end.
fn is_end(json: &str, at: usize) -> bool {
    let rest = json[at..].trim_start();
    let Some(next) = rest.chars().next() else { return true };
    match next {
        '}' | ']' | ':' => true,
        ',' => starts_element(rest[1..].trim_start()),
        // A comma is missing, and a key follows.
        '"' | '\'' | '“' => starts_key(rest),
        _ => rest.starts_with("```"),
    }
}

fn starts_element(text: &str) -> bool {
    let Some(next) = text.chars().next() else { return true };
    match next {
        '{' | '[' | '}' | ']' => true,
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
            let text = read(json, 0).unwrap();
            assert_eq!((text.text.as_str(), text.is_closed, text.is_repaired), (expected, closed, repaired), "{json}");
        };
        check(r#""a \"b\" \u00e9\n" }"#, "a \"b\" é\n", true, false);
        check(r#""\ud83d\ude42","#, "🙂", true, false);
        check(r#""\ud83d x"}"#, "\\ud83d x", true, true);
        check("'it is' }", "it is", true, true);
        check("“typographic”, \"a\": 1", "typographic", true, true);
        check(r#""She said "go", then left."}"#, "She said \"go\", then left.", true, true);
        check("\"two\nlines\"]", "two\nlines", true, true);
        check(r#""no comma" "answer": "#, "no comma", true, false);
        check(r#""cut of"#, "cut of", false, false);
        check(r#""cut \"#, "cut \\", false, true);
    }
}
