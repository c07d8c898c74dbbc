//! Reports: their numbers, their bounds, and how they look and work in a real browser, whatever strangers wrote.
//!
//! Tests that need a browser take `CHROMIUM` or `chromium` from the path, and skip, saying so, where there is none. Set
//! `SVITGEN_SCREENSHOTS` to a folder to see what they see.

#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

mod browser;
mod hostile;
mod image_server;
mod images;
mod look;
mod numbers;
#[path = "../support/mod.rs"]
mod support;

use std::path::Path;

use futures::executor::block_on;
use svitgen::llm::RuleLlm;
use svitgen::pipeline::RunFolder;
use svitgen::{Pipeline, Policy, Task, VisualGenome};

/// The sample with the embedded model.
fn sample_run(folder: &Path) -> (RunFolder, VisualGenome) {
    sample_run_by(folder, Policy::careful())
}

fn sample_run_by(folder: &Path, policy: Policy) -> (RunFolder, VisualGenome) {
    let source = VisualGenome::sample().unwrap();
    let builder = Pipeline::builder(RuleLlm::new()).tasks(Task::built_in()).policy(policy).top_ups(0).lint();
    block_on(builder.build().unwrap().run(&source, folder)).unwrap();
    (RunFolder::open(folder).unwrap(), source)
}
