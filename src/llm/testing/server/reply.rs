//! What a server is asked, and what it does about it.

use std::time::Duration;

use serde_json::{Value, json};

/// A request as the server got it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ServerRequest {
    /// `/v1/chat/completions`
    pub path: String,
    /// Names in lower case, with their values, in order.
    pub headers: Vec<(String, String)>,
    /// The body; `null` if it is no JSON.
    pub body: Value,
    /// The body as it came, such as a form with a file.
    pub bytes: Vec<u8>,
}

impl ServerRequest {
    /// The first header of this name, which is given in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| header == name).map(|(_, value)| value.as_str())
    }

    /// The text of the last message; empty if there is none.
    pub fn last_user_text(&self) -> &str {
        self.body["messages"].as_array().and_then(|all| all.last()?["content"].as_str()).unwrap_or_default()
    }
}

/// What the server does with a request.
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub struct ServerReply {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
    pub(super) delay: Duration,
    pub(super) ending: Ending,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Ending {
    Whole,
    /// The connection is closed after so many bytes of the body.
    CutAfter(usize),
    /// The connection is closed without a byte.
    Closed,
    /// Nothing comes until the server is dropped.
    Hangs,
}

impl ServerReply {
    /// A status with an empty body.
    pub fn status(status: u16) -> Self {
        let (headers, body) = (Vec::new(), Vec::new());
        Self { status, headers, body, delay: Duration::ZERO, ending: Ending::Whole }
    }

    /// Status 200 with a completion of this text, as chat-completions endpoints write it.
    pub fn completion(text: &str) -> Self {
        let body = json!({
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "model": "fault-server",
            "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
        });
        Self::status(200).with_header("Content-Type", "application/json").with_body(body.to_string())
    }

    /// The connection is closed before anything is answered.
    pub fn closed() -> Self {
        Self { ending: Ending::Closed, ..Self::status(200) }
    }

    /// Nothing is answered until the server is dropped.
    pub fn hang() -> Self {
        Self { ending: Ending::Hangs, ..Self::status(200) }
    }

    /// Adds a header.
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sets the body.
    pub fn with_body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Sets a wait before the answer.
    pub fn with_delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Closes the connection after so many bytes of the body, of which all were announced.
    pub fn cut_after(mut self, n_bytes: usize) -> Self {
        self.ending = Ending::CutAfter(n_bytes);
        self
    }
}
