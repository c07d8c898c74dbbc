//! What a run folder holds beside the samples, for reading: the manifest, what became of each unit, the calls.
//!
//! Nothing here changes a folder, or minds that a run is writing to it.

use std::fs;
use std::io::BufRead;
use std::ops::Range;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use crate::annotation::ImageId;
use crate::digest::Digest;
use crate::error::{Error, ErrorKind, Result};
use crate::llm::Completion;
use crate::pipeline::{RunFolder, UnitState, journal, outputs};
use crate::reply::{Action, IssueCode};

/// What became of one unit, as written in `units/<task>.jsonl`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct UnitSummary {
    /// The image.
    pub image_id: ImageId,
    /// Its state.
    pub state: UnitState,
    /// Why it is not accepted; see [`UnitResult::cause`](crate::pipeline::UnitResult::cause).
    #[serde(default)]
    pub cause: Option<String>,
    /// How many question-answer pairs its sample holds.
    #[serde(default)]
    pub pairs: u64,
    /// What was noticed in its replies, in order.
    #[serde(default)]
    pub issues: Vec<UnitIssue>,
}

/// An issue of a unit, as written in `units/<task>.jsonl`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct UnitIssue {
    /// What it is.
    pub code: IssueCode,
    /// What the policy made of it.
    pub action: Action,
    /// Where: bytes of the reply.
    #[serde(deserialize_with = "span")]
    pub span: Range<usize>,
    /// The kept item that it is about.
    #[serde(default)]
    pub item: Option<usize>,
}

fn span<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Range<usize>, D::Error> {
    let [start, end] = <[usize; 2]>::deserialize(deserializer)?;
    Ok(start..end)
}

/// A call that was answered or failed, as written in `journal.jsonl`.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Call {
    /// The image.
    pub image_id: ImageId,
    /// Name of the task.
    pub task: String,
    /// 0 for the prompt, 1 and up for the follow-ups.
    pub turn: usize,
    /// Digest of the messages that were sent.
    pub prompt: Digest,
    /// How long the call took, if the journal says so (`latency_ms`).
    pub latency: Option<Duration>,
    /// What came back, or why nothing did.
    pub result: std::result::Result<Completion, CallFailure>,
}

/// Why a call failed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct CallFailure {
    /// The kind of error: `rate_limited`.
    pub kind: String,
    /// What the server or the client said.
    pub message: String,
}

/// A line of the journal; one with neither completion nor failure says that a request is about to be sent.
#[derive(Deserialize)]
struct CallLine {
    image_id: ImageId,
    task: String,
    #[serde(default)]
    turn: usize,
    prompt: Digest,
    latency_ms: Option<f64>,
    completion: Option<Completion>,
    failure: Option<CallFailure>,
}

impl RunFolder {
    /// What decides about the data of the run, as written in `run.json`: `client`, `parameters`, `policy`, `prompt`,
    /// `tasks`, `inputs` and more.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] or [`ErrorKind::RunFile`] if it cannot be read.
    pub fn manifest(&self) -> Result<Value> {
        let path = self.path().join("run.json");
        let bytes = fs::read(&path).map_err(|source| Error::io("read", &path, source))?;
        serde_json::from_slice(&bytes).map_err(|source| ErrorKind::RunFile { path, source }.into())
    }

    /// What became of the units of one task, in order of image id, as of the last outputs.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] if there is no such file; items are [`ErrorKind::RunLine`] where a line is no unit.
    pub fn units(&self, task: &str) -> Result<impl Iterator<Item = Result<UnitSummary>> + use<>> {
        outputs::read_lines(outputs::units_path(self.path(), task))
    }

    /// The calls that were answered or failed, in order of arrival; a turn that was sent again has several.
    ///
    /// Lines that are damaged or not whole are passed over.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] if the journal cannot be read, or is packed and the feature `packed` is not there.
    pub fn calls(&self) -> Result<impl Iterator<Item = Result<Call>> + use<>> {
        let (path, reader) = journal::reader(self.path())?;
        Ok(reader.split(b'\n').filter_map(move |line| match line {
            Ok(line) => call(&line).map(Ok),
            Err(source) => Some(Err(Error::io("read", &path, source))),
        }))
    }
}

fn call(line: &[u8]) -> Option<Call> {
    let line: CallLine = serde_json::from_slice(line).ok()?;
    let result = match (line.completion, line.failure) {
        (Some(completion), _) => Ok(completion),
        (None, Some(failure)) => Err(failure),
        (None, None) => return None,
    };
    // A duration of less than nothing, or of more than can be said, is none.
    let latency = line.latency_ms.and_then(|millis| Duration::try_from_secs_f64(millis / 1000.0).ok());
    Some(Call { image_id: line.image_id, task: line.task, turn: line.turn, prompt: line.prompt, latency, result })
}
