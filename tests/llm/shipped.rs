//! The suite that every client passes, on the clients and wrappers that keep, count or hand on, and on whole stacks.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::executor::block_on;
use svitgen::llm::conformance::{Conformance, check, check_wrapper};
use svitgen::llm::testing::MockTimer;
use svitgen::llm::{
    Account, Breaker, BreakerPolicy, Budget, CompletionRequest, Fallback, Limit, Limits, LlmClient, LlmError,
    LlmErrorKind, MockLlm, Record, Replay, Retry, RetryPolicy, RuleLlm,
};
use svitgen::{Parameters, Pipeline, PromptOptions, RecordSource, Task, VisualGenome};

use crate::conformance::passes;
use crate::request;

/// Requests that a cap lets through.
fn bounded() -> Vec<CompletionRequest> {
    let parameters = Parameters::default().with_model("gpt-4o-mini").with_max_tokens(100);
    (0..16).map(|n| request(&format!("Question {n}")).with_parameters(parameters.clone())).collect()
}

fn echo() -> MockLlm {
    MockLlm::function(|request| request.last_user_text().to_owned())
}

fn refusing(kind: LlmErrorKind) -> MockLlm {
    MockLlm::function(move |_| LlmError::new(kind, "not by me"))
}

/// A new recording each time.
struct Recordings {
    folder: tempfile::TempDir,
    n_made: AtomicUsize,
}

impl Recordings {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), n_made: AtomicUsize::new(0) }
    }

    fn record<C: LlmClient>(&self, inner: C) -> Record<C> {
        let n = self.n_made.fetch_add(1, Ordering::SeqCst);
        Record::create(inner, self.folder.path().join(format!("{n}.jsonl"))).unwrap()
    }
}

#[test]
fn a_budget() {
    passes(block_on(check_wrapper(|inner| Budget::new(inner, Account::new()))));
    let capped = || Account::new().with_max_total_tokens(100_000_000).with_max_cost("1000".parse().unwrap());
    let suite = Conformance::new().with_requests(bounded());
    // The suite has a model of its own, without a price.
    let tokens = || Account::new().with_max_total_tokens(100_000_000);
    passes(block_on(suite.check_wrapper(|inner| Budget::new(inner, tokens()))));
    passes(block_on(suite.check(&Budget::new(echo(), capped()))));

    let folder = tempfile::tempdir().unwrap();
    let kept = || Account::new().with_file(folder.path().join("budget.jsonl")).unwrap();
    passes(block_on(check_wrapper(|inner| Budget::new(inner, kept()))));
}

#[test]
fn a_recording_and_what_it_gives_again() {
    let recordings = Recordings::new();
    passes(block_on(check_wrapper(|inner| recordings.record(inner))));

    let path = recordings.folder.path().join("all.jsonl");
    let recording = Record::create(echo(), &path).unwrap();
    for request in bounded() {
        block_on(recording.complete(&request)).unwrap();
    }
    let suite = Conformance::new().with_requests(bounded());
    passes(block_on(suite.check(&Replay::open(path).unwrap())));
}

#[test]
fn a_journal_that_is_given_again() {
    let (source, task) = (VisualGenome::sample().unwrap(), Task::complex_reasoning());
    let folder = tempfile::tempdir().unwrap();
    let pipeline = Pipeline::builder(RuleLlm::new()).task(task.clone()).top_ups(0).build().unwrap();
    block_on(pipeline.run(&source, folder.path())).unwrap();
    let prompts = source
        .records()
        .filter_map(|record| svitgen::Prompt::new(&record.unwrap(), &task, &PromptOptions::default()).ok());
    let suite = Conformance::new().with_requests(prompts.map(|prompt| prompt.request(&Parameters::default())));
    passes(block_on(suite.check(&Replay::open(folder.path().join("journal.jsonl")).unwrap())));
}

#[test]
fn a_fallback_on_either_side() {
    // What is handed on comes out as the second client has it.
    let handled = Conformance::new().with_handled([LlmErrorKind::Refused, LlmErrorKind::TooLong]);
    passes(block_on(handled.check_wrapper(|inner| Fallback::new(inner, echo()))));
    passes(block_on(handled.check_wrapper(|inner| Fallback::new(inner, refusing(LlmErrorKind::Quota)))));
    passes(block_on(check_wrapper(|inner| Fallback::new(refusing(LlmErrorKind::Refused), inner))));
    passes(block_on(check_wrapper(|inner| {
        let too_small = refusing(LlmErrorKind::TooLong);
        Fallback::new(too_small, inner).with_empty_replies()
    })));
    let picky = MockLlm::function(|request| match request.last_user_text().len() % 2 {
        0 => Ok(svitgen::Completion::new("even")),
        _ => Err(LlmError::new(LlmErrorKind::Refused, "odd")),
    });
    passes(block_on(check(&Fallback::new(picky, echo()))));
}

#[test]
fn stacks_in_the_orders_that_make_sense() {
    let (timer, recordings) = (MockTimer::new(), Recordings::new());
    let clock = || timer.clone();
    let limits = || Limits::adaptive(4).with_requests_per_minute(6_000);
    let account = Arc::new(Account::new());
    let budget = |inner| Budget::new(inner, account.clone());
    let patient = |inner: Arc<dyn LlmClient>| {
        let held = Breaker::new(budget(inner), BreakerPolicy::default(), clock());
        Retry::new(Limit::new(held, limits(), clock()), RetryPolicy::default(), clock())
    };
    // As `svitgen generate` has it; recorded; with a second model, on either side.
    passes(timer.run(check_wrapper(patient)).unwrap());
    passes(timer.run(check_wrapper(|inner| recordings.record(patient(inner)))).unwrap());
    let refused = || Arc::new(refusing(LlmErrorKind::Refused));
    passes(timer.run(check_wrapper(|inner| Fallback::new(patient(refused()), patient(inner)))).unwrap());
    let handled = Conformance::new().with_handled([LlmErrorKind::Refused, LlmErrorKind::TooLong]);
    let with_second = |inner| Fallback::new(patient(inner), patient(Arc::new(echo())));
    passes(timer.run(handled.check_wrapper(|inner| recordings.record(with_second(inner)))).unwrap());
    // Every attempt recorded; a budget for both of two clients.
    let attempts = |inner| Retry::new(recordings.record(budget(inner)), RetryPolicy::default(), clock());
    passes(timer.run(check_wrapper(attempts)).unwrap());
    let boxed = |inner| -> Box<dyn LlmClient> { Box::new(attempts(inner)) };
    passes(timer.run(check_wrapper(boxed)).unwrap());
}

#[cfg(feature = "openai")]
mod servers {
    use serde_json::json;
    use svitgen::llm::testing::{FaultServer, ServerReply, ServerRequest};
    use svitgen::llm::{OpenAi, OpenAiConfig, Secret, TokioTimer, resilient};

    use super::*;
    use crate::openai::run;

    const KEY: &str = "sk-conformance-0123456789";

    /// Some requests are answered, and each of the others fails in its own way. Failures quote the key.
    fn misbehaves(text: &str) -> Option<ServerReply> {
        let error = |status, code: &str| {
            let body = json!({"error": {"message": format!("no: {KEY}"), "code": code, "type": code}});
            ServerReply::status(status).with_header("Content-Type", "application/json").with_body(body.to_string())
        };
        Some(match text.split_whitespace().nth(1)?.parse().ok()? {
            3u32 => error(400, "context_length_exceeded"),
            5 => error(429, "rate_limit_exceeded").with_header("Retry-After", "1"),
            7 => error(500, "server_error"),
            9 => ServerReply::closed(),
            11 => ServerReply::completion("cut").cut_after(20),
            13 => error(400, "content_filter"),
            _ => return None,
        })
    }

    /// The text of the last message, in whichever protocol.
    fn text_of(request: &ServerRequest) -> String {
        let last = request.body["messages"].as_array().and_then(|all| all.last()).cloned().unwrap_or_default();
        match &last["content"] {
            serde_json::Value::String(text) => text.clone(),
            parts => parts[0]["text"].as_str().unwrap_or_default().to_owned(),
        }
    }

    fn server() -> FaultServer {
        FaultServer::start(|_, request| {
            let text = text_of(request);
            misbehaves(&text).unwrap_or_else(|| ServerReply::completion(&format!("You said: {text}")))
        })
        .unwrap()
    }

    fn config(server: &FaultServer) -> OpenAiConfig {
        OpenAiConfig::new(server.base_url()).without_proxy().with_key(Secret::new(KEY)).with_model("m")
    }

    fn suite() -> Conformance {
        Conformance::new().with_secret(KEY)
    }

    #[test]
    fn openai() {
        let server = server();
        run(async {
            let client = OpenAi::new(config(&server)).unwrap();
            passes(suite().check(&client).await);
            assert!(client.complete(&request("Question 7")).await.is_err(), "some of the requests fail");
        });
        assert!(server.requests().len() > 100);
    }

    #[test]
    fn openai_with_replies_as_streams() {
        let server = FaultServer::start(|_, request| {
            let text = text_of(request);
            misbehaves(&text).unwrap_or_else(|| {
                let event = |delta: serde_json::Value, reason: serde_json::Value| {
                    format!("data: {}\n\n", json!({"choices": [{"delta": delta, "finish_reason": reason}]}))
                };
                let begin = event(json!({"content": "You said: "}), json!(null));
                let end = event(json!({"content": text}), json!("stop"));
                let reply = ServerReply::status(200).with_header("Content-Type", "text/event-stream");
                reply.with_body(format!("{begin}{end}data: [DONE]\n\n"))
            })
        })
        .unwrap();
        run(async {
            let client = OpenAi::new(config(&server).with_streaming()).unwrap();
            passes(suite().check(&client).await);
            let completion = client.complete(&request("Question 2")).await.unwrap();
            assert_eq!(completion.text, "You said: Question 2");
        });
    }

    #[test]
    fn a_stack_on_a_server() {
        // Faults that may pass do so at the second attempt.
        let seen = std::sync::Mutex::new(std::collections::HashSet::new());
        let server = FaultServer::start(move |_, request| {
            let text = text_of(request);
            let is_first = seen.lock().unwrap().insert(text.clone());
            let fault = misbehaves(&text).filter(|_| is_first || text.ends_with(" 3") || text.ends_with(" 13"));
            fault.unwrap_or_else(|| ServerReply::completion(&format!("You said: {text}")))
        })
        .unwrap();
        run(async {
            let client = OpenAi::new(config(&server)).unwrap();
            let client = Budget::new(client, Account::new());
            let patient = resilient(client, Limits::adaptive(32), TokioTimer::new());
            let requests = (0..16).map(|n| request(&format!("Question {n}")));
            passes(suite().with_requests(requests).check(&patient).await);
            assert!(patient.activity().retries.contains_key(&LlmErrorKind::Transient), "some were tried again");
        });
    }

    #[cfg(feature = "genai")]
    #[test]
    fn genai() {
        use svitgen::llm::{Genai, GenaiConfig};
        let server = FaultServer::start(|_, request| {
            let text = text_of(request);
            misbehaves(&text).unwrap_or_else(|| {
                let body = json!({
                    "id": "msg_1", "type": "message", "role": "assistant", "model": "m-1", "stop_reason": "end_turn",
                    "content": [{"type": "text", "text": format!("You said: {text}")}],
                    "usage": {"input_tokens": 5, "output_tokens": 7}
                });
                ServerReply::status(200).with_header("Content-Type", "application/json").with_body(body.to_string())
            })
        })
        .unwrap();
        let config = GenaiConfig::new().with_base_url(server.base_url()).with_key(Secret::new(KEY));
        let config = config.with_model("m-1").without_proxy();
        run(async {
            let client = Genai::new(config.with_vendor("anthropic")).unwrap();
            passes(suite().check(&client).await);
            let completion = client.complete(&request("Question 2")).await.unwrap();
            assert_eq!(completion.text, "You said: Question 2");
        });
        assert!(server.requests().iter().all(|request| request.path == "/v1/messages"));
    }
}
