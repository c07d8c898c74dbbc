//! What every [`LlmClient`] keeps, as a suite that runs on any of them: those of this crate and yours.
//!
//! [`check`] takes a client whose replies depend on the request alone: one that answers by itself, or one that talks to
//! a test server. [`check_wrapper`] takes what wraps another client, puts clients of its own inside, and looks at both
//! sides. Both return every breach that they find. Neither has a clock: what waits is to be given a
//! [`MockTimer`](crate::llm::testing::MockTimer), whose `run` drives the suite and tells what would hang.
//!
//! # Example
//! ```
//! use svitgen::llm::testing::MockTimer;
//! use svitgen::llm::{MockLlm, Retry, RetryPolicy, conformance};
//! let client = MockLlm::function(|request| request.last_user_text().to_uppercase());
//! futures::executor::block_on(conformance::check(&client))?;
//!
//! let timer = MockTimer::new();
//! let wrap = |inner| Retry::new(inner, RetryPolicy::default(), timer.clone());
//! timer.run(conformance::check_wrapper(wrap))??;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod breach;
mod client;
mod inner;
mod wrapper;

use std::sync::Arc;

use crate::llm::{CompletionRequest, LlmClient, LlmErrorKind, Message, MessageRole};

use breach::Findings;

pub use breach::{Breach, Breaches};

/// Checks a client with requests of the suite's own.
///
/// # Errors
/// [`Breaches`]: all that it did not keep.
pub async fn check(client: &dyn LlmClient) -> Result<(), Breaches> {
    Conformance::new().check(client).await
}

/// Checks a wrapper; `wrap` puts a new one around a client.
///
/// # Errors
/// [`Breaches`]: all that it did not keep.
pub async fn check_wrapper<W: LlmClient>(wrap: impl Fn(Arc<dyn LlmClient>) -> W) -> Result<(), Breaches> {
    Conformance::new().check_wrapper(wrap).await
}

/// The suite, with requests or a secret of yours.
#[derive(Clone)]
pub struct Conformance {
    requests: Vec<CompletionRequest>,
    secret: Option<String>,
    handled: Vec<LlmErrorKind>,
}

impl Conformance {
    /// The suite as [`check`] and [`check_wrapper`] run it.
    pub fn new() -> Self {
        let text = |n: usize| format!("Question {n} of the conformance suite: what is {n} plus {n}?");
        let requests = (1..=16).map(|n| CompletionRequest::new(vec![Message::new(MessageRole::User, text(n))]));
        Self { requests: requests.collect(), secret: None, handled: Vec::new() }
    }

    /// Sets the requests to ask, for a client that cannot answer any; at least two with different replies tell most.
    #[must_use]
    pub fn with_requests(mut self, requests: impl IntoIterator<Item = CompletionRequest>) -> Self {
        self.requests = requests.into_iter().collect();
        self
    }

    /// Sets a secret that the client was given, such as a key: it may show nowhere.
    #[must_use]
    pub fn with_secret(mut self, secret: impl Into<String>) -> Self {
        self.secret = Some(secret.into());
        self
    }

    /// Sets the kinds of permanent errors that a wrapper does not pass on but does something about, such as asking a
    /// second client ([`Fallback`](crate::llm::Fallback)). The client inside is still asked once.
    #[must_use]
    pub fn with_handled(mut self, kinds: impl IntoIterator<Item = LlmErrorKind>) -> Self {
        self.handled = kinds.into_iter().collect();
        self
    }

    /// Checks a client.
    ///
    /// # Errors
    /// [`Breaches`]: all that it did not keep.
    pub async fn check(&self, client: &dyn LlmClient) -> Result<(), Breaches> {
        let mut findings = Findings::new(self.secret.clone());
        client::check(client, &self.requests, &mut findings).await;
        findings.into_result()
    }

    /// Checks a wrapper; `wrap` puts a new one around a client.
    ///
    /// # Errors
    /// [`Breaches`]: all that it did not keep.
    pub async fn check_wrapper<W: LlmClient>(&self, wrap: impl Fn(Arc<dyn LlmClient>) -> W) -> Result<(), Breaches> {
        let mut findings = Findings::new(self.secret.clone());
        wrapper::check(&wrap, &self.requests, &self.handled, &mut findings).await;
        findings.into_result()
    }
}

impl Default for Conformance {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Conformance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Conformance").field("n_requests", &self.requests.len()).finish_non_exhaustive()
    }
}
