//! What a reply lacks of what was asked for, and how a later reply fills it in.

use std::collections::BTreeSet;

use crate::reply::{Action, Asked, Issue, IssueCode, Outcome, Parsed, ReplyForm, ReplyParser};

/// What a reply lacks, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Missing {
    /// What is to be written, in order: one part for a list of pairs, one for each conversation.
    pub parts: Vec<MissingPart>,
    /// By what the rest was lost.
    pub causes: Vec<IssueCode>,
}

/// Pairs that are missing together.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MissingPart {
    /// The conversation that they belong to, as index into [`Parsed::topics`]; `None` for a new one.
    pub conversation: Option<usize>,
    /// How many pairs.
    pub n_pairs: usize,
}

impl Missing {
    /// What a reply that fills it in is expected to hold.
    pub(crate) fn asked(&self, has_conversations: bool) -> Asked {
        if has_conversations {
            return Asked { conversations: Some(self.parts.len()), pairs: None };
        }
        Asked { conversations: None, pairs: Some(self.n_pairs()) }
    }

    /// How many pairs in all.
    pub fn n_pairs(&self) -> usize {
        self.parts.iter().map(|part| part.n_pairs).sum()
    }
}

/// Causes behind which asking again is no use, or not wanted.
const FINAL: &[IssueCode] = &[IssueCode::Refusal, IssueCode::ContentFilter];

impl ReplyParser {
    /// What a reply lacks; `None` if it lacks nothing, or if the model declined.
    pub fn missing(&self, parsed: &Parsed) -> Option<Missing> {
        if matches!(self.form, ReplyForm::Custom(_)) || parsed.issues.iter().any(|issue| FINAL.contains(&issue.code)) {
            return None;
        }
        let parts = self.lacking(parsed);
        let lost = parsed.issues.iter().filter(|issue| issue.action >= Action::Drop);
        let causes: BTreeSet<IssueCode> = lost.map(|issue| issue.code.clone()).collect();
        (!parts.is_empty()).then(|| Missing { parts, causes: causes.into_iter().collect() })
    }

    /// By how much the items fall short of what was asked for.
    fn lacking(&self, parsed: &Parsed) -> Vec<MissingPart> {
        let Some(n_pairs) = self.asked.pairs else { return Vec::new() };
        let mut counts = vec![0; parsed.topics.len()];
        for item in &parsed.items {
            counts[item.conversation] += 1;
        }
        if let Some(n_conversations) = self.asked.conversations {
            let begun = counts.iter().enumerate().filter(|(_, n)| **n > 0);
            let n_begun = begun.clone().count();
            let short = begun.filter(|(_, n)| **n < n_pairs).map(|(index, n)| (Some(index), n_pairs - n));
            let new = (n_begun..n_conversations).map(|_| (None, n_pairs));
            let all = short.chain(new);
            all.map(|(conversation, n_pairs)| MissingPart { conversation, n_pairs }).collect()
        } else {
            let n_missing = n_pairs.saturating_sub(parsed.items.len());
            let part = MissingPart { conversation: Some(0), n_pairs: n_missing };
            (n_missing > 0).then_some(part).into_iter().collect()
        }
    }

    /// Fills in what was missing from a later reply. Items that are there stay as they are; of the later reply only as
    /// many are taken as were missing, and its issues come behind those that are there.
    pub(crate) fn fill_in(&self, parsed: &mut Parsed, missing: &Missing, later: &Parsed) {
        let reply_index = parsed.n_replies;
        parsed.n_replies += 1;
        let mut conversations =
            later.items.chunk_by(|a, b| a.conversation == b.conversation || !later.has_conversations);
        for part in &missing.parts {
            let Some(items) = conversations.next() else { break };
            let target = part.conversation.unwrap_or(parsed.topics.len());
            if target == parsed.topics.len() {
                parsed.topics.push(later.topics.get(items[0].conversation).cloned().flatten());
            }
            for item in items.iter().take(part.n_pairs) {
                let mut item = item.clone();
                (item.conversation, item.reply) = (target, reply_index);
                parsed.items.push(item);
            }
        }
        // Items of a conversation stand together.
        parsed.items.sort_by_key(|item| item.conversation);
        parsed.issues.extend(
            later.issues.iter().filter(|issue| issue.code != IssueCode::CountShort).map(|issue| Issue {
                reply: reply_index,
                item: None,
                ..issue.clone()
            }),
        );
        self.judge_merged(parsed);
    }

    /// The outcome of what the replies hold together.
    fn judge_merged(&self, parsed: &mut Parsed) {
        let code = IssueCode::CountShort;
        let is_short = !self.lacking(parsed).is_empty();
        let is_noticed = parsed.issues.iter().any(|issue| issue.code == code);
        if !is_short {
            parsed.issues.retain(|issue| issue.code != code);
        } else if !is_noticed && !parsed.items.is_empty() {
            let action = self.policy.action(&code);
            parsed.issues.push(Issue { code, action, span: 0..0, about: 0..0, item: None, reply: 0 });
        }
        parsed.outcome = if parsed.items.is_empty() {
            Outcome::Reject
        } else if is_short || parsed.items.iter().any(|item| !item.flags.is_empty()) {
            Outcome::Partial
        } else {
            Outcome::Ok
        };
    }
}
