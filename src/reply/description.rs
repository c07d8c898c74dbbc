//! Replies that are one text: a description, possibly with an introduction, a title or a closing remark.

use std::ops::Range;

use serde::de::IgnoredAny;

use crate::reply::json::Described;
use crate::reply::lines::{is_fence, lines};
use crate::reply::{Draft, IssueCode, ReplyEnd, json, text, wrapper};

pub(super) fn scan(draft: &mut Draft<'_>, end: ReplyEnd) {
    let Some(body) = wrapper::body(draft) else { return };
    match json::description(draft, body.clone()) {
        Some(Described::Text) => return,
        Some(Described::CutText(text)) if end == ReplyEnd::Cut => return cut(draft, text),
        Some(Described::CutText(text)) => return draft.unusable(IssueCode::TruncatedTail, text),
        Some(Described::Pairs) => return draft.unusable(IssueCode::WrongTask, body),
        None if text::has_pairs(draft.reply(), body.clone()) => return draft.unusable(IssueCode::WrongTask, body),
        None => {}
    }
    let body = trimmed(draft.reply(), fences(draft, body));
    if is_object(&draft.reply()[body.clone()], end) {
        return;
    }
    let body = wrapper::introduction(draft, body);
    let body = title(draft, trimmed(draft.reply(), body));
    if end == ReplyEnd::Cut {
        return cut(draft, body);
    }
    let body = trimmed(draft.reply(), wrapper::closing_remark(draft, body));
    if !body.is_empty() {
        draft.answer(body);
    }
}

/// Whether the text is an object in JSON, of whatever other shape than was asked for. What is cut is one by its beginning,
/// so that no text comes of a cut reply that would not come of the whole one.
fn is_object(text: &str, end: ReplyEnd) -> bool {
    let Some(inner) = text.strip_prefix('{') else { return false };
    match end {
        ReplyEnd::Cut => inner.trim_ascii_start().starts_with('"'),
        ReplyEnd::Whole | ReplyEnd::Filtered => serde_json::from_str::<IgnoredAny>(text).is_ok(),
    }
}

/// Claims a fence around the text.
fn fences(draft: &mut Draft<'_>, span: Range<usize>) -> Range<usize> {
    let reply = draft.reply();
    let body = trimmed(reply, span);
    let first_line = lines(reply, body.clone()).next().map(|line| line.span);
    let Some(first_line) = first_line.filter(|line| is_fence(&reply[line.clone()])) else { return body };
    wrapper::preamble(draft, first_line.clone());
    wrapper::closing_fence(draft, first_line.end..body.end)
}

/// Claims a label or a heading such as `Description:` or `# Description` above the text.
fn title(draft: &mut Draft<'_>, span: Range<usize>) -> Range<usize> {
    let text = &draft.reply()[span.clone()];
    let word_start = text.len() - text.trim_start_matches(['#', '*', '_', ' ']).len();
    let rest = &text[word_start..];
    let words = [
        "detailed description of the image",
        "detailed image description",
        "detailed description",
        "description of the image",
        "image description",
        "description",
    ];
    let Some(word) =
        words.iter().find(|word| rest.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word)))
    else {
        return span;
    };
    let rest = &rest[word.len()..];
    let marks_len = rest.len() - rest.trim_start_matches([':', '：', '*', '_', ' ']).len();
    let is_title = rest[..marks_len].contains([':', '：']) || rest[marks_len..].starts_with(['\n', '\r']);
    if !is_title {
        return span;
    }
    let end = span.start + word_start + word.len() + marks_len;
    draft.label(span.start..end);
    end..span.end
}

/// Keeps what is whole of a text that was cut.
fn cut(draft: &mut Draft<'_>, body: Range<usize>) {
    let whole = body.start + end_of_last_sentence(&draft.reply()[body.clone()]);
    if whole > body.start {
        draft.cut_answer(body.start..whole, whole..body.end);
    } else {
        draft.unusable(IssueCode::TruncatedTail, body);
    }
}

/// Where the last whole sentence ends: a full stop and the like that something follows, for a number such as 1.5 or a
/// word such as "St." may have been cut behind its dot.
fn end_of_last_sentence(text: &str) -> usize {
    let mut end = 0;
    let mut stop = None;
    for (offset, c) in text.char_indices() {
        match stop {
            _ if matches!(c, '.' | '!' | '?') => stop = Some(offset + 1),
            Some(at) if matches!(c, '"' | '”' | ')' | '\'' | '’') => stop = Some(at + c.len_utf8()),
            Some(at) if c.is_whitespace() => {
                end = at;
                stop = None;
            }
            _ if matches!(c, '。' | '！' | '？') => end = offset + c.len_utf8(),
            _ => stop = None,
        }
    }
    end
}

fn trimmed(reply: &str, span: Range<usize>) -> Range<usize> {
    let text = &reply[span.clone()];
    let start = span.start + (text.len() - text.trim_start().len());
    start..start + text.trim().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_are_whole_when_something_follows() {
        let whole = |text: &str| text[..end_of_last_sentence(text)].to_owned();
        assert_eq!(whole("A dog. It ru"), "A dog.");
        assert_eq!(whole("A dog. It runs."), "A dog.");
        assert_eq!(whole("A sign says \"stop.\" It is re"), "A sign says \"stop.\"");
        assert_eq!(whole("1.5 metres of"), "");
        assert_eq!(whole("一只狗。它在"), "一只狗。");
        assert_eq!(whole(""), "");
    }
}
