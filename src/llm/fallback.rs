//! What one client refuses goes to another.

use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;

use crate::llm::{
    Activity, Completion, CompletionRequest, FinishReason, LlmClient, LlmError, LlmErrorKind, Parameters,
};

/// A client that hands on to a second one what the first one refused or could not fit in.
///
/// Handed on are requests that fail with [`LlmErrorKind::Refused`] or [`LlmErrorKind::TooLong`], completions that a filter
/// withheld, and on request empty ones. What the second one says then holds, be it an error. All other errors are those of
/// the first: put what retries around each of the two rather than around this.
///
/// # Example
/// ```
/// use futures::executor::block_on;
/// use svitgen::llm::{Fallback, LlmError, MockLlm};
/// use svitgen::{CompletionRequest, LlmClient, LlmErrorKind, Parameters};
/// let first = MockLlm::script([LlmError::new(LlmErrorKind::Refused, "not this picture").into()]);
/// let second = MockLlm::function(|_| "A dog.");
/// let client = Fallback::new(first, second).with_parameters(Parameters::default().with_model("other"));
/// assert_eq!(client.name(), "mock, else mock:other");
/// assert_eq!(block_on(client.complete(&CompletionRequest::new(Vec::new())))?.text, "A dog.");
/// assert_eq!(client.activity().fallbacks, 1);
/// # Ok::<(), LlmError>(())
/// ```
#[derive(Debug)]
pub struct Fallback<A, B> {
    first: A,
    second: B,
    parameters: Parameters,
    hands_on_empty: bool,
    name: String,
    n_handed_on: AtomicU64,
}

impl<A: LlmClient, B: LlmClient> Fallback<A, B> {
    /// Asks `first`, and `second` where `first` refuses.
    pub fn new(first: A, second: B) -> Self {
        let fallback = Self {
            first,
            second,
            parameters: Parameters::default(),
            hands_on_empty: false,
            name: String::new(),
            n_handed_on: AtomicU64::new(0),
        };
        fallback.named()
    }

    /// Sets parameters for the second client, such as the name of its model; what they leave open stays as it is.
    #[must_use]
    pub fn with_parameters(mut self, parameters: Parameters) -> Self {
        self.parameters = parameters;
        self.named()
    }

    /// Hands on blank replies too.
    #[must_use]
    pub fn with_empty_replies(mut self) -> Self {
        self.hands_on_empty = true;
        self.named()
    }

    /// Whatever decides what the data will be is part of the name, because a manifest holds that.
    fn named(mut self) -> Self {
        let when = if self.hands_on_empty { "else or if empty" } else { "else" };
        let model = self.parameters.model.as_ref().map(|model| format!(":{model}")).unwrap_or_default();
        let rest = Parameters { model: None, ..self.parameters.clone() };
        let rest = if rest == Parameters::default() { String::new() } else { format!(" {}", json(&rest)) };
        self.name = format!("{}, {when} {}{model}{rest}", self.first.name(), self.second.name());
        self
    }

    fn hands_on(&self, result: &Result<Completion, LlmError>) -> bool {
        match result {
            Err(error) => matches!(error.kind(), LlmErrorKind::Refused | LlmErrorKind::TooLong),
            Ok(completion) => {
                let is_empty = completion.text.trim().is_empty();
                completion.finish_reason == FinishReason::ContentFilter || (self.hands_on_empty && is_empty)
            }
        }
    }

    fn for_second(&self, request: &CompletionRequest) -> CompletionRequest {
        let (asked, other) = (&request.parameters, &self.parameters);
        let parameters = Parameters {
            model: other.model.clone().or_else(|| asked.model.clone()),
            max_tokens: other.max_tokens.or(asked.max_tokens),
            temperature: other.temperature.or(asked.temperature),
            top_p: other.top_p.or(asked.top_p),
            seed: other.seed.or(asked.seed),
        };
        request.clone().with_parameters(parameters)
    }
}

fn json(parameters: &Parameters) -> String {
    serde_json::to_string(parameters).unwrap_or_default()
}

#[async_trait]
impl<A: LlmClient, B: LlmClient> LlmClient for Fallback<A, B> {
    async fn complete(&self, request: &CompletionRequest) -> Result<Completion, LlmError> {
        let result = self.first.complete(request).await;
        if !self.hands_on(&result) {
            return result;
        }
        self.n_handed_on.fetch_add(1, Ordering::Relaxed);
        self.second.complete(&self.for_second(request)).await
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn activity(&self) -> Activity {
        let mut activity = self.first.activity().and(self.second.activity());
        activity.fallbacks += self.n_handed_on.load(Ordering::Relaxed);
        activity
    }
}
