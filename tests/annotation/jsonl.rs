//! Plain records.

use proptest::prelude::*;
use svitgen::annotation::{
    Attribute, BBox, Caption, CocoId, Input, Jsonl, Object, OnBadInput, Region, Relationship, write_record,
};
use svitgen::{Image, ImageId, ImageRecord, ImageSize, PixelBox, RecordSource, Result, UnitBox};

use crate::records;
use crate::support::{say, shared};

fn open(text: &str, on_bad: OnBadInput) -> Result<Jsonl> {
    Jsonl::from_input(Input::bytes("mine.jsonl", text.as_bytes().to_vec()), on_bad)
}

#[test]
fn llava_captions_and_boxes() {
    let Some(path) = shared("data/llava/caps_boxes_coco2014_val.jsonl") else { return };
    let source = Jsonl::open(path).unwrap();
    let records = records(&source).unwrap();
    let n_objects: usize = records.iter().map(|record| record.objects.len()).sum();
    say(format_args!("real LLaVA records: {} images, {n_objects} instances", records.len()));
    assert_eq!((records.len(), n_objects), (38, 250));
    assert_eq!(records.iter().filter(|record| record.objects.is_empty()).count(), 1);
    assert!(records.iter().all(|record| record.captions.len() >= 5));
    assert!(records.is_sorted_by_key(|record| record.image.id.clone()));
    assert!(records.iter().any(|record| record.image.id == "000000097131".into()));
    assert!(records.iter().all(|record| matches!(record.objects.first().map(|o| o.bbox), None | Some(BBox::Unit(_)))));
    assert!(source.report().notes.is_empty());
}

#[test]
fn every_key_and_every_other_name_of_it() {
    let text = r#"{"image_id": "b", "captions": "one", "instances": [{"category": "cat", "bbox_xywh": [1, 2, 3, 4], "iscrowd": 1}], "width": 10, "height": 20, "score": 1}

{"id": 7, "image": "a/7.jpg", "url": "https://x/y/7.jpg", "coco_id": 3, "objects": [{"names": ["a", "b"], "bbox": [0, 0, 1, 1]}], "phrases": ["plain", {"phrase": "boxed", "bbox": [0.5, 0, 1, 1]}], "attributes": [{"name": "a", "bbox": [0, 0, 1, 1], "values": ["red"]}], "relationships": [{"subject": {"name": "a", "bbox": [0, 0, 1, 1]}, "predicate": "on", "object": {"name": "b", "bbox": [0, 0, 1, 1]}}], "score": 2}"#;
    let source = open(&format!("\u{feff}{text}"), OnBadInput::Stop).unwrap();
    let records = records(&source).unwrap();
    assert_eq!(records.iter().map(|record| record.image.id.to_string()).collect::<Vec<_>>(), ["7", "b"]);
    assert_eq!(records[0].image.path(), "a/7.jpg");
    assert_eq!((records[0].regions[0].bbox, records[0].regions[1].phrase.as_str()), (None, "boxed"));
    assert_eq!(records[0].relationships[0].predicate, "on");
    assert!(records[1].objects[0].is_crowd && records[1].captions[0].text == "one");
    assert_eq!(source.report().notes["mine.jsonl: key `score` ignored"], 2);
}

#[test]
fn what_is_wrong_is_told_with_its_line() {
    let check = |line: &str, expected: &str| {
        let text = format!("{{\"id\": 1}}\n{line}\n{{\"id\": 3}}");
        let error = open(&text, OnBadInput::Stop).unwrap_err().to_string();
        assert!(error.starts_with("mine.jsonl, line 2") && error.contains(expected), "{error}");
        let source = open(&text, OnBadInput::Skip).unwrap();
        assert_eq!((records(&source).unwrap().len(), source.report().skipped.len()), (2, 1));
    };
    check(r#"{"id": 2"#, "EOF");
    check(r#"[1]"#, "invalid type");
    check(r#"{"captions": []}"#, "missing field `id`");
    check(r#"{"id": 1.5}"#, "an image id, which is an integer");
    check(r#"{"id": 1}"#, "twice");
    check(r#"{"id": 2, "captions": [1]}"#, "integer `1`, expected a string");
    check(r#"{"id": 2, "captions": 1}"#, "a list of texts or one text");
    check(r#"{"id": 2, "regions": [1]}"#, "a region as a text, or as an object");
    check(r#"{"id": 2, "id": 2}"#, "duplicate field `id`");
    check(r#"{"id": 2, "objects": [{"name": "a"}]}"#, "either `bbox`");
    check(r#"{"id": 2, "objects": [{"name": "a", "bbox": [0, 0, 9, 9]}]}"#, "not a fraction of the image");
    check(r#"{"id": 2, "objects": [{"name": "a", "bbox": [0, 0, 1, 1], "bbox_xywh": [0, 0, 9, 9]}]}"#, "either `bbox`");
    check(r#"{"id": 2, "width": 5}"#, "or neither");
    let empty = open("", OnBadInput::Skip).unwrap_err().to_string();
    assert!(empty.contains("empty (0 bytes)"), "{empty}");
}

fn bbox() -> impl Strategy<Value = BBox> {
    let unit = (0.0..0.5, 0.0..0.5, 0.51..=1.0, 0.51..=1.0);
    prop_oneof![
        unit.prop_map(|(x1, y1, x2, y2)| UnitBox::new(x1, y1, x2, y2).unwrap().into()),
        prop::array::uniform4(-1e4..1e4_f64).prop_map(|[x, y, w, h]| PixelBox::from_xywh(x, y, w, h).unwrap().into()),
    ]
}

prop_compose! {
    fn object()(names in prop::collection::vec("\\PC{0,8}", 0..3), bbox in bbox(), is_crowd in any::<bool>()) -> Object {
        let mut object = Object::new("", bbox);
        object.names = names.into();
        object.is_crowd = is_crowd;
        object
    }
}

fn region() -> impl Strategy<Value = Region> {
    ("\\PC{0,12}", prop::option::of(bbox())).prop_map(|(phrase, bbox)| {
        let mut region = Region::phrase(phrase);
        region.bbox = bbox;
        region
    })
}

prop_compose! {
    fn record()(
        id in prop_oneof![any::<u64>().prop_map(ImageId::from), "\\PC{0,8}".prop_map(ImageId::from)],
        size in prop::option::of((1_u32.., 1_u32..)),
        url in prop::option::of("\\PC{0,12}"),
        coco_id in prop::option::of(any::<u64>()),
        captions in prop::collection::vec("\\PC{0,20}|a\nb", 0..3),
        objects in prop::collection::vec(object(), 0..3),
        regions in prop::collection::vec(region(), 0..3),
        attributes in prop::collection::vec((object(), prop::collection::vec("\\PC{0,6}", 0..3)), 0..3),
        relationships in prop::collection::vec((object(), "\\PC{0,6}", object()), 0..3),
    ) -> ImageRecord {
        let mut image = Image::new(id);
        image.size = size.map(|(width, height)| ImageSize::new(width, height).unwrap());
        image.url = url;
        image.coco_id = coco_id.map(CocoId);
        let mut record = ImageRecord::new(image);
        record.captions = captions.into_iter().map(Caption::new).collect();
        record.objects = objects;
        record.regions = regions;
        record.attributes = attributes.into_iter().map(|(object, values)| Attribute::new(object, values)).collect();
        record.relationships = relationships.into_iter().map(|(s, p, o)| Relationship::new(s, p, o)).collect();
        record
    }
}

proptest! {
    #[test]
    fn what_is_written_reads_back(record in record()) {
        let mut line = Vec::new();
        write_record(&record, &mut line).unwrap();
        let source = Jsonl::from_input(Input::bytes("x", line), OnBadInput::Stop).unwrap();
        prop_assert_eq!(records(&source).unwrap(), [record]);
    }

    #[test]
    fn lines_of_strangers_never_panic(record in record(), at in any::<prop::sample::Index>(), with in any::<u8>()) {
        let mut line = Vec::new();
        write_record(&record, &mut line).unwrap();
        let at = at.index(line.len());
        line[at] = with;
        for bytes in [line[..at].to_vec(), line] {
            if let Ok(source) = Jsonl::from_input(Input::bytes("x", bytes), OnBadInput::Skip) {
                prop_assert!(records(&source).is_ok());
            }
        }
    }
}
