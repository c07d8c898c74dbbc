//! What every client keeps.

use std::panic::AssertUnwindSafe;

use futures::FutureExt;
use futures::future::join_all;

use crate::llm::{Completion, CompletionRequest, LlmClient, LlmError, LlmErrorKind, Message, MessageRole};

use super::breach::Findings;

/// Calls at once for each request.
const TIMES: usize = 8;

pub(super) async fn check(client: &dyn LlmClient, requests: &[CompletionRequest], findings: &mut Findings) {
    let name = client.name().to_owned();
    let is_one_line = !name.trim().is_empty() && !name.contains(char::is_control);
    findings.expect(is_one_line, "A name is one line that is not empty.", || format!("{name:?}"));

    let mut alone = Vec::new();
    for request in requests {
        alone.push(ask(client, request, findings).await);
    }
    let first = alone.first().map(|reply| format!("{reply:?}")).unwrap_or_default();
    let one_is_answered = alone.iter().any(Result::is_ok);
    findings.expect(one_is_answered, "At least one of the requests is answered.", || first);

    many_at_once(client, requests, &alone, findings).await;
    drop_midway(client, requests, &alone, findings).await;
    odd_requests(client, findings).await;

    findings.expect(client.name() == name, "A name stays the same.", || format!("{name:?}, then {:?}", client.name()));
    findings.expect_no_secret(client.name());
    findings.expect_no_secret(&format!("{client:?}"));
    findings.expect_no_secret(&format!("{client:#?}"));
    findings.expect(client.activity().waiting == 0, "Nothing waits when no call is left.", || {
        format!("{} waiting", client.activity().waiting)
    });
}

/// What is compared: the text, or the kind of the error.
type Reply = Result<String, LlmErrorKind>;

async fn ask(client: &dyn LlmClient, request: &CompletionRequest, findings: &mut Findings) -> Reply {
    look(call(client, request).await, findings)
}

/// A call that may panic.
async fn call(client: &dyn LlmClient, request: &CompletionRequest) -> Option<Result<Completion, LlmError>> {
    AssertUnwindSafe(client.complete(request)).catch_unwind().await.ok()
}

fn look(result: Option<Result<Completion, LlmError>>, findings: &mut Findings) -> Reply {
    let has_panicked = result.is_none();
    findings.expect(!has_panicked, "A call never panics.", || "a panic".to_owned());
    let error = match result {
        Some(Ok(completion)) => return Ok(completion.text),
        Some(Err(error)) => error,
        None => return Err(LlmErrorKind::InvalidRequest),
    };
    findings.expect(!error.message().trim().is_empty(), "An error says what happened.", || format!("{error:?}"));
    findings.expect_no_secret(&format!("{error} {error:?}"));
    Err(error.kind())
}

async fn many_at_once(
    client: &dyn LlmClient,
    requests: &[CompletionRequest],
    alone: &[Reply],
    findings: &mut Findings,
) {
    let all = || (0..TIMES).flat_map(|_| requests.iter().zip(alone));
    let results = join_all(all().map(|(request, _)| call(client, request))).await;
    for (result, (request, alone)) in results.into_iter().zip(all()) {
        let reply = look(result, findings);
        let rule = "Among many calls at once, each gets the reply that it gets alone.";
        findings.expect(reply == *alone, rule, || format!("{reply:?}, not {alone:?}, to {request:?}"));
    }
}

async fn drop_midway(client: &dyn LlmClient, requests: &[CompletionRequest], alone: &[Reply], findings: &mut Findings) {
    for _ in 0..TIMES {
        let mut calls: Vec<_> = requests.iter().map(|request| Box::pin(call(client, request))).collect();
        // Polled once, so that they are on their way; what is answered by then is no matter.
        calls.iter_mut().for_each(|call| drop(call.now_or_never()));
    }
    let results = join_all(requests.iter().map(|request| call(client, request))).await;
    for (result, (request, alone)) in results.into_iter().zip(requests.iter().zip(alone)) {
        let reply = look(result, findings);
        let rule = "A client answers as before after calls were dropped midway.";
        findings.expect(reply == *alone, rule, || format!("{reply:?}, not {alone:?}, to {request:?}"));
    }
}

/// They may be refused, but nothing else.
async fn odd_requests(client: &dyn LlmClient, findings: &mut Findings) {
    let user = |text: &str| vec![Message::new(MessageRole::User, text)];
    let odd = [
        Vec::new(),
        user(""),
        user("\0\u{1b}\u{feff}\u{10ffff}\r\n\"\\"),
        user(&"long ".repeat(20_000)),
        vec![Message::new(MessageRole::Assistant, "Only I speak.")],
        vec![Message::new(MessageRole::System, ""), Message::new(MessageRole::System, "")],
    ];
    for messages in odd {
        let _ = ask(client, &CompletionRequest::new(messages), findings).await;
    }
}
