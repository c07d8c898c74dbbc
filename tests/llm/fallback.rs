//! What is handed on, and what is not.

use futures::executor::block_on;
use svitgen::llm::{Account, Budget, Fallback, FinishReason, MockLlm, Usage};
use svitgen::{Completion, LlmClient, LlmError, LlmErrorKind, Parameters};

use crate::request;

fn failed(kind: LlmErrorKind) -> LlmError {
    LlmError::new(kind, "as the test wants")
}

fn filtered() -> Completion {
    Completion::new("").with_finish_reason(FinishReason::ContentFilter)
}

#[test]
fn refusals_and_prompts_that_do_not_fit_are_handed_on() {
    use LlmErrorKind::*;
    let cases: Vec<(Result<Completion, LlmError>, bool)> = vec![
        (Ok(Completion::new("A cat.")), false),
        (Ok(Completion::new(" \n")), false),
        (Ok(Completion::new("A c").with_finish_reason(FinishReason::Length)), false),
        (Ok(filtered()), true),
        (Ok(Completion::new("A c").with_finish_reason(FinishReason::ContentFilter)), true),
        (Err(failed(Refused)), true),
        (Err(failed(TooLong)), true),
        (Err(failed(Transient)), false),
        (Err(failed(RateLimited)), false),
        (Err(failed(Quota)), false),
        (Err(failed(Credentials)), false),
        (Err(failed(UnknownModel)), false),
        (Err(failed(Malformed)), false),
        (Err(failed(InvalidRequest)), false),
        (Err(failed(Budget)), false),
        (Err(failed(Unavailable)), false),
        (Err(failed(Storage)), false),
    ];
    for (answer, is_handed_on) in cases {
        let case = format!("{answer:?}");
        let second = MockLlm::function(|_| "A dog.");
        let client = Fallback::new(MockLlm::script([answer.into()]), second.clone());
        let result = block_on(client.complete(&request("?")));
        assert_eq!(result.is_ok_and(|completion| completion.text == "A dog."), is_handed_on, "{case}");
        assert_eq!(second.requests().len(), usize::from(is_handed_on), "{case}");
        assert_eq!(client.activity().fallbacks, u64::from(is_handed_on), "{case}");
    }
}

#[test]
fn empty_replies_are_handed_on_if_asked_for() {
    let client = Fallback::new(MockLlm::function(|_| " \n"), MockLlm::function(|_| "A dog.")).with_empty_replies();
    assert_eq!(block_on(client.complete(&request("?"))).unwrap().text, "A dog.");
    assert_eq!(client.name(), "mock, else or if empty mock");
}

#[test]
fn what_the_second_says_holds() {
    let second = MockLlm::script([failed(LlmErrorKind::Quota).into(), filtered().into()]);
    let client = Fallback::new(MockLlm::function(|_| failed(LlmErrorKind::Refused)), second);
    assert_eq!(block_on(client.complete(&request("?"))).unwrap_err().kind(), LlmErrorKind::Quota);
    assert_eq!(block_on(client.complete(&request("?"))).unwrap(), filtered());
}

#[test]
fn the_second_has_parameters_of_its_own() {
    let second = MockLlm::function(|_| "A dog.");
    let first = MockLlm::function(|_| failed(LlmErrorKind::TooLong));
    let others = Parameters::default().with_model("long").with_temperature(0.5);
    let client = Fallback::new(first.clone(), second.clone()).with_parameters(others);
    let parameters = Parameters::default().with_model("short").with_max_tokens(50).with_seed(3);
    let request = request("?").with_parameters(parameters.clone());
    assert!(block_on(client.complete(&request)).is_ok());
    assert_eq!(first.requests(), std::slice::from_ref(&request));
    let asked = second.requests().remove(0);
    assert_eq!(asked.parameters, parameters.with_model("long").with_temperature(0.5));
    assert_eq!(asked.messages, request.messages);
    assert_eq!(client.name(), "mock, else mock:long {\"temperature\":0.5}");
}

#[test]
fn both_may_charge_one_account() {
    let account = std::sync::Arc::new(Account::new());
    let usage = |input_tokens| Usage { input_tokens, output_tokens: 1 };
    let first = MockLlm::function(move |_| filtered().with_usage(usage(10)));
    let second = MockLlm::function(move |_| Completion::new("A dog.").with_usage(usage(20)));
    let client = Fallback::new(Budget::new(first, account.clone()), Budget::new(second, account));
    assert!(block_on(client.complete(&request("?"))).is_ok());
    let spending = client.activity().spending.unwrap();
    assert_eq!((spending.requests, spending.input_tokens, spending.output_tokens), (2, 30, 2));
}
