//! What only waits is given up when the signal is set; what is on its way is finished.

use std::time::Duration;

use futures::FutureExt;
use futures::future::join_all;
use svitgen::llm::testing::MockTimer;
use svitgen::llm::{
    Account, Breaker, BreakerPolicy, Budget, Limit, Limits, LlmClient, LlmError, LlmErrorKind, MockLlm, Parameters,
    Retry, RetryPolicy, StopSignal,
};

use crate::request;

#[test]
fn a_wait_for_another_attempt_is_given_up() {
    let timer = MockTimer::new();
    let busy = LlmError::new(LlmErrorKind::RateLimited, "slow down").with_retry_after(Duration::from_secs(300));
    let stop = StopSignal::new();
    let patient =
        Retry::new(MockLlm::script([busy.into()]), RetryPolicy::default(), timer).with_stop_signal(stop.clone());
    let request = request("?");
    let mut call = patient.complete(&request);
    assert!((&mut call).now_or_never().is_none());
    stop.set();
    assert_eq!(call.now_or_never().unwrap().unwrap_err().kind(), LlmErrorKind::Interrupted);
    assert_eq!(patient.activity().waiting, 0);
}

#[test]
fn who_has_no_turn_gives_up_and_who_has_it_is_answered() {
    let timer = MockTimer::new();
    let stop = StopSignal::new();
    let (answer, answered) = futures::channel::oneshot::channel::<()>();
    let answered = answered.shared();
    let slow = MockLlm::function(|_| "A dog.").with_delay(move |_| answered.clone().map(|_| ()));
    let limited = Limit::new(slow.clone(), Limits::fixed(1), timer).with_stop_signal(stop.clone());
    let requests: Vec<_> = (0..3).map(|n| request(&n.to_string())).collect();
    let mut calls = join_all(requests.iter().map(|request| limited.complete(request)));
    assert!((&mut calls).now_or_never().is_none());
    stop.set();
    assert!((&mut calls).now_or_never().is_none(), "one is on its way");
    answer.send(()).unwrap();
    let results = calls.now_or_never().unwrap();
    let kinds: Vec<_> = results.iter().map(|result| result.as_ref().err().map(LlmError::kind)).collect();
    assert_eq!(kinds, [None, Some(LlmErrorKind::Interrupted), Some(LlmErrorKind::Interrupted)]);
    assert_eq!(slow.requests().len(), 1);
}

#[test]
fn what_is_held_back_from_a_dead_server_is_given_up() {
    let timer = MockTimer::new();
    let stop = StopSignal::new();
    let refused =
        MockLlm::function(|_| LlmError::new(LlmErrorKind::Transient, "connection refused").with_nothing_sent());
    let policy = BreakerPolicy::default().with_failures(1);
    let held = Breaker::new(refused, policy, timer).with_stop_signal(stop.clone());
    let request = request("?");
    let mut call = held.complete(&request);
    assert!((&mut call).now_or_never().is_none());
    stop.set();
    assert_eq!(call.now_or_never().unwrap().unwrap_err().kind(), LlmErrorKind::Interrupted);
}

#[test]
fn who_waits_for_room_in_a_budget_gives_up() {
    let stop = StopSignal::new();
    let (answer, answered) = futures::channel::oneshot::channel::<()>();
    let answered = answered.shared();
    let slow = MockLlm::function(|_| "A dog.").with_delay(move |_| answered.clone().map(|_| ()));
    let requests = (0..3).map(|n| request(&n.to_string()).with_parameters(Parameters::default().with_max_tokens(100)));
    let requests: Vec<_> = requests.collect();
    // Room for one of them at a time.
    let account = Account::new().with_max_total_tokens(100 + requests[0].max_input_tokens());
    let capped = Budget::new(slow.clone(), account).with_stop_signal(stop.clone());
    let mut calls = join_all(requests.iter().map(|request| capped.complete(request)));
    assert!((&mut calls).now_or_never().is_none());
    assert_eq!(capped.activity().waiting, 2);
    stop.set();
    assert!((&mut calls).now_or_never().is_none(), "one is on its way");
    assert_eq!(capped.activity().waiting, 0);
    answer.send(()).unwrap();
    let results = calls.now_or_never().unwrap();
    let kinds: Vec<_> = results.iter().map(|result| result.as_ref().err().map(LlmError::kind)).collect();
    assert_eq!(kinds, [None, Some(LlmErrorKind::Interrupted), Some(LlmErrorKind::Interrupted)]);
    assert_eq!((slow.requests().len(), capped.spending().requests), (1, 1), "nothing is charged that was not sent");
}
