//! From the files of Visual Genome to prompts, as `benches/reading.py` times it: `reading FOLDER [OPTION]...`.
//!
//! It prints a line of JSON: how many prompts there are, how long they are together, and a digest of all of them.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark prints and may fail by panicking")]

use std::time::Instant;

use svitgen::annotation::{RecordSource, VisualGenomeFiles};
use xxhash_rust::xxh3::Xxh3;
use svitgen::{Prompt, PromptOptions, Task};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let Some(folder) = arguments.first() else { return println!("reading FOLDER: see benches/reading.py") };
    let start = Instant::now();
    let source = VisualGenomeFiles::find(folder).unwrap().without_attributes().without_relationships().open().unwrap();
    let opened = start.elapsed();
    let (task, options) = (Task::conversation(), PromptOptions::default());
    let (mut n_prompts, mut n_bytes) = (0, 0);
    let mut digester = Xxh3::new();
    for record in source.records() {
        if let Ok(prompt) = Prompt::new(&record.unwrap(), &task, &options) {
            n_prompts += 1;
            for message in &prompt.messages {
                n_bytes += message.content.len();
                digester.update(message.content.as_bytes());
            }
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    let opened = opened.as_secs_f64();
    println!(
        "{{\"prompts\": {n_prompts}, \"bytes\": {n_bytes}, \"digest\": \"{:032x}\", \"opened\": {opened:.3}, \"seconds\": {seconds:.3}}}",
        digester.digest128()
    );
}
