//! Budgets: a prompt fits or is a typed error, whatever the record, the task, the template and the counter.

use proptest::prelude::*;
use svitgen::annotation::{Attribute, Object, ObjectId, Region, Relationship};
use svitgen::prompt::{LeftOutReason, PromptReport, TokenBudget};
use svitgen::task::{Section, Sections, Template};
use svitgen::tokens::{TokenCounter, TokenEstimate};
use svitgen::{ImageRecord, ImageSize, PixelBox, Prompt, PromptError, PromptOptions, ReplyForm, Task, UnitBox};

use crate::{bare, record};

fn over_budget(report: &PromptReport) -> usize {
    Section::ALL.iter().map(|section| report.left_out(*section, LeftOutReason::OverBudget)).sum()
}

fn n_tokens(prompt: &Prompt) -> usize {
    TokenEstimate::new().count_messages(&prompt.messages)
}

#[test]
fn what_fits_is_untouched_and_what_does_not_is_counted() {
    for task in Task::built_in() {
        let whole = Prompt::new(&record(), &task, &PromptOptions::default()).unwrap();
        assert_eq!(whole.n_tokens, None);
        let size = n_tokens(&whole);
        let exact = Prompt::new(&record(), &task, &PromptOptions::default().with_max_tokens(size)).unwrap();
        assert_eq!((&exact.messages, &exact.boxes, exact.n_tokens), (&whole.messages, &whole.boxes, Some(size)));
        let tight = Prompt::new(&record(), &task, &PromptOptions::default().with_max_tokens(size - 1)).unwrap();
        assert!(n_tokens(&tight) < size && over_budget(&tight.report) > 0);
        assert_eq!(tight.n_tokens, Some(n_tokens(&tight)));
    }
}

#[test]
fn captions_stay_longest_and_repetitions_go_first() {
    let unit = |x: f64| UnitBox::new(x, 0.4, x + 0.02, 0.45).unwrap();
    let mut builder = ImageRecord::builder(1).caption("A street at night.");
    for i in 0..10 {
        builder = builder.object("window", unit(f64::from(i) / 20.0));
    }
    let builder = builder.object("street", UnitBox::new(0.0, 0.5, 1.0, 1.0).unwrap()).object("owl", unit(0.9));
    let record = builder.build();
    let task = bare(Sections::PLAIN);
    let shown = |max_tokens| {
        let prompt = Prompt::new(&record, &task, &PromptOptions::default().with_max_tokens(max_tokens)).unwrap();
        prompt.messages[0].content.clone()
    };
    assert_eq!(shown(25), "Captions:\n- A street at night.");
    let text = shown(120);
    let position = |name: &str| text.find(name);
    assert!(position("street:").is_some() && position("owl").is_some(), "{text}");
    assert!(text.matches("window").count() < 10, "{text}");
}

#[test]
fn a_budget_that_nothing_fits_into_is_an_error_with_both_numbers() {
    let task = Task::conversation();
    let error = Prompt::new(&record(), &task, &PromptOptions::default().with_max_tokens(100)).unwrap_err();
    let PromptError::OverBudget { needed, max_tokens, .. } = &error else { panic!("{error}") };
    assert!(*max_tokens == 100 && *needed > 100);
    assert!(error.to_string().contains(&needed.to_string()) && error.to_string().contains("100"), "{error}");
    // What it says is needed is enough.
    assert!(Prompt::new(&record(), &task, &PromptOptions::default().with_max_tokens(*needed)).is_ok());
    // Nothing to show stays what it is.
    let empty = ImageRecord::builder(1).build();
    let error = Prompt::new(&empty, &task, &PromptOptions::default().with_max_tokens(1)).unwrap_err();
    assert!(matches!(error, PromptError::NoAnnotations { .. }), "{error}");
}

#[test]
fn boxes_of_objects_that_are_dropped_stay_in_the_list_where_lines_mention_them() {
    let task = bare(Sections::NONE.with(Section::Objects).with(Section::Attributes)).citing_numbers();
    let options = PromptOptions::default();
    for max_tokens in 40..200 {
        let Ok(prompt) = Prompt::new(&record(), &task, &options.clone().with_max_tokens(max_tokens)) else { continue };
        check_boxes(&prompt, true);
    }
}

/// Every box of the text is in the list, and the other way round; cited by number where the task does.
fn check_boxes(prompt: &Prompt, has_numbers: bool) {
    let text = &prompt.messages[0].content;
    for (index, named) in prompt.boxes.iter().enumerate() {
        let number = if has_numbers { format!("#{} ", index + 1) } else { String::new() };
        assert!(text.contains(&format!("{number}{}", named.bbox)), "{text}\n{named:?}");
    }
    let listed: Vec<String> = prompt.boxes.iter().map(|named| named.bbox.to_string()).collect();
    for (at, _) in text.match_indices("[0.") {
        let bbox = &text[at..at + 28];
        assert!(listed.iter().any(|listed| listed == bbox), "{text}\n{bbox} is not in the list");
    }
}

#[test]
fn options_with_a_budget_are_data() {
    let options = PromptOptions::default().with_max_tokens(1_500);
    let json = serde_json::to_value(&options).unwrap();
    assert_eq!(json["budget"], serde_json::json!({"max_tokens": 1500, "counter": "estimate"}));
    assert_eq!(serde_json::from_value::<PromptOptions>(json).unwrap(), options);
    assert!(serde_json::to_value(PromptOptions::default()).unwrap().get("budget").is_none());
    let unknown = serde_json::json!({"budget": {"max_tokens": 1, "counter": "mine"}});
    let error = serde_json::from_value::<PromptOptions>(unknown).unwrap_err().to_string();
    assert!(error.contains("no counter of tokens named \"mine\""), "{error}");
    let other = PromptOptions::default().with_max_tokens_by(1_500, TokenEstimate::digit_by_digit());
    assert_ne!(other, options);
    assert_eq!(other.budget, Some(TokenBudget::new(1_500).with_counter(TokenEstimate::digit_by_digit())));
}

/// A counter that knows no words, for which the whole is more than its parts.
#[derive(Debug)]
struct Awkward;

impl TokenCounter for Awkward {
    fn name(&self) -> &str {
        "awkward"
    }

    fn count(&self, text: &str) -> usize {
        text.len() / 3 + text.matches("a").count() + usize::from(text.len() > 200) * 17
    }
}

prop_compose! {
    fn object()(
        name in "\\PC{0,8}|dog|cat|[a-z ]{1,30}", id in 0_u64..40, x in -20.0..110.0, y in -20.0..110.0,
        w in 0.1..80.0, h in 0.1..80.0,
    ) -> Object {
        let mut object = Object::new(name, PixelBox::from_xywh(x, y, w, h).unwrap());
        object.id = Some(ObjectId::VisualGenome(id));
        object
    }
}

prop_compose! {
    fn any_record()(
        captions in prop::collection::vec("[ -~]{0,60}", 0..4),
        objects in prop::collection::vec(object(), 0..25),
        phrases in prop::collection::vec(("[ -~]{0,40}|a dog", object()), 0..25),
        attributes in prop::collection::vec((object(), "[a-z]{0,6}"), 0..8),
        pairs in prop::collection::vec((object(), object()), 0..8),
    ) -> ImageRecord {
        let mut builder = ImageRecord::builder(1).size(ImageSize::new(100, 100).unwrap());
        for caption in captions {
            builder = builder.caption(caption);
        }
        let mut record = builder.build();
        record.objects = objects;
        record.regions = phrases.into_iter().map(|(phrase, object)| Region::new(phrase, object.bbox)).collect();
        record.attributes = attributes.into_iter().map(|(object, value)| Attribute::new(object, [value])).collect();
        record.relationships = pairs.into_iter().map(|(a, b)| Relationship::new(a, "on", b)).collect();
        record
    }
}

fn annotated(record: &ImageRecord, section: Section) -> usize {
    match section {
        Section::Captions => record.captions.len(),
        Section::Objects => record.objects.len(),
        Section::Regions => record.regions.len(),
        Section::Attributes => record.attributes.len(),
        Section::Relationships => record.relationships.len(),
    }
}

fn check(record: &ImageRecord, task: &Task, max_tokens: usize, counter: impl TokenCounter + Clone + 'static) {
    let options = PromptOptions::default().with_max_tokens_by(max_tokens, counter.clone());
    match Prompt::new(record, task, &options) {
        Ok(prompt) => {
            let n_tokens = counter.count_messages(&prompt.messages);
            assert!(n_tokens <= max_tokens && prompt.n_tokens == Some(n_tokens));
            assert!(!task.is_grounded() || !prompt.boxes.is_empty());
            for section in task.sections().iter() {
                let left_out = prompt.report.left_out.iter().filter(|entry| entry.section == section);
                let n_left_out: usize = left_out.map(|entry| entry.count).sum();
                assert_eq!(prompt.report.shown(section) + n_left_out, annotated(record, section), "{section}");
            }
            assert_eq!(prompt, Prompt::new(record, task, &options).unwrap());
            let whole = Prompt::new(record, task, &PromptOptions::default()).unwrap();
            if over_budget(&prompt.report) == 0 {
                assert_eq!(prompt.messages, whole.messages);
            } else {
                assert!(counter.count_messages(&whole.messages) > max_tokens);
            }
        }
        Err(PromptError::OverBudget { needed, max_tokens: max, .. }) => {
            assert!(max == max_tokens && needed > max);
            let enough = PromptOptions::default().with_max_tokens_by(needed, counter);
            assert!(Prompt::new(record, task, &enough).is_ok());
        }
        Err(PromptError::NoAnnotations { .. }) => {
            assert!(Prompt::new(record, task, &PromptOptions::default()).is_err());
        }
        Err(error) => panic!("{error}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn every_prompt_fits_or_says_why_not(record in any_record(), max_tokens in 0_usize..1_200, kind in 0_usize..6) {
        // The third shows everything twice, the fourth one section only and that with words of its own.
        let templates = ["{{ annotations }}", "Look:\n{{ annotations }}\nAsk.", "{{ annotations }}\n\n{{ annotations }}",
            "{% if captions %}Said:\n{{ captions }}{% else %}Nothing is said, and what is not said has many tokens.{% endif %}"];
        let of = |text: &str| Task::new("any", Template::new(text).unwrap(), ReplyForm::Description).unwrap();
        let task = match kind {
            4 => Task::referring_qa().with_sections(Sections::ALL),
            5 => bare(Sections::ALL).citing_numbers(),
            kind => of(templates[kind]).with_sections(Sections::ALL),
        };
        check(&record, &task, max_tokens, TokenEstimate::new());
        check(&record, &task, max_tokens, std::sync::Arc::new(Awkward));
        if kind == 5 && let Ok(prompt) = Prompt::new(&record, &task, &PromptOptions::default().with_max_tokens(max_tokens)) {
            let boxes: Vec<String> = prompt.boxes.iter().enumerate().map(|(i, b)| format!("#{} {}", i + 1, b.bbox)).collect();
            prop_assert!(boxes.iter().all(|found| prompt.messages[0].content.contains(found.as_str())));
        }
    }
}

#[cfg(feature = "tokens")]
#[test]
fn exact_counts_leave_room_for_more() {
    use svitgen::tokens::BpeCounter;
    let source = svitgen::VisualGenome::sample().unwrap();
    for record in svitgen::RecordSource::records(&source) {
        let record = record.unwrap();
        for task in Task::built_in() {
            let exact = PromptOptions::default().with_max_tokens_by(800, BpeCounter::o200k());
            let Ok(exact) = Prompt::new(&record, &task, &exact) else { continue };
            assert!(BpeCounter::o200k().count_messages(&exact.messages) <= 800);
            if let Ok(safe) = Prompt::new(&record, &task, &PromptOptions::default().with_max_tokens(800)) {
                assert!(BpeCounter::o200k().count_messages(&safe.messages) <= 800);
                assert!(over_budget(&exact.report) <= over_budget(&safe.report));
            }
        }
    }
}

/// Counts how often whole prompts are counted.
#[derive(Debug, Default)]
struct Rounds(std::sync::atomic::AtomicUsize);

impl TokenCounter for Rounds {
    fn name(&self) -> &str {
        "rounds"
    }

    fn count(&self, text: &str) -> usize {
        text.len()
    }

    fn count_messages(&self, messages: &[svitgen::Message]) -> usize {
        self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        messages.iter().map(|message| message.content.len()).sum()
    }
}

#[test]
fn few_rounds_suffice_for_any_record_and_template() {
    let mut builder = ImageRecord::builder(1);
    for i in 0..3_000 {
        let left = f64::from(i % 900) / 1_000.0;
        builder = builder.object(format!("thing {i}"), UnitBox::new(left, 0.1, left + 0.05, 0.2).unwrap());
        builder = builder.phrase(format!("a phrase about thing {i}"));
    }
    let record = builder.build();
    for text in
        ["{{ annotations }}", "{{ objects }}\n{{ objects }}\n{{ objects }}", "{{ regions }}", "{{ captions }}none"]
    {
        let task = Task::new("any", Template::new(text).unwrap(), ReplyForm::Description).unwrap();
        for max_tokens in [100, 5_000, 60_000] {
            let counter = std::sync::Arc::new(Rounds::default());
            let options = PromptOptions::default().with_max_tokens_by(max_tokens, counter.clone());
            let prompt = Prompt::new(&record, &task, &options).unwrap();
            assert!(prompt.n_tokens.unwrap() <= max_tokens);
            let n_rounds = counter.0.load(std::sync::atomic::Ordering::Relaxed);
            assert!(n_rounds <= 20, "{text:?} {max_tokens}: {n_rounds} rounds");
        }
    }
}
