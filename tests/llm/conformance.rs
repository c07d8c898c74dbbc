//! The suite that every client passes, on those of this crate and on some that must not pass.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::executor::block_on;
use svitgen::llm::conformance::{Breaches, Conformance, check, check_wrapper};
use svitgen::llm::testing::{FaultyLlm, MockTimer};
use svitgen::llm::{
    Breaker, BreakerPolicy, Completion, CompletionRequest, Limit, Limits, LlmClient, LlmError, MockLlm, Retry,
    RetryPolicy, RuleLlm, resilient,
};
use svitgen::{PromptOptions, RecordSource, Task, VisualGenome, async_trait};

use crate::request;

pub(crate) fn passes(result: Result<(), Breaches>) {
    if let Err(breaches) = result {
        panic!("{breaches}");
    }
}

#[test]
fn clients_that_answer_by_themselves() {
    let echo = MockLlm::function(|request| request.last_user_text().to_owned());
    passes(block_on(check(&echo)));
    passes(block_on(check(&RuleLlm::new())));

    let source = VisualGenome::sample().unwrap();
    let prompts = source.records().filter_map(|record| {
        let task = Task::referring_qa();
        svitgen::Prompt::new(&record.unwrap(), &task, &PromptOptions::default()).ok()
    });
    let requests = prompts.map(|prompt| prompt.request(&svitgen::Parameters::default()));
    passes(block_on(Conformance::new().with_requests(requests).check(&RuleLlm::new().with_seed(7))));

    let timer = MockTimer::new();
    let slow = echo.with_delay({
        let timer = timer.clone();
        move |_| svitgen::llm::Timer::sleep_until(&timer, svitgen::llm::Timer::now(&timer) + Duration::from_secs(1))
    });
    passes(timer.run(check(&slow)).unwrap());
}

#[test]
fn wrappers_in_any_order() {
    let timer = MockTimer::new();
    let clock = || timer.clone();
    let limits = || Limits::fixed(3).with_requests_per_minute(6_000).with_tokens_per_minute(1_000_000);
    let retry = |inner| Retry::new(inner, RetryPolicy::default(), clock());
    passes(timer.run(check_wrapper(|inner| inner)).unwrap());
    passes(timer.run(check_wrapper(retry)).unwrap());
    passes(timer.run(check_wrapper(|inner| Limit::new(inner, limits(), clock()))).unwrap());
    passes(timer.run(check_wrapper(|inner| Limit::new(inner, Limits::adaptive(1), clock()))).unwrap());
    let eager = || BreakerPolicy::default().with_failures(1);
    passes(timer.run(check_wrapper(|inner| Breaker::new(inner, eager(), clock()))).unwrap());
    passes(timer.run(check_wrapper(|inner| FaultyLlm::new(inner, 7, clock()))).unwrap());
    passes(timer.run(check_wrapper(|inner| resilient(inner, limits(), clock()))).unwrap());
    passes(timer.run(check_wrapper(|inner| Limit::new(retry(inner), limits(), clock()))).unwrap());
    let inside_out = |inner| Breaker::new(Limit::new(retry(inner), limits(), clock()), eager(), clock());
    passes(timer.run(check_wrapper(inside_out)).unwrap());
}

/// A client or wrapper with a defect.
#[derive(Debug)]
struct Bad {
    defect: Defect,
    key: &'static str,
    n_calls: AtomicUsize,
    inner: Option<Arc<dyn LlmClient>>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Defect {
    MixesUp,
    Panics,
    ShowsItsKey,
    ChangesRequests,
    ChangesCompletions,
    AsksTwice,
    HidesErrors,
    HasItsOwnName,
}

impl Bad {
    fn new(defect: Defect) -> Self {
        let key = if defect == Defect::ShowsItsKey { "sk-123" } else { "" };
        Self { defect, key, n_calls: AtomicUsize::new(0), inner: None }
    }

    fn around(defect: Defect, inner: Arc<dyn LlmClient>) -> Self {
        Self { inner: Some(inner), ..Self::new(defect) }
    }
}

#[async_trait]
impl LlmClient for Bad {
    async fn complete(&self, request: &CompletionRequest) -> Result<Completion, LlmError> {
        let n_calls = self.n_calls.fetch_add(1, Ordering::SeqCst);
        let Some(inner) = &self.inner else {
            assert!(self.defect != Defect::Panics || !request.messages.is_empty(), "nothing to say");
            let text = if self.defect == Defect::MixesUp && n_calls == 100 { "?" } else { request.last_user_text() };
            return Ok(Completion::new(text));
        };
        let mut request = request.clone();
        if self.defect == Defect::ChangesRequests {
            request.parameters.seed = None;
        }
        if self.defect == Defect::AsksTwice {
            let _ = inner.complete(&request).await;
        }
        match inner.complete(&request).await {
            Ok(completion) if self.defect == Defect::ChangesCompletions => Ok(Completion::new(completion.text)),
            Err(error) if self.defect == Defect::HidesErrors => Ok(Completion::new(error.to_string())),
            result => result,
        }
    }

    fn name(&self) -> &str {
        match &self.inner {
            Some(inner) if self.defect != Defect::HasItsOwnName => inner.name(),
            _ => "bad",
        }
    }

    fn activity(&self) -> svitgen::llm::Activity {
        self.inner.as_ref().map(|inner| inner.activity()).unwrap_or_default()
    }
}

fn first_breach(result: Result<(), Breaches>) -> String {
    let breaches = result.unwrap_err();
    assert!(breaches.to_string().starts_with(&format!("{} of the rules", breaches.breaches().len())));
    breaches.breaches()[0].rule.to_owned()
}

#[test]
fn defects_are_found() {
    let bad = |defect| first_breach(block_on(Conformance::new().with_secret("sk-123").check(&Bad::new(defect))));
    assert_eq!(bad(Defect::MixesUp), "Among many calls at once, each gets the reply that it gets alone.");
    assert_eq!(bad(Defect::Panics), "A call never panics.");
    assert_eq!(bad(Defect::ShowsItsKey), "No secret shows in a name, an error or in debug output.");
    assert_eq!(Bad::new(Defect::ShowsItsKey).key, "sk-123");

    let around = |defect| first_breach(block_on(check_wrapper(|inner| Bad::around(defect, inner))));
    assert_eq!(around(Defect::ChangesRequests), "A request reaches the client inside as it is.");
    assert_eq!(around(Defect::ChangesCompletions), "A completion comes out as it is.");
    assert_eq!(around(Defect::AsksTwice), "A request that is answered is asked once.");
    let comes_out = "An error that another attempt does not help comes out as it is, after one attempt.";
    assert_eq!(around(Defect::HidesErrors), comes_out);
    assert_eq!(around(Defect::HasItsOwnName), "A wrapper has the name of what is inside.");
}

#[test]
fn a_client_that_answers_nothing_does_not_pass() {
    let silent = MockLlm::script([]);
    assert_eq!(first_breach(block_on(check(&silent))), "At least one of the requests is answered.");
    assert!(block_on(silent.complete(&request("?"))).is_err());
}
