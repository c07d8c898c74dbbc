//! Checks of items: everything that can be wrong with the text of an item, whatever form it came in.

use std::fmt;
use std::ops::Range;

use crate::bbox::NamedBox;
use crate::reply::{IssueCode, Item};

/// A check of the items of a reply.
///
/// It says what it found; the [`Policy`](super::Policy) says what becomes of it. A check of your own implements this
/// trait, or is made by [`each_item`].
pub trait Check: fmt::Debug + Send + Sync {
    /// What is wrong with these items.
    fn check(&self, items: &[Item], context: &CheckContext<'_>) -> Vec<Finding>;
}

/// What a check may know beside the items.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct CheckContext<'a> {
    /// The whole reply, into which all spans point.
    pub reply: &'a str,
    /// The boxes of the prompt, where they are known.
    pub boxes: Option<&'a [NamedBox]>,
    /// Items of earlier replies that are accepted already.
    pub accepted: &'a [Item],
    /// Whether the items are to point with `<st>`, `<ed>` and boxes.
    pub is_grounded: bool,
}

/// Something wrong with an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Index of the item.
    pub item: usize,
    /// What it is.
    pub code: IssueCode,
    /// Where, in bytes of the reply; `None` for the whole item.
    pub span: Option<Range<usize>>,
}

/// A check that looks at one item at a time and finds `code` where `is_wrong` says so.
///
/// # Example
/// ```
/// use svitgen::reply::{IssueCode, ReplyForm, ReplyParser, ReplyContext, each_item};
/// let too_short = each_item(IssueCode::custom("too_short"), |item| item.answer.text.len() < 4);
/// let parser = ReplyParser::new(ReplyForm::QaList { pairs: 1 }).with_check(too_short);
/// let parsed = parser.parse("Question: Is it red?\nAnswer: No.", &ReplyContext::default());
/// assert_eq!(parsed.items[0].flags, [IssueCode::custom("too_short")]);
/// ```
pub fn each_item(code: IssueCode, is_wrong: impl Fn(&Item) -> bool + Send + Sync + 'static) -> impl Check {
    EachItem { code, is_wrong }
}

struct EachItem<F> {
    code: IssueCode,
    is_wrong: F,
}

impl<F: Fn(&Item) -> bool + Send + Sync> Check for EachItem<F> {
    fn check(&self, items: &[Item], _: &CheckContext<'_>) -> Vec<Finding> {
        let wrong = items.iter().enumerate().filter(|(_, item)| (self.is_wrong)(item));
        wrong.map(|(index, _)| Finding { item: index, code: self.code.clone(), span: None }).collect()
    }
}

impl<F> fmt::Debug for EachItem<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EachItem").field("code", &self.code).finish_non_exhaustive()
    }
}
