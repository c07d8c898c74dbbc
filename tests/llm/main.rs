//! The clients that come with the crate.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests fail by panicking and say what they went through")]

mod account_file;
#[cfg(feature = "testing")]
mod breaker;
mod budget;
mod fallback;
#[cfg(feature = "testing")]
mod conformance;
#[cfg(all(feature = "testing", feature = "tracing"))]
mod events;
#[cfg(feature = "testing")]
mod faulty;
#[cfg(feature = "testing")]
mod limit;
#[cfg(feature = "genai")]
mod genai;
mod mock;
mod money;
#[cfg(feature = "openai")]
mod openai;
mod record;
#[cfg(feature = "testing")]
mod retry;
mod rules;
#[cfg(feature = "testing")]
mod shipped;
#[cfg(feature = "testing")]
mod stop;
#[cfg(feature = "testing")]
mod server;
#[cfg(feature = "openai")]
#[path = "../support/hostile.rs"]
mod hostile;
#[path = "../support/mod.rs"]
mod support;
#[cfg(all(feature = "testing", feature = "tracing"))]
#[path = "../support/events.rs"]
mod support_events;
#[cfg(feature = "testing")]
mod timer;

use svitgen::llm::{CompletionRequest, Message, MessageRole};

fn request(text: &str) -> CompletionRequest {
    CompletionRequest::new(vec![Message::new(MessageRole::User, text)])
}
