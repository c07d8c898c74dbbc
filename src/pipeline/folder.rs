//! The folder of a run, for reading.

use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::error::{Error, ErrorKind, Result};
use crate::pipeline::journal::{self, Compaction};
use crate::pipeline::lock::Lock;
use crate::pipeline::{Ledger, manifest, outputs};
use crate::sample::Sample;

/// The outputs of a run, for reading.
#[derive(Clone, Debug)]
pub struct RunFolder {
    path: PathBuf,
    tasks: Vec<String>,
}

impl RunFolder {
    /// The run in a folder.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] or [`ErrorKind::RunFile`] if its `run.json` cannot be read.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self> {
        let path = path.into();
        let tasks = manifest::task_names(&path)?;
        Ok(Self { path, tasks })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Names of its tasks, sorted.
    pub fn tasks(&self) -> &[String] {
        &self.tasks
    }

    /// The samples of one task in order of image id, one at a time.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] if there is no such file; items are [`ErrorKind::RunLine`] where a line is no sample.
    pub fn samples(&self, task: &str) -> Result<impl Iterator<Item = Result<Sample>> + use<>> {
        outputs::read_lines(outputs::samples_path(&self.path, task))
    }

    /// The account of the run, as of its last outputs.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] or [`ErrorKind::RunFile`] if `ledger.json` cannot be read.
    pub fn ledger(&self) -> Result<Ledger> {
        let path = outputs::ledger_path(&self.path);
        let bytes = fs::read(&path).map_err(|source: io::Error| Error::io("read", &path, source))?;
        serde_json::from_slice(&bytes).map_err(|source| ErrorKind::RunFile { path, source }.into())
    }

    /// Writes the journal anew without the lines that say nothing any more: that a request is about to be sent which has
    /// been answered, failures that a later attempt has made good. What the ledger counts stays.
    ///
    /// # Errors
    /// [`ErrorKind::RunInUse`] if another process writes to the folder, [`ErrorKind::Io`] if the journal cannot be read
    /// or written; the old one stays then.
    pub fn compact(&self) -> Result<Compaction> {
        let _lock = Lock::take(&self.path)?;
        journal::compact(&self.path)
    }

    /// As [`compact`](Self::compact), and packs what is left into `journal.jsonl.zst`, a fraction of its size; with the
    /// feature `packed`. A run that goes on, and whoever else needs the journal, unpacks it.
    ///
    /// # Errors
    /// As [`compact`](Self::compact).
    #[cfg(feature = "packed")]
    pub fn pack(&self) -> Result<Compaction> {
        let _lock = Lock::take(&self.path)?;
        let compaction = journal::compact(&self.path)?;
        Ok(Compaction { bytes_after: journal::pack(&self.path)?, ..compaction })
    }
}
