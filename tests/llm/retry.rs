//! Trying again: what the policy decides, and what the wrapper makes of it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::{join, join_all};
use futures::{FutureExt, StreamExt};
use proptest::prelude::*;
use svitgen::llm::testing::MockTimer;
use svitgen::llm::{
    Completion, Failures, LlmClient, LlmError, LlmErrorKind, MockLlm, MockReply, Retry, RetryDecision, RetryPolicy,
    Timer,
};

use crate::request;

const SECOND: Duration = Duration::from_secs(1);

fn busy(wait: Duration) -> LlmError {
    LlmError::new(LlmErrorKind::RateLimited, "slow down").with_retry_after(wait)
}

fn fault() -> LlmError {
    LlmError::new(LlmErrorKind::Transient, "connection reset")
}

/// A model that fails in this way `n` times and then answers; and when it was asked.
fn fails(n: usize, timer: &MockTimer, error: impl Fn() -> LlmError + Send + Sync + 'static) -> (MockLlm, Moments) {
    let moments = Moments::default();
    let (noted, timer) = (moments.clone(), timer.clone());
    let model = MockLlm::function(move |_| -> MockReply {
        let mut moments = noted.lock().unwrap();
        moments.push(timer.now());
        if moments.len() > n { "A dog.".into() } else { error().into() }
    });
    (model, moments)
}

type Moments = Arc<Mutex<Vec<Duration>>>;

#[test]
fn the_wait_of_the_server_is_kept_to_the_moment_as_often_as_it_asks() {
    let timer = MockTimer::new();
    let (model, moments) = fails(20, &timer, || busy(2 * SECOND));
    let patient = Retry::new(model, RetryPolicy::default(), timer.clone());
    assert_eq!(timer.run(patient.complete(&request("?"))).unwrap().unwrap().text, "A dog.");
    let expected: Vec<Duration> = (0..=20).map(|n| 2 * n * SECOND).collect();
    assert_eq!(*moments.lock().unwrap(), expected);
    assert_eq!(patient.activity().retries, [(LlmErrorKind::RateLimited, 20)].into());
    assert_eq!(patient.activity().waiting, 0);
}

#[test]
fn others_go_on_while_one_waits() {
    let timer = MockTimer::new();
    let replies = ["slow".into(), "quick".into()];
    let model = MockLlm::script([MockReply::from(busy(60 * SECOND))].into_iter().chain(replies));
    let patient = Retry::new(model, RetryPolicy::default(), timer.clone());
    let (one, two) = (request("1"), request("2"));
    let mut first = patient.complete(&one);
    assert!((&mut first).now_or_never().is_none());
    assert_eq!(patient.activity().waiting, 1);
    assert!(patient.complete(&two).now_or_never().unwrap().is_ok());
    assert_eq!(timer.now(), Duration::ZERO);
    drop(first);
    assert_eq!((patient.activity().waiting, timer.n_sleeping()), (0, 0));
}

#[test]
fn attempts_are_bounded_by_kind_and_told() {
    let cases = [
        (LlmErrorKind::Transient, 6, "out of order (after 6 attempts)"),
        (LlmErrorKind::RateLimited, 20, "out of order (after 20 attempts)"),
        (LlmErrorKind::Malformed, 3, "out of order (after 3 attempts)"),
        (LlmErrorKind::Refused, 1, "out of order"),
        (LlmErrorKind::Credentials, 1, "out of order"),
        (LlmErrorKind::Unavailable, 1, "out of order"),
    ];
    for (kind, n_attempts, message) in cases {
        let timer = MockTimer::new();
        let (model, moments) = fails(usize::MAX, &timer, move || LlmError::new(kind, "out of order"));
        let patient = Retry::new(model, RetryPolicy::default(), timer.clone());
        let error = timer.run(patient.complete(&request("?"))).unwrap().unwrap_err();
        assert_eq!((error.kind(), error.message(), moments.lock().unwrap().len()), (kind, message, n_attempts));
        let n_retries = patient.activity().retries.get(&kind).copied().unwrap_or(0);
        assert_eq!(n_retries, n_attempts as u64 - 1);
    }
}

#[test]
fn what_no_attempt_helps_comes_out_as_it_is_however_late() {
    let timer = MockTimer::new();
    let model = MockLlm::script([fault().into(), LlmError::new(LlmErrorKind::Refused, "no").into()]);
    let patient = Retry::new(model, RetryPolicy::default(), timer.clone());
    let error = timer.run(patient.complete(&request("?"))).unwrap().unwrap_err();
    assert_eq!(error.to_string(), "refused: no");
}

#[test]
fn a_server_that_says_wait_for_ever_ends_too() {
    let timer = MockTimer::new();
    let (model, _) = fails(usize::MAX, &timer, || busy(100 * SECOND));
    let patient = Retry::new(model, RetryPolicy::default(), timer.clone());
    let error = timer.run(patient.complete(&request("?"))).unwrap().unwrap_err();
    assert_eq!(error.to_string(), "rate_limited: slow down (after 37 attempts)");
    assert_eq!(timer.now(), 3600 * SECOND);

    // A wait of nothing is none: it counts as a guess, and does not end in a loop that never rests.
    let (model, moments) = fails(usize::MAX, &timer, || busy(Duration::ZERO));
    let patient = Retry::new(model, RetryPolicy::default(), timer.clone());
    assert!(timer.run(patient.complete(&request("?"))).unwrap().is_err());
    assert_eq!(moments.lock().unwrap().len(), 20);
}

#[test]
fn a_wait_that_nobody_sits_through_stops_the_run() {
    let timer = MockTimer::new();
    let (model, moments) = fails(usize::MAX, &timer, || busy(3 * 3600 * SECOND));
    let patient = Retry::new(model, RetryPolicy::default(), timer.clone());
    let error = timer.run(patient.complete(&request("?"))).unwrap().unwrap_err();
    assert!(error.kind().stops_run() && error.kind() == LlmErrorKind::Unavailable);
    assert!(error.message().contains("wait for 3 h"), "{error}");
    assert_eq!((moments.lock().unwrap().len(), timer.now()), (1, Duration::ZERO));
}

/// The busy profile: one in twenty refused for rate with a wait, one in twenty a server error.
#[test]
fn no_request_fails_on_a_busy_server() {
    let timer = MockTimer::new();
    let model = MockLlm::function({
        let n_calls = Mutex::new(0u64);
        move |request| -> MockReply {
            let mut n_calls = n_calls.lock().unwrap();
            *n_calls += 1;
            match n_calls.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32 & 0xFF {
                0..13 => busy(SECOND).into(),
                13..26 => fault().into(),
                _ => request.last_user_text().into(),
            }
        }
    })
    .with_delay({
        let timer = timer.clone();
        move |_| timer.sleep_until(timer.now() + Duration::from_millis(200))
    });
    let patient = Retry::new(model.clone(), RetryPolicy::default(), timer.clone());
    let ask = |n: usize| {
        let patient = patient.clone();
        async move { (n.to_string(), patient.complete(&request(&n.to_string())).await) }
    };
    let replies = timer.run(futures::stream::iter(0..2_000).map(ask).buffer_unordered(64).collect::<Vec<_>>()).unwrap();
    assert!(replies.iter().all(|(asked, reply)| reply.as_ref().is_ok_and(|reply| reply.text == *asked)));
    let n_retries: u64 = patient.activity().retries.values().sum();
    assert_eq!(model.requests().len() as u64, 2_000 + n_retries);
    assert!((150..300).contains(&n_retries), "{n_retries}");
}

#[test]
fn an_outage_does_not_multiply_the_traffic() {
    let timer = MockTimer::new();
    let (model, moments) = fails(usize::MAX, &timer, fault);
    let policy = RetryPolicy::default().with_retry_budget(50, 0.1, 2.0);
    let patient = Retry::new(model, policy, timer.clone());
    let requests: Vec<_> = (0..200).map(|n| request(&n.to_string())).collect();
    let replies = timer.run(join_all(requests.iter().map(|request| patient.complete(request)))).unwrap();
    assert!(replies.iter().all(Result::is_err));
    let moments = moments.lock().unwrap();
    assert_eq!(moments.len(), 200 * 6);
    for (n_sent, moment) in moments.iter().enumerate() {
        let allowed = 200.0 + 50.0 + 20.0 + 2.0 * moment.as_secs_f64();
        assert!(n_sent as f64 <= allowed + 1.0, "{n_sent} sent at {moment:?}");
    }

    // Waits that the server names are not its business.
    let timer = MockTimer::new();
    let (model, moments) = fails(200, &timer, || busy(SECOND));
    let patient = Retry::new(model, RetryPolicy::default().with_retry_budget(0, 0.0, 0.0), timer.clone());
    timer.run(join_all(requests.iter().map(|request| patient.complete(request)))).unwrap();
    assert!(moments.lock().unwrap().iter().all(|moment| *moment <= SECOND));
}

#[test]
fn the_same_seed_waits_the_same_time() {
    let moments = |seed: u64| {
        let timer = MockTimer::new();
        let (model, moments) = fails(4, &timer, fault);
        let patient = Retry::new(model, RetryPolicy::default().with_seed(seed), timer.clone());
        let (one, two) = (request("1"), request("2"));
        let (one, two) = timer.run(join(patient.complete(&one), patient.complete(&two))).unwrap();
        assert!(one.is_ok() && two.is_ok());
        moments.lock().unwrap().clone()
    };
    assert_eq!(moments(7), moments(7));
    assert_ne!(moments(7), moments(8));
}

#[test]
fn what_the_model_says_comes_through() {
    let timer = MockTimer::new();
    let whole = Completion::new("A dog.").with_model("m").with_id("7");
    let patient = Retry::new(MockLlm::script([whole.clone().into()]), RetryPolicy::default(), timer.clone());
    assert_eq!(timer.run(patient.complete(&request("?"))).unwrap().unwrap(), whole);
    assert_eq!(patient.name(), "mock");
}

fn kinds() -> impl Strategy<Value = LlmErrorKind> {
    prop::sample::select(vec![
        LlmErrorKind::Transient,
        LlmErrorKind::RateLimited,
        LlmErrorKind::Malformed,
        LlmErrorKind::Quota,
        LlmErrorKind::TooLong,
        LlmErrorKind::Budget,
    ])
}

proptest! {
    #[test]
    fn a_decision_never_comes_before_the_server_and_always_comes_to_an_end(
        kind in kinds(), wait in prop::option::of(0u64..1_000_000), random: u64, n_before in 0u32..40,
    ) {
        let policy = RetryPolicy::default();
        let wait = wait.map(Duration::from_millis);
        let error = LlmError::new(kind, "");
        let error = match wait { Some(wait) => error.with_retry_after(wait), None => error };
        let mut failures = Failures::default();
        for _ in 0..=n_before {
            failures.count(&error);
        }
        match policy.decide(&failures, kind, wait, random) {
            RetryDecision::Told(told) => {
                prop_assert_eq!(Some(told), wait);
                prop_assert!(told <= Duration::from_secs(600) && failures.told <= Duration::from_secs(3600));
            }
            RetryDecision::Guessed(guess) => {
                prop_assert!(wait.is_none_or(|wait| wait.is_zero()));
                let bound = Duration::from_millis(500).saturating_mul(2u32.saturating_pow(n_before));
                prop_assert!(guess <= bound.min(Duration::from_secs(30)));
                prop_assert!(n_before < 19);
            }
            RetryDecision::GiveUp => prop_assert!(!kind.is_transient() || n_before >= 2),
            RetryDecision::Stop => prop_assert!(wait > Some(Duration::from_secs(600))),
        }
    }
}
