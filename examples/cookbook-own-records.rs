//! Records that do not come from Visual Genome: plain JSONL (LLaVA's captions and boxes) and a detector's output.
//!
//! `cargo run --example cookbook-own-records [FILE.jsonl]`

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use futures::StreamExt;
use futures::executor::block_on;
use svitgen::annotation::{Input, Jsonl, OnBadInput};
use svitgen::export::{Exporter, Llava};
use svitgen::llm::RuleLlm;
use svitgen::{ImageRecord, ImageSize, Ledger, Pipeline, PixelBox, RecordSource, Task};

const LINES: &str = r#"{"id": "000000000001", "captions": ["A cat sleeps on a sofa."], "instances": [{"category": "cat", "bbox": [0.31, 0.42, 0.66, 0.8]}, {"category": "sofa", "bbox": [0.05, 0.3, 0.97, 0.99]}]}
{"id": "000000000002", "phrases": ["a red bus at a stop"], "width": 640, "height": 480, "objects": [{"name": "bus", "bbox_xywh": [40, 120, 400, 260]}]}
"#;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let jsonl = match std::env::args().nth(1) {
        Some(path) => Jsonl::open(path)?,
        None => Jsonl::from_input(Input::bytes("lines.jsonl", LINES.as_bytes()), OnBadInput::Skip)?,
    };
    let detected = ImageRecord::builder(3)
        .size(ImageSize::new(640, 480)?)
        .object("dog", PixelBox::from_xywh(-4.0, 200.0, 180.0, 240.0)?)
        .object("ball", PixelBox::from_xywh(300.0, 400.0, 40.0, 40.0)?)
        .build();
    let records = jsonl.records().chain([Ok(detected)]);

    let pipeline = Pipeline::builder(RuleLlm::new()).tasks(Task::built_in()).concurrency(8).build()?;
    let mut exporter = Exporter::new(Llava::new(), Vec::new());
    let mut ledger = Ledger::default();
    // A stream in order of completion: no folder, no runtime but what polls it.
    let mut results = pipeline.stream(records);
    block_on(async {
        while let Some(result) = results.next().await {
            let result = result?;
            ledger.add(&result);
            if let Some(sample) = &result.sample {
                exporter.write(sample)?;
            }
        }
        Ok::<_, Box<dyn std::error::Error>>(())
    })?;
    println!("{}\n{ledger}", jsonl.report());
    println!("{} entries for LLaVA, {} bytes", exporter.n_entries(), exporter.finish()?.len());
    Ok(())
}
