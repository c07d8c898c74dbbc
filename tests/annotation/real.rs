//! The real files, to the last annotation.

use svitgen::annotation::{Attribute, Coco, Input, VisualGenomeFiles};
use svitgen::{ImageRecord, RecordSource, VisualGenome};

use crate::records;
use crate::support::{say, shared};

/// Images, objects, attributes, attributes with values, relationships, regions.
fn totals(records: &[ImageRecord]) -> [usize; 6] {
    let has_values = |attribute: &&Attribute| !attribute.values.is_empty();
    let mut totals = [records.len(), 0, 0, 0, 0, 0];
    for record in records {
        let counts = [
            record.objects.len(),
            record.attributes.len(),
            record.attributes.iter().filter(has_values).count(),
            record.relationships.len(),
            record.regions.len(),
        ];
        for (total, count) in totals[1..].iter_mut().zip(counts) {
            *total += count;
        }
    }
    totals
}

#[test]
fn visual_genome_1_2() {
    let Some(folder) = shared("data/visual_genome") else { return };
    let source = VisualGenome::open(folder).unwrap();
    let records = records(&source).unwrap();
    say("real Visual Genome 1.2: 3 images, 119 objects, 773 regions, 114 relationships");
    assert_eq!(totals(&records), [3, 119, 119, 67, 114, 773]);
    let first = &records[0];
    assert_eq!(first.image.url.as_deref(), Some("https://cs.stanford.edu/people/rak248/VG_100K_2/1.jpg"));
    assert_eq!((first.image.path().as_str(), records[1].image.path().as_str()), ("VG_100K_2/1.jpg", "VG_100K/2.jpg"));
    assert_eq!((first.image.coco_id, first.image.flickr_id), (None, None));
    assert_eq!(
        (first.objects[0].names.as_slice(), first.objects[0].synsets[0].as_str()),
        (&["clock".into()][..], "clock.n.01")
    );
    assert_eq!(first.attributes[0].values, ["green", "tall"]);
    assert_eq!(first.relationships[0].predicate, "ON");
    // Texts are as annotated.
    let regions = records.iter().flat_map(|record| &record.regions);
    assert_eq!(regions.filter(|region| region.phrase.trim() != region.phrase).count(), 59);
    let doubled: usize = records.iter().map(doubled_phrases).sum();
    assert_eq!(doubled, 29);
    let report = source.report();
    assert_eq!((report.count("objects.json", "objects"), report.count("image_data.json", "images")), (119, 3));
    assert!(report.skipped.is_empty() && report.one_sided.is_empty(), "{report}");
    // A second reading counts nothing twice.
    assert_eq!(source.records().count(), 3);
    assert_eq!(source.report().count("objects.json", "objects"), 119);
}

fn doubled_phrases(record: &ImageRecord) -> usize {
    let phrases: std::collections::HashSet<&str> = record.regions.iter().map(|region| region.phrase.as_str()).collect();
    record.regions.len() - phrases.len()
}

#[test]
fn visual_genome_1_0() {
    let Some(folder) = shared("data/visual_genome") else { return };
    let input = |name: &str| Input::path(folder.join(name)).unwrap();
    let files = VisualGenomeFiles::new(
        input("image_data.json"),
        input("v1.0/objects.json"),
        input("v1.0/region_descriptions.json"),
    );
    let files = files.with_attributes(input("v1.0/attributes.json"));
    let source = files.with_relationships(input("v1.0/relationships.json")).open().unwrap();
    let records = records(&source).unwrap();
    say("real Visual Genome 1.0: 3 images, 147 objects, 780 regions, 111 relationships");
    let [images, objects, attributes, _, relationships, regions] = totals(&records);
    assert_eq!([images, objects, attributes, relationships, regions], [3, 147, 135, 111, 780]);
    assert!(records[0].objects.iter().all(|object| object.id.is_some() && object.synsets.is_empty()));
    assert!(records[0].attributes.iter().all(|attribute| !attribute.object.names.is_empty()));
    assert!(records[0].relationships.iter().all(|r| r.id.is_some() && !r.subject.names.is_empty()));
}

#[test]
fn visual_genome_1_4() {
    let Some(folder) = shared("data/visual_genome") else { return };
    let input = |name: &str| Input::path(folder.join(name)).unwrap();
    let files =
        VisualGenomeFiles::new(input("image_data.json"), input("v1.4/objects.json"), input("region_descriptions.json"));
    let source = files.with_relationships(input("v1.4/relationships.json")).open().unwrap();
    let records = records(&source).unwrap();
    say("real Visual Genome 1.4: 2 images with 56 objects, 114 relationships");
    let [images, objects, _, _, relationships, _] = totals(&records);
    assert_eq!([images, objects, relationships], [3, 56, 114]);
    let merged = records.iter().flat_map(|record| &record.objects).filter(|object| !object.merged_ids.is_empty());
    assert_eq!(merged.count(), 6);
    // v1.4 says VG_100K_2 of image 2; image_data.json counts.
    assert_eq!(records[1].image.path(), "VG_100K/2.jpg");
    // Both parts of a relationship have a name, whether the file calls it `name` or `names`.
    let parts = records.iter().flat_map(|record| &record.relationships).flat_map(|r| [&r.subject, &r.object]);
    assert!(parts.clone().all(|object| object.names.len() == 1));
    let one_sided: Vec<_> = source.report().one_sided.into_iter().collect();
    assert_eq!(one_sided, [("image_data.json, not in objects.json".to_owned(), vec![3.into()])]);
}

#[test]
fn coco_captions_and_instances() {
    let Some(folder) = shared("data/coco") else { return };
    let open = |names: &[&str]| Coco::open(names.iter().map(|name| folder.join(name))).unwrap();
    let count = |records: &[ImageRecord]| {
        let captions: usize = records.iter().map(|record| record.captions.len()).sum();
        (records.len(), captions, records.iter().map(|record| record.objects.len()).sum::<usize>())
    };
    let val = records(&open(&["captions_val2017.json"])).unwrap();
    say("real COCO: 2,573 images, 12,870 captions, 722 instances");
    assert_eq!(count(&val), (2_531, 12_660, 0));
    let with = |n| val.iter().filter(|record| record.captions.len() == n).count();
    assert_eq!((with(5), with(6), with(7)), (2_527, 3, 1));
    let captions = val.iter().flat_map(|record| &record.captions);
    assert_eq!(captions.filter(|caption| caption.text.contains('\n')).count(), 43);
    assert!(val.is_sorted_by_key(|record| record.image.id.clone()));

    let all = open(&[
        "instances_train2017.json",
        "captions_val2017.json",
        "captions_train2017.json",
        "instances_val2017.json",
    ]);
    let all = records(&all).unwrap();
    assert_eq!(count(&all), (2_573, 12_870, 722));
    let crowds = all.iter().flat_map(|record| &record.objects).filter(|object| object.is_crowd);
    assert_eq!(crowds.count(), 9);
    let first = &val[0];
    assert_eq!(first.image.path(), "val2017/000000000285.jpg");
    assert_eq!(first.image.coco_id.map(|id| id.0), Some(285));
}

/// The documented record with a `coco_id`, joined; and the regions with negative coordinates.
#[test]
fn documented_examples() {
    let Some(path) = shared("data/visual_genome/doc_examples.json") else { return };
    let json: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let regions = json["negative_regions"].as_array().unwrap();
    let image_data: Vec<_> = regions
        .iter()
        .map(|region| serde_json::json!({"image_id": region["image_id"], "width": 500, "height": 281, "coco_id": null}))
        .chain(json["image_data"].as_array().unwrap().iter().cloned())
        .collect();
    let lists: Vec<_> =
        regions.iter().map(|region| serde_json::json!({"regions": [region], "id": region["image_id"]})).collect();
    let text = |value: &[serde_json::Value]| serde_json::to_string(value).unwrap();
    let source = crate::visual_genome(&text(&image_data), "[]", &text(&lists), Default::default()).unwrap();
    let records = records(&source).unwrap();
    let documented = records.iter().find(|record| record.image.id == 2_412_112.into()).unwrap();
    assert_eq!(documented.image.coco_id.map(|id| id.0), Some(547_168));
    assert_eq!(documented.image.flickr_id, Some(8_505_158_818));
    let converted: Vec<_> = records
        .iter()
        .flat_map(|record| record.regions.iter().map(|region| region.bbox.unwrap().to_unit(record.image.size)))
        .map(|clamped| clamped.map(|clamped| clamped.cut.top).map_err(|error| error.to_string()))
        .collect();
    let outside = Err("a box lies outside its image".to_owned());
    assert_eq!(converted, [outside.clone(), outside.clone(), outside, Ok(2.0)]);
}
