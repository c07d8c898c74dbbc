//! Which lines of a reply are its labels: found out from the first pair, then held for the rest.
//!
//! A decision looks at nothing behind the pair that it was made by, so that a reply that was cut is read like the whole.

use std::ops::Range;

use memchr::memchr;

use crate::reply::lines::{has_info, is_fence, lines};
use crate::reply::text::inline;
use crate::reply::text::label::{End, Label, Shape, label_of};
use crate::reply::text::mark::{Mark, MarkKind};
use crate::reply::text::unlabelled;
use crate::reply::text::vocabulary::Role;

/// A line that looks like a label.
#[derive(Clone, Debug)]
struct Candidate {
    label: Label,
    start: usize,
}

impl Candidate {
    fn mark(&self) -> Mark {
        Mark {
            kind: MarkKind::Label(self.label.role),
            span: self.start..self.start + self.label.len,
            number: self.label.number,
            open_marks: self.label.open_marks,
        }
    }

    fn is_pair_label(&self) -> bool {
        matches!(self.label.role, Role::Question | Role::Answer)
    }
}

/// The marks of a reply, in order. `is_whole` is false for a reply that was cut.
pub(super) fn marks(reply: &str, body: Range<usize>, is_whole: bool) -> Vec<Mark> {
    let (candidates, fences, end) = candidates(reply, body.clone(), is_whole);
    let (marks, end) = choose(reply, &(body.start..end), &candidates, is_whole);
    let mut marks = inline::with_inline_labels(reply, marks, end);
    if !fences.is_empty() && !marks.is_empty() {
        marks.extend(fences);
        marks.sort_by_key(|mark| mark.span.start);
    }
    marks
}

/// The marks among the candidates, and up to where the reply is known.
fn choose(reply: &str, body: &Range<usize>, candidates: &[Candidate], is_whole: bool) -> (Vec<Mark>, usize) {
    let found = Dialect::find(reply, body, candidates, is_whole);
    let end = found.as_ref().map_or(body.end, |(_, first_answer)| *first_answer);
    let n_before = candidates.partition_point(|candidate| candidate.start < end);
    let before = before_labels(reply, body.start..end, &candidates[..n_before], is_whole && found.is_none());
    match (before, found) {
        (Some(mut marks), Some((dialect, _))) => {
            let (behind, end) = dialect.accept(reply, body, &candidates[n_before..]);
            marks.extend(behind);
            (marks, end)
        }
        (Some(marks), None) => (marks, body.end),
        (None, Some((dialect, _))) => dialect.accept(reply, body, candidates),
        (None, None) => {
            let mut marks = first_shapes(candidates);
            if is_whole {
                return (marks, body.end);
            }
            // Nobody knows which labels the first pair would have had.
            marks.truncate(1);
            let end = marks.first().map_or(body.end, |first| first.span.end);
            (marks, end)
        }
    }
}

/// Pairs without labels that are there before the first pair with labels is, or in place of it.
fn before_labels(reply: &str, part: Range<usize>, candidates: &[Candidate], is_all: bool) -> Option<Vec<Mark>> {
    // The usual case: the text before the first answer is one question.
    if !is_all && candidates.len() < 2 && memchr(b'\n', reply[part.clone()].trim_start().as_bytes()).is_none() {
        return None;
    }
    let labels: Vec<Mark> = candidates.iter().map(Candidate::mark).collect();
    let is_header = |mark: &Mark| matches!(mark.role(), Some(Role::Conversation | Role::Topic));
    // A speaker that is known beside one that is not counts among the names.
    let others: Vec<Mark> = labels.iter().filter(|mark| mark.role() != Some(Role::Question)).cloned().collect();
    let mut marks = unlabelled::marks(reply, part, &others, is_all)?;
    marks.extend(labels.into_iter().filter(is_header));
    marks.sort_by_key(|mark| mark.span.start);
    Some(marks)
}

/// Without a pair: what looks like the first question, the first answer, or parts conversations.
fn first_shapes(candidates: &[Candidate]) -> Vec<Mark> {
    let mut shapes: Vec<Shape> = Vec::new();
    let mut marks = Vec::new();
    for candidate in candidates {
        let shape = candidate.label.shape;
        let known = shapes.iter().find(|known| known.word.role == shape.word.role);
        let is_first = known.is_none();
        if known.is_none_or(|known| *known == shape) && candidate.label.role != Role::Aside {
            marks.push(candidate.mark());
        }
        if is_first {
            shapes.push(shape);
        }
    }
    marks
}

/// All lines that look like labels, without those in code blocks within a text; the fences around items; and up to where
/// the reply is known, for a code block that was cut may hold anything.
fn candidates(reply: &str, body: Range<usize>, is_whole: bool) -> (Vec<Candidate>, Vec<Mark>, usize) {
    let mut candidates: Vec<Candidate> = Vec::with_capacity(body.len() / 64);
    let mut fences = Fences::default();
    for line in lines(reply, body.clone()) {
        let text = &reply[line.span.clone()];
        if is_fence(text) {
            fences.take(line.span, has_info(text), &mut candidates);
        } else if let Some(label) = label_of(text, is_whole || line.is_ended) {
            candidates.push(Candidate { label, start: line.span.start });
            fences.label_follows(reply, line.span.start);
        }
    }
    let (around, end) = fences.finish(&mut candidates, is_whole, &reply[..body.end]);
    (candidates, around, end)
}

/// Tells code fences around items from code blocks within a text.
#[derive(Debug, Default)]
struct Fences {
    around: Vec<Mark>,
    /// Whether items are inside a fence now.
    is_around: bool,
    /// A fence that was opened behind a label: which candidates were there then, and where it stands.
    block: Option<(usize, Range<usize>)>,
}

impl Fences {
    fn take(&mut self, fence: Range<usize>, has_info: bool, candidates: &mut Vec<Candidate>) {
        if let Some((n_before, _)) = self.block.take() {
            candidates.truncate(n_before);
        } else if self.is_around && !has_info {
            self.is_around = false;
            self.push(fence);
        } else if candidates.is_empty() {
            self.is_around = true;
            self.push(fence);
        } else {
            self.block = Some((candidates.len(), fence));
        }
    }

    /// Where items were fenced before, a fence directly before a label is one around items again.
    fn label_follows(&mut self, reply: &str, label_start: usize) {
        if self.around.is_empty() || self.is_around {
            return;
        }
        if let Some((_, fence)) = self.block.take_if(|(_, fence)| reply[fence.end..label_start].trim().is_empty()) {
            self.is_around = true;
            self.push(fence);
        }
    }

    fn push(&mut self, span: Range<usize>) {
        self.around.push(Mark { kind: MarkKind::Fence, span, number: None, open_marks: 0 });
    }

    /// What an open fence of a whole reply holds are labels all the same; of a reply that was cut nobody knows. With
    /// nothing behind it, it closes what was opened in the prompt.
    fn finish(mut self, candidates: &mut Vec<Candidate>, is_whole: bool, reply: &str) -> (Vec<Mark>, usize) {
        let mut end = reply.len();
        match self.block.take() {
            Some((n_before, fence)) if !is_whole => {
                candidates.truncate(n_before);
                end = fence.start;
            }
            Some((_, fence)) if reply[fence.end..].trim().is_empty() => self.push(fence),
            _ => {}
        }
        (self.around, end)
    }
}

/// How the labels of a reply look.
struct Dialect {
    question: Shape,
    answer: Option<Shape>,
    is_whole: bool,
}

impl Dialect {
    /// From the first question that an answer follows, on a line of its own or in the same line; and where that answer
    /// starts.
    fn find(reply: &str, body: &Range<usize>, candidates: &[Candidate], is_whole: bool) -> Option<(Self, usize)> {
        let pair_labels = || candidates.iter().enumerate().filter(|(_, candidate)| candidate.is_pair_label());
        for (index, Candidate { label: question, start }) in pair_labels() {
            if question.role != Role::Question {
                continue;
            }
            let next = candidates[index + 1..].iter().find(|next| next.is_pair_label());
            if let Some(next) = next.filter(|next| next.label.role == Role::Answer) {
                // A header ends the pair, and with it what decides.
                let behind = candidates[index + 1..].iter().skip_while(|label| label.start < next.start);
                let dialect = Self { question: question.shape, answer: answer_shape(question.shape, behind), is_whole };
                let text = start + question.len..next.start;
                let inline = inline::pairs_in(reply, text, question.shape.word.family, true);
                return Some((dialect, inline.first().map_or(next.start, |answer| answer.span.start)));
            }
            let text_start = start + question.len;
            let text_end = next.map_or(body.end, |next| next.start);
            if let Some(answer) = inline::answer_in(&reply[text_start..text_end], question.shape.word.family) {
                return Some((Self { question: question.shape, answer: None, is_whole }, text_start + answer.start));
            }
        }
        None
    }

    /// The candidates that are labels, and up to where that is known: not beyond a line of a cut reply of which only the
    /// rest would tell what it is.
    fn accept(&self, reply: &str, body: &Range<usize>, candidates: &[Candidate]) -> (Vec<Mark>, usize) {
        let ahead = self.ahead(candidates, body.end);
        let mut marks = Vec::with_capacity(candidates.len());
        let mut state = State::default();
        for (candidate, ahead) in candidates.iter().zip(&ahead) {
            if self.is_undecided(&candidate.label, ahead, &state) {
                return (marks, candidate.start);
            }
            if self.is_label(&candidate.label, ahead, &state) {
                state.take(&candidate.label);
                if state.has_question && ahead.next != Some(Role::Answer) {
                    let text = &reply[candidate.start + candidate.label.len..ahead.next_start];
                    state.has_question = inline::answer_in(text, candidate.label.shape.word.family).is_none();
                }
                marks.push(candidate.mark());
            }
        }
        (marks, body.end)
    }

    fn ahead(&self, candidates: &[Candidate], end: usize) -> Vec<Ahead> {
        let mut ahead = Vec::with_capacity(candidates.len());
        let starts_pair = self.is_whole.then_some(false);
        let mut here = Ahead { next_start: end, starts_pair, ..Default::default() };
        for Candidate { label, start } in candidates.iter().rev() {
            ahead.push(here);
            here.next = Some(label.role);
            here.next_start = *start;
            here.usual_question |= label.shape == self.question;
            match label.role {
                Role::Question | Role::Conversation | Role::Topic => {
                    here.starts_pair = Some(false);
                    here.usual_answer = false;
                }
                Role::Answer => {
                    here.starts_pair = Some(label.shape.is_label_by_itself());
                    here.usual_answer |= Some(label.shape) == self.answer;
                }
                Role::Aside => {}
            }
        }
        ahead.reverse();
        ahead
    }

    fn is_label(&self, label: &Label, ahead: &Ahead, state: &State) -> bool {
        match label.role {
            Role::Question => label.shape == self.question || self.is_other_question(label, ahead, state),
            Role::Answer => Some(label.shape) == self.answer || self.is_other_answer(label, ahead, state),
            Role::Conversation => label.shape.has_number || state.header.is_none_or(|header| header == label.shape),
            Role::Topic => {
                let is_known = state.topic.is_none_or(|topic| topic.word == label.shape.word);
                let is_at_end = ahead.next.is_none() && state.header.is_none();
                is_known && !state.has_question && !is_at_end && ahead.next != Some(Role::Answer)
            }
            Role::Aside => {
                let is_dressed_alike = self.answer.is_none_or(|answer| answer.looks_like(label.shape));
                is_dressed_alike && state.has_answer && label.shape.end == End::Colon
            }
        }
    }

    /// A question that looks otherwise than the first one, if it starts a pair.
    fn is_other_question(&self, label: &Label, ahead: &Ahead, state: &State) -> bool {
        ahead.starts_pair == Some(true) && self.may_be_question(label, ahead, state)
    }

    /// Whether neither a number nor what came before speaks against a question.
    fn may_be_question(&self, label: &Label, ahead: &Ahead, state: &State) -> bool {
        let fits = match (self.question.has_number, label.number, state.number) {
            // Numbers may cease, but not in between.
            (true, None, _) => !ahead.usual_question,
            (true, Some(number), Some(last)) => number == last.saturating_add(1) || number == 1,
            _ => true,
        };
        fits && !state.has_question && label.shape.is_label_by_itself()
    }

    /// Whether only the rest of a cut reply would tell: what follows a question that looks otherwise or a topic, and
    /// whether numbers go on behind a question that has none.
    fn is_undecided(&self, label: &Label, ahead: &Ahead, state: &State) -> bool {
        let depends = match label.role {
            Role::Question if label.shape != self.question => {
                let may_start_pair = ahead.starts_pair.unwrap_or(true) && self.may_be_question(label, ahead, state);
                let lacks_number = self.question.has_number && label.number.is_none();
                may_start_pair && (lacks_number || ahead.starts_pair.is_none())
            }
            Role::Topic => state.is_in_pair && ahead.next.is_none(),
            _ => false,
        };
        depends && !self.is_whole
    }

    /// An answer that looks otherwise than the first one, if a question waits and the usual label does not come.
    fn is_other_answer(&self, label: &Label, ahead: &Ahead, state: &State) -> bool {
        state.has_question && !ahead.usual_answer && label.shape.is_label_by_itself()
    }
}

/// What follows a candidate.
#[derive(Clone, Copy, Debug, Default)]
struct Ahead {
    next: Option<Role>,
    next_start: usize,
    /// Whether the next label of a pair is an answer; `None` if only the rest of a cut reply would tell.
    starts_pair: Option<bool>,
    /// Whether the usual answer comes before the next question.
    usual_answer: bool,
    /// Whether the usual question comes at all.
    usual_question: bool,
}

impl Shape {
    /// Whether it is a label though nothing else looks like it: `a.` is none.
    fn is_label_by_itself(self) -> bool {
        self.has_number || matches!(self.end, End::Colon | End::Bracket) || self.is_dressed()
    }
}

/// The answers to a question like this: of the same family if there is one before the next question.
fn answer_shape<'a>(question: Shape, behind: impl Iterator<Item = &'a Candidate>) -> Option<Shape> {
    let of_pair = behind.take_while(|next| matches!(next.label.role, Role::Answer | Role::Aside));
    let answers: Vec<Shape> = of_pair.filter(|next| next.is_pair_label()).map(|next| next.label.shape).collect();
    let of_family = || answers.iter().filter(|answer| answer.word.family == question.word.family);
    let alike = of_family().find(|answer| answer.end == question.end);
    alike.or(of_family().next()).or(answers.first()).copied()
}

/// What was accepted so far.
#[derive(Debug, Default)]
struct State {
    has_question: bool,
    has_answer: bool,
    /// Whether the last label, but for asides, was no header.
    is_in_pair: bool,
    /// The number of the last question.
    number: Option<u32>,
    header: Option<Shape>,
    topic: Option<Shape>,
}

impl State {
    fn take(&mut self, label: &Label) {
        self.has_question = label.role == Role::Question;
        self.has_answer = label.role == Role::Answer;
        self.is_in_pair =
            matches!(label.role, Role::Question | Role::Answer) || label.role == Role::Aside && self.is_in_pair;
        match label.role {
            Role::Question => self.number = label.number.or(self.number),
            Role::Conversation => self.header = self.header.or(Some(label.shape)),
            Role::Topic => self.topic = self.topic.or(Some(label.shape)),
            Role::Answer | Role::Aside => {}
        }
    }
}
