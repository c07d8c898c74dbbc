//! Runs: streams, run folders, the ledger, and what is left of a run that is stopped in any way.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests fail by panicking and say what they went through")]

#[cfg(feature = "openai")]
mod batch;
mod budget;
mod control;
mod estimate;
#[cfg(feature = "tracing")]
mod events;
mod folder;
mod kill;
mod lint;
mod llava;
mod order;
#[cfg(feature = "packed")]
mod packed;
#[cfg(all(feature = "openai", feature = "testing"))]
mod batch_account;
#[cfg(all(feature = "openai", feature = "testing"))]
mod batch_server;
#[cfg(all(feature = "openai", feature = "testing"))]
mod lost_batches;
mod reparse;
mod stream;
mod top_ups;
#[cfg(feature = "openai")]
#[path = "../support/hostile.rs"]
mod hostile;
#[path = "../support/mod.rs"]
mod support;
#[cfg(feature = "tracing")]
#[path = "../support/events.rs"]
mod support_events;

use std::collections::BTreeMap;
use std::path::Path;
use std::{env, fs};

use svitgen::llm::{Completion, CompletionRequest, MockLlm, Usage};
use svitgen::pipeline::PipelineBuilder;
use svitgen::{ImageRecord, Pipeline, Task, UnitBox};

/// Images 1 to `n`; every seventh has nothing to prompt about.
fn records(n: u64) -> Vec<ImageRecord> {
    let record = |id| {
        let builder = ImageRecord::builder(id);
        if id % 7 == 0 {
            return builder.build();
        }
        let left = (id % 50) as f64 / 100.0;
        let bbox = UnitBox::new(left, 0.25, left + 0.125, 0.75).unwrap();
        builder.object(format!("thing{id}"), bbox).caption(format!("A view of thing{id}.")).build()
    };
    // Not in order: sources sort.
    (1..=n).rev().map(record).collect()
}

/// A reply that depends on the request alone: whole, in part usable, or not at all.
fn answer(request: &CompletionRequest) -> Completion {
    let text = request.last_user_text();
    let name = text.split(['.', ' ', ':']).find(|word| word.starts_with("thing")).unwrap_or("thing");
    let n: usize = name.trim_start_matches("thing").parse().unwrap_or(0);
    let reply = match n % 11 {
        3 => "I'm sorry, I cannot help with that.".to_owned(),
        5 => format!("Question: What is it?\nAnswer: {name}.\nQuestion: Why?\n"),
        _ => (0..15).map(|i| format!("Question: What about {name} and {i}?\nAnswer: It is {i}.\n")).collect(),
    };
    let usage = Usage { input_tokens: text.len() as u64, output_tokens: reply.len() as u64 };
    Completion::new(reply).with_model("mock-1").with_usage(usage)
}

fn builder(client: MockLlm) -> PipelineBuilder {
    let tasks = [Task::complex_reasoning(), Task::detail_description()];
    Pipeline::builder(client).tasks(tasks).concurrency(8)
}

/// Without follow-ups, so that each unit is one request.
fn pipeline(client: MockLlm) -> Pipeline {
    builder(client).top_ups(0).build().unwrap()
}

/// The data files of a run by name: all but the journal, the lock and what counts requests.
fn data_files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for sub in ["samples", "units"] {
        for entry in fs::read_dir(folder.join(sub)).unwrap() {
            let path = entry.unwrap().path();
            let name = format!("{sub}/{}", path.file_name().unwrap().to_string_lossy());
            files.insert(name, fs::read(path).unwrap());
        }
    }
    files.insert("run.json".to_owned(), fs::read(folder.join("run.json")).unwrap());
    files
}

/// Whether this process is a child that a test has started, and the value it was given.
fn child_argument(name: &str) -> Option<String> {
    env::var(name).ok()
}
