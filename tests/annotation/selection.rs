//! Choosing the work: what is taken and why the rest is not, picks, shards.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use serde_json::Value;
use svitgen::annotation::{
    CocoId, Input, Jsonl, NotTaken, OnBadInput, Selection, Shard, map_records, read_coco_ids, read_image_ids,
};
use svitgen::{ImageId, ImageRecord, RecordSource, UnitBox};

use crate::made::{DESCENDING, in_memory, texts};
use crate::records;

/// Images 1 to `n`: `id % 5` objects and `id % 3` regions, every second one with a caption and a COCO id of `1000 + id`.
fn source(n: u64) -> Vec<ImageRecord> {
    let record = |id: u64| {
        let bbox = UnitBox::new(0.1, 0.1, 0.5, 0.5).unwrap();
        let mut builder = ImageRecord::builder(id);
        for _ in 0..id % 5 {
            builder = builder.object("dog", bbox);
        }
        for _ in 0..id % 3 {
            builder = builder.region("a dog on grass", bbox);
        }
        if id.is_multiple_of(2) {
            builder.caption("A dog.").coco_id(CocoId(1_000 + id)).build()
        } else {
            builder.build()
        }
    };
    (1..=n).map(record).collect()
}

fn ids(source: &dyn RecordSource) -> Vec<u64> {
    let id = |record: svitgen::Result<ImageRecord>| match record.unwrap().image.id {
        ImageId::Number(id) => id,
        other => panic!("{other}"),
    };
    source.records().map(id).collect()
}

#[test]
fn images_are_taken_by_what_is_known_of_them() {
    let taken = |selection: Selection| ids(&selection.of(source(12)));
    assert_eq!(taken(Selection::default()), (1..=12).collect::<Vec<_>>());
    assert_eq!(taken(Selection::default().with_images([3, 99]).with_images(["007"])), [3, 7]);
    assert_eq!(taken(Selection::default().with_images([3]).with_coco_images([CocoId(1_004)])), [3, 4]);
    assert_eq!(taken(Selection::default().with_images([0_u64; 0])), [0; 0]);
    let few = Selection::default().with_captions().with_min_objects(2).with_min_regions(1);
    assert_eq!(taken(few.clone()), [2, 4, 8]);
    assert_eq!(taken(few.without_images(["8"]).without_coco_images([CocoId(1_004), CocoId(8)])), [2]);
}

#[test]
fn what_is_not_taken_has_a_reason() {
    let selection = Selection::default().without_images([1]).with_min_objects(1).with_pick(3, 7);
    let selected = selection.with_shard(Shard::new(1, 2).unwrap()).of(source(12));
    let (n_taken, not_taken) = selected.count().unwrap();
    assert_eq!(n_taken as usize, selected.records().count());
    assert_eq!(n_taken + not_taken.values().sum::<u64>(), 12);
    assert_eq!(not_taken[&NotTaken::Excluded], 1);
    assert_eq!(not_taken[&NotTaken::FewObjects], 2);
    assert_eq!(not_taken[&NotTaken::NotPicked], 6);
    assert_eq!(n_taken + not_taken[&NotTaken::OtherShard], 3);
}

#[test]
fn picks_depend_on_seed_and_images_alone() {
    let pick = |n, seed, n_images| ids(&Selection::default().with_pick(n, seed).of(source(n_images)));
    let picked = pick(50, 1, 1_000);
    assert_eq!(picked.len(), 50);
    assert!(picked.is_sorted());
    assert_eq!(picked, pick(50, 1, 1_000));
    assert_ne!(picked, pick(50, 2, 1_000));
    let set = |ids: Vec<u64>| ids.into_iter().collect::<BTreeSet<u64>>();
    assert!(set(picked.clone()).is_subset(&set(pick(60, 1, 1_000))));
    // Images that come later push out only those that they beat.
    let later = set(pick(50, 1, 1_100));
    assert!(later.iter().filter(|id| **id <= 1_000).all(|id| picked.contains(id)));
    assert_eq!(pick(50, 1, 20), (1..=20).collect::<Vec<_>>());
    // Fixed for ever: a change here changes what anybody has picked.
    assert_eq!(pick(5, 1, 100), PINNED);
}

const PINNED: [u64; 5] = [9, 13, 54, 60, 85];

#[test]
fn shards_are_disjoint_complete_and_stable() {
    for (n_images, n_shards) in [(0, 3), (2, 5), (1_000, 1), (1_000, 7)] {
        let mut all = Vec::new();
        for number in 1..=n_shards {
            let selection = Selection::default().with_shard(Shard::new(number, n_shards).unwrap());
            let shard = ids(&selection.clone().of(source(n_images)));
            assert!(shard.is_sorted());
            let mut reversed = source(n_images);
            reversed.reverse();
            assert_eq!(shard, ids(&selection.of(reversed)));
            all.extend(shard);
        }
        all.sort_unstable();
        assert_eq!(all, (1..=n_images).collect::<Vec<_>>(), "{n_shards} shards");
    }
}

#[test]
fn shards_are_written_as_two_numbers() {
    let shard: Shard = "2/8".parse().unwrap();
    assert_eq!((shard.number(), shard.of(), shard.to_string()), (2, 8, "2/8".to_owned()));
    for wrong in ["", "2", "0/8", "9/8", "1/0", "-1/2", "a/b", "1/2/3"] {
        let error = wrong.parse::<Shard>().unwrap_err().to_string();
        assert!(error.contains("K/N") && error.contains(&format!("{wrong:?}")), "{error}");
    }
}

#[test]
fn lists_come_from_files() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ids");
    let write = |text: &str| std::fs::write(&path, text).unwrap();
    write("\u{feff}# held out\n7\r\n\n 000012 \nabc\n");
    assert_eq!(read_image_ids(&path).unwrap(), [ImageId::from(7), 12.into(), "abc".into()]);
    write("[7, \"12\", \"COCO_val2014_000000000009.jpg\"]");
    assert_eq!(read_coco_ids(&path).unwrap(), [CocoId(7), CocoId(12), CocoId(9)]);
    let message = |text: &str| {
        write(text);
        read_coco_ids(&path).unwrap_err().to_string()
    };
    assert!(message("7\nabc\n").contains("found abc"));
    assert!(message("[7, {}]").contains("expected an image id"));
    assert!(message("# nothing\n").contains("nothing"));
    std::fs::remove_file(&path).unwrap();
    assert!(read_image_ids(&path).unwrap_err().to_string().contains("cannot read"));
}

#[test]
fn a_selection_is_data_and_a_part_of_a_part_names_both() {
    assert!(Selection::default().is_all());
    assert_eq!(Selection::default().of(source(3)).selection(), Value::Null);
    let excluding = |id: u64| Selection::default().without_images([id]);
    assert_eq!(excluding(1).manifest(), excluding(1).manifest());
    assert_ne!(excluding(1).manifest(), excluding(2).manifest());
    let shard = |k| excluding(1).with_shard(Shard::new(k, 2).unwrap());
    assert_eq!(shard(1).manifest()["shard"], "1/2");
    assert_ne!(shard(1).manifest(), shard(2).manifest());
    let nested = shard(1).of(excluding(2).of(source(9)));
    assert_eq!(nested.selection(), Value::from(vec![excluding(2).manifest(), shard(1).manifest()]));
    let boxed: Box<dyn RecordSource> = Box::new(nested);
    assert_eq!(boxed.selection()[0], excluding(2).manifest());
    assert_eq!(Selection::default().of(boxed).inputs(), source(9).inputs());
}

/// Records of files by position, and how many were read, against the same records in memory.
#[test]
fn lists_of_ids_read_what_they_choose_and_choose_what_reading_would() {
    const N: u64 = 400;
    for (seed, n_threads) in [(0, 1), (3, 1), (DESCENDING, 1), (3, 2)] {
        let open = || in_memory(&texts(N as usize, seed)).with_threads(n_threads).open().unwrap();
        let all: Vec<ImageRecord> = records(&open()).unwrap();
        let even = || (2..=N).step_by(2);
        let cases = [
            (Selection::default(), N),
            (Selection::default().with_images([17, 9_999]).with_images(["0300"]), 2),
            (Selection::default().with_images(["x"]), 0),
            (Selection::default().with_images(even()), N / 2),
            (Selection::default().with_images(even()).without_images(1..=N - 3), 2),
            (Selection::default().without_images([1, N, N + 1]), N - 2),
            (Selection::default().without_images(even()).with_min_objects(3), N / 2),
            (Selection::default().with_images(1..=50).with_pick(7, 1), 50),
            (Selection::default().without_images(1..=300).with_shard(Shard::new(2, 3).unwrap()), 100),
            // COCO ids are known only from the records.
            (Selection::default().with_images([5]).with_coco_images([CocoId(1)]), N),
            (Selection::default().with_coco_images([CocoId(1)]).without_images([5, 6]), N - 2),
        ];
        for (selection, n_read) in cases {
            let slow = selection.clone().of(all.clone());
            let fast = selection.clone().of(open());
            assert_eq!(records(&fast).unwrap(), records(&slow).unwrap(), "{selection:?}");
            assert_eq!(fast.report().count("image_data.json", "images"), n_read, "{selection:?}");
            assert_eq!(fast.count().unwrap(), slow.count().unwrap(), "{selection:?}");
            let mut mapped = Vec::new();
            map_records(&fast, n_threads, Result::unwrap, |record| {
                mapped.push(record);
                ControlFlow::Continue(())
            });
            assert_eq!(mapped, records(&slow).unwrap(), "{selection:?}");
        }
    }
}

#[test]
fn plain_records_are_found_by_their_ids() {
    let lines: String = ["\"b\"", "30", "4", "\"a\"", "\"0007\""].map(|id| format!("{{\"id\": {id}}}\n")).concat();
    let open =
        || Jsonl::from_input(Input::bytes("records.jsonl", lines.clone().into_bytes()), OnBadInput::Stop).unwrap();
    let all: Vec<ImageRecord> = records(&open()).unwrap();
    let cases = [
        (Selection::default().with_images(["b", "30", "c"]), 2),
        (Selection::default().with_images([7, 8]), 1),
        (Selection::default().without_images(["a", "7"]), 3),
    ];
    for (selection, n) in cases {
        let chosen = records(&selection.clone().of(open())).unwrap();
        assert_eq!(chosen, records(&selection.clone().of(all.clone())).unwrap(), "{selection:?}");
        assert_eq!(chosen.len(), n, "{selection:?}");
    }
}

/// What is wrong with an image that nobody asked for is nobody's concern; what is wrong with another one is, and ends it.
#[test]
fn damage_is_found_where_it_is_read() {
    let mut files = texts(40, 0);
    files[1] = files[1].replace("\"thing 1 of 20\"", "1");
    let open = || in_memory(&files).open().unwrap();
    assert!(records(&Selection::default().of(open())).is_err());
    assert_eq!(records(&Selection::default().without_images([20]).of(open())).unwrap().len(), 39);
    let found: Vec<bool> =
        Selection::default().with_images([3, 20, 30]).of(open()).records().map(|record| record.is_ok()).collect();
    assert_eq!(found, [true, false]);
}

/// An error of the source is told, also where it is found while images are picked.
#[test]
fn errors_of_the_source_come_through() {
    let lines = b"{\"id\": 1}\n{\"id\": 2, \"objects\": 7}\n";
    for selection in [Selection::default(), Selection::default().with_pick(1, 1)] {
        let Ok(source) = Jsonl::from_input(Input::bytes("records.jsonl", lines.to_vec()), OnBadInput::Stop) else {
            return; // found even earlier
        };
        assert_eq!(selection.of(source).records().filter(Result::is_err).count(), 1);
    }
}

#[test]
fn shards_of_realistic_files_weigh_the_same() {
    let Some((folder, _)) = crate::synthetic::make(&["--images", "600", "--coco", "2017"]) else { return };
    let open = || svitgen::VisualGenome::open(folder.path().join("visual_genome")).unwrap();
    let task = svitgen::Task::conversation();
    let n_shards = 4;
    let mut tokens = BTreeMap::new();
    for number in 1..=n_shards {
        let shard = Selection::default().with_shard(Shard::new(number, n_shards).unwrap()).of(open());
        let sum = tokens.entry(number).or_insert(0_usize);
        for record in shard.records() {
            let prompt = svitgen::Prompt::new(&record.unwrap(), &task, &Default::default());
            let counter = svitgen::tokens::TokenEstimate::new();
            *sum +=
                prompt.map_or(0, |prompt| svitgen::tokens::TokenCounter::count_messages(&counter, &prompt.messages));
        }
    }
    let (least, most) = (tokens.values().min().unwrap(), tokens.values().max().unwrap());
    crate::support::say(format_args!("tokens of {n_shards} shards of 600 images: {tokens:?}"));
    assert!((*most as f64) < *least as f64 * 1.05, "{tokens:?}");
}
