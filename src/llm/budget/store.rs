//! The account on disk: a line before a request is sent, a line when it is known what it took.

use std::collections::{BTreeMap, HashMap};
use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::spending::{Charge, Known, Spending, Totals};
use crate::checked_lines::{self, Appender, Place};
use crate::error::{Error, Result};

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "line", rename_all = "snake_case")]
enum Line {
    /// The first line: all that was spent before, and what is reserved for batches.
    Spent(Kept),
    /// A request is about to be sent.
    Sent {
        request: u64,
        #[serde(flatten)]
        bound: Charge,
    },
    /// It is known what the request took.
    Settled {
        request: u64,
        #[serde(flatten)]
        charge: Charge,
        known: Known,
    },
    /// A batch is about to be sent, with what it can take at most.
    Batch {
        name: String,
        #[serde(flatten)]
        bounds: Totals,
    },
    /// It is known what the batch took.
    BatchSettled {
        name: String,
        #[serde(flatten)]
        spent: Totals,
    },
}

/// What outlives a process.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Kept {
    #[serde(flatten)]
    pub(super) spent: Totals,
    /// What open batches can take at most, by their names.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) batches: BTreeMap<String, Totals>,
}

impl Spending {
    /// What the file of an account says, also while a run writes to it. Requests of which it says no more count at their
    /// upper bound, and those in batches as reserved.
    ///
    /// # Errors
    /// A file that cannot be read, is no account, or is damaged other than at its end.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let kept = read(path).map_err(|source| Error::io("read", path, source))?;
        let mut batches = Totals::default();
        kept.batches.values().for_each(|bounds| batches.add_all(bounds));
        let (in_batches, reserved_tokens, reserved_cost) = (batches.requests, batches.tokens(), batches.cost);
        Ok(Self { in_batches, reserved_tokens, reserved_cost, ..kept.spent.into() })
    }
}

/// A file that is written to by one process at a time.
#[derive(Debug)]
pub(super) struct Store {
    lines: Appender,
    /// The operating system gives it up when the process ends, however it ends.
    lock: File,
}

impl Store {
    /// Opens the file, or makes it, and says what was spent; requests of which it says no more are taken at their
    /// bounds. The file is then written anew as one line.
    pub(super) fn open(path: &Path) -> Result<(Self, Kept)> {
        checked_lines::make_folder_of(path)?;
        let lock = lock(path)?;
        let kept = match read(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Kept::default(),
            read => read.map_err(|source| Error::io("read", path, source))?,
        };
        let lines = Appender::create(path, &Line::Spent(kept.clone()))?;
        Ok((Self { lines, lock }, kept))
    }

    pub(super) fn sent(&mut self, request: u64, bound: Charge) -> Result<()> {
        self.lines.append(&Line::Sent { request, bound }).map(drop)
    }

    pub(super) fn settled(&mut self, request: u64, charge: Charge, known: Known) -> Result<()> {
        self.lines.append(&Line::Settled { request, charge, known }).map(drop)
    }

    /// A batch outlives its process, so this is on the disk when it returns.
    #[cfg(feature = "openai")]
    pub(super) fn batch(&mut self, name: &str, bounds: Totals) -> Result<()> {
        self.lines.append(&Line::Batch { name: name.to_owned(), bounds })?;
        self.lines.sync()
    }

    #[cfg(feature = "openai")]
    pub(super) fn batch_settled(&mut self, name: &str, spent: Totals) -> Result<()> {
        self.lines.append(&Line::BatchSettled { name: name.to_owned(), spent })?;
        self.lines.sync()
    }

    pub(super) fn sync(&mut self) -> Result<()> {
        self.lines.sync()
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        // Whoever must know whether it worked calls `sync`.
        let _ = self.sync();
        // A child that is just being started still holds the file for a moment; this takes the lock from it as well.
        let _ = self.lock.unlock();
    }
}

fn read(path: &Path) -> io::Result<Kept> {
    let mut kept = None;
    let mut open: HashMap<u64, Charge> = HashMap::new();
    checked_lines::read(path, |place, line| {
        match (line, &mut kept) {
            (Some(Line::Spent(before)), None) => kept = Some(before),
            (Some(Line::Sent { request, bound }), Some(_)) => _ = open.insert(request, bound),
            (Some(Line::Settled { request, charge, known }), Some(kept)) if open.remove(&request).is_some() => {
                kept.spent.add(&charge, known);
            }
            (Some(Line::Batch { name, bounds }), Some(kept)) => _ = kept.batches.insert(name, bounds),
            (Some(Line::BatchSettled { name, spent }), Some(kept)) if kept.batches.contains_key(&name) => {
                kept.batches.remove(&name);
                kept.spent.add_all(&spent);
            }
            // What a damaged line said was spent is not known, so neither is the sum.
            _ => return Err(damaged(place)),
        }
        Ok(())
    })?;
    let no_account = || io::Error::new(io::ErrorKind::InvalidData, "it is no account of this crate; name another file");
    let mut kept: Kept = kept.ok_or_else(no_account)?;
    open.values().for_each(|bound| kept.spent.add(bound, Known::Bound));
    Ok(kept)
}

fn damaged(place: Place) -> io::Error {
    let advice = "no account goes on from here: take another file, and caps that are lower by what was spent";
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("the line of {} bytes at byte {} is damaged; {advice}", place.len, place.offset),
    )
}

/// The lock is a file of its own, because the other one is replaced when it is opened.
fn lock(path: &Path) -> Result<File> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let path = Path::new(&name);
    let io_error = |source| Error::io("lock", path, source);
    let file = OpenOptions::new().write(true).create(true).truncate(false).open(path).map_err(io_error)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            let reason = "another account has it open; give both clients one account, or wait for the other process";
            Err(io_error(io::Error::new(io::ErrorKind::WouldBlock, reason)))
        }
        Err(TryLockError::Error(source)) => Err(io_error(source)),
    }
}

#[cfg(test)]
impl Store {
    pub(super) fn make_unwritable(&mut self) {
        self.lines.make_unwritable();
    }
}
