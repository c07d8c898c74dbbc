//! The body of a request.

use bytes::Bytes;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value, json};

use super::address::Address;
use super::config::{OpenAiConfig, TokenLimit};
use super::dialect::{Asked, Concession, Concessions};
use crate::llm::{CompletionRequest, LlmError, LlmErrorKind, ResponseFormat};

/// What a client adds to all of its requests.
#[derive(Clone)]
pub(super) struct Additions {
    pub(super) model: Option<String>,
    pub(super) token_limit: TokenLimit,
    pub(super) streaming: bool,
    pub(super) extra: Map<String, Value>,
}

impl Additions {
    pub(super) fn new(config: OpenAiConfig, address: &Address) -> Self {
        let usual = if address.is_openai() { TokenLimit::MaxCompletionTokens } else { TokenLimit::MaxTokens };
        let OpenAiConfig { model, token_limit, streaming, extra, .. } = config;
        Self { model, token_limit: token_limit.unwrap_or(usual), streaming, extra }
    }
}

/// A completion request as a server wants it; written straight from the request, without copies of its texts.
#[derive(Clone, Copy)]
pub(super) struct Body<'r> {
    pub(super) request: &'r CompletionRequest,
    pub(super) additions: &'r Additions,
    pub(super) without: Concessions,
}

#[derive(Clone, Copy)]
enum Format<'r> {
    Schema {
        name: &'r str,
        schema: &'r Value,
    },
    /// As the Python server of llama.cpp, Together and others have it.
    SchemaInObject {
        schema: &'r Value,
    },
    Object,
}

impl<'r> Body<'r> {
    pub(super) fn to_bytes(self) -> Result<Bytes, LlmError> {
        let texts: usize = self.request.messages.iter().map(|message| message.content.len()).sum();
        let mut body = Vec::with_capacity(texts + texts / 8 + 512);
        match serde_json::to_writer(&mut body, &self) {
            Ok(()) => Ok(body.into()),
            Err(error) => Err(LlmError::new(LlmErrorKind::InvalidRequest, error.to_string())),
        }
    }

    /// What of this a server may refuse.
    pub(super) fn asked(self) -> Asked {
        let format = self.format();
        Asked {
            json_schema: matches!(format, Some(Format::Schema { .. })),
            schema_in_object: matches!(format, Some(Format::SchemaInObject { .. })),
            json_object: matches!(format, Some(Format::Object)),
            token_limit: self.token_limit().is_some() && !self.without.has(Concession::NameOfTokenLimit),
            temperature: self.temperature().is_some(),
            top_p: self.top_p().is_some(),
            seed: self.seed().is_some(),
            stream_options: self.has_stream_options(),
        }
    }

    /// `value` if nothing forbids the field: neither a refusal nor a field of the user's own.
    fn unless<T>(self, concession: Concession, field: &str, value: Option<T>) -> Option<T> {
        value.filter(|_| !self.without.has(concession) && !self.additions.extra.contains_key(field))
    }

    fn temperature(self) -> Option<f64> {
        self.unless(Concession::Temperature, "temperature", self.request.parameters.temperature)
    }

    fn top_p(self) -> Option<f64> {
        self.unless(Concession::TopP, "top_p", self.request.parameters.top_p)
    }

    fn seed(self) -> Option<u64> {
        self.unless(Concession::Seed, "seed", self.request.parameters.seed)
    }

    fn has_stream_options(self) -> bool {
        let streaming = self.additions.streaming.then_some(());
        self.unless(Concession::StreamOptions, "stream_options", streaming).is_some()
    }

    fn token_limit(self) -> Option<(&'static str, u32)> {
        let is_new = self.additions.token_limit == TokenLimit::MaxCompletionTokens;
        let is_new = is_new != self.without.has(Concession::NameOfTokenLimit);
        let name = if is_new { "max_completion_tokens" } else { "max_tokens" };
        let extra = &self.additions.extra;
        let is_set = extra.contains_key("max_tokens") || extra.contains_key("max_completion_tokens");
        self.request.parameters.max_tokens.filter(|_| !is_set).map(|limit| (name, limit))
    }

    fn format(self) -> Option<Format<'r>> {
        let format = match self.request.response_format.as_ref()? {
            ResponseFormat::JsonSchema { name, schema } if !self.without.has(Concession::JsonSchema) => {
                Format::Schema { name, schema }
            }
            ResponseFormat::JsonSchema { schema, .. } if !self.without.has(Concession::SchemaInObject) => {
                Format::SchemaInObject { schema }
            }
            _ if self.without.has(Concession::JsonObject) => return None,
            _ => Format::Object,
        };
        (!self.additions.extra.contains_key("response_format")).then_some(format)
    }
}

impl Serialize for Body<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let extra = &self.additions.extra;
        let mut map = serializer.serialize_map(None)?;
        let model = self.request.parameters.model.as_ref().or(self.additions.model.as_ref());
        if let Some(model) = model.filter(|_| !extra.contains_key("model")) {
            map.serialize_entry("model", model)?;
        }
        if !extra.contains_key("messages") {
            map.serialize_entry("messages", &self.request.messages)?;
        }
        if let Some((name, limit)) = self.token_limit() {
            map.serialize_entry(name, &limit)?;
        }
        if let Some(temperature) = self.temperature() {
            map.serialize_entry("temperature", &temperature)?;
        }
        if let Some(top_p) = self.top_p() {
            map.serialize_entry("top_p", &top_p)?;
        }
        if let Some(seed) = self.seed() {
            map.serialize_entry("seed", &seed)?;
        }
        if let Some(format) = self.format() {
            map.serialize_entry("response_format", &format)?;
        }
        if self.additions.streaming {
            map.serialize_entry("stream", &true)?;
        }
        if self.has_stream_options() {
            map.serialize_entry("stream_options", &json!({"include_usage": true}))?;
        }
        // Whether the reply is streamed decides how it is read, so it is no field that a user may set.
        for (field, value) in extra.iter().filter(|(field, _)| *field != "stream") {
            map.serialize_entry(field, value)?;
        }
        map.end()
    }
}

impl Serialize for Format<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(serde::Serialize)]
        struct Schema<'r> {
            name: &'r str,
            strict: bool,
            schema: &'r Value,
        }
        let mut map = serializer.serialize_map(None)?;
        match self {
            Self::Schema { name, schema } => {
                map.serialize_entry("type", "json_schema")?;
                map.serialize_entry("json_schema", &Schema { name, strict: true, schema })?;
            }
            Self::SchemaInObject { schema } => {
                map.serialize_entry("type", "json_object")?;
                map.serialize_entry("schema", schema)?;
            }
            Self::Object => map.serialize_entry("type", "json_object")?,
        }
        map.end()
    }
}
