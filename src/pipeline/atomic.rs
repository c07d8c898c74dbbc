//! Files that are either whole or absent: written beside their place, synced, renamed.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// A file that takes its place only when [`commit`](Self::commit) is called.
#[derive(Debug)]
pub(super) struct AtomicFile {
    path: PathBuf,
    temporary: PathBuf,
    writer: BufWriter<File>,
}

impl AtomicFile {
    pub(super) fn create(path: &Path) -> Result<Self> {
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(".tmp");
        let temporary = path.with_file_name(name);
        let file = File::create(&temporary).map_err(|source| Error::io("create", &temporary, source))?;
        Ok(Self { path: path.to_owned(), temporary, writer: BufWriter::new(file) })
    }

    /// Writes what `write` writes; an error names the file.
    pub(super) fn write(&mut self, write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>) -> Result<()> {
        write(&mut self.writer).map_err(|source| Error::io("write", &self.temporary, source))
    }

    pub(super) fn commit(mut self) -> Result<()> {
        self.write(|writer| {
            writer.flush()?;
            writer.get_ref().sync_all()
        })?;
        fs::rename(&self.temporary, &self.path).map_err(|source| Error::io("write", &self.path, source))
    }
}

/// Writes a whole file.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut file = AtomicFile::create(path)?;
    file.write(|writer| writer.write_all(bytes))?;
    file.commit()
}
