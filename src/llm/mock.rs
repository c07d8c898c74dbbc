//! A client that replies from a script, for tests.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures::future::BoxFuture;

use crate::llm::{Completion, CompletionRequest, LlmClient, LlmError, LlmErrorKind};
use crate::lock::lock;

/// A client that replies from a script, by rule or by function, and remembers what it was asked.
///
/// A clone is a handle to the same client, so a test can keep one and look at [`requests`](Self::requests) later.
/// Errors are replies like any other: `Err(LlmError)` in a script or from a function.
///
/// # Example
/// ```
/// use futures::executor::block_on;
/// use svitgen::llm::{CompletionRequest, LlmClient, LlmError, LlmErrorKind, Message, MessageRole, MockLlm};
/// let mock = MockLlm::script(["A dog.".into(), LlmError::new(LlmErrorKind::RateLimited, "slow down").into()]);
/// let request = CompletionRequest::new(vec![Message::new(MessageRole::User, "What is it?")]);
/// assert_eq!(block_on(mock.complete(&request))?.text, "A dog.");
/// assert!(block_on(mock.complete(&request)).is_err());
/// assert_eq!(mock.requests()[1].last_user_text(), "What is it?");
/// # Ok::<(), LlmError>(())
/// ```
#[derive(Clone)]
pub struct MockLlm {
    replies: Arc<Replies>,
    delay: Option<Arc<Delay>>,
    requests: Arc<Mutex<Vec<CompletionRequest>>>,
}

type Delay = dyn Fn(&CompletionRequest) -> BoxFuture<'static, ()> + Send + Sync;

type Function = dyn Fn(&CompletionRequest) -> MockReply + Send + Sync;

enum Replies {
    Script { left: Mutex<VecDeque<MockReply>>, n_scripted: usize },
    Rules(Vec<(String, MockReply)>),
    Function(Box<Function>),
}

/// What a [`MockLlm`] answers: a text, a whole completion, or an error.
#[derive(Debug)]
pub struct MockReply(Result<Completion, LlmError>);

impl From<&str> for MockReply {
    fn from(text: &str) -> Self {
        Completion::new(text).into()
    }
}

impl From<String> for MockReply {
    fn from(text: String) -> Self {
        Completion::new(text).into()
    }
}

impl From<Completion> for MockReply {
    fn from(completion: Completion) -> Self {
        Self(Ok(completion))
    }
}

impl From<LlmError> for MockReply {
    fn from(error: LlmError) -> Self {
        Self(Err(error))
    }
}

impl From<Result<Completion, LlmError>> for MockReply {
    fn from(reply: Result<Completion, LlmError>) -> Self {
        Self(reply)
    }
}

impl MockReply {
    fn repeat(&self) -> Result<Completion, LlmError> {
        match &self.0 {
            Ok(completion) => Ok(completion.clone()),
            Err(error) => Err(error.repeat()),
        }
    }
}

impl MockLlm {
    /// Gives these replies one after the other; a request beyond the last one is an error that says so.
    pub fn script(replies: impl IntoIterator<Item = MockReply>) -> Self {
        let left: VecDeque<MockReply> = replies.into_iter().collect();
        let n_scripted = left.len();
        Self::new(Replies::Script { left: Mutex::new(left), n_scripted })
    }

    /// Gives the reply of the first rule whose words stand in any message of the request; an error if there is none.
    pub fn rules<W: Into<String>, R: Into<MockReply>>(rules: impl IntoIterator<Item = (W, R)>) -> Self {
        Self::new(Replies::Rules(rules.into_iter().map(|(words, reply)| (words.into(), reply.into())).collect()))
    }

    /// Gives what the function makes of the request.
    pub fn function<R: Into<MockReply>>(function: impl Fn(&CompletionRequest) -> R + Send + Sync + 'static) -> Self {
        Self::new(Replies::Function(Box::new(move |request| function(request).into())))
    }

    fn new(replies: Replies) -> Self {
        Self { replies: Arc::new(replies), delay: None, requests: Arc::default() }
    }

    /// Waits for a future before each reply: a timer of any runtime, or a signal of the test.
    #[must_use]
    pub fn with_delay<F>(mut self, delay: impl Fn(&CompletionRequest) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.delay = Some(Arc::new(move |request| Box::pin(delay(request))));
        self
    }

    /// What it was asked so far, in order.
    pub fn requests(&self) -> Vec<CompletionRequest> {
        lock(&self.requests).clone()
    }

    fn reply(&self, request: &CompletionRequest) -> Result<Completion, LlmError> {
        let unexpected = |message| Err(LlmError::new(LlmErrorKind::InvalidRequest, message));
        match &*self.replies {
            Replies::Script { left, n_scripted } => match lock(left).pop_front() {
                Some(reply) => reply.0,
                None => unexpected(format!("the script of {n_scripted} replies has come to its end")),
            },
            Replies::Rules(rules) => {
                let fits = |words: &str| request.messages.iter().any(|message| message.content.contains(words));
                match rules.iter().find(|(words, _)| fits(words)) {
                    Some((_, reply)) => reply.repeat(),
                    None => unexpected(format!("none of {} rules fits the request", rules.len())),
                }
            }
            Replies::Function(function) => function(request).0,
        }
    }
}

#[async_trait]
impl LlmClient for MockLlm {
    async fn complete(&self, request: &CompletionRequest) -> Result<Completion, LlmError> {
        lock(&self.requests).push(request.clone());
        if let Some(delay) = &self.delay {
            delay(request).await;
        }
        self.reply(request)
    }

    fn name(&self) -> &str {
        "mock"
    }
}

impl fmt::Debug for MockLlm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MockLlm").field("n_requests", &lock(&self.requests).len()).finish_non_exhaustive()
    }
}
