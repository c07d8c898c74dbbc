//! The clients that come with the crate.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests fail by panicking and say what they went through")]

#[cfg(feature = "genai")]
mod genai;
mod mock;
#[cfg(feature = "openai")]
mod openai;
mod rules;
#[path = "../support/mod.rs"]
mod support;

use svitgen::llm::{CompletionRequest, Message, MessageRole};

fn request(text: &str) -> CompletionRequest {
    CompletionRequest::new(vec![Message::new(MessageRole::User, text)])
}
