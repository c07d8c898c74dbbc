//! Counting tokens: the estimate is repeatable, and with the feature `tokens` it is held against real vocabularies.

#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

#[cfg(feature = "tokens")]
mod bound;
#[cfg(feature = "tokens")]
#[path = "../support/mod.rs"]
mod support;

use svitgen::llm::{Message, MessageRole};
use svitgen::tokens::{TokenCounter, TokenEstimate, by_name};

#[test]
fn texts_have_the_tokens_that_their_parts_have() {
    let check = |text: &str, expected: usize| assert_eq!(TokenEstimate::new().count(text), expected, "{text:?}");
    check("", 0);
    check("a dog", 2);
    check("\n- dog: [0.100, 0.200, 0.500, 0.900]\n", 24);
    check("1234567", 3);
    check("   ", 3);
    check("strbzt", 5);
    check("é", 2);
    assert_eq!(TokenEstimate::digit_by_digit().count("1234567"), 7);
}

#[test]
fn messages_cost_more_than_their_texts() {
    let messages = [Message::new(MessageRole::System, "a dog"), Message::new(MessageRole::User, "a cat")];
    assert_eq!(TokenEstimate::new().count_messages(&messages), 2 + 2 + 10 + 5);
}

#[test]
fn counters_are_found_by_their_names() {
    for counter in [TokenEstimate::new(), TokenEstimate::digit_by_digit()] {
        assert_eq!(by_name(counter.name()).unwrap().count("12"), counter.count("12"));
    }
    assert!(by_name("gpt").is_none());
    assert_eq!(by_name("o200k_base").is_some(), cfg!(feature = "tokens"));
}
