//! The client for tests.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::FutureExt;
use futures::executor::block_on;
use svitgen::llm::{Completion, LlmClient, LlmError, LlmErrorKind, MockLlm};

use crate::request;

#[test]
fn a_script_comes_to_its_end() {
    let error =
        LlmError::new(LlmErrorKind::RateLimited, "slow down").with_retry_after(std::time::Duration::from_secs(3));
    let mock = MockLlm::script(["one".into(), error.into(), Completion::new("two").with_model("m").into()]);
    let handle = mock.clone();
    let ask = || block_on(mock.complete(&request("?")));
    assert_eq!(ask().unwrap().text, "one");
    assert_eq!(ask().unwrap_err().retry_after(), Some(std::time::Duration::from_secs(3)));
    assert_eq!(ask().unwrap().model.as_deref(), Some("m"));
    let end = ask().unwrap_err();
    assert_eq!(end.to_string(), "invalid_request: the script of 3 replies has come to its end");
    assert_eq!((handle.requests().len(), handle.name()), (4, "mock"));
}

#[test]
fn rules_and_functions_see_the_request() {
    let mock = MockLlm::rules([("dog", "Woof."), ("cat", "Meow.")]);
    assert_eq!(block_on(mock.complete(&request("a cat"))).unwrap().text, "Meow.");
    let error = block_on(mock.complete(&request("a cow"))).unwrap_err();
    assert_eq!(error.message(), "none of 2 rules fits the request");
    let echo = MockLlm::function(|request| request.last_user_text().to_uppercase());
    assert_eq!(block_on(echo.complete(&request("cow"))).unwrap().text, "COW");
}

#[test]
fn a_delay_holds_the_reply_back() {
    let open = Arc::new(AtomicBool::new(false));
    let gate = open.clone();
    let mock = MockLlm::script(["done".into()]).with_delay(move |_| {
        let gate = gate.clone();
        futures::future::poll_fn(move |_| {
            if gate.load(Ordering::SeqCst) { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
        })
    });
    let request = request("?");
    let mut call = Box::pin(mock.complete(&request));
    assert!(call.as_mut().now_or_never().is_none());
    open.store(true, Ordering::SeqCst);
    assert_eq!(call.as_mut().now_or_never().unwrap().unwrap().text, "done");
}
