//! What stands around the items of a reply: introductions, closing remarks, fences, separators, headings, end tokens.

use std::ops::Range;

use crate::reply::lines::{is_fence, is_separator, lines};
use memchr::memrchr;

use crate::reply::checks::starts_with_any;
use crate::reply::{Draft, Wrapper, reasoning};

/// Tokens by which chat models end a turn, left behind by a server that does not strip them.
const END_TOKENS: &[&str] = &[
    "<|im_end|>",
    "<|endoftext|>",
    "<|eot_id|>",
    "<|end_of_text|>",
    "<|end|>",
    "<|return|>",
    "<|eom_id|>",
    "<end_of_turn>",
    "<eos>",
    "</s>",
    "[/INST]",
    "<｜end▁of▁sentence｜>",
    "[DONE]",
];

/// How closing remarks begin.
const CLOSINGS: &[&str] = &[
    "i hope",
    "hope this",
    "hope these",
    "hope that",
    "let me know",
    "please let me know",
    "just let me know",
    "feel free",
    "please feel free",
    "these questions",
    "these question",
    "these pairs",
    "these conversations",
    "these dialogues",
    "these qa",
    "these q",
    "these cover",
    "all questions",
    "all pairs",
    "each question",
    "each pair",
    "each conversation",
    "would you like",
    "do you want me",
    "i'm happy to",
    "i can also",
    "i can provide",
    "i can generate",
    "i have created",
    "i've created",
    "i have made",
    "i've made",
    "i've tried",
    "i tried to",
    "i have tried",
    "i've kept",
    "i've based",
    "note that these",
    "note these",
    "note the above",
    "note all",
    "note i",
    "that's all",
    "this concludes",
    "espero que",
    "ich hoffe",
    "j'espère",
    "spero che",
];

/// How closing remarks begin, and advice in an answer too: they need a word for what was asked for.
const DOUBTFUL_CLOSINGS: &[&str] = &[
    "the above",
    "if you need",
    "if you would like",
    "if you'd like",
    "if you want",
    "if you have any",
    "do you need",
    "shall i",
    "should i",
    "is there anything",
    "happy to",
    "please note",
    "end of",
    "thank you",
    "all of these",
];

/// Words for what was asked for.
const REQUEST_WORDS: &[&str] = &[
    "question",
    "questions",
    "pair",
    "pairs",
    "answers",
    "conversation",
    "conversations",
    "dialogue",
    "dialogues",
    "description",
    "descriptions",
    "examples",
    "changes",
    "adjustments",
    "revisions",
    "else",
    "assist",
    "assistance",
    "help",
];

/// The same in scripts that set no spaces between words.
const CLOSINGS_UNSPACED: &[&str] =
    &["希望", "如果您", "如果你需要", "如需", "以上就是", "以上是", "以上、", "以上です", "ご不明"];

/// How introductions of a description begin.
const OPENINGS: &[&str] = &[
    "here is",
    "here's",
    "sure",
    "certainly",
    "of course",
    "below is",
    "the following is",
    "absolutely",
    "okay",
    "ok",
    "great",
    "voici",
    "hier ist",
    "aquí",
];

/// Words before a number on a line of its own that say which pair comes next.
const PAIR_NAMES: &[&str] =
    &["pair", "qa pair", "q a pair", "qa", "set", "example", "item", "round", "exchange", "turn"];

/// Claims reasoning before and end tokens behind what the model was asked for, and returns where that is; `None` if a
/// reasoning block never ends.
pub(super) fn body(draft: &mut Draft<'_>) -> Option<Range<usize>> {
    let end = end_tokens(draft);
    let start = reasoning::claim(draft, end)?;
    Some(start..end.max(start))
}

/// Claims the end tokens at the end of the reply; returns where the rest ends.
fn end_tokens(draft: &mut Draft<'_>) -> usize {
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
pub(super) fn preamble(draft: &mut Draft<'_>, span: Range<usize>) -> bool {
    around_fences(draft, Wrapper::Preamble, span)
}

/// Claims what stands behind the last item: fence marks as such, all else as a closing remark.
pub(super) fn postamble(draft: &mut Draft<'_>, span: Range<usize>) {
    around_fences(draft, Wrapper::Postamble, span);
}

fn around_fences(draft: &mut Draft<'_>, wrapper: Wrapper, span: Range<usize>) -> bool {
    let reply = draft.reply();
    let mut start = span.start;
    let mut fenced = false;
    for line in lines(reply, span.clone()) {
        if is_fence(&reply[line.span.clone()]) {
            draft.wrapper(wrapper, start..line.span.start);
            draft.wrapper(Wrapper::Fence, line.span.clone());
            start = line.span.end;
            fenced = true;
        }
    }
    draft.wrapper(wrapper, start..span.end);
    fenced
}

/// Claims the closing fence in `span` and what stands behind it; returns the rest.
pub(super) fn closing_fence(draft: &mut Draft<'_>, span: Range<usize>) -> Range<usize> {
    let reply = draft.reply();
    let fence = lines(reply, span.clone()).map(|line| line.span).find(|line| is_fence(&reply[line.clone()]));
    let Some(fence) = fence else { return span };
    draft.wrapper(Wrapper::Fence, fence.clone());
    draft.wrapper(Wrapper::Postamble, fence.end..span.end);
    span.start..fence.start
}

/// Claims separators, and headings of what comes next, at the end of a text; returns the rest, which is never blank for
/// want of what was claimed. `goes_on` tells whether something comes next.
pub(super) fn between_items(draft: &mut Draft<'_>, span: Range<usize>, goes_on: bool) -> Range<usize> {
    let reply = draft.reply();
    let mut end = span.end;
    loop {
        let rest = reply[span.start..end].trim_end();
        let line_end = span.start + rest.len();
        let Some(newline) = memrchr(b'\n', rest.as_bytes()) else { return span.start..line_end };
        let line_start = span.start + newline + 1;
        let (before, line) = (&reply[span.start..line_start], &reply[line_start..line_end]);
        if before.trim().is_empty() {
            return span.start..line_end;
        }
        let wrapper = if is_separator(line) {
            Wrapper::Separator
        } else if is_number_of_pair(line) || goes_on && is_title(line) && stands_apart(before) {
            Wrapper::Heading
        } else {
            return span.start..line_end;
        };
        draft.wrapper(wrapper, line_start..line_end);
        end = line_start;
    }
}

/// Whether a line below this text is no part of it: a blank line lies between, and no colon promises it.
fn stands_apart(before: &str) -> bool {
    let text = before.trim_end();
    before[text.len()..].matches('\n').count() > 1 && !text.ends_with([':', '：'])
}

/// Marks that a line may have around what it says.
const MARKS: [char; 9] = ['*', '_', ' ', ':', '(', ')', '[', ']', '.'];

/// A line that counts pairs or holds them together: `3.`, `QA pair 3:`, `<qa>`.
fn is_number_of_pair(line: &str) -> bool {
    let line = line.trim();
    if line.len() > 100 {
        return false;
    }
    let bare = line.trim_start_matches('#').trim_matches(MARKS);
    let is_number = !bare.is_empty() && bare.bytes().all(|byte| byte.is_ascii_digit());
    let is_emphasized = line.starts_with("**") && line.ends_with("**") && !bare_number_has_point(line);
    let is_tag = line.starts_with('<') && line.ends_with('>') && line[1..].find(['<', '|', ']']).is_none();
    let named = bare.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, ' ' | '#'));
    let is_pair_name = named.len() < bare.len() && PAIR_NAMES.iter().any(|name| name.eq_ignore_ascii_case(named));
    is_number && line.len() > bare.len() && !is_emphasized || is_tag || is_pair_name
}

/// `**3.**` counts; `**3**` may be an answer.
fn bare_number_has_point(line: &str) -> bool {
    line.trim_matches('*').ends_with(['.', ')', ':'])
}

/// `## Colours`, `**Part two**`.
fn is_title(line: &str) -> bool {
    let line = line.trim();
    if line.len() > 100 {
        return false;
    }
    let hashes = line.trim_start_matches('#');
    if hashes.len() < line.len() {
        return hashes.starts_with(' ');
    }
    let starts = line.starts_with("**") || line.starts_with("__");
    let ends = line.ends_with("**") || line.ends_with("__") || line.ends_with("**:");
    let is_sentence =
        line.trim_end_matches(['*', '_']).ends_with('.') || line.trim_matches(MARKS).ends_with(['!', '?', '"']);
    line.len() > 4 && starts && ends && !is_sentence
}

/// Claims tags such as `</answer>` at the end of a text; returns the rest.
pub(super) fn closing_tags(draft: &mut Draft<'_>, span: Range<usize>) -> Range<usize> {
    let reply = draft.reply();
    let mut end = span.end;
    loop {
        let text = reply[span.start..end].trim_end();
        let tag = text.strip_suffix(['>', ']']).and_then(|text| text.rfind(['<', '[']));
        let Some(tag) = tag.filter(|at| is_closing_tag(&text[*at..])) else { return span.start..end };
        draft.label(span.start + tag..span.start + text.len());
        end = span.start + tag;
    }
}

/// `</answer>` or `[/A]`, but not `</s>` or `[/INST]`, which are tokens.
fn is_closing_tag(tag: &str) -> bool {
    let name = tag[1..tag.len() - 1].strip_prefix('/').unwrap_or_default();
    let names =
        ["question", "answer", "q", "a", "qa", "pair", "item", "user", "gpt", "assistant", "human", "conversation"];
    names.iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// Claims a bar or a semicolon at the end of a question that shares its line with the answer; returns the rest.
pub(super) fn line_separator(draft: &mut Draft<'_>, span: Range<usize>) -> Range<usize> {
    let text = draft.reply()[span.clone()].trim_end();
    let behind_question = || text.strip_suffix(';').filter(|rest| rest.ends_with('?'));
    let Some(rest) = text.strip_suffix('|').or_else(behind_question) else { return span };
    draft.label(span.start + rest.len()..span.start + text.len());
    span.start..span.start + rest.len()
}

/// Claims the emphasis marks that close what was opened before the label; returns the rest.
pub(super) fn closing_marks(draft: &mut Draft<'_>, span: Range<usize>, n_marks: usize) -> Range<usize> {
    let text = draft.reply()[span.clone()].trim_end();
    let rest = text.trim_end_matches(['*', '_']);
    let n_closing = (text.len() - rest.len()).min(n_marks);
    if n_closing == 0 || rest.contains(&text[text.len() - n_closing..]) {
        return span;
    }
    let end = span.start + text.len();
    draft.label(end - n_closing..end);
    span.start..end - n_closing
}

/// The first line of a text that is not blank.
pub(super) fn first_line(reply: &str, span: Range<usize>) -> Range<usize> {
    let text = &reply[span.clone()];
    let start = span.start + (text.len() - text.trim_start().len());
    let len = reply[start..span.end].find('\n').unwrap_or(span.end - start);
    start..start + reply[start..start + len].trim_end().len()
}

/// Claims the marks around the topic in a line; returns the topic.
pub(super) fn bare_topic(draft: &mut Draft<'_>, line: Range<usize>) -> Range<usize> {
    let text = &draft.reply()[line.clone()];
    let mut inner = text.trim_start_matches(['*', '_', '(', '[', '-', '–', '—', ':', ' ', '"']);
    for word in ["Topic", "topic", "TOPIC"] {
        if let Some(rest) = inner.strip_prefix(word).map(str::trim_start) {
            inner = rest.strip_prefix([':', '-', '–', '：']).unwrap_or(inner);
        }
    }
    let inner = inner.trim_start_matches(['*', '_', ' ', '"']);
    let start = line.end - inner.len();
    let has_bracket = text[..text.len() - inner.len()].contains(['(', '[']);
    let end = inner.trim_end_matches(['*', '_', ':', ' ', '"']);
    let end = if has_bracket { end.trim_end_matches([')', ']', '*', '_', ':', ' ']) } else { end };
    let end = start + end.len();
    draft.label(line.start..start);
    draft.label(end..line.end);
    start..end
}

/// Claims a closing remark: a last paragraph or line that begins like one; returns the rest.
pub(super) fn closing_remark(draft: &mut Draft<'_>, span: Range<usize>) -> Range<usize> {
    let mut span = between_items(draft, span, false);
    // Two paragraphs of courtesy are not rare; more are not read.
    for _ in 0..3 {
        let reply = draft.reply();
        let starts = [last_paragraph(&reply[span.clone()]), last_line(&reply[span.clone()])];
        let mut remarks = starts.into_iter().flatten().map(|offset| span.start + offset);
        let Some(start) = remarks.find(|start| is_closing(&reply[*start..span.end])) else { return span };
        draft.wrapper(Wrapper::Postamble, start..span.end);
        span = between_items(draft, span.start..start, false);
    }
    span
}

fn is_closing(text: &str) -> bool {
    let bare = text.trim_start_matches(['*', '_', '(', '[', '-', ' ', '>']);
    starts_with_any(bare, CLOSINGS)
        || starts_with_any(bare, DOUBTFUL_CLOSINGS) && speaks_of_the_request(bare)
        || CLOSINGS_UNSPACED.iter().any(|closing| bare.starts_with(closing))
}

/// Whether a text has a word for what was asked for.
fn speaks_of_the_request(text: &str) -> bool {
    let mut words = text.split(|c: char| !c.is_alphanumeric());
    words.any(|word| REQUEST_WORDS.iter().any(|known| known.eq_ignore_ascii_case(word)))
}

/// Claims an introduction: a first line that begins like one and ends with a colon; returns the rest.
pub(super) fn introduction(draft: &mut Draft<'_>, span: Range<usize>) -> Range<usize> {
    let text = &draft.reply()[span.clone()];
    let line_len = text.find('\n').unwrap_or(text.len());
    let (line, rest) = text.split_at(line_len);
    let is_opening = starts_with_any(line, OPENINGS);
    let ends = line.trim_end().trim_end_matches(['*', '_']);
    let is_remark = ends.ends_with(['!', '.']) && line.len() < 100 && starts_with_any(rest, OPENINGS);
    let is_introduction = is_opening && (ends.ends_with([':', '：']) || is_remark);
    if !is_introduction || rest.trim().is_empty() {
        return span;
    }
    let start = span.start + line_len;
    draft.wrapper(Wrapper::Preamble, span.start..start);
    let rest = start + (rest.len() - rest.trim_start().len())..span.end;
    if is_remark { introduction(draft, rest) } else { rest }
}

/// Where the last paragraph starts, if there are several.
fn last_paragraph(text: &str) -> Option<usize> {
    let mut end = text.trim_end().len();
    loop {
        let newline = memrchr(b'\n', &text.as_bytes()[..end])?;
        let before = text[..newline].trim_end_matches([' ', '\t', '\r']);
        if before.ends_with('\n') && !before.trim().is_empty() {
            return Some(newline + 1);
        }
        end = newline;
    }
}

/// Where the last line starts, if there are several.
fn last_line(text: &str) -> Option<usize> {
    memrchr(b'\n', text.trim_end().as_bytes()).map(|newline| newline + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_name_what_comes_next() {
        for line in ["## Colours", "**Part two**", "**Colours:**"] {
            assert!(is_title(line), "{line}");
        }
        for line in ["3.", "**3.**", "(3)", "### 3", "QA pair 3:", "Pair #3", "<qa>", "</pair>"] {
            assert!(is_number_of_pair(line), "{line}");
        }
        for line in
            ["#1 in line", "A cup.", "**Yes.**", "**Stop!**", "3 cups", "42", "<st>cup<ed> [0.1, 0.2, 0.3, 0.4]"]
        {
            assert!(!is_title(line) && !is_number_of_pair(line), "{line}");
        }
        assert!(!is_number_of_pair("**3**"), "it may be an answer");
    }

    #[test]
    fn last_paragraphs() {
        assert_eq!(last_paragraph("a\n\nb\nc\n"), Some(3));
        assert_eq!(last_paragraph("a\nb"), None);
        assert_eq!(last_paragraph("\n\na"), None);
        assert_eq!(last_line("a\nb\n"), Some(2));
    }
}
