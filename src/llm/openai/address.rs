//! Where the endpoints of a server are.

use std::fmt;

use reqwest::Url;

use super::secret::{Redactor, Secret};
use crate::llm::{LlmError, LlmErrorKind};

/// The base URL of a server.
#[derive(Clone)]
pub(super) struct Address(Url);

impl Address {
    /// Understands a base URL, and gives its secrets away to `redactor`.
    pub(super) fn new(base_url: &str, redactor: &mut Redactor) -> Result<Self, LlmError> {
        let mut url = Url::parse(base_url.trim()).map_err(|error| invalid(&error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err(invalid(
                "it must start with http:// or https:// and name a host, as http://localhost:8000/v1 does",
            ));
        }
        redactor.add(Secret::new(url.password().unwrap_or_default()));
        let queries = url.query_pairs().filter(|(name, _)| name.contains("key") || name.contains("token"));
        queries.for_each(|(_, value)| redactor.add(Secret::new(value)));
        let path = url.path().trim_end_matches('/');
        let path = path.strip_suffix("/chat/completions").unwrap_or(path);
        let path = if path.is_empty() { "/v1" } else { path }.to_owned();
        url.set_path(&path);
        url.set_fragment(None);
        Ok(Self(url))
    }

    /// The URL of `endpoint`, such as `chat/completions`.
    pub(super) fn endpoint(&self, endpoint: &str) -> Url {
        let mut url = self.0.clone();
        url.set_path(&format!("{}/{endpoint}", self.0.path()));
        url
    }

    pub(super) fn without_password(mut self) -> Self {
        // Only a URL without a host refuses, and there is none here.
        let _ = self.0.set_username("").and_then(|()| self.0.set_password(None));
        self
    }

    /// Whether the server is OpenAI's own.
    pub(super) fn is_openai(&self) -> bool {
        self.0.host_str() == Some("api.openai.com")
    }

    pub(super) fn is_encrypted(&self) -> bool {
        self.0.scheme() == "https"
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&shown(self.0.as_str()))
    }
}

/// A URL as a person may see it: without password, query and fragment.
pub(super) fn shown(url: &str) -> String {
    Url::parse(url)
        .map_or_else(|_| "no URL".to_owned(), |url| format!("{}{}", url.origin().ascii_serialization(), url.path()))
}

/// Without the URL: what is none may hold a password anywhere.
fn invalid(reason: &str) -> LlmError {
    LlmError::new(LlmErrorKind::InvalidRequest, format!("the base URL of the server is none: {reason}"))
}
