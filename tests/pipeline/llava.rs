//! LLaVA's records the whole way: JSONL, prompt, embedded model, parse, LLaVA export, and back.

use std::collections::BTreeSet;

use futures::executor::block_on;
use svitgen::export::{Llava, read_file, write_file};
use svitgen::llm::RuleLlm;
use svitgen::pipeline::RunFolder;
use svitgen::{Jsonl, Pipeline, Task};

use crate::support::{say, shared};

#[test]
fn llava_records_become_llava_samples() {
    let Some(path) = shared("data/llava/caps_boxes_coco2014_val.jsonl") else { return };
    let source = Jsonl::open(path).unwrap();
    let pipeline = Pipeline::builder(RuleLlm::new()).tasks(Task::built_in()).build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let ledger = block_on(pipeline.run(&source, folder.path())).unwrap();
    let total = ledger.total();
    assert_eq!((total.inputs, total.failed, total.pending), (4 * 38, 0, 0));
    // The one image without boxes has nothing to point at.
    assert_eq!(
        (total.rejected, total.causes["no_annotations"], total.requests - total.top_ups),
        (1, 1, 4 * 38 - 1),
        "{ledger}"
    );

    let run = RunFolder::open(folder.path()).unwrap();
    let (mut ids, mut n_turns) = (BTreeSet::new(), 0);
    for task in run.tasks() {
        let path = folder.path().join(format!("{task}.json"));
        let n_written =
            write_file(Llava::new().with_image_folder("val2014"), run.samples(task).unwrap(), &path).unwrap();
        let entries: Vec<_> = read_file(Llava::new(), &path).unwrap().map(|entry| entry.unwrap()).collect();
        assert_eq!(entries.len() as u64, n_written);
        for entry in entries {
            assert!(entry.image.unwrap().starts_with("val2014/0000"));
            n_turns += entry.conversation.turns.len();
            ids.insert(entry.id);
        }
    }
    assert_eq!(n_turns as u64, 2 * total.pairs);
    say(format_args!("real LLaVA records: 38 images became {} entries with {n_turns} turns", ids.len()));
    assert!(ids.len() > 400, "ids are unique over all tasks");
}
