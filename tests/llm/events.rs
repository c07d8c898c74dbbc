//! What wrappers tell whoever subscribes.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::future::join_all;
use svitgen::llm::testing::MockTimer;
use svitgen::llm::{
    Breaker, BreakerPolicy, Limit, Limits, LlmClient, LlmError, LlmErrorKind, MockLlm, Retry, RetryPolicy, Timer,
};

use crate::request;
use crate::support_events::told_by;

/// Fails so many times, then answers.
fn failing(n_failures: usize, error: fn() -> LlmError) -> MockLlm {
    let n_calls = AtomicUsize::new(0);
    MockLlm::function(move |_| match n_calls.fetch_add(1, Ordering::SeqCst) {
        n if n < n_failures => Err(error()),
        _ => Ok(svitgen::Completion::new("A dog.")),
    })
}

#[test]
fn a_breaker_tells_that_it_opens_probes_and_closes() {
    let timer = MockTimer::new();
    let dead = failing(3, || LlmError::new(LlmErrorKind::Transient, "refused by sk-123").with_nothing_sent());
    let policy = BreakerPolicy::default().with_failures(2);
    let held = Breaker::new(dead, policy, timer.clone());
    let requests: Vec<_> = (0..100).map(|n| request(&format!("secret {n}"))).collect();
    let events = told_by(|| {
        for request in &requests {
            // The first one fails before there is reason to hold anything back.
            let _ = timer.run(held.complete(request)).unwrap();
        }
    });
    let expected = [
        "breaker changed change=opened after 2 faults in a row, next probe in 1 s",
        "breaker probes the server",
        "breaker changed change=stays open, next probe in 2 s",
        "breaker probes the server",
        "breaker changed change=half-open, a few calls follow",
        "breaker changed change=closed, all calls pass",
    ];
    assert_eq!(events, expected);
}

#[test]
fn a_limit_tells_that_it_shrinks_and_grows_and_why() {
    let timer = MockTimer::new();
    let clock = timer.clone();
    let busy = failing(16, || LlmError::new(LlmErrorKind::RateLimited, "slow down"))
        .with_delay(move |_| clock.sleep_until(clock.now() + Duration::from_secs(1)));
    let limited = Limit::new(busy, Limits::adaptive(100), timer.clone());
    let requests: Vec<_> = (0..200).map(|n| request(&format!("secret {n}"))).collect();
    let events = told_by(|| {
        timer.run(join_all(requests.iter().map(|request| limited.complete(request)))).unwrap();
    });
    assert_eq!(events[0], "limit changed change=shrank from 100 to 70, as 15 of 15 calls were refused for rate");
    assert!(events.len() > 1, "it grows again");
    assert_eq!(events[1], "limit changed change=grew from 70 to 71, as 0 of 70 calls were refused for rate");
    assert!(!events.concat().contains("secret"), "{events:?}");
}

#[test]
fn a_retry_tells_what_failed_and_how_long_it_waits() {
    let timer = MockTimer::new();
    let busy =
        failing(1, || LlmError::new(LlmErrorKind::RateLimited, "slow down").with_retry_after(Duration::from_secs(7)));
    let patient = Retry::new(busy, RetryPolicy::default(), timer.clone());
    let request = request("secret");
    let events = told_by(|| drop(timer.run(patient.complete(&request)).unwrap().unwrap()));
    assert_eq!(events, ["request waits for another attempt kind=rate_limited attempt=1 wait=7s"]);
}
