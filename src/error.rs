//! What can go wrong outside a reply and outside a call to a model.
//!
//! A model's bad output is data, not an error (see [`crate::reply`]), and a failed call is an
//! [`LlmError`]. Everything else is an [`Error`], whose [`ErrorKind`] names the file and the place.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::annotation::{ImageId, InputError};
use crate::export::ExportError;
use crate::llm::LlmError;
use crate::prompt::PromptError;
use crate::task::TemplateError;

/// The result of what can fail with an [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error of this crate; see [`Error::kind`].
pub struct Error(Box<ErrorKind>);

/// What went wrong, and where.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// An input file holds something that is not what it should be.
    #[error(transparent)]
    Input(#[from] InputError),
    /// A folder lacks a file that is needed.
    #[error(
        "{} holds no {name}.json, with or without a version suffix; fetch {name}.json.zip of Visual Genome, or name another \
         folder",
        .folder.display()
    )]
    MissingFile {
        /// The folder that was searched.
        folder: PathBuf,
        /// Name of the file without its ending.
        name: &'static str,
    },
    /// A folder holds several versions of one file.
    #[error(
        "{} holds {} and {}; name the files one by one (`VisualGenomeFiles`) to say which one is meant",
        .folder.display(), .files[0], .files[1]
    )]
    AmbiguousFile {
        /// The folder that was searched.
        folder: PathBuf,
        /// The names of two files that could be meant.
        files: [String; 2],
    },
    /// A file or folder could not be read or written.
    #[error("cannot {action} {}", .path.display())]
    Io {
        /// What was being done: "read", "write", "create".
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
    /// A template has wrong syntax, an unknown variable, or fails on an image.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// There is no prompt for an image.
    #[error(transparent)]
    Prompt(#[from] PromptError),
    /// A pool of instructions is empty.
    #[error(
        "{}no instruction: a pool needs at least one line that is neither blank nor starts with #",
        .file.as_ref().map(|file| format!("{}: ", file.display())).unwrap_or_default()
    )]
    EmptyPool {
        /// The file that was read, if any.
        file: Option<PathBuf>,
    },
    /// The name of a task is not fit for file names.
    #[error("a task cannot be named {name:?}: use up to 64 lower-case letters, digits and underscores")]
    TaskName {
        /// The name.
        name: String,
    },
    /// A training file cannot be written or read.
    #[error("{}: {source}", .path.display())]
    Export {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: ExportError,
    },
    /// A pipeline cannot be built.
    #[error("the pipeline cannot be built: {problem}")]
    Pipeline {
        /// What is wrong, and what to do.
        problem: String,
    },
    /// Another process writes to the run folder.
    #[error("{} is in use by process {process}; wait for it, or take another folder", .folder.display())]
    RunInUse {
        /// The folder.
        folder: PathBuf,
        /// Number of the process, if it left one.
        process: String,
    },
    /// A run folder was made with other options.
    #[error(
        "the run in {} was made with {option} = {before}, now it is {now}; set it back, or take another folder",
        .folder.display()
    )]
    RunDiffers {
        /// The folder.
        folder: PathBuf,
        /// The option.
        option: String,
        /// Its value when the run was made.
        before: String,
        /// Its value now.
        now: String,
    },
    /// A file of a run folder is not what it should be.
    #[error("{} cannot be understood; restore it, or take another folder", .path.display())]
    RunFile {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: serde_json::Error,
    },
    /// A line of an output is not what it should be.
    #[error("{}, line {line}, cannot be understood; run again to write it anew", .path.display())]
    RunLine {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// Where and why.
        source: serde_json::Error,
    },
    /// The prompt of a journaled unit is no longer the one that was sent.
    #[error(
        "the prompt of image {image} for {task} is not the one that was sent; go on with the version that made the run, \
         or take another folder"
    )]
    PromptChanged {
        /// The image.
        image: ImageId,
        /// Name of the task.
        task: String,
    },
    /// Every further request would fail: quota, credentials, unknown model, a cap of money, a dead server.
    #[error("the run was stopped, because every further request would fail the same way")]
    Stopped(#[source] LlmError),
    /// A server's Batch API did not do what it was asked.
    #[error("cannot {action}; the same command goes on from here")]
    Batch {
        /// What was being done, to which batch: "create batch 2".
        action: String,
        /// The server's reason.
        source: LlmError,
    },
    /// The run was told to stop; see [`RunControl`](crate::pipeline::RunControl).
    #[error("the run was interrupted; started again, it goes on where it stopped")]
    Interrupted,
}

impl Error {
    /// What went wrong, and where.
    pub fn kind(&self) -> &ErrorKind {
        &self.0
    }

    /// The kind by value.
    pub fn into_kind(self) -> ErrorKind {
        *self.0
    }

    pub(crate) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        ErrorKind::Io { action, path: path.to_owned(), source }.into()
    }
}

impl<K: Into<ErrorKind>> From<K> for Error {
    fn from(kind: K) -> Self {
        Self(Box::new(kind.into()))
    }
}

/// The message with all its causes: what `main` shows when it returns the error.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)?;
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()
    }
}
