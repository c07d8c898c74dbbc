//! What is wrong with training files, and where.

#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::collections::BTreeMap;
use std::io::Read;

use proptest::prelude::*;
use serde_json::{Value, json};
use svitgen::check::{FileCheck, FileFormat, FileReport};
use svitgen::export::{Exporter, Format, Llava, Svit};
use svitgen::{Conversation, Digest, Provenance, Role, Sample, Turn};

#[path = "../support/mod.rs"]
mod support;

fn report(file: &Value) -> FileReport {
    FileCheck::new().check(file.to_string().as_bytes()).unwrap()
}

/// The codes of a LLaVA file of one entry per list of turns, each with the image `1.jpg`.
#[track_caller]
fn check(entries: &[&[(&str, &str)]], expected: &[(&str, u64)]) {
    let entry = |(index, turns): (usize, &&[(&str, &str)])| {
        let turns: Vec<_> = turns.iter().map(|(from, value)| json!({"from": from, "value": value})).collect();
        json!({"id": index, "image": "1.jpg", "conversations": turns})
    };
    check_file(&Value::Array(entries.iter().enumerate().map(entry).collect()), expected);
}

#[track_caller]
fn check_file(file: &Value, expected: &[(&str, u64)]) {
    let report = report(file);
    let found: BTreeMap<_, _> = report.codes.iter().map(|(code, found)| (code.as_str(), found.n_findings)).collect();
    assert_eq!(found, expected.iter().copied().collect(), "{report}");
}

const ASKED: (&str, &str) = ("human", "<image>\nIs the cup red?");
const ANSWERED: (&str, &str) = ("gpt", "Yes, it is red.");

#[test]
fn good_entries_have_no_findings() {
    check(&[&[ASKED, ANSWERED]], &[]);
    check(&[&[("system", "Be kind."), ASKED, ANSWERED, ("human", "And the other cup?"), ("gpt", "Blue.")]], &[]);
    check(&[&[("user", "Is it old?\n<image>"), ("assistant", "It may well be.")]], &[]);
    check_file(
        &json!([{"id": "t", "conversations": [{"from": "human", "value": "Why?"}, {"from": "gpt", "value": "So."}]}]),
        &[],
    );
    check_file(&json!([]), &[]);
}

#[test]
fn how_a_file_is_built() {
    check(&[&[ASKED, ASKED, ANSWERED]], &[("image_token_misplaced", 1), ("turns_not_alternating", 1)]);
    check(&[&[("human", "Is the cup red?"), ANSWERED]], &[("image_token_missing", 1)]);
    check(&[&[ASKED, ("gpt", "An <image> of a cup.")]], &[("image_token_misplaced", 1), ("special_token", 1)]);
    check(&[&[ASKED]], &[("missing_answer", 1)]);
    check(&[&[ANSWERED, ASKED]], &[("missing_answer", 1), ("orphan_answer", 1)]);
    check(&[&[]], &[("image_token_missing", 1), ("turns_missing", 1)]);
    check(&[&[ASKED, ("narrator", "Yes.")]], &[("unknown_speaker", 1)]);
    let turns = json!([{"from": "human", "value": "<image>\nWhy?"}, {"from": "gpt", "value": "So it is."}]);
    let twice = json!([{"id": "a", "image": "1.jpg", "conversations": turns}, {"id": "a", "image": "2.jpg", "conversations": turns}]);
    check_file(&twice, &[("duplicate_id", 1)]);
    check_file(&json!([{"id": 1, "conversations": turns}]), &[("image_missing", 1)]);
    check_file(&json!([{"image": "1.jpg", "conversations": turns}]), &[("id_missing", 1)]);
    check_file(&json!([{"id": 1, "image": ["1.jpg", "2.jpg"], "conversations": turns}]), &[("image_token_missing", 1)]);
    for malformed in
        [json!({"id": 1}), json!({"id": 1, "conversations": [{"from": "human"}]}), json!({"id": 1, "conversations": 7})]
    {
        check_file(&json!([malformed]), &[("entry_malformed", 1)]);
    }
    let number = json!([{"from": "human", "value": "<image>\nWhy?"}, {"from": "gpt", "value": 7}]);
    check_file(
        &json!([{"id": 1, "image": "1.jpg", "conversations": number}]),
        &[("empty_answer", 1), ("wrong_type", 1)],
    );
}

#[test]
fn what_texts_say() {
    check(&[&[ASKED, ("gpt", "The caption says that it is.")]], &[("source_leak", 1)]);
    check(&[&[ASKED, ("gpt", " \n")]], &[("empty_answer", 1)]);
    check(&[&[("human", "<image>\n"), ANSWERED]], &[("empty_question", 1)]);
    check(&[&[ASKED, ("gpt", "<answer>")]], &[("placeholder", 1)]);
    check(&[&[ASKED, ("gpt", "Yes.<|im_end|>")]], &[("special_token", 1)]);
    check(&[&[ASKED, ("gpt", "As an AI, I cannot tell.")]], &[("refusal", 1), ("self_reference", 1)]);
    check(&[&[ASKED, ("gpt", "<st>Cups<ed> [3, 10, 40, 80] are.")]], &[("box_pixel_units", 1)]);
    check(&[&[ASKED, ("gpt", "<st>Cups<ed> [0.1, 0.2, 0.3] are.")]], &[("box_malformed", 1)]);
    check(&[&[ASKED, ("gpt", "<st>Cups<ed> [0.1, 0.2, 1.3, 0.4] are.")]], &[("box_out_of_range", 1)]);
}

#[test]
fn pairs_are_held_against_others_about_the_same_image() {
    check(&[&[ASKED, ANSWERED], &[ASKED, ANSWERED]], &[("duplicate_pair", 1)]);
    check(&[&[ASKED, ANSWERED, ("human", "Is the cup red?"), ("gpt", "No.")]], &[("duplicate_question", 1)]);
    let entry = |id: u64, image: u64| {
        let turns = json!([{"from": ASKED.0, "value": ASKED.1}, {"from": ANSWERED.0, "value": ANSWERED.1}]);
        json!({"id": id, "image": image, "conversations": turns})
    };
    check_file(&json!([entry(1, 1), entry(2, 2), entry(3, 1)]), &[]);
}

#[test]
fn findings_have_their_place() {
    let turns = [
        json!({"from": "human", "value": "<image>\nSüß?"}),
        json!({"from": "gpt", "value": "Ja: the caption\n\u{1b}[2Jsays so."}),
    ];
    let report = report(&json!([{"id": "x", "image": "1.jpg", "conversations": turns}]));
    let example = &report.codes["source_leak"].examples[0];
    let value = turns[1]["value"].as_str().unwrap();
    let [start, end] = example.span.unwrap();
    assert_eq!((example.entry, example.id.as_deref(), example.turn), (0, Some("x"), Some(1)));
    assert_eq!(&value[start..end], "caption");
    assert!(!example.excerpt.contains(char::is_control), "{example}");
    let asked =
        json!([{"from": "human", "value": "<image>\nWhat do the captions say?"}, {"from": "gpt", "value": "Much."}]);
    let report = self::report(&json!([{"id": "x", "image": "1.jpg", "conversations": asked}]));
    let [start, end] = report.codes["source_leak"].examples[0].span.unwrap();
    assert_eq!(&asked[0]["value"].as_str().unwrap()[start..end], "captions");
}

#[test]
fn examples_are_few_and_shares_are_of_entries() {
    let leaking = json!([{"from": "human", "value": "Why?"}, {"from": "gpt", "value": "The caption says so."},
        {"from": "human", "value": "Who?"}, {"from": "gpt", "value": "The caption names a man."}]);
    let good = json!([{"from": "human", "value": "Why?"}, {"from": "gpt", "value": "So it is."}]);
    let file = json!([{"id": 1, "conversations": leaking}, {"id": 2, "conversations": good}]).to_string();
    let report = FileCheck::new().with_examples(1).check(file.as_bytes()).unwrap();
    let found = &report.codes["source_leak"];
    assert_eq!((found.n_findings, found.n_entries, found.share, found.examples.len()), (2, 1, 0.5, 1));
    assert_eq!((report.n_entries, report.n_entries_found, report.n_turns, report.n_pairs), (2, 1, 6, 3));
}

#[test]
fn the_first_entry_tells_the_format() {
    let svit = json!([{"image_id": 1, "conversations": [{"content": [
        {"from": "user", "value": "Why?"}, {"from": "gpt", "value": "So it is."}]}]}]);
    assert_eq!(report(&svit).format, Some(FileFormat::Svit));
    assert_eq!(report(&svit).n_findings(), 0);
    let forced = FileCheck::new().with_format(FileFormat::Llava).check(svit.to_string().as_bytes()).unwrap();
    assert_eq!(forced.codes["entry_malformed"].n_findings, 1);
    let lines = format!("{}\n{}\n", svit[0], svit[0]);
    assert_eq!(FileCheck::new().check(lines.as_bytes()).unwrap().n_entries, 2);
}

#[test]
fn what_is_no_json_is_an_error() {
    for bad in
        ["", "[", "[{}", "7", "[7]", "[{}, 7]", "[null]", "[{}] x", "{} 7", "[{\"id\": \"a\", \"conversations\": ["]
    {
        assert!(FileCheck::new().check(bad.as_bytes()).is_err(), "{bad}");
    }
    assert!(FileCheck::new().check_file("nowhere.json").unwrap_err().to_string().contains("nowhere.json"));
}

#[test]
fn what_this_crate_writes_is_built_well() {
    fn written<F: Format>(format: F, sample: &Sample) -> Vec<u8> {
        let mut exporter = Exporter::new(format, Vec::new());
        exporter.write(sample).unwrap();
        exporter.finish().unwrap()
    }
    let turns = [
        (Role::User, "Is the cup red?"),
        (Role::Assistant, "It is blue."),
        (Role::User, "Who waits?"),
        (Role::Assistant, "A dog."),
    ];
    let conversation = Conversation::new(turns.into_iter().map(|(role, text)| Turn::new(role, text)).collect());
    let provenance = Provenance::new(Digest::of(""), Digest::of(""), "careful");
    let sample = Sample::new(1, "1.jpg", "conversation", vec![conversation], provenance);
    for bytes in [written(Svit, &sample), written(Llava::new(), &sample)] {
        let report = FileCheck::new().check(bytes.as_slice()).unwrap();
        assert_eq!((report.n_pairs, report.n_findings()), (2, 0), "{report}");
    }
}

fn any_object() -> impl Strategy<Value = Value> {
    let key = prop_oneof![
        Just("id"),
        Just("image"),
        Just("conversations"),
        Just("content"),
        Just("from"),
        Just("value"),
        Just("image_id")
    ];
    let word = prop_oneof![
        "\\PC{0,12}",
        Just("human".to_owned()),
        Just("gpt".to_owned()),
        Just("<image>\n<st>ä<ed> [1, 2]".to_owned())
    ];
    let leaf = prop_oneof![Just(Value::Null), any::<i64>().prop_map(Value::from), word.prop_map(Value::from)];
    let any = leaf.prop_recursive(4, 24, 4, {
        let key = key.clone();
        move |inner| {
            let object = prop::collection::btree_map(key.clone(), inner.clone(), 0..4);
            prop_oneof![
                prop::collection::vec(inner, 0..4).prop_map(Value::from),
                object.prop_map(|fields| json!(fields)),
            ]
        }
    });
    prop::collection::btree_map(key, any, 0..6).prop_map(|fields| json!(fields))
}

proptest! {
    #[test]
    fn any_entries_have_a_report(entries in prop::collection::vec(any_object(), 0..6)) {
        let n_entries = entries.len() as u64;
        let report = report(&Value::from(entries));
        prop_assert_eq!(report.n_entries, n_entries);
        prop_assert!(report.codes.values().all(|code| code.n_entries <= n_entries && code.n_entries <= code.n_findings));
        prop_assert!(!report.to_string().is_empty());
    }

    #[test]
    fn spans_lie_in_their_turns(question in "(<image>|\n| |caption|\\PC){0,8}", answer in "(<st>|<ed>|\\[1, 2\\]|caption|ä|\\PC){0,8}") {
        let turns = [question.as_str(), answer.as_str()];
        let file = json!([{"id": 1, "image": "1.jpg", "conversations": [
            {"from": "human", "value": turns[0]}, {"from": "gpt", "value": turns[1]}]}]);
        for example in report(&file).codes.values().flat_map(|code| &code.examples) {
            if let (Some(turn), Some([start, end])) = (example.turn, example.span) {
                prop_assert!(turns[turn].get(start..end).is_some(), "{}", example);
            }
        }
    }
}

/// The pairs that GPT-4 wrote for LLaVA's evaluation, made into a file of its training format.
#[test]
fn pairs_of_a_published_file() {
    let Some(path) = support::shared("data/llava/coco2014_val_gpt4_qa.jsonl") else { return };
    let mut text = String::new();
    std::fs::File::open(path).unwrap().read_to_string(&mut text).unwrap();
    let entry = |(index, line): (usize, &str)| {
        let pair: Value = serde_json::from_str(line).unwrap();
        let question = format!("<image>\n{}", pair["instruction"].as_str().unwrap());
        let turns = json!([{"from": "human", "value": question}, {"from": "gpt", "value": pair["output"]}]);
        json!({"id": index, "image": pair["image"], "conversations": turns})
    };
    let entries: Vec<Value> = text.lines().enumerate().map(entry).collect();
    let n_entries = entries.len() as u64;
    let report = report(&Value::from(entries));
    assert_eq!((report.n_entries, report.n_pairs), (n_entries, n_entries));
    // People looked at these pairs; what is built here is built well.
    let structural = ["entry_malformed", "image_token_missing", "image_token_misplaced", "duplicate_id"];
    assert!(structural.iter().all(|code| !report.codes.contains_key(*code)), "{report}");
    assert!(report.n_entries_found * 10 <= n_entries, "{report}");
    support::say(format_args!("{report}"));
}
