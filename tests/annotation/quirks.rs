//! Quirks of the published files, made by hand where the small real ones do not have them.

use svitgen::annotation::{Coco, Input, ObjectId, OnBadInput, VisualGenomeFiles};
use svitgen::{ErrorKind, RecordSource, VisualGenome};

use crate::{records, visual_genome};

const IMAGES: &str = r#"[
    {"image_id": 30, "width": 100, "height": 50, "url": "https://x/VG_100K/30.jpg", "coco_id": 9, "flickr_id": null},
    {"image_id": 4, "width": 80, "height": 60, "url": "https://x/VG_100K_2/4.jpg", "coco_id": null, "flickr_id": 5}]"#;

const OBJECTS: &str = r#"[
    {"image_id": 4, "objects": [{"object_id": 1, "names": ["a", "b"], "synsets": [], "x": 0.5, "y": 1, "w": 2.25, "h": 3}]},
    {"image_id": 30, "objects": [{"object_id": 2, "names": [], "synsets": ["x.n.01"], "x": -5, "y": 0, "w": 0, "h": -4}],
        "image_url": "https://other/30.jpg", "unknown": {"deep": [1, "]"]}}]"#;

const REGIONS: &str = r#"[{"regions": [{"region_id": 1, "image_id": 4, "phrase": " caf\u00e9\n", "x": 1, "y": 2, "width": 3, "height": 4}], "id": 4},
    {"id": 77, "regions": []}]"#;

#[test]
fn files_are_joined_by_id_whatever_their_order() {
    let source = visual_genome(IMAGES, OBJECTS, REGIONS, OnBadInput::Stop).unwrap();
    let records = records(&source).unwrap();
    assert_eq!(records.iter().map(|record| record.image.id.to_string()).collect::<Vec<_>>(), ["4", "30"]);
    assert_eq!(records[0].objects[0].names, ["a", "b"]);
    assert_eq!(records[0].regions[0].phrase, " café\n");
    // No name, no area, negative: all as annotated.
    assert!(records[1].objects[0].names.is_empty() && records[1].regions.is_empty());
    assert_eq!(records[1].image.url.as_deref(), Some("https://x/VG_100K/30.jpg"));
    let report = source.report();
    assert_eq!(report.one_sided["region_descriptions.json, not in image_data.json"], [77.into()]);
    assert_eq!(report.one_sided["image_data.json, not in region_descriptions.json"], [30.into()]);
    assert!(
        report.to_string().contains("images in region_descriptions.json, not in image_data.json: 1 (77)"),
        "{report}"
    );
}

#[test]
fn captions_and_instances_are_joined_by_coco_id() {
    let captions = r#"{"info": {}, "images": [{"id": 9, "width": 50, "height": 25, "file_name": "9.jpg"}, {"id": 10, "width": 1, "height": 1}],
        "annotations": [{"image_id": 10, "id": 1, "caption": "other"}, {"image_id": 9, "id": 3, "caption": "B "},
        {"image_id": 9, "id": 2, "caption": "A"}]}"#;
    let instances = r#"{"images": [{"id": 9, "width": 50, "height": 25}],
        "annotations": [{"id": 3, "image_id": 9, "category_id": 7, "bbox": [10, 5, 20.5, 10], "iscrowd": 1, "segmentation": {"counts": [1, 2], "size": [25, 50]}}],
        "categories": [{"supercategory": "x", "id": 7, "name": "cat"}]}"#;
    let input = |name: &str, text: &str| Input::bytes(name, text.as_bytes().to_vec());
    let coco = [
        input("captions_val2014.json", captions),
        input("captions_train2017.json", captions),
        input("i.json", instances),
    ];
    let coco = Coco::from_inputs(coco, OnBadInput::Stop).unwrap();
    let files = VisualGenomeFiles::new(
        input("image_data.json", IMAGES),
        input("objects.json", OBJECTS),
        input("region_descriptions.json", REGIONS),
    );
    let source = files.with_coco(coco).open().unwrap();
    let records = records(&source).unwrap();
    // An image with both annotations and captions; captions in the order of their file, each once.
    assert_eq!(records[1].captions.iter().map(|caption| caption.text.as_str()).collect::<Vec<_>>(), ["B ", "A"]);
    assert!(records[0].captions.is_empty());
    let cat = &records[1].objects[1];
    assert_eq!((cat.names[0].as_str(), cat.is_crowd, cat.id), ("cat", true, Some(ObjectId::Coco(3))));
    // COCO's image is half as large as Visual Genome's.
    let unit = cat.bbox.to_unit(records[1].image.size).unwrap().bbox;
    assert_eq!(unit.to_string(), "[0.200, 0.200, 0.610, 0.600]");
    let report = source.report();
    assert_eq!(report.notes["COCO annotations that several releases have, taken once"], 3);
    assert_eq!(report.count("image_data.json", "captions joined"), 2);
    assert_eq!(source.inputs().len(), 6);
}

#[test]
fn one_file_under_two_version_suffixes_is_ambiguous() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("image_data.json", IMAGES);
    write("region_descriptions_v1.2.json", REGIONS);
    let error = VisualGenome::open(folder.path()).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::MissingFile { name: "objects", .. }), "{error}");
    write("objects_v1_2.json", OBJECTS);
    assert_eq!(records(&VisualGenome::open(folder.path()).unwrap()).unwrap().len(), 2);
    write("objects_v1_4.json", OBJECTS);
    let error = VisualGenome::open(folder.path()).unwrap_err().to_string();
    assert!(error.contains("objects_v1_2.json and objects_v1_4.json"), "{error}");
    let missing = VisualGenome::open(folder.path().join("nowhere")).unwrap_err().to_string();
    assert!(missing.contains("nowhere"), "{missing}");
}

#[test]
fn the_sample_has_what_it_promises() {
    let source = VisualGenome::sample().unwrap();
    let records = records(&source).unwrap();
    assert_eq!(records.len(), 10);
    let count = |of: fn(&svitgen::ImageRecord) -> usize| records.iter().map(of).sum::<usize>();
    assert_eq!(count(|record| record.captions.len()), 32);
    assert_eq!(count(|record| record.regions.len()), 187);
    assert_eq!(records.iter().filter(|record| record.captions.is_empty()).count(), 4);
    assert_eq!(records.iter().filter(|record| record.is_empty()).count(), 1);
    let overhangs = |record: &svitgen::ImageRecord| {
        let boxes = record.regions.iter().filter_map(|region| region.bbox);
        boxes.filter(|bbox| bbox.to_unit(record.image.size).is_ok_and(|clamped| !clamped.cut.is_none())).count()
    };
    assert!(records.iter().any(|record| overhangs(record) > 3));
}
