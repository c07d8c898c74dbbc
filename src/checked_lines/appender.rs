//! A file of checked lines, open at its end.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;

use crate::atomic;
use crate::checked_lines::syncer::Syncer;
use crate::checked_lines::{encode, encode_into};
use crate::error::{Error, Result};

/// Appends lines. A line is with the operating system when [`append`](Self::append) returns, so that a killed process
/// loses nothing, and on the disk some tens of milliseconds later: that is what a power cut can lose.
#[derive(Debug)]
pub(crate) struct Appender {
    path: PathBuf,
    file: Arc<File>,
    syncer: Syncer,
    line: Vec<u8>,
    /// Set when a line could not be written: nothing may follow what may be half a line.
    is_broken: bool,
}

impl Appender {
    /// Makes the file anew with one line, in one step, in a folder that exists; a file that is in its place is replaced.
    pub(crate) fn create(path: &Path, first: &impl Serialize) -> Result<Self> {
        let line = encode(first).map_err(|source| Error::io("write", path, source))?;
        atomic::write(path, &line)?;
        Self::open(path)
    }

    /// Opens a file, or makes it; it goes on behind all that is there.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true);
        let file = Arc::new(options.open(path).map_err(|source| Error::io("open", path, source))?);
        let syncer = Syncer::start(file.clone()).map_err(|source| Error::io("sync", path, source))?;
        Ok(Self { path: path.to_owned(), file, syncer, line: Vec::new(), is_broken: false })
    }

    /// Opens a file whose whole lines end at `end`, and cuts off what follows them.
    pub(crate) fn open_at(path: &Path, end: u64) -> Result<Self> {
        let appender = Self::open(path)?;
        appender.cut(end).map_err(|source| Error::io("write", path, source))?;
        Ok(appender)
    }

    /// Cuts off what follows `end`.
    pub(crate) fn cut(&self, end: u64) -> io::Result<()> {
        if self.file.metadata()?.len() == end { Ok(()) } else { self.file.set_len(end) }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    /// Appends a line in one go and returns how many bytes it has. After an error nothing is written any more.
    pub(crate) fn append(&mut self, entry: &impl Serialize) -> Result<u64> {
        let result = self.write(entry);
        self.is_broken |= result.is_err();
        result.map_err(|source| Error::io("write", &self.path, source))?;
        self.syncer.wake();
        Ok(self.line.len() as u64)
    }

    fn write(&mut self, entry: &impl Serialize) -> io::Result<()> {
        if self.is_broken {
            return Err(io::Error::other("an earlier line could not be written"));
        }
        self.syncer.check()?;
        is_there(&self.file)?;
        encode_into(entry, &mut self.line)?;
        (&*self.file).write_all(&self.line)
    }

    /// Returns when everything is on the disk.
    pub(crate) fn sync(&mut self) -> Result<()> {
        let result = self.syncer.check().and_then(|()| self.file.sync_data());
        result.map_err(|source| Error::io("sync", &self.path, source))
    }
}

/// What is written to a file that has been deleted is lost, and the operating system does not object.
#[cfg(unix)]
fn is_there(file: &File) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt;
    if file.metadata()?.nlink() == 0 {
        return Err(io::Error::new(io::ErrorKind::NotFound, "it has been deleted while it was written to"));
    }
    Ok(())
}

#[cfg(not(unix))]
fn is_there(_: &File) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
impl Appender {
    /// What is written from now on fails, as on a full disk.
    pub(crate) fn make_unwritable(&mut self) {
        if let Ok(file) = File::open(&self.path) {
            self.file = Arc::new(file);
        }
    }
}
