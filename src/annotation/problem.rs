//! What can be wrong with an input file, and where.

use std::fmt;
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
    /// Byte offset into the file, where known.
    pub offset: Option<u64>,
    /// What is wrong.
    #[source]
    pub problem: InputProblem,
}

impl fmt::Display for InputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
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
    /// A box or an image size that is none.
    #[error(transparent)]
    Box(#[from] BoxError),
}
