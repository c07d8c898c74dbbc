//! `journal.jsonl`: what was asked and answered, in order of arrival, only ever appended to.
//!
//! Each line is an object that ends with a checksum of the line. A line with neither `completion` nor `failure` says
//! that a request is about to be sent. A line is written in one go before anything else happens with it, so a killed
//! process leaves at most one line that is not whole, at the end; it is cut off when the journal is opened again.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use crate::annotation::ImageId;
use crate::digest::{Digest, Digester};
use crate::error::{Error, Result};
use crate::llm::{Completion, LlmError, LlmErrorKind};

/// After how many lines the file is synced: what a power cut can lose.
const SYNC_EVERY: u64 = 64;

/// `,"sum":"0123456789abcdef"}`
const SUM_LEN: usize = 26;

/// A line of the journal.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) image_id: ImageId,
    pub(super) task: String,
    /// 0 for the prompt, 1 and up for the follow-ups.
    #[serde(default, skip_serializing_if = "is_first")]
    pub(super) turn: usize,
    /// Digest of the messages.
    pub(super) prompt: Digest,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) completion: Option<Completion>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) failure: Option<Failure>,
}

fn is_first(turn: &usize) -> bool {
    *turn == 0
}

/// A call that failed.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Failure {
    pub(super) kind: LlmErrorKind,
    pub(super) message: String,
}

impl From<&LlmError> for Failure {
    fn from(error: &LlmError) -> Self {
        Self { kind: error.kind(), message: error.message().to_owned() }
    }
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

/// Where the journal says what became of a unit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answer {
    offset: u64,
    len: u32,
    /// Whether the unit is to be asked again: its call failed with a cause that may have passed.
    pub(super) may_pass: bool,
    is_completion: bool,
}

/// How many lines there are of each kind.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    pub(super) requests: u64,
    /// Those among the requests that are follow-ups.
    pub(super) top_ups: u64,
    pub(super) answers: u64,
}

#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    file: File,
    len: u64,
    unsynced: u64,
    /// Set when a line could not be written: nothing may follow what may be half a line.
    is_broken: bool,
    answers: HashMap<UnitKey, Answer>,
    counts: HashMap<String, Counts>,
    pub(super) damaged_lines: u64,
    pub(super) cut_bytes: u64,
}

impl Journal {
    /// Opens the journal, creates it if need be, and cuts off a last line that is not whole.
    pub(super) fn open(folder: &Path) -> Result<Self> {
        let path = folder.join("journal.jsonl");
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true);
        let file = options.open(&path).map_err(|source| Error::io("open", &path, source))?;
        let mut journal = Self {
            path,
            file,
            len: 0,
            unsynced: 0,
            is_broken: false,
            answers: HashMap::new(),
            counts: HashMap::new(),
            damaged_lines: 0,
            cut_bytes: 0,
        };
        journal.load().map_err(|source| Error::io("read", &journal.path, source))?;
        Ok(journal)
    }

    fn load(&mut self) -> std::io::Result<()> {
        let mut reader = BufReader::with_capacity(1 << 16, self.file.try_clone()?);
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
            match decode(&line) {
                Some(entry) => {
                    self.damaged_lines += std::mem::take(&mut n_bad_since_good);
                    self.learn(&entry, offset, n_read);
                    self.len = offset + n_read;
                }
                None => n_bad_since_good += 1,
            }
            offset += n_read;
        }
        self.cut_bytes = offset - self.len;
        if self.cut_bytes > 0 {
            self.file.set_len(self.len)?;
        }
        Ok(())
    }

    fn learn(&mut self, entry: &Entry, offset: u64, n_bytes: u64) {
        if !self.counts.contains_key(&entry.task) {
            self.counts.insert(entry.task.clone(), Counts::default());
        }
        let Some(counts) = self.counts.get_mut(&entry.task) else { return };
        let failure = entry.failure.as_ref();
        if entry.completion.is_none() && failure.is_none() {
            counts.requests += 1;
            counts.top_ups += u64::from(entry.turn > 0);
            return;
        }
        counts.answers += 1;
        let key = UnitKey::new(&entry.image_id, &entry.task, entry.turn);
        let may_pass = failure.is_some_and(|failure| failure.kind.is_transient() || failure.kind.stops_run());
        let len = u32::try_from(n_bytes).unwrap_or(u32::MAX);
        let answer = Answer { offset, len, may_pass, is_completion: failure.is_none() };
        // A reply counts for good, a failure until the next answer.
        if !self.answers.get(&key).is_some_and(|known| known.is_completion) {
            self.answers.insert(key, answer);
        }
    }

    /// Appends a line; it is in the file when this returns.
    pub(super) fn append(&mut self, entry: &Entry) -> Result<()> {
        if self.is_broken {
            let source = std::io::Error::other("an earlier line could not be written");
            return Err(Error::io("write", &self.path, source));
        }
        let line = encode(entry);
        let result = self.write(&line);
        self.is_broken = result.is_err();
        result.map_err(|source| Error::io("write", &self.path, source))?;
        let offset = self.len;
        self.len += line.len() as u64;
        self.learn(entry, offset, line.len() as u64);
        Ok(())
    }

    fn write(&mut self, line: &[u8]) -> std::io::Result<()> {
        self.file.write_all(line)?;
        self.unsynced += 1;
        if self.unsynced >= SYNC_EVERY {
            self.unsynced = 0;
            self.file.sync_data()?;
        }
        Ok(())
    }

    pub(super) fn sync(&mut self) -> Result<()> {
        self.unsynced = 0;
        self.file.sync_data().map_err(|source| Error::io("sync", &self.path, source))
    }

    pub(super) fn answer(&self, key: UnitKey) -> Option<Answer> {
        self.answers.get(&key).copied()
    }

    /// The line of an answer; `None` if it has changed since it was read first.
    pub(super) fn read(&mut self, answer: Answer) -> Result<Option<Entry>> {
        let mut line = vec![0; answer.len as usize];
        let mut read = || {
            self.file.seek(SeekFrom::Start(answer.offset))?;
            self.file.read_exact(&mut line)
        };
        read().map_err(|source| Error::io("read", &self.path, source))?;
        Ok(decode(&line))
    }

    pub(super) fn counts(&self, task: &str) -> Counts {
        self.counts.get(task).copied().unwrap_or_default()
    }
}

fn encode(entry: &Entry) -> Vec<u8> {
    let mut line = serde_json::to_vec(entry).expect("an entry has text keys and finite numbers only");
    line.pop();
    let sum = xxh3_64(&line);
    line.extend_from_slice(format!(",\"sum\":\"{sum:016x}\"}}\n").as_bytes());
    line
}

/// The entry of a whole line; `None` if the line is damaged or not whole.
fn decode(line: &[u8]) -> Option<Entry> {
    let line = line.strip_suffix(b"\n")?;
    let (body, tail) = line.split_at_checked(line.len().checked_sub(SUM_LEN)?)?;
    let digits = tail.strip_prefix(b",\"sum\":\"")?.strip_suffix(b"\"}")?;
    let sum = u64::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    if sum != xxh3_64(body) {
        return None;
    }
    serde_json::from_slice(line).ok()
}
