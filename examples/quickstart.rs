//! The whole path on the embedded sample: ten scenes, four tasks, the embedded model, both training formats.
//!
//! `cargo run --release --example quickstart [FOLDER]` needs no key and no network, and leaves a folder with the run
//! and the data set. Run it again with the same folder, and nothing is asked twice.

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::path::PathBuf;

use futures::executor::block_on;
use svitgen::export::{Llava, Svit, write_file};
use svitgen::llm::RuleLlm;
use svitgen::pipeline::RunFolder;
use svitgen::{Pipeline, Result, Role, Sample, Task, VisualGenome};

fn main() -> Result<()> {
    let folder = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| "quickstart-run".to_owned()));
    let source = VisualGenome::sample()?;
    // The embedded model says at once all that the facts settle: asking it for more is no use.
    let pipeline = Pipeline::builder(RuleLlm::new()).tasks(Task::built_in()).top_ups(0).build()?;
    let ledger = block_on(pipeline.run(&source, &folder))?;

    let run = RunFolder::open(&folder)?;
    for (index, task) in run.tasks().iter().enumerate() {
        let samples = || run.samples(task);
        // Another image for each task.
        if let Some(sample) = samples()?.nth(index + 4) {
            show(&sample?);
        }
        write_file(Svit, samples()?, folder.join(format!("svit-{task}.json")))?;
        write_file(Llava::new(), samples()?, folder.join(format!("llava-{task}.json")))?;
    }
    println!("{ledger}");
    println!("{}: svit-<task>.json and llava-<task>.json are the data set; samples/, units/ and", folder.display());
    println!("journal.jsonl are the run: what was kept, why the rest was not, and every reply as it came.");
    Ok(())
}

/// The first conversations of a sample, about a screen of them.
fn show(sample: &Sample) {
    println!("=== {}, image {} ({}) ===", sample.task, sample.image_id, sample.image);
    for conversation in sample.conversations.iter().take(3) {
        if let Some(topic) = &conversation.topic {
            println!("[{topic}]");
        }
        for turn in conversation.turns.iter().take(4) {
            let speaker = match turn.role {
                Role::User => "user",
                Role::Assistant => "gpt ",
            };
            println!("  {speaker}  {}", turn.text.replace('\n', "\n        "));
        }
    }
    println!();
}
