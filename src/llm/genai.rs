//! Vendors with protocols of their own, through the crate `genai`.

use std::fmt;

use async_trait::async_trait;
use genai::adapter::AdapterKind;
use genai::chat::{ChatMessage, ChatOptions, ChatRequest, ChatResponse, ChatResponseFormat, JsonSpec, StopReason};
use genai::resolver::{AuthData, Endpoint, ProviderConfig};
use genai::{Client, webc};
use reqwest::header::HeaderMap;

use crate::llm::openai::config::{ProxyChoice, Timeouts};
use crate::llm::openai::failure::{beginning, failure, failure_inside, short};
use crate::llm::openai::reply::malformed;
use crate::llm::openai::report::Report;
use crate::llm::openai::secret::{Redactor, Secret};
use crate::llm::openai::transport::{client, transport_error, within};
use crate::llm::{
    Completion, CompletionRequest, FinishReason, LlmClient, LlmError, LlmErrorKind, MessageRole, ResponseFormat, Usage,
};

/// Which vendor, with which key, and for how long to wait.
///
/// # Example
/// ```
/// use svitgen::llm::{Genai, GenaiConfig};
/// let client = Genai::new(GenaiConfig::new().with_vendor("anthropic").with_model("claude-sonnet-4-5"))?;
/// # Ok::<(), svitgen::LlmError>(())
/// ```
#[derive(Clone)]
pub struct GenaiConfig {
    vendor: Option<String>,
    key: Option<Secret>,
    base_url: Option<String>,
    model: Option<String>,
    timeouts: Timeouts,
    proxy: ProxyChoice,
}

impl Default for GenaiConfig {
    fn default() -> Self {
        Self {
            vendor: None,
            key: None,
            base_url: None,
            model: None,
            timeouts: Timeouts::default(),
            proxy: ProxyChoice::Environment,
        }
    }
}

impl GenaiConfig {
    /// The vendor is told by the name of the model, and the key comes from the vendor's usual environment variable.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks this vendor, whatever the model is called: `anthropic`, `gemini`, `cohere`, `bedrock_api` and so on.
    #[must_use]
    pub fn with_vendor(mut self, vendor: impl Into<String>) -> Self {
        self.vendor = Some(vendor.into());
        self
    }

    /// Sets the key of the vendor that [`with_vendor`](Self::with_vendor) names.
    #[must_use]
    pub fn with_key(mut self, key: Secret) -> Self {
        self.key = Some(key);
        self
    }

    /// Sets where that vendor's protocol is spoken, such as a gateway: all that stands before `messages` or `models`.
    #[must_use]
    pub fn with_base_url(mut self, base_url: impl Into<String>) -> Self {
        self.base_url = Some(base_url.into());
        self
    }

    /// Sets the model of requests that name none.
    #[must_use]
    pub fn with_model(mut self, model: impl Into<String>) -> Self {
        self.model = Some(model.into());
        self
    }

    /// Sets how long to wait; the time to the first byte is not told apart from that for everything.
    #[must_use]
    pub fn with_timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// Goes through the proxy at `url`, `http://` or `https://`; unless set, the environment decides.
    #[must_use]
    pub fn with_proxy(mut self, url: impl AsRef<str>) -> Self {
        self.proxy = ProxyChoice::Url(Secret::new(url));
        self
    }

    /// Goes through no proxy, whatever the environment says.
    #[must_use]
    pub fn without_proxy(mut self) -> Self {
        self.proxy = ProxyChoice::Direct;
        self
    }

    fn adapter(&self) -> Result<Option<AdapterKind>, LlmError> {
        let Some(vendor) = &self.vendor else { return Ok(None) };
        let adapter = AdapterKind::from_lower_str(&vendor.to_lowercase());
        adapter.map(Some).ok_or_else(|| {
            let known: Vec<_> = AdapterKind::all().iter().map(AdapterKind::as_lower_str).collect();
            invalid(format!("{vendor:?} is no vendor that is known; there are {}", known.join(", ")))
        })
    }
}

impl fmt::Debug for GenaiConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GenaiConfig")
            .field("vendor", &self.vendor)
            .field("key", &self.key)
            .field("model", &self.model)
            .field("timeouts", &self.timeouts)
            .finish_non_exhaustive()
    }
}

/// A client for vendors with protocols of their own: Anthropic, Gemini, Cohere, Bedrock and what else `genai` knows.
///
/// One call is one attempt, as everywhere; it needs a tokio runtime. Connections, TLS, proxies and redirects are as with
/// [`OpenAi`](super::OpenAi), and so is what becomes of errors: keys never show. Two things are weaker than there, as
/// `genai` reads answers by itself: a body has no cap, and what a model says when it refuses may be lost, so that an empty
/// text is left. For a server that speaks OpenAI's protocol take [`OpenAi`](super::OpenAi).
pub struct Genai {
    client: Client,
    vendor: Option<AdapterKind>,
    model: Option<String>,
    timeouts: Timeouts,
    redactor: Redactor,
}

impl Genai {
    /// A client as `config` says. Nothing is sent yet.
    ///
    /// # Errors
    /// [`LlmErrorKind::InvalidRequest`] for an unknown vendor, for a key or base URL without a vendor, or for a proxy that
    /// cannot be used; [`LlmErrorKind::Unavailable`] on a machine without certificates, unless the base URL is `http`.
    pub fn new(config: GenaiConfig) -> Result<Self, LlmError> {
        let vendor = config.adapter()?;
        let mut redactor = Redactor::default();
        config.key.iter().for_each(|key| redactor.add(key.clone()));
        let variables = AdapterKind::all().iter().filter_map(AdapterKind::default_key_env_name);
        variables.filter_map(Secret::from_env).for_each(|key| redactor.add(key));
        let is_plain = config.base_url.as_ref().is_some_and(|url| url.starts_with("http://"));
        let http = client(&config.timeouts, &config.proxy, !is_plain, &mut redactor)?;
        let mut builder = Client::builder().with_reqwest(http);
        let provider = ProviderConfig {
            endpoint: config.base_url.map(|url| Endpoint::from_owned(format!("{}/", url.trim_end_matches('/')))),
            auth: config.key.map(|key| AuthData::from_single(key.expose())),
        };
        match vendor {
            Some(vendor) => builder = builder.with_adapter_kind(vendor).append_provider_config(vendor, provider),
            None if provider.endpoint.is_some() || provider.auth.is_some() => {
                return Err(invalid("a key or a base URL is of use only for a vendor that is named".to_owned()));
            }
            None => {}
        }
        let client = builder.build().map_err(|error| invalid(short(&error.to_string(), &redactor)))?;
        Ok(Self { client, vendor, model: config.model, timeouts: config.timeouts, redactor })
    }

    async fn attempt(&self, request: &CompletionRequest) -> Result<Completion, LlmError> {
        let model = request.parameters.model.as_ref().or(self.model.as_ref());
        let model = model.ok_or_else(|| invalid("neither the request nor the client names a model".to_owned()))?;
        let messages = request.messages.iter().map(|message| match message.role {
            MessageRole::System => ChatMessage::system(message.content.as_str()),
            MessageRole::User => ChatMessage::user(message.content.as_str()),
            MessageRole::Assistant => ChatMessage::assistant(message.content.as_str()),
        });
        let chat = ChatRequest::new(messages.collect());
        let answer = self.client.exec_chat(model.as_str(), chat, Some(&options(request))).await;
        answer.map(completion).map_err(|error| self.error(error))
    }

    fn error(&self, error: genai::Error) -> LlmError {
        use genai::Error as E;
        let redactor = &self.redactor;
        let with_headers = |status: u16, headers: &HeaderMap, body: &str| {
            failure(status, headers, &Report::of(body.as_bytes()), redactor)
        };
        match error {
            E::WebModelCall { webc_error, .. } | E::WebAdapterCall { webc_error, .. } => match webc_error {
                webc::Error::ResponseFailedStatus { status, body, headers } => {
                    with_headers(status.as_u16(), &headers, &body)
                }
                webc::Error::Reqwest(error) => transport_error(error, redactor),
                webc::Error::ResponseFailedNotJson { body, .. }
                | webc::Error::ResponseFailedInvalidJson { body, .. } => {
                    malformed(format!("the server sent no completion; it begins: {}", beginning(&body, redactor)))
                }
                error => malformed(short(&error.to_string(), redactor)),
            },
            E::HttpError { status, body, headers, .. } => with_headers(status.as_u16(), &headers, &body),
            E::ChatResponse { body, .. } => failure_inside(&Report::of_value(&body), redactor),
            // Its text would hold the whole prompt.
            E::ChatResponseGeneration { cause, .. } => {
                malformed(format!("the server sent no completion: {}", short(&cause, redactor)))
            }
            error => LlmError::new(kind(&error), short(&error.to_string(), redactor)),
        }
    }
}

#[async_trait]
impl LlmClient for Genai {
    async fn complete(&self, request: &CompletionRequest) -> Result<Completion, LlmError> {
        within(self.timeouts.whole, self.attempt(request)).await
    }

    fn name(&self) -> &str {
        "genai"
    }
}

impl fmt::Debug for Genai {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let vendor = self.vendor.as_ref().map(AdapterKind::as_lower_str);
        f.debug_struct("Genai").field("vendor", &vendor).field("model", &self.model).finish_non_exhaustive()
    }
}

fn options(request: &CompletionRequest) -> ChatOptions {
    let parameters = &request.parameters;
    ChatOptions {
        temperature: parameters.temperature,
        max_tokens: parameters.max_tokens,
        top_p: parameters.top_p,
        seed: parameters.seed,
        response_format: request.response_format.as_ref().map(|format| match format {
            ResponseFormat::JsonObject => ChatResponseFormat::JsonMode,
            ResponseFormat::JsonSchema { name, schema } => JsonSpec::new(name.as_str(), schema.clone()).into(),
        }),
        ..ChatOptions::default()
    }
}

fn completion(answer: ChatResponse) -> Completion {
    let tokens = |count: Option<i32>| count.and_then(|count| u64::try_from(count).ok());
    let (input, output) = (tokens(answer.usage.prompt_tokens), tokens(answer.usage.completion_tokens));
    let mut completion = Completion::new(answer.content.texts().concat());
    completion.finish_reason = match answer.stop_reason {
        None => FinishReason::Unknown,
        Some(StopReason::Completed(_) | StopReason::StopSequence(_)) => FinishReason::Stop,
        Some(StopReason::MaxTokens(_)) => FinishReason::Length,
        Some(StopReason::ContentFilter(_)) => FinishReason::ContentFilter,
        Some(StopReason::ToolCall(word) | StopReason::Other(word)) => FinishReason::from(word),
    };
    completion.usage = input
        .or(output)
        .map(|_| Usage { input_tokens: input.unwrap_or_default(), output_tokens: output.unwrap_or_default() });
    completion.model = Some(answer.provider_model_iden.model_name.to_string());
    completion.id = answer.response_id;
    completion
}

/// What can be done about errors that come without an answer.
fn kind(error: &genai::Error) -> LlmErrorKind {
    use genai::Error as E;
    match error {
        E::RequiresApiKey { .. } | E::NoAuthResolver { .. } | E::NoAuthData { .. } | E::Resolver { .. } => {
            LlmErrorKind::Credentials
        }
        E::NoChatResponse { .. } | E::InvalidJsonResponseElement { .. } | E::JsonValueExt(_) | E::SerdeJson(_) => {
            LlmErrorKind::Malformed
        }
        _ => LlmErrorKind::InvalidRequest,
    }
}

fn invalid(message: String) -> LlmError {
    LlmError::new(LlmErrorKind::InvalidRequest, message)
}
