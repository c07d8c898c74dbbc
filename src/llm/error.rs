//! What can go wrong with one call, sorted by what the caller can do about it.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind};

/// Why one attempt at a completion failed.
///
/// It is apart from [`crate::Error`] because wrappers and the pipeline decide on its kind. The message is meant for a
/// person and holds no secret.
#[derive(Debug, thiserror::Error)]
pub struct LlmError {
    kind: LlmErrorKind,
    message: String,
    retry_after: Option<Duration>,
    was_not_sent: bool,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// What kind of failure it was, by what can be done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LlmErrorKind {
    /// A fault that another attempt may not meet: connection, timeout, overload, server error.
    Transient,
    /// Too many requests or tokens in a short time; another attempt after a wait may pass.
    RateLimited,
    /// The account has no quota or credit left: no request will pass.
    Quota,
    /// The key is missing, wrong or lacks a right: no request will pass.
    Credentials,
    /// The server does not know the model: no request will pass.
    UnknownModel,
    /// The prompt and the reply do not fit the model's context.
    TooLong,
    /// The server declined this prompt.
    Refused,
    /// The answer could not be understood.
    Malformed,
    /// The server did not accept the form of this request.
    InvalidRequest,
    /// The server does not know the batch or the file that it was asked for.
    NotFound,
    /// A cap that the caller set is reached: no request will be let through.
    Budget,
    /// The server has been out of reach for longer than anyone wants to wait.
    Unavailable,
    /// The caller asked to stop while the call waited for its turn or for another attempt.
    Interrupted,
    /// A file that must be kept beside the calls cannot be written or read: nothing more is sent.
    Storage,
}

impl LlmErrorKind {
    /// The name used in journals and reports: `rate_limited`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Transient => "transient",
            Self::RateLimited => "rate_limited",
            Self::Quota => "quota",
            Self::Credentials => "credentials",
            Self::UnknownModel => "unknown_model",
            Self::TooLong => "too_long",
            Self::Refused => "refused",
            Self::Malformed => "malformed",
            Self::InvalidRequest => "invalid_request",
            Self::NotFound => "not_found",
            Self::Budget => "budget",
            Self::Unavailable => "unavailable",
            Self::Interrupted => "interrupted",
            Self::Storage => "storage",
        }
    }

    /// Whether another attempt at the same request may succeed.
    pub fn is_transient(self) -> bool {
        matches!(self, Self::Transient | Self::RateLimited | Self::Malformed)
    }

    /// Whether every further request would fail the same way, so that a run should stop and be resumed later.
    pub fn stops_run(self) -> bool {
        matches!(
            self,
            Self::Quota | Self::Credentials | Self::UnknownModel | Self::Budget | Self::Unavailable | Self::Storage
        )
    }

    /// Whether the same request may succeed in a later run.
    pub fn may_pass(self) -> bool {
        self.is_transient() || self.stops_run() || self == Self::Interrupted
    }
}

impl fmt::Display for LlmErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl LlmError {
    /// A failure of the given kind; `message` is for a person and must hold no secret.
    pub fn new(kind: LlmErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), retry_after: None, was_not_sent: false, source: None }
    }

    /// Adds the wait that the server asked for.
    #[must_use]
    pub fn with_retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// Says that the server never got the request, so that it cannot have been billed: the connection was refused, or
    /// nothing was tried.
    #[must_use]
    pub fn with_nothing_sent(mut self) -> Self {
        self.was_not_sent = true;
        self
    }

    /// Adds the error underneath.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The same error once more, without the error underneath.
    pub(super) fn repeat(&self) -> Self {
        Self {
            kind: self.kind,
            message: self.message.clone(),
            retry_after: self.retry_after,
            was_not_sent: self.was_not_sent,
            source: None,
        }
    }

    /// A file that cannot be written or read.
    pub(super) fn storage(error: Error) -> Self {
        let message = error.to_string();
        let failure = Self::new(LlmErrorKind::Storage, message);
        match error.into_kind() {
            ErrorKind::Io { source, .. } => failure.with_source(source),
            kind => failure.with_source(kind),
        }
    }

    /// The same error with other words.
    pub(super) fn with_message(mut self, message: String) -> Self {
        self.message = message;
        self
    }

    /// What can be done about it.
    pub fn kind(&self) -> LlmErrorKind {
        self.kind
    }

    /// What happened, without the kind.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The wait that the server asked for before another attempt.
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// Whether it is certain that the server never got the request.
    pub fn was_not_sent(&self) -> bool {
        self.was_not_sent
    }

    /// Whether another attempt at the same request may succeed.
    pub fn is_transient(&self) -> bool {
        self.kind.is_transient()
    }
}

impl fmt::Display for LlmError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind, self.message)
    }
}
