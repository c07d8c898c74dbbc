//! From a completion to a sample.

use svitgen::llm::FinishReason;
use svitgen::{Completion, Outcome, Policy, Prompt, PromptOptions, Role, Sample, Task, Verdict};

use crate::record;

fn sample(task: &Task, completion: &Completion) -> (Outcome, Option<Sample>) {
    let prompt = Prompt::new(&record(), task, &PromptOptions::default()).unwrap();
    let policy = Policy::careful();
    let parsed = prompt.parse(completion, &task.parser(policy.clone()));
    (parsed.outcome, prompt.sample(&parsed, std::slice::from_ref(completion), &policy))
}

#[test]
fn conversations_stay_together() {
    let reply = "Conversation 1:\nTopic: The girl\nUser: Who is there?\nGPT: A girl.\nUser: Alone?\nGPT: No.\n\
        Conversation 2:\nUser: Is it a street?\nGPT: Yes.";
    let (outcome, sample) = sample(&Task::conversation(), &Completion::new(reply).with_model("m"));
    let sample = sample.unwrap();
    assert_eq!((outcome, sample.n_pairs()), (Outcome::Partial, 3));
    let shape: Vec<_> = sample.conversations.iter().map(|c| (c.topic.as_deref(), c.turns.len())).collect();
    assert_eq!(shape, [(Some("The girl"), 4), (None, 2)]);
    assert_eq!((sample.image.as_str(), sample.provenance.complete), ("42.jpg", false));
    assert_eq!(sample.provenance.model.as_deref(), Some("m"));
}

#[test]
fn pairs_are_conversations_of_their_own() {
    let reply = "Question: Why?\nAnswer: So.\nQuestion: How?\nAnswer: Well.";
    let task = Task::complex_reasoning().with_form(svitgen::ReplyForm::QaList { pairs: 2 });
    let (outcome, sample) = sample(&task, &Completion::new(reply));
    assert_eq!(outcome, Outcome::Ok);
    assert_eq!(sample.unwrap().conversations.iter().map(|c| c.turns.len()).collect::<Vec<_>>(), [2, 2]);
}

#[test]
fn a_description_answers_an_instruction() {
    let (outcome, sample) = sample(&Task::detail_description(), &Completion::new("A girl stands in a street."));
    let sample = sample.unwrap();
    let turns = &sample.conversations[0].turns;
    assert_eq!(
        (outcome, turns[0].role, turns[1].text.as_str()),
        (Outcome::Ok, Role::User, "A girl stands in a street.")
    );
    assert!(svitgen::task::InstructionPool::built_in().iter().any(|instruction| instruction == turns[0].text));
}

#[test]
fn boxes_are_held_against_those_of_the_prompt() {
    let reply =
        "Question: Who is the <st>girl<ed> [0.100, 0.200, 0.300, 0.800]?\nAnswer: A <st>girl<ed> [0.9, 0.1, 1.0, 0.2].";
    let task = Task::referring_qa().with_form(svitgen::ReplyForm::QaList { pairs: 1 });
    let (outcome, sample) = sample(&task, &Completion::new(reply));
    let conversation = &sample.unwrap().conversations[0];
    let verdicts: Vec<_> = conversation.turns.iter().map(|turn| turn.references[0].boxes[0].verdict).collect();
    assert_eq!((outcome, verdicts), (Outcome::Partial, vec![Verdict::Exact, Verdict::NotInInput]));
    assert_eq!(conversation.flags, ["box_not_in_input"]);
}

#[test]
fn what_the_server_says_counts() {
    let cut = Completion::new("A girl stands. She wea").with_finish_reason(FinishReason::Length);
    let (outcome, kept) = sample(&Task::detail_description(), &cut);
    assert_eq!((outcome, kept.unwrap().conversations[0].turns[1].text.as_str()), (Outcome::Partial, "A girl stands."));
    let filtered = Completion::new("A girl stands.").with_finish_reason(FinishReason::ContentFilter);
    assert_eq!(sample(&Task::detail_description(), &filtered), (Outcome::Reject, None));
}
