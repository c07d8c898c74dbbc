//! Entries of a JSON array, or of JSON Lines, one by one.

use std::io::{self, BufRead, BufReader, Read};
use std::marker::PhantomData;

use serde::de::DeserializeOwned;

use crate::export::{ExportError, ExportProblem};

/// Reads the entries of a file one after the other.
///
/// After an error there are no further items, for nobody knows where the next entry would begin.
#[derive(Debug)]
pub(crate) struct Entries<E, R: Read> {
    entry: PhantomData<fn() -> E>,
    bytes: BufReader<R>,
    layout: Layout,
    is_of_objects: bool,
    n_entries: u64,
    is_done: bool,
}

/// How the entries of a file stand side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// As a JSON array.
    Array,
    /// One after the other, as in JSON Lines.
    Lines,
    /// As the first byte says; the entries are objects.
    Either,
}

impl<E: DeserializeOwned, R: Read> Entries<E, R> {
    pub(crate) fn new(reader: R, layout: Layout) -> Self {
        Self {
            entry: PhantomData,
            bytes: BufReader::new(reader),
            layout,
            is_of_objects: layout == Layout::Either,
            n_entries: 0,
            is_done: false,
        }
    }

    /// How many entries were read.
    pub(crate) fn n_entries(&self) -> u64 {
        self.n_entries
    }

    fn entry(&mut self) -> Result<Option<E>, ExportError> {
        if self.layout == Layout::Either {
            self.layout = if self.peek()? == Some(b'{') { Layout::Lines } else { Layout::Array };
        }
        let is_there = if self.layout == Layout::Lines { self.line()? } else { self.element()? };
        if !is_there {
            return Ok(None);
        }
        // Whoever reads a number takes the byte behind it as well.
        if self.is_of_objects && self.peek()? != Some(b'{') {
            let found = self.peek()?;
            return Err(self.structure("{", found));
        }
        let mut deserializer = serde_json::Deserializer::from_reader(&mut self.bytes);
        let entry = E::deserialize(&mut deserializer).map_err(|error| self.problem(error.into()))?;
        self.n_entries += 1;
        Ok(Some(entry))
    }

    /// Whether another line follows.
    fn line(&mut self) -> Result<bool, ExportError> {
        Ok(self.peek()?.is_some())
    }

    /// Goes to the next element of the array, if another follows.
    fn element(&mut self) -> Result<bool, ExportError> {
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
        Ok(true)
    }

    fn end(&mut self) -> Result<bool, ExportError> {
        match self.next_byte()? {
            None => Ok(false),
            found => Err(self.structure("the end of the file", found)),
        }
    }

    /// The next byte that is no white space, taken.
    fn next_byte(&mut self) -> Result<Option<u8>, ExportError> {
        let byte = self.peek()?;
        self.bytes.consume(usize::from(byte.is_some()));
        Ok(byte)
    }

    /// The next byte that is no white space, left in place.
    fn peek(&mut self) -> Result<Option<u8>, ExportError> {
        loop {
            let io_error = |source| ExportError::Io { n_entries: self.n_entries, source };
            let Some(byte) = fill(&mut self.bytes).map_err(io_error)? else { return Ok(None) };
            if !byte.is_ascii_whitespace() {
                return Ok(Some(byte));
            }
            self.bytes.consume(1);
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

fn fill(bytes: &mut impl BufRead) -> io::Result<Option<u8>> {
    Ok(bytes.fill_buf()?.first().copied())
}

impl<E: DeserializeOwned, R: Read> Iterator for Entries<E, R> {
    type Item = Result<E, ExportError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_done {
            return None;
        }
        let entry = self.entry().transpose();
        self.is_done = !matches!(entry, Some(Ok(_)));
        entry
    }
}
