//! How many tokens a request can take at most.

use std::io;

use crate::llm::{CompletionRequest, ResponseFormat};

/// What chat templates put around a message: marks, role, line ends.
const TOKENS_PER_MESSAGE: u64 = 16;

/// What they put around all messages: marks, the date, a system message of their own.
const TOKENS_PER_REQUEST: u64 = 128;

impl CompletionRequest {
    /// An upper bound of the tokens that this request has before the reply.
    ///
    /// Every token stands for at least one byte, so it is the bytes of the messages and of the JSON schema, and something
    /// for what servers put around them. English text has about a quarter of it.
    pub fn max_input_tokens(&self) -> u64 {
        let messages = self.messages.iter().map(|message| message.content.len() as u64 + TOKENS_PER_MESSAGE);
        let format = match &self.response_format {
            Some(ResponseFormat::JsonSchema { name, schema }) => name.len() as u64 + json_len(schema),
            Some(ResponseFormat::JsonObject) | None => 0,
        };
        messages.fold(TOKENS_PER_REQUEST.saturating_add(format), u64::saturating_add)
    }
}

fn json_len(value: &serde_json::Value) -> u64 {
    let mut counter = Counter(0);
    // A counter takes everything.
    let _ = serde_json::to_writer(&mut counter, value);
    counter.0
}

struct Counter(u64);

impl io::Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
