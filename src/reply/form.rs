//! The forms in which a model can be asked to reply.

use std::fmt;
use std::sync::Arc;

use crate::reply::{Draft, ReplyEnd, description, text};

/// The form in which a model is asked to reply.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ReplyForm {
    /// Conversations with a topic; `User:` asks, `GPT:` answers.
    Conversations {
        /// How many conversations are asked for.
        conversations: usize,
        /// How many question-answer pairs each of them should have.
        pairs: usize,
    },
    /// `Question:` and `Answer:` in turn.
    QaList {
        /// How many pairs are asked for.
        pairs: usize,
    },
    /// One text.
    Description,
    /// A form of your own.
    Custom(Arc<dyn Scan>),
}

impl ReplyForm {
    /// A form of your own.
    pub fn custom(scan: impl Scan + 'static) -> Self {
        Self::Custom(Arc::new(scan))
    }

    /// How many items the form asks for.
    pub fn asked(&self) -> Asked {
        match self {
            Self::Conversations { conversations, pairs } => {
                Asked { conversations: Some(*conversations), pairs: Some(*pairs) }
            }
            Self::QaList { pairs } => Asked { conversations: None, pairs: Some(*pairs) },
            Self::Description => Asked { conversations: None, pairs: Some(1) },
            Self::Custom(scan) => scan.asked(),
        }
    }

    /// Whether items of one conversation follow on; a form of a user's has conversations if it asks for some.
    pub fn has_conversations(&self) -> bool {
        self.asked().conversations.is_some()
    }

    pub(super) fn scan(&self, draft: &mut Draft<'_>, end: ReplyEnd) {
        match self {
            Self::Conversations { .. } => text::scan(draft, end, true),
            Self::QaList { .. } => text::scan(draft, end, false),
            Self::Description => description::scan(draft, end),
            Self::Custom(scan) => scan.scan(draft, end),
        }
    }
}

/// How many items a reply should have; `None` where that is open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// Conversations; `None` for a form without them.
    pub conversations: Option<usize>,
    /// Pairs, in each conversation if the form has them, else in all.
    pub pairs: Option<usize>,
}

/// A reply form of your own: takes a reply apart into items.
///
/// # Contract
/// It never fails: what it cannot use it gives to [`Draft::unusable`], or leaves to be dropped as stray text. It claims
/// no byte twice. A reply that was cut ([`ReplyEnd::Cut`]) loses its last item unless that is provably whole.
pub trait Scan: fmt::Debug + Send + Sync {
    /// Claims the parts of the reply.
    fn scan(&self, draft: &mut Draft<'_>, end: ReplyEnd);

    /// How many items are asked for, so that a short reply is noticed and the template can say it.
    fn asked(&self) -> Asked {
        Asked::default()
    }
}
