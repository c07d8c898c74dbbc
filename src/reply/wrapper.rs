//! What stands around the items of a reply: introductions, closing remarks, fences, separators, end tokens.

use std::ops::Range;

use crate::reply::words;
use crate::reply::{Draft, Wrapper};

/// Tokens by which chat models end a turn, left behind by a server that does not strip them.
const END_TOKENS: &[&str] = &["<|im_end|>", "<|endoftext|>", "<|eot_id|>", "<|end|>", "<end_of_turn>", "</s>"];

/// How closing remarks begin.
const CLOSINGS: &[&str] = &[
    "i hope",
    "hope this",
    "hope these",
    "let me know",
    "please let me know",
    "feel free",
    "please feel free",
    "these questions",
    "these pairs",
    "these conversations",
    "if you need",
    "if you would like",
    "if you'd like",
    "would you like",
];

/// How introductions of a description begin.
const OPENINGS: &[&str] =
    &["here is", "here's", "sure", "certainly", "of course", "below is", "the following is", "absolutely"];

/// Claims the end tokens at the end of the reply; returns where the rest ends.
pub(super) fn end_tokens(draft: &mut Draft<'_>) -> usize {
    let reply = draft.reply();
    let mut end = reply.trim_end().len();
    while let Some(token) = END_TOKENS.iter().find(|token| reply[..end].ends_with(*token)) {
        let start = end - token.len();
        draft.wrapper(Wrapper::EndToken, start..end);
        end = reply[..start].trim_end().len();
    }
    end
}

/// Claims what stands before the first item: fence marks as such, all else as the introduction. Tells whether a fence
/// was opened.
pub(super) fn before_items(draft: &mut Draft<'_>, span: Range<usize>) -> bool {
    let mut start = span.start;
    let mut fenced = false;
    for line in lines(draft.reply(), span.clone()) {
        if is_fence(&draft.reply()[line.clone()]) {
            draft.wrapper(Wrapper::Preamble, start..line.start);
            draft.wrapper(Wrapper::Fence, line.clone());
            start = line.end;
            fenced = true;
        }
    }
    draft.wrapper(Wrapper::Preamble, start..span.end);
    fenced
}

/// Claims the closing fence in `span`, if one was opened before, and what stands behind it; returns the rest.
pub(super) fn closing_fence(draft: &mut Draft<'_>, span: Range<usize>) -> Range<usize> {
    let reply = draft.reply();
    let fence = lines(reply, span.clone()).find(|line| is_fence(&reply[line.clone()]));
    let Some(fence) = fence else { return span };
    draft.wrapper(Wrapper::Postamble, fence.end..span.end);
    draft.wrapper(Wrapper::Fence, fence.clone());
    span.start..fence.start
}

/// Claims separator lines at the end of `span`; returns the rest.
pub(super) fn separators(draft: &mut Draft<'_>, span: Range<usize>) -> Range<usize> {
    let reply = draft.reply();
    let mut end = span.end;
    loop {
        let rest = reply[span.start..end].trim_end();
        let line_start = span.start + rest.rfind('\n').map_or(0, |newline| newline + 1);
        let line_end = span.start + rest.len();
        if line_start == span.start || !is_separator(&reply[line_start..line_end]) {
            return span.start..line_end;
        }
        draft.wrapper(Wrapper::Separator, line_start..line_end);
        end = line_start;
    }
}

/// Claims a closing remark: a last paragraph that begins like one; returns the rest.
pub(super) fn closing_remark(draft: &mut Draft<'_>, span: Range<usize>) -> Range<usize> {
    let reply = draft.reply();
    let last = last_paragraph(&reply[span.clone()]).map(|offset| span.start + offset);
    match last.filter(|start| words::starts_with_any(&reply[*start..span.end], CLOSINGS)) {
        Some(start) => {
            draft.wrapper(Wrapper::Postamble, start..span.end);
            span.start..start
        }
        None => span,
    }
}

/// Claims an introduction: a first line that begins like one and ends with a colon; returns the rest.
pub(super) fn introduction(draft: &mut Draft<'_>, span: Range<usize>) -> Range<usize> {
    let text = &draft.reply()[span.clone()];
    let line_len = text.find('\n').unwrap_or(text.len());
    let (line, rest) = text.split_at(line_len);
    let is_introduction = line.trim_end().ends_with([':', '：']) && words::starts_with_any(line, OPENINGS);
    if !is_introduction || rest.trim().is_empty() {
        return span;
    }
    let start = span.start + line_len;
    draft.wrapper(Wrapper::Preamble, span.start..start);
    start..span.end
}

/// Where the last paragraph starts, if there are several.
fn last_paragraph(text: &str) -> Option<usize> {
    let mut blank = false;
    let mut start = None;
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        if line.trim().is_empty() {
            blank = offset > 0;
        } else if std::mem::take(&mut blank) {
            start = Some(offset);
        }
        offset += line.len();
    }
    start
}

/// The lines of a part of the reply, without their ends.
pub(super) fn lines(reply: &str, span: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let mut start = span.start;
    reply[span].split_inclusive('\n').map(move |line| {
        let line_start = start;
        start += line.len();
        line_start..line_start + line.trim_end_matches(['\n', '\r']).len()
    })
}

pub(super) fn is_fence(line: &str) -> bool {
    line.trim_start().strip_prefix("```").is_some_and(|info| info.trim().chars().all(char::is_alphanumeric))
}

fn is_separator(line: &str) -> bool {
    let line = line.trim();
    let mark = line.chars().next();
    line.len() >= 3 && mark.is_some_and(|mark| "-=*_".contains(mark) && line.chars().all(|c| c == mark))
}
