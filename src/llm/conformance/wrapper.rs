//! What every wrapper keeps.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;

use crate::llm::{
    CompletionRequest, LlmClient, LlmError, LlmErrorKind, Message, MessageRole, MockLlm, Parameters, ResponseFormat,
};

use super::breach::Findings;
use super::client;
use super::inner::{Inner, NAME};

pub(super) async fn check<W: LlmClient>(
    wrap: &impl Fn(Arc<dyn LlmClient>) -> W,
    requests: &[CompletionRequest],
    handled: &[LlmErrorKind],
    findings: &mut Findings,
) {
    let echo = MockLlm::function(|request| request.last_user_text().to_owned());
    client::check(&wrap(Arc::new(echo)), requests, findings).await;
    passes_on(wrap, findings).await;
    for kind in PERMANENT {
        permanent_error(wrap, kind, handled.contains(&kind), findings).await;
    }
    for kind in [LlmErrorKind::Transient, LlmErrorKind::RateLimited, LlmErrorKind::Malformed] {
        passing_error(wrap, kind, findings).await;
    }
    drops(wrap, findings);
}

const PERMANENT: [LlmErrorKind; 11] = [
    LlmErrorKind::Quota,
    LlmErrorKind::Credentials,
    LlmErrorKind::UnknownModel,
    LlmErrorKind::TooLong,
    LlmErrorKind::Refused,
    LlmErrorKind::InvalidRequest,
    LlmErrorKind::NotFound,
    LlmErrorKind::Budget,
    LlmErrorKind::Unavailable,
    LlmErrorKind::Storage,
    LlmErrorKind::Interrupted,
];

/// One in which everything is set.
fn full_request() -> CompletionRequest {
    let roles = [MessageRole::System, MessageRole::User, MessageRole::Assistant, MessageRole::User];
    let messages = roles.iter().enumerate().map(|(n, role)| Message::new(*role, format!("  message {n}\n")));
    let parameters = Parameters::default()
        .with_model("a model")
        .with_max_tokens(77)
        .with_temperature(0.3)
        .with_top_p(0.9)
        .with_seed(5);
    let schema = serde_json::json!({"type": "object", "properties": {}});
    CompletionRequest::new(messages.collect())
        .with_parameters(parameters)
        .with_response_format(Some(ResponseFormat::JsonSchema { name: "shape".to_owned(), schema }))
}

async fn passes_on<W: LlmClient>(wrap: &impl Fn(Arc<dyn LlmClient>) -> W, findings: &mut Findings) {
    let inner = Inner::default();
    let wrapper = wrap(Arc::new(inner.clone()));
    let request = full_request();
    drop(wrapper.complete(&request));
    let n_requests = inner.requests().len();
    findings
        .expect(n_requests == 0, "Nothing is asked before the call is polled.", || format!("{n_requests} requests"));

    let result = wrapper.complete(&request).await;
    let asked = inner.requests();
    let n_asked = asked.len();
    findings.expect(n_asked == 1, "A request that is answered is asked once.", || format!("asked {n_asked} times"));
    let is_same = asked.last() == Some(&request);
    findings.expect(is_same, "A request reaches the client inside as it is.", || format!("{asked:?}"));
    let is_whole = result.as_ref().is_ok_and(|completion| *completion == Inner::completion(&request));
    findings.expect(is_whole, "A completion comes out as it is.", || format!("{result:?}"));

    let name = wrapper.name();
    findings.expect(name.contains(NAME), "A wrapper has the name of what is inside.", || format!("{name:?}"));
    let activity = wrapper.activity();
    let rule = "A wrapper adds to the activity of what is inside.";
    findings.expect(activity.fallbacks >= 3, rule, || format!("{activity:?}"));
}

async fn permanent_error<W: LlmClient>(
    wrap: &impl Fn(Arc<dyn LlmClient>) -> W,
    kind: LlmErrorKind,
    is_handled: bool,
    findings: &mut Findings,
) {
    let inner = Inner::failing([LlmError::new(kind, "nothing helps")]);
    let result = wrap(Arc::new(inner.clone())).complete(&full_request()).await;
    let is_same = result.as_ref().is_err_and(|error| error.kind() == kind && error.message().contains("nothing helps"));
    let rule = "An error that another attempt does not help comes out as it is, after one attempt.";
    findings.expect(is_same || is_handled, rule, || format!("{result:?} for {kind}"));
    findings.expect(inner.requests().len() == 1, rule, || format!("asked {} times for {kind}", inner.requests().len()));
}

async fn passing_error<W: LlmClient>(
    wrap: &impl Fn(Arc<dyn LlmClient>) -> W,
    kind: LlmErrorKind,
    findings: &mut Findings,
) {
    let wait = Duration::from_millis(20);
    let inner = Inner::failing([LlmError::new(kind, "later perhaps").with_retry_after(wait)]);
    let request = full_request();
    let result = wrap(Arc::new(inner.clone())).complete(&request).await;
    let is_sensible = match &result {
        Ok(completion) => *completion == Inner::completion(&request),
        Err(error) => error.kind() == kind && error.retry_after() == Some(wait),
    };
    let rule = "An error that may pass is either got over or comes out with its wait.";
    findings.expect(is_sensible, rule, || format!("{result:?} for {kind}"));
}

fn drops<W: LlmClient>(wrap: &impl Fn(Arc<dyn LlmClient>) -> W, findings: &mut Findings) {
    let inner = Inner::endless();
    let wrapper = wrap(Arc::new(inner.clone()));
    let request = full_request();
    let mut call = wrapper.complete(&request);
    let has_ended = (&mut call).now_or_never().is_some();
    findings.expect(!has_ended, "A call lasts as long as that inside.", || "it has ended".to_owned());
    drop(call);
    let n_running = inner.n_running();
    findings
        .expect(n_running == 0, "A call that is dropped drops that inside.", || format!("{n_running} still running"));
}
