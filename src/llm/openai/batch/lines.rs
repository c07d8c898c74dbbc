//! Requests as lines of a file.

use serde::Serialize;

use super::ENDPOINT;
use crate::llm::openai::dialect::Concessions;
use crate::llm::openai::request::{Additions, Body};
use crate::llm::{CompletionRequest, LlmError, LlmErrorKind};

#[derive(Serialize)]
struct Line<'r> {
    custom_id: &'r str,
    method: &'r str,
    url: &'r str,
    body: Body<'r>,
}

pub(super) fn line(custom_id: &str, request: &CompletionRequest, additions: &Additions) -> Result<Vec<u8>, LlmError> {
    let body = Body { request, additions, without: Concessions::default() };
    let line = serde_json::to_vec(&Line { custom_id, method: "POST", url: ENDPOINT, body });
    let mut line = line.map_err(|error| LlmError::new(LlmErrorKind::InvalidRequest, error.to_string()))?;
    line.push(b'\n');
    Ok(line)
}
