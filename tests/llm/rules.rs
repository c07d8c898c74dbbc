//! The embedded model: it keeps the form, says nothing but what the facts settle, and never fails.

use std::collections::BTreeSet;

use futures::executor::block_on;
use proptest::prelude::*;
use svitgen::llm::{FinishReason, LlmClient, Parameters, RuleLlm};
use svitgen::reply::Outcome;
use svitgen::{ImageRecord, Jsonl, Policy, Prompt, PromptOptions, RecordSource, Task, Verdict, VisualGenome};

use crate::request;
use crate::support::{say, shared};

fn reply(prompt: &Prompt) -> String {
    block_on(RuleLlm::new().complete(&prompt.request(&Parameters::default()))).unwrap().text
}

/// Every record through every task: replies that the strict policy keeps whole, but for their number.
fn check_records(records: impl Iterator<Item = ImageRecord>) -> (usize, usize) {
    let (mut n_replies, mut n_items) = (0, 0);
    for record in records {
        for task in Task::built_in() {
            let Ok(prompt) = Prompt::new(&record, &task, &PromptOptions::default()) else { continue };
            let reply = reply(&prompt);
            assert_eq!(reply, self::reply(&prompt), "the same request, the same reply");
            let completion = svitgen::Completion::new(reply.clone());
            let parsed = prompt.parse(&completion, &task.parser(Policy::strict()));
            let id = &record.image.id;
            let others: Vec<_> = parsed.issues.iter().filter(|issue| issue.code.as_str() != "count_short").collect();
            assert!(others.is_empty(), "image {id}, {}: {others:?}\n{reply}", task.name());
            assert_ne!(parsed.outcome, Outcome::Reject);
            let texts = parsed.items.iter().flat_map(|item| item.texts());
            let boxes = texts.flat_map(|text| &text.references).flat_map(|reference| &reference.boxes);
            assert!(boxes.into_iter().all(|reference| reference.verdict == Verdict::Exact), "{reply}");
            check_prose(&reply);
            n_replies += 1;
            n_items += parsed.items.len();
        }
    }
    (n_replies, n_items)
}

/// What no writer would let stand.
fn check_prose(reply: &str) {
    for wrong in ["  ", " the the ", "..", " is are "] {
        assert!(!reply.contains(wrong), "{wrong:?} in {reply}");
    }
    for line in reply.lines().filter(|line| !line.is_empty()) {
        let labels = ["Question: ", "Answer: ", "User: ", "GPT: ", "Topic: "];
        let text = labels.iter().find_map(|label| line.strip_prefix(label)).unwrap_or(line);
        assert!(!text.starts_with(|c: char| c.is_lowercase()), "{line}");
    }
}

#[test]
fn the_sample_in_every_form() {
    let source = VisualGenome::sample().unwrap();
    let (n_replies, n_items) = check_records(source.records().map(|record| record.unwrap()));
    assert_eq!(n_replies, 36);
    assert!(n_items > 250, "{n_items}");
}

#[test]
fn real_records_in_every_form() {
    let (Some(llava), Some(vg)) = (shared("data/llava/caps_boxes_coco2014_val.jsonl"), shared("data/visual_genome"))
    else {
        return;
    };
    let (llava, vg) = (Jsonl::open(llava).unwrap(), VisualGenome::open(vg).unwrap());
    let records = llava.records().chain(vg.records()).map(|record| record.unwrap());
    let (n_replies, n_items) = check_records(records);
    say(format_args!("{n_replies} real prompts answered by rule with {n_items} items"));
    assert!(n_replies >= 160 && n_items > 850, "{n_replies} {n_items}");
}

#[test]
fn one_scene_word_for_word() {
    let source = VisualGenome::sample().unwrap();
    let record = source.records().map(|record| record.unwrap()).find(|record| record.image.id == 2_503_019.into());
    for task in Task::built_in() {
        let prompt = Prompt::new(record.as_ref().unwrap(), &task, &PromptOptions::default()).unwrap();
        insta::assert_snapshot!(task.name(), reply(&prompt));
    }
}

#[test]
fn attributes_and_relationships_are_used() {
    let prompt = "Objects:\n- man: [0.100, 0.200, 0.300, 0.900]\n- shirt: [0.120, 0.300, 0.280, 0.600]\n\n\
        Attributes:\n- shirt [0.120, 0.300, 0.280, 0.600]: red, cotton\n\n\
        Relationships:\n- man [0.100, 0.200, 0.300, 0.900] wears shirt [0.120, 0.300, 0.280, 0.600]\n\nDescribe this image.";
    let text = block_on(RuleLlm::new().complete(&request(prompt))).unwrap().text;
    assert!(text.contains("red cotton shirt") && text.contains("The man wears a shirt."), "{text}");
}

#[test]
fn numbers_asked_for_are_kept() {
    let record = VisualGenome::sample().unwrap().records().nth(4).unwrap().unwrap();
    for n in [1, 3, 7] {
        let task = Task::complex_reasoning().with_form(svitgen::ReplyForm::QaList { pairs: n });
        let prompt = Prompt::new(&record, &task, &PromptOptions::default()).unwrap();
        assert_eq!(reply(&prompt).matches("Question: ").count(), n);
    }
    let form = svitgen::ReplyForm::Conversations { conversations: 2, pairs: 3 };
    let prompt = Prompt::new(&record, &Task::conversation().with_form(form), &PromptOptions::default()).unwrap();
    let text = reply(&prompt);
    assert_eq!((text.matches("Topic: ").count(), text.matches("User: ").count()), (2, 6), "{text}");
}

#[test]
fn a_limit_of_tokens_cuts_and_nothing_gives_nothing() {
    let prompt = "Objects:\n- dog: [0.100, 0.200, 0.300, 0.900]\n\nDescribe this image.";
    let cut = request(prompt).with_parameters(Parameters::default().with_max_tokens(3));
    let completion = block_on(RuleLlm::new().complete(&cut)).unwrap();
    assert_eq!((completion.text.len(), completion.finish_reason), (12, FinishReason::Length));
    assert_eq!(completion.usage.unwrap().output_tokens, 3);
    let nothing = block_on(RuleLlm::new().complete(&request("Describe this image."))).unwrap();
    assert_eq!(nothing.text, "I cannot see anything to write about.");
}

#[test]
fn a_seed_varies_words() {
    let record = VisualGenome::sample().unwrap().records().nth(4).unwrap().unwrap();
    let prompt = Prompt::new(&record, &Task::conversation(), &PromptOptions::default()).unwrap();
    let request = prompt.request(&Parameters::default());
    let texts: BTreeSet<String> =
        (0..5).map(|seed| block_on(RuleLlm::new().with_seed(seed).complete(&request)).unwrap().text).collect();
    assert_eq!(texts.len(), 5);
    assert_ne!(RuleLlm::new().name(), RuleLlm::new().with_seed(1).name());
}

fn line() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,30}",
        "- \\PC{0,12}: \\[0.[0-9]{1,3}, 0.[0-9]{1,3}, [01].[0-9]{1,3}, 0.[0-9]{1,3}\\]",
        "- [a-z]{0,8}s? \\[0.1, 0.1, 0.9, 0.9\\]: [a-z, ]{0,12}",
        "- [a-z]{1,6} \\[0.1, 0.1, 0.9, 0.9\\] [a-z ]{0,9} \\[0.1, 0.1, 0.9, 0.9\\]",
        Just("Captions:".to_owned()),
        Just("Objects:".to_owned()),
        Just("Regions:".to_owned()),
        Just("Attributes:".to_owned()),
        Just("Relationships:".to_owned()),
        Just(String::new()),
        Just("Topic: exactly 99999999999999999999 conversations, exactly 3 questions".to_owned()),
        Just("Question: exactly 4 pairs".to_owned()),
        Just("point with <st> and <ed>".to_owned()),
    ]
}

proptest! {
    #[test]
    fn no_text_makes_it_fail(lines in prop::collection::vec(line(), 0..40)) {
        let completion = block_on(RuleLlm::new().complete(&request(&lines.join("\n")))).unwrap();
        prop_assert!(!completion.text.is_empty());
    }
}
