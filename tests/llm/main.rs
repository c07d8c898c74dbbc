//! The clients that come with the crate.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests fail by panicking and say what they went through")]

mod account_file;
mod budget;
mod fallback;
mod mock;
mod money;
mod record;
mod rules;
#[path = "../support/mod.rs"]
mod support;

use svitgen::llm::{CompletionRequest, Message, MessageRole};

fn request(text: &str) -> CompletionRequest {
    CompletionRequest::new(vec![Message::new(MessageRole::User, text)])
}
