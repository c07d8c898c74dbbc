//! The lint in a run: a score and evidence beside each answer, and nothing dropped.

use futures::executor::block_on;
use svitgen::llm::{LlmClient, MockLlm, RuleLlm};
use svitgen::pipeline::RunFolder;
use svitgen::{Pipeline, RecordSource, Sample, Task, VisualGenome};

fn samples(client: impl LlmClient + 'static, source: &dyn RecordSource) -> Vec<Sample> {
    let pipeline = Pipeline::builder(client).tasks(Task::built_in()).top_ups(0).lint().build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    block_on(pipeline.run(source, folder.path())).unwrap();
    let run = RunFolder::open(folder.path()).unwrap();
    run.tasks().iter().flat_map(|task| run.samples(task).unwrap().map(Result::unwrap).collect::<Vec<_>>()).collect()
}

#[test]
fn what_the_facts_settle_is_borne_out() {
    let samples = samples(RuleLlm::new(), &VisualGenome::sample().unwrap());
    let answers = samples.iter().flat_map(|sample| &sample.conversations).flat_map(|found| found.pairs());
    let supports: Vec<_> = answers.map(|pair| (pair.answer.support.clone().unwrap(), &pair.answer.text)).collect();
    let n_claims: usize = supports.iter().map(|(support, _)| support.n_claims).sum();
    let doubts: Vec<_> =
        supports.iter().flat_map(|(support, text)| support.doubts.iter().map(move |d| (d, text))).collect();
    assert!(n_claims > 300, "{n_claims}");
    assert!(doubts.len() * 50 < n_claims, "{} of {n_claims}: {doubts:#?}", doubts.len());
}

#[test]
fn inventions_are_flagged_and_kept() {
    let mock = MockLlm::function(|_| "A submarine chases five elephants to the left of a helicopter.");
    let source = VisualGenome::sample().unwrap();
    let samples = samples(mock, &source);
    let descriptions = samples.iter().filter(|sample| sample.task == "detail_description");
    for sample in descriptions {
        let support = sample.conversations[0].turns[1].support.as_ref().unwrap();
        assert!(support.score < 0.5 && support.doubts.len() >= 2, "{support:?}");
    }
}
