//! What reads training files: a JSON array, entry by entry.

use std::fmt;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::marker::PhantomData;
use std::path::Path;

use crate::error::{Error, ErrorKind, Result};
use crate::export::{ExportError, ExportProblem, Format};

/// Reads the entries of a training file one after the other: memory does not grow with their number.
///
/// After an error there are no further items, for nobody knows where the next entry would begin.
pub struct Reader<F, R: Read> {
    format: PhantomData<fn() -> F>,
    bytes: BufReader<R>,
    n_entries: u64,
    is_done: bool,
}

impl<F: Format, R: Read> Reader<F, R> {
    /// Reads from `reader`, which need not be buffered.
    pub fn new(_: F, reader: R) -> Self {
        Self { format: PhantomData, bytes: BufReader::new(reader), n_entries: 0, is_done: false }
    }

    fn entry(&mut self) -> Result<Option<F::Entry>, ExportError> {
        let (expected, what) = if self.n_entries == 0 { (b'[', "[") } else { (b',', ", or ]") };
        match self.next_byte()? {
            Some(b']') if self.n_entries > 0 => return self.end(),
            Some(byte) if byte == expected => {}
            found => return Err(self.structure(what, found)),
        }
        // Only an array without entries may end here.
        if self.n_entries == 0 && self.peek()? == Some(b']') {
            self.next_byte()?;
            return self.end();
        }
        let mut deserializer = serde_json::Deserializer::from_reader(&mut self.bytes);
        let entry = serde::Deserialize::deserialize(&mut deserializer).map_err(|error| self.problem(error.into()))?;
        self.n_entries += 1;
        Ok(Some(entry))
    }

    fn end(&mut self) -> Result<Option<F::Entry>, ExportError> {
        match self.next_byte()? {
            None => Ok(None),
            found => Err(self.structure("the end of the file", found)),
        }
    }

    /// The next byte that is no white space, taken.
    fn next_byte(&mut self) -> Result<Option<u8>, ExportError> {
        let byte = self.peek()?;
        io::BufRead::consume(&mut self.bytes, usize::from(byte.is_some()));
        Ok(byte)
    }

    /// The next byte that is no white space, left in place.
    fn peek(&mut self) -> Result<Option<u8>, ExportError> {
        loop {
            let io_error = |source| ExportError::Io { n_entries: self.n_entries, source };
            let Some(byte) = io::BufRead::fill_buf(&mut self.bytes).map_err(io_error)?.first().copied() else {
                return Ok(None);
            };
            if !byte.is_ascii_whitespace() {
                return Ok(Some(byte));
            }
            io::BufRead::consume(&mut self.bytes, 1);
        }
    }

    fn structure(&self, expected: &'static str, found: Option<u8>) -> ExportError {
        let found =
            found.map_or("the end of the file".to_owned(), |byte| char::from(byte).escape_default().to_string());
        self.problem(ExportProblem::Structure { expected, found })
    }

    fn problem(&self, problem: ExportProblem) -> ExportError {
        ExportError::Entry { index: self.n_entries, problem }
    }
}

impl<F: Format, R: Read> Iterator for Reader<F, R> {
    type Item = Result<F::Entry, ExportError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_done {
            return None;
        }
        let entry = self.entry().transpose();
        self.is_done = !matches!(entry, Some(Ok(_)));
        entry
    }
}

impl<F, R: Read> fmt::Debug for Reader<F, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").field("n_entries", &self.n_entries).finish_non_exhaustive()
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
