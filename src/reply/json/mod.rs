//! Replies in JSON, in whatever state: fenced, with prose around, with stray commas or quotes, encoded twice, cut anywhere.
//!
//! Only what was closed becomes an item, and nothing is guessed: a reading that had to overlook something is noted as
//! [`IssueCode::JsonRepaired`].

mod items;
mod string;
mod value;

use std::borrow::Cow;
use std::ops::Range;

use memchr::memchr2_iter;

use crate::reply::json::items::{ItemWriter, Key};
use crate::reply::json::string::{closing_quote, escape, unescaped};
use crate::reply::json::value::{Kind, Values};
use crate::reply::lines::is_fence;
use crate::reply::{Draft, IssueCode, text, wrapper};

/// Bytes within which a key has its colon.
const MAX_KEY: usize = 60;

/// Bytes that a comment before the first object may have.
const MAX_COMMENT: usize = 200;

/// What became of a place where JSON seemed to start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Scanned {
    /// Its items are claimed.
    Items,
    /// It ends there and holds no item; nothing is claimed. A text in it may be JSON itself, and start there.
    NoItems { end: usize, within: Option<usize> },
    /// It never ends and holds no item so far; nothing is claimed.
    Open,
}

/// Values, and the text they stand in: a part of the reply, or that part with one level of escapes taken away.
struct Json<'a> {
    text: Cow<'a, str>,
    values: Values,
    /// By value: what its key says.
    keys: Vec<Option<Key>>,
    /// Where the JSON starts and ends in the text.
    span: Range<usize>,
    /// For a text that is not the reply: by byte of it, the byte of the reply.
    places: Option<Vec<usize>>,
}

impl<'a> Json<'a> {
    fn read(reply: &'a str, start: usize, end: usize) -> Self {
        if is_encoded_twice(&reply[start..end]) {
            let (text, places) = decoded_once(&reply[..end], start);
            let values = Values::read(&text, 0);
            let (span, keys) = (0..values.end, keys(&text, &values));
            return Self { span, text: Cow::Owned(text), values, keys, places: Some(places) };
        }
        let text = &reply[..end];
        let values = Values::read(text, start);
        let (span, keys) = (start..values.end, keys(text, &values));
        Self { span, text: Cow::Borrowed(text), values, keys, places: None }
    }

    fn in_reply(&self, span: &Range<usize>) -> Range<usize> {
        match &self.places {
            Some(places) => places[span.start]..places[span.end],
            None => span.clone(),
        }
    }

    /// Where the last of the values ends that were closed before the first item.
    fn end_before_items(&self, is_item: &[bool]) -> usize {
        let values = &self.values.values;
        let first = is_item.iter().position(|is_item| *is_item).unwrap_or(values.len());
        let end = values.get(first).map_or(self.span.end, |item| item.span.start);
        let before = values[..first].iter().rfind(|value| value.parent.is_none() && value.span.end <= end);
        before.map_or(self.span.start, |value| value.span.end)
    }

    /// Where a text in the values opens that is JSON itself.
    fn encoded_within(&self) -> Option<usize> {
        let texts = self.values.values.iter().filter_map(|value| match &value.kind {
            Kind::Text(inner) => Some(inner.clone()),
            _ => None,
        });
        texts.into_iter().map(|inner| (inner.start, &self.text[inner])).find_map(|(start, inner)| {
            let is_encoded = inner.starts_with(['[', '{']) && is_encoded_twice(inner) && opens(inner);
            is_encoded.then_some(start)
        })
    }

    fn unescaped(&self, inner: &Range<usize>) -> Cow<'_, str> {
        unescaped(&self.text[inner.clone()])
    }
}

fn keys(text: &str, values: &Values) -> Vec<Option<Key>> {
    values.values.iter().map(|value| Key::of(&text[value.key.clone()?])).collect()
}

/// Claims a reply in JSON that starts at `start`, if it holds items.
pub(super) fn scan(draft: &mut Draft<'_>, body: Range<usize>, start: usize, has_conversations: bool) -> Scanned {
    let json = Json::read(draft.reply(), start, body.end);
    let is_item = items::find(&json);
    if !is_item.contains(&true) {
        if !json.values.is_closed() {
            return Scanned::Open;
        }
        let within = if json.places.is_none() { json.encoded_within() } else { None };
        return Scanned::NoItems { end: json.in_reply(&json.span).end, within };
    }
    let passed = json.in_reply(&(json.span.start..json.end_before_items(&is_item)));
    if text::n_pairs(draft.reply(), passed.clone()) > 0 {
        return Scanned::NoItems { end: passed.end, within: None };
    }
    let mut writer = ItemWriter { draft, json: &json, is_item: &is_item, has_conversations, used: Vec::new() };
    writer.write();
    let used = writer.used;
    claim_around(draft, body, &json, used);
    Scanned::Items
}

/// What a description in JSON is found to be.
pub(super) enum Described {
    /// `{"description": "..."}`, claimed.
    Text,
    /// The same, of which the end is missing: the bytes of the text; only what stands around it is claimed.
    CutText(Range<usize>),
    /// Pairs, which answer another request.
    Pairs,
}

/// Claims a description in JSON; `None` if it is no JSON.
pub(super) fn description(draft: &mut Draft<'_>, body: Range<usize>) -> Option<Described> {
    let reply = draft.reply();
    let start = body.start + start_in(&reply[body.clone()])?;
    if !may_introduce(&reply[body.start..start]) {
        return None;
    }
    let json = Json::read(reply, start, body.end);
    let Some((inner, is_closed)) = json.description() else {
        return items::find(&json).contains(&true).then_some(Described::Pairs);
    };
    let span = json.in_reply(&inner);
    let described = if is_closed {
        draft.answer_as(span, &json.unescaped(&inner));
        Described::Text
    } else {
        Described::CutText(span)
    };
    claim_around(draft, body, &json, vec![inner]);
    Some(described)
}

/// Whether JSON below this text is the reply: JSON within a line is a part of it.
fn may_introduce(before: &str) -> bool {
    let Some(last) = before.trim_end().lines().next_back() else { return true };
    let is_apart = before[before.trim_end().len()..].contains('\n');
    is_apart && (is_fence(last) || last.ends_with([':', '：']))
}

/// Claims what stands between the items and around the JSON.
fn claim_around(draft: &mut Draft<'_>, body: Range<usize>, json: &Json<'_>, used: Vec<Range<usize>>) {
    let span = json.in_reply(&json.span);
    let fenced = wrapper::preamble(draft, body.start..span.start);
    claim_syntax(draft, json, used);
    if json.values.is_repaired || json.places.is_some() {
        draft.note(IssueCode::JsonRepaired, span.clone());
    }
    let mut rest = span.end..body.end;
    if json.places.is_some() {
        // The quote that closes the outer string.
        let quote =
            draft.reply()[rest.clone()].len() - draft.reply()[rest.clone()].trim_start_matches(['"', '}', ' ']).len();
        draft.label(rest.start..rest.start + quote);
        rest.start += quote;
    }
    let rest = if fenced { wrapper::closing_fence(draft, rest) } else { rest };
    wrapper::postamble(draft, rest);
}

/// What stands between the items: brackets, keys, commas.
fn claim_syntax(draft: &mut Draft<'_>, json: &Json<'_>, mut used: Vec<Range<usize>>) {
    used.sort_by_key(|span| span.start);
    let mut at = json.span.start;
    for span in used {
        draft.label(json.in_reply(&(at..span.start.max(at))));
        at = at.max(span.end);
    }
    draft.label(json.in_reply(&(at..json.span.end.max(at))));
}

/// Where a list or an object opens that could hold items: one look at what follows decides, so that a reply that was cut
/// is taken for the same thing as the whole.
pub(super) fn start_in(text: &str) -> Option<usize> {
    memchr2_iter(b'{', b'[', text.as_bytes()).find(|at| opens(&text[*at..]))
}

fn opens(text: &str) -> bool {
    let inner = text[1..].trim_ascii_start();
    let inner = if inner.starts_with('/') { without_comment(inner) } else { inner };
    let next = inner.as_bytes().first();
    match (text.as_bytes()[0], next) {
        (b'[', Some(b'{')) => opens(inner),
        (b'[', Some(b'[')) => inner[1..].trim_ascii_start().starts_with('{'),
        (b'{', Some(b'"' | b'\'' | b'\\' | b'a'..=b'z' | b'A'..=b'Z' | 0x80..)) => opens_key(inner),
        _ => false,
    }
}

/// Whether a key with its colon stands at the start.
fn opens_key(inner: &str) -> bool {
    let window = &inner[..inner.floor_char_boundary(MAX_KEY)];
    let bare = window.trim_start_matches('\\');
    let quoted = bare.chars().next().filter(|c| closing_quote(*c).is_some());
    let name = quoted.map_or(bare, |quote| &bare[quote.len_utf8()..]);
    let rest = name.trim_start_matches(|c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | ' ' | '#'));
    let behind = rest.trim_start_matches('\\');
    let behind = if quoted.is_some() {
        behind.chars().next().filter(|c| "\"'”’»".contains(*c)).map(|c| &behind[c.len_utf8()..])
    } else {
        Some(behind)
    };
    rest.len() < name.len() && behind.is_some_and(|behind| behind.trim_start().starts_with(':'))
}

fn without_comment(text: &str) -> &str {
    let window = &text[..text.floor_char_boundary(MAX_COMMENT)];
    let end = if text.starts_with("//") {
        window.find('\n')
    } else if text.starts_with("/*") {
        window.find("*/").map(|at| at + 2)
    } else {
        None
    };
    end.map_or(text, |end| text[end..].trim_start())
}

/// Whether the quotes of the keys are escaped, as in a string that holds JSON.
fn is_encoded_twice(json: &str) -> bool {
    let inner = json.trim_start_matches(|c: char| matches!(c, '[' | '{') || c.is_whitespace());
    let start = &inner[..inner.floor_char_boundary(MAX_KEY)];
    start.starts_with("\\\"") || start.starts_with("\\n") && start.contains("\\\"")
}

/// The text from `start` on with one level of escapes taken away, up to the quote that ends it; by byte of it, the byte
/// that it came from.
fn decoded_once(reply: &str, start: usize) -> (String, Vec<usize>) {
    let mut text = String::with_capacity(reply.len() - start);
    let mut places = Vec::with_capacity(reply.len() - start + 1);
    let mut at = start;
    while let Some(c) = reply[at..].chars().next() {
        let (decoded, len) = match c {
            '\\' => escape(&reply[at..]).unwrap_or((c, 1)),
            '"' => break,
            _ => (c, c.len_utf8()),
        };
        text.push(decoded);
        places.resize(text.len(), at);
        at += len;
    }
    places.push(at);
    (text, places)
}
