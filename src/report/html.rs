//! HTML that is safe by construction: what strangers wrote can only become text or the value of an attribute.
//!
//! Names of tags and attributes, styles and scripts are `&'static str`: only this crate can write them. Everything else
//! goes through one of two escapes. Characters that hide or reorder their neighbours are shown by name.

use std::fmt::{Display, Write};

/// A document or a part of one, while it is written.
#[derive(Debug, Default)]
pub(super) struct Html {
    text: String,
}

/// Attributes of a tag: names of ours, values of anybody's.
pub(super) type Attributes<'a> = &'a [(&'static str, &'a str)];

impl Html {
    pub(super) fn len(&self) -> usize {
        self.text.len()
    }

    pub(super) fn into_string(self) -> String {
        self.text
    }

    /// Opens an element.
    pub(super) fn open(&mut self, tag: &'static str, attributes: Attributes<'_>) -> &mut Self {
        self.text.push('<');
        self.text.push_str(tag);
        for (name, value) in attributes {
            self.text.push(' ');
            self.text.push_str(name);
            self.text.push_str("=\"");
            escape_attribute(&mut self.text, value);
            self.text.push('"');
        }
        self.text.push('>');
        self
    }

    pub(super) fn close(&mut self, tag: &'static str) -> &mut Self {
        self.text.push_str("</");
        self.text.push_str(tag);
        self.text.push('>');
        self
    }

    /// Text of anybody's.
    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        escape_text(&mut self.text, text);
        self
    }

    /// Something that writes itself, as text.
    pub(super) fn show(&mut self, value: impl Display) -> &mut Self {
        let text = value.to_string();
        self.text(&text)
    }

    /// An element with nothing but text in it.
    pub(super) fn element(&mut self, tag: &'static str, attributes: Attributes<'_>, text: &str) -> &mut Self {
        self.open(tag, attributes).text(text).close(tag)
    }

    /// An element of a class of ours with nothing but text in it.
    pub(super) fn classed(&mut self, tag: &'static str, class: &'static str, text: &str) -> &mut Self {
        self.element(tag, &[("class", class)], text)
    }

    /// Text of anybody's, kept from reordering what stands beside it.
    pub(super) fn isolated(&mut self, text: &str) -> &mut Self {
        self.open("bdi", &[]).text(text).close("bdi")
    }

    /// Markup of ours, as it stands.
    pub(super) fn markup(&mut self, markup: &'static str) -> &mut Self {
        self.text.push_str(markup);
        self
    }

    /// Adds a part that is written already.
    pub(super) fn append(&mut self, part: &Self) -> &mut Self {
        self.text.push_str(&part.text);
        self
    }
}

fn escape_text(out: &mut String, text: &str) {
    for c in text.chars() {
        match entity(c) {
            Some(entity) => out.push_str(entity),
            None if is_hidden(c) => {
                out.push_str("<span class=\"char\">");
                push_name(out, c);
                out.push_str("</span>");
            }
            None => out.push(c),
        }
    }
}

fn escape_attribute(out: &mut String, value: &str) {
    for c in value.chars() {
        match entity(c) {
            Some(entity) => out.push_str(entity),
            None if is_hidden(c) => push_name(out, c),
            None => out.push(c),
        }
    }
}

fn entity(c: char) -> Option<&'static str> {
    Some(match c {
        '&' => "&amp;",
        '<' => "&lt;",
        '>' => "&gt;",
        '"' => "&quot;",
        '\'' => "&#39;",
        // Old browsers took it for a quote.
        '`' => "&#96;",
        // A parser would make a line break of it.
        '\r' => "&#13;",
        _ => return None,
    })
}

/// Whether a character shows nothing, or changes how others are shown: controls, overrides of direction, zero-width
/// spaces, tags. Joiners are left alone: emoji and many scripts need them.
pub(super) fn is_hidden(c: char) -> bool {
    match c {
        '\n' | '\t' => false,
        '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' => true,
        '\u{61C}' | '\u{180E}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}' => true,
        // Neither is allowed in a document.
        '\u{FDD0}'..='\u{FDEF}' => true,
        _ => c.is_control() || u32::from(c) & 0xFFFE == 0xFFFE,
    }
}

fn push_name(out: &mut String, c: char) {
    let _ = write!(out, "U+{:04X}", u32::from(c));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_write_text_and_nothing_else() {
        for (text, expected) in [
            ("</script><b a='1'>", "&lt;/script&gt;&lt;b a=&#39;1&#39;&gt;"),
            ("\" onload=\"x", "&quot; onload=&quot;x"),
            ("a&lt;b", "a&amp;lt;b"),
            ("a\0b", "a<span class=\"char\">U+0000</span>b"),
            ("\u{202E}x", "<span class=\"char\">U+202E</span>x"),
            ("a\r\nb\u{2028}", "a&#13;\nb<span class=\"char\">U+2028</span>"),
            ("👩\u{200D}🚒 ñ", "👩\u{200D}🚒 ñ"),
        ] {
            let mut html = Html::default();
            html.text(text);
            assert_eq!(html.into_string(), expected);
        }
        let mut html = Html::default();
        html.element("a", &[("title", "\"><script>\u{202E}\0</script>")], "x");
        assert_eq!(html.into_string(), "<a title=\"&quot;&gt;&lt;script&gt;U+202EU+0000&lt;/script&gt;\">x</a>");
    }
}
