//! Unit tests of a prompt, offline: what is asked, byte for byte, and what becomes of a reply. `cargo test --examples`.

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use futures::executor::block_on;
use svitgen::llm::{Completion, LlmClient, MockLlm, Parameters};
use svitgen::{ImageRecord, Outcome, Policy, Prompt, PromptOptions, Task, UnitBox};

fn prompt() -> Result<(Task, Prompt), Box<dyn std::error::Error>> {
    let record = ImageRecord::builder(7).object("dog", UnitBox::new(0.1, 0.2, 0.5, 0.9)?).phrase("a wet dog").build();
    let task = Task::complex_reasoning();
    let prompt = Prompt::new(&record, &task, &PromptOptions::default())?;
    Ok((task, prompt))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (task, prompt) = prompt()?;
    assert!(prompt.messages[1].content.starts_with(
        "Objects:\n- dog: [0.100, 0.200, 0.500, 0.900]\n\nRegions:\n- a wet dog\n\nWrite exactly 15 pairs"
    ));

    // A model that cuts its reply off in the second answer, as a real one does at its limit of tokens.
    let reply =
        Completion::new("Question: Why is the dog wet?\nAnswer: It has swum.\nQuestion: What next?\nAnswer: It wi")
            .with_finish_reason(svitgen::llm::FinishReason::Length);
    let mock = MockLlm::rules([("a wet dog", reply)]);
    let completion = block_on(mock.complete(&prompt.request(&Parameters::default().with_temperature(0.7))))?;
    assert_eq!(mock.requests()[0].parameters.temperature, Some(0.7));

    let parsed = prompt.parse(&completion, &task.parser(Policy::careful()));
    assert_eq!((parsed.items.len(), parsed.outcome), (1, Outcome::Partial));
    for issue in &parsed.issues {
        println!("{} {} at {:?}: {:?}", issue.action, issue.code, issue.span, &completion.text[issue.span.clone()]);
    }
    Ok(())
}

#[test]
fn the_prompt_and_the_reply_are_as_expected() {
    main().expect("the assertions of the example hold");
}
