//! A journal without the lines that say nothing any more.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, Write};
use std::path::Path;

use serde_json::{Value, json};

use crate::atomic::AtomicFile;
use crate::checked_lines;
use crate::error::{Error, Result};
use crate::pipeline::journal::entry::VERSION;
use crate::pipeline::journal::{Answer, Journal, path};

/// How large a journal was, and is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Compaction {
    /// Bytes before.
    pub bytes_before: u64,
    /// Bytes after.
    pub bytes_after: u64,
}

/// Writes the journal anew with the answers that count and the numbers of the ledger; whoever is killed meanwhile has the
/// old one.
pub(in crate::pipeline) fn compact(folder: &Path) -> Result<Compaction> {
    let journal = Journal::open(folder)?;
    let path = path(folder);
    let mut answers: Vec<Answer> = journal.answers.values().copied().collect();
    answers.sort_by_key(|answer| answer.offset);
    let mut file = AtomicFile::create(&path)?;
    let mut reader =
        BufReader::with_capacity(1 << 16, File::open(&path).map_err(|source| Error::io("read", &path, source))?);
    let encode = |object: &Value| checked_lines::encode(object).map_err(|source| Error::io("write", &path, source));
    let mut line = Vec::new();
    let mut bytes_after = append(&mut file, &encode(&json!({"journal": VERSION}))?)?;
    for answer in answers {
        line.resize(answer.len as usize, 0);
        let result = seek(&mut reader, answer.offset).and_then(|()| reader.read_exact(&mut line));
        result.map_err(|source| Error::io("read", &path, source))?;
        bytes_after += append(&mut file, &line)?;
    }
    let counts = json!({"counts": journal.counts, "batched": journal.batched});
    bytes_after += append(&mut file, &encode(&counts)?)?;
    file.commit()?;
    Ok(Compaction { bytes_before: journal.len, bytes_after })
}

/// Moves on without giving up what is buffered.
fn seek(reader: &mut BufReader<File>, offset: u64) -> std::io::Result<()> {
    let here = reader.stream_position()?;
    reader.seek_relative(offset as i64 - here as i64)?;
    reader.fill_buf().map(|_| ())
}

fn append(file: &mut AtomicFile, line: &[u8]) -> Result<u64> {
    file.write_with(|writer| writer.write_all(line))?;
    Ok(line.len() as u64)
}
