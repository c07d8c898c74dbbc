//! The files of batches, while they are written.

use std::fs;
use std::io::Write;
use std::path::Path;

use crate::atomic::AtomicFile;
use crate::digest::Digester;
use crate::error::{Error, Result};
use crate::pipeline::batch::RunBatch;
use crate::pipeline::batch::state::{Line, Request};
use crate::pipeline::batch::work::BatchOptions;

/// A file of requests that grows until it is full.
#[derive(Debug)]
pub(super) struct Growing {
    pub(super) number: u32,
    file: AtomicFile,
    bytes: u64,
    digester: Digester,
    requests: Vec<Request>,
}

impl Growing {
    pub(super) fn create(number: u32, path: &Path) -> Result<Self> {
        let folder = path.parent().unwrap_or(path);
        fs::create_dir_all(folder).map_err(|source| Error::io("create", folder, source))?;
        let file = AtomicFile::create(path)?;
        Ok(Self { number, file, bytes: 0, digester: Digester::default(), requests: Vec::new() })
    }

    pub(super) fn has_room_for(&self, line: &[u8], options: &BatchOptions) -> bool {
        self.requests.is_empty()
            || self.requests.len() < options.max_requests && self.bytes + line.len() as u64 <= options.max_bytes
    }

    pub(super) fn add(&mut self, line: &[u8], request: Request) -> Result<()> {
        self.file.write_with(|writer| writer.write_all(line))?;
        self.bytes += line.len() as u64;
        self.digester.update(line);
        self.requests.push(request);
        Ok(())
    }

    /// Puts the file in its place; the lines that say so. The name is the same for the same requests of the same run, so
    /// that who has lost an id finds it by the name.
    pub(super) fn finish(self, run: &str) -> Result<impl Iterator<Item = Line>> {
        self.file.commit()?;
        let number = self.number;
        let batch = RunBatch {
            number,
            name: format!("svitgen-{run}-{number}-{}", self.digester.finish()),
            requests: self.requests.len() as u64,
            bytes: self.bytes,
            state: Default::default(),
            file: None,
            id: None,
            tally: None,
        };
        let requests = self.requests.into_iter().map(move |request| Line::Request { number, request });
        Ok(requests.chain([Line::Planned { batch }]))
    }
}
