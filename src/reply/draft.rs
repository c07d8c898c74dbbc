//! What a form makes of a reply before anything is judged: items, topics, labels, wrappers and what is unusable.

use std::ops::Range;

use crate::reply::decode::{decoded, trim};
use crate::reply::{IssueCode, Item, ItemText, Origin, Piece, PieceKind, Wrapper};

/// A reply taken apart into spans.
///
/// A [`Scan`](super::Scan) claims each part of the reply once, as item, label, wrapper or issue; what nobody claims is
/// dropped in the end as [`IssueCode::StrayText`] ([`IssueCode::NoItems`] if nothing was claimed at all), so nothing is
/// lost silently.
#[derive(Debug)]
pub struct Draft<'r> {
    pub(super) reply: &'r str,
    pub(super) items: Vec<Item>,
    /// One for each conversation, `None` where it has no topic.
    pub(super) topics: Vec<Option<ItemText>>,
    pub(super) pieces: Vec<Piece>,
    pub(super) findings: Vec<(IssueCode, Range<usize>, Option<usize>)>,
    n_separators: usize,
}

impl ItemText {
    fn decode(&mut self, text: &str) {
        let text = decoded(text);
        if text != self.text {
            self.text = text.into_owned();
            self.origin = Origin::Decoded;
        }
    }
}

impl<'r> Draft<'r> {
    pub(super) fn new(reply: &'r str) -> Self {
        Self { reply, items: Vec::new(), topics: Vec::new(), pieces: Vec::new(), findings: Vec::new(), n_separators: 0 }
    }

    /// The reply that is taken apart.
    pub fn reply(&self) -> &'r str {
        self.reply
    }

    /// How many items there are so far.
    pub fn n_items(&self) -> usize {
        self.items.len()
    }

    /// Claims text that only says what comes next, such as `Question:`.
    pub fn label(&mut self, span: Range<usize>) {
        self.claim(span, PieceKind::Label);
    }

    /// Claims text around the items.
    pub fn wrapper(&mut self, wrapper: Wrapper, span: Range<usize>) {
        let code = match wrapper {
            Wrapper::Preamble => Some(IssueCode::Preamble),
            Wrapper::Postamble => Some(IssueCode::Postamble),
            Wrapper::Fence => Some(IssueCode::Fence),
            Wrapper::Separator | Wrapper::Heading | Wrapper::EndToken | Wrapper::Reasoning => None,
        };
        self.n_separators += usize::from(wrapper == Wrapper::Separator);
        let span = self.claim(span, PieceKind::Wrapper(wrapper));
        if let Some(code) = code.filter(|_| !span.is_empty()) {
            self.findings.push((code, span, None));
        }
    }

    /// Starts a conversation; the items that follow belong to it. Without any, all items belong to the first one.
    pub fn conversation(&mut self) {
        self.topics.push(None);
    }

    /// Claims the topic of the current conversation.
    pub fn topic(&mut self, span: Range<usize>) {
        let index = self.current_conversation();
        let span = self.trimmed(span);
        self.topics[index] = Some(self.text(span.clone()));
        self.claim(span, PieceKind::Topic(index));
    }

    /// Claims the topic of the current conversation, decoded from its span.
    pub fn topic_as(&mut self, span: Range<usize>, text: &str) {
        self.topic(span);
        if let Some(Some(topic)) = self.topics.last_mut() {
            topic.decode(text);
        }
    }

    /// Claims a question and its answer as one item.
    pub fn pair(&mut self, question: Range<usize>, answer: Range<usize>) {
        self.item(Some(question), answer);
    }

    /// Claims a question and its answer as one item, of which the texts are not the spans themselves but decoded from
    /// them.
    pub fn pair_as(&mut self, question: (Range<usize>, &str), answer: (Range<usize>, &str)) {
        self.item(Some(question.0), answer.0);
        if let Some(Item { question: Some(asked), answer: answered, .. }) = self.items.last_mut() {
            asked.decode(question.1);
            answered.decode(answer.1);
        }
    }

    /// Claims an item that has no question of its own, such as a description.
    pub fn answer(&mut self, answer: Range<usize>) {
        self.item(None, answer);
    }

    /// Claims an item that has no question of its own, of which the text is decoded from the span.
    pub fn answer_as(&mut self, answer: Range<usize>, text: &str) {
        self.item(None, answer);
        if let Some(item) = self.items.last_mut() {
            item.answer.decode(text);
        }
    }

    /// Claims an item without a question of which the end is missing: what is whole of it, and the tail to be dropped.
    pub fn cut_answer(&mut self, whole: Range<usize>, tail: Range<usize>) {
        self.item(None, whole);
        if let Some(item) = self.items.last_mut() {
            item.flags.push(IssueCode::TruncatedTail);
        }
        self.unusable(IssueCode::TruncatedTail, tail);
    }

    /// Claims a span that cannot be used, and says why.
    pub fn unusable(&mut self, code: IssueCode, span: Range<usize>) {
        let span = self.claim(span, PieceKind::Dropped);
        self.findings.push((code, span, None));
    }

    /// Claims a question and an answer of which at least one cannot be used, and says why.
    pub fn unusable_pair(&mut self, code: IssueCode, question: Range<usize>, answer: Range<usize>) {
        let question = self.claim(question, PieceKind::Dropped);
        let answer = self.claim(answer, PieceKind::Dropped);
        self.findings.push((code, question.start..answer.end.max(question.end), None));
    }

    /// Says something about a part of the reply without claiming it.
    pub fn note(&mut self, code: IssueCode, span: Range<usize>) {
        self.findings.push((code, span, None));
    }

    /// Says something about the last item without claiming anything.
    pub fn flag(&mut self, code: IssueCode) {
        if let Some((index, item)) = self.items.iter().enumerate().next_back() {
            self.findings.push((code, item.span(), Some(index)));
        }
    }

    /// Makes room for items of which the number is known.
    pub(super) fn expect_items(&mut self, n_items: usize) {
        self.items.reserve(n_items);
        self.pieces.reserve(4 * n_items + 4);
    }

    /// How many conversations were started so far.
    pub(super) fn n_conversations(&self) -> usize {
        self.topics.len()
    }

    /// How many separators were claimed so far.
    pub(super) fn n_separators(&self) -> usize {
        self.n_separators
    }

    /// Parts the items of a reply without headers into conversations, before the items at these indices.
    pub(super) fn split_conversations(&mut self, breaks: &[usize]) {
        let mut passed = 0;
        for (index, item) in self.items.iter_mut().enumerate() {
            passed += breaks[passed..].iter().take_while(|at| **at <= index).count();
            item.conversation += passed;
        }
        self.topics.resize(self.topics.len() + breaks.len(), None);
    }

    pub(super) fn start_again(&mut self) {
        *self = Self::new(self.reply);
    }

    fn found_nothing(&self) -> bool {
        self.items.is_empty() && !self.pieces.iter().any(|piece| piece.kind == PieceKind::Dropped)
    }

    fn item(&mut self, question: Option<Range<usize>>, answer: Range<usize>) {
        let conversation = self.current_conversation();
        let kind = PieceKind::Item(self.items.len());
        let question = question.map(|span| {
            let span = self.claim(span, kind);
            self.text(span)
        });
        let span = self.claim(answer, kind);
        let answer = self.text(span);
        self.items.push(Item { conversation, question, answer, flags: Vec::new(), reply: 0 });
    }

    fn current_conversation(&mut self) -> usize {
        if self.topics.is_empty() {
            self.topics.push(None);
        }
        self.topics.len() - 1
    }

    fn text(&self, span: Range<usize>) -> ItemText {
        let slice = &self.reply[span.clone()];
        let text = decoded(slice);
        let origin = if text.len() == slice.len() { Origin::Verbatim } else { Origin::Decoded };
        ItemText { text: text.into_owned(), span, origin, references: Vec::new() }
    }

    fn claim(&mut self, span: Range<usize>, kind: PieceKind) -> Range<usize> {
        let span = self.trimmed(span);
        if !span.is_empty() {
            self.pieces.push(Piece { span: span.clone(), kind });
            self.sort_last_piece();
        }
        span
    }

    fn trimmed(&self, span: Range<usize>) -> Range<usize> {
        trimmed(self.reply, span)
    }

    /// Claims what nobody claimed, and puts the pieces in order.
    pub(super) fn claim_rest(&mut self) {
        let code = if self.found_nothing() { IssueCode::NoItems } else { IssueCode::StrayText };
        self.sort_pieces();
        let mut end = 0;
        let mut gaps = Vec::new();
        for piece in &mut self.pieces {
            // A form of a user's may claim a byte twice: the first claim holds.
            if piece.span.start < end {
                piece.span = trimmed(self.reply, end..piece.span.end.max(end));
            }
            if piece.span.start > end {
                gaps.push(end..piece.span.start);
            }
            end = piece.span.end.max(end);
        }
        self.pieces.retain(|piece| !piece.span.is_empty());
        gaps.push(end..self.reply.len());
        for gap in gaps {
            let gap = self.trimmed(gap);
            if !gap.is_empty() {
                self.unusable(code.clone(), gap);
            }
        }
        self.sort_pieces();
    }

    /// Forms claim nearly in order; a few steps save sorting all in the end.
    fn sort_last_piece(&mut self) {
        let mut at = self.pieces.len() - 1;
        for _ in 0..2 {
            if at == 0 || self.pieces[at - 1].span.start <= self.pieces[at].span.start {
                return;
            }
            self.pieces.swap(at - 1, at);
            at -= 1;
        }
    }

    fn sort_pieces(&mut self) {
        if !self.pieces.is_sorted_by_key(|piece| piece.span.start) {
            self.pieces.sort_by_key(|piece| piece.span.start);
        }
    }
}

fn trimmed(reply: &str, span: Range<usize>) -> Range<usize> {
    let text = &reply[span.clone()];
    let inner = trim(text);
    let start = span.start + (inner.as_ptr() as usize - text.as_ptr() as usize);
    start..start + inner.len()
}
