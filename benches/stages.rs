//! What each stage costs, beside a baseline taken in the same run: `cargo bench`.
//!
//! The baselines do a part of the work in the plainest way: parse the JSON to values and use none of them, call the
//! client in a loop and write nothing. Ratios hold on any machine, times on one.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark prints and may fail by panicking")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use futures::StreamExt;
use futures::executor::block_on;
use svitgen::annotation::{Input, OnBadInput, VisualGenomeFiles};
use svitgen::llm::{Completion, LlmClient, MockLlm};
use svitgen::{ImageRecord, Pipeline, Prompt, PromptOptions, RecordSource, Task, UnitBox};

/// The best of several runs: what the code takes when nothing else disturbs it.
fn best(mut run: impl FnMut()) -> Duration {
    let once = |run: &mut dyn FnMut()| {
        let start = Instant::now();
        run();
        start.elapsed()
    };
    (0..7).map(|_| once(&mut run)).min().unwrap()
}

fn print(what: &str, time: Duration, n: usize, baseline: &str, base: Duration) {
    let per_second = n as f64 / time.as_secs_f64();
    let ratio = time.as_secs_f64() / base.as_secs_f64();
    println!("{what:<42}{per_second:>12.0}/s   {ratio:>6.2} x {baseline}");
}

fn main() {
    reading();
    prompting();
    runs();
}

/// Files of `n` images with 35 objects and 50 regions each, as in Visual Genome.
fn files(n: usize) -> [String; 3] {
    let list = |element: &dyn Fn(usize) -> String, n| (0..n).map(element).collect::<Vec<_>>().join(", ");
    let object = |i: usize| {
        format!(
            r#"{{"synsets": ["thing.n.01"], "h": {}, "object_id": {i}, "names": ["thing {i}"], "w": 60, "y": 20, "x": {i}}}"#,
            20 + i
        )
    };
    let region = |i: usize| {
        format!(
            r#"{{"region_id": {i}, "width": 60, "height": {}, "image_id": ID, "phrase": "thing {i} stands near the wall", "y": 20, "x": {i}}}"#,
            20 + i
        )
    };
    let image = |id: usize| {
        format!(r#"{{"width": 800, "url": "https://x/VG_100K/{id}.jpg", "height": 600, "image_id": {id}}}"#)
    };
    let objects = list(&object, 35);
    let regions = list(&region, 50);
    let of_objects = |id: usize| format!(r#"{{"image_id": {id}, "objects": [{objects}]}}"#);
    let of_regions = |id: usize| format!(r#"{{"regions": [{}], "id": {id}}}"#, regions.replace("ID", &id.to_string()));
    [&image as &dyn Fn(usize) -> String, &of_objects, &of_regions].map(|of| format!("[{}]", list(of, n)))
}

fn reading() {
    let n = 2_000;
    let texts = files(n);
    let base = best(|| {
        for text in &texts {
            black_box(serde_json::from_str::<serde_json::Value>(text).unwrap());
        }
    });
    let read = best(|| {
        let [image_data, objects, regions] = texts.clone().map(|text| Input::bytes("file.json", text.into_bytes()));
        let source =
            VisualGenomeFiles::new(image_data, objects, regions).on_bad_input(OnBadInput::Stop).open().unwrap();
        assert_eq!(source.records().filter(|record| black_box(record).is_ok()).count(), n);
    });
    print("index and read images", read, n, "parsing the files to JSON values", base);
}

fn record() -> ImageRecord {
    let mut builder = ImageRecord::builder(1).caption("A street with many things.");
    for i in 0..35 {
        let left = f64::from(i) / 50.0;
        let bbox = UnitBox::new(left, 0.1, left + 0.1, 0.5).unwrap();
        builder = builder.object(format!("thing {i}"), bbox).phrase(format!("thing {i} stands near the wall"));
    }
    builder.build()
}

fn prompting() {
    let (record, task, options, n) = (record(), Task::conversation(), PromptOptions::default(), 2_000);
    let base = best(|| {
        for _ in 0..n {
            let lines = record.objects.iter().map(|object| format!("- {}: {:?}\n", object.names[0], object.bbox));
            black_box(lines.collect::<String>());
        }
    });
    let prompts = best(|| (0..n).for_each(|_| drop(black_box(Prompt::new(&record, &task, &options).unwrap()))));
    print("prompts of 35 objects and 35 phrases", prompts, n, "formatting the objects alone", base);
}

/// 15 pairs of about 3.4 KB.
fn reply() -> String {
    let pair = |i: usize| {
        format!(
            "Question: Why does giraffe {i} spread its front legs when it comes to the water in the evening?\n\
            Answer: Its neck is shorter than its legs are long, so it has to spread them to reach the water; \
            that is why it looks around so carefully before it drinks, as can be seen here.\n"
        )
    };
    (0..15).map(pair).collect()
}

fn runs() {
    let n = 1_000;
    let records: Vec<ImageRecord> = (0..n as u64)
        .map(|id| {
            let mut record = record();
            record.image.id = id.into();
            record
        })
        .collect();
    let reply = reply();
    let client = MockLlm::function(move |_| Completion::new(reply.clone()));
    let task = Task::complex_reasoning();
    let pipeline = Pipeline::builder(client.clone()).task(task.clone()).concurrency(64).build().unwrap();
    let base = best(|| {
        let options = PromptOptions::default();
        let calls = futures::stream::iter(&records).map(|record| {
            let request = Prompt::new(record, &task, &options).unwrap().request(&Default::default());
            let client = client.clone();
            async move { client.complete(&request).await }
        });
        assert_eq!(block_on(calls.buffer_unordered(64).count()), n);
    });
    let stream = best(|| assert_eq!(block_on(pipeline.stream(records.iter().cloned().map(Ok)).count()), n));
    print("stream of units", stream, n, "calling the client, without reading", base);
    let run = best(|| {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(block_on(pipeline.run(&records, folder.path())).unwrap().total().partial, 0);
    });
    print("run in a folder, journal and outputs", run, n, "calling the client, without reading", base);
}
