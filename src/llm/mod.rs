//! The language model behind one trait: a [`CompletionRequest`] goes in, a [`Completion`] or an [`LlmError`] comes out.
//!
//! Start with [`LlmClient`]. [`RuleLlm`] answers by rule, without key and network; [`MockLlm`] replies from a script and
//! remembers what it was asked; [`Replay`] gives recorded completions again. Real servers are
//! asked by `OpenAi` (feature `openai`) and `Genai` (feature `genai`).
//!
//! # Wrappers
//!
//! One call of a client is one attempt. What goes beyond is done by wrappers, which are clients themselves:
//!
//! | wrapper | does |
//! | --- | --- |
//! | [`Retry`] | tries again what may pass later, at the moment that the server names or after a guess |
//! | [`Limit`] | lets so many calls run at a time, so many requests and tokens through in a minute |
//! | [`Budget`] | caps what is spent, over restarts |
//! | [`Record`] | keeps completions |
//! | [`Fallback`] | hands on to a second client what the first refuses or cannot fit |
//! | [`Breaker`] | holds calls back from a server that does not answer, and stops the run when that goes on |
//!
//! Their order matters: `Retry` around `Limit` around `Breaker` around the client, which is what [`resilient`] builds.
//! `Retry` is outside of `Limit`, so that a request that waits for its next attempt takes no place from others.
//! `Breaker` is next to the client, so that a call that has passed the others is still held back when the server dies.
//! Let a pipeline have more calls at a time than `Limit` lets through, twice as many say: then others are under way while
//! some wait. What must see every attempt, because each may be billed (`Budget`), goes inside of `Breaker`; what must see
//! every request once (`Record`) goes outside of `Retry`. All of them wait by a [`Timer`] and need no runtime of their own.
//!
//! This module knows strings, not images: nothing here depends on annotations, prompts or replies.

mod activity;
mod breaker;
mod bucket;
mod budget;
#[cfg(feature = "testing")]
pub mod conformance;
mod error;
mod estimate;
mod fallback;
#[cfg(feature = "genai")]
mod genai;
mod identity;
mod limit;
mod mock;
mod money;
#[cfg(feature = "openai")]
mod openai;
mod prices;
mod queue;
mod record;
mod replay;
mod retry;
mod rules;
mod stack;
mod stop;
#[cfg(feature = "testing")]
pub mod testing;
mod timer;
mod wait;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

pub use activity::Activity;
pub use breaker::{Breaker, BreakerPolicy};
pub use budget::{Account, Budget, Spending};
#[cfg_attr(not(feature = "openai"), allow(unused_imports, reason = "only batches are charged from elsewhere"))]
pub(crate) use budget::{Charge, Totals};
pub use error::{LlmError, LlmErrorKind};
pub use estimate::Estimate;
pub use fallback::Fallback;
#[cfg(feature = "genai")]
pub use genai::{Genai, GenaiConfig};
pub use limit::{Limit, Limits};
pub use mock::{MockLlm, MockReply};
pub use money::{Money, MoneyError};
#[cfg(feature = "openai")]
pub use openai::{
    Batch, BatchApi, BatchCounts, BatchFile, BatchResult, BatchStatus, OpenAi, OpenAiConfig, Secret, Timeouts,
    TokenLimit,
};
pub use prices::{Price, Prices};
pub use record::Record;
pub use replay::Replay;
pub use retry::{Failures, Retry, RetryDecision, RetryPolicy};
pub use rules::RuleLlm;
pub use stack::resilient;
pub use stop::StopSignal;
pub use timer::Timer;
#[cfg(feature = "tokio")]
pub use timer::TokioTimer;

use crate::choice::Choices;

pub(crate) use identity::messages_digest;

/// A service that completes prompts.
///
/// # Contract
/// - One call is one attempt: no retrying, waiting or caching inside. Those are wrappers, so that each exists once.
/// - The same client is called from many tasks at once.
/// - Dropping the future gives the call up; it may have been billed.
/// - What goes wrong is an [`LlmError`] whose kind says what the caller can do about it.
///
/// # Example
/// ```
/// use svitgen::{Completion, CompletionRequest, LlmClient, LlmError, async_trait};
///
/// #[derive(Debug)]
/// struct Parrot;
///
/// #[async_trait]
/// impl LlmClient for Parrot {
///     async fn complete(&self, request: &CompletionRequest) -> Result<Completion, LlmError> {
///         Ok(Completion::new(request.last_user_text()))
///     }
/// }
/// ```
#[async_trait]
pub trait LlmClient: fmt::Debug + Send + Sync {
    /// Makes one attempt at completing `request`.
    ///
    /// # Errors
    /// [`LlmError`], with a kind that tells transient faults from permanent ones.
    async fn complete(&self, request: &CompletionRequest) -> Result<Completion, LlmError>;

    /// What answers, for the manifest of a run: a fixed name that holds no secret. Wrappers pass on the inner name.
    fn name(&self) -> &str {
        "custom"
    }

    /// What it has done so far, for whoever watches a run. Wrappers add what they know to what the inner client says.
    fn activity(&self) -> Activity {
        Activity::default()
    }
}

#[async_trait]
impl<C: LlmClient + ?Sized> LlmClient for Arc<C> {
    async fn complete(&self, request: &CompletionRequest) -> Result<Completion, LlmError> {
        (**self).complete(request).await
    }

    fn name(&self) -> &str {
        (**self).name()
    }

    fn activity(&self) -> Activity {
        (**self).activity()
    }
}

#[async_trait]
impl<C: LlmClient + ?Sized> LlmClient for Box<C> {
    async fn complete(&self, request: &CompletionRequest) -> Result<Completion, LlmError> {
        (**self).complete(request).await
    }

    fn name(&self) -> &str {
        (**self).name()
    }

    fn activity(&self) -> Activity {
        (**self).activity()
    }
}

/// Who says a message of a prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MessageRole {
    /// The instructions that hold for all that follows.
    System,
    /// The one who asks.
    User,
    /// The language model.
    Assistant,
}

/// One message of a prompt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Who says it.
    pub role: MessageRole,
    /// What is said.
    pub content: String,
}

impl Message {
    /// A message of the given role.
    pub fn new(role: MessageRole, content: impl Into<String>) -> Self {
        Self { role, content: content.into() }
    }
}

/// How a completion is to be made. Every field is optional: what is not set is left to the server.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Parameters {
    /// Name of the model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Most tokens that the reply may have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u32>,
    /// Sampling temperature, 0 to 2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// Share of the probability mass to sample from, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f64>,
    /// Seed for servers that sample repeatably.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
}

impl Parameters {
    /// Sets the name of the model.
    #[must_use]
    pub fn with_model(mut self, model: impl Into<String>) -> Self {
        self.model = Some(model.into());
        self
    }

    /// Sets the most tokens that the reply may have.
    #[must_use]
    pub fn with_max_tokens(mut self, max_tokens: u32) -> Self {
        self.max_tokens = Some(max_tokens);
        self
    }

    /// Sets the sampling temperature, 0 to 2.
    #[must_use]
    pub fn with_temperature(mut self, temperature: f64) -> Self {
        self.temperature = Some(temperature);
        self
    }

    /// Sets the share of the probability mass to sample from, 0 to 1.
    #[must_use]
    pub fn with_top_p(mut self, top_p: f64) -> Self {
        self.top_p = Some(top_p);
        self
    }

    /// Sets the seed for servers that sample repeatably.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// What is set here, and for the rest what is set in `others`.
    #[must_use]
    pub fn or(self, others: &Self) -> Self {
        Self {
            model: self.model.or_else(|| others.model.clone()),
            max_tokens: self.max_tokens.or(others.max_tokens),
            temperature: self.temperature.or(others.temperature),
            top_p: self.top_p.or(others.top_p),
            seed: self.seed.or(others.seed),
        }
    }
}

/// What is sent: the messages of a prompt, and how they are to be completed.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct CompletionRequest {
    /// The messages, in order.
    pub messages: Vec<Message>,
    /// How to complete them.
    pub parameters: Parameters,
    /// The shape that the reply is held to by servers that can; `None` for text of any shape.
    pub response_format: Option<ResponseFormat>,
}

/// The shape to which a server holds a reply while it is written.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ResponseFormat {
    /// One JSON object of any shape.
    JsonObject,
    /// JSON of one shape.
    JsonSchema {
        /// A name for the shape, `snake_case`.
        name: String,
        /// The JSON schema.
        schema: serde_json::Value,
    },
}

impl CompletionRequest {
    /// A request that leaves every parameter to the server.
    pub fn new(messages: Vec<Message>) -> Self {
        Self { messages, parameters: Parameters::default(), response_format: None }
    }

    /// Sets how to complete the messages.
    #[must_use]
    pub fn with_parameters(mut self, parameters: Parameters) -> Self {
        self.parameters = parameters;
        self
    }

    /// Sets the shape that the reply is held to.
    #[must_use]
    pub fn with_response_format(mut self, format: Option<ResponseFormat>) -> Self {
        self.response_format = format;
        self
    }

    /// Random choices that depend on what is asked and on the number of the attempt.
    fn choices(&self, seed: u64, attempt: u32) -> Choices {
        let attempt = attempt.to_le_bytes();
        let contents = self.messages.iter().map(|message| message.content.as_bytes());
        Choices::new(seed, contents.chain([attempt.as_slice()]))
    }

    /// The text of the last message of the user; empty if there is none.
    pub fn last_user_text(&self) -> &str {
        let last = self.messages.iter().rev().find(|message| message.role == MessageRole::User);
        last.map_or("", |message| &message.content)
    }
}

/// What one call returned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Completion {
    /// The reply, untouched.
    pub text: String,
    /// Why the model stopped.
    #[serde(default)]
    pub finish_reason: FinishReason,
    /// Tokens read and written, if the server told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// The model that answered, as the server calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The server's id of this completion.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

impl Completion {
    /// A completion that ended by itself.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), finish_reason: FinishReason::Stop, usage: None, model: None, id: None }
    }

    /// Sets why the model stopped.
    #[must_use]
    pub fn with_finish_reason(mut self, finish_reason: FinishReason) -> Self {
        self.finish_reason = finish_reason;
        self
    }

    /// Sets the tokens read and written.
    #[must_use]
    pub fn with_usage(mut self, usage: Usage) -> Self {
        self.usage = Some(usage);
        self
    }

    /// Sets the model that answered.
    #[must_use]
    pub fn with_model(mut self, model: impl Into<String>) -> Self {
        self.model = Some(model.into());
        self
    }

    /// Sets the server's id of this completion.
    #[must_use]
    pub fn with_id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }
}

/// Why a model stopped.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
#[non_exhaustive]
pub enum FinishReason {
    /// The reply is whole (`stop`).
    Stop,
    /// The token limit cut the reply (`length`).
    Length,
    /// A filter withheld it or part of it (`content_filter`).
    ContentFilter,
    /// The server did not say.
    #[default]
    Unknown,
    /// Another word of the server's.
    Other(String),
}

impl From<String> for FinishReason {
    fn from(word: String) -> Self {
        match word.as_str() {
            "stop" => Self::Stop,
            "length" => Self::Length,
            "content_filter" => Self::ContentFilter,
            "" | "unknown" => Self::Unknown,
            _ => Self::Other(word),
        }
    }
}

impl From<FinishReason> for String {
    fn from(reason: FinishReason) -> Self {
        match reason {
            FinishReason::Stop => "stop".to_owned(),
            FinishReason::Length => "length".to_owned(),
            FinishReason::ContentFilter => "content_filter".to_owned(),
            FinishReason::Unknown => "unknown".to_owned(),
            FinishReason::Other(word) => word,
        }
    }
}

/// Tokens of one call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens of the prompt.
    pub input_tokens: u64,
    /// Tokens of the reply.
    pub output_tokens: u64,
}
