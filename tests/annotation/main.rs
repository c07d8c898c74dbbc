//! Readers: what real files hold, every quirk of theirs, and what becomes of damaged ones.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests fail by panicking and say what they went through")]

mod coco;
mod damage;
mod jsonl;
mod made;
mod manifest;
#[cfg(feature = "packed")]
mod packed;
mod quirks;
mod real;
mod selection;
mod saved;
#[path = "../support/mod.rs"]
mod support;
mod synthetic;
mod threads;

use svitgen::annotation::{Input, OnBadInput, VisualGenomeFiles};
use svitgen::{ImageRecord, RecordSource, Result, VisualGenome};

fn records(source: &dyn RecordSource) -> Result<Vec<ImageRecord>> {
    source.records().collect()
}

/// Visual Genome from three texts.
fn visual_genome(image_data: &str, objects: &str, regions: &str, on_bad: OnBadInput) -> Result<VisualGenome> {
    let input = |name: &str, text: &str| Input::bytes(name, text.as_bytes().to_vec());
    let files = VisualGenomeFiles::new(
        input("image_data.json", image_data),
        input("objects.json", objects),
        input("region_descriptions.json", regions),
    );
    files.on_bad_input(on_bad).open()
}
