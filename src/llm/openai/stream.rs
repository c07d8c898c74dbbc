//! A completion that comes in pieces, as server-sent events.

use std::borrow::Cow;

use memchr::memchr;
use serde::de::IgnoredAny;

use super::failure::short;
use super::reply::{Answer, finish_reason, malformed, usage};
use super::secret::Redactor;
use crate::llm::{Completion, FinishReason, LlmError, LlmErrorKind};

/// Assembles a completion from the bytes of a stream.
#[derive(Debug)]
pub(super) struct Assembly {
    /// Bytes of a line whose end has not come yet.
    line: Vec<u8>,
    /// The data lines of the event that is being read.
    data: Vec<u8>,
    /// How often a look was taken whether the event that is being read is whole.
    looks: u8,
    completion: Completion,
    has_event: bool,
    has_finish_reason: bool,
    is_done: bool,
}

/// An event of many lines is looked at only so often before its blank line, as each look goes through all of it.
const MOST_LOOKS: u8 = 16;

impl Assembly {
    pub(super) fn new() -> Self {
        let completion = Completion::new(String::new()).with_finish_reason(FinishReason::Unknown);
        let (line, data) = (Vec::new(), Vec::new());
        Self { line, data, looks: 0, completion, has_event: false, has_finish_reason: false, is_done: false }
    }

    /// How many bytes it holds.
    pub(super) fn len(&self) -> usize {
        self.line.len() + self.data.len() + self.completion.text.len()
    }

    /// Whether the end was announced; whatever follows is none of ours.
    pub(super) fn is_done(&self) -> bool {
        self.is_done
    }

    /// Whether the text is whole, though more may be said about it. The mark of the end alone does not say so: there are
    /// servers that cut a reply when another request comes, and then end the stream as always.
    pub(super) fn is_whole(&self) -> bool {
        self.has_finish_reason
    }

    /// Takes the next bytes.
    pub(super) fn push(&mut self, mut bytes: &[u8], redactor: &Redactor) -> Result<(), LlmError> {
        while let Some(end) = memchr(b'\n', bytes).filter(|_| !self.is_done) {
            let (piece, rest) = (&bytes[..end], &bytes[end + 1..]);
            if self.line.is_empty() {
                self.take_line(piece, redactor)?;
            } else {
                self.line.extend_from_slice(piece);
                let line = std::mem::take(&mut self.line);
                self.take_line(&line, redactor)?;
                self.line = line;
                self.line.clear();
            }
            bytes = rest;
        }
        if !self.is_done {
            self.line.extend_from_slice(bytes);
        }
        Ok(())
    }

    /// The completion, when no more bytes come.
    pub(super) fn finish(mut self, redactor: &Redactor) -> Result<Completion, LlmError> {
        let line = std::mem::take(&mut self.line);
        // The last event may lack the blank line behind it.
        let last = self.take_line(&line, redactor).and_then(|()| self.take_event(redactor));
        if self.is_whole() {
            return Ok(self.completion);
        }
        // One that is cut is no JSON; that the stream was cut is what matters then.
        last.or_else(|error| if error.kind() == LlmErrorKind::Malformed { Ok(()) } else { Err(error) })?;
        let message = match (self.has_event, self.is_done) {
            (true, false) => "the stream ended before the reply did",
            (true, true) => {
                "the stream ended without a finish reason, so that the reply was cut; some servers do that when another \
                 request comes (fewer calls at a time help)"
            }
            (false, _) => "the server sent a stream without events",
        };
        let kind = if self.has_event { LlmErrorKind::Transient } else { LlmErrorKind::Malformed };
        Err(LlmError::new(kind, message))
    }

    fn take_line(&mut self, line: &[u8], redactor: &Redactor) -> Result<(), LlmError> {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            return self.take_event(redactor);
        }
        let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
        let Some(data) = line.strip_prefix(b"data:") else {
            // Comments that keep the connection open, names and ids of events.
            return Ok(());
        };
        // Some servers put no blank line between events.
        if !self.data.is_empty() && self.looks < MOST_LOOKS {
            self.looks += 1;
            if serde_json::from_slice::<IgnoredAny>(&self.data).is_ok() {
                self.take_event(redactor)?;
            }
        }
        if !self.data.is_empty() {
            self.data.push(b'\n');
        }
        self.data.extend_from_slice(data.strip_prefix(b" ").unwrap_or(data));
        Ok(())
    }

    fn take_event(&mut self, redactor: &Redactor) -> Result<(), LlmError> {
        self.looks = 0;
        let mut data = std::mem::take(&mut self.data);
        let taken = self.take_data(data.trim_ascii(), redactor);
        data.clear();
        self.data = data;
        taken
    }

    fn take_data(&mut self, data: &[u8], redactor: &Redactor) -> Result<(), LlmError> {
        match data {
            [] => return Ok(()),
            b"[DONE]" => {
                self.is_done = true;
                return Ok(());
            }
            _ => self.has_event = true,
        }
        let event: Answer<'_> = serde_json::from_slice(data).map_err(|error| {
            malformed(format!("an event of the stream is no completion: {}", short(&error.to_string(), redactor)))
        })?;
        event.refuse_errors(redactor)?;
        let completion = &mut self.completion;
        if let Some(mut choice) = event.choices.0 {
            completion.text.push_str(&choice.take_text());
            if choice.finish_reason.0.as_ref().is_some_and(|word| !word.is_empty()) {
                completion.finish_reason = finish_reason(choice.finish_reason.0);
                self.has_finish_reason = true;
            }
        }
        completion.usage = event.usage.and_then(usage).or(completion.usage);
        let keep = |known: Option<String>, told: Option<Cow<'_, str>>| known.or_else(|| told.map(Cow::into_owned));
        completion.id = keep(completion.id.take(), event.id.0);
        completion.model = keep(completion.model.take(), event.model.0);
        Ok(())
    }
}

/// Whether a body that begins so is a plain answer, though a stream was asked for.
pub(super) fn is_plain(beginning: &[u8]) -> bool {
    let beginning = beginning.strip_prefix(b"\xef\xbb\xbf").unwrap_or(beginning);
    !matches!(beginning.trim_ascii_start(), [b'd' | b'e' | b':' | b'i' | b'r', ..] | [])
}
