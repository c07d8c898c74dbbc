//! A completion's text → items that can be used, and a reason for everything left out.
//!
//! A reply is data: reading it never fails. [`ReplyParser::parse`] takes it apart by the [`ReplyForm`] that was asked
//! for, runs the [`Check`]s, and lets the [`Policy`] decide what becomes of each [`Issue`]. [`Parsed`] holds the items,
//! the issues, the outcome, and an account of every byte.
//!
//! This module knows no network, no clock and no files. Start with [`ReplyParser`].

mod check;
mod checks;
mod decode;
mod description;
mod draft;
mod form;
mod grounding;
mod issue;
mod json;
mod judge;
#[cfg(feature = "language")]
mod language;
mod lines;
mod missing;
mod parser;
mod policy;
mod reasoning;
mod render;
mod review;
mod schema;
mod text;
mod wrapper;

use std::fmt;
use std::ops::Range;

use serde::{Deserialize, Serialize};

pub use check::{Check, CheckContext, Finding, each_item};
pub use draft::Draft;
pub use form::{Asked, ReplyForm, Scan};
pub use grounding::Grounding;
pub use issue::{Issue, IssueCode};
#[cfg(feature = "language")]
pub use language::in_language;
pub use missing::{Missing, MissingPart};
pub use parser::{ReplyContext, ReplyEnd, ReplyParser};
pub use policy::{Action, Policy, PolicyError, PolicyPreset};
pub use review::{Pair, PairFinding, PairPart, review};

use crate::sample::Reference;

/// What a reply holds, and why the rest of it is not used.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Parsed {
    /// The items that are kept, in the order of the reply.
    pub items: Vec<Item>,
    /// The topic of each conversation, by [`Item::conversation`]; one `None` where the form has no conversations.
    pub topics: Vec<Option<ItemText>>,
    /// Everything worth knowing, in the order of the reply.
    pub issues: Vec<Issue>,
    /// Every non-blank byte of the first reply, each in exactly one piece, in order.
    pub pieces: Vec<Piece>,
    /// How much of the reply can be used.
    pub outcome: Outcome,
    /// Whether items of one conversation follow on; else each item stands on its own.
    pub has_conversations: bool,
    /// How many replies it was made of: 1, and 1 for each that filled in what was missing.
    pub n_replies: usize,
}

impl Parsed {
    /// The first cause why the outcome is not [`Outcome::Ok`].
    pub fn cause(&self) -> Option<&IssueCode> {
        let is_filled_in = self.n_replies > 1 && !self.issues.iter().any(|issue| issue.code == IssueCode::CountShort);
        let causes = |issue: &&Issue| match self.outcome {
            Outcome::Ok => false,
            // What was dropped has been made up for; what is left is a defect of a kept item.
            Outcome::Partial if is_filled_in => issue.action == Action::Flag,
            Outcome::Partial => issue.lowers_outcome(),
            Outcome::Reject => issue.action >= Action::Drop,
        };
        self.issues.iter().find(causes).map(|issue| &issue.code)
    }

    /// The issues by which something was dropped or the whole reply rejected.
    pub fn dropped(&self) -> impl Iterator<Item = &Issue> {
        self.issues.iter().filter(|issue| issue.action >= Action::Drop)
    }
}

impl Issue {
    /// Whether a reply with this issue is no longer `ok`.
    fn lowers_outcome(&self) -> bool {
        self.action >= Action::Flag || self.code == IssueCode::CountShort
    }
}

/// How much of a reply can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// All of it.
    Ok,
    /// Some of it: an item was dropped or kept with a defect, or there are fewer than asked for.
    Partial,
    /// Nothing.
    Reject,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ok => "ok",
            Self::Partial => "partial",
            Self::Reject => "reject",
        })
    }
}

/// A question with its answer, or a text on its own: what is kept or dropped as a whole.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Item {
    /// The conversation it belongs to: index into [`Parsed::topics`].
    pub conversation: usize,
    /// The question; `None` for a text on its own.
    pub question: Option<ItemText>,
    /// The answer, or the text.
    pub answer: ItemText,
    /// Defects with which it was kept.
    pub flags: Vec<IssueCode>,
    /// Which reply it is from, into which its spans point: 0, unless it filled in what was missing.
    pub reply: usize,
}

impl Item {
    /// From the start of the question to the end of the answer, in bytes of the reply.
    pub fn span(&self) -> Range<usize> {
        let start = self.question.as_ref().map_or(self.answer.span.start, |question| question.span.start);
        start..self.answer.span.end.max(start)
    }

    /// Question and answer, as far as there are.
    pub fn texts(&self) -> impl Iterator<Item = &ItemText> {
        self.question.iter().chain([&self.answer])
    }

    fn texts_mut(&mut self) -> impl Iterator<Item = &mut ItemText> {
        self.question.iter_mut().chain([&mut self.answer])
    }
}

/// A text of an item and where it stands in the reply.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ItemText {
    /// The text.
    pub text: String,
    /// Bytes of the reply that it was made from.
    pub span: Range<usize>,
    /// How it was made from them.
    pub origin: Origin,
    /// The boxes it points at; only in forms that point.
    pub references: Vec<Reference>,
}

/// How a text was made from its span of the reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Origin {
    /// It is the span.
    Verbatim,
    /// It is the span with escapes, entities or emphasis marks taken out.
    Decoded,
    /// It was written from numbers of boxes.
    Rendered,
    /// A box in it was replaced by the annotated one.
    Snapped,
}

/// A part of a reply and what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Bytes of the reply, without white space at either end.
    pub span: Range<usize>,
    /// What it is.
    pub kind: PieceKind,
}

/// What a part of a reply is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PieceKind {
    /// A text of a kept item: index into [`Parsed::items`].
    Item(usize),
    /// The topic of a conversation: index into [`Parsed::topics`].
    Topic(usize),
    /// Says what comes next: `Question:`, `Conversation 1:`.
    Label,
    /// Stands around the items.
    Wrapper(Wrapper),
    /// Not used; an issue says why.
    Dropped,
}

/// What stands around the items of a reply without being a defect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Wrapper {
    /// An introduction before the first item.
    Preamble,
    /// A closing remark after the last item.
    Postamble,
    /// The marks of a code fence.
    Fence,
    /// A line between items, such as `---`.
    Separator,
    /// A line between items that names what comes next, such as `## Colours`.
    Heading,
    /// A token by which a chat model ends its turn.
    EndToken,
    /// What a reasoning model thought before it replied.
    Reasoning,
}
