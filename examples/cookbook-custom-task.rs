//! A task of your own: one question a line, a form that reads it, and a check, without a change in the crate.

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use futures::executor::block_on;
use svitgen::llm::MockLlm;
use svitgen::reply::{Action, Asked, Draft, IssueCode, ReplyEnd, ReplyForm, Scan, each_item};
use svitgen::task::{Section, Sections, Template};
use svitgen::{ImageRecord, Pipeline, Policy, Task, UnitBox};

/// Lines of `question | answer`.
#[derive(Debug)]
struct Table;

impl Scan for Table {
    fn scan(&self, draft: &mut Draft<'_>, end: ReplyEnd) {
        let mut start = 0;
        for line in draft.reply().split_inclusive('\n') {
            let (line_start, line_end) = (start, start + line.len());
            start = line_end;
            let is_cut = end == ReplyEnd::Cut && line_end == draft.reply().len();
            match line.find(" | ") {
                _ if is_cut => draft.unusable(IssueCode::TruncatedTail, line_start..line_end),
                Some(at) => {
                    draft.label(line_start + at..line_start + at + 3);
                    draft.pair(line_start..line_start + at, line_start + at + 3..line_end);
                }
                // Nothing is lost silently: what is not claimed is reported as stray text.
                None => {}
            }
        }
    }

    fn asked(&self) -> Asked {
        Asked { conversations: None, pairs: Some(2) }
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let template = Template::new("{{ objects }}\n\nWrite {{ n_pairs }} lines of `question | answer` about colours.")?;
    let too_long = each_item(IssueCode::custom("too_long"), |item| item.answer.text.len() > 40);
    let task = Task::new("colours", template, ReplyForm::custom(Table))?
        .with_sections(Sections::NONE.with(Section::Objects))
        .with_check(too_long);

    let llm = MockLlm::script(["What colour is the cup? | Red.\nWhat colour is the table? | Brown.".into()]);
    let policy = Policy::careful().with_action(IssueCode::custom("too_long"), Action::Drop);
    let pipeline = Pipeline::builder(llm).task(task).policy(policy).build()?;

    let cup = ImageRecord::builder(1).object("cup", UnitBox::new(0.4, 0.4, 0.5, 0.6)?).build();
    let folder = std::env::temp_dir().join(format!("svitgen-custom-task-{}", std::process::id()));
    print!("{}", block_on(pipeline.run(&vec![cup], &folder))?);
    print!("{}", std::fs::read_to_string(folder.join("samples/colours.jsonl"))?);
    std::fs::remove_dir_all(folder)?;
    Ok(())
}
