//! The client for chat-completions endpoints, against servers of every kind.

mod batch;
mod errors;
mod fields;
mod hostile;
mod limits;
mod replies;
mod secrets;
pub(crate) mod server;
mod streams;

use std::time::Duration;

use svitgen::llm::{Completion, CompletionRequest, LlmClient, OpenAi, OpenAiConfig, Timeouts};
use svitgen::{LlmError, Message, MessageRole};

use server::Server;

/// Polls `future` to its end, which must come before everyone has lost patience.
pub(crate) fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { tokio::time::timeout(Duration::from_secs(120), future).await.unwrap() })
}

pub(crate) fn config(server: &Server) -> OpenAiConfig {
    let timeouts = Timeouts::default().with_first_byte(Duration::from_secs(60)).with_whole(Duration::from_secs(90));
    OpenAiConfig::new(server.url()).without_proxy().with_model("m").with_timeouts(timeouts)
}

pub(crate) fn request() -> CompletionRequest {
    CompletionRequest::new(vec![
        Message::new(MessageRole::System, "Be brief."),
        Message::new(MessageRole::User, "What is \"this\"?\nA dog – or image_id 7?"),
    ])
}

/// What a client makes of one answer.
fn ask(answer: Vec<u8>) -> Result<Completion, LlmError> {
    let server = Server::start(move |_, _| answer.clone());
    let client = OpenAi::new(config(&server)).unwrap();
    run(client.complete(&request()))
}
