//! Structured output: JSON by schema gives the same items as text, and boxes cited by number are written by the crate.

use futures::executor::block_on;
use svitgen::llm::{Completion, LlmClient, Parameters, ResponseFormat, RuleLlm};
use svitgen::reply::{Origin, Outcome, Parsed};
use svitgen::{Policy, Prompt, PromptOptions, RecordSource, Task, VisualGenome};

fn texts(parsed: &Parsed) -> Vec<&str> {
    parsed.items.iter().flat_map(|item| item.texts()).map(|text| text.text.as_str()).collect()
}

/// What the parser needs of JSON schema: objects, lists and texts, as far as ours use them.
fn agrees(schema: &serde_json::Value, value: &serde_json::Value) -> bool {
    match schema["type"].as_str() {
        Some("string") => value.is_string(),
        Some("array") => value.as_array().is_some_and(|items| items.iter().all(|item| agrees(&schema["items"], item))),
        Some("object") => {
            let properties = schema["properties"].as_object().unwrap();
            assert_eq!(
                schema["required"].as_array().unwrap().len(),
                properties.len(),
                "strict servers want all of them"
            );
            let object = value.as_object();
            object.is_some_and(|object| {
                object.len() == properties.len() && properties.iter().all(|(name, schema)| agrees(schema, &value[name]))
            })
        }
        _ => false,
    }
}

#[test]
fn text_and_json_give_the_same_items() {
    for record in VisualGenome::sample().unwrap().records().map(|record| record.unwrap()) {
        for task in Task::built_in() {
            let Ok(prompt) = Prompt::new(&record, &task, &PromptOptions::default()) else { continue };
            let parser = task.parser(Policy::careful());
            let request = prompt.request(&Parameters::default());
            assert_eq!(request.response_format, None);
            let as_text = prompt.parse(&block_on(RuleLlm::new().complete(&request)).unwrap(), &parser);
            // The same words, so that the embedded model makes the same choices.
            let task = task.in_json();
            let request = request.with_response_format(task.response_format());
            let reply = block_on(RuleLlm::new().complete(&request)).unwrap();
            let Some(ResponseFormat::JsonSchema { schema, .. }) = &request.response_format else { panic!() };
            let as_json = prompt.parse(&reply, &parser);
            assert_eq!(texts(&as_json), texts(&as_text));
            assert_eq!(as_json.outcome, as_text.outcome);
            assert!(agrees(schema, &serde_json::from_str(&as_json.render_json()).unwrap()), "{schema} {}", reply.text);
        }
    }
}

#[test]
fn prompts_ask_for_json_where_the_reply_is_to_be_json() {
    for task in Task::built_in() {
        let task = task.in_json();
        let prompt = Prompt::new(&super::record(), &task, &PromptOptions::default()).unwrap();
        let words = &prompt.messages[1].content;
        assert!(words.contains("Reply with JSON of exactly this shape"), "{words}");
        assert!(!words.contains("Answer: <answer>") && !words.contains("GPT: <answer>"), "{words}");
    }
}

#[test]
fn boxes_are_cited_by_number() {
    let task = Task::referring_qa().citing_numbers();
    let prompt = Prompt::new(&super::record(), &task, &PromptOptions::default()).unwrap();
    for (index, named) in prompt.boxes.iter().enumerate() {
        let numbered = format!("#{} {}", index + 1, named.bbox);
        assert!(prompt.messages[1].content.contains(&numbered), "{numbered}\n{}", prompt.messages[1].content);
    }
    assert!(prompt.messages[0].content.contains("[#3]") && !prompt.messages[0].content.contains("Copy every box"));
    let name = prompt.boxes[1].name.split(" / ").next().unwrap();
    let reply = format!(
        "Question: Where is the <st>{name}<ed> [#2]?\nAnswer: Here.\nQuestion: And <st>it<ed> [#99]?\nAnswer: No."
    );
    let parsed = prompt.parse(&Completion::new(reply), &task.parser(Policy::careful()));
    let question = parsed.items[0].question.as_ref().unwrap();
    assert_eq!(question.text, format!("Where is the <st>{name}<ed> {}?", prompt.boxes[1].bbox));
    assert_eq!(question.origin, Origin::Rendered);
    assert_eq!((parsed.items.len(), parsed.outcome), (1, Outcome::Partial));
}

#[test]
fn a_synset_is_as_good_as_a_name() {
    let bbox = svitgen::UnitBox::new(0.1, 0.2, 0.5, 0.9).unwrap();
    let mut record = svitgen::ImageRecord::builder(1).object("taxi", bbox).build();
    record.objects[0].synsets.push("motor_vehicle.n.01".into());
    let task = Task::referring_qa();
    let prompt = Prompt::new(&record, &task, &PromptOptions::default()).unwrap();
    assert!(!prompt.messages[1].content.contains("motor"));
    let check = |phrase: &str| {
        let reply = format!("Question: Where is the <st>{phrase}<ed> {bbox}?\nAnswer: Here.");
        prompt.parse(&Completion::new(reply), &task.parser(Policy::careful())).items[0].flags.clone()
    };
    assert!(check("motor vehicle").is_empty() && check("taxi").is_empty());
    assert_eq!(check("dog"), [svitgen::reply::IssueCode::PhraseBoxMismatch]);
}
