//! Training formats: what is written reads back equal in all that the format can hold.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests fail by panicking and say what they went through")]

use proptest::prelude::*;
use serde_json::{Value, json};
use svitgen::export::{ExportError, Exporter, Format, Llava, Reader, Svit, read_file, write_file};
use svitgen::{Conversation, Digest, ErrorKind, ImageId, Provenance, Role, Sample, Turn};

fn sample(image_id: impl Into<ImageId>, conversations: Vec<Conversation>) -> Sample {
    let provenance = Provenance::new(Digest::of("prompt"), Digest::of("reply"), "careful");
    Sample::new(image_id, "VG_100K_2/1.jpg", "conversation", conversations, provenance)
}

fn export<F: Format>(format: F, samples: &[Sample]) -> Result<Vec<u8>, ExportError> {
    let mut exporter = Exporter::new(format, Vec::new());
    for sample in samples {
        exporter.write(sample)?;
    }
    exporter.finish()
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["\\PC{0,30}", "[\\x00-\\x7f]{0,20}", Just("\u{feff}\u{2028}\"\\ \n".to_owned())]
        .prop_filter("a text with the placeholder of the image is an error", |text| !text.contains("<image>"))
}

prop_compose! {
    fn conversation()(pairs in prop::collection::vec((text(), text()), 1..4), topic in prop::option::of(text())) -> Conversation {
        let turns = pairs.into_iter().flat_map(|(q, a)| [Turn::new(Role::User, q), Turn::new(Role::Assistant, a)]);
        let conversation = Conversation::new(turns.collect());
        match topic {
            Some(topic) => conversation.with_topic(topic),
            None => conversation,
        }
    }
}

fn samples() -> impl Strategy<Value = Vec<Sample>> {
    let id = prop_oneof![any::<u64>().prop_map(ImageId::from), text().prop_map(ImageId::from)];
    let one =
        (id, prop::collection::vec(conversation(), 1..4)).prop_map(|(id, conversations)| sample(id, conversations));
    prop::collection::vec(one, 0..5)
}

proptest! {
    #[test]
    fn what_is_written_reads_back(samples in samples()) {
        fn check<F: Format<Entry: PartialEq> + Clone>(format: F, samples: &[Sample]) {
            let bytes = export(format.clone(), samples).unwrap();
            serde_json::from_slice::<Vec<Value>>(&bytes).unwrap();
            let read: Vec<_> = Reader::new(format.clone(), bytes.as_slice()).collect::<Result<_, _>>().unwrap();
            let written: Vec<_> = samples.iter().flat_map(|sample| format.entries(sample).unwrap()).collect();
            assert_eq!(read, written);
        }
        check(Svit, &samples);
        check(Llava::new().with_image_folder("vg/"), &samples);
    }

    #[test]
    fn files_of_strangers_never_panic(bytes in "[\\[\\]{},:\"a-z0-9<> ]{0,60}", at in 0_usize..400, with in any::<u8>()) {
        let _ = Reader::new(Svit, bytes.as_bytes()).count();
        let mut damaged = export(Llava::new(), &vec![sample(1, vec![Conversation::of_pair("Why?", "So.")]); 2]).unwrap();
        let at = at % damaged.len();
        damaged[at] = with;
        let _ = Reader::new(Llava::new(), damaged.as_slice()).count();
        let _ = Reader::new(Llava::new(), &damaged[..at]).count();
    }
}

#[test]
fn the_published_forms_to_the_letter() {
    let pairs = [Conversation::of_pair("Why?", "So."), Conversation::of_pair("How?", "Well.").with_topic("ways")];
    let samples = [sample(1, pairs.to_vec())];
    let svit: Value = serde_json::from_slice(&export(Svit, &samples).unwrap()).unwrap();
    let turns = |q: &str, a: &str| json!({"content": [{"from": "user", "value": q}, {"from": "gpt", "value": a}]});
    assert_eq!(svit, json!([{"image_id": 1, "conversations": [turns("Why?", "So."), turns("How?", "Well.")]}]));

    let llava: Value = serde_json::from_slice(&export(Llava::new(), &samples).unwrap()).unwrap();
    let entry = |index, q: &str, a: &str| {
        json!({"id": format!("conversation-1-{index}"), "image": "VG_100K_2/1.jpg",
            "conversations": [{"from": "human", "value": format!("<image>\n{q}")}, {"from": "gpt", "value": a}]})
    };
    assert_eq!(llava, json!([entry(0, "Why?", "So."), entry(1, "How?", "Well.")]));
    assert_eq!(export(Svit, &[]).unwrap(), b"[]\n");
}

#[test]
fn a_second_image_token_is_refused() {
    let mut exporter = Exporter::new(Llava::new(), Vec::new());
    let error = exporter.write(&sample(5, vec![Conversation::of_pair("What is <image>?", "A tag.")])).unwrap_err();
    assert!(error.to_string().starts_with("image 5, task conversation: a turn holds <image>"), "{error}");
    // The next sample can be written all the same.
    exporter.write(&sample(6, vec![Conversation::of_pair("Why?", "So.")])).unwrap();
    assert_eq!(Reader::new(Llava::new(), exporter.finish().unwrap().as_slice()).count(), 1);
}

#[test]
fn files_of_others_read_and_damage_is_named() {
    let read = |text: &str| Reader::new(Llava::new(), text.as_bytes()).collect::<Result<Vec<_>, _>>();
    let behind = r#" [ {"id": "7", "image": "a.jpg", "model": "x",
        "conversations": [{"from": "human", "value": "Why?\n<image>"}, {"from": "gpt", "value": "So."}]},
        {"id": "8", "conversations": []} ] "#;
    let entries = read(behind).unwrap();
    assert_eq!((entries[0].conversation.turns[0].text.as_str(), entries[1].image.as_deref()), ("Why?", None));
    let check = |text: &str, expected: &str| {
        let error = read(text).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    };
    check("", "entry 0: expected [, found the end of the file");
    check("{}", "entry 0: expected [, found {");
    check("[] x", "expected the end of the file, found x");
    check(r#"[{"id": "1", "conversations": []}"#, "entry 1: expected , or ], found the end of the file");
    check(r#"[{"id": "1", "conversations": []},]"#, "entry 1");
    check(r#"[{"id": "1"}]"#, "missing field `conversations`");
    let other_speaker = r#"[{"id": "1", "conversations": [{"from": "system", "value": ""}]}]"#;
    check(other_speaker, "unknown variant `system`");
    let no_token = r#"[{"id": "1", "image": "a", "conversations": [{"from": "human", "value": "Why?"}]}]"#;
    check(no_token, "needs <image> in its first turn");
}

#[test]
fn files_appear_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("llava.json");
    let good = || Ok(sample(1, vec![Conversation::of_pair("Why?", "So.")]));
    let bad = || Ok(sample(2, vec![Conversation::of_pair("<image>?", "So.")]));
    let error = write_file(Llava::new(), [good(), bad()], &path).unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::Export { .. }) && error.to_string().contains("llava.json: image 2"),
        "{error}"
    );
    assert!(!path.exists());
    assert_eq!(write_file(Llava::new(), [good()], &path).unwrap(), 1);
    assert_eq!(read_file(Llava::new(), &path).unwrap().count(), 1);
    let missing = read_file(Svit, folder.path().join("none.json")).err().unwrap().to_string();
    assert!(missing.contains("none.json"), "{missing}");
}
