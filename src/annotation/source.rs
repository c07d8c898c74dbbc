//! Where records come from: one trait for files and for records in memory.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::annotation::ImageRecord;
use crate::digest::Digest;
use crate::error::Result;

/// Records in ascending order of their image id, as often as they are asked for.
pub trait RecordSource: fmt::Debug + Send + Sync {
    /// All records, ascending by [`ImageId`](crate::ImageId), each id once.
    ///
    /// # Errors
    /// Items are errors where an input cannot be read or holds something wrong.
    fn records(&self) -> Box<dyn Iterator<Item = Result<ImageRecord>> + Send + '_>;

    /// The files that the records come from, by name, size and digest; they identify the input of a run.
    fn inputs(&self) -> Vec<InputFile>;
}

/// An input by name, size and digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputFile {
    /// Name of the file, without its folder.
    pub name: String,
    /// Size in bytes.
    pub bytes: u64,
    /// Digest of the bytes.
    pub digest: Digest,
}
