//! Files that are either whole or absent: written beside their place, synced, renamed.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// A file that takes its place only when [`commit`](Self::commit) is called.
#[derive(Debug)]
pub(crate) struct AtomicFile {
    path: PathBuf,
    temporary: PathBuf,
    writer: BufWriter<File>,
}

impl AtomicFile {
    pub(crate) fn create(path: &Path) -> Result<Self> {
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(".tmp");
        let temporary = path.with_file_name(name);
        let file = File::create(&temporary).map_err(|source| Error::io("create", path, source))?;
        Ok(Self { path: path.to_owned(), temporary, writer: BufWriter::with_capacity(1 << 16, file) })
    }

    /// Writes what `write` writes; an error names the file.
    pub(crate) fn write_with(&mut self, write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>) -> Result<()> {
        write(&mut self.writer).map_err(|source| Error::io("write", &self.temporary, source))
    }

    /// Puts the file in its place.
    pub(crate) fn commit(mut self) -> Result<()> {
        self.write_with(|writer| {
            writer.flush()?;
            writer.get_ref().sync_all()
        })?;
        fs::rename(&self.temporary, &self.path).map_err(|source| Error::io("write", &self.path, source))
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

/// Writes a whole file.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut file = AtomicFile::create(path)?;
    file.write_with(|writer| writer.write_all(bytes))?;
    file.commit()
}
