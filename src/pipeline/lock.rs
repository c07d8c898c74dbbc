//! One writer at a time: a lock that the operating system gives up when its process ends, however it ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::path::Path;

use crate::error::{Error, ErrorKind, Result};

/// Held as long as a run folder is written to.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
}

impl Lock {
    pub(super) fn take(folder: &Path) -> Result<Self> {
        let path = folder.join("run.lock");
        let io_error = |source| Error::io("lock", &path, source);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let mut file = options.open(&path).map_err(io_error)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(in_use(folder, &mut file)),
            Err(TryLockError::Error(source)) => return Err(io_error(source)),
        }
        // For the message that another process gives.
        let note = |file: &mut File| -> std::io::Result<()> {
            file.set_len(0)?;
            writeln!(file, "{}", std::process::id())
        };
        note(&mut file).map_err(io_error)?;
        Ok(Self { file })
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // A child that is just being started still holds the file for a moment; this takes the lock from it as well.
        let _ = self.file.unlock();
    }
}

fn in_use(folder: &Path, file: &mut File) -> Error {
    let mut process = String::new();
    // A message without the number is better than none.
    let _ = file.take(20).read_to_string(&mut process);
    ErrorKind::RunInUse { folder: folder.to_owned(), process: process.trim().to_owned() }.into()
}
