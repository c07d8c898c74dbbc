//! Journals at rest, packed.

use std::fs;
use std::path::Path;

use futures::executor::block_on;
use svitgen::Result;
use svitgen::llm::MockLlm;
use svitgen::pipeline::{Call, RunFolder};

use crate::{answer, data_files, pipeline, records};

fn calls(folder: &Path) -> Vec<Call> {
    RunFolder::open(folder).unwrap().calls().unwrap().collect::<Result<_>>().unwrap()
}

#[test]
fn a_packed_journal_is_small_and_says_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let before = block_on(pipeline(MockLlm::function(answer)).run(&records(60), folder.path())).unwrap();
    let (files, known) = (data_files(folder.path()), calls(folder.path()));
    let (plain, packed) = (folder.path().join("journal.jsonl"), folder.path().join("journal.jsonl.zst"));

    let compaction = RunFolder::open(folder.path()).unwrap().pack().unwrap();
    assert!(compaction.bytes_after * 4 < compaction.bytes_before, "{compaction:?}");
    assert_eq!(fs::metadata(&packed).unwrap().len(), compaction.bytes_after);
    assert!(!plain.exists());
    assert_eq!(calls(folder.path()), known);

    // What a kill between the two steps leaves: the plain one counts.
    fs::write(&plain, zstd::decode_all(fs::File::open(&packed).unwrap()).unwrap()).unwrap();
    fs::write(&packed, "of an earlier time").unwrap();
    assert_eq!(calls(folder.path()), known);
    assert_eq!(RunFolder::open(folder.path()).unwrap().pack().unwrap().bytes_after, compaction.bytes_after);

    let silent = MockLlm::function(answer);
    let after = block_on(pipeline(silent.clone()).run(&records(60), folder.path())).unwrap();
    assert_eq!((silent.requests().len(), &after), (0, &before));
    assert_eq!(data_files(folder.path()), files);
    assert!(plain.exists() && !packed.exists());
}

#[test]
fn a_damaged_packed_journal_is_named_and_stays() {
    let folder = tempfile::tempdir().unwrap();
    block_on(pipeline(MockLlm::function(answer)).run(&records(60), folder.path())).unwrap();
    RunFolder::open(folder.path()).unwrap().pack().unwrap();
    let packed = folder.path().join("journal.jsonl.zst");
    let mut bytes = fs::read(&packed).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x55;
    for damaged in [&bytes[..], &bytes[..middle], b"no zstd"] {
        fs::write(&packed, damaged).unwrap();
        let silent = MockLlm::function(answer);
        let error = block_on(pipeline(silent.clone()).run(&records(60), folder.path())).unwrap_err();
        assert!(error.to_string().contains("journal.jsonl.zst"), "{error}");
        assert_eq!(silent.requests().len(), 0);
        assert_eq!(fs::read(&packed).unwrap(), damaged);
        assert!(!folder.path().join("journal.jsonl").exists());
    }
}
