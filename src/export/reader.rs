//! What reads training files: a JSON array, entry by entry.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::error::{Error, ErrorKind, Result};
use crate::export::array::{Entries, Layout};
use crate::export::{ExportError, Format};

/// Reads the entries of a training file one after the other: memory does not grow with their number.
///
/// After an error there are no further items, for nobody knows where the next entry would begin.
pub struct Reader<F: Format, R: Read> {
    entries: Entries<F::Entry, R>,
}

impl<F: Format, R: Read> Reader<F, R> {
    /// Reads from `reader`, which need not be buffered.
    pub fn new(_: F, reader: R) -> Self {
        Self { entries: Entries::new(reader, Layout::Array) }
    }
}

impl<F: Format, R: Read> Iterator for Reader<F, R> {
    type Item = Result<F::Entry, ExportError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.entries.next()
    }
}

impl<F: Format, R: Read> fmt::Debug for Reader<F, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").field("n_entries", &self.entries.n_entries()).finish_non_exhaustive()
    }
}

/// Reads a training file.
///
/// # Errors
/// [`ErrorKind::Io`] if it cannot be opened; items are [`ErrorKind::Export`] errors that name the file and the entry.
pub fn read_file<F: Format>(format: F, path: impl AsRef<Path>) -> Result<impl Iterator<Item = Result<F::Entry>>> {
    let path = path.as_ref().to_owned();
    let file = File::open(&path).map_err(|source| Error::io("read", &path, source))?;
    let entries = Reader::new(format, file);
    Ok(entries.map(move |entry| entry.map_err(|source| ErrorKind::Export { path: path.clone(), source }.into())))
}
