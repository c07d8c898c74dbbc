//! Which server, with which key, and for how long to wait.

use std::time::Duration;

use serde_json::{Map, Value};

use super::secret::Secret;

/// How to reach a server that speaks OpenAI's protocol, and what to send it beyond messages and parameters.
///
/// # Example
/// ```
/// use svitgen::llm::{OpenAi, OpenAiConfig};
/// let config = OpenAiConfig::new("http://localhost:8000/v1").with_key_from_env("OPENAI_API_KEY");
/// let client = OpenAi::new(config.with_extra("top_k", 20))?;
/// # Ok::<(), svitgen::LlmError>(())
/// ```
#[derive(Clone)]
pub struct OpenAiConfig {
    pub(super) base_url: String,
    pub(super) key: Option<Secret>,
    pub(super) key_header: Option<String>,
    pub(super) headers: Vec<(String, Secret)>,
    pub(super) model: Option<String>,
    pub(super) timeouts: Timeouts,
    pub(super) proxy: ProxyChoice,
    pub(super) streaming: bool,
    pub(super) token_limit: Option<TokenLimit>,
    pub(super) extra: Map<String, Value>,
    pub(super) body_cap: usize,
}

/// For how long to wait; none of these is retried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timeouts {
    /// Until the connection stands; 10 seconds unless set.
    pub connect: Duration,
    /// From sending the request to the head of the answer; 5 minutes unless set. A server that does not stream answers
    /// when the reply is whole.
    pub first_byte: Duration,
    /// From sending the request to the last byte; 10 minutes unless set.
    pub whole: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            first_byte: Duration::from_secs(5 * 60),
            whole: Duration::from_secs(10 * 60),
        }
    }
}

impl Timeouts {
    /// Sets how long a connection may take.
    #[must_use]
    pub fn with_connect(mut self, connect: Duration) -> Self {
        self.connect = connect;
        self
    }

    /// Sets how long the head of the answer may take.
    #[must_use]
    pub fn with_first_byte(mut self, first_byte: Duration) -> Self {
        self.first_byte = first_byte;
        self
    }

    /// Sets how long everything may take.
    #[must_use]
    pub fn with_whole(mut self, whole: Duration) -> Self {
        self.whole = whole;
        self
    }
}

/// What a server calls the limit of a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenLimit {
    /// `max_tokens`, which nearly all servers know.
    MaxTokens,
    /// `max_completion_tokens`, which OpenAI's newer models insist on.
    MaxCompletionTokens,
}

/// Through which proxy to go.
#[derive(Clone)]
pub(in crate::llm) enum ProxyChoice {
    Environment,
    Direct,
    Url(Secret),
}

/// The largest body that is read unless told otherwise, in bytes.
const BODY_CAP: usize = 8 << 20;

impl OpenAiConfig {
    /// The server whose endpoints stand below `base_url`, such as `http://localhost:8000/v1`.
    ///
    /// A URL without a path gets `/v1`; one that ends in `/chat/completions` loses that; a query, such as the
    /// `api-version` of Azure, is sent with every request. A password in the URL is a secret.
    pub fn new(base_url: impl Into<String>) -> Self {
        Self {
            base_url: base_url.into(),
            key: None,
            key_header: None,
            headers: Vec::new(),
            model: None,
            timeouts: Timeouts::default(),
            proxy: ProxyChoice::Environment,
            streaming: false,
            token_limit: None,
            extra: Map::new(),
            body_cap: BODY_CAP,
        }
    }

    /// Sets the key; it is sent as `Authorization: Bearer KEY`.
    #[must_use]
    pub fn with_key(mut self, key: Secret) -> Self {
        self.key = Some(key);
        self
    }

    /// Takes the key from the environment variable `name`; without it no key is sent, as local servers need none.
    #[must_use]
    pub fn with_key_from_env(mut self, name: &str) -> Self {
        self.key = Secret::from_env(name);
        self
    }

    /// Sends the key by itself in the header `name`, such as `api-key` for Azure.
    #[must_use]
    pub fn with_key_header(mut self, name: impl Into<String>) -> Self {
        self.key_header = Some(name.into());
        self
    }

    /// Adds a header to every request; its value is a secret.
    #[must_use]
    pub fn with_header(mut self, name: impl Into<String>, value: impl AsRef<str>) -> Self {
        self.headers.push((name.into(), Secret::new(value)));
        self
    }

    /// Sets the model of requests that name none.
    #[must_use]
    pub fn with_model(mut self, model: impl Into<String>) -> Self {
        self.model = Some(model.into());
        self
    }

    /// Sets how long to wait.
    #[must_use]
    pub fn with_timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// Goes through the proxy at `url`, `http://` or `https://`. Unless set, `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY`
    /// and `NO_PROXY` decide.
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

    /// Has replies streamed, so that gateways which cut silent connections keep them open. The completion is the same.
    #[must_use]
    pub fn with_streaming(mut self) -> Self {
        self.streaming = true;
        self
    }

    /// Sets what the server calls the limit of a reply; unless set, a refusal tells.
    #[must_use]
    pub fn with_token_limit(mut self, name: TokenLimit) -> Self {
        self.token_limit = Some(name);
        self
    }

    /// Adds a field to the body of every completion request, such as `top_k`; it replaces one that is made otherwise.
    #[must_use]
    pub fn with_extra(mut self, field: impl Into<String>, value: impl Into<Value>) -> Self {
        self.extra.insert(field.into(), value.into());
        self
    }

    /// Sets the largest body that is read, in bytes, unpacked; 8 MiB unless set. It bounds a line of a batch's results
    /// and the text of a streamed reply too.
    #[must_use]
    pub fn with_body_cap(mut self, bytes: usize) -> Self {
        self.body_cap = bytes;
        self
    }
}

impl std::fmt::Debug for OpenAiConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let headers: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("OpenAiConfig")
            .field("base_url", &super::address::shown(&self.base_url))
            .field("key", &self.key)
            .field("headers", &headers)
            .field("model", &self.model)
            .field("timeouts", &self.timeouts)
            .field("streaming", &self.streaming)
            .field("token_limit", &self.token_limit)
            .field("extra", &self.extra.keys().collect::<Vec<_>>())
            .field("body_cap", &self.body_cap)
            .finish_non_exhaustive()
    }
}
