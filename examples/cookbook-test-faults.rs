//! A run through faults and an outage, as a test: hours of waiting in milliseconds, the same faults each time.
//!
//! `cargo test --features testing --example cookbook-test-faults`

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::time::Duration;

use svitgen::llm::testing::{Fault, FaultyLlm, MockTimer};
use svitgen::llm::{Limits, LlmClient, RuleLlm, Timer, resilient};
use svitgen::pipeline::RunFolder;
use svitgen::{ErrorKind, LlmErrorKind, Pipeline, Task, VisualGenome};

fn pipeline(client: impl LlmClient + 'static) -> svitgen::Result<Pipeline> {
    Pipeline::builder(client).tasks(Task::built_in()).concurrency(8).build()
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let source = VisualGenome::sample()?;
    let folder = std::env::temp_dir().join(format!("svitgen-test-faults-{}", std::process::id()));
    let timer = MockTimer::new();

    // A server that is never reached: the run stops when patience is used up, and no unit has failed.
    let dead = FaultyLlm::new(RuleLlm::new(), 7, timer.clone()).with_fault(Fault::NotSent, 1.0);
    let stopping = pipeline(resilient(dead, Limits::adaptive(8), timer.clone()))?;
    let error = timer.run(stopping.run(&source, &folder))?.err().ok_or("the server is dead")?;
    println!("after {:?}: {error}: {}", timer.now(), std::error::Error::source(&error).ok_or("no source")?);
    assert!(matches!(error.kind(), ErrorKind::Stopped(cause) if cause.kind() == LlmErrorKind::Unavailable));
    assert_eq!(timer.now().as_secs() / 60, 10);

    // It is back, but busy, and some of its answers get lost. Every unit comes to its end all the same.
    let busy = FaultyLlm::new(RuleLlm::new(), 7, timer.clone())
        .with_fault(Fault::RateLimited(Duration::from_secs(20)), 0.2)
        .with_fault(Fault::Transient, 0.1)
        .with_fault(Fault::Lost, 0.05)
        .with_fault(Fault::Late(Duration::from_secs(90)), 0.05);
    let client = resilient(busy.clone(), Limits::adaptive(8), timer.clone());
    let going_on = pipeline(client.clone())?;
    let ledger = timer.run(going_on.run(&source, &folder))??.total();
    println!("{:?} met, {:?}", busy.n_faults(), client.activity());
    assert!(busy.n_faults().len() >= 3);
    assert_eq!((ledger.inputs, ledger.failed, ledger.pending), (40, 0, 0));

    // The data is that of a run without faults, byte for byte.
    let undisturbed = folder.with_extension("undisturbed");
    timer.run(pipeline(RuleLlm::new())?.run(&source, &undisturbed))??;
    for task in RunFolder::open(&folder)?.tasks() {
        let bytes = |folder: &std::path::Path| std::fs::read(folder.join("samples").join(format!("{task}.jsonl")));
        assert_eq!(bytes(&folder)?, bytes(&undisturbed)?);
    }
    std::fs::remove_dir_all(folder)?;
    std::fs::remove_dir_all(undisturbed)?;
    Ok(())
}

#[test]
fn every_unit_comes_to_its_end() {
    main().expect("the assertions of the example hold");
}
