//! What can be wrong with an input file, and where.

use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::annotation::ImageId;
use crate::bbox::BoxError;

/// Something in an input file that is not what it should be: the file, the place, the problem and what to try.
///
/// A reader returns it as an error, or, told to skip what is bad, lists it in its [`ReadReport`](super::ReadReport).
#[derive(Debug, thiserror::Error)]
pub struct InputError {
    /// The file, or the name given to bytes in memory.
    pub file: PathBuf,
    /// The image concerned, where known.
    pub image: Option<ImageId>,
    /// Line, from 1, in files that have one record a line.
    pub line: Option<u64>,
    /// Byte offset into the file, where known.
    pub offset: Option<u64>,
    /// What is wrong.
    #[source]
    pub problem: InputProblem,
}

impl fmt::Display for InputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, ", line {line}")?;
        }
        if let Some(image) = &self.image {
            write!(f, ", image {image}")?;
        }
        if let Some(offset) = self.offset {
            write!(f, ", byte {offset}")?;
        }
        write!(f, ": {}", self.problem)
    }
}

/// What is wrong with an input file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InputProblem {
    /// The file could not be read.
    #[error("it cannot be read")]
    Io(#[from] io::Error),
    /// The file was changed while it was read.
    #[error("the file has changed since it was opened; start again")]
    Changed,
    /// The file is packed, and this build cannot unpack.
    #[error("the file is packed; unpack it, or build with the feature `packed`")]
    Packed,
    /// The file is packed and damaged.
    #[error("the file is packed and cannot be unpacked; fetch it again")]
    Unpack(#[source] io::Error),
    /// An archive does not hold one file of JSON.
    #[error(
        "the archive should hold one file of JSON, it holds {}; name the one to read (`Input::member`)",
        if .names.is_empty() { "none" } else { .names }
    )]
    Members {
        /// Those that it holds.
        names: String,
    },
    /// The file has no bytes.
    #[error("the file is empty (0 bytes); fetch it again")]
    Empty,
    /// The file has nothing but white space.
    #[error("the file holds nothing but white space; fetch it again")]
    Blank,
    /// The file is not UTF-8 but UTF-16.
    #[error("the file is UTF-16; convert it to UTF-8")]
    Utf16,
    /// The file ends too early.
    #[error("the file ends {within}: it was cut off; fetch it again")]
    Truncated {
        /// What it ends in: "within a list".
        within: &'static str,
    },
    /// Something else than expected stands here.
    #[error("expected {expected}, found {found}; is it the right file?")]
    Unexpected {
        /// What should stand here.
        expected: &'static str,
        /// What stands here.
        found: String,
    },
    /// A comma before the end of a list or an object.
    #[error("a comma is followed by the end of the list or object; remove it")]
    TrailingComma,
    /// Something follows the end of the data.
    #[error("something follows the end of the data: {found}; remove it")]
    TrailingData {
        /// What stands there.
        found: String,
    },
    /// A record has no id.
    #[error("a record has no `image_id` or `id`")]
    NoId,
    /// An id is no integer of 64 bits.
    #[error("an id must be an integer of at least 0 that fits 64 bits, found {found}")]
    BadId {
        /// What stands there.
        found: String,
    },
    /// Two records have one id.
    #[error(
        "the file has this id twice; remove one record, or skip what is bad (`OnBadInput::Skip`): then the first wins"
    )]
    DuplicateId,
    /// An annotation names another image than the record it stands in.
    #[error("an annotation in the record of this image says that it belongs to image {other}")]
    OtherImage {
        /// The image it names.
        other: u64,
    },
    /// An annotation belongs to an image that the file does not list.
    #[error("an annotation belongs to an image that the file does not list")]
    UnknownImage,
    /// An instance has a category that the file does not list.
    #[error("category {0} is not among the file's `categories`")]
    UnknownCategory(u64),
    /// A list that the file must have is missing.
    #[error("the file has no list `{0}`; is it the right file?")]
    NoList(&'static str),
    /// An object or a region has no box, or two.
    #[error("a box is either `bbox` ([x1, y1, x2, y2] as fractions) or `bbox_xywh` ([x, y, width, height] in pixels)")]
    NeitherOrBothBoxes,
    /// A record has only one side of its image's size.
    #[error("an image has both `width` and `height`, in pixels, or neither")]
    HalfSize,
    /// A record is no JSON or lacks a field.
    #[error("{}; correct it, or skip what is bad (`OnBadInput::Skip`)", without_place(.0))]
    Json(#[from] serde_json::Error),
    /// A box or an image size that is none.
    #[error(transparent)]
    Box(#[from] BoxError),
}

/// The message without its line and column, which are those of the record and not of the file.
fn without_place(error: &serde_json::Error) -> String {
    let message = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    message.strip_suffix(&place).unwrap_or(&message).to_owned()
}

/// A problem at a byte of an input.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) offset: u64,
    pub(super) problem: InputProblem,
}

impl Fault {
    pub(super) fn new(offset: u64, problem: impl Into<InputProblem>) -> Self {
        Self { offset, problem: problem.into() }
    }

    /// A fault in a piece of JSON that starts at `offset`.
    pub(super) fn json(offset: u64, json: &[u8], error: serde_json::Error) -> Self {
        let line_start = match error.line() {
            0 | 1 => 0,
            line => {
                json.iter().enumerate().filter(|(_, byte)| **byte == b'\n').nth(line - 2).map_or(0, |(at, _)| at + 1)
            }
        };
        let within = line_start + error.column().saturating_sub(1);
        Self::new(offset + within.min(json.len()) as u64, error)
    }

    /// Whether it concerns the file as a whole, so that nothing else in it can be read either.
    pub(super) fn is_of_file(&self) -> bool {
        matches!(self.problem, InputProblem::Io(_) | InputProblem::Changed)
    }

    pub(super) fn in_file(self, file: impl Into<PathBuf>, image: Option<ImageId>) -> InputError {
        InputError { file: file.into(), image, line: None, offset: Some(self.offset), problem: self.problem }
    }
}
