//! A file that only ever grows, line by line, and a thread that has the operating system write it down.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::checked_lines::is_there;
use crate::error::{Error, Result};
use crate::lock::lock;

/// How long the file is left alone between two syncs: what a power cut can lose, but for the time that a sync takes.
const PAUSE: Duration = Duration::from_millis(25);

/// Appends whole lines. A line is with the operating system when [`append`](Self::append) returns, so that a killed
/// process loses nothing, and on the disk within [`PAUSE`] and the time of a sync.
#[derive(Debug)]
pub(super) struct AppendFile {
    path: PathBuf,
    file: Arc<File>,
    syncer: Syncer,
    /// Set when a line could not be written: nothing may follow what may be half a line.
    is_broken: bool,
}

impl AppendFile {
    pub(super) fn open(path: PathBuf) -> Result<Self> {
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true);
        let file = options.open(&path).map_err(|source| Error::io("open", &path, source))?;
        let file = Arc::new(file);
        let syncer = Syncer::start(file.clone()).map_err(|source| Error::io("sync", &path, source))?;
        Ok(Self { path, file, syncer, is_broken: false })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn file(&self) -> &File {
        &self.file
    }

    /// Appends one line in one go.
    pub(super) fn append(&mut self, line: &[u8]) -> Result<()> {
        if self.is_broken {
            let source = io::Error::other("an earlier line could not be written");
            return Err(Error::io("write", &self.path, source));
        }
        let result =
            self.syncer.check().and_then(|()| is_there(&self.file)).and_then(|()| (&*self.file).write_all(line));
        self.is_broken = result.is_err();
        result.map_err(|source| Error::io("write", &self.path, source))?;
        self.syncer.wake();
        Ok(())
    }

    /// Returns when everything is on the disk.
    pub(super) fn sync(&mut self) -> Result<()> {
        let result = self.syncer.check().and_then(|()| self.file.sync_data());
        result.map_err(|source| Error::io("sync", &self.path, source))
    }
}

/// A thread that syncs a file soon after something was written to it, so that nobody waits for the disk.
#[derive(Debug)]
struct Syncer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    is_dirty: bool,
    ends: bool,
    /// Why a sync failed: what was written before may be lost, so nothing more is to be written.
    error: Option<io::ErrorKind>,
}

impl Syncer {
    fn start(file: Arc<File>) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let work = shared.clone();
        let thread = thread::Builder::new().name("svitgen journal".to_owned()).spawn(move || work.sync(&file))?;
        Ok(Self { shared, thread: Some(thread) })
    }

    fn wake(&self) {
        let mut state = self.shared.lock();
        if !state.is_dirty {
            state.is_dirty = true;
            self.shared.changed.notify_one();
        }
    }

    fn check(&self) -> io::Result<()> {
        match self.shared.lock().error {
            Some(kind) => Err(io::Error::new(kind, "an earlier line could not be put on the disk")),
            None => Ok(()),
        }
    }
}

impl Drop for Syncer {
    fn drop(&mut self) {
        self.shared.lock().ends = true;
        self.shared.changed.notify_one();
        if let Some(thread) = self.thread.take() {
            // It has nothing to say that the state does not hold.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    fn sync(&self, file: &File) {
        let mut state = self.lock();
        loop {
            while !state.is_dirty && !state.ends {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            // Whoever ends a run syncs by itself, to know how it went.
            if state.ends {
                return;
            }
            state.is_dirty = false;
            drop(state);
            let result = file.sync_data();
            state = self.lock();
            if let Err(error) = result {
                state.error = Some(error.kind());
                return;
            }
            if !state.ends {
                let waited = self.changed.wait_timeout_while(state, PAUSE, |state| !state.ends);
                state = waited.unwrap_or_else(PoisonError::into_inner).0;
            }
        }
    }
}
