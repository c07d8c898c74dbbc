//! `journal.jsonl`: what was asked and answered, in order of arrival, only ever appended to.
//!
//! The first line holds the version. A line is with the operating system before anything else happens with it, so a
//! killed process leaves at most one line that is not whole, at the end; it is cut off when the journal is opened again.
//! Lines reach the disk within some tens of milliseconds: that is what a power cut can lose.

mod compact;
mod entry;
mod packed;

use std::collections::{BTreeMap, HashMap};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use serde_json::json;

pub use compact::Compaction;
pub(super) use compact::compact;
pub(super) use entry::{Counts, Entry, Failure};
#[cfg(feature = "packed")]
pub(super) use packed::pack;
pub(super) use packed::reader;

use crate::annotation::ImageId;
use crate::checked_lines::{self, Appender};
use crate::digest::{Digest, Digester};
use crate::error::{Error, Result};
use crate::pipeline::journal::entry::{BatchedCounts, EntryEnd, Line, VERSION};

pub(super) fn path(folder: &Path) -> PathBuf {
    folder.join("journal.jsonl")
}

/// What identifies a turn of a unit in the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct UnitKey(Digest);

impl UnitKey {
    pub(super) fn new(image_id: &ImageId, task: &str, turn: usize) -> Self {
        let mut digester = Digester::default();
        // The kind keeps the number 1 apart from the text "1"; a task's name holds no zero byte.
        digester.update(&[matches!(image_id, ImageId::Text(_)) as u8]);
        digester.update(task.as_bytes());
        digester.update(&[0]);
        digester.update(&(turn as u64).to_le_bytes());
        digester.update(image_id.to_string().as_bytes());
        Self(digester.finish())
    }
}

/// 32 hexadecimal digits: what a batch calls the turn of a unit.
#[cfg(feature = "openai")]
impl std::fmt::Display for UnitKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(feature = "openai")]
impl std::str::FromStr for UnitKey {
    type Err = &'static str;

    fn from_str(text: &str) -> std::result::Result<Self, Self::Err> {
        Digest::try_from(text.to_owned()).map(Self)
    }
}

/// Where the journal says what became of a unit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answer {
    offset: u64,
    len: u32,
    /// Whether the unit is to be asked again: its call failed with a cause that may have passed.
    pub(super) may_pass: bool,
    is_completion: bool,
}

#[derive(Debug)]
pub(super) struct Journal {
    file: Appender,
    len: u64,
    line: Vec<u8>,
    answers: HashMap<UnitKey, Answer>,
    counts: BTreeMap<String, Counts>,
    /// What of the counts went in batches.
    batched: BatchedCounts,
    pub(super) damaged_lines: u64,
    /// Bytes of a last line that was not whole, which have been cut off.
    pub(super) cut_bytes: u64,
}

impl Journal {
    /// Opens the journal, unpacks or creates it if need be, and cuts off a last line that is not whole.
    pub(super) fn open(folder: &Path) -> Result<Self> {
        packed::unpack(folder)?;
        let mut journal = Self {
            file: Appender::open(&path(folder))?,
            len: 0,
            line: Vec::new(),
            answers: HashMap::new(),
            counts: BTreeMap::new(),
            batched: BatchedCounts::new(),
            damaged_lines: 0,
            cut_bytes: 0,
        };
        journal.load().map_err(|source| Error::io("read", journal.file.path(), source))?;
        if journal.len == 0 {
            journal.len = journal.file.append(&json!({"journal": VERSION}))?;
        }
        Ok(journal)
    }

    fn load(&mut self) -> io::Result<()> {
        let mut reader = BufReader::with_capacity(1 << 16, self.file.file().try_clone()?);
        reader.seek(SeekFrom::Start(0))?;
        let mut line = Vec::new();
        let mut offset = 0;
        let mut n_bad_since_good = 0;
        loop {
            line.clear();
            let n_read = reader.read_until(b'\n', &mut line)? as u64;
            if n_read == 0 {
                break;
            }
            match entry::decode(&line) {
                Some(decoded) => {
                    self.damaged_lines += std::mem::take(&mut n_bad_since_good);
                    self.learn_line(decoded, offset, n_read)?;
                    self.len = offset + n_read;
                }
                None => n_bad_since_good += 1,
            }
            offset += n_read;
        }
        self.cut_bytes = offset - self.len;
        event!(bytes = offset, cut_bytes = self.cut_bytes, damaged_lines = self.damaged_lines, "journal read");
        if self.cut_bytes > 0 {
            self.file.cut(self.len)?;
        }
        Ok(())
    }

    fn learn_line(&mut self, line: Line<'_>, offset: u64, n_bytes: u64) -> io::Result<()> {
        match line {
            Line::Header(version) if version > VERSION => {
                let message =
                    format!("it has version {version}; this svitgen reads up to {VERSION}, a later one is needed");
                return Err(io::Error::new(io::ErrorKind::InvalidData, message));
            }
            Line::Header(_) => {}
            Line::Counts(counts, batched) => (self.counts, self.batched) = (counts, batched),
            Line::Entry(entry) => {
                let key = UnitKey::new(&entry.image_id, &entry.task, entry.turn);
                self.count(&entry.task, entry.turn, entry.batch, entry.end());
                self.learn(key, entry.end(), offset, n_bytes);
            }
        }
        Ok(())
    }

    fn count(&mut self, task: &str, turn: usize, batch: Option<u32>, end: EntryEnd) {
        add(&mut self.counts, task, turn, end);
        if let Some(batch) = batch {
            add(self.batched.entry(batch).or_default(), task, turn, end);
        }
    }

    fn learn(&mut self, key: UnitKey, end: EntryEnd, offset: u64, n_bytes: u64) {
        let may_pass = match end {
            EntryEnd::Open => return,
            EntryEnd::Completion => false,
            EntryEnd::Failure(kind) => kind.may_pass(),
        };
        let len = u32::try_from(n_bytes).unwrap_or(u32::MAX);
        let answer = Answer { offset, len, may_pass, is_completion: end == EntryEnd::Completion };
        // A reply counts for good, a failure until the next answer.
        if !self.answers.get(&key).is_some_and(|known| known.is_completion) {
            self.answers.insert(key, answer);
        }
    }

    /// Appends a line; it is with the operating system when this returns.
    pub(super) fn append(&mut self, key: UnitKey, entry: &Entry) -> Result<()> {
        let n_bytes = self.file.append(entry)?;
        let offset = self.len;
        self.len += n_bytes;
        self.count(&entry.task, entry.turn, entry.batch, entry.end());
        self.learn(key, entry.end(), offset, n_bytes);
        Ok(())
    }

    /// Returns when everything is on the disk.
    pub(super) fn sync(&mut self) -> Result<()> {
        self.file.sync()
    }

    pub(super) fn answer(&self, key: UnitKey) -> Option<Answer> {
        self.answers.get(&key).copied()
    }

    /// The line of an answer; `None` if it has changed since it was read first.
    pub(super) fn read(&mut self, answer: Answer) -> Result<Option<Entry>> {
        self.line.resize(answer.len as usize, 0);
        let mut file = self.file.file();
        let result = file.seek(SeekFrom::Start(answer.offset)).and_then(|_| file.read_exact(&mut self.line));
        result.map_err(|source| Error::io("read", self.file.path(), source))?;
        Ok(checked_lines::decode(&self.line))
    }

    pub(super) fn counts(&self, task: &str) -> Counts {
        self.counts.get(task).copied().unwrap_or_default()
    }

    /// What the lines of a batch count for, by task.
    pub(super) fn batched(&self, batch: u32) -> impl Iterator<Item = (&str, Counts)> {
        self.batched.get(&batch).into_iter().flatten().map(|(task, counts)| (task.as_str(), *counts))
    }
}

fn add(counts: &mut BTreeMap<String, Counts>, task: &str, turn: usize, end: EntryEnd) {
    if let Some(counts) = counts.get_mut(task) {
        return counts.add(end, turn);
    }
    let mut first = Counts::default();
    first.add(end, turn);
    counts.insert(task.to_owned(), first);
}
