//! COCO files that are not what they should be.

use svitgen::annotation::{Coco, Input, OnBadInput};
use svitgen::{RecordSource, Result};

use crate::records;

fn open(text: &str, on_bad: OnBadInput) -> Result<Coco> {
    Coco::from_inputs([Input::bytes("captions.json", text.as_bytes().to_vec())], on_bad)
}

#[test]
fn problems_are_told_or_skipped() {
    let image = r#"{"id": 1, "width": 4, "height": 3}"#;
    let file = |images: &str, annotations: &str| format!(r#"{{"images": [{images}], "annotations": [{annotations}]}}"#);
    let good = r#"{"id": 8, "image_id": 1, "caption": "good"}"#;
    let check = |text: String, expected: &str, n_skipped: usize| {
        let read = |on_bad| open(&text, on_bad).and_then(|coco| Ok((records(&coco)?, coco.report())));
        let error = read(OnBadInput::Stop).unwrap_err().to_string();
        assert!(error.contains(expected) && error.starts_with("captions.json"), "{error}");
        let (records, report) = read(OnBadInput::Skip).unwrap();
        assert_eq!(report.skipped.len(), n_skipped, "{report}");
        assert_eq!(records[0].captions[0].text, "good");
    };
    check(file(image, &format!(r#"{good}, {{"id": 9, "image_id": 2, "caption": "x"}}"#)), "does not list", 1);
    check(file(image, &format!(r#"{good}, {{"id": 9, "image_id": 1, "caption": null}}"#)), "invalid type: null", 1);
    check(file(image, &format!(r#"{good}, {{"id": 9, "image_id": "1", "caption": ""}}"#)), "must be an integer", 1);
    check(file(image, &format!(r#"{good}, {{"image_id": 1, "caption": ""}}"#)), "no `image_id` or `id`", 1);
    check(file(image, &format!("{good}, {good}")), "twice", 1);
    check(file(image, &format!(r#"{good}, {{"id": 9, "image_id": 1}}"#)), "neither `caption` nor `bbox`", 1);
    check(file(&format!("{image}, {image}"), good), "twice", 1);
    let category = format!(r#"{good}, {{"id": 9, "image_id": 1, "bbox": [1, 1, 1, 1], "category_id": 5}}"#);
    check(file(image, &category), "category 5", 1);
    check(file(r#"{"id": 1, "width": 4, "height": 3}, {"id": 2, "width": 0, "height": 3}"#, good), "no area", 1);
    let mut cut = file(image, &format!("{good}, {good}"));
    cut.truncate(cut.len() - 20);
    check(cut, "cut off", 1);
}

#[test]
fn what_is_no_coco_file_is_an_error_either_way() {
    for on_bad in [OnBadInput::Stop, OnBadInput::Skip] {
        let check = |text: &str, expected: &str| {
            let error = open(text, on_bad).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        };
        check("", "empty (0 bytes)");
        check("[]", "expected an object, found a list");
        check("{}", "no list `images`");
        check(r#"{"images": [], "annotations": {}}"#, "expected a list, found an object");
        check(r#"{"images": []}"#, "no list `annotations`");
    }
}
