//! Completions from a recording or from the journal of a run.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::checked_lines::{self, Place};
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::llm::{Completion, CompletionRequest, LlmClient, LlmError, LlmErrorKind, messages_digest};
use crate::lock::lock;

/// A client that gives completions of a file again: of a recording ([`Record`](crate::llm::Record)), or of the
/// `journal.jsonl` of a run (`svitgen compact` unpacks one that was packed).
///
/// A recording knows a request by its messages, its parameters and the shape of its reply; a journal by its messages. A
/// request that was recorded several times gets its completions in turn, and then the last one again. Only where the lines
/// stand is held in memory.
///
/// It answers by itself and wraps nothing, so the suite `llm::conformance` runs on it as on any client, with requests
/// that the file has.
#[derive(Debug)]
pub struct Replay {
    path: PathBuf,
    file: Mutex<File>,
    by_request: HashMap<Digest, Mutex<Turns>>,
    by_messages: HashMap<Digest, Mutex<Turns>>,
    n_damaged: u64,
}

/// The completions of one request.
#[derive(Debug, Default)]
struct Turns {
    places: Vec<Place>,
    n_given: usize,
}

/// What both kinds of lines have in common: `prompt` is the digest of the messages.
#[derive(Deserialize)]
struct Line {
    request: Option<Digest>,
    prompt: Option<Digest>,
    completion: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Recorded {
    completion: Completion,
}

impl Replay {
    /// Opens a recording or a journal; a last line that is not whole is passed over.
    ///
    /// # Errors
    /// A file that cannot be read, or has no whole line of that kind.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let io_error = |source| Error::io("read", path, source);
        let file = File::open(path).map_err(io_error)?;
        let mut replay = Self {
            path: path.to_owned(),
            file: Mutex::new(file),
            by_request: HashMap::new(),
            by_messages: HashMap::new(),
            n_damaged: 0,
        };
        let end = checked_lines::read(path, |place, line| {
            replay.learn(place, line);
            Ok(())
        });
        if end.map_err(io_error)? == 0 {
            let reason = "it is neither a recording nor a journal; name another file";
            return Err(io_error(io::Error::new(io::ErrorKind::InvalidData, reason)));
        }
        Ok(replay)
    }

    /// How many lines are damaged and were passed over, apart from the end of the file.
    pub fn damaged_lines(&self) -> u64 {
        self.n_damaged
    }

    fn learn(&mut self, place: Place, line: Option<Line>) {
        let Some(line) = line else {
            self.n_damaged += 1;
            return;
        };
        if line.completion.is_none() {
            return;
        }
        let turns = match (line.request, line.prompt) {
            (Some(request), _) => self.by_request.entry(request).or_default(),
            (None, Some(prompt)) => self.by_messages.entry(prompt).or_default(),
            (None, None) => return,
        };
        turns.get_mut().unwrap_or_else(PoisonError::into_inner).places.push(place);
    }

    fn find(&self, request: &CompletionRequest) -> Option<Place> {
        let by_request = || self.by_request.get(&request.digest());
        let by_messages = || self.by_messages.get(&messages_digest(&request.messages));
        // The digest of what no line is known by is not taken.
        let turns = (!self.by_request.is_empty()).then(by_request).flatten();
        let turns = turns.or_else(by_messages)?;
        lock(turns).next()
    }

    fn read(&self, place: Place) -> io::Result<Completion> {
        let mut line = vec![0; place.len];
        let mut file = lock(&self.file);
        file.seek(SeekFrom::Start(place.offset))?;
        file.read_exact(&mut line)?;
        drop(file);
        let recorded: Option<Recorded> = checked_lines::decode(&line);
        let changed = || io::Error::new(io::ErrorKind::InvalidData, "a line has changed since the file was opened");
        recorded.map(|recorded| recorded.completion).ok_or_else(changed)
    }

    fn missing(&self, request: &CompletionRequest) -> LlmError {
        let message = format!(
            "{} has no completion for this request ({}, {:?}): record it, or ask with the messages and parameters of then",
            self.path.display(),
            request.digest(),
            beginning(request.last_user_text())
        );
        LlmError::new(LlmErrorKind::InvalidRequest, message)
    }
}

/// Enough of a text to know it by.
fn beginning(text: &str) -> String {
    text.chars().take(60).collect()
}

impl Turns {
    fn next(&mut self) -> Option<Place> {
        let place = self.places.get(self.n_given).or(self.places.last()).copied();
        self.n_given = self.places.len().min(self.n_given + 1);
        place
    }
}

#[async_trait]
impl LlmClient for Replay {
    /// # Errors
    /// [`LlmErrorKind::InvalidRequest`] for a request that the file does not have, [`LlmErrorKind::Storage`] for a file
    /// that cannot be read any more.
    async fn complete(&self, request: &CompletionRequest) -> Result<Completion, LlmError> {
        let place = self.find(request).ok_or_else(|| self.missing(request).with_nothing_sent())?;
        self.read(place).map_err(|source| LlmError::storage(Error::io("read", &self.path, source)).with_nothing_sent())
    }

    fn name(&self) -> &str {
        "replay"
    }
}
