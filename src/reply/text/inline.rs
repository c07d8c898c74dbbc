//! Labels within a line: `Question: Why? Answer: Because.`

use std::ops::Range;

use memchr::memchr3_iter;

use crate::reply::text::mark::{Mark, MarkKind};
use crate::reply::text::vocabulary::{Family, Role, number_at, word_at};

/// Longer than any label word with its number and marks.
const MAX_LABEL: usize = 40;

/// A label within a text: its role and its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
struct InlineLabel {
    role: Role,
    span: Range<usize>,
}

/// Adds the labels that stand within lines. Where an answer label follows on a line of its own, the first one within the
/// line may be an option of the question; two pairs in a row are none.
pub(super) fn with_inline_labels(reply: &str, marks: Vec<Mark>, end: usize) -> Vec<Mark> {
    let mut all = Vec::new();
    for (index, mark) in marks.iter().enumerate() {
        let next = marks.get(index + 1);
        let text = mark.span.end..next.map_or(end, |next| next.span.start);
        let is_answered = next.and_then(Mark::role) == Some(Role::Answer);
        let inline = match mark.role() {
            Some(Role::Question) => pairs_in(reply, text, family_of(reply[mark.span.clone()].trim()), is_answered),
            _ => Vec::new(),
        };
        if !inline.is_empty() && all.is_empty() {
            all.extend_from_slice(&marks[..index]);
        }
        if !all.is_empty() || !inline.is_empty() {
            all.push(mark.clone());
        }
        all.extend(inline);
    }
    if all.is_empty() { marks } else { all }
}

/// From the text of a question: the label of its answer, and whole pairs of labels behind; `is_answered` tells whether an
/// answer label follows on a line of its own.
pub(super) fn pairs_in(reply: &str, text: Range<usize>, family: Family, is_answered: bool) -> Vec<Mark> {
    let n_needed = if is_answered { 3 } else { 1 };
    let mut marks = Vec::new();
    let mut question = None;
    for label in labels(&reply[text.clone()], family) {
        let span = text.start + label.span.start..text.start + label.span.end;
        let mark = Mark { kind: MarkKind::Label(label.role), span, number: None, open_marks: 0 };
        match label.role {
            Role::Answer if marks.is_empty() => marks.push(mark),
            Role::Answer => marks.extend(question.take().map(|question| [question, mark]).into_iter().flatten()),
            _ => question = Some(mark).filter(|_| !marks.is_empty()),
        }
    }
    if marks.len() < n_needed { Vec::new() } else { marks }
}

fn family_of(label: &str) -> Family {
    let start = label.len() - label.trim_start_matches(|c: char| !c.is_alphabetic()).len();
    word_at(&label[start..]).map_or(Family::Word, |(word, _)| word.family)
}

/// The first answer label within the text of a question of this family.
pub(super) fn answer_in(text: &str, question: Family) -> Option<Range<usize>> {
    labels(text, question).find(|label| label.role == Role::Answer).map(|label| label.span)
}

/// The labels of pairs within a text, which fit a question of this family.
fn labels(text: &str, family: Family) -> impl Iterator<Item = InlineLabel> {
    let ends = memchr3_iter(b':', b'>', "：".as_bytes()[0], text.as_bytes());
    ends.filter_map(move |at| label_before(text, at, family))
}

/// The label that ends with the mark at `at`.
fn label_before(text: &str, at: usize, family: Family) -> Option<InlineLabel> {
    let mark = text[at..].chars().next().filter(|mark| matches!(mark, ':' | '>' | '：'))?;
    let window_start = text.ceil_char_boundary(at.saturating_sub(MAX_LABEL));
    let name_end = text[window_start..at].trim_end_matches([' ', '*', '_', '\u{a0}']);
    let closed = at - window_start - name_end.len();
    let before = without_last_word(name_end);
    let name = &name_end[before.len()..];
    // Most colons end no label: what stands before tells it soonest.
    let is_tag = mark == '>' && before.ends_with('<');
    let is_label = is_tag || mark != '>' && !name.starts_with(char::is_lowercase) && ends_a_part(before);
    if !is_label {
        return None;
    }
    let (word, len) = word_at(name)?;
    let is_bare = name[len..].trim_start().is_empty() || is_number(name[len..].trim_start());
    let is_pair_label = word.family == family && matches!(word.role, Role::Question | Role::Answer);
    if !is_bare || !is_pair_label {
        return None;
    }
    let marks = if is_tag { 1 } else { before.len() - before.trim_end_matches(['*', '_']).len() };
    let mut end = at + mark.len_utf8();
    if marks > 0 && closed == 0 && !is_tag {
        end += text[end..].bytes().take_while(|byte| matches!(byte, b'*' | b'_')).count().min(marks);
    }
    Some(InlineLabel { role: word.role, span: window_start + before.len() - marks..end })
}

/// The text without its last word, and without a number behind that.
fn without_last_word(text: &str) -> &str {
    let is_of_word = |c: char| c.is_alphanumeric();
    let before = text.trim_end_matches(is_of_word);
    if is_number(&text[before.len()..]) { before.trim_end_matches(' ').trim_end_matches(is_of_word) } else { before }
}

fn is_number(text: &str) -> bool {
    number_at(text).is_some_and(|(_, len)| len == text.len())
}

/// Whether a label may follow within the line: a sentence or a part of the line ends here.
fn ends_a_part(before: &str) -> bool {
    let dressed = before.trim_end_matches(['*', '_']);
    let end = dressed.trim_end();
    let is_apart = end.len() < dressed.len() || end.ends_with(['|', '。', '？', '！']);
    let ends = ['.', '?', '!', '"', '”', '。', '？', '！', '|', ')', '/', '-', '–', '—', ';', '>', ']', '*'];
    is_apart && !end.is_empty() && (end.ends_with(ends) || dressed.ends_with("  ") || dressed.ends_with(['\n', '\t']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<(&str, &str)>) {
        let found = answer_in(text, Family::Word).map(|span| (&text[..span.start], &text[span.end..]));
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn answers_behind_their_questions() {
        check("Why? Answer: Because.", Some(("Why? ", " Because.")));
        check("Why? **Answer:** Because.", Some(("Why? ", " Because.")));
        check("Why? **Answer 2**: Because.", Some(("Why? ", " Because.")));
        check("Why? Answer 2: Because.", Some(("Why? ", " Because.")));
        check("Pourquoi ? Réponse : Parce que.", Some(("Pourquoi ? ", " Parce que.")));
        check("Why? | Answer: Because.", Some(("Why? | ", " Because.")));
        check("Why?</question><answer>Because.</answer>", Some(("Why?</question>", "Because.</answer>")));
        check("为什么？答案：因为。", Some(("为什么？", "因为。")));
        check("What is the Answer: to life?", None);
        check("Is the answer: yes?", None);
        check("Why?", None);
    }
}
