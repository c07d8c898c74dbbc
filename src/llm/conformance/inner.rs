//! The client inside of a wrapper that is checked.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;

use crate::llm::{Activity, Completion, CompletionRequest, FinishReason, LlmClient, LlmError, Usage};
use crate::lock::lock;

pub(super) const NAME: &str = "conformance";

/// Fails in the given ways, then answers; or never ends. A clone is a handle to the same client.
#[derive(Clone, Debug, Default)]
pub(super) struct Inner {
    errors: Arc<Mutex<VecDeque<LlmError>>>,
    is_endless: bool,
    requests: Arc<Mutex<Vec<CompletionRequest>>>,
    n_running: Arc<AtomicUsize>,
}

impl Inner {
    pub(super) fn failing(errors: impl IntoIterator<Item = LlmError>) -> Self {
        Self { errors: Arc::new(Mutex::new(errors.into_iter().collect())), ..Self::default() }
    }

    pub(super) fn endless() -> Self {
        Self { is_endless: true, ..Self::default() }
    }

    pub(super) fn requests(&self) -> Vec<CompletionRequest> {
        lock(&self.requests).clone()
    }

    pub(super) fn n_running(&self) -> usize {
        self.n_running.load(Ordering::SeqCst)
    }

    /// What it answers.
    pub(super) fn completion(request: &CompletionRequest) -> Completion {
        Completion::new(format!("An answer to: {}", request.last_user_text()))
            .with_finish_reason(FinishReason::Other("stop_sequence".to_owned()))
            .with_usage(Usage { input_tokens: 123, output_tokens: 45 })
            .with_model("conformance-1")
            .with_id("c-7")
    }
}

struct Running<'a>(&'a AtomicUsize);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[async_trait]
impl LlmClient for Inner {
    async fn complete(&self, request: &CompletionRequest) -> Result<Completion, LlmError> {
        lock(&self.requests).push(request.clone());
        self.n_running.fetch_add(1, Ordering::SeqCst);
        let _running = Running(&self.n_running);
        if self.is_endless {
            return std::future::pending().await;
        }
        let error = lock(&self.errors).pop_front();
        error.map_or_else(|| Ok(Self::completion(request)), Err)
    }

    fn name(&self) -> &str {
        NAME
    }

    fn activity(&self) -> Activity {
        Activity { fallbacks: 3, ..Activity::default() }
    }
}
