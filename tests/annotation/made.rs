//! Files of many images, made here.

use std::path::Path;

use svitgen::annotation::{Input, VisualGenomeFiles};
use svitgen::{Prompt, PromptOptions, RecordSource, Task};

pub(crate) const NAMES: [&str; 3] = ["image_data.json", "objects.json", "region_descriptions.json"];

/// The three files of `n` images, each with its records in an order of its own that `seed` decides.
pub(crate) fn texts(n: usize, seed: u64) -> [String; 3] {
    let image = |id: usize| {
        format!(r#"{{"width": 800, "height": 600, "image_id": {id}, "url": "https://x/VG_100K/{id}.jpg"}}"#)
    };
    let objects = |id: usize| {
        let object = |i: usize| {
            format!(
                r#"{{"synsets": ["thing.n.01"], "h": {}, "object_id": {}, "names": ["thing {i} of {id}"], "w": 60, "y": {}, "x": {}}}"#,
                20 + i,
                id * 100 + i,
                id % 400,
                if i == 3 { "0.5".to_owned() } else { (i * 7).to_string() },
            )
        };
        let objects: Vec<String> = (0..id % 9).map(object).collect();
        format!(r#"{{"image_id": {id}, "objects": [{}]}}"#, objects.join(", "))
    };
    let regions = |id: usize| {
        let region = |i: usize| {
            format!(
                r#"{{"region_id": {}, "width": 60, "height": {}, "image_id": {id}, "phrase": "thing \"{i}\" of {id} {{[", "y": 20, "x": -{i}}}"#,
                id * 100 + i,
                20 + i
            )
        };
        let regions: Vec<String> = (0..3 + id % 5).map(region).collect();
        format!(r#"{{"regions": [{}], "id": {id}}}"#, regions.join(", "))
    };
    let file = |index: u64, record: &dyn Fn(usize) -> String| {
        let mut ids: Vec<usize> = (1..=n).collect();
        shuffle(&mut ids, seed.wrapping_mul(31).wrapping_add(index));
        format!("[{}]", ids.into_iter().map(record).collect::<Vec<_>>().join(",\n"))
    };
    [file(1, &image), file(2, &objects), file(3, &regions)]
}

/// As `seed` of [`texts`]: ids descend from the middle on, as in large parts of the published files.
pub(crate) const DESCENDING: u64 = 1 << 40;

/// In an order that `seed` decides; 0 leaves it as it is for the first file.
fn shuffle(ids: &mut [usize], seed: u64) {
    if seed > DESCENDING {
        let middle = ids.len() / 2;
        return ids[middle..].reverse();
    }
    let mut state = seed;
    for index in (1..ids.len()).rev() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        if seed > 1 {
            ids.swap(index, (state >> 33) as usize % (index + 1));
        }
    }
}

pub(crate) fn write(folder: &Path, texts: &[String; 3]) {
    for (name, text) in NAMES.into_iter().zip(texts) {
        std::fs::write(folder.join(name), text).unwrap();
    }
}

pub(crate) fn in_memory(texts: &[String; 3]) -> VisualGenomeFiles {
    let input = |index: usize| Input::bytes(NAMES[index], texts[index].clone().into_bytes());
    VisualGenomeFiles::new(input(0), input(1), input(2))
}

/// All prompts of a source, one after the other.
pub(crate) fn prompts(source: &dyn RecordSource) -> String {
    let (task, options) = (Task::referring_qa(), PromptOptions::default());
    let prompt = |record| Prompt::new(&record, &task, &options).map(|prompt| format!("{prompt:?}\n"));
    source.records().filter_map(|record| prompt(record.unwrap()).ok()).collect()
}
