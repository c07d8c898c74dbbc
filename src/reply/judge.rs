//! What the policy makes of what was found: which items are kept, and the outcome.

use std::ops::Range;

use crate::reply::{
    Action, Asked, Draft, Finding, Issue, IssueCode, Item, ItemText, Outcome, Parsed, Piece, PieceKind, Policy,
};

/// Applies the policy to what was found.
pub(super) struct Judge<'p> {
    policy: &'p Policy,
    reply_len: usize,
    items: Vec<Item>,
    /// By item: whether it is kept.
    kept: Vec<bool>,
    pieces: Vec<Piece>,
    issues: Vec<Issue>,
    topics: Vec<Option<ItemText>>,
}

impl<'p> Judge<'p> {
    pub(super) fn new(draft: Draft<'_>, policy: &'p Policy) -> Self {
        let Draft { reply, items, topics, pieces, findings, .. } = draft;
        let mut judge = Self {
            policy,
            reply_len: reply.len(),
            kept: vec![true; items.len()],
            items,
            pieces,
            issues: Vec::new(),
            topics,
        };
        for (code, span, item) in findings {
            judge.apply(code, span, item);
        }
        judge
    }

    pub(super) fn judge(mut self, findings: Vec<Finding>, asked: Asked, has_conversations: bool) -> Parsed {
        for Finding { item, code, span } in findings {
            let Some(found_in) = self.items.get(item) else { continue };
            let span = span.unwrap_or_else(|| found_in.span());
            self.apply(code, span, Some(item));
        }
        self.count(asked);
        if has_conversations {
            self.miss_topics();
        }
        self.finish(has_conversations)
    }

    fn apply(&mut self, code: IssueCode, span: Range<usize>, item: Option<usize>) {
        let action = self.policy.action(&code);
        let about = item.map_or(span.clone(), |index| self.items[index].span());
        if let Some(index) = item {
            match action {
                Action::Note => {}
                Action::Flag if self.items[index].flags.contains(&code) => {}
                Action::Flag => self.items[index].flags.push(code.clone()),
                Action::Drop | Action::Reject => self.kept[index] = false,
            }
        }
        self.issues.push(Issue { code, action, span, about, item, reply: 0 });
    }

    fn apply_to_item(&mut self, code: IssueCode, index: usize) {
        let span = self.items[index].span();
        self.apply(code, span, Some(index));
    }

    /// Holds the number of kept items against the number asked for.
    fn count(&mut self, asked: Asked) {
        let mut over = Vec::new();
        let mut is_short = false;
        let mut n_conversations = 0;
        let mut kept = (0..self.items.len()).filter(|index| self.kept[*index]).peekable();
        if kept.peek().is_none() {
            return;
        }
        while let Some(first) = kept.next() {
            let conversation = self.items[first].conversation;
            let is_asked = asked.conversations.is_none_or(|n_asked| n_conversations < n_asked);
            let n_asked = if is_asked { asked.pairs } else { Some(0) };
            let mut n_pairs = 0;
            let mut next = Some(first);
            while let Some(item) = next {
                if n_asked.is_some_and(|n_asked| n_pairs >= n_asked) {
                    over.push(item);
                }
                n_pairs += 1;
                next = kept.next_if(|item| self.items[*item].conversation == conversation);
            }
            is_short |= n_asked.is_some_and(|n_asked| n_pairs < n_asked);
            n_conversations += 1;
        }
        is_short |= asked.conversations.is_some_and(|n_asked| n_conversations < n_asked);
        for item in over {
            self.apply_to_item(IssueCode::CountOver, item);
        }
        if is_short {
            self.apply(IssueCode::CountShort, self.reply_len..self.reply_len, None);
        }
    }

    /// Notes conversations that have items but no topic.
    fn miss_topics(&mut self) {
        let mut last = None;
        for index in 0..self.items.len() {
            let conversation = self.items[index].conversation;
            if last != Some(conversation) && self.kept[index] && self.topics[conversation].is_none() {
                let start = self.items[index].span().start;
                self.apply(IssueCode::TopicMissing, start..start, None);
                last = Some(conversation);
            }
        }
    }

    fn finish(mut self, has_conversations: bool) -> Parsed {
        if self.issues.iter().any(|issue| issue.action == Action::Reject) {
            self.kept.fill(false);
        }
        if self.kept.iter().all(|kept| !kept) && !self.issues.iter().any(|issue| issue.action >= Action::Drop) {
            self.apply(IssueCode::NoItems, self.reply_len..self.reply_len, None);
        }
        self.renumber();
        self.issues.sort_by_key(|issue| issue.span.start);
        let mut kept = self.kept.iter();
        self.items.retain(|_| kept.next().copied().unwrap_or(false));
        let outcome = outcome(&self.items, &self.issues);
        if outcome == Outcome::Reject {
            self.drop_topics();
        }
        Parsed {
            items: self.items,
            topics: self.topics,
            issues: self.issues,
            pieces: self.pieces,
            outcome,
            has_conversations,
            n_replies: 1,
        }
    }

    /// Lets pieces and issues point at the items that are left.
    fn renumber(&mut self) {
        if self.kept.iter().all(|kept| *kept) {
            return;
        }
        let mut n_kept = 0;
        let new_index: Vec<Option<usize>> = self
            .kept
            .iter()
            .map(|kept| {
                n_kept += usize::from(*kept);
                kept.then(|| n_kept - 1)
            })
            .collect();
        for piece in &mut self.pieces {
            if let PieceKind::Item(index) = piece.kind {
                piece.kind = new_index[index].map_or(PieceKind::Dropped, PieceKind::Item);
            }
        }
        for issue in &mut self.issues {
            issue.item = issue.item.and_then(|index| new_index[index]);
        }
    }

    fn drop_topics(&mut self) {
        self.topics.clear();
        for piece in &mut self.pieces {
            if matches!(piece.kind, PieceKind::Topic(_)) {
                piece.kind = PieceKind::Dropped;
            }
        }
    }
}

fn outcome(items: &[Item], issues: &[Issue]) -> Outcome {
    if items.is_empty() {
        Outcome::Reject
    } else if issues.iter().any(Issue::lowers_outcome) {
        Outcome::Partial
    } else {
        Outcome::Ok
    }
}
