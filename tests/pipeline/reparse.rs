//! Reading the journal of a run once more.

use futures::executor::block_on;
use svitgen::llm::MockLlm;
use svitgen::reply::{Action, IssueCode};
use svitgen::{ErrorKind, Pipeline, Policy, PromptOptions, Task};

use crate::{answer, data_files, pipeline, records};

fn silent(policy: Policy) -> Pipeline {
    let tasks = [Task::complex_reasoning(), Task::detail_description()];
    Pipeline::builder(MockLlm::script([])).tasks(tasks).policy(policy).top_ups(0).build().unwrap()
}

#[test]
fn another_policy_changes_what_becomes_of_the_same_replies() {
    let folder = tempfile::tempdir().unwrap();
    block_on(pipeline(MockLlm::function(answer)).run(&records(60), folder.path())).unwrap();
    let files = data_files(folder.path());

    let same = silent(Policy::careful()).reparse(&records(60), folder.path()).unwrap();
    let task = &same.tasks["complex_reasoning"];
    assert_eq!((task.newly_accepted, task.newly_rejected, task.changed, task.unchanged), (0, 0, 0, 60));
    assert_eq!(data_files(folder.path()), files);

    let strict = Policy::careful().with_action(IssueCode::MissingAnswer, Action::Reject);
    let strict = silent(strict).reparse(&records(60), folder.path()).unwrap();
    insta::assert_snapshot!(strict);
    let back = silent(Policy::careful()).reparse(&records(60), folder.path()).unwrap();
    assert_eq!(strict.tasks["complex_reasoning"].newly_rejected, 5);
    for (task, there) in &strict.tasks {
        let back = &back.tasks[task];
        let changes = (back.newly_accepted, back.newly_rejected, back.changed);
        assert_eq!((there.newly_rejected, there.newly_accepted, there.changed), changes, "{task}");
    }
    assert_eq!(data_files(folder.path()), files);
}

#[test]
fn other_prompts_and_folders_without_a_run_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let error = silent(Policy::careful()).reparse(&records(5), folder.path()).unwrap_err();
    assert!(error.to_string().contains("run.json"), "{error}");
    block_on(pipeline(MockLlm::function(answer)).run(&records(5), folder.path())).unwrap();
    let other = Pipeline::builder(MockLlm::script([])).task(Task::complex_reasoning());
    let other = other.prompt_options(PromptOptions::default().with_seed(7)).build().unwrap();
    let error = other.reparse(&records(5), folder.path()).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::RunDiffers { option, .. } if option == "prompt.seed"), "{error}");
    let error = silent(Policy::careful()).reparse(&records(6), folder.path()).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::RunDiffers { option, .. } if option == "inputs"), "{error}");
}
