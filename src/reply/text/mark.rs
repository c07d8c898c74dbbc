//! What parts the texts of a reply.

use std::ops::Range;

use crate::reply::text::vocabulary::Role;

/// Something that parts the texts of a reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) kind: MarkKind,
    /// Bytes of the reply.
    pub(super) span: Range<usize>,
    pub(super) number: Option<u32>,
    /// Emphasis marks that the text behind closes.
    pub(super) open_marks: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MarkKind {
    Label(Role),
    /// A speaker that is in no table.
    Unknown(Role),
    /// A code fence around items.
    Fence,
}

impl Mark {
    pub(super) fn role(&self) -> Option<Role> {
        match self.kind {
            MarkKind::Label(role) | MarkKind::Unknown(role) => Some(role),
            MarkKind::Fence => None,
        }
    }
}
