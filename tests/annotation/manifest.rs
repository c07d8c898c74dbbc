//! Files with quirks against the manifest of whoever made them: every quirk, and every total, attributes too.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;
use svitgen::annotation::{Attribute, BBox, Input, Object, OnBadInput, ReadReport, VisualGenomeFiles};
use svitgen::{ImageId, ImageRecord, RecordSource};

use crate::support::say;

/// Phrases that are put in for `odd_text`, as they read.
const ODD_TEXTS: [&str; 22] = [
    "café sign",
    "café sign",
    "jalapeño slices",
    "50° on the sign",
    "sign reads “open”",
    "sign reads “open”",
    "中文 characters on a sign",
    "中文 characters on a sign",
    "smiley 😀 sticker",
    "smiley 😀 sticker",
    "e\u{301} with a combining accent",
    "naïve lettering",
    "tab\tinside the phrase",
    "slash / and back\\slash",
    "a \"quoted\" word",
    "zero\u{200b}width space",
    "no\u{a0}break space",
    "<b>markup</b> & ampersand",
    "<st>man<ed> [0.1, 0.2, 0.3, 0.4]",
    "Question: what? Answer: this",
    "{braces} and [brackets]",
    "100% sure",
];

/// From here on ids of objects are of none.
const DANGLING: u64 = 90_000_000;

const FILES: [(&str, &str); 4] = [
    ("objects", "objects"),
    ("attributes", "attributes"),
    ("relationships", "relationships"),
    ("region_descriptions", "regions"),
];

/// Images by quirk: those that can show it, and those that do.
#[derive(Default)]
struct Table(BTreeMap<String, [BTreeSet<u64>; 2]>);

/// Holds what a folder of files with quirks reads as against its manifest, prints a line for each quirk, and returns how
/// many there are.
pub(crate) fn check(folder: &Path, manifest: &Value) -> usize {
    let files = || VisualGenomeFiles::find(folder.join("visual_genome")).unwrap().on_bad_input(OnBadInput::Skip);
    let expected = Expected::new(manifest);
    let mut tally = Tally { expected: &expected, table: Table::default(), totals: BTreeMap::new(), n_records: 0 };
    let source = files().with_threads(2).open().unwrap();
    source.records().for_each(|record| tally.record(&record.unwrap()));
    let report = source.report();
    expected.check_sides(&report, &mut tally.table);
    let n_skipped = expected.check_skipped(&report, &mut tally.table);

    // Images that image_data.json has not are read by records of our own.
    let orphans = expected.images("missing_from.image_data");
    let image = |id: &u64| format!(r#"{{"image_id": {id}, "width": 500, "height": 400}}"#);
    let images = format!("[{}]", orphans.iter().map(image).collect::<Vec<_>>().join(", "));
    let path = |name: &str| Input::path(folder.join(format!("visual_genome/{name}.json"))).unwrap();
    let others = VisualGenomeFiles::new(
        Input::bytes("image_data.json", images.into_bytes()),
        path("objects"),
        path("region_descriptions"),
    );
    let others = others.with_attributes(path("attributes")).with_relationships(path("relationships"));
    let others = others.on_bad_input(OnBadInput::Skip).open().unwrap();
    others.records().for_each(|record| tally.record(&record.unwrap()));

    let n_images = manifest["images"].as_u64().unwrap() as usize;
    assert_eq!(tally.n_records, n_images);
    tally.check_totals();
    let Tally { mut table, .. } = tally;
    expected.check_quirks(&mut table);
    say(format_args!("{n_images} images; records left out as doubled: {n_skipped}"));
    table.0.len()
}

struct Expected<'a> {
    manifest: &'a Value,
    /// The images that were given each quirk.
    quirks: BTreeMap<&'a str, BTreeSet<u64>>,
}

impl<'a> Expected<'a> {
    fn new(manifest: &'a Value) -> Self {
        let ids = |ids: &Value| ids.as_array().unwrap().iter().map(|id| id.as_u64().unwrap()).collect();
        let quirks = manifest["quirks"].as_object().unwrap();
        Self { manifest, quirks: quirks.iter().map(|(quirk, images)| (quirk.as_str(), ids(images))).collect() }
    }

    fn images(&self, quirk: &str) -> BTreeSet<u64> {
        self.quirks.get(quirk).cloned().unwrap_or_default()
    }

    fn has(&self, quirk: &str, id: u64) -> bool {
        self.quirks.get(quirk).is_some_and(|images| images.contains(&id))
    }

    /// Images that one file has and another has not.
    fn check_sides(&self, report: &ReadReport, table: &mut Table) {
        let orphans = self.images("missing_from.image_data");
        let one_sided =
            |name: &str| -> BTreeSet<u64> { report.one_sided.get(name).into_iter().flatten().map(number).collect() };
        for (file, _) in FILES {
            let quirk = format!("missing_from.{file}");
            let missing = self.images(&quirk);
            let found = one_sided(&format!("image_data.json, not in {file}.json"));
            table.0.insert(quirk, [&missing - &orphans, found]);
            let found = one_sided(&format!("{file}.json, not in image_data.json"));
            table.0.insert(format!("missing_from.image_data, in {file}"), [&orphans - &missing, found]);
        }
    }

    /// Records that are there twice: the first one counts, and the other one is told.
    fn check_skipped(&self, report: &ReadReport, table: &mut Table) -> usize {
        let mut n_found = 0;
        for file in ["image_data", "objects", "region_descriptions"] {
            let quirk = format!("duplicate_record.{file}");
            let doubled = &self.images(&quirk) - &self.images(&format!("missing_from.{file}"));
            let of_file = report.skipped.iter().filter(|error| error.file.ends_with(format!("{file}.json")));
            let found: BTreeSet<u64> = of_file.filter_map(|error| error.image.as_ref().map(number)).collect();
            n_found += found.len();
            table.0.insert(quirk, [doubled, found]);
        }
        assert_eq!(report.skipped.len(), n_found, "{report}");
        n_found
    }

    fn check_quirks(&self, table: &mut Table) {
        for (quirk, [can_show, found]) in &table.0 {
            let of_manifest = self.images(quirk.split(", ").next().unwrap()).len();
            let (n, n_found) = (can_show.len(), found.len());
            say(format_args!("{quirk:45} manifest {of_manifest:6}  can be seen {n:6}  found {n_found:6}"));
            match quirk.as_str() {
                // The id that is used again is that of the first object only mostly.
                "duplicate_object_id" => assert!(found.is_subset(can_show) && (n < 20 || 2 * n_found >= n), "{quirk}"),
                // Some images have none by themselves.
                "no_relationships" => assert!(can_show.is_subset(found), "{quirk}"),
                _ => assert_eq!(can_show, found, "{quirk}"),
            }
        }
        for kind in self.quirks.keys() {
            assert!(table.0.keys().any(|quirk| quirk.split(", ").next() == Some(kind)), "{kind} is not looked at");
        }
    }
}

struct Tally<'a> {
    expected: &'a Expected<'a>,
    table: Table,
    /// What stands in each file by the records, those that are doubled counted twice.
    totals: BTreeMap<&'static str, u64>,
    n_records: usize,
}

impl Tally<'_> {
    /// Looks at a record for every quirk.
    fn record(&mut self, record: &ImageRecord) {
        self.n_records += 1;
        let id = number(&record.image.id);
        let has = |quirk: &str| self.expected.has(quirk, id);
        let (objects, regions) = (&record.objects, &record.regions);
        // Else it is one that was made up here.
        let has_size = !has("missing_from.image_data");
        let lacks = |file: &str| has(&format!("missing_from.{file}"));
        let counts = [objects.len(), record.attributes.len(), record.relationships.len(), regions.len()];
        for ((file, _), n) in FILES.into_iter().zip(counts) {
            let copies = if has(&format!("duplicate_record.{file}")) { 2 } else { 1 };
            *self.totals.entry(file).or_default() += n as u64 * copies;
        }
        if !lacks("objects") && !lacks("attributes") {
            check_same(id, objects, &record.attributes);
        }
        let edges = |bbox: &BBox| match bbox {
            BBox::Pixel(bbox) => [bbox.x(), bbox.y(), bbox.width(), bbox.height()],
            BBox::Unit(_) => panic!("image {id}: a box is in pixels"),
        };
        let boxes: Vec<[f64; 4]> = objects.iter().map(|object| edges(&object.bbox)).collect();
        let of_regions = regions.iter().filter_map(|region| region.bbox.as_ref());
        let of_both: Vec<[f64; 4]> = boxes.iter().copied().chain(of_regions.map(edges)).collect();
        let width = record.image.size.map_or(0.0, |size| f64::from(size.width()));
        let is_doubled = |ids: Vec<u64>| ids.iter().collect::<BTreeSet<_>>().len() < ids.len();
        let object_ids: Vec<u64> = objects.iter().map(object_id).collect();
        let seen = [
            ("no_objects", !lacks("objects"), objects.is_empty()),
            ("no_regions", !lacks("region_descriptions"), regions.is_empty()),
            ("no_relationships", !lacks("relationships"), record.relationships.is_empty()),
            (
                "zero_size",
                !boxes.is_empty() || regions.len() > 3,
                of_both.iter().any(|[.., w, h]| *w == 0.0 || *h == 0.0),
            ),
            (
                "negative_size",
                boxes.len() > 1 || regions.len() > 4,
                of_both.iter().any(|[.., w, h]| *w < 0.0 || *h < 0.0),
            ),
            ("far_outside", has_size && boxes.len() > 2, has_size && boxes.iter().any(|[x, ..]| *x == width + 5_000.0)),
            ("float_box", boxes.len() > 3, boxes.iter().any(|[x, ..]| x.fract() != 0.0)),
            ("duplicate_object_id", boxes.len() > 4, is_doubled(object_ids)),
            (
                "duplicate_region",
                regions.len() > 2,
                is_doubled(regions.iter().filter_map(|region| region.id).collect()),
            ),
            (
                "dangling_relationship",
                !record.relationships.is_empty(),
                record.relationships.iter().any(|relationship| object_id(&relationship.object) >= DANGLING),
            ),
            (
                "odd_text",
                !regions.is_empty(),
                regions.first().is_some_and(|region| ODD_TEXTS.contains(&region.phrase.as_str())),
            ),
            // What is not known is passed over, and the rest is read.
            ("unknown_key", counts != [0; 4], has("unknown_key") && counts != [0; 4]),
        ];
        for (quirk, can_show, is_shown) in seen {
            let [expected, found] = self.table.0.entry(quirk.to_owned()).or_default();
            // An image may lack relationships because it lacks objects, which they are between.
            let is_expected = has(quirk) || (quirk == "no_relationships" && has("no_objects"));
            expected.extend((can_show && is_expected).then_some(id));
            // A file that lacks the image is another quirk.
            found.extend((is_shown && (can_show || !quirk.starts_with("no_"))).then_some(id));
        }
    }

    fn check_totals(&self) {
        for (file, kind) in FILES {
            // An object has one entry in attributes.json, so that the manifest does not count those by themselves.
            let written = match self.expected.manifest["files"][format!("visual_genome/{file}.json")][kind].as_u64() {
                Some(written) => written,
                None => continue,
            };
            say(format_args!("{kind:45} manifest {written:9}  read {:9}", self.totals[file]));
            assert_eq!(self.totals[file], written, "{kind}");
        }
        say(format_args!("{:45} read {:9}, each beside its object", "attributes", self.totals["attributes"]));
    }
}

/// Each object has its entry among the attributes; v1.4 lists objects in another order.
fn check_same(id: u64, objects: &[Object], attributes: &[Attribute]) {
    let key = |object: &Object| format!("{:?} {:?} {:?} {:?}", object.id, object.names, object.synsets, object.bbox);
    let of_attributes = attributes.iter().map(|attribute| &attribute.object);
    if of_attributes.clone().eq(objects) {
        return;
    }
    let sorted = |mut keys: Vec<String>| {
        keys.sort();
        keys
    };
    assert_eq!(sorted(objects.iter().map(key).collect()), sorted(of_attributes.map(key).collect()), "image {id}");
}

fn object_id(object: &Object) -> u64 {
    object.id.map_or(0, |id| id.to_string().parse().unwrap())
}

fn number(id: &ImageId) -> u64 {
    match id {
        ImageId::Number(id) => *id,
        ImageId::Text(id) => panic!("{id} is no number"),
    }
}
