//! Faults on order.

use std::time::Duration;

use futures::future::{join_all, select};
use svitgen::llm::testing::{Fault, FaultyLlm, MockTimer};
use svitgen::llm::{FinishReason, Limits, LlmClient, LlmErrorKind, MockLlm, Timer, resilient};

use crate::request;

fn echo() -> MockLlm {
    MockLlm::function(|request| format!("An answer to {}.", request.last_user_text()))
}

#[test]
fn faults_depend_on_seed_request_and_attempt_alone() {
    let outcomes = |seed: u64, order: &[usize]| {
        let timer = MockTimer::new();
        let model = FaultyLlm::new(echo(), seed, timer.clone())
            .with_fault(Fault::Transient, 0.2)
            .with_fault(Fault::Malformed, 0.2)
            .with_fault(Fault::Cut, 0.2);
        let mut outcomes = vec![Vec::new(); 50];
        for n in order {
            let outcome = timer.run(model.complete(&request(&n.to_string()))).unwrap();
            outcomes[*n].push(outcome.map(|completion| completion.text).map_err(|error| error.to_string()));
        }
        (outcomes, model.n_faults())
    };
    let twice: Vec<usize> = (0..50).chain(0..50).collect();
    let backwards: Vec<usize> = (0..50).rev().flat_map(|n| [n, n]).collect();
    let (outcome, n_faults) = outcomes(7, &twice);
    assert_eq!((outcome.clone(), n_faults.clone()), outcomes(7, &backwards));
    assert_ne!(outcome, outcomes(8, &twice).0);
    assert!(outcome.iter().any(|attempts| attempts[0] != attempts[1]));
    assert_eq!(n_faults.len(), 3);
    assert!(n_faults.values().all(|n| (8..=35).contains(n)), "{n_faults:?}");
}

#[test]
fn each_fault_is_what_it_says() {
    let timer = MockTimer::new();
    let ask = |fault| {
        let model = FaultyLlm::new(echo(), 1, timer.clone()).with_fault(fault, 1.0);
        timer.run(async move { model.complete(&request("a question")).await }).unwrap()
    };
    let kind = |fault| ask(fault).unwrap_err().kind();
    assert_eq!(kind(Fault::Transient), LlmErrorKind::Transient);
    assert_eq!(kind(Fault::Malformed), LlmErrorKind::Malformed);
    assert_eq!(kind(Fault::Error(LlmErrorKind::Quota)), LlmErrorKind::Quota);
    assert!(ask(Fault::NotSent).unwrap_err().was_not_sent());
    assert!(!ask(Fault::Lost).unwrap_err().was_not_sent());
    let wait = Duration::from_secs(3);
    assert_eq!(ask(Fault::RateLimited(wait)).unwrap_err().retry_after(), Some(wait));
    let whole = "An answer to a question.";
    let cut = ask(Fault::Cut).unwrap();
    assert!(whole.starts_with(&cut.text) && cut.text.len() < whole.len() && cut.finish_reason == FinishReason::Length);
    assert_eq!(ask(Fault::Empty).unwrap().text, "");
    assert_eq!(ask(Fault::Filtered).unwrap().finish_reason, FinishReason::ContentFilter);
    assert_eq!(timer.now(), Duration::ZERO);
    assert_eq!((ask(Fault::Late(wait)).unwrap().text.as_str(), timer.now()), (whole, wait));

    let model = FaultyLlm::new(echo(), 1, timer.clone()).with_fault(Fault::Hang, 1.0);
    let asked = request("?");
    let end = timer.run(select(model.complete(&asked), timer.sleep_until(Duration::from_secs(9)))).unwrap();
    assert!(matches!(end, futures::future::Either::Right(_)));
}

#[test]
fn all_faults_that_pass_are_got_over() {
    let timer = MockTimer::new();
    let model = FaultyLlm::new(echo(), 3, timer.clone())
        .with_fault(Fault::NotSent, 0.1)
        .with_fault(Fault::Transient, 0.1)
        .with_fault(Fault::Lost, 0.1)
        .with_fault(Fault::RateLimited(Duration::from_millis(700)), 0.3)
        .with_fault(Fault::Malformed, 0.1)
        .with_fault(Fault::Late(Duration::from_secs(20)), 0.1)
        .with_faulty_attempts(2);
    let model = resilient(model, Limits::adaptive(16), timer.clone());
    let requests: Vec<_> = (0..500).map(|n| request(&n.to_string())).collect();
    let replies = timer.run(join_all(requests.iter().map(|request| model.complete(request)))).unwrap();
    for (reply, asked) in replies.iter().zip(&requests) {
        assert_eq!(reply.as_ref().unwrap().text, format!("An answer to {}.", asked.last_user_text()));
    }
}
