//! The numbers of reports, held against counting by hand; and how large reports get.

use std::fs;

use futures::executor::block_on;
use svitgen::annotation::{OnBadInput, Region, VisualGenomeFiles};
use svitgen::llm::{Completion, MockLlm, RuleLlm, Usage};
use svitgen::pipeline::{RunFolder, UnitState};
use svitgen::report::{Images, InputStatistics, Report, RunDiff, RunStatistics, TokenPrices};
use svitgen::{ImageRecord, Pipeline, Policy, Task, UnitBox, VisualGenome};
use tempfile::TempDir;

use crate::{sample_run, sample_run_by, support};

#[test]
fn statistics_agree_with_the_samples() {
    let folder = TempDir::new().unwrap();
    let (run, source) = sample_run(folder.path());
    let statistics = RunStatistics::of(&run, Some(&source)).unwrap();
    for task in run.tasks() {
        let samples: Vec<_> = run.samples(task).unwrap().map(Result::unwrap).collect();
        let counted = &statistics.tasks[task];
        let n_pairs: u64 = samples.iter().map(|sample| sample.n_pairs() as u64).sum();
        assert_eq!((counted.pairs.n(), counted.pairs.sum()), (samples.len() as u64, n_pairs), "{task}");
        assert_eq!((counted.question_words.n(), counted.first_words.n()), (n_pairs, n_pairs), "{task}");
        let pairs = samples.iter().flat_map(|sample| &sample.conversations).flat_map(|talk| talk.pairs());
        let n_yes = pairs.filter(|pair| pair.answer.text.starts_with("Yes")).count() as u64;
        assert_eq!(counted.yes, n_yes, "{task}");
        assert!(counted.mean_support.is_some_and(|support| (0.0..=1.0).contains(&support)), "{task}");
    }
    assert!(statistics.tasks["referring_qa"].verdicts["exact"] > 50);
    assert_eq!(statistics.objects.top(1)[0].1.annotated, 6);
    assert!(serde_json::to_string(&statistics).unwrap().contains("\"median\""));
}

#[test]
fn a_folder_tells_units_and_calls_and_passes_over_damage() {
    let folder = TempDir::new().unwrap();
    let (run, _) = sample_run(folder.path());
    let units: Vec<_> = run.units("conversation").unwrap().map(Result::unwrap).collect();
    assert_eq!(units.len(), 10);
    assert!(
        units.iter().any(|unit| unit.state == UnitState::Rejected && unit.cause.as_deref() == Some("no_annotations"))
    );
    assert_eq!(run.calls().unwrap().count(), 36);
    let journal = folder.path().join("journal.jsonl");
    let mut text = fs::read_to_string(&journal).unwrap();
    text.push_str("{\"image_id\":1,\"task\":\"conversation\",\"prompt\":\"");
    text = text.replacen("{\"image_id\"", "{\"image", 1);
    fs::write(&journal, &text).unwrap();
    assert_eq!(run.calls().unwrap().map(Result::unwrap).count(), 36);
    assert_eq!(fs::read_to_string(&journal).unwrap(), text, "nothing is repaired here");
    assert_eq!(run.manifest().unwrap()["client"], "rules");
}

#[test]
fn latency_is_told() {
    let folder = TempDir::new().unwrap();
    let (run, _) = sample_run(folder.path());
    let statistics = RunStatistics::of(&run, None).unwrap();
    assert_eq!(statistics.latency.n(), 36);
    assert!(Report::new(&run).html().unwrap().html.contains("median latency"));
}

#[test]
fn a_large_run_is_shown_in_part_and_says_so() {
    let folder = TempDir::new().unwrap();
    let object = UnitBox::new(0.1, 0.1, 0.5, 0.5).unwrap();
    let records: Vec<ImageRecord> =
        (0..3_000).map(|id| ImageRecord::builder(id).object("dog", object).build()).collect();
    let llm = MockLlm::function(|request| {
        let usage = Usage { input_tokens: 10, output_tokens: 20 };
        let bulk = "A dog lies there and looks on. ".repeat(request.messages.len() * 20);
        Completion::new(format!("A dog. {bulk}")).with_usage(usage)
    });
    let pipeline = Pipeline::builder(llm).task(Task::detail_description()).policy(Policy::salvage()).build().unwrap();
    block_on(pipeline.run(&records, folder.path())).unwrap();
    let run = RunFolder::open(folder.path()).unwrap();
    let page = Report::new(&run).with_source(&records).with_gallery(50).html().unwrap();
    assert_eq!((page.n_shown, page.n_units), (50, 3_000));
    assert!(page.html.contains("50 of 3,000 units"));
    let again = Report::new(&run).with_source(&records).with_gallery(50).html().unwrap();
    assert!(page.html == again.html, "the same run makes the same page");
    let all = Report::new(&run).with_source(&records).with_gallery(usize::MAX).html().unwrap();
    assert!(all.n_shown < 3_000 && all.html.len() < 9 << 20, "{} {}", all.n_shown, all.html.len());
}

#[test]
fn images_of_a_folder_are_part_of_the_page() {
    let folder = TempDir::new().unwrap();
    let (run, source) = sample_run(&folder.path().join("run"));
    let images = folder.path().join("images");
    fs::create_dir_all(images.join("VG_100K_2")).unwrap();
    fs::write(images.join("VG_100K_2/9041.jpg"), [0xFF, 0xD8, 0xFF, 0xE0]).unwrap();
    let page = Report::new(&run).with_source(&source).with_images(Images::Folder(images)).html().unwrap();
    assert_eq!(page.html.matches("data:image/jpeg;base64,/9j/4A==").count(), 1);
    let remote = Images::from_argument("https://images.example/vg");
    let page = Report::new(&run).with_source(&source).with_images(remote).html().unwrap();
    assert!(page.html.contains("img-src data: https://images.example;"));
    assert!(page.html.contains("src=\"https://images.example/vg/VG_100K_2/9041.jpg\""));
}

#[test]
fn annotations_that_are_left_out_of_the_page_are_counted() {
    let folder = TempDir::new().unwrap();
    let bbox = || UnitBox::new(0.1, 0.2, 0.3, 0.4).unwrap();
    let crowd = (0..150).fold(ImageRecord::builder(1), |builder, index| builder.object(format!("dog {index}"), bbox()));
    let mut crowd = crowd.region("a pack of dogs", bbox()).build();
    crowd.regions.push(Region::phrase("a day in May"));
    let mut plain = ImageRecord::builder(2).object("cat", bbox()).build();
    plain.regions.push(Region::phrase("a quiet place"));
    let records = vec![crowd, plain];
    let pipeline = Pipeline::builder(RuleLlm::new()).task(Task::detail_description()).build().unwrap();
    block_on(pipeline.run(&records, folder.path())).unwrap();
    let run = RunFolder::open(folder.path()).unwrap();
    let page = Report::new(&run).with_source(&records).html().unwrap();
    for words in ["100 of 150 objects", "1 of 2 regions", ">1 object<", "1 region without a box to draw"] {
        assert!(page.html.contains(words), "{words}");
    }
}

#[test]
fn two_runs_side_by_side() {
    let folder = TempDir::new().unwrap();
    let (careful, _) = sample_run(&folder.path().join("careful"));
    let (strict, _) = sample_run_by(&folder.path().join("strict"), Policy::strict());
    let diff = RunDiff::of([&careful, &strict], 10).unwrap().with_prices(TokenPrices { input: 1.0, output: 2.0 });
    assert_eq!(diff.options.keys().collect::<Vec<_>>(), ["policy.preset"]);
    let n_units: u64 = diff.transitions.values().flat_map(|transitions| transitions.values()).sum();
    assert_eq!((n_units, diff.one_sided), (40, [0, 0]));
    let text = diff.to_string();
    assert!(text.contains("policy.preset: \"careful\" → \"strict\"") && text.contains("cost of 1,000 pairs"), "{text}");
    let alike = RunDiff::of([&careful, &careful], 10).unwrap();
    assert!(alike.options.is_empty() && alike.differences.is_empty());
}

#[test]
fn what_real_files_hold() {
    let Some(folder) = support::shared("data/visual_genome") else { return };
    let files = VisualGenomeFiles::find(folder).unwrap().on_bad_input(OnBadInput::Skip);
    let statistics = InputStatistics::of(&files.open().unwrap()).unwrap();
    assert!(statistics.images > 0 && statistics.per_image["objects"].sum() > 0);
    support::say(format_args!("{} real images counted, {} quirks", statistics.images, statistics.quirks.len()));
}

#[test]
fn what_the_sample_holds() {
    let source = VisualGenome::sample().unwrap();
    let statistics = InputStatistics::of(&source).unwrap();
    let records: Vec<ImageRecord> = svitgen::RecordSource::records(&source).map(Result::unwrap).collect();
    let n_objects: u64 = records.iter().map(|record| record.objects.len() as u64).sum();
    assert_eq!(statistics.per_image["objects"].sum(), n_objects);
    assert_eq!(statistics.quirks["object boxes outside the image"], 1);
    assert!(statistics.quirks["object boxes that overhang the image"] > 0);
    insta::assert_snapshot!(statistics);
}
