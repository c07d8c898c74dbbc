//! Estimates: what is worked out is what is sent.

use futures::StreamExt;
use futures::executor::block_on;
use svitgen::annotation::Selection;
use svitgen::llm::{MockLlm, Money, Price, Prices};
use svitgen::prompt::LeftOutReason;
use svitgen::task::Section;
use svitgen::tokens::{TokenCounter, TokenEstimate};
use svitgen::{Error, ErrorKind, Parameters, Pipeline, PromptOptions, RecordSource, Task, VisualGenome};

use crate::{answer, builder, records};

/// Requests and tokens of prompts that a client really gets.
fn sent(pipeline: &Pipeline, mock: &MockLlm, source: &dyn RecordSource) -> (u64, u64) {
    let n_results = block_on(
        pipeline
            .stream(source.records())
            .filter(|result| {
                let is_ok = result.is_ok();
                async move { is_ok }
            })
            .count(),
    );
    assert!(n_results > 0);
    let requests = mock.requests();
    let tokens = requests.iter().map(|request| TokenEstimate::new().count_messages(&request.messages) as u64);
    (requests.len() as u64, tokens.sum())
}

#[test]
fn what_is_estimated_is_what_is_sent() {
    for options in [PromptOptions::default(), PromptOptions::default().with_max_tokens(700)] {
        let mock = MockLlm::function(answer);
        let parameters = Parameters::default().with_max_tokens(500);
        let builder = Pipeline::builder(mock.clone()).tasks(Task::built_in()).prompt_options(options.clone());
        let pipeline = builder.parameters(parameters).top_ups(0).build().unwrap();
        let source = VisualGenome::sample().unwrap();
        let estimate = pipeline.estimate(&source).unwrap();
        let total = estimate.total();
        assert_eq!(sent(&pipeline, &mock, &source), (total.requests, total.input_tokens));
        assert_eq!(total.images, total.requests + total.no_annotations + total.over_budget + total.template_failures);
        assert_eq!(total.images, 40);
        assert_eq!(total.max_output_tokens, Some(500 * total.requests));
        assert!(total.output_tokens <= 500 * total.requests);
        let dropped = total.prompts.left_out(Section::Regions, LeftOutReason::OverBudget);
        assert_eq!(dropped > 0, options.budget.is_some());
        assert_eq!(options.budget.is_some(), total.longest_prompt <= 700);
    }
}

#[test]
fn limit_and_selection_count() {
    let mock = MockLlm::function(answer);
    let pipeline = builder(mock.clone()).limit(20).top_ups(0).build().unwrap();
    let selected = Selection::default().with_min_objects(1).of(records(100));
    let estimate = pipeline.estimate(&selected).unwrap();
    assert_eq!(estimate.total().images, 40);
    assert_eq!(estimate.total().no_annotations, 0);
    assert_eq!(sent(&pipeline, &mock, &selected), (40, estimate.total().input_tokens));
    let all = builder(mock).build().unwrap().estimate(&records(100)).unwrap();
    assert_eq!((all.total().images, all.total().no_annotations), (200, 28));
    assert_eq!(all.total().max_output_tokens, None);
}

#[test]
fn an_estimate_is_a_table() {
    let options = PromptOptions::default().with_max_tokens(700);
    let parameters = Parameters::default().with_max_tokens(1_000).with_model("gpt-4o-mini");
    let builder = Pipeline::builder(MockLlm::script([])).tasks(Task::built_in()).prompt_options(options);
    let pipeline = builder.parameters(parameters).build().unwrap();
    insta::assert_snapshot!(pipeline.estimate(&VisualGenome::sample().unwrap()).unwrap());
}

#[test]
fn a_prompt_that_cannot_fit_fails_its_unit_alone() {
    let mock = MockLlm::function(answer);
    let options = PromptOptions::default().with_max_tokens(10);
    let pipeline = builder(mock.clone()).prompt_options(options).build().unwrap();
    let results: Vec<_> = block_on(pipeline.stream(records(7).into_iter().map(Ok)).collect());
    let causes = results.into_iter().map(|result| result.unwrap().cause.unwrap());
    assert_eq!(causes.filter(|cause| cause == "over_budget").count(), 12);
    assert!(mock.requests().is_empty());
    let total = pipeline.estimate(&records(7)).unwrap().total();
    assert_eq!((total.requests, total.over_budget, total.no_annotations), (0, 12, 2));
}

#[test]
fn a_run_refuses_another_choice_of_images() {
    let folder = tempfile::tempdir().unwrap();
    let run = |selection: Selection| {
        let pipeline = builder(MockLlm::function(answer)).build().unwrap();
        block_on(pipeline.run(&selection.of(records(10)), folder.path()))
    };
    assert_eq!(run(Selection::default().without_images([3])).unwrap().total().inputs, 18);
    assert_eq!(run(Selection::default().without_images(["3"])).unwrap().total().inputs, 18);
    let error: Error = run(Selection::default().without_images([4])).unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::RunDiffers { option, .. } if option.starts_with("selection.excluded")),
        "{error}"
    );
}

#[test]
fn money_is_that_of_the_sums() {
    let prices = Prices::none().with_price("ours", Price::per_million("3".parse().unwrap(), "15".parse().unwrap()));
    let estimate = |parameters: Parameters| {
        let pipeline = builder(MockLlm::script([])).parameters(parameters).build().unwrap();
        pipeline.estimate(&records(20)).unwrap().with_prices(&prices)
    };
    let total = estimate(Parameters::default().with_model("ours").with_max_tokens(400)).total();
    let dollars = |output: u64| Money::from_picodollars(u128::from(3 * total.input_tokens + 15 * output) * 1_000_000);
    assert_eq!(total.cost, Some(dollars(total.output_tokens)));
    assert_eq!(total.max_cost, Some(dollars(400 * total.requests)));
    assert_eq!(total.batch_cost, total.cost);
    let unlimited = estimate(Parameters::default().with_model("ours")).total();
    assert!(unlimited.cost > total.cost && unlimited.max_cost.is_none());
    let unknown = estimate(Parameters::default().with_model("theirs"));
    assert_eq!(unknown.total().cost, None);
    assert!(unknown.to_string().contains("no price is known for theirs"), "{unknown}");
}
