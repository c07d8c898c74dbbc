//! What became of the requests of a batch, read line by line.

use std::collections::VecDeque;

use bytes::Bytes;
use memchr::memchr;
use reqwest::header::HeaderMap;
use reqwest::{Response, Url};
use serde_json::value::RawValue;

use crate::llm::openai::failure::{failure, failure_inside, short};
use crate::llm::openai::reply::{Word, completion, malformed};
use crate::llm::openai::report::Report;
use crate::llm::openai::secret::Redactor;
use crate::llm::openai::transport::Transport;
use crate::llm::{Completion, LlmError};

/// What became of one request of a batch.
#[derive(Debug)]
#[non_exhaustive]
pub struct BatchResult {
    /// The id that the request was given; `None` if the line is garbage.
    pub custom_id: Option<String>,
    /// The completion, or why there is none. Of a request that was not reached before the batch expired or was cancelled
    /// it is [`LlmErrorKind::Transient`](crate::LlmErrorKind::Transient).
    pub result: Result<Completion, LlmError>,
}

/// Reads the result files of a batch one after the other.
pub(super) struct Reader<'t> {
    transport: &'t Transport,
    urls: VecDeque<Url>,
    response: Option<Response>,
    /// What of the last piece has not been looked at.
    rest: Bytes,
    /// The beginning of a line whose end has not come yet.
    line: Vec<u8>,
    is_overlong: bool,
}

#[derive(serde::Deserialize)]
struct Line<'a> {
    #[serde(borrow, default)]
    custom_id: Word<'a>,
    #[serde(borrow, default)]
    response: Option<Answer<'a>>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
}

#[derive(serde::Deserialize)]
struct Answer<'a> {
    #[serde(default)]
    status_code: Option<u16>,
    #[serde(borrow, default)]
    body: Option<&'a RawValue>,
}

impl<'t> Reader<'t> {
    pub(super) fn new(transport: &'t Transport, urls: VecDeque<Url>) -> Self {
        Self { transport, urls, response: None, rest: Bytes::new(), line: Vec::new(), is_overlong: false }
    }

    /// The next result; an error of the connection ends all.
    pub(super) async fn next(&mut self) -> Option<Result<BatchResult, LlmError>> {
        loop {
            let has_line = match self.read().await {
                Ok(has_line) => has_line,
                Err(error) => {
                    (self.urls, self.response, self.rest) = (VecDeque::new(), None, Bytes::new());
                    self.line.clear();
                    return Some(Err(error));
                }
            };
            let line = std::mem::take(&mut self.line);
            if std::mem::take(&mut self.is_overlong) {
                let cap = self.transport.bodies.cap();
                let result =
                    Err(malformed(format!("a line of the results is longer than {cap} bytes, which is the cap")));
                return Some(Ok(BatchResult { custom_id: None, result }));
            }
            if !line.trim_ascii().is_empty() {
                return Some(Ok(parse(&line, &self.transport.redactor)));
            }
            if !has_line {
                return None;
            }
        }
    }

    /// Reads up to the end of a line, or of a file; false at the end of the last file.
    async fn read(&mut self) -> Result<bool, LlmError> {
        loop {
            if let Some(end) = memchr(b'\n', &self.rest) {
                let line = self.rest.split_to(end + 1);
                self.keep(&line[..end]);
                return Ok(true);
            }
            let rest = std::mem::take(&mut self.rest);
            self.keep(&rest);
            match &mut self.response {
                Some(response) => match self.transport.piece(response).await? {
                    Some(piece) => self.rest = piece,
                    None => {
                        self.response = None;
                        return Ok(true);
                    }
                },
                None => match self.urls.pop_front() {
                    Some(url) => self.response = Some(self.transport.download(url).await?),
                    None => return Ok(false),
                },
            }
        }
    }

    fn keep(&mut self, bytes: &[u8]) {
        self.is_overlong |= self.line.len() + bytes.len() > self.transport.bodies.cap();
        if self.is_overlong {
            self.line = Vec::new();
        } else {
            self.line.extend_from_slice(bytes);
        }
    }
}

fn parse(line: &[u8], redactor: &Redactor) -> BatchResult {
    match serde_json::from_slice::<Line<'_>>(line) {
        Err(error) => BatchResult {
            custom_id: None,
            result: Err(malformed(format!(
                "a line of the results is garbage: {}",
                short(&error.to_string(), redactor)
            ))),
        },
        Ok(line) => BatchResult { result: result(&line, redactor), custom_id: line.custom_id.0.map(Into::into) },
    }
}

fn result(line: &Line<'_>, redactor: &Redactor) -> Result<Completion, LlmError> {
    if let Some(error) = line.error {
        // It was not reached, so nobody pays for it.
        return Err(failure_inside(&Report::of(error.get().as_bytes()), redactor).with_nothing_sent());
    }
    let Some(answer) = &line.response else { return Err(malformed("the result has neither response nor error")) };
    let body = answer.body.map_or("", RawValue::get).as_bytes();
    match answer.status_code {
        None | Some(200..=299) => completion(body, redactor),
        Some(status) => Err(failure(status, &HeaderMap::new(), &Report::of(body), redactor)),
    }
}
