//! The checks that run on every reply. Each is a pure function for one code; the words of a reply are taken once.

mod duplicates;
mod form;
mod leak;
mod refusal;
mod repetition;
mod words;

use std::ops::Range;

pub(super) use refusal::is_refusal;
pub(super) use words::starts_with_any;

use crate::reply::checks::duplicates::Duplicates;
use crate::reply::checks::words::{Word, Words};
use crate::reply::{CheckContext, Finding, IssueCode, Item, ItemText};

/// What is wrong with the texts of a reply: leaks, tokens, forms not filled in, loops, repeated pairs.
pub(super) fn texts(items: &[Item], context: &CheckContext<'_>, findings: &mut Vec<Finding>) {
    let mut words = Words::default();
    let mut duplicates = Duplicates::default();
    for (index, item) in items.iter().enumerate() {
        let question = item.question.as_ref().map(|question| words.push(&question.text));
        let answer = words.push(&item.answer.text);
        let mut found = |code, span| findings.push(Finding { item: index, code, span });
        if let (Some(text), Some(range)) = (&item.question, &question) {
            check(text, words.get(range.clone()), context, &mut found);
        }
        check(&item.answer, words.get(answer.clone()), context, &mut found);
        if let (Some(text), Some(range)) = (&item.question, question) {
            let question = (text.text.as_str(), words.get(range));
            let answer = (item.answer.text.as_str(), words.get(answer));
            duplicates.repeats(question, answer).into_iter().for_each(|code| found(code, None));
        }
    }
}

fn check(
    text: &ItemText,
    words: &[Word],
    context: &CheckContext<'_>,
    found: &mut impl FnMut(IssueCode, Option<Range<usize>>),
) {
    let body = text.text.as_str();
    let mut report = |code, hit: Option<Range<usize>>| {
        if let Some(hit) = hit {
            found(code, text.span_of(hit));
        }
    };
    let bytes = |hit: Range<usize>| words[hit.start].span().start..words[hit.end - 1].span().end;
    report(IssueCode::SourceLeak, leak::source_leak(words).map(bytes));
    report(IssueCode::SelfReference, refusal::self_reference(words).map(bytes));
    report(IssueCode::Repetition, repetition::repetition(words).map(bytes));
    report(IssueCode::Placeholder, form::is_placeholder(body).then_some(0..body.len()));
    report(IssueCode::SpecialToken, form::special_token(body, context.is_grounded));
    if !context.is_grounded {
        let in_words = || leak::coordinates(words).map(bytes);
        report(IssueCode::CoordinateLeak, form::bracketed_fractions(body).or_else(in_words));
    }
}

impl ItemText {
    /// Where a part of the text stands in the reply; `None` where decoding has moved it.
    pub(super) fn span_of(&self, part: Range<usize>) -> Option<Range<usize>> {
        let is_slice = self.span.len() == self.text.len();
        is_slice.then(|| self.span.start + part.start..self.span.start + part.end)
    }
}
