//! Options, templates and instruction pools.

use svitgen::prompt::LeftOutReason;
use svitgen::task::{InstructionPool, Section, Sections, Template};
use svitgen::{Prompt, PromptOptions, Task};

use crate::{bare, record};

fn text(task: &Task, options: &PromptOptions) -> String {
    Prompt::new(&record(), task, options).unwrap().messages[0].content.clone()
}

#[test]
fn sections_are_switched_on_and_off() {
    let sections = Sections::NONE.with(Section::Captions).with(Section::Attributes);
    let expected = "Captions:\n- A girl stands in a street.\n- A busy street.\n\n\
        Attributes:\n- Girl [0.102, 0.200, 0.302, 0.800]: young, tall\n- shirt [0.120, 0.300, 0.220, 0.500]: red";
    assert_eq!(text(&bare(sections), &PromptOptions::default()), expected);
}

#[test]
fn limits_and_merging_are_counted() {
    let options = PromptOptions::default().with_max(Section::Objects, 2).with_max(Section::Captions, 1);
    let prompt = Prompt::new(&record(), &bare(Sections::PLAIN), &options).unwrap();
    assert_eq!(prompt.report.shown(Section::Objects), 2);
    assert_eq!(prompt.report.left_out(Section::Objects, LeftOutReason::OverLimit), 2);
    assert_eq!(prompt.report.left_out(Section::Captions, LeftOutReason::OverLimit), 2);

    let all = PromptOptions::default().with_merge_iou(None).with_merge_phrases(false);
    let prompt = Prompt::new(&record(), &bare(Sections::PLAIN), &all).unwrap();
    assert_eq!(prompt.report.left_out(Section::Objects, LeftOutReason::Merged), 0);
    assert_eq!(prompt.report.shown(Section::Captions), 3);
    assert_eq!(prompt.report.shown(Section::Objects), 5);
}

#[test]
fn template_and_instructions_come_from_files() {
    let folder = tempfile::tempdir().unwrap();
    let (template, pool) = (folder.path().join("mine.txt"), folder.path().join("pool.txt"));
    std::fs::write(
        &template,
        "\u{feff}=== system ===\nBe kind.\n=== user ===\n{{ captions }}\n{{ width }}x{{ height }}",
    )
    .unwrap();
    std::fs::write(&pool, "# mine\n\n  Tell me more. \r\n").unwrap();
    let task = Task::detail_description()
        .with_template(Template::from_file(&template).unwrap())
        .with_instructions(InstructionPool::from_file(&pool).unwrap());
    let prompt = Prompt::new(&record(), &task, &PromptOptions::default()).unwrap();
    assert_eq!(prompt.messages[1].content, "- A girl stands in a street.\n- A busy street.\n1000x500");
    assert_eq!(prompt.instruction.as_deref(), Some("Tell me more."));

    std::fs::write(&template, "{{ nothing }}").unwrap();
    std::fs::write(&pool, "# nothing\n").unwrap();
    let error = Template::from_file(&template).unwrap_err().to_string();
    assert!(error.contains("mine.txt") && error.contains("prompts/README.md"), "{error}");
    let error = InstructionPool::from_file(&pool).unwrap_err().to_string();
    assert!(error.contains("pool.txt") && error.contains("at least one line"), "{error}");
}

#[test]
fn instructions_depend_on_seed_and_image_alone() {
    let draw = |seed, id: u64| {
        let mut record = record();
        record.image.id = id.into();
        let options = PromptOptions::default().with_seed(seed);
        Prompt::new(&record, &Task::detail_description(), &options).unwrap().instruction.unwrap()
    };
    assert_eq!(draw(1, 1), draw(1, 1));
    let drawn: std::collections::BTreeSet<String> = (0..1_000).map(|id| draw(1, id)).collect();
    assert_eq!(drawn.len(), InstructionPool::built_in().len(), "each instruction is drawn");
    assert!((0..20).any(|id| draw(1, id) != draw(2, id)));
}

#[test]
fn names_of_tasks_are_fit_for_files() {
    let template = Template::new("{{ annotations }}").unwrap();
    for name in ["", "Two Words", "../x", "é"] {
        let error = Task::new(name, template.clone(), svitgen::ReplyForm::Description).unwrap_err().to_string();
        assert!(error.contains("lower-case letters"), "{error}");
    }
}
