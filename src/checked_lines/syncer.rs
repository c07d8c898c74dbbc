//! A thread that has the operating system write a file down.

use std::fs::File;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::lock::lock;

/// How long the file is left alone between two syncs: what a power cut can lose, but for the time that a sync takes.
const PAUSE: Duration = Duration::from_millis(25);

/// A thread that syncs a file soon after something was written to it, so that nobody waits for the disk.
#[derive(Debug)]
pub(super) struct Syncer {
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
    pub(super) fn start(file: Arc<File>) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let work = shared.clone();
        let thread = thread::Builder::new().name("svitgen sync".to_owned()).spawn(move || work.sync(&file))?;
        Ok(Self { shared, thread: Some(thread) })
    }

    pub(super) fn wake(&self) {
        let mut state = self.shared.lock();
        if !state.is_dirty {
            state.is_dirty = true;
            self.shared.changed.notify_one();
        }
    }

    pub(super) fn check(&self) -> io::Result<()> {
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
