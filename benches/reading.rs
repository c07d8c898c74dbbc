//! From the files of Visual Genome to prompts, as `benches/reading.py` times it:
//! `reading FOLDER [--threads N] [--everything] [--index FOLDER] [--first] [--coco FILE]...`.
//!
//! It prints a line of JSON: how many prompts there are, how long they are together, and a digest of all of them. With
//! `--everything` attributes and relationships are read too, with `--first` it stops at the first prompt.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark prints and may fail by panicking")]

use std::ops::ControlFlow;
use std::time::Instant;

use svitgen::annotation::{Coco, VisualGenomeFiles, map_records};
use svitgen::{Prompt, PromptOptions, Task};
use xxhash_rust::xxh3::Xxh3;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let Some(folder) = arguments.first() else { return println!("reading FOLDER: see benches/reading.py") };
    let option = |name: &str| {
        let index = arguments.iter().position(|argument| argument == name)?;
        arguments.get(index + 1)
    };
    let n_threads = option("--threads").map_or(1, |n| n.parse().unwrap());
    let only_first = arguments.iter().any(|argument| argument == "--first");
    let start = Instant::now();
    let mut files = VisualGenomeFiles::find(folder).unwrap().with_threads(n_threads);
    if !arguments.iter().any(|argument| argument == "--everything") {
        files = files.without_attributes().without_relationships();
    }
    if let Some(folder) = option("--index") {
        files = files.with_index_folder(folder);
    }
    let coco: Vec<&String> = arguments.windows(2).filter(|pair| pair[0] == "--coco").map(|pair| &pair[1]).collect();
    if !coco.is_empty() {
        files = files.with_coco(Coco::open(coco).unwrap());
    }
    let source = files.open().unwrap();
    let opened = start.elapsed().as_secs_f64();
    let (task, options) = (Task::conversation(), PromptOptions::default());
    let (mut n_prompts, mut n_bytes) = (0, 0);
    let mut digester = Xxh3::new();
    map_records(
        &source,
        n_threads,
        // What is not needed any more is dropped where it was made.
        |record| Prompt::new(&record.unwrap(), &task, &options).map(|prompt| prompt.messages),
        |messages| {
            for message in messages.iter().flatten() {
                n_bytes += message.content.len();
                digester.update(message.content.as_bytes());
            }
            n_prompts += usize::from(messages.is_ok());
            if only_first && messages.is_ok() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        },
    );
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "{{\"prompts\": {n_prompts}, \"bytes\": {n_bytes}, \"digest\": \"{:032x}\", \"opened\": {opened:.4}, \
         \"seconds\": {seconds:.4}}}",
        digester.digest128()
    );
}
