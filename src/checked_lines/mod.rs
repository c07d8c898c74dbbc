//! Lines of JSON that end with a checksum of themselves, and files of them that are only ever appended to.
//!
//! A line is written in one go, so a killed process leaves at most one that is not whole, at the end; it is cut off when
//! the file is opened again.

mod appender;
mod syncer;

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;
use xxhash_rust::xxh3::xxh3_64;

pub(crate) use appender::Appender;

use crate::error::{Error, Result};

/// `,"sum":"0123456789abcdef"}`
const SUM_LEN: usize = 26;

/// The line of an entry, with its end; the entry must be an object with at least one key, none of them `sum`.
pub(crate) fn encode(entry: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    encode_into(entry, &mut line)?;
    Ok(line)
}

/// [`encode`] in place of what is in `line`.
pub(crate) fn encode_into(entry: &impl Serialize, line: &mut Vec<u8>) -> io::Result<()> {
    line.clear();
    serde_json::to_writer(&mut *line, entry)?;
    line.pop();
    let sum = xxh3_64(line);
    line.extend_from_slice(b",\"sum\":\"");
    line.extend((0..16).rev().map(|digit| b"0123456789abcdef"[(sum >> (digit * 4)) as usize & 15]));
    line.extend_from_slice(b"\"}\n");
    Ok(())
}

/// The object of a whole line; `None` if the line is damaged or not whole.
pub(crate) fn object(line: &[u8]) -> Option<&[u8]> {
    let object = line.strip_suffix(b"\n")?;
    let (body, tail) = object.split_at_checked(object.len().checked_sub(SUM_LEN)?)?;
    let digits = tail.strip_prefix(b",\"sum\":\"")?.strip_suffix(b"\"}")?;
    let sum = u64::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    (sum == xxh3_64(body)).then_some(object)
}

/// The entry of a whole line; `None` if the line is damaged or not whole.
pub(crate) fn decode<T: DeserializeOwned>(line: &[u8]) -> Option<T> {
    serde_json::from_slice(object(line)?).ok()
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
