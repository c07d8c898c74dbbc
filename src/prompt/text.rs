//! Texts of annotators made fit for one line of a prompt.

use std::borrow::Cow;

use xxhash_rust::xxh3::xxh3_64;

use crate::prompt::LeftOutReason;

/// Characters that a name, phrase or caption may have; whoever writes more has written something else.
const MAX_CHARS: usize = 1_000;

/// The text on one line: control characters and runs of white space become one space, the ends are trimmed.
pub(super) fn clean(text: &str) -> Result<Cow<'_, str>, LeftOutReason> {
    let plain = text.trim_ascii();
    if is_clean(plain) {
        return Ok(plain.into());
    }
    let mut line = String::with_capacity(text.len().min(4 * MAX_CHARS));
    let mut n_chars = 0;
    let mut gap = false;
    for c in text.chars() {
        if c.is_whitespace() || c.is_control() || is_invisible(c) {
            gap = true;
            continue;
        }
        if std::mem::take(&mut gap) && !line.is_empty() {
            line.push(' ');
        }
        line.push(c);
        n_chars += 1;
        if n_chars > MAX_CHARS {
            return Err(LeftOutReason::TooLong);
        }
    }
    if line.is_empty() { Err(LeftOutReason::NoText) } else { Ok(line.into()) }
}

/// Whether nothing needs to be done, as for most texts: printable ASCII with single spaces.
fn is_clean(text: &str) -> bool {
    // Without a way out in the middle, many bytes are looked at at once.
    let bytes = text.as_bytes();
    let is_plain = bytes.iter().fold(true, |is_plain, byte| is_plain & matches!(byte, b' '..=b'~'));
    let behind = bytes.get(1..).unwrap_or_default();
    let has_gap = bytes.iter().zip(behind).fold(false, |has_gap, (a, b)| has_gap | ((*a == b' ') & (*b == b' ')));
    is_plain && !has_gap && !text.is_empty() && text.len() <= MAX_CHARS
}

fn is_invisible(c: char) -> bool {
    matches!(c, '\u{feff}' | '\u{200b}' | '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// What two cleaned texts have in common if they say the same: lower case, no punctuation at the ends.
fn folded(line: &str) -> Cow<'_, str> {
    let core = core_of(line);
    // Without a way out in the middle, many bytes are looked at at once.
    let is_lower = core.bytes().fold(true, |is_lower, byte| is_lower & byte.is_ascii() & !byte.is_ascii_uppercase());
    if is_lower { core.into() } else { core.to_lowercase().into() }
}

/// A hash of a text [`folded`], so that texts that say the same have the same. Texts of one image that do not, share it
/// so seldom that this never happens.
pub(super) fn folded_hash(line: &str) -> u64 {
    xxh3_64(folded(line).as_bytes())
}

/// Without the punctuation at its ends.
fn core_of(line: &str) -> &str {
    let bytes = line.as_bytes();
    let is_edge = |byte: &u8| byte.is_ascii_punctuation() || *byte == b' ';
    let Some(start) = bytes.iter().position(|byte| !is_edge(byte)) else { return "" };
    let end = bytes.iter().rposition(|byte| !is_edge(byte)).map_or(start, |last| last + 1);
    // Edges are ASCII, so that no character is cut.
    line.get(start..end).unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_fit_on_a_line() {
        let check = |text: &str, expected: &str| assert_eq!(clean(text).as_deref(), Ok(expected));
        check("  a man\n\nwalks\t ", "a man walks");
        check("caf\u{e9}\u{200b}\u{2028}x", "café x");
        assert_eq!(clean(" \u{feff}\0 "), Err(LeftOutReason::NoText));
        assert_eq!(clean(&"é".repeat(1_001)), Err(LeftOutReason::TooLong));
        assert_eq!(clean(&"é".repeat(1_000)).map(|line| line.len()), Ok(2_000));
        assert_eq!(folded("A Man walks. "), folded("a man walks"));
        assert_eq!(folded(" \"Été.\""), folded("éTÉ"));
        assert_eq!(folded(" ."), "");
        assert_eq!(folded_hash("A Man walks. "), folded_hash("a man walks"));
        assert_ne!(folded_hash("A Man walks. "), folded_hash("a man talks"));
    }
}
