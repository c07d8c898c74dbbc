//! The lines of a reply, and what some of them are by themselves.

use std::ops::Range;

use memchr::memchr;

/// A line without its end.
#[derive(Clone, Debug)]
pub(super) struct Line {
    /// Bytes of the reply.
    pub(super) span: Range<usize>,
    /// Whether a line end follows; without it, the line of a cut reply may go on.
    pub(super) is_ended: bool,
}

/// The lines of a part of the reply.
pub(super) fn lines(reply: &str, part: Range<usize>) -> impl Iterator<Item = Line> {
    let mut at = part.start;
    std::iter::from_fn(move || {
        if at >= part.end {
            return None;
        }
        let newline = memchr(b'\n', &reply.as_bytes()[at..part.end]);
        let start = at;
        let end = newline.map_or(part.end, |len| at + len);
        at = end + 1;
        let end = if reply[start..end].ends_with('\r') { end - 1 } else { end };
        Some(Line { span: start..end, is_ended: newline.is_some() })
    })
}

/// The mark of a code fence at the start of a line.
fn fence_rest(line: &str) -> Option<&str> {
    let line = line.trim();
    line.strip_prefix("```").or_else(|| line.strip_prefix("~~~")).map(|rest| rest.trim_matches(['`', '~', ' ']))
}

/// A line that opens or closes a code block.
pub(super) fn is_fence(line: &str) -> bool {
    fence_rest(line).is_some_and(|rest| rest.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '+')))
}

/// Whether a fence names the language of what follows, so that it opens a block.
pub(super) fn has_info(fence: &str) -> bool {
    fence_rest(fence).is_some_and(|rest| !rest.is_empty())
}

/// A line such as `---`, `* * *` or `=====`.
pub(super) fn is_separator(line: &str) -> bool {
    let mut marks = line.chars().filter(|c| !c.is_whitespace());
    let Some(mark) = marks.next().filter(|mark| "-=*_~—─".contains(*mark)) else { return false };
    let mut n_marks = 1;
    for c in marks {
        if c != mark {
            return false;
        }
        n_marks += 1;
    }
    n_marks >= 3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_know_their_ends() {
        let text = "a\r\n\nb";
        let found: Vec<_> =
            lines(text, 0..text.len()).map(|line| (text[line.span].to_owned(), line.is_ended)).collect();
        assert_eq!(found, [("a".into(), true), (String::new(), true), ("b".into(), false)]);
    }

    #[test]
    fn fences_and_separators() {
        assert!(is_fence("```") && is_fence("  ```json") && is_fence("~~~"));
        assert!(has_info("```json") && !has_info("```"));
        assert!(!is_fence("```js let x = 1;```") && !is_fence("``"));
        assert!(is_separator("---") && is_separator(" * * * ") && is_separator("======") && is_separator("———"));
        assert!(!is_separator("--") && !is_separator("") && !is_separator("- - é"));
    }
}
