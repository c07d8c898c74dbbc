//! `batches.jsonl` for whoever changes it.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use crate::checked_lines::{self, Appender, Place};
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::pipeline::batch::lines::{Line, Request, VERSION};
use crate::pipeline::batch::{Batches, RunBatch};
use crate::pipeline::journal::UnitKey;

/// The batches of a run, for whoever changes them.
#[derive(Debug)]
pub(super) struct BatchFile {
    pub(super) batches: Batches,
    appender: Appender,
    file: File,
}

impl BatchFile {
    /// Opens the file, makes it if need be, and cuts off a last line that is not whole. `run` names a new one.
    pub(super) fn open(folder: &Path, run: impl FnOnce() -> Digest) -> Result<Self> {
        let mut batches = Batches::read(folder)?;
        let path = batches.path.clone();
        let appender = if batches.run.is_some() {
            Appender::open_at(&path, batches.end)?
        } else {
            let first = Line::Started { version: VERSION, run: run() };
            let appender = Appender::create(&path, &first)?;
            batches = Batches::read(folder)?;
            appender
        };
        let file = File::open(&path).map_err(|source| Error::io("read", &path, source))?;
        Ok(Self { batches, appender, file })
    }

    /// Appends lines; they are on the disk when this returns.
    pub(super) fn append(&mut self, lines: impl IntoIterator<Item = Line>) -> Result<()> {
        for line in lines {
            let n_bytes = self.appender.append(&line)?;
            let place = Place { offset: self.batches.end, len: n_bytes as usize };
            self.batches.end += n_bytes;
            let learnt = self.batches.learn(place, Some(line));
            learnt.map_err(|source| Error::io("write", &self.batches.path, source))?;
        }
        self.appender.sync()
    }

    pub(super) fn run(&self) -> Option<Digest> {
        self.batches.run
    }

    pub(super) fn next_number(&self) -> u32 {
        self.batches.highest.saturating_add(1)
    }

    pub(super) fn batch(&self, number: u32) -> Option<&RunBatch> {
        self.batches.batches.get(&number)
    }

    /// The request of an open batch.
    pub(super) fn request(&mut self, number: u32, key: UnitKey) -> Result<Option<Request>> {
        match self.batches.requests.get(&key) {
            Some((of, place)) if *of == number => self.read(*place),
            _ => Ok(None),
        }
    }

    /// The requests of an open batch, in the order of its file.
    pub(super) fn keys(&self, number: u32) -> Vec<UnitKey> {
        let requests = self.batches.requests.iter();
        let mut keys: Vec<_> =
            requests.filter(|(_, (of, _))| *of == number).map(|(key, (_, place))| (place.offset, *key)).collect();
        keys.sort_by_key(|(offset, _)| *offset);
        keys.into_iter().map(|(_, key)| key).collect()
    }

    fn read(&mut self, place: Place) -> Result<Option<Request>> {
        let mut line = vec![0; place.len];
        let result = self.file.seek(SeekFrom::Start(place.offset)).and_then(|_| self.file.read_exact(&mut line));
        result.map_err(|source| Error::io("read", &self.batches.path, source))?;
        Ok(match checked_lines::decode(&line) {
            Some(Line::Request { request, .. }) => Some(request),
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, OpenOptions};
    use std::io::Write;

    use super::*;
    use crate::pipeline::batch::{BatchTally, RunBatchState};

    fn request(id: u64, turn: usize) -> Request {
        Request { image_id: id.into(), task: "t".to_owned(), turn, prompt: Digest::of("p"), bound: None }
    }

    fn planned(number: u32, requests: &[Request]) -> Vec<Line> {
        let name = format!("b{number}");
        let batch = RunBatch {
            number,
            name,
            requests: requests.len() as u64,
            bytes: 9,
            model: None,
            bounds: None,
            state: RunBatchState::Planned,
            file: None,
            id: None,
            not_found: None,
            tally: None,
        };
        let lines = requests.iter().map(|request| Line::Request { number, request: request.clone() });
        lines.chain([Line::Planned { batch }]).collect()
    }

    fn open(folder: &Path) -> BatchFile {
        BatchFile::open(folder, || Digest::of("run")).expect("a folder of the test")
    }

    #[test]
    fn a_unit_is_held_from_plan_to_results() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = open(folder.path());
        assert!(Batches::read(folder.path()).unwrap().into_batches().is_empty());
        let (first, second, later) = (request(1, 0), request(2, 0), request(1, 1));
        file.append(planned(1, &[first.clone(), second.clone()])).unwrap();
        file.append([Line::Uploaded { number: 1, file: "f".to_owned() }]).unwrap();
        file.append(planned(2, std::slice::from_ref(&later))).unwrap();
        file.append([Line::Created { number: 1, id: "b".to_owned() }]).unwrap();

        let mut file = open(folder.path());
        assert_eq!((file.next_number(), file.run()), (3, Some(Digest::of("run"))));
        assert_eq!(file.batches.open_numbers().collect::<Vec<_>>(), [1, 2]);
        assert_eq!(file.keys(1), [first.key(), second.key()], "in the order of the file");
        assert_eq!(file.request(1, second.key()).unwrap(), Some(second));
        assert_eq!(file.request(1, later.key()).unwrap(), None, "it is in another batch");
        let batch = file.batch(1).unwrap();
        assert_eq!(
            (batch.state, batch.file.as_deref(), batch.id.as_deref()),
            (RunBatchState::Created, Some("f"), Some("b"))
        );

        let tally = BatchTally { completions: 2, ..BatchTally::default() };
        file.append([Line::Collected { number: 1, tally }]).unwrap();
        file.append([Line::Abandoned { number: 2, reason: "no".to_owned() }]).unwrap();
        let batches = Batches::read(folder.path()).unwrap();
        assert!(!batches.holds(first.key()) && !batches.holds(later.key()));
        let states: Vec<_> = batches.into_batches().iter().map(|batch| (batch.state, batch.tally)).collect();
        assert_eq!(states, [(RunBatchState::Collected, Some(tally)), (RunBatchState::Abandoned, None)]);
    }

    #[test]
    fn a_kill_amid_a_plan_leaves_its_requests_free() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = open(folder.path());
        let mut lines = planned(1, &[request(1, 0), request(2, 0)]);
        lines.pop();
        file.append(lines).unwrap();
        let path = folder.path().join("batches.jsonl");
        OpenOptions::new().append(true).open(&path).unwrap().write_all(b"{\"event\":\"plan").unwrap();

        let mut file = open(folder.path());
        assert!(!file.batches.holds(request(1, 0).key()));
        assert_eq!(file.next_number(), 2, "the number is not used again");
        file.append(planned(2, &[request(1, 0)])).unwrap();
        let mut file = open(folder.path());
        assert_eq!(file.request(2, request(1, 0).key()).unwrap(), Some(request(1, 0)));
        assert!(!file.batches.holds(request(2, 0).key()));
    }

    #[test]
    fn a_damaged_line_is_an_error_and_no_gap() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = open(folder.path());
        file.append(planned(1, &[request(1, 0)])).unwrap();
        let path = folder.path().join("batches.jsonl");
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replacen("request", "riquest", 1)).unwrap();
        let error = Batches::read(folder.path()).unwrap_err();
        let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap();
        assert!(cause.contains("damaged"), "{cause}");
    }
}
