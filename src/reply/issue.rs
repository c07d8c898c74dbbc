//! The codes of everything that can be wrong with a reply, and what each policy does about them: one table.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::reply::policy::{Action, PolicyPreset};

/// Something about a reply that is worth knowing, where it is, and what was done about it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Issue {
    /// What it is.
    pub code: IssueCode,
    /// What the policy made of it.
    pub action: Action,
    /// Where: bytes of the reply. Empty, at the end of the reply, for something that is missing.
    pub span: Range<usize>,
    /// What it is about: bytes of the item as a whole, or of the part that was dropped, around `span`.
    pub about: Range<usize>,
    /// The kept item it is about: index into [`Parsed::items`](super::Parsed::items). `None` for what was dropped and
    /// for what concerns the whole reply.
    pub item: Option<usize>,
    /// Which reply it is in, into which the spans point: 0, unless that filled in what was missing.
    pub reply: usize,
}

/// One row of the table of codes: variant, name, actions of `careful`, `strict` and `salvage`, meaning.
macro_rules! issue_codes {
    ($($variant:ident $name:literal $careful:ident $strict:ident $salvage:ident $doc:literal;)*) => {
        /// What is wrong with a reply or a part of it.
        ///
        /// Written as its name: `source_leak`. A check of your own uses [`IssueCode::custom`].
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(from = "String", into = "String")]
        #[non_exhaustive]
        pub enum IssueCode {
            $(#[doc = $doc] $variant,)*
            /// A code of a user's own check.
            Custom(Arc<str>),
        }

        impl IssueCode {
            /// All codes of the crate, in the order of the policy table.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name used in files and reports: `source_leak`.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $name,)*
                    Self::Custom(name) => name,
                }
            }

            /// What a preset does about this code; a user's own code is flagged, and dropped by `strict`.
            pub(super) fn action(&self, preset: PolicyPreset) -> Action {
                let [careful, strict, salvage] = match self {
                    $(Self::$variant => [Action::$careful, Action::$strict, Action::$salvage],)*
                    Self::Custom(_) => [Action::Flag, Action::Drop, Action::Flag],
                };
                match preset {
                    PolicyPreset::Careful => careful,
                    PolicyPreset::Strict => strict,
                    PolicyPreset::Salvage => salvage,
                }
            }
        }

        impl From<&str> for IssueCode {
            fn from(name: &str) -> Self {
                match name {
                    $($name => Self::$variant,)*
                    _ => Self::Custom(name.into()),
                }
            }
        }
    };
}

issue_codes! {
    EmptyReply       "empty_reply"       Reject Reject Reject "The reply is empty or white space.";
    Refusal          "refusal"           Reject Reject Reject "The model declined, or says that it got nothing to work on.";
    WrongTask        "wrong_task"        Reject Reject Reject "The reply answers another request.";
    NoItems          "no_items"          Reject Reject Reject "The reply holds nothing of the form that was asked for.";
    ThinkUnclosed    "think_unclosed"    Reject Reject Reject "A reasoning block never ends.";
    ContentFilter    "content_filter"    Reject Reject Reject "The server withheld the reply or a part of it.";
    MissingAnswer    "missing_answer"    Drop Drop Drop "A question without an answer.";
    MissingQuestion  "missing_question"  Drop Drop Drop "An item that should have a question has none.";
    EmptyAnswer      "empty_answer"      Drop Drop Drop "An answer label with nothing behind it.";
    EmptyQuestion    "empty_question"    Drop Drop Drop "A question label with nothing behind it.";
    OrphanAnswer     "orphan_answer"     Drop Drop Drop "An answer that follows no question.";
    Placeholder      "placeholder"       Drop Drop Drop "A form that was not filled in: `<answer>`, `...`.";
    WrongType        "wrong_type"        Drop Drop Drop "A value that is not text.";
    StrayText        "stray_text"        Drop Drop Drop "Text that belongs to no item.";
    DuplicatePair    "duplicate_pair"    Drop Drop Drop "The same pair again.";
    TruncatedTail    "truncated_tail"    Drop Drop Drop "The end of a reply that was cut.";
    Repetition       "repetition"        Drop Drop Drop "A loop of the same words.";
    SourceLeak       "source_leak"       Drop Drop Flag "Cites the annotations that the trained model will not have.";
    CoordinateLeak   "coordinate_leak"   Drop Drop Flag "Numbers of a box in a task that does not point.";
    SelfReference    "self_reference"    Drop Drop Flag "The model speaks of itself.";
    SpecialToken     "special_token"     Drop Drop Flag "A token that a trainer would take for its own.";
    BoxMalformed     "box_malformed"     Drop Drop Flag "A box that is not four numbers.";
    BoxInverted      "box_inverted"      Drop Drop Flag "A box without area, or with its edges swapped.";
    BoxOutOfRange    "box_out_of_range"  Drop Drop Flag "A box with an edge outside 0 to 1.";
    BoxPixelUnits    "box_pixel_units"   Drop Drop Flag "A box in pixels.";
    BoxMissing       "box_missing"       Drop Drop Flag "A tagged name without a box.";
    NoReference      "no_reference"      Drop Drop Flag "A pair that should point and does not.";
    TagUnclosed      "tag_unclosed"      Drop Drop Flag "A tag that is opened and not closed, or closed and not opened.";
    TagNested        "tag_nested"        Drop Drop Flag "A tag inside a tag.";
    TagEmpty         "tag_empty"         Drop Drop Flag "Nothing between the tags.";
    TagMissing       "tag_missing"       Drop Drop Flag "A box without a tagged name.";
    UnsupportedReferenceSyntax "unsupported_reference_syntax" Drop Drop Flag "Points in another notation.";
    BoxRepaired      "box_repaired"      Flag Drop Flag "A box that was put right.";
    TagRepaired      "tag_repaired"      Flag Drop Flag "A tag that was put right.";
    DuplicateQuestion "duplicate_question" Flag Drop Flag "The same question again, with another answer.";
    NearDuplicate    "near_duplicate"    Flag Drop Flag "Nearly the same pair again.";
    UnknownSpeaker   "unknown_speaker"   Flag Drop Flag "A speaker that was not asked for.";
    CountOver        "count_over"        Flag Drop Flag "More items than were asked for.";
    LanguageMismatch "language_mismatch" Flag Drop Flag "Another language than asked for.";
    BoxNotInInput    "box_not_in_input"  Flag Drop Flag "A box that the prompt does not have.";
    PhraseBoxMismatch "phrase_box_mismatch" Flag Drop Flag "A box that the prompt gives to something else.";
    CountShort       "count_short"       Note Note Note "Fewer items than were asked for; the outcome is partial.";
    TopicMissing     "topic_missing"     Note Note Note "A conversation without a topic.";
    JsonRepaired     "json_repaired"     Note Note Note "Broken JSON that could be read without guessing.";
    Preamble         "preamble"          Note Note Note "An introduction before the first item.";
    Postamble        "postamble"         Note Note Note "A closing remark after the last item.";
    Fence            "fence"             Note Note Note "A code fence around the items.";
}

impl IssueCode {
    /// The code of a check of your own, `snake_case`; a name of the crate's gives the crate's code.
    pub fn custom(name: &str) -> Self {
        name.into()
    }
}

impl From<String> for IssueCode {
    fn from(name: String) -> Self {
        name.as_str().into()
    }
}

impl From<IssueCode> for String {
    fn from(code: IssueCode) -> Self {
        code.as_str().to_owned()
    }
}

impl fmt::Display for IssueCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back_to_codes() {
        for code in IssueCode::ALL {
            assert_eq!(&IssueCode::from(code.as_str()), code);
            assert!(code.as_str().bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{code}");
        }
        assert_eq!(IssueCode::custom("too_short").as_str(), "too_short");
    }
}
