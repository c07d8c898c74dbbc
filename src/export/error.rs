//! What can be wrong with a training file, or with a sample that is to go into one.

use std::io;

use crate::annotation::ImageId;

/// What is wrong, and where.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// A sample cannot be written in this format.
    #[error("image {image_id}, task {task}: {problem}")]
    Sample {
        /// The image.
        image_id: ImageId,
        /// Name of the task.
        task: String,
        /// What is wrong.
        #[source]
        problem: ExportProblem,
    },
    /// An entry of a file is not what the format says.
    #[error("entry {index}: {problem}")]
    Entry {
        /// Index of the entry, from 0.
        index: u64,
        /// What is wrong.
        #[source]
        problem: ExportProblem,
    },
    /// The output cannot be written, or the input not read.
    #[error("after {n_entries} entries: {source}")]
    Io {
        /// How many entries were written or read before.
        n_entries: u64,
        /// The operating system's reason.
        source: io::Error,
    },
}

/// What is wrong with a sample or an entry.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportProblem {
    /// A turn holds the placeholder of the image, which trainers replace by the image wherever it stands.
    #[error("a turn holds <image>, which a trainer would take for one more image; drop the sample or the words")]
    ImageToken,
    /// A conversation is empty or does not start with the user.
    #[error("a conversation must start with a turn of the user")]
    NoQuestion,
    /// The first turn of an entry with an image lacks the placeholder, or another turn has it.
    #[error("an entry with an image needs <image> in its first turn and nowhere else")]
    ImageTokenPlace,
    /// The file is no JSON array.
    #[error("expected {expected}, found {found}")]
    Structure {
        /// What should stand here.
        expected: &'static str,
        /// What stands here.
        found: String,
    },
    /// An entry is no JSON, or lacks a field.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
}
