//! Training files that anyone made → what is wrong with them.
//!
//! [`FileCheck`] reads a file entry by entry and counts what it finds: everything that the checks of replies find in
//! texts (see [`IssueCode`]), and these codes for how the file is built:
//!
//! | code | what it means |
//! | --- | --- |
//! | `entry_malformed` | an entry lacks what the format says; nothing else in it is looked at |
//! | `id_missing`, `duplicate_id` | an entry has no id, or that of an entry before it |
//! | `turns_missing` | a conversation has no turns |
//! | `turns_not_alternating` | the same speaker twice in a row |
//! | `image_missing` | `<image>` stands in an entry without an image |
//! | `image_token_missing` | an entry with images has fewer `<image>` |
//! | `image_token_misplaced` | `<image>` stands in an answer, or more often than there are images |
//!
//! A conversation that begins with an answer has an `orphan_answer`, one that ends with a question a `missing_answer`.
//! Pairs are held against those before them about the same image, as long as no other image stands between: 64 at most.
//!
//! Findings are data: only a file that cannot be read, or holds no objects of JSON, is an error.

mod entry;
mod file_report;
mod recent;
mod rules;

use std::fs::File;
use std::io::Read;
use std::path::Path;

pub use file_report::{CodeReport, Example, FileReport};

use crate::check::entry::Entry;
use crate::check::rules::Rules;
use crate::error::{Error, ErrorKind, Result};
use crate::export::ExportError;
use crate::export::array::{Entries, Layout};
#[cfg(doc)]
use crate::reply::IssueCode;

/// How many examples of each code are kept unless something else is said.
const EXAMPLES: usize = 3;

/// The format of a training file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FileFormat {
    /// `{"id", "image", "conversations": [{"from", "value"}]}`, as most trainers have it.
    Llava,
    /// `{"image_id", "conversations": [{"content": [{"from", "value"}]}]}`.
    Svit,
}

impl FileFormat {
    /// The name used in reports: `llava`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Llava => "llava",
            Self::Svit => "svit",
        }
    }
}

/// Checks training files: a JSON array of entries, or an entry a line.
///
/// Memory does not grow with the texts: beside the entry at hand, eight to sixteen bytes are kept for each id.
///
/// # Example
/// ```
/// use svitgen::check::FileCheck;
/// let file = r#"[{"id": "a", "image": "1.jpg", "conversations": [
///     {"from": "human", "value": "<image>\nIs it red?"}, {"from": "gpt", "value": "The caption says so."}]}]"#;
/// let report = FileCheck::new().check(file.as_bytes())?;
/// assert_eq!(report.codes["source_leak"].n_findings, 1);
/// assert_eq!(report.codes["source_leak"].examples[0].turn, Some(1));
/// # Ok::<(), svitgen::export::ExportError>(())
/// ```
#[derive(Clone, Debug)]
pub struct FileCheck {
    format: Option<FileFormat>,
    n_examples: usize,
}

impl Default for FileCheck {
    fn default() -> Self {
        Self { format: None, n_examples: EXAMPLES }
    }
}

impl FileCheck {
    /// Takes the format from the first entry, and keeps three examples of each code.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads every entry as one of `format`.
    #[must_use]
    pub fn with_format(mut self, format: FileFormat) -> Self {
        self.format = Some(format);
        self
    }

    /// Keeps the first `n_examples` findings of each code.
    #[must_use]
    pub fn with_examples(mut self, n_examples: usize) -> Self {
        self.n_examples = n_examples;
        self
    }

    /// Checks what a reader, which need not be buffered, gives.
    ///
    /// # Errors
    /// [`ExportError`] if it cannot be read, is no JSON, or holds an entry that is no object.
    pub fn check(&self, reader: impl Read) -> Result<FileReport, ExportError> {
        let mut report = FileReport::new(self.format);
        let mut rules = Rules::new(self.n_examples);
        for value in Entries::<serde_json::Value, _>::new(reader, Layout::Either) {
            let value = value?;
            let format = *report.format.get_or_insert_with(|| entry::format_of(&value));
            rules.check(Entry::new(value, format), &mut report);
        }
        report.set_shares();
        Ok(report)
    }

    /// Checks a file.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] if it cannot be opened, [`ErrorKind::Export`] if it cannot be read or is no JSON; both name it.
    pub fn check_file(&self, path: impl AsRef<Path>) -> Result<FileReport> {
        let path = path.as_ref();
        let file = File::open(path).map_err(|source| Error::io("read", path, source))?;
        self.check(file).map_err(|source| ErrorKind::Export { path: path.to_owned(), source }.into())
    }
}
