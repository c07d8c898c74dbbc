//! A check of your own, in two sizes, and a policy for its code: `cargo run --example cookbook-own-check`.

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::collections::HashSet;

use svitgen::reply::{Action, Check, CheckContext, Finding, IssueCode, Item, ReplyContext, each_item};
use svitgen::{Outcome, Policy, Task};

/// Finds answers that open with the same three words as an answer before them: a habit that trainers do not want.
#[derive(Debug)]
struct SameOpening;

impl Check for SameOpening {
    fn check(&self, items: &[Item], _: &CheckContext<'_>) -> Vec<Finding> {
        let mut openings = HashSet::new();
        let opening = |item: &Item| item.answer.text.split_whitespace().take(3).collect::<Vec<_>>().join(" ");
        let repeated = items.iter().enumerate().filter(|(_, item)| !openings.insert(opening(item)));
        let code = IssueCode::custom("same_opening");
        repeated
            .map(|(item, found)| Finding { item, code: code.clone(), span: Some(found.answer.span.clone()) })
            .collect()
    }
}

const REPLY: &str = "Question: Why is the door open?\nAnswer: It seems that the cook needs air.\n\
    Question: Who waits outside?\nAnswer: It seems that a boy waits.\n\
    Question: Is it evening?\nAnswer: Yes.";

fn main() {
    // A check that looks at one item at a time is a function; one that compares items implements the trait.
    let too_short = each_item(IssueCode::custom("too_short"), |item| item.answer.text.split(' ').count() < 3);
    let task = Task::complex_reasoning().with_check(too_short).with_check(SameOpening);

    // Codes of your own are flagged, unless the policy says otherwise.
    let parsed = task.parser(Policy::careful()).parse(REPLY, &ReplyContext::default());
    assert_eq!(parsed.items.len(), 3);
    assert_eq!(parsed.items[2].flags, [IssueCode::custom("too_short")]);

    let policy = Policy::careful().with_action(IssueCode::custom("same_opening"), Action::Drop);
    let parsed = task.parser(policy).parse(REPLY, &ReplyContext::default());
    assert_eq!((parsed.items.len(), parsed.outcome), (2, Outcome::Partial));
    for issue in &parsed.issues {
        println!("{} {}: {:?}", issue.action, issue.code, &REPLY[issue.about.clone()]);
    }
}

#[test]
fn answers_that_open_alike_are_found() {
    let parser = Task::complex_reasoning().with_check(SameOpening).parser(Policy::careful());
    let parsed = parser.parse(REPLY, &ReplyContext::default());
    let found: Vec<_> = parsed.issues.iter().filter(|issue| issue.code.as_str() == "same_opening").collect();
    assert_eq!(found.len(), 1);
    assert_eq!(&REPLY[found[0].span.clone()], "It seems that a boy waits.");
}
