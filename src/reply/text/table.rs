//! Tables: `| Question | Answer |`, a pair in each row.

use std::ops::Range;

use memchr::memchr;

use crate::reply::lines::{Line, lines};
use crate::reply::text::dialect;
use crate::reply::text::label::lead;
use crate::reply::text::vocabulary::{Role, word_at};
use crate::reply::{Draft, IssueCode, Wrapper, decode, wrapper};

/// Which columns hold the questions and the answers.
struct Columns {
    question: usize,
    answer: usize,
}

/// Claims a reply that is a table; false, with nothing claimed, if it is none or if pairs with labels stand before it.
pub(super) fn scan(draft: &mut Draft<'_>, body: Range<usize>, is_whole: bool) -> bool {
    let reply = draft.reply();
    let Some((header, rule, columns)) = head(reply, body.clone()) else { return false };
    let before = dialect::marks(reply, body.start..header.span.start, true);
    if before.iter().any(|mark| mark.role() == Some(Role::Answer)) {
        return false;
    }
    wrapper::preamble(draft, body.start..header.span.start);
    draft.label(header.span.clone());
    draft.label(rule.span.clone());
    let has_outer_bars = |line: &Line| reply[line.span.clone()].trim_start().starts_with('|');
    let is_row = |row: &Line| reply[row.span.clone()].contains('|') && has_outer_bars(row) == has_outer_bars(&header);
    let mut end = rule.span.end;
    let rows = lines(reply, rule.span.start..body.end).skip(1);
    for row in rows.take_while(is_row) {
        end = row.span.end;
        read_row(draft, row, &columns, is_whole);
    }
    wrapper::postamble(draft, end..body.end);
    true
}

/// Where the rows of a table start, if there is one.
pub(super) fn start_of_rows(reply: &str, body: Range<usize>) -> Option<usize> {
    head(reply, body).map(|(_, rule, _)| rule.span.end)
}

/// The first line that names the columns, if a rule stands below it.
fn head(reply: &str, body: Range<usize>) -> Option<(Line, Line, Columns)> {
    memchr(b'|', &reply.as_bytes()[body.clone()])?;
    let mut rows = lines(reply, body).skip_while(|line| columns(&reply[line.span.clone()]).is_none());
    let (header, rule) = (rows.next()?, rows.next()?);
    let columns = columns(&reply[header.span.clone()])?;
    is_rule(&reply[rule.span.clone()]).then_some((header, rule, columns))
}

fn read_row(draft: &mut Draft<'_>, row: Line, columns: &Columns, is_whole: bool) {
    let reply = draft.reply();
    let cells = cells(reply, row.span.clone());
    let is_closed = reply[row.span.clone()].trim_end().ends_with('|');
    let is_provably_whole = is_whole || row.is_ended && is_closed;
    if !is_provably_whole {
        return draft.unusable(IssueCode::TruncatedTail, row.span);
    }
    let text = &reply[row.span.clone()];
    if is_rule(text) || self::columns(text).is_some() {
        return draft.label(row.span);
    }
    let cell = |index: usize| cells.get(index).cloned().filter(|cell| !decode::is_blank(&reply[cell.clone()]));
    match (cell(columns.question), cell(columns.answer)) {
        (Some(question), Some(answer)) => {
            let text = |cell: &Range<usize>| reply[cell.clone()].replace("\\|", "|");
            let (asked, answered) = (text(&question), text(&answer));
            let used = [question.clone(), answer.clone()];
            draft.pair_as((question, &asked), (answer, &answered));
            claim_rest_of_row(draft, row.span, used);
        }
        (Some(_), None) => draft.unusable(IssueCode::MissingAnswer, row.span),
        (None, Some(_)) => draft.unusable(IssueCode::MissingQuestion, row.span),
        (None, None) => draft.wrapper(Wrapper::Heading, row.span),
    }
}

/// Bars, numbers and further columns.
fn claim_rest_of_row(draft: &mut Draft<'_>, row: Range<usize>, mut used: [Range<usize>; 2]) {
    used.sort_by_key(|cell| cell.start);
    draft.label(row.start..used[0].start);
    draft.label(used[0].end..used[1].start);
    draft.label(used[1].end..row.end);
}

fn columns(header: &str) -> Option<Columns> {
    if !header.contains('|') {
        return None;
    }
    let roles: Vec<Option<Role>> = cells(header, 0..header.len())
        .into_iter()
        .map(|cell| {
            let name = &header[cell];
            let name = name[lead(name).len..].trim_end_matches(['*', '_', ' ', ':']);
            let role = |name: &str| word_at(name).filter(|(_, len)| *len == name.len()).map(|(word, _)| word.role);
            role(name).or_else(|| role(name.strip_suffix('s')?))
        })
        .collect();
    let find = |role| roles.iter().position(|found| *found == Some(role));
    Some(Columns { question: find(Role::Question)?, answer: find(Role::Answer)? })
}

/// `|---|:--:|`.
fn is_rule(line: &str) -> bool {
    line.contains("--") && line.chars().all(|c| matches!(c, '|' | '-' | ':' | ' '))
}

/// The cells of a row, between bars that are not escaped.
fn cells(reply: &str, row: Range<usize>) -> Vec<Range<usize>> {
    let text = &reply[row.clone()];
    let inner = text.trim();
    let start = row.start + (text.len() - text.trim_start().len());
    let end = start + inner.len();
    let start = if inner.starts_with('|') { start + 1 } else { start };
    let mut cells = Vec::new();
    let mut cell_start = start;
    let mut is_escaped = false;
    for (offset, byte) in reply[start..end].bytes().enumerate() {
        if byte == b'|' && !is_escaped {
            cells.push(cell_start..start + offset);
            cell_start = start + offset + 1;
        }
        is_escaped = byte == b'\\' && !is_escaped;
    }
    if cell_start < end {
        cells.push(cell_start..end);
    }
    cells
}
