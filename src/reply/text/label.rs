//! One line of a reply as a label: `Question:`, `**Answer 2:**`, `3. Q:`, `### Conversation 1`, `[Topic]`.

use crate::reply::decode::is_invisible;
use crate::reply::text::vocabulary::{Family, Role, Word, may_start, number_at, ordinal_at, word_at};

/// A label at the start of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Label {
    pub(super) role: Role,
    pub(super) number: Option<u32>,
    pub(super) shape: Shape,
    /// Bytes of the line that it takes, marks included.
    pub(super) len: usize,
    /// Emphasis marks that are opened before the label and not closed by its end: the text behind closes them.
    pub(super) open_marks: usize,
}

/// How a label looks. Labels of one kind look alike within a reply; what looks otherwise may be a part of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) word: Word,
    pub(super) has_number: bool,
    pub(super) end: End,
    dress: Dress,
}

impl Shape {
    /// Whether something besides the word makes it stand out.
    pub(super) fn is_dressed(self) -> bool {
        self.dress != Dress::default()
    }

    /// Whether the same marks stand around both.
    pub(super) fn looks_like(self, other: Self) -> bool {
        self.dress == other.dress && self.end == other.end
    }
}

/// What ends a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Colon,
    /// `Q1.`, `Q1)`, `Q1 -`: only behind a number.
    Point,
    /// `[Q1]`, `<question>`.
    Bracket,
    /// The end of the line: `### Question 1`.
    Line,
}

/// What stands around a label.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Dress {
    pub(super) is_heading: bool,
    pub(super) is_bold: bool,
    pub(super) is_bullet: bool,
    pub(super) is_quote: bool,
    /// The bracket around it, if any.
    pub(super) bracket: Option<char>,
    /// A list number before it.
    pub(super) is_listed: bool,
}

/// The marks before the word of a label.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Lead {
    pub(super) dress: Dress,
    pub(super) list_number: Option<u32>,
    /// How many `*` or `_` were opened.
    pub(super) marks: usize,
    /// Bytes up to the word.
    pub(super) len: usize,
}

fn is_space(c: char) -> bool {
    c.is_whitespace() || is_invisible(c)
}

/// Takes the marks at the start of a line.
pub(super) fn lead(line: &str) -> Lead {
    let mut lead = Lead::default();
    let mut rest = line;
    while let Some(first) = rest.bytes().next() {
        let taken = match first {
            b' ' | b'\t' => 1,
            b'#' => {
                lead.dress.is_heading = true;
                1
            }
            b'*' | b'_' => emphasis(rest, &mut lead),
            b'-' | b'+' if rest[1..].starts_with(' ') => bullet(&mut lead, 1),
            b'>' => {
                lead.dress.is_quote = true;
                1
            }
            b'[' | b'(' | b'<' if lead.dress.bracket.is_none() => {
                lead.dress.bracket = Some(char::from(first));
                1
            }
            b'0'..=b'9' if lead.list_number.is_none() => list_number(rest, &mut lead),
            0x80.. => match rest.chars().next() {
                Some(c) if is_space(c) => c.len_utf8(),
                Some('•' | '–' | '●' | '▪') => bullet(&mut lead, 3),
                Some(c @ ('【' | '「')) if lead.dress.bracket.is_none() => {
                    lead.dress.bracket = Some(c);
                    c.len_utf8()
                }
                _ => 0,
            },
            _ => 0,
        };
        if taken == 0 {
            break;
        }
        rest = &rest[taken..];
    }
    if let Some((number, len)) = ordinal_at(rest).filter(|_| lead.list_number.is_none()) {
        lead.list_number = Some(number);
        rest = &rest[len..];
    }
    lead.len = line.len() - rest.len();
    lead
}

fn bullet(lead: &mut Lead, len: usize) -> usize {
    lead.dress.is_bullet = true;
    len
}

fn emphasis(rest: &str, lead: &mut Lead) -> usize {
    let len = rest.bytes().take_while(|b| matches!(b, b'*' | b'_')).count();
    if len == 1 && rest[1..].starts_with(' ') {
        return bullet(lead, 1);
    }
    // Marks around a list number are closed before the word: `**1.** Question`.
    if lead.marks > 0 && lead.list_number.is_some() {
        lead.marks = lead.marks.saturating_sub(len);
    } else {
        lead.marks += len;
    }
    lead.dress.is_bold = true;
    len
}

/// `12.`, `12)`, `(12)`.
fn list_number(rest: &str, lead: &mut Lead) -> usize {
    let Some((number, len)) = number_at(rest) else { return 0 };
    let behind = &rest[len..];
    let end = behind.chars().next();
    match end {
        Some('.' | ')' | '、' | '．') => {}
        Some(']') if lead.dress.bracket.is_some() => {}
        _ => return 0,
    }
    if matches!(end, Some(')' | ']')) {
        lead.dress.bracket = None;
    }
    lead.dress.is_listed = true;
    lead.list_number = Some(number);
    len + end.map_or(0, char::len_utf8)
}

/// Whether a label may start with this byte: most lines are none, and end here.
pub(super) fn may_be_label(line: &str) -> bool {
    let first = line.bytes().find(|byte| !matches!(byte, b' ' | b'\t'));
    first.is_some_and(|byte| may_start(byte) || byte >= 0x80 || b"#*_-+>[(<0123456789FfSsTt".contains(&byte))
}

/// The label at the start of `line`, if it has one. `is_whole` is false for a line that goes on behind the end of a reply
/// that was cut.
pub(super) fn label_of(line: &str, is_whole: bool) -> Option<Label> {
    if !may_be_label(line) {
        return None;
    }
    // Most labels have no marks before them.
    let bare = word_at(line).map(|found| (Lead::default(), found));
    let (lead, (word, word_len)) = match bare {
        Some(found) => found,
        None => {
            let lead = lead(line);
            let found = word_at(&line[lead.len..])?;
            (lead, found)
        }
    };
    let behind = &line[lead.len + word_len..];
    if lead.marks == 0 && lead.dress.bracket.is_none() && behind.starts_with(": ") {
        // The usual case.
        let number = lead.list_number;
        let shape = Shape { word, has_number: number.is_some(), end: End::Colon, dress: lead.dress };
        return Some(Label { role: word.role, number, shape, len: line.len() - behind.len() + 1, open_marks: 0 });
    }
    let mut rest = Rest { text: behind, closed_marks: 0, bracket: lead.dress.bracket };
    let number = rest.number();
    if word.role != Role::Conversation {
        rest.skip_qualifier();
    }
    let has_number = number.or(lead.list_number).is_some();
    let end = rest.end(word, has_number, &lead.dress, is_whole)?;
    let len = line.len() - rest.text.len();
    let shape = Shape { word, has_number, end, dress: lead.dress };
    let open_marks = lead.marks.saturating_sub(rest.closed_marks);
    Some(Label { role: word.role, number: number.or(lead.list_number), shape, len, open_marks })
}

/// What stands behind the word of a label.
struct Rest<'a> {
    text: &'a str,
    closed_marks: usize,
    bracket: Option<char>,
}

impl Rest<'_> {
    fn skip(&mut self, len: usize) {
        self.text = &self.text[len..];
    }

    fn skip_spaces(&mut self) {
        self.text = self.text.trim_start_matches(is_space);
    }

    fn skip_marks(&mut self) {
        let len = self.text.bytes().take_while(|b| matches!(b, b'*' | b'_')).count();
        self.closed_marks += len;
        self.skip(len);
    }

    /// ` 3`, `#3`, ` (3)`, ` No. 3`, `-3`.
    fn number(&mut self) -> Option<u32> {
        let before = self.text;
        let start = before.trim_start_matches([' ', '#', '(', '-', '_', '№', '\u{a0}', '第']);
        let start = start.strip_prefix("No. ").or_else(|| start.strip_prefix("Nr. ")).unwrap_or(start);
        let (number, len) = number_at(start)?;
        self.text = &start[len..];
        let of_all = self.text.strip_prefix('/').or_else(|| self.text.strip_prefix(" of "));
        if let Some((rest, (_, len))) = of_all.and_then(|rest| Some((rest, number_at(rest)?))) {
            self.text = &rest[len..];
        }
        if before.trim_start().starts_with('(') {
            self.text = self.text.strip_prefix(')').unwrap_or(self.text);
        }
        Some(number)
    }

    /// ` (about colours)` before the colon.
    fn skip_qualifier(&mut self) {
        let Some(inner) = self.text.trim_start().strip_prefix('(') else { return };
        let window = &inner[..inner.floor_char_boundary(60)];
        if let Some(len) = window.find(')') {
            let behind = &inner[len + 1..];
            if behind.trim_start_matches(['*', '_', ' ']).starts_with([':', '：']) {
                self.text = behind;
            }
        }
    }

    fn end(&mut self, word: Word, has_number: bool, dress: &Dress, is_whole: bool) -> Option<End> {
        self.skip_marks();
        let is_closed = self.close_bracket();
        if dress.bracket.is_some() && !is_closed {
            return None;
        }
        self.skip_marks();
        let before = self.text;
        self.skip_spaces();
        let end = match self.text.chars().next() {
            Some(':' | '：' | '﹕') => End::Colon,
            // A colon may follow.
            None if is_closed && !is_whole => return None,
            _ if is_closed => {
                self.text = before;
                return Some(self.finish(End::Bracket));
            }
            Some('.' | ')' | '、' | '．') if has_number || is_letter_with_point(word, self.text) => End::Point,
            Some('-' | '–' | '—') if has_number && before.starts_with(' ') => End::Point,
            Some('|') => return None,
            None if is_whole && (has_number || dress.is_heading || dress.is_bold || word.text.len() > 2) => {
                return Some(End::Line);
            }
            Some('(') if word.role == Role::Conversation && has_number => {
                return Some(End::Point);
            }
            _ => return None,
        };
        let len = self.text.chars().next().map_or(0, char::len_utf8);
        self.skip(len);
        Some(self.finish(end))
    }

    fn close_bracket(&mut self) -> bool {
        let close = match self.bracket {
            Some('[') => ']',
            Some('(') => ')',
            Some('<') => '>',
            Some('【') => '】',
            Some('「') => '」',
            _ => return false,
        };
        let Some(rest) = self.text.strip_prefix(close) else { return false };
        self.text = rest;
        true
    }

    fn finish(&mut self, end: End) -> End {
        self.skip_marks();
        end
    }
}

/// `Q. Why?`: a single letter with a point is a label where letters with a colon would be.
fn is_letter_with_point(word: Word, rest: &str) -> bool {
    let is_short = word.family == Family::Letter || word.text == "ans";
    is_short && matches!(word.text, "q" | "a" | "ans") && rest.starts_with(". ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, expected: Option<(Role, Option<u32>, &str)>) {
        let found = label_of(line, true).map(|found| (found.role, found.number, line[found.len..].trim()));
        assert_eq!(found, expected, "{line:?}");
    }

    #[test]
    fn labels_in_their_dresses() {
        use Role::{Answer, Question};
        check("Question: Why?", Some((Question, None, "Why?")));
        check("  **Question 12:** Why?", Some((Question, Some(12), "Why?")));
        check("**Question 12**: Why?", Some((Question, Some(12), "Why?")));
        check("3. Q: Why?", Some((Question, Some(3), "Why?")));
        check("**3.** Q: Why?", Some((Question, Some(3), "Why?")));
        check("(3) Question: Why?", Some((Question, Some(3), "Why?")));
        check("- **A:** Because.", Some((Answer, None, "Because.")));
        check("ANSWER：Because.", Some((Answer, None, "Because.")));
        check("### Answer", Some((Answer, None, "")));
        check("Answer", Some((Answer, None, "")));
        check("Q1. Why?", Some((Question, Some(1), "Why?")));
        check("Q1) Why?", Some((Question, Some(1), "Why?")));
        check("Q1 - Why?", Some((Question, Some(1), "Why?")));
        check("Q. Why?", Some((Question, None, "Why?")));
        check("Question #4: Why?", Some((Question, Some(4), "Why?")));
        check("Question 4 of 15: Why?", Some((Question, Some(4), "Why?")));
        check("Question 4/15: Why?", Some((Question, Some(4), "Why?")));
        check("Question (4): Why?", Some((Question, Some(4), "Why?")));
        check("Question 4 (colours): Why?", Some((Question, Some(4), "Why?")));
        check("[Question] Why?", Some((Question, None, "Why?")));
        check("[Q1]: Why?", Some((Question, Some(1), "Why?")));
        check("<question>Why?</question>", Some((Question, None, "Why?</question>")));
        check("> Question: Why?", Some((Question, None, "Why?")));
        check("【问题】为什么？", Some((Question, None, "为什么？")));
        check("问题一：为什么？", Some((Question, Some(1), "为什么？")));
        check("\u{feff}Frage 1: Warum?", Some((Question, Some(1), "Warum?")));
        check("Réponse : Parce que.", Some((Answer, None, "Parce que.")));
    }

    #[test]
    fn lines_that_are_no_labels() {
        let lines = [
            "A man: tall",
            "Questionable: yes",
            "Question marks are: ?",
            "- - - é",
            "",
            "A",
            "Answer the phone: it rings.",
            "User experience: good",
            "| Question | Answer |",
            "2 questions:",
            "Answers:",
            "[Question",
            "A.M. is early",
        ];
        for line in lines {
            check(line, None);
        }
    }

    #[test]
    fn headers_of_conversations() {
        use Role::{Conversation, Topic};
        check("Conversation 1:", Some((Conversation, Some(1), "")));
        check("Conversation 2", Some((Conversation, Some(2), "")));
        check("**Conversation 2**", Some((Conversation, Some(2), "")));
        check("## Conversation 2 - Colours", Some((Conversation, Some(2), "Colours")));
        check("Conversation 2 (Topic: Colours)", Some((Conversation, Some(2), "(Topic: Colours)")));
        check("Topic: A: B", Some((Topic, None, "A: B")));
        check("对话 2：", Some((Conversation, Some(2), "")));
        check("Conversations are nice.", None);
    }

    #[test]
    fn marks_that_the_text_closes() {
        let open = |line: &str| label_of(line, true).unwrap().open_marks;
        assert_eq!(open("**Q1: Why?**"), 2);
        assert_eq!(open("**Q1:** Why?"), 0);
        assert_eq!(open("**Q1**: Why?"), 0);
        assert_eq!(open("*Answer:* So."), 0);
        assert_eq!(open("**1. Question: Why?**"), 2);
    }
}
