//! Replies in labelled text: `Question:` and `Answer:` in turn, conversations of `User:` and `GPT:`, tables.
//!
//! The labels of the reply are found first (`dialect`), then its texts are put together to items in one pass.

mod dialect;
mod inline;
mod label;
mod mark;
mod table;
mod unlabelled;
mod vocabulary;

use std::ops::Range;

use crate::reply::text::dialect::marks;
use crate::reply::text::mark::{Mark, MarkKind};
use crate::reply::text::vocabulary::Role;
use crate::reply::{Draft, IssueCode, ReplyEnd, Wrapper, decode, json, wrapper};

pub(super) fn scan(draft: &mut Draft<'_>, end: ReplyEnd, has_conversations: bool) {
    let Some(body) = wrapper::body(draft) else { return };
    let is_whole = end != ReplyEnd::Cut;
    let reply = draft.reply();
    if scan_json(draft, &body, is_whole, has_conversations) {
        return;
    }
    if table::scan(draft, body.clone(), is_whole) {
        return;
    }
    let marks = marks(reply, body.clone(), is_whole);
    let Some(first) = marks.first() else { return };
    wrapper::preamble(draft, body.start..first.span.start);
    draft.expect_items(marks.len() / 2);
    let tail = if is_whole { marks.len() } else { start_of_tail(&marks) };
    let mut reader = Reader::new(draft, has_conversations);
    for (index, mark) in marks[..tail].iter().enumerate() {
        let next = marks.get(index + 1);
        let text = mark.span.end..next.map_or(body.end, |next| next.span.start);
        reader.read(mark, text, next.map(|next| next.kind));
    }
    match marks.get(tail) {
        Some(mark) => reader.cut(mark, body.end),
        None => reader.finish(),
    }
}

/// Whether a part of a reply is pairs in labelled text.
pub(super) fn has_pairs(reply: &str, body: Range<usize>) -> bool {
    n_pairs(reply, body) >= 2
}

/// How many pairs in labelled text a part of a reply has.
pub(super) fn n_pairs(reply: &str, part: Range<usize>) -> usize {
    let marks = marks(reply, part, true);
    let is_pair = |pair: &[Mark]| pair[0].role() == Some(Role::Question) && pair[1].role() == Some(Role::Answer);
    marks.windows(2).filter(|pair| is_pair(pair)).count()
}

/// Claims a reply in JSON, which may have lines that look like labels, if none stands before it.
fn scan_json(draft: &mut Draft<'_>, body: &Range<usize>, is_whole: bool, has_conversations: bool) -> bool {
    let reply = draft.reply();
    let mut from = body.start;
    let mut is_within = false;
    let mut table = None;
    while let Some(start) = json::start_in(&reply[from..body.end]).map(|at| from + at) {
        let rows = *table.get_or_insert_with(|| table::start_of_rows(reply, body.clone()));
        if rows.is_some_and(|rows| rows <= start) || !marks(reply, from..start, true).is_empty() {
            return false;
        }
        match json::scan(draft, body.clone(), start, has_conversations) {
            json::Scanned::Items => return true,
            // One text is looked into; more would take time for each level of nesting.
            json::Scanned::NoItems { within: Some(within), .. } if !is_within => {
                is_within = true;
                from = within;
            }
            // Labels are read where brackets hold nothing else.
            json::Scanned::NoItems { end, .. } if n_pairs(reply, start..end) > 0 => return false,
            json::Scanned::NoItems { end, .. } => from = end.max(start + 1),
            // Of a cut reply nobody knows what it would have held.
            json::Scanned::Open if !is_whole => {
                wrapper::preamble(draft, body.start..start);
                draft.unusable(IssueCode::TruncatedTail, start..body.end);
                return true;
            }
            json::Scanned::Open => return false,
        }
    }
    false
}

/// Of a cut reply, nobody knows what the last texts would have become: only a question or a header ends an item for good.
fn start_of_tail(marks: &[Mark]) -> usize {
    let ends_item = |mark: &Mark| matches!(mark.role(), Some(Role::Question | Role::Conversation | Role::Topic));
    marks.iter().rposition(ends_item).unwrap_or(0)
}

/// Puts the texts of labels together to items.
struct Reader<'d, 'r> {
    draft: &'d mut Draft<'r>,
    has_conversations: bool,
    /// The question that waits for its answer.
    question: Option<Text>,
    conversation: Conversation,
    /// By how many items the separators and the numbers that start again stand.
    breaks: Vec<usize>,
    has_headers: bool,
    last_number: Option<u32>,
}

/// The text of a label.
struct Text {
    span: Range<usize>,
    /// Emphasis marks to be taken out of it.
    open_marks: usize,
    is_unknown: bool,
}

#[derive(Default)]
struct Conversation {
    has_header: bool,
    has_topic: bool,
    has_items: bool,
}

impl<'d, 'r> Reader<'d, 'r> {
    fn new(draft: &'d mut Draft<'r>, has_conversations: bool) -> Self {
        Self {
            draft,
            has_conversations,
            question: None,
            conversation: Conversation::default(),
            breaks: Vec::new(),
            has_headers: false,
            last_number: None,
        }
    }

    fn read(&mut self, mark: &Mark, text: Range<usize>, next: Option<MarkKind>) {
        let is_unknown = matches!(mark.kind, MarkKind::Unknown(_));
        let (MarkKind::Label(role) | MarkKind::Unknown(role)) = mark.kind else {
            self.draft.wrapper(Wrapper::Fence, mark.span.clone());
            return self.between(text, next);
        };
        self.draft.label(mark.span.clone());
        let is_last = next.is_none_or(|next| next == MarkKind::Fence);
        match role {
            Role::Question => {
                self.give_up_question();
                self.note_number(mark.number);
                let span = self.text(text, mark.open_marks);
                self.question = Some(Text { span, open_marks: mark.open_marks, is_unknown });
            }
            Role::Answer => {
                let n_separators = self.draft.n_separators();
                let span = if is_last {
                    wrapper::closing_remark(self.draft, text)
                } else {
                    wrapper::between_items(self.draft, text, next != Some(MarkKind::Label(Role::Answer)))
                };
                let span = self.text(span, mark.open_marks);
                self.answer(Text { span, open_marks: mark.open_marks, is_unknown });
                if self.draft.n_separators() > n_separators {
                    self.breaks.push(self.draft.n_items());
                }
            }
            Role::Conversation => self.header(text),
            Role::Topic => self.topic_label(text, next),
            Role::Aside => {
                let text = wrapper::between_items(self.draft, text, !is_last);
                self.draft.unusable(IssueCode::StrayText, text);
            }
        }
    }

    /// Claims what stands around the text of a label; returns the text.
    fn text(&mut self, text: Range<usize>, open_marks: usize) -> Range<usize> {
        let text = wrapper::closing_tags(self.draft, text);
        let text = wrapper::line_separator(self.draft, text);
        if open_marks > 0 { wrapper::closing_marks(self.draft, text, open_marks) } else { text }
    }

    /// What follows a fence: nothing, or a remark.
    fn between(&mut self, text: Range<usize>, next: Option<MarkKind>) {
        let wrapper = if next.is_none() {
            Wrapper::Postamble
        } else if self.draft.n_items() == 0 {
            Wrapper::Preamble
        } else {
            Wrapper::Heading
        };
        let text = wrapper::between_items(self.draft, text, true);
        self.draft.wrapper(wrapper, text);
    }

    /// Numbers that start again start a conversation, where no header says so.
    fn note_number(&mut self, number: Option<u32>) {
        let starts_again = number == Some(1) && self.last_number.is_some_and(|last| last > 1);
        if starts_again && self.conversation.has_items && !self.has_headers && self.has_conversations {
            self.start_conversation();
        }
        self.last_number = number;
    }

    fn answer(&mut self, answer: Text) {
        let Some(question) = self.question.take() else {
            return self.draft.unusable(IssueCode::OrphanAnswer, answer.span);
        };
        match (self.is_blank(&question.span), self.is_blank(&answer.span)) {
            (false, true) => return self.draft.unusable_pair(IssueCode::EmptyAnswer, question.span, answer.span),
            (true, _) => return self.draft.unusable_pair(IssueCode::EmptyQuestion, question.span, answer.span),
            (false, false) => {}
        }
        let is_unknown = question.is_unknown || answer.is_unknown;
        let is_closed_within = |text: &Text| {
            let marks = &self.draft.reply()[text.span.clone()];
            text.open_marks > 0 && marks.contains("**")
        };
        if is_closed_within(&question) || is_closed_within(&answer) {
            let without_marks = |text: &Text| {
                let slice = &self.draft.reply()[text.span.clone()];
                if is_closed_within(text) { slice.replacen("**", "", 1) } else { slice.to_owned() }
            };
            let (asked, answered) = (without_marks(&question), without_marks(&answer));
            self.draft.pair_as((question.span, &asked), (answer.span, &answered));
        } else {
            self.draft.pair(question.span, answer.span);
        }
        if is_unknown {
            self.draft.flag(IssueCode::UnknownSpeaker);
        }
        self.conversation.has_items = true;
    }

    fn start_conversation(&mut self) {
        self.conversation = Conversation::default();
        if self.has_conversations {
            self.draft.conversation();
        }
    }

    fn header(&mut self, text: Range<usize>) {
        self.give_up_question();
        self.last_number = None;
        self.has_headers = true;
        if self.conversation.has_header || self.conversation.has_items || self.draft.n_conversations() == 0 {
            self.start_conversation();
        }
        self.conversation.has_header = true;
        // A name behind the header is as good as a topic; a sentence below it is none.
        let line = wrapper::first_line(self.draft.reply(), text.clone());
        let is_below = self.draft.reply()[text.start..line.start].contains('\n');
        if is_below && self.draft.reply()[line].ends_with(['.', '!', '?', ':', '。', '：']) {
            let text = wrapper::between_items(self.draft, text, true);
            return self.draft.wrapper(Wrapper::Heading, text);
        }
        self.topic(text);
    }

    fn topic_label(&mut self, text: Range<usize>, next: Option<MarkKind>) {
        self.give_up_question();
        let begins = next.and_then(|next| if let MarkKind::Label(role) = next { Some(role) } else { None });
        // Some write the topic below its conversation: then a header follows, and this one has none above.
        let is_below = self.conversation.has_items
            && self.conversation.has_header
            && !self.conversation.has_topic
            && matches!(begins, None | Some(Role::Conversation));
        if !is_below && (self.conversation.has_items || self.conversation.has_topic) {
            self.start_conversation();
        }
        self.has_headers = true;
        self.last_number = None;
        self.topic(text);
    }

    /// Claims a topic: one line that is no sentence; what stands below is no part of it.
    fn topic(&mut self, text: Range<usize>) {
        let text = wrapper::between_items(self.draft, text, true);
        let line = wrapper::first_line(self.draft.reply(), text.clone());
        let topic = wrapper::bare_topic(self.draft, line.clone());
        let is_topic = !self.is_blank(&topic);
        if self.has_conversations && is_topic && !self.conversation.has_topic {
            self.draft.topic(topic);
            self.conversation.has_topic = true;
        } else {
            self.draft.wrapper(Wrapper::Heading, topic);
        }
        self.draft.wrapper(Wrapper::Heading, line.end..text.end);
    }

    fn give_up_question(&mut self) {
        if let Some(question) = self.question.take() {
            self.draft.unusable(IssueCode::MissingAnswer, question.span);
        }
    }

    fn finish(mut self) {
        self.give_up_question();
        self.split_at_breaks();
    }

    /// Without headers, separators part conversations, unless they part all the pairs.
    fn split_at_breaks(&mut self) {
        let n_items = self.draft.n_items();
        self.breaks.retain(|at| *at > 0 && *at < n_items);
        self.breaks.dedup();
        let parts_all_pairs = self.breaks.len() + 1 == n_items;
        if self.has_conversations && !self.has_headers && !self.breaks.is_empty() && !parts_all_pairs {
            self.draft.split_conversations(&self.breaks);
        }
    }

    fn cut(mut self, tail: &Mark, end: usize) {
        self.give_up_question();
        self.draft.label(tail.span.clone());
        self.draft.unusable(IssueCode::TruncatedTail, tail.span.end..end);
        self.split_at_breaks();
    }

    fn is_blank(&self, span: &Range<usize>) -> bool {
        decode::is_blank(&self.draft.reply()[span.clone()])
    }
}
