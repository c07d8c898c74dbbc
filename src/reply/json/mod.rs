//! Replies in JSON, in whatever state: fenced, with prose around, with stray commas or quotes, cut anywhere.
//!
//! Only what was closed becomes an item, and nothing is guessed: a reading that had to overlook something is noted as
//! [`IssueCode::JsonRepaired`].

mod items;
mod string;
mod value;

use std::ops::Range;

use crate::reply::json::items::ItemWriter;
use crate::reply::json::value::Values;
use crate::reply::{Draft, IssueCode, wrapper};

/// Claims a reply in JSON; false, with nothing claimed, if it is none that holds items.
pub(super) fn scan(draft: &mut Draft<'_>, body_end: usize, has_conversations: bool) -> bool {
    let reply = draft.reply();
    let Some(start) = start_of_json(&reply[..body_end]) else { return false };
    let values = Values::read(&reply[..body_end], start);
    let is_item = items::find(&values);
    if !is_item.contains(&true) {
        return false;
    }
    let json_end = values.end;
    let fenced = wrapper::before_items(draft, 0..start);
    let repaired = values.is_repaired;
    let mut writer = ItemWriter { draft, values: &values, is_item: &is_item, has_conversations, used: Vec::new() };
    writer.write();
    let used = writer.used;
    claim_syntax(draft, start..json_end, used);
    if repaired {
        draft.note(IssueCode::JsonRepaired, start..json_end);
    }
    let rest = json_end..body_end;
    let rest = if fenced { wrapper::closing_fence(draft, rest) } else { rest };
    draft.wrapper(crate::reply::Wrapper::Postamble, rest);
    true
}

/// What stands between the items: brackets, keys, commas.
fn claim_syntax(draft: &mut Draft<'_>, json: Range<usize>, mut used: Vec<Range<usize>>) {
    used.sort_by_key(|span| span.start);
    let mut at = json.start;
    for span in used {
        draft.label(at..span.start.max(at));
        at = at.max(span.end);
    }
    draft.label(at..json.end.max(at));
}

/// Where the first list or object of objects, lists or texts opens.
fn start_of_json(text: &str) -> Option<usize> {
    text.match_indices(['{', '[']).map(|(at, _)| at).find(|at| {
        let inner = text[at + 1..].trim_start();
        let opens_value = inner.starts_with(['{', '[', '"', '\'', '“', '‘']);
        let opens_key = text[*at..].starts_with('{') && inner.starts_with(|c: char| c.is_ascii_alphabetic());
        opens_value || opens_key
    })
}
