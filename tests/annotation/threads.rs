//! Reading with several threads: the same records in the same order, and no end but a clean one.

use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;
use std::time::Duration;

use svitgen::annotation::{Input, Jsonl, OnBadInput, VisualGenomeFiles, map_records};
use svitgen::{ImageRecord, RecordSource, Result};

use crate::made::{DESCENDING, in_memory, prompts, texts, write};
use crate::records;

/// Runs what must not hang; a minute is long enough for any machine.
fn soon<T: Send + 'static>(run: impl FnOnce() -> T + Send + 'static) -> T {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || sender.send(run()));
    receiver.recv_timeout(Duration::from_secs(60)).expect("it ends")
}

#[test]
fn prompts_are_the_same_whatever_the_order_threads_and_index() {
    let expected = prompts(&in_memory(&texts(300, 0)).open().unwrap());
    assert!(expected.lines().count() > 200);
    for seed in [0, 1, 7, DESCENDING] {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &texts(300, seed));
        for n_threads in [1, 2, 5] {
            // The first time the index is made, the second time it is used.
            for index in [None, Some("index"), Some("index")] {
                let mut files = VisualGenomeFiles::find(folder.path()).unwrap().with_threads(n_threads);
                if let Some(index) = index {
                    files = files.with_index_folder(folder.path().join(index));
                }
                let source = files.open().unwrap();
                assert!(prompts(&source) == expected, "seed {seed}, {n_threads} threads, index {index:?}");
                assert_eq!(source.report().count("image_data.json", "images"), 300);
                assert_eq!(source.report().count("region_descriptions.json", "regions"), 1500);
            }
        }
    }
}

#[test]
fn what_records_become_comes_in_their_order() {
    let source = in_memory(&texts(500, 3)).open().unwrap();
    let expected: Vec<String> = records(&source).unwrap().iter().map(|record| record.image.id.to_string()).collect();
    let in_memory: Vec<ImageRecord> = records(&source).unwrap();
    for n_threads in [0, 1, 2, 5] {
        for source in [&source as &dyn RecordSource, &in_memory] {
            let mut ids = Vec::new();
            let id = |record: Result<ImageRecord>| record.map(|record| record.image.id.to_string());
            map_records(source, n_threads, id, |id| {
                ids.push(id.unwrap());
                ControlFlow::Continue(())
            });
            assert_eq!(ids, expected, "{n_threads} threads");
        }
    }
}

#[test]
fn an_error_is_the_last_that_comes() {
    let mut files = texts(500, 0);
    files[1] = files[1].replace("\"thing 1 of 250\"", "1");
    let read = |n_threads| {
        let source = in_memory(&files).with_threads(n_threads).open().unwrap();
        let read: Vec<_> = source.records().map(|record| record.map_err(|error| error.to_string())).collect();
        let mut mapped = Vec::new();
        map_records(
            &source,
            n_threads,
            |record| record.map_err(|error| error.to_string()),
            |record| {
                mapped.push(record);
                ControlFlow::Continue(())
            },
        );
        assert_eq!(mapped, read);
        read
    };
    let expected = read(1);
    assert_eq!(expected.len(), 250);
    let error = expected.last().unwrap().as_ref().unwrap_err();
    assert!(error.starts_with("objects.json, image 250, byte"), "{error}");
    assert_eq!(read(2), expected);
    assert_eq!(read(5), expected);
}

#[test]
fn what_is_skipped_is_told_in_order() {
    let mut files = texts(400, 0);
    for id in [37, 111, 255, 390] {
        files[1] = files[1].replace(&format!("\"thing 0 of {id}\""), "1");
    }
    let report = |n_threads| {
        let source = in_memory(&files).on_bad_input(OnBadInput::Skip).with_threads(n_threads).open().unwrap();
        assert_eq!(records(&source).unwrap().len(), 400);
        // A second reading does not count again.
        records(&source).unwrap();
        source.report().to_string()
    };
    let expected = report(1);
    assert!(expected.contains("skipped: 4"), "{expected}");
    assert_eq!(report(2), expected);
    assert_eq!(report(5), expected);
}

#[test]
fn who_stops_early_does_not_wait() {
    soon(|| {
        let source = in_memory(&texts(2_000, 0)).with_threads(4).open().unwrap();
        for n in [0, 1, 33, 700] {
            let mut records = source.records();
            assert_eq!(records.by_ref().take(n).count(), n);
            drop(records);
            let mut n_seen = 0;
            map_records(&source, 4, drop, |()| {
                n_seen += 1;
                if n_seen > n { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            });
            assert_eq!(n_seen, n + 1);
        }
    });
}

#[test]
fn panics_are_passed_on() {
    let message = |panic: Box<dyn std::any::Any + Send>| panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    soon(move || {
        let source = in_memory(&texts(2_000, 0)).open().unwrap();
        let lines = (0..500).map(|id| format!("{{\"id\": {id}}}\n")).collect::<String>();
        let plain = Jsonl::from_input(Input::bytes("x", lines.into_bytes()), OnBadInput::Stop).unwrap();
        for source in [&source as &dyn RecordSource, &plain, &records(&source).unwrap()] {
            let in_map = |record: Result<ImageRecord>| {
                assert!(record.unwrap().image.id != 400.into(), "in map");
            };
            let result =
                catch_unwind(AssertUnwindSafe(|| map_records(source, 3, in_map, |()| ControlFlow::Continue(()))));
            assert_eq!(result.err().and_then(message).as_deref(), Some("in map"));
            let mut n = 0;
            let mut in_each = |()| {
                n += 1;
                assert!(n < 100, "in each");
                ControlFlow::Continue(())
            };
            let result = catch_unwind(AssertUnwindSafe(|| map_records(source, 3, drop, &mut in_each)));
            assert_eq!(result.err().and_then(message).as_deref(), Some("in each"));
        }
    });
}
