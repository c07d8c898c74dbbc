//! Short replies are topped up: accepted items stay, only the missing ones are asked for, and the ledger counts it all.

use std::sync::atomic::{AtomicUsize, Ordering};

use futures::executor::block_on;
use svitgen::llm::{
    Completion, CompletionRequest, FinishReason, LlmError, LlmErrorKind, MessageRole, MockLlm, Parameters,
};
use svitgen::pipeline::{PipelineBuilder, RunFolder, UnitState};
use svitgen::reply::ReplyForm;
use svitgen::{Pipeline, Sample, Task};

use crate::records;

fn pairs(n: usize) -> Task {
    Task::complex_reasoning().with_form(ReplyForm::QaList { pairs: n })
}

fn builder(task: Task, mock: &MockLlm) -> PipelineBuilder {
    Pipeline::builder(mock.clone()).task(task).concurrency(1)
}

/// Runs one image; returns its sample, if any, and the messages of all requests.
fn run(builder: PipelineBuilder, mock: &MockLlm) -> (Option<Sample>, Vec<CompletionRequest>, String) {
    let folder = tempfile::tempdir().unwrap();
    let ledger = block_on(builder.build().unwrap().run(&records(1), folder.path())).unwrap();
    let run = RunFolder::open(folder.path()).unwrap();
    let sample = run.samples(&run.tasks()[0]).unwrap().next().map(Result::unwrap);
    (sample, mock.requests(), ledger.to_string())
}

fn script(replies: &'static [&'static str]) -> MockLlm {
    let turn = AtomicUsize::new(0);
    MockLlm::function(move |_| Completion::new(replies[turn.fetch_add(1, Ordering::SeqCst).min(replies.len() - 1)]))
}

const FIRST: &str = "Question: Why is the door open?\nAnswer: The cook needs air.\nQuestion: Who waits?\n\
    Answer: The caption says that a boy waits.\nQuestion: Where is the oven?\nAnswer:";

#[test]
fn what_is_missing_is_asked_for_and_filled_in() {
    let mock = script(&[
        FIRST,
        "Question: Who waits outside?\nAnswer: A boy with a dog.\nQuestion: Where is the oven?\nAnswer: At the back wall.",
    ]);
    let (sample, requests, ledger) = run(builder(pairs(3), &mock), &mock);
    let texts: Vec<_> = sample.unwrap().conversations.iter().map(|found| found.turns[1].text.clone()).collect();
    assert_eq!(texts, ["The cook needs air.", "A boy with a dog.", "At the back wall."]);
    assert_eq!(requests.len(), 2);
    let [.., accepted, request] = requests[1].messages.as_slice() else { panic!() };
    assert_eq!(accepted.role, MessageRole::Assistant);
    assert_eq!(accepted.content, "Question: Why is the door open?\nAnswer: The cook needs air.");
    insta::assert_snapshot!(request.content);
    insta::assert_snapshot!("ledger", ledger);
}

#[test]
fn what_repeats_an_accepted_item_is_not_taken() {
    let mock = script(&["Question: Why is the door open?\nAnswer: The cook needs air."]);
    let (sample, requests, _) = run(builder(pairs(2), &mock), &mock);
    assert_eq!(sample.unwrap().n_pairs(), 1);
    // A follow-up that brings nothing is the last one.
    assert_eq!(requests.len(), 2);
}

#[test]
fn there_are_at_most_as_many_follow_ups_as_asked_for() {
    let turn = AtomicUsize::new(0);
    let mock = MockLlm::function(move |_| {
        let subject = ["cat", "dog", "bird", "horse", "cow", "goat"][turn.fetch_add(1, Ordering::SeqCst)];
        Completion::new(format!("Question: Why does the {subject} run?\nAnswer: The {subject} is in a hurry today."))
    });
    let (sample, requests, _) = run(builder(pairs(9), &mock), &mock);
    assert_eq!((sample.unwrap().n_pairs(), requests.len()), (3, 3));
    let (sample, requests, _) = run(builder(pairs(9), &mock).top_ups(0), &mock);
    assert_eq!((sample.unwrap().n_pairs(), requests.len()), (1, 4));
}

#[test]
fn more_than_what_is_missing_is_not_taken() {
    let mock = script(&[
        "Question: Why is the door open?\nAnswer: The cook needs air.",
        "Question: Who waits outside?\nAnswer: A boy.\nQuestion: Where is the oven?\nAnswer: At the wall.",
    ]);
    let (sample, ..) = run(builder(pairs(2), &mock), &mock);
    let sample = sample.unwrap();
    assert_eq!(sample.n_pairs(), 2);
    assert!(sample.provenance.complete);
}

#[test]
fn a_refusal_is_not_followed_up() {
    let mock = script(&["I'm sorry, but I can't help with that."]);
    let (sample, requests, _) = run(builder(pairs(2), &mock), &mock);
    assert_eq!((sample, requests.len()), (None, 1));
}

#[test]
fn a_cut_reply_is_followed_up_with_a_higher_limit_or_not_at_all() {
    let cut = || {
        MockLlm::function(|request: &CompletionRequest| {
            let is_first = request.messages.len() == 2;
            let text = "Question: Why is the door open?\nAnswer: Air.\nQuestion: Who waits?\nAnswer: A b";
            let rest = "Question: Who waits outside?\nAnswer: A boy.";
            let completion = Completion::new(if is_first { text } else { rest });
            if is_first { completion.with_finish_reason(FinishReason::Length) } else { completion }
        })
    };
    let mock = cut();
    let (sample, requests, _) = run(builder(pairs(2), &mock), &mock);
    assert_eq!((sample.unwrap().n_pairs(), requests.len()), (1, 1));
    let mock = cut();
    let limited = builder(pairs(2), &mock).parameters(Parameters::default().with_max_tokens(100));
    let (sample, requests, _) = run(limited, &mock);
    assert_eq!(sample.unwrap().n_pairs(), 2);
    assert_eq!(requests[1].parameters.max_tokens, Some(200));
}

#[test]
fn conversations_go_on_and_new_ones_are_added() {
    let task = Task::conversation().with_form(ReplyForm::Conversations { conversations: 2, pairs: 2 });
    let mock = script(&[
        "Conversation 1:\nTopic: The door\nUser: Is it open?\nGPT: Yes.",
        "Conversation 1:\nTopic: The door\nUser: Who opened it?\nGPT: The cook did.\n\n\
         Conversation 2:\nTopic: The dog\nUser: Where is the dog?\nGPT: Outside.\nUser: What does it do?\nGPT: It waits.",
    ]);
    let (sample, requests, _) = run(builder(task, &mock), &mock);
    let sample = sample.unwrap();
    let topics: Vec<_> =
        sample.conversations.iter().map(|found| (found.topic.clone().unwrap(), found.turns.len())).collect();
    assert_eq!(topics, [("The door".to_owned(), 4), ("The dog".to_owned(), 4)]);
    insta::assert_snapshot!(requests[1].last_user_text());
}

#[test]
fn a_rejected_description_is_asked_for_again() {
    let mock = script(&["Based on the captions, a cat sleeps.", "A cat sleeps on a bench."]);
    let (sample, requests, _) = run(builder(Task::detail_description(), &mock), &mock);
    assert_eq!(sample.unwrap().conversations[0].turns[1].text, "A cat sleeps on a bench.");
    assert_eq!(requests[1].messages.len(), 2, "turns alternate");
}

#[test]
fn a_follow_up_that_fails_leaves_what_was_accepted() {
    let mock = MockLlm::function(|request: &CompletionRequest| match request.messages.len() {
        2 => Ok(Completion::new("Question: Why is the door open?\nAnswer: The cook needs air.")),
        _ => Err(LlmError::new(LlmErrorKind::Transient, "502")),
    });
    let folder = tempfile::tempdir().unwrap();
    let pipeline = builder(pairs(2), &mock).build().unwrap();
    let ledger = block_on(pipeline.run(&records(1), folder.path())).unwrap();
    assert_eq!(ledger.total().count(UnitState::Partial), 1);
    // Going on asks for the follow-up alone.
    let healthy = script(&["Question: Who waits outside?\nAnswer: A boy."]);
    let again = Pipeline::builder(healthy.clone()).task(pairs(2)).build().unwrap();
    let ledger = block_on(again.run(&records(1), folder.path())).unwrap();
    assert_eq!((ledger.total().accepted, healthy.requests().len()), (1, 1));
}

#[test]
fn a_follow_up_that_is_refused_leaves_the_reply_short() {
    let mock =
        script(&["Question: Why is the door open?\nAnswer: The cook needs air.", "I'm sorry, I can't help with that."]);
    let (sample, requests, ledger) = run(builder(pairs(3), &mock), &mock);
    let sample = sample.unwrap();
    assert_eq!((sample.n_pairs(), sample.provenance.complete, requests.len()), (1, false, 2));
    assert!(ledger.contains("1 partial") && ledger.contains("not accepted because of: count_short 1"), "{ledger}");
}

#[test]
fn a_follow_up_that_brings_nothing_is_not_the_cause() {
    let mock =
        script(&["Question: Why is the door open?\nAnswer: The cook needs air.", "There is nothing more to say."]);
    let (_, _, ledger) = run(builder(pairs(3), &mock), &mock);
    assert!(ledger.contains("not accepted because of: count_short 1"), "{ledger}");
}

#[test]
fn the_cause_of_a_filled_in_reply_is_a_defect_that_was_kept() {
    let mock = script(&[
        "Question: Why is the door open?\nAnswer: The caption says so.\nQuestion: Who waits?\nAnswer: A boy.",
        "Question: Who waits?\nAnswer: A girl with a dog.",
    ]);
    let (sample, _, ledger) = run(builder(pairs(2), &mock), &mock);
    assert_eq!(sample.unwrap().n_pairs(), 2);
    assert!(ledger.contains("not accepted because of: duplicate_question 1"), "{ledger}");
}
