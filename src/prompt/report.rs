//! What a prompt shows of a record, and what it leaves out.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::bbox::BoxError;
use crate::task::Section;

/// What a prompt shows of a record: per section, the lines shown and what was left out; nothing is left out silently.
///
/// A section that the task does not ask for does not count.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PromptReport {
    /// Lines shown of each section, in the order of [`Section::ALL`].
    pub shown: [usize; Section::ALL.len()],
    /// What was left out, by section and reason, in this order.
    pub left_out: Vec<LeftOut>,
    /// How many boxes overhung the image and are shown clamped to it.
    pub clamped: usize,
}

/// Annotations of one section that a prompt does not show, for one reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LeftOut {
    /// The section.
    pub section: Section,
    /// Why.
    pub reason: LeftOutReason,
    /// How many.
    pub count: usize,
}

/// Why a prompt does not show an annotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LeftOutReason {
    /// It says the same as one that is shown.
    Merged,
    /// The option allows no more lines.
    OverLimit,
    /// The prompt would have more tokens than the budget allows.
    OverBudget,
    /// It has no name, phrase, value or predicate.
    NoText,
    /// Its text is longer than 1,000 characters.
    TooLong,
    /// Its box has no area, as annotated or after clamping and rounding to three decimals.
    EmptyBox,
    /// Its box lies outside the image.
    OutsideImage,
    /// Its box is in pixels and the size of the image is not known.
    UnknownSize,
}

impl LeftOutReason {
    /// The name used in reports: `over_limit`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Merged => "merged",
            Self::OverLimit => "over_limit",
            Self::OverBudget => "over_budget",
            Self::NoText => "no_text",
            Self::TooLong => "too_long",
            Self::EmptyBox => "empty_box",
            Self::OutsideImage => "outside_image",
            Self::UnknownSize => "unknown_size",
        }
    }
}

impl fmt::Display for LeftOutReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl From<BoxError> for LeftOutReason {
    fn from(error: BoxError) -> Self {
        match error {
            BoxError::Outside => Self::OutsideImage,
            BoxError::NoSize => Self::UnknownSize,
            _ => Self::EmptyBox,
        }
    }
}

impl PromptReport {
    /// How many lines are shown of a section.
    pub fn shown(&self, section: Section) -> usize {
        self.shown[section as usize]
    }

    /// How many annotations of a section are left out for this reason.
    pub fn left_out(&self, section: Section, reason: LeftOutReason) -> usize {
        let found = self.left_out.iter().find(|entry| (entry.section, entry.reason) == (section, reason));
        found.map_or(0, |entry| entry.count)
    }

    /// Adds what another prompt shows and leaves out.
    pub fn add(&mut self, other: &Self) {
        for (sum, shown) in self.shown.iter_mut().zip(other.shown) {
            *sum += shown;
        }
        for entry in &other.left_out {
            self.leave_out(entry.section, entry.reason, entry.count);
        }
        self.clamped += other.clamped;
    }

    pub(super) fn leave_out(&mut self, section: Section, reason: LeftOutReason, count: usize) {
        let key = (section, reason);
        match self.left_out.binary_search_by_key(&key, |entry| (entry.section, entry.reason)) {
            Ok(index) => self.left_out[index].count += count,
            Err(index) => self.left_out.insert(index, LeftOut { section, reason, count }),
        }
    }
}
