//! Replies that label their questions by nothing but a number or emphasis, or their speakers by names of their own.

use std::ops::Range;

use crate::reply::lines::{Line, lines};
use crate::reply::text::label::{Dress, lead};
use crate::reply::text::mark::{Mark, MarkKind};
use crate::reply::text::vocabulary::Role;

/// How many pairs show that it is no chance, in a reply of which the rest is not known.
const ENOUGH_PAIRS: usize = 2;

/// Bytes that the name of a speaker may have.
const MAX_NAME: usize = 24;

/// The marks in `part`, if it has pairs; `labels` are the lines in it that look like labels. `is_all` says that nothing
/// follows.
pub(super) fn marks(reply: &str, part: Range<usize>, labels: &[Mark], is_all: bool) -> Option<Vec<Mark>> {
    let certain = [
        numbered_with_answers(reply, part.clone(), labels),
        question_lines(reply, part.clone(), labels, is_all, ENOUGH_PAIRS),
        names(reply, part.clone(), labels, false),
    ];
    let earliest = certain.into_iter().flatten().min_by_key(|found| found.shown_by);
    let single = || {
        let question = question_lines(reply, part.clone(), labels, true, 1);
        question.or_else(|| names(reply, part.clone(), labels, true))
    };
    earliest.or_else(|| is_all.then(single).flatten()).map(|found| found.marks)
}

/// Marks, and where the pairs end that show that they are some: the earliest count, whatever may follow.
struct Found {
    marks: Vec<Mark>,
    shown_by: usize,
}

/// The lines of `part` that do not look like labels.
fn other_lines<'a>(reply: &'a str, part: Range<usize>, labels: &'a [Mark]) -> impl Iterator<Item = Line> + 'a {
    let is_label = |line: &Line| labels.binary_search_by_key(&line.span.start, |label| label.span.start).is_ok();
    lines(reply, part).filter(move |line| !is_label(line))
}

/// A line that could be a question by its looks.
struct QuestionLine {
    dress: Dress,
    number: Option<u32>,
    lead: Range<usize>,
    end: usize,
    open_marks: usize,
    asks: bool,
}

fn question_line(reply: &str, line: Range<usize>) -> Option<QuestionLine> {
    let text = &reply[line.clone()];
    let lead = lead(text);
    let body = text[lead.len..].trim_end();
    let is_dressed = lead.dress.is_listed || lead.dress.is_heading || lead.dress.is_bold;
    if !is_dressed || body.is_empty() || lead.dress.bracket.is_some() {
        return None;
    }
    let bare = body.trim_end_matches(['*', '_', ' ']);
    // Emphasis must reach to the end of the line.
    if lead.marks > 0 && bare.len() == body.len() {
        return None;
    }
    let lead_span = line.start..line.start + lead.len;
    let asks = bare.ends_with(['?', '？']);
    let end = line.start + text.trim_end().len();
    Some(QuestionLine {
        dress: lead.dress,
        number: lead.list_number,
        lead: lead_span,
        end,
        open_marks: lead.marks,
        asks,
    })
}

impl QuestionLine {
    fn mark(&self) -> Mark {
        Mark {
            kind: MarkKind::Label(Role::Question),
            span: self.lead.clone(),
            number: self.number,
            open_marks: self.open_marks,
        }
    }
}

/// `1. Why?`, then `Answer: Because.`
fn numbered_with_answers(reply: &str, part: Range<usize>, labels: &[Mark]) -> Option<Found> {
    let mut marks: Vec<Mark> = Vec::new();
    let numbered = other_lines(reply, part.clone(), labels).filter_map(|line| question_line(reply, line.span));
    let mut labels = labels.iter().peekable();
    let mut last: Option<QuestionLine> = None;
    for line in numbered.filter(|line| line.number.is_some()).map(Some).chain([None]) {
        let question = std::mem::replace(&mut last, line);
        let line_start = last.as_ref().map_or(part.end, |line| line.lead.start);
        let mut is_open = question.is_some();
        while let Some(label) = labels.next_if(|label| label.span.start < line_start) {
            let is_first = std::mem::take(&mut is_open);
            if label.role() != Some(Role::Answer) {
                continue;
            }
            if is_first {
                marks.extend(question.as_ref().map(QuestionLine::mark));
            }
            if !marks.is_empty() {
                marks.push(label.clone());
            }
        }
    }
    let shown_by = marks.get(1)?.span.end;
    Some(Found { marks, shown_by })
}

/// `1. **Why?**`, then the answer in the lines below, if there are `n_needed` pairs of which the end is known.
fn question_lines(reply: &str, part: Range<usize>, labels: &[Mark], is_all: bool, n_needed: usize) -> Option<Found> {
    let mut questions: Vec<QuestionLine> = Vec::new();
    for line in other_lines(reply, part.clone(), labels) {
        if !is_all && !line.is_ended {
            break;
        }
        let Some(line) = question_line(reply, line.span) else { continue };
        let is_next = match questions.last() {
            None => line.asks,
            Some(last) => {
                let follows = match (last.number, line.number) {
                    (Some(last), Some(number)) => number == last.saturating_add(1) || number == 1,
                    (None, None) => true,
                    _ => false,
                };
                let stands_out = line.dress.is_bold || line.dress.is_heading;
                line.dress == last.dress && follows && (line.asks || stands_out && line.number.is_some())
            }
        };
        if is_next {
            questions.push(line);
        }
    }
    let ends = questions.iter().skip(1).map(|line| line.lead.start).chain([part.end]);
    let answers: Vec<Range<usize>> = questions.iter().zip(ends).map(|(line, end)| line.end..end).collect();
    let n_closed = if is_all { answers.len() } else { answers.len().saturating_sub(1) };
    let is_answered = |answer: &Range<usize>| !reply[answer.clone()].trim().is_empty();
    if n_closed < n_needed || !answers[..n_closed].iter().take(ENOUGH_PAIRS).all(is_answered) {
        return None;
    }
    let shown_by = answers.get(ENOUGH_PAIRS - 1).map_or(part.end, |answer| answer.end);
    let pairs = questions.iter().zip(answers);
    let marks = pairs.flat_map(|(question, answer)| [question.mark(), answer_mark(reply, answer, labels)]).collect();
    Some(Found { marks, shown_by })
}

/// An answer without a label starts where the line of its question ends; a bullet before it is as good as one, unless it
/// belongs to a label.
fn answer_mark(reply: &str, answer: Range<usize>, labels: &[Mark]) -> Mark {
    let label = labels.get(labels.partition_point(|label| label.span.start < answer.start));
    let end = label.map_or(answer.end, |label| label.span.start.min(answer.end));
    let text = &reply[answer.start..end];
    let start = text.trim_start();
    let bullet = ["- ", "* ", "• ", "→ "].into_iter().find(|bullet| start.starts_with(bullet));
    let len = match bullet {
        Some(bullet) if !start[bullet.len()..].lines().any(|line| line.trim_start().starts_with(bullet)) => {
            text.len() - start.len() + bullet.len()
        }
        _ => 0,
    };
    Mark { kind: MarkKind::Label(Role::Answer), span: answer.start..answer.start + len, number: None, open_marks: 0 }
}

/// `Anna: Why?`, `Ben: Because.`: two names in turn; once will do if nothing follows.
fn names(reply: &str, part: Range<usize>, labels: &[Mark], is_all: bool) -> Option<Found> {
    let others = other_lines(reply, part, labels);
    let mut named = others.filter_map(|line| Some((line.span.start, name_of(&reply[line.span])?)));
    let (first, second) = (named.next()?, named.next()?);
    let (asks, answers) = (first.1.0, second.1.0);
    if asks == answers {
        return None;
    }
    let rest: Vec<_> = named.filter(|(_, (name, _))| *name == asks || *name == answers).collect();
    let goes_on = rest.len() >= 2 && rest[0].1.0 == asks && rest[1].1.0 == answers;
    let is_question = reply[first.0 + first.1.1..second.0].trim_end().ends_with(['?', '？']);
    if !(goes_on || is_all && is_question && rest.is_empty()) {
        return None;
    }
    let shown_by = rest.get(1).map_or(second.0, |answer| answer.0);
    let mark = |(start, (name, len)): (usize, (&str, usize))| {
        let role = if name == asks { Role::Question } else { Role::Answer };
        Mark { kind: MarkKind::Unknown(role), span: start..start + len, number: None, open_marks: 0 }
    };
    Some(Found { marks: [first, second].into_iter().chain(rest).map(mark).collect(), shown_by })
}

/// A name and a colon at the start of a line, and how long both are with their marks.
fn name_of(line: &str) -> Option<(&str, usize)> {
    let lead = lead(line);
    let rest = &line[lead.len..];
    let window = &rest[..rest.floor_char_boundary(MAX_NAME + 8)];
    let colon = window.find([':', '：'])?;
    let name = rest[..colon].trim_end_matches(['*', '_', ' ']);
    let is_name = name.chars().all(|c| c.is_alphanumeric() || matches!(c, ' ' | '_' | '-' | '\'' | '.'))
        && name.starts_with(|c: char| c.is_alphabetic() && !c.is_lowercase())
        && name.len() <= MAX_NAME
        && name.split(' ').count() <= 3;
    let behind = rest[colon..].chars().next().map_or(colon, |c| colon + c.len_utf8());
    let marks = rest[behind..].bytes().take_while(|byte| matches!(byte, b'*' | b'_')).count();
    is_name.then_some((name, lead.len + behind + marks))
}
