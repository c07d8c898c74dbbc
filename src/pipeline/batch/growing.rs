//! The file of a batch while it grows.

use std::fs;
use std::io::Write;
use std::path::Path;

use crate::atomic::AtomicFile;
use crate::digest::Digester;
use crate::error::{Error, Result};
use crate::llm::Totals;
use crate::pipeline::batch::lines::{Line, Request};
use crate::pipeline::batch::{BatchOptions, RunBatch};

/// A file of requests that grows until it is full.
#[derive(Debug)]
pub(super) struct Growing {
    pub(super) number: u32,
    file: AtomicFile,
    bytes: u64,
    digester: Digester,
    requests: Vec<Request>,
    model: Option<String>,
    /// What its requests can take at most.
    pub(super) bounds: Totals,
}

impl Growing {
    pub(super) fn create(number: u32, path: &Path, model: Option<String>) -> Result<Self> {
        let folder = path.parent().unwrap_or(path);
        fs::create_dir_all(folder).map_err(|source| Error::io("create", folder, source))?;
        let file = AtomicFile::create(path)?;
        let (digester, requests, bounds) = (Digester::default(), Vec::new(), Totals::default());
        Ok(Self { number, file, bytes: 0, digester, requests, model, bounds })
    }

    pub(super) fn has_room_for(&self, line: &[u8], options: &BatchOptions) -> bool {
        self.requests.is_empty()
            || self.requests.len() < options.max_requests && self.bytes + line.len() as u64 <= options.max_bytes
    }

    pub(super) fn add(&mut self, line: &[u8], request: Request) -> Result<()> {
        self.file.write_with(|writer| writer.write_all(line))?;
        self.bytes += line.len() as u64;
        self.digester.update(line);
        request.bound.iter().for_each(|bound| self.bounds.add_bound(bound));
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
            model: self.model,
            bounds: (self.bounds != Totals::default()).then_some(self.bounds),
            state: Default::default(),
            file: None,
            id: None,
            not_found: None,
            tally: None,
        };
        let requests = self.requests.into_iter().map(move |request| Line::Request { number, request });
        Ok(requests.chain([Line::Planned { batch }]))
    }
}
