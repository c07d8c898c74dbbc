//! Formats, and what writes them: a JSON array, entry by entry.

use std::fmt;
use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::atomic::AtomicFile;
use crate::error::{Error, ErrorKind, Result};
use crate::export::{ExportError, ExportProblem};
use crate::sample::Sample;

/// A training format whose files are a JSON array.
pub trait Format {
    /// An element of the array.
    type Entry: Serialize + DeserializeOwned + fmt::Debug;

    /// The entries that a sample becomes, in order: a pure function.
    ///
    /// # Errors
    /// [`ExportProblem`] if the format cannot hold the sample.
    fn entries(&self, sample: &Sample) -> Result<Vec<Self::Entry>, ExportProblem>;
}

/// Writes samples in a format, one after the other: memory does not grow with their number.
#[derive(Debug)]
pub struct Exporter<F, W> {
    format: F,
    writer: W,
    n_entries: u64,
}

impl<F: Format, W: Write> Exporter<F, W> {
    /// Writes to `writer`, which should be buffered.
    pub fn new(format: F, writer: W) -> Self {
        Self { format, writer, n_entries: 0 }
    }

    /// How many entries were written.
    pub fn n_entries(&self) -> u64 {
        self.n_entries
    }

    /// Writes the entries of a sample: all of them or, if the format cannot hold it, none.
    ///
    /// # Errors
    /// [`ExportError::Sample`] if the format cannot hold the sample; the next one can be written all the same.
    /// [`ExportError::Io`] if the writer fails.
    pub fn write(&mut self, sample: &Sample) -> Result<(), ExportError> {
        let entries = self.format.entries(sample).map_err(|problem| ExportError::Sample {
            image_id: sample.image_id.clone(),
            task: sample.task.clone(),
            problem,
        })?;
        for entry in &entries {
            self.write_entry(entry).map_err(|source| ExportError::Io { n_entries: self.n_entries, source })?;
            self.n_entries += 1;
        }
        Ok(())
    }

    fn write_entry(&mut self, entry: &F::Entry) -> io::Result<()> {
        self.writer.write_all(if self.n_entries == 0 { b"[\n" } else { b",\n" })?;
        Ok(serde_json::to_writer(&mut self.writer, entry)?)
    }

    /// Ends the array and returns the flushed writer.
    ///
    /// # Errors
    /// [`ExportError::Io`] if the writer fails.
    pub fn finish(mut self) -> Result<W, ExportError> {
        let end: &[u8] = if self.n_entries == 0 { b"[]\n" } else { b"\n]\n" };
        let result = self.writer.write_all(end).and_then(|()| self.writer.flush());
        result.map_err(|source| ExportError::Io { n_entries: self.n_entries, source })?;
        Ok(self.writer)
    }
}

/// Writes a file of samples and returns how many entries it has. It appears whole or not at all.
///
/// # Errors
/// [`ErrorKind::Io`] or [`ErrorKind::Export`], naming the file; errors of the samples as they are.
pub fn write_file<F: Format>(
    format: F,
    samples: impl IntoIterator<Item = Result<Sample>>,
    path: impl AsRef<Path>,
) -> Result<u64> {
    let path = path.as_ref();
    let named = |source| Error::from(ErrorKind::Export { path: path.to_owned(), source });
    let mut exporter = Exporter::new(format, AtomicFile::create(path)?);
    for sample in samples {
        exporter.write(&sample?).map_err(named)?;
    }
    let n_entries = exporter.n_entries();
    exporter.finish().map_err(named)?.commit()?;
    Ok(n_entries)
}
