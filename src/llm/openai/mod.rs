//! A client for every server with a chat-completions endpoint.

mod address;
mod batch;
mod body;
pub(super) mod config;
mod dialect;
pub(super) mod failure;
pub(super) mod reply;
pub(super) mod report;
mod request;
mod retry_after;
pub(super) mod secret;
mod stream;
mod tls;
pub(super) mod transport;

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use reqwest::Response;
use tokio::time::timeout;

use crate::llm::{Completion, CompletionRequest, LlmClient, LlmError, LlmErrorKind};
use dialect::{Concession, Concessions, Dialect};
use request::{Additions, Body};
use stream::{Assembly, is_plain};
use transport::{Failure, Transport};

pub use batch::{Batch, BatchApi, BatchCounts, BatchFile, BatchResult, BatchStatus};
pub use config::{OpenAiConfig, Timeouts, TokenLimit};
pub use secret::Secret;

/// A client for any server that speaks OpenAI's protocol: OpenAI, Azure, vLLM, SGLang, llama.cpp, Ollama, LiteLLM,
/// DeepSeek and other vendors and gateways.
///
/// It needs a tokio runtime with I/O and time; outside of one each call is an [`LlmErrorKind::Unavailable`]. Requests go
/// over HTTP/1.1, whose connections are kept and shared, compressed bodies are unpacked, and `HTTP_PROXY`, `HTTPS_PROXY`
/// and `NO_PROXY` are obeyed. Certificates are those of the machine, or of the file that `SSL_CERT_FILE` names.
///
/// # One call, one attempt
/// Nothing is retried. There is one exception: a server may refuse a field before it does any work, such as
/// `response_format` with a JSON schema. Then the same call goes on with the next simpler form (`json_schema`, then
/// `json_object` with the schema, then without it, then none; `max_tokens`, then `max_completion_tokens`; without
/// `temperature`, `top_p`, `seed`), and all further calls start there. See [`refused_fields`](Self::refused_fields).
///
/// # What becomes of answers
/// - The text is the `content` of the first choice, or the `refusal` if that is all there is; `null` is an empty text;
///   reasoning that comes beside it is left out. Missing or odd usage, ids and finish reasons are no errors.
/// - A body above the cap ([`OpenAiConfig::with_body_cap`]), one that is cut, or no completion is `Malformed`. Bodies above
///   64 KiB take up 64 MiB together at most, or one body's cap twice if that is more; further ones wait.
/// - A redirect is not followed, so that no key goes where the user did not send it.
/// - Messages of errors hold what the server says, up to 300 characters, without the key.
///
/// # Example
/// ```no_run
/// use svitgen::llm::{LlmClient, Message, MessageRole, OpenAi, OpenAiConfig, Parameters};
/// use svitgen::CompletionRequest;
///
/// # async fn example() -> Result<(), svitgen::LlmError> {
/// let config = OpenAiConfig::new("https://api.openai.com/v1").with_key_from_env("OPENAI_API_KEY");
/// let client = OpenAi::new(config.with_model("gpt-4.1-mini"))?;
/// let request = CompletionRequest::new(vec![Message::new(MessageRole::User, "What is a kite?")])
///     .with_parameters(Parameters::default().with_max_tokens(200));
/// assert!(!client.complete(&request).await?.text.is_empty());
/// # Ok(())
/// # }
/// ```
pub struct OpenAi {
    transport: Transport,
    additions: Additions,
    dialect: Dialect,
}

/// What one exchange with the server brought, if it was not cut off.
enum Exchange {
    Completion(Completion),
    Failure(Failure),
}

/// How long to wait for the end of a stream behind the mark of its end, so that the connection can be used again.
const LAST_BYTES: Duration = Duration::from_millis(100);

impl OpenAi {
    /// A client as `config` says. Nothing is sent yet.
    ///
    /// # Errors
    /// [`LlmErrorKind::InvalidRequest`] for a URL, header or proxy that cannot be used, [`LlmErrorKind::Credentials`] for a
    /// key that no header can hold, [`LlmErrorKind::Unavailable`] for `https` on a machine without certificates.
    pub fn new(config: OpenAiConfig) -> Result<Self, LlmError> {
        let transport = Transport::new(&config)?;
        Ok(Self { additions: Additions::new(config, &transport.address), transport, dialect: Dialect::default() })
    }

    /// The fields that the server refused so far and that are no longer sent, such as `response_format json_schema`.
    pub fn refused_fields(&self) -> Vec<&'static str> {
        self.dialect.concessions().names()
    }

    async fn attempt(&self, request: &CompletionRequest) -> Result<Completion, LlmError> {
        let mut local = Concessions::default();
        let mut guessed = Vec::new();
        loop {
            let without = self.dialect.concessions().and(local);
            let body = Body { request, additions: &self.additions, without };
            let failure = match self.exchange(body.to_bytes()?).await? {
                Exchange::Completion(completion) => {
                    self.learn(body, &guessed);
                    return Ok(completion);
                }
                Exchange::Failure(failure) => failure,
            };
            let Some((concession, is_guess)) = self.concede(body, &failure) else { return Err(failure.error) };
            local = local.with(concession);
            if is_guess {
                guessed.push(concession);
            } else {
                self.dialect.learn(concession);
            }
        }
    }

    /// What to leave out so that this failure does not come again, and whether that is only a guess.
    fn concede(&self, body: Body<'_>, failure: &Failure) -> Option<(Concession, bool)> {
        if !matches!(failure.error.kind(), LlmErrorKind::InvalidRequest | LlmErrorKind::Transient) {
            return None;
        }
        let asked = body.asked();
        if let Some(concession) = Dialect::named(failure.status, &failure.report, asked) {
            return Some((concession, false));
        }
        let format = match asked {
            asked if asked.json_schema => Concession::JsonSchema,
            asked if asked.schema_in_object => Concession::SchemaInObject,
            _ => Concession::JsonObject,
        };
        self.dialect.may_guess(failure.status, asked).then_some((format, true))
    }

    /// Remembers what a success says about the server.
    fn learn(&self, body: Body<'_>, guessed: &[Concession]) {
        let asked = body.asked();
        if asked.json_schema {
            self.dialect.schema_was_taken();
        } else if !self.dialect.takes_schemas() {
            guessed.iter().for_each(|concession| self.dialect.learn(*concession));
            if asked.schema_in_object {
                self.dialect.schema_in_object_was_taken();
            }
        }
    }

    async fn exchange(&self, body: Bytes) -> Result<Exchange, LlmError> {
        let response = self.transport.post(self.transport.address.endpoint("chat/completions"), body).await?;
        if !response.status().is_success() {
            return Ok(Exchange::Failure(self.transport.failure(response).await));
        }
        let completion =
            if self.additions.streaming { self.read_stream(response).await } else { self.read(response).await };
        completion.map(Exchange::Completion)
    }

    async fn read(&self, mut response: Response) -> Result<Completion, LlmError> {
        let mut room = self.transport.bodies.room();
        let body = self.transport.bodies.read(&mut response, &mut room).await;
        reply::completion(&body.map_err(|error| self.transport.body_error(error))?, &self.transport.redactor)
    }

    async fn read_stream(&self, mut response: Response) -> Result<Completion, LlmError> {
        let redactor = &self.transport.redactor;
        let mut room = self.transport.bodies.room();
        let mut assembly = Assembly::new();
        let mut plain: Option<Vec<u8>> = None;
        let mut is_first = true;
        let broken = loop {
            let piece = match response.chunk().await {
                Ok(Some(piece)) => piece,
                Ok(None) => break None,
                Err(error) => break Some(self.transport.body_error(error.into())),
            };
            if std::mem::take(&mut is_first) && is_plain(&piece) {
                plain = Some(Vec::new());
            }
            let held = plain.as_ref().map_or_else(|| assembly.len(), Vec::len) + piece.len();
            room.hold(held).await.map_err(|error| self.transport.body_error(error))?;
            match &mut plain {
                Some(body) => body.extend_from_slice(&piece),
                None => assembly.push(&piece, redactor)?,
            }
            if assembly.is_done() {
                let _ = timeout(LAST_BYTES, response.chunk()).await;
                break None;
            }
        };
        match (broken, plain) {
            (Some(error), None) if assembly.is_whole() => assembly.finish(redactor).map_err(|_| error),
            (Some(error), _) => Err(error),
            (None, Some(body)) => reply::completion(&body, redactor),
            (None, None) => assembly.finish(redactor),
        }
    }
}

#[async_trait]
impl LlmClient for OpenAi {
    async fn complete(&self, request: &CompletionRequest) -> Result<Completion, LlmError> {
        self.transport.within(self.attempt(request)).await
    }

    fn name(&self) -> &str {
        "openai"
    }
}

impl fmt::Debug for OpenAi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenAi")
            .field("base_url", &self.transport.address)
            .field("model", &self.additions.model)
            .field("refused_fields", &self.refused_fields())
            .finish_non_exhaustive()
    }
}
