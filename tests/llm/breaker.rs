//! Servers that die, and come back or not.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::join_all;
use futures::{FutureExt, StreamExt};
use svitgen::llm::testing::MockTimer;
use svitgen::llm::{
    Breaker, BreakerPolicy, Limits, LlmClient, LlmError, LlmErrorKind, MockLlm, MockReply, Timer, resilient,
};

use crate::request;

const SECOND: Duration = Duration::from_secs(1);

/// A server that does not answer from one moment to another; and when it was asked, and whether it answered.
fn server(timer: &MockTimer, outage: std::ops::Range<Duration>, was_sent: bool) -> (MockLlm, Calls) {
    let calls = Calls::default();
    let (noted, now) = (calls.clone(), timer.clone());
    let model = MockLlm::function(move |request| -> MockReply {
        let is_dead = outage.contains(&now.now());
        noted.lock().unwrap().push((now.now(), is_dead));
        let error = LlmError::new(LlmErrorKind::Transient, "connection refused");
        match (is_dead, was_sent) {
            (true, true) => error.into(),
            (true, false) => error.with_nothing_sent().into(),
            (false, _) => request.last_user_text().into(),
        }
    });
    let timer = timer.clone();
    (model.with_delay(move |_| timer.sleep_until(timer.now() + Duration::from_millis(100))), calls)
}

type Calls = Arc<Mutex<Vec<(Duration, bool)>>>;

#[test]
fn an_outage_fails_no_request_and_makes_no_storm() {
    for (was_sent, n_at_a_time) in [(true, 256), (false, 256), (false, 1)] {
        let timer = MockTimer::new();
        let (model, calls) = server(&timer, 5 * SECOND..305 * SECOND, was_sent);
        let model = resilient(model, Limits::adaptive(n_at_a_time), timer.clone());
        let ask = |n: usize| {
            let model = model.clone();
            async move { (n.to_string(), model.complete(&request(&n.to_string())).await) }
        };
        let n_requests = 100 * n_at_a_time;
        let asking = futures::stream::iter(0..n_requests).map(ask).buffer_unordered(n_at_a_time);
        let replies = timer.run(asking.collect::<Vec<_>>()).unwrap();
        for (asked, reply) in &replies {
            assert_eq!(reply.as_ref().unwrap().text, *asked);
        }
        let calls = calls.lock().unwrap();
        let n_in_vain = calls.iter().filter(|(_, is_dead)| *is_dead).count();
        assert!(n_in_vain <= n_at_a_time + 20, "{n_in_vain} calls on a dead server, {n_at_a_time} at a time");
        assert_eq!(calls.len(), n_requests + n_in_vain);
        let first_answer = calls.iter().find(|(moment, _)| *moment >= 305 * SECOND).unwrap().0;
        assert!(first_answer < 366 * SECOND, "back at {first_answer:?}");
        assert_eq!((model.activity().waiting, model.activity().limit), (0, Some(n_at_a_time as u64)));
    }
}

#[test]
fn pauses_grow_and_one_goes_ahead_at_a_time() {
    let timer = MockTimer::new();
    let (model, calls) = server(&timer, Duration::ZERO..u32::MAX * SECOND, false);
    let policy = BreakerPolicy::default().with_failures(1).with_pauses(SECOND, 4 * SECOND).with_patience(20 * SECOND);
    let breaker = Breaker::new(model, policy, timer.clone());
    let requests = [request("1"), request("2"), request("3")];
    let replies = timer.run(join_all(requests.iter().map(|request| breaker.complete(request)))).unwrap();
    for reply in replies {
        let error = reply.unwrap_err();
        assert!(error.kind() == LlmErrorKind::Unavailable && error.was_not_sent(), "{error}");
        assert!(error.message().contains("has answered nothing for 20"), "{error}");
        assert!(error.message().contains("the last one with: transient: connection refused"), "{error}");
    }
    // All three at once; then, each 0.1 s later than the pause, one after 1 s, 2 s, 4 s, 4 s and so on.
    let moments: Vec<u128> = calls.lock().unwrap().iter().map(|(moment, _)| moment.as_millis()).collect();
    assert_eq!(moments, [100, 100, 100, 1_200, 3_300, 7_400, 11_500, 15_600, 19_700]);
    assert_eq!(timer.now(), Duration::from_millis(20_100));

    // One call now and then still finds out; all others end at once.
    let started = timer.now();
    let late = timer.run(join_all(requests.iter().map(|request| breaker.complete(request)))).unwrap();
    assert!(late.iter().all(|reply| reply.as_ref().is_err_and(|error| error.kind().stops_run())));
    assert!(timer.now() - started <= Duration::from_millis(100));
}

#[test]
fn what_may_have_been_sent_is_never_said_not_to_have_been() {
    for was_sent in [true, false] {
        let timer = MockTimer::new();
        let (model, _) = server(&timer, Duration::ZERO..u32::MAX * SECOND, was_sent);
        let policy = BreakerPolicy::default().with_failures(1).with_patience(Duration::ZERO);
        let breaker = Breaker::new(model, policy, timer.clone());
        let error = timer.run(breaker.complete(&request("1"))).unwrap().unwrap_err();
        assert_eq!((error.kind(), error.was_not_sent()), (LlmErrorKind::Unavailable, !was_sent));
    }
}

#[test]
fn a_call_ahead_that_hangs_does_not_keep_the_others_waiting_for_ever() {
    let timer = MockTimer::new();
    let model = MockLlm::script([LlmError::new(LlmErrorKind::Transient, "connection reset").into()]);
    let gate = model.clone();
    let model = model.with_delay(move |_| {
        let hangs = gate.requests().len() > 1;
        async move {
            if hangs {
                std::future::pending().await
            }
        }
    });
    let policy = BreakerPolicy::default().with_failures(1).with_patience(20 * SECOND);
    let breaker = Breaker::new(model, policy, timer.clone());
    let [one, two, three] = ["1", "2", "3"].map(request);
    assert!(timer.run(breaker.complete(&one)).unwrap().is_err());
    let mut ahead = breaker.complete(&two);
    assert!((&mut ahead).now_or_never().is_none());
    timer.advance(SECOND);
    assert!((&mut ahead).now_or_never().is_none());
    let error = timer.run(breaker.complete(&three)).unwrap().unwrap_err();
    assert_eq!((error.kind(), timer.now()), (LlmErrorKind::Unavailable, 20 * SECOND));
}

#[test]
fn a_refusal_is_a_sign_of_life() {
    let timer = MockTimer::new();
    let kinds = [LlmErrorKind::Transient, LlmErrorKind::Transient, LlmErrorKind::RateLimited, LlmErrorKind::Malformed];
    let n_calls = Mutex::new(0);
    let model = MockLlm::function(move |_| {
        let mut n_calls = n_calls.lock().unwrap();
        *n_calls += 1;
        LlmError::new(kinds[(*n_calls - 1) % 4], "no")
    });
    let breaker = Breaker::new(model, BreakerPolicy::default().with_failures(3), timer.clone());
    for _ in 0..100 {
        assert!(breaker.complete(&request("?")).now_or_never().unwrap().is_err());
    }
    assert_eq!(timer.now(), Duration::ZERO);
}

#[test]
fn after_an_outage_few_go_first() {
    let timer = MockTimer::new();
    let (model, calls) = server(&timer, Duration::ZERO..2 * SECOND, false);
    let breaker = Breaker::new(model, BreakerPolicy::default().with_failures(1), timer.clone());
    let requests: Vec<_> = (0..300).map(|n| request(&n.to_string())).collect();
    let mut first = breaker.complete(&requests[0]);
    assert!((&mut first).now_or_never().is_none());
    timer.advance(Duration::from_millis(100));
    assert!((&mut first).now_or_never().is_none());
    assert_eq!(breaker.activity().limit, Some(1));
    let all = requests[1..].iter().map(|request| breaker.complete(request));
    let replies = timer.run(join_all(std::iter::once(first).chain(all))).unwrap();
    assert!(replies.iter().all(Result::is_ok));
    let calls = calls.lock().unwrap();
    let answers: Vec<Duration> = calls.iter().filter(|(_, is_dead)| !is_dead).map(|(moment, _)| *moment).collect();
    let n_at = |n_steps: u32| {
        let moment = answers[0] + n_steps * Duration::from_millis(100);
        answers.iter().filter(|answer| **answer == moment).count()
    };
    assert_eq!([0, 1, 2, 3, 4, 5].map(n_at), [1, 2, 4, 8, 16, 32]);
    assert_eq!(answers.len(), 300);
    assert_eq!(breaker.activity().limit, None);
}

#[test]
fn a_dropped_call_lets_another_one_go_ahead() {
    let timer = MockTimer::new();
    let (model, _) = server(&timer, Duration::ZERO..SECOND, true);
    let breaker = Breaker::new(model, BreakerPolicy::default().with_failures(1), timer.clone());
    let [one, two, three] = ["1", "2", "3"].map(request);
    assert!(timer.run(breaker.complete(&one)).unwrap().is_err());
    let (mut ahead, mut next, mut last) = (breaker.complete(&one), breaker.complete(&two), breaker.complete(&three));
    assert!([&mut ahead, &mut next, &mut last].into_iter().all(|call| call.now_or_never().is_none()));
    timer.advance(2 * SECOND);
    assert!((&mut ahead).now_or_never().is_none());
    drop(ahead);
    let replies = timer.run(join_all([next, last])).unwrap();
    assert!(replies.iter().all(Result::is_ok));
    assert_eq!((breaker.activity().waiting, timer.n_sleeping()), (0, 0));
}
