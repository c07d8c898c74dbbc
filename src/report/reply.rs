//! A reply as it came, with what was made of each part of it.

use std::ops::Range;

use crate::pipeline::UnitIssue;
use crate::reply::{Action, Parsed, PieceKind, Wrapper};
use crate::report::html::Html;
use crate::report::text::cut;

/// Longest reply that is shown, in bytes.
const MAX_TEXT: usize = 20_000;

/// Most issues that are marked in one reply.
const MAX_ISSUES: usize = 200;

/// Writes the text of a reply, its parts told apart.
pub(super) fn reply(html: &mut Html, text: &str, parsed: Option<&Parsed>, recorded: &[UnitIssue]) {
    let (shown, rest) = cut(text, MAX_TEXT);
    let mut marks = parsed.map(marks_of_parsed).unwrap_or_else(|| marks_of_issues(recorded));
    marks.retain(|mark| is_within(&mark.span, text));
    marks.sort_by_key(|mark| (mark.span.start, mark.span.end));
    html.open("pre", &[("class", "reply"), ("dir", "auto")]);
    let mut at = 0;
    for mark in &marks {
        // Marks may overlap where issues were recorded for the same place; the first one holds.
        let span = mark.span.start.max(at)..mark.span.end.min(shown.len());
        if span.start >= span.end {
            continue;
        }
        html.text(&shown[at..span.start]).open("span", &[("class", mark.class), ("title", mark.title)]);
        for code in &mark.codes {
            html.classed("span", "code", code);
        }
        html.text(&shown[span.clone()]).close("span");
        at = span.end;
    }
    html.text(&shown[at..]);
    rest.write(html);
    html.close("pre");
}

fn is_within(span: &Range<usize>, text: &str) -> bool {
    span.start <= span.end && text.is_char_boundary(span.start) && text.is_char_boundary(span.end)
}

/// A part of a reply and how it is shown.
#[derive(Debug)]
struct Mark {
    span: Range<usize>,
    class: &'static str,
    title: &'static str,
    codes: Vec<String>,
}

fn marks_of_parsed(parsed: &Parsed) -> Vec<Mark> {
    let mut issues: Vec<_> = parsed.issues.iter().filter(|issue| issue.action >= Action::Flag).collect();
    issues.truncate(MAX_ISSUES);
    let mut marks: Vec<Mark> = parsed
        .pieces
        .iter()
        .map(|piece| {
            let (class, title) = look(piece.kind);
            Mark { span: piece.span.clone(), class, title, codes: Vec::new() }
        })
        .collect();
    // Each issue is named once: at the first part that it is about.
    for issue in issues {
        let is_about = |mark: &&mut Mark| mark.span.start < issue.about.end && issue.about.start < mark.span.end;
        let is_drop = issue.action >= Action::Drop;
        let mut about = marks.iter_mut().filter(|mark| (mark.class == "dropped") == is_drop);
        let Some(mark) = about.find(is_about) else { continue };
        if !mark.codes.iter().any(|code| code == issue.code.as_str()) {
            mark.codes.push(issue.code.as_str().to_owned());
        }
    }
    marks
}

fn look(kind: PieceKind) -> (&'static str, &'static str) {
    match kind {
        PieceKind::Item(_) => ("item", "kept"),
        PieceKind::Topic(_) => ("item", "topic"),
        PieceKind::Label => ("label", "label"),
        PieceKind::Dropped => ("dropped", "dropped"),
        PieceKind::Wrapper(Wrapper::Reasoning) => ("wrapper", "reasoning, not used"),
        PieceKind::Wrapper(_) => ("wrapper", "around the items, not used"),
    }
}

/// Where the task is not known, the places of the issues are all there is.
fn marks_of_issues(issues: &[UnitIssue]) -> Vec<Mark> {
    let marked = issues.iter().filter(|issue| issue.action >= Action::Flag && !issue.span.is_empty());
    let mark = |issue: &UnitIssue| {
        let (class, title) = if issue.action >= Action::Drop { ("dropped", "dropped") } else { ("item", "flagged") };
        Mark { span: issue.span.clone(), class, title, codes: vec![issue.code.as_str().to_owned()] }
    };
    marked.take(MAX_ISSUES).map(mark).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reply::{IssueCode, ReplyContext, ReplyForm, ReplyParser};

    fn shown(text: &str, parsed: Option<&Parsed>, recorded: &[UnitIssue]) -> String {
        let mut html = Html::default();
        reply(&mut html, text, parsed, recorded);
        html.into_string()
    }

    #[test]
    fn what_is_dropped_is_named_in_place() {
        let text =
            "Question: Why <b>?\nAnswer: So.\n\nQuestion: What does the caption say?\nAnswer: The caption says so.";
        let parsed = ReplyParser::new(ReplyForm::QaList { pairs: 2 }).parse(text, &ReplyContext::default());
        let html = shown(text, Some(&parsed), &[]);
        assert!(html.contains("<span class=\"item\" title=\"kept\">Why &lt;b&gt;?</span>"), "{html}");
        assert_eq!(html.matches("<span class=\"code\">source_leak</span>").count(), 1, "{html}");
    }

    #[test]
    fn places_that_are_none_are_left_out() {
        let issue = |span| UnitIssue { code: IssueCode::Refusal, action: Action::Reject, span, item: None };
        #[allow(clippy::reversed_empty_ranges, reason = "a file may hold anything")]
        let recorded = [issue(5..3), issue(1..900), issue(1..2), issue(0..3), issue(3..4)];
        let html = shown("aña", None, &recorded);
        assert_eq!(html.matches("dropped").count() / 2, 2, "{html}");
    }
}
