//! `batches.jsonl`: which requests are in which batch, and how far each batch is; only ever appended to.
//!
//! A line that is damaged in the middle is an error and not a gap, as it is in the journal: behind a gap there could be a
//! batch that would be paid for twice.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::annotation::ImageId;
use crate::checked_lines::{self, Place};
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::pipeline::journal::UnitKey;

/// Version of the lines; a file of a later one is refused.
const VERSION: u64 = 1;

/// A batch of a run, as its folder knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RunBatch {
    /// Its number in the run, from 1; some may be missing.
    pub number: u32,
    /// What it is called on the server: the name of its file, and `svitgen` in its metadata.
    pub name: String,
    /// How many requests it has.
    pub requests: u64,
    /// Size of its file, in bytes.
    pub bytes: u64,
    /// How far it is.
    #[serde(default)]
    pub state: RunBatchState,
    /// The server's id of its file.
    #[serde(default)]
    pub file: Option<String>,
    /// The server's id of the batch.
    #[serde(default)]
    pub id: Option<String>,
    /// What came of its requests, once it is collected.
    #[serde(default)]
    pub tally: Option<BatchTally>,
}

/// How far a batch is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RunBatchState {
    /// It is decided which requests are in it.
    #[default]
    Planned,
    /// The server has its file.
    Uploaded,
    /// The server has the batch.
    Created,
    /// What came of it is in the journal.
    Collected,
    /// The server did not take it; its requests are sent again.
    Abandoned,
}

impl RunBatchState {
    /// Whether its requests are on their way, so that nobody else may send them.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Planned | Self::Uploaded | Self::Created)
    }

    /// The name used in files and reports: `created`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Uploaded => "uploaded",
            Self::Created => "created",
            Self::Collected => "collected",
            Self::Abandoned => "abandoned",
        }
    }
}

/// What came of the requests of batches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct BatchTally {
    /// Requests with a completion.
    pub completions: u64,
    /// Requests that failed or expired, or whose batch was not accepted.
    pub failures: u64,
    /// Requests about which the results say nothing; they are sent again.
    pub missing: u64,
    /// Results of requests that had one already; passed over.
    pub duplicates: u64,
    /// Lines of results that could not be understood; passed over.
    pub garbage: u64,
    /// Results of requests that are not in the batch; passed over.
    pub unknown: u64,
}

impl BatchTally {
    #[cfg(feature = "openai")]
    pub(super) fn add(&mut self, other: &Self) {
        self.completions += other.completions;
        self.failures += other.failures;
        self.missing += other.missing;
        self.duplicates += other.duplicates;
        self.garbage += other.garbage;
        self.unknown += other.unknown;
    }
}

/// A request of a batch: what a line of the journal needs to say about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Request {
    pub(super) image_id: ImageId,
    pub(super) task: String,
    #[serde(default)]
    pub(super) turn: usize,
    /// Digest of the messages.
    pub(super) prompt: Digest,
}

impl Request {
    pub(super) fn key(&self) -> UnitKey {
        UnitKey::new(&self.image_id, &self.task, self.turn)
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(super) enum Line {
    /// The first line; `run` is what tells the batches of this run from those of others.
    Started {
        version: u64,
        run: Digest,
    },
    /// A request of a batch that is about to be planned.
    Request {
        number: u32,
        request: Request,
    },
    /// All requests of the batch are above, and its file is whole.
    Planned {
        batch: RunBatch,
    },
    Uploaded {
        number: u32,
        file: String,
    },
    Created {
        number: u32,
        id: String,
    },
    Collected {
        number: u32,
        tally: BatchTally,
    },
    Abandoned {
        number: u32,
        reason: String,
    },
}

/// The batches of a run.
#[derive(Debug, Default)]
#[cfg_attr(not(feature = "openai"), allow(dead_code, reason = "only who changes batches asks where lines are"))]
pub(in crate::pipeline) struct Batches {
    path: PathBuf,
    run: Option<Digest>,
    batches: BTreeMap<u32, RunBatch>,
    /// Requests of open batches, and where their lines are.
    requests: HashMap<UnitKey, (u32, Place)>,
    /// Requests of the batch that is about to be planned.
    unplanned: Vec<(u32, UnitKey, Place)>,
    /// The highest number that a line has.
    highest: u32,
    /// Where the last whole line ends.
    end: u64,
}

impl Batches {
    /// Reads what there is; nothing, if the run has no batches.
    pub(in crate::pipeline) fn read(folder: &Path) -> Result<Self> {
        let path = folder.join("batches.jsonl");
        let mut batches = Self { path: path.clone(), ..Self::default() };
        match checked_lines::read(&path, |place, line| batches.learn(place, line)) {
            Ok(end) => batches.end = end,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(Error::io("read", &path, error)),
        }
        batches.unplanned.clear();
        Ok(batches)
    }

    fn learn(&mut self, place: Place, line: Option<Line>) -> io::Result<()> {
        let damage = || {
            let message = format!(
                "the line at byte {} is damaged or of a later svitgen; what is in which batch can no longer be told",
                place.offset
            );
            io::Error::new(io::ErrorKind::InvalidData, message)
        };
        match line.ok_or_else(damage)? {
            Line::Started { version, .. } if version > VERSION => return Err(damage()),
            Line::Started { run, .. } => self.run = Some(run),
            Line::Request { number, request } => {
                self.highest = self.highest.max(number);
                self.unplanned.push((number, request.key(), place));
            }
            Line::Planned { batch } => {
                let planned = self.unplanned.drain(..).filter(|(number, ..)| *number == batch.number);
                self.requests.extend(planned.map(|(number, key, place)| (key, (number, place))));
                self.highest = self.highest.max(batch.number);
                self.batches.insert(batch.number, batch);
            }
            Line::Uploaded { number, file } => self.change(number, |batch| {
                batch.state = RunBatchState::Uploaded;
                batch.file = Some(file);
            }),
            Line::Created { number, id } => self.change(number, |batch| {
                batch.state = RunBatchState::Created;
                batch.id = Some(id);
            }),
            Line::Collected { number, tally } => self.close(number, RunBatchState::Collected, Some(tally)),
            Line::Abandoned { number, .. } => self.close(number, RunBatchState::Abandoned, None),
        }
        Ok(())
    }

    fn change(&mut self, number: u32, change: impl FnOnce(&mut RunBatch)) {
        if let Some(batch) = self.batches.get_mut(&number) {
            change(batch);
        }
    }

    fn close(&mut self, number: u32, state: RunBatchState, tally: Option<BatchTally>) {
        self.change(number, |batch| (batch.state, batch.tally) = (state, tally));
        self.requests.retain(|_, (of, _)| *of != number);
    }

    /// Whether a turn of a unit is in an open batch.
    pub(in crate::pipeline) fn holds(&self, key: UnitKey) -> bool {
        self.requests.contains_key(&key)
    }

    /// The batches whose requests are on their way.
    pub(in crate::pipeline) fn open_numbers(&self) -> impl Iterator<Item = u32> {
        self.batches.values().filter(|batch| batch.state.is_open()).map(|batch| batch.number)
    }

    pub(super) fn into_batches(self) -> Vec<RunBatch> {
        self.batches.into_values().collect()
    }
}

#[cfg(feature = "openai")]
pub(super) use writing::BatchFile;

#[cfg(feature = "openai")]
mod writing {
    use std::fs::File;
    use std::io::{Read, Seek, SeekFrom};

    use super::*;
    use crate::checked_lines::Appender;

    /// The batches of a run, for whoever changes them.
    #[derive(Debug)]
    pub(in crate::pipeline::batch) struct BatchFile {
        pub(in crate::pipeline::batch) batches: Batches,
        appender: Appender,
        file: File,
    }

    impl BatchFile {
        /// Opens the file, makes it if need be, and cuts off a last line that is not whole. `run` names a new one.
        pub(in crate::pipeline::batch) fn open(folder: &Path, run: impl FnOnce() -> Digest) -> Result<Self> {
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
        pub(in crate::pipeline::batch) fn append(&mut self, lines: impl IntoIterator<Item = Line>) -> Result<()> {
            for line in lines {
                let n_bytes = self.appender.append(&line)?;
                let place = Place { offset: self.batches.end, len: n_bytes as usize };
                self.batches.end += n_bytes;
                let learnt = self.batches.learn(place, Some(line));
                learnt.map_err(|source| Error::io("write", &self.batches.path, source))?;
            }
            self.appender.sync()
        }

        pub(in crate::pipeline::batch) fn run(&self) -> Option<Digest> {
            self.batches.run
        }

        pub(in crate::pipeline::batch) fn next_number(&self) -> u32 {
            self.batches.highest.saturating_add(1)
        }

        pub(in crate::pipeline::batch) fn batch(&self, number: u32) -> Option<&RunBatch> {
            self.batches.batches.get(&number)
        }

        /// The request of an open batch.
        pub(in crate::pipeline::batch) fn request(&mut self, number: u32, key: UnitKey) -> Result<Option<Request>> {
            match self.batches.requests.get(&key) {
                Some((of, place)) if *of == number => self.read(*place),
                _ => Ok(None),
            }
        }

        /// The requests of an open batch, in the order of its file.
        pub(in crate::pipeline::batch) fn keys(&self, number: u32) -> Vec<UnitKey> {
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
}

#[cfg(all(test, feature = "openai"))]
mod tests {
    use std::fs::{self, OpenOptions};
    use std::io::Write;

    use super::*;

    fn request(id: u64, turn: usize) -> Request {
        Request { image_id: id.into(), task: "t".to_owned(), turn, prompt: Digest::of("p") }
    }

    fn planned(number: u32, requests: &[Request]) -> Vec<Line> {
        let name = format!("b{number}");
        let (requests_len, bytes, state) = (requests.len() as u64, 9, RunBatchState::Planned);
        let batch = RunBatch { number, name, requests: requests_len, bytes, state, file: None, id: None, tally: None };
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
