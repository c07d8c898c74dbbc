//! Long texts cut to a length, saying so.

use crate::report::html::{Html, is_hidden};
use crate::report::plot::grouped;

/// How much of a text is not shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rest(usize);

/// The beginning of a text, at most so many bytes, and what is left out behind it.
pub(super) fn cut(text: &str, most: usize) -> (&str, Rest) {
    let end = text.floor_char_boundary(most);
    (&text[..end], Rest(text.len() - end))
}

impl Rest {
    /// Says how much is left out; nothing if nothing is.
    pub(super) fn write(self, html: &mut Html) {
        if self.0 > 0 {
            html.classed("span", "rest", &format!(" … {} more bytes are not shown", grouped(self.0 as u64)));
        }
    }
}

/// "1 pair", "2 pairs".
pub(super) fn count(n: usize, one: &str, many: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{} {many}", grouped(n as u64)) }
}

/// A text on one line of a terminal: what hides, moves or reorders characters is shown by name.
pub(super) fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if is_hidden(c) {
            shown.push_str(&format!("<U+{:04X}>", u32::from(c)));
        } else {
            shown.push(if c == '\n' || c == '\t' { ' ' } else { c });
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_between_characters() {
        assert_eq!(cut("añb", 2), ("a", Rest(3)));
        assert_eq!(cut("añb", 9), ("añb", Rest(0)));
    }

    #[test]
    fn a_terminal_is_not_steered() {
        assert_eq!(visible("a\x1b[2J\u{202E}\nb"), "a<U+001B>[2J<U+202E> b");
    }
}
