//! Lines of JSON that end with a checksum of themselves, and files of them that are only ever appended to.
//!
//! A line is written in one go, so a killed process leaves at most one that is not whole, at the end; it is cut off when
//! the file is opened again.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;
use xxhash_rust::xxh3::xxh3_64;

use crate::atomic;
use crate::error::{Error, Result};

/// `,"sum":"0123456789abcdef"}`
const SUM_LEN: usize = 26;

/// The line of an entry, with its end; the entry must be an object with at least one key, none of them `sum`.
pub(crate) fn encode(entry: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(entry)?;
    line.pop();
    let sum = xxh3_64(&line);
    writeln!(line, ",\"sum\":\"{sum:016x}\"}}")?;
    Ok(line)
}

/// The entry of a whole line; `None` if the line is damaged or not whole.
pub(crate) fn decode<T: DeserializeOwned>(line: &[u8]) -> Option<T> {
    let line = line.strip_suffix(b"\n")?;
    let (body, tail) = line.split_at_checked(line.len().checked_sub(SUM_LEN)?)?;
    let digits = tail.strip_prefix(b",\"sum\":\"")?.strip_suffix(b"\"}")?;
    let sum = u64::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    if sum != xxh3_64(body) {
        return None;
    }
    serde_json::from_slice(line).ok()
}

/// Where a line stands in its file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) offset: u64,
    pub(crate) len: usize,
}

/// Makes the folder of a file that is about to be made.
pub(crate) fn make_folder_of(path: &Path) -> Result<()> {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder).map_err(|source| Error::io("create", folder, source))
}

/// Reads what lines there are, up to the last whole one, and says where that ends.
///
/// Damaged lines before it go to `learn` as `None`; what follows it is what a kill left, and is passed over.
pub(crate) fn read<T: DeserializeOwned>(
    path: &Path,
    mut learn: impl FnMut(Place, Option<T>) -> io::Result<()>,
) -> io::Result<u64> {
    let mut reader = BufReader::with_capacity(1 << 16, File::open(path)?);
    let mut line = Vec::new();
    let mut offset = 0;
    let mut end_of_whole = 0;
    let mut damaged = Vec::new();
    loop {
        line.clear();
        let len = reader.read_until(b'\n', &mut line)?;
        if len == 0 {
            return Ok(end_of_whole);
        }
        let place = Place { offset, len };
        offset += len as u64;
        match decode(&line) {
            Some(entry) => {
                damaged.drain(..).try_for_each(|place| learn(place, None))?;
                learn(place, Some(entry))?;
                end_of_whole = offset;
            }
            None => damaged.push(place),
        }
    }
}

/// A file of such lines, open at its end.
#[derive(Debug)]
pub(crate) struct Appender {
    path: PathBuf,
    file: File,
    unsynced: u64,
    sync_every: u64,
    /// Set when a line could not be written: nothing may follow what may be half a line.
    is_broken: bool,
}

impl Appender {
    /// Makes the file anew with one line, in one step, in a folder that exists; a file that is in its place is replaced.
    pub(crate) fn create(path: &Path, first: &impl Serialize, sync_every: u64) -> Result<Self> {
        let line = encode(first).map_err(|source| Error::io("write", path, source))?;
        atomic::write(path, &line)?;
        Self::open(path, line.len() as u64, sync_every)
    }

    /// Opens a file whose whole lines end at `end`, and cuts off what follows them.
    ///
    /// The file is synced after every `sync_every` lines: that many are lost at most when the power is cut.
    pub(crate) fn open(path: &Path, end: u64, sync_every: u64) -> Result<Self> {
        let open = || {
            let file = OpenOptions::new().append(true).open(path)?;
            if file.metadata()?.len() != end {
                file.set_len(end)?;
            }
            Ok(file)
        };
        let file = open().map_err(|source| Error::io("open", path, source))?;
        Ok(Self { path: path.to_owned(), file, unsynced: 0, sync_every, is_broken: false })
    }

    /// Appends a line; it is in the file when this returns. After an error nothing is written any more.
    pub(crate) fn append(&mut self, entry: &impl Serialize) -> Result<()> {
        let result = self.write(entry);
        self.is_broken |= result.is_err();
        result.map_err(|source| Error::io("write", &self.path, source))
    }

    fn write(&mut self, entry: &impl Serialize) -> io::Result<()> {
        if self.is_broken {
            return Err(io::Error::other("an earlier line could not be written"));
        }
        is_there(&self.file)?;
        self.file.write_all(&encode(entry)?)?;
        self.unsynced += 1;
        if self.unsynced >= self.sync_every { self.sync_data() } else { Ok(()) }
    }

    fn sync_data(&mut self) -> io::Result<()> {
        self.file.sync_data()?;
        self.unsynced = 0;
        Ok(())
    }

    /// Makes what was appended outlive a power cut.
    pub(crate) fn sync(&mut self) -> Result<()> {
        let result = if self.unsynced == 0 { Ok(()) } else { self.sync_data() };
        result.map_err(|source| Error::io("sync", &self.path, source))
    }
}

/// What is written to a file that has been deleted is lost, and the operating system does not object.
#[cfg(unix)]
pub(crate) fn is_there(file: &File) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt;
    if file.metadata()?.nlink() == 0 {
        return Err(io::Error::new(io::ErrorKind::NotFound, "it has been deleted while it was written to"));
    }
    Ok(())
}

#[cfg(not(unix))]
pub(crate) fn is_there(_: &File) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
impl Appender {
    /// What is written from now on fails, as on a full disk.
    pub(crate) fn make_unwritable(&mut self) {
        if let Ok(file) = File::open(&self.path) {
            self.file = file;
        }
    }
}
