//! The stages one by one in a loop of your own, without the pipeline: record, prompt, completion, reply, sample, export.

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use futures::executor::block_on;
use svitgen::annotation::RecordSource;
use svitgen::export::{Exporter, Llava};
use svitgen::llm::{LlmClient, Parameters, RuleLlm};
use svitgen::{Policy, Prompt, PromptError, PromptOptions, Task, VisualGenome};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let source = VisualGenome::sample()?;
    let task = Task::detail_description();
    let policy = Policy::careful();
    let parser = task.parser(policy.clone());
    let (options, parameters) = (PromptOptions::default(), Parameters::default());
    let client = RuleLlm::new();

    let mut exporter = Exporter::new(Llava::new(), Vec::new());
    for record in source.records() {
        let prompt = match Prompt::new(&record?, &task, &options) {
            Ok(prompt) => prompt,
            // Asking about nothing is how "your message is empty" became training data.
            Err(PromptError::NoAnnotations { image, .. }) => {
                println!("image {image}: nothing to prompt about");
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        let completion = block_on(client.complete(&prompt.request(&parameters)))?;
        let parsed = prompt.parse(&completion, &parser);
        for issue in parsed.dropped() {
            println!("image {}: {} at {:?}", prompt.image_id, issue.code, issue.span);
        }
        if let Some(sample) = prompt.sample(&parsed, &[completion], &policy) {
            exporter.write(&sample)?;
        }
    }
    println!("{} entries", exporter.n_entries());
    println!("{}", String::from_utf8(exporter.finish()?)?);
    Ok(())
}
