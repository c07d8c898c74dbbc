//! What a text says beneath its marks: entities, characters that show nothing, emphasis around the whole.

use std::borrow::Cow;

use memchr::{memchr, memchr2};

/// Entities that models write; numbers go beside them.
const ENTITIES: &[(&str, char)] = &[
    ("amp", '&'),
    ("lt", '<'),
    ("gt", '>'),
    ("quot", '"'),
    ("apos", '\''),
    ("nbsp", '\u{a0}'),
    ("hellip", '…'),
    ("mdash", '—'),
    ("ndash", '–'),
    ("lsquo", '‘'),
    ("rsquo", '’'),
    ("ldquo", '“'),
    ("rdquo", '”'),
    ("deg", '°'),
    ("times", '×'),
    ("eacute", 'é'),
];

/// Bytes that an entity may have between `&` and `;`.
const MAX_ENTITY: usize = 8;

/// Characters that show nothing, without those that join letters.
pub(super) fn is_invisible(c: char) -> bool {
    matches!(c, '\u{feff}' | '\u{200b}' | '\u{2060}')
}

/// The text without white space at either end. Most texts have none, and most others have only that of ASCII.
pub(super) fn trim(text: &str) -> &str {
    let inner = text.trim_ascii();
    match inner.as_bytes() {
        [first, .., last] if first.is_ascii_graphic() && last.is_ascii_graphic() => inner,
        _ => inner.trim(),
    }
}

/// Whether a text shows nothing.
pub(super) fn is_blank(text: &str) -> bool {
    text.chars().all(|c| c.is_whitespace() || is_invisible(c))
}

/// The text without white space around it and decoded; borrowed if that changes nothing within.
pub(super) fn decoded(text: &str) -> Cow<'_, str> {
    let text = without_emphasis(trim(text));
    // Invisible characters start with one of these bytes, and so do few others.
    let bytes = text.as_bytes();
    let may_hide = memchr2(0xe2, 0xef, bytes).is_some() && text.contains(is_invisible);
    let may_escape = memchr(b'&', bytes).is_some() && text.contains(';');
    if !may_hide && !may_escape {
        return Cow::Borrowed(text);
    }
    let visible = if may_hide { Cow::Owned(text.replace(is_invisible, "")) } else { Cow::Borrowed(text) };
    let decoded = if may_escape { without_entities(&visible).map_or(visible, Cow::Owned) } else { visible };
    match decoded {
        Cow::Borrowed(text) => Cow::Borrowed(text),
        Cow::Owned(text) => Cow::Owned(without_emphasis(text.trim()).to_owned()),
    }
}

/// Takes emphasis marks from around the whole text.
fn without_emphasis(text: &str) -> &str {
    if !text.starts_with(['*', '_']) {
        return text;
    }
    for marks in ["***", "**", "__", "*", "_"] {
        let inner = text.strip_prefix(marks).and_then(|rest| rest.strip_suffix(marks));
        if let Some(inner) = inner {
            let mark = &marks[..1];
            let is_one_span = !inner.contains(mark) && !inner.is_empty() && inner.trim() == inner;
            return if is_one_span { inner } else { text };
        }
    }
    text
}

fn without_entities(text: &str) -> Option<String> {
    let mut decoded: Option<String> = None;
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        let (before, entity) = rest.split_at(at);
        let found = entity_at(entity);
        let (c, len) = found.unwrap_or(('&', 1));
        if found.is_some() && decoded.is_none() {
            decoded = Some(text[..text.len() - rest.len()].to_owned());
        }
        if let Some(decoded) = &mut decoded {
            decoded.push_str(before);
            decoded.push(c);
        }
        rest = &entity[len..];
    }
    if let Some(decoded) = &mut decoded {
        decoded.push_str(rest);
    }
    decoded
}

/// The character of an entity at the start of `text`, and the bytes it takes.
fn entity_at(text: &str) -> Option<(char, usize)> {
    let name = &text[1..text.floor_char_boundary(MAX_ENTITY + 2)];
    let name = &name[..name.find(';')?];
    let number = name.strip_prefix('#').map(|digits| match digits.strip_prefix(['x', 'X']) {
        Some(hex) => u32::from_str_radix(hex, 16),
        None => digits.parse(),
    });
    let c = match number {
        Some(code) => char::from_u32(code.ok()?).filter(|c| !c.is_control() || *c == '\n')?,
        None => ENTITIES.iter().find(|(known, _)| *known == name)?.1,
    };
    Some((c, name.len() + 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_beneath_their_marks() {
        let check = |text: &str, expected: &str| assert_eq!(decoded(text), expected, "{text}");
        check("  Why? ", "Why?");
        check("Tom &amp; Jerry&#39;s &lt;b&gt; &#x2014; done", "Tom & Jerry's <b> — done");
        check("AT&T; R&D &unknown; &", "AT&T; R&D &unknown; &");
        check("a\u{200b}b\u{feff}", "ab");
        check("**Why?**", "Why?");
        check("*Why?*", "Why?");
        check("__Why?__", "Why?");
        check("**A** and **B**", "**A** and **B**");
        check("* item", "* item");
        check("**", "**");
        check("&#0;&#1114112;", "&#0;&#1114112;");
        check("“typographic”", "“typographic”");
    }

    #[test]
    fn white_space_of_every_kind_is_trimmed() {
        assert_eq!(trim("\u{b}\u{c} a\u{85}\u{3000}"), "a");
        assert_eq!(trim("é "), "é");
        assert_eq!(trim(" "), "");
    }

    #[test]
    fn what_shows_nothing_is_blank() {
        assert!(is_blank(" \u{200b}\u{feff}\n"));
        assert!(!is_blank("."));
    }
}
