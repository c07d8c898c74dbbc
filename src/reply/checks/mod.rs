//! The checks that run on every reply. Each is a pure function for one code; the words of a reply are taken once.

mod duplicates;
mod form;
mod leak;
mod phrases;
mod refusal;
mod repetition;
mod words;

use std::ops::Range;
use std::sync::LazyLock;

pub(super) use refusal::{declines, is_refusal};
pub(super) use words::starts_with_any;

use crate::reply::checks::duplicates::Duplicates;
use crate::reply::checks::phrases::{Found, Meaning};
use crate::reply::checks::words::{Hit, Phrases, Words};
use crate::reply::{CheckContext, Finding, IssueCode, Item, ItemText};

/// All phrases that any check looks for.
static PHRASES: LazyLock<Phrases<Meaning>> = LazyLock::new(|| {
    Phrases::new([
        (Meaning::Source, leak::CERTAIN),
        (Meaning::SourceOrImage, leak::DOUBTFUL),
        (Meaning::Coordinates, &["coordinates"]),
        (Meaning::Itself, refusal::ITSELF),
        (Meaning::Speaker, &["user", "assistant"]),
    ])
});

/// What is wrong with the texts of a reply: leaks, tokens, forms not filled in, loops, repeated pairs.
pub(super) fn texts(items: &[Item], context: &CheckContext<'_>, findings: &mut Vec<Finding>) {
    let mut words = Words::default();
    let mut take = |item: &Item| {
        let question = item.question.as_ref().map(|question| words.push(&question.text));
        (question, words.push(&item.answer.text))
    };
    let accepted: Vec<_> = context.accepted.iter().map(&mut take).collect();
    let taken: Vec<_> = items.iter().map(take).collect();
    let mut hits = Vec::new();
    let mut duplicates = Duplicates::default();
    for (item, (question, answer)) in context.accepted.iter().zip(accepted) {
        if let (Some(text), Some(question)) = (&item.question, question) {
            duplicates.repeats((&text.text, words.get(question)), (&item.answer.text, words.get(answer)));
        }
    }
    for (index, (item, (question, answer))) in items.iter().zip(taken).enumerate() {
        let mut found = |code, span| findings.push(Finding { item: index, code, span });
        let answered = words.get(answer);
        if let (Some(text), Some(range)) = (&item.question, question) {
            let asked = words.get(range);
            check(text, &Found::new(&PHRASES, asked, &mut hits), context, &mut found);
            let repeated = duplicates.repeats((&text.text, asked), (&item.answer.text, answered));
            repeated.into_iter().for_each(|code| found(code, None));
        }
        check(&item.answer, &Found::new(&PHRASES, answered, &mut hits), context, &mut found);
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
