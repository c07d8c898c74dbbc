//! Completions are written to a file from which they can be given again.

use std::io;
use std::path::Path;
use std::sync::Mutex;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::checked_lines::{self, Appender};
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::llm::{Activity, Completion, CompletionRequest, LlmClient, LlmError, messages_digest};
use crate::lock::lock;

/// A client that writes every completion to a file, for [`Replay`](crate::llm::Replay).
///
/// Each line is JSON: the digests of the request and of its messages, the completion, a checksum. Prompts are not written.
/// A completion is in the file when the call ends; after a kill at most one line is not whole, and it is cut off when the
/// recording goes on. Errors are not recorded.
///
/// # Example
/// ```
/// use futures::executor::block_on;
/// use svitgen::llm::{MockLlm, Record, Replay};
/// use svitgen::{CompletionRequest, LlmClient, Message, MessageRole};
/// # let path = std::env::temp_dir().join(format!("svitgen-record-{}.jsonl", std::process::id()));
/// let request = CompletionRequest::new(vec![Message::new(MessageRole::User, "What is it?")]);
/// let client = Record::create(MockLlm::function(|_| "A dog."), &path)?;
/// block_on(client.complete(&request))?;
/// let replay = Replay::open(&path)?;
/// assert_eq!(block_on(replay.complete(&request))?.text, "A dog.");
/// # std::fs::remove_file(path)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Record<C> {
    inner: C,
    lines: Mutex<Appender>,
}

/// The first line of a recording.
#[derive(Serialize, Deserialize)]
struct Header {
    recording: u32,
}

#[derive(Serialize)]
struct Recorded<'a> {
    request: Digest,
    /// Digest of the messages, under the name that it has in journals.
    prompt: Digest,
    completion: &'a Completion,
}

impl<C: LlmClient> Record<C> {
    /// Makes the file and its folder, or goes on with a recording that is there. One process at a time may do so.
    ///
    /// # Errors
    /// A file that cannot be read or written, or that is no recording.
    pub fn create(inner: C, path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let lines = match end_of_recording(path) {
            Ok(end) => Appender::open_at(path, end),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                checked_lines::make_folder_of(path)?;
                Appender::create(path, &Header { recording: 1 })
            }
            Err(error) => Err(Error::io("read", path, error)),
        };
        Ok(Self { inner, lines: Mutex::new(lines?) })
    }

    /// Makes what was recorded outlive a power cut.
    ///
    /// # Errors
    /// A file that cannot be synced.
    pub fn sync(&self) -> Result<()> {
        lock(&self.lines).sync()
    }
}

/// Where the whole lines of a recording end.
fn end_of_recording(path: &Path) -> io::Result<u64> {
    let mut is_recording = false;
    let end = checked_lines::read(path, |place, header: Option<serde_json::Value>| {
        is_recording |= place.offset == 0 && header.is_some_and(|header| header.get("recording").is_some());
        Ok(())
    })?;
    let no_recording = || io::Error::new(io::ErrorKind::InvalidData, "it is no recording; name another file");
    is_recording.then_some(end).ok_or_else(no_recording)
}

#[async_trait]
impl<C: LlmClient> LlmClient for Record<C> {
    /// # Errors
    /// Those of the inner client; [`LlmErrorKind::Storage`](crate::LlmErrorKind::Storage) if the completion cannot be
    /// written.
    async fn complete(&self, request: &CompletionRequest) -> Result<Completion, LlmError> {
        let completion = self.inner.complete(request).await?;
        let prompt = messages_digest(&request.messages);
        let recorded = Recorded { request: request.digest(), prompt, completion: &completion };
        let written = lock(&self.lines).append(&recorded);
        written.map_err(LlmError::storage)?;
        Ok(completion)
    }

    fn name(&self) -> &str {
        self.inner.name()
    }

    fn activity(&self) -> Activity {
        self.inner.activity()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use futures::executor::block_on;

    use super::*;
    use crate::llm::{LlmErrorKind, MockLlm};

    #[test]
    fn a_completion_that_is_not_recorded_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let client = Record::create(MockLlm::function(|_| "A dog."), folder.path().join("recording.jsonl")).unwrap();
        client.lines.lock().unwrap().make_unwritable();
        let error = block_on(client.complete(&CompletionRequest::new(Vec::new()))).unwrap_err();
        assert_eq!(error.kind(), LlmErrorKind::Storage);
        assert!(error.kind().stops_run() && error.message().ends_with("recording.jsonl"), "{error}");
    }
}
