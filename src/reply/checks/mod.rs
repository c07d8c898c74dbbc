//! The checks that run on every reply. Each is a pure function for one code; the words of a reply are taken once.

mod duplicates;
mod form;
mod leak;
mod phrases;
mod refusal;
mod repetition;
mod words;

use std::ops::Range;

pub(super) use refusal::is_refusal;
pub(super) use words::starts_with_any;

use crate::reply::checks::duplicates::Duplicates;
use crate::reply::checks::phrases::{Found, Meaning};
use crate::reply::checks::words::{Hit, Words};
use crate::reply::{CheckContext, Finding, IssueCode, Item, ItemText};

/// What is wrong with the texts of a reply: leaks, tokens, forms not filled in, loops, repeated pairs.
pub(super) fn texts(items: &[Item], context: &CheckContext<'_>, findings: &mut Vec<Finding>) {
    let mut words = Words::default();
    let mut hits = Vec::new();
    let mut duplicates = Duplicates::default();
    for item in context.accepted {
        if let Some(question) = &item.question {
            let (asked, answered) = (words.push(&question.text), words.push(&item.answer.text));
            duplicates.repeats((&question.text, words.get(asked)), (&item.answer.text, words.get(answered)));
        }
    }
    for (index, item) in items.iter().enumerate() {
        let question = item.question.as_ref().map(|question| words.push(&question.text));
        let answer = words.push(&item.answer.text);
        let mut found = |code, span| findings.push(Finding { item: index, code, span });
        if let (Some(text), Some(range)) = (&item.question, &question) {
            check(text, &Found::new(words.get(range.clone()), &mut hits), context, &mut found);
        }
        check(&item.answer, &Found::new(words.get(answer.clone()), &mut hits), context, &mut found);
        if let (Some(text), Some(range)) = (&item.question, question) {
            let question = (text.text.as_str(), words.get(range));
            let answer = (item.answer.text.as_str(), words.get(answer));
            duplicates.repeats(question, answer).into_iter().for_each(|code| found(code, None));
        }
    }
}

fn check(
    text: &ItemText,
    text_found: &Found<'_>,
    context: &CheckContext<'_>,
    found: &mut impl FnMut(IssueCode, Option<Range<usize>>),
) {
    let body = text.text.as_str();
    let mut report = |code, hit: Option<Range<usize>>| {
        if let Some(hit) = hit {
            found(code, text.span_of(hit));
        }
    };
    let words = text_found.words;
    let bytes = |hit: Range<usize>| words[hit.start].span().start..words[hit.end - 1].span().end;
    let hit_bytes = |hit: &Hit<Meaning>| bytes(hit.words.clone());
    report(IssueCode::SourceLeak, leak::source_leak(text_found).map(hit_bytes));
    report(IssueCode::SelfReference, refusal::self_reference(text_found).map(hit_bytes));
    report(IssueCode::Repetition, repetition::repetition(words).map(bytes));
    report(IssueCode::Placeholder, form::is_placeholder(body).then_some(0..body.len()));
    let token = form::special_token(body, context.is_grounded);
    report(IssueCode::SpecialToken, token.or_else(|| form::trainer_speaker(body, text_found)));
    if !context.is_grounded {
        let in_words = || leak::coordinates(text_found).map(hit_bytes);
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
