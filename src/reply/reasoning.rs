//! What a reasoning model thought before it replied: `<think>...</think>` and its kin.

use memchr::memmem;

use crate::reply::{Draft, IssueCode, Wrapper};

/// How a reasoning block opens and closes.
const BLOCKS: &[(&str, &str)] = &[
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("<thought>", "</thought>"),
    ("<reasoning>", "</reasoning>"),
    ("<scratchpad>", "</scratchpad>"),
    ("<seed:think>", "</seed:think>"),
    ("[THINK]", "[/THINK]"),
    ("<|START_THINKING|>", "<|END_THINKING|>"),
    ("<|channel|>analysis<|message|>", "<|end|>"),
    ("<|start|>assistant<|channel|>final", "<|message|>"),
    ("<|channel|>final", "<|message|>"),
];

/// A closing tag of which the opening one may stand in the prompt, so that the reply has only this.
const CLOSING: &str = "</think";

/// Claims the reasoning at the start of the reply; returns where it ends, or `None` if it never does.
pub(super) fn claim(draft: &mut Draft<'_>, end: usize) -> Option<usize> {
    let reply = draft.reply();
    let mut start = 0;
    loop {
        let rest = &reply[start..end];
        let body = rest.trim_start_matches(['\u{feff}', ' ', '\n', '\r', '\t']);
        let body_start = end - body.len();
        let block = BLOCKS.iter().find(|(open, _)| body.starts_with(open));
        let Some((open, close)) = block else { break };
        let Some(len) = memmem::find(&body.as_bytes()[open.len()..], close.as_bytes()) else {
            draft.unusable(IssueCode::ThinkUnclosed, start..reply.len());
            return None;
        };
        let block_end = body_start + open.len() + len + close.len();
        draft.wrapper(Wrapper::Reasoning, start..block_end);
        start = block_end;
    }
    let rest = &reply.as_bytes()[start..end];
    let Some(close) = memmem::find(rest, CLOSING.as_bytes()) else { return Some(start) };
    let is_opened = memmem::find(&rest[..close], b"<think").is_some();
    let Some(len) = memchr::memchr(b'>', &rest[close..]).filter(|_| !is_opened) else { return Some(start) };
    let block_end = start + close + len + 1;
    draft.wrapper(Wrapper::Reasoning, start..block_end);
    Some(block_end)
}
