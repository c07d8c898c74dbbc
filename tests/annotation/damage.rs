//! Files changed at any place by chance: no panic, and nothing is lost without a word.

use proptest::prelude::*;
use svitgen::annotation::OnBadInput;
use svitgen::{RecordSource, Result};

use crate::{records, visual_genome};

const IMAGES: &str = r#"[{"image_id": 1, "width": 100, "height": 50}, {"image_id": 2, "width": 80, "height": 60}]"#;

const OBJECTS: &str = r#"[{"image_id": 1, "objects": [{"object_id": 1, "names": ["a"], "x": 0, "y": 1, "w": 2, "h": 3},
{"object_id": 2, "names": ["b"], "x": 0, "y": 1, "w": 2, "h": 3}]}, {"image_id": 2, "objects": []}]"#;

const REGIONS: &str =
    r#"[{"regions": [{"region_id": 1, "phrase": "\u00e9", "x": 1, "y": 2, "width": 3, "height": 4}], "id": 1}]"#;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn no_panic_and_no_silence(file in 0_usize..3, at in any::<prop::sample::Index>(), with in "[\\[\\]{},:\"0-9a-z\\\\ -]", cut in any::<bool>()) {
        let mut texts = [IMAGES.to_owned(), OBJECTS.to_owned(), REGIONS.to_owned()];
        let at = at.index(texts[file].len());
        if cut {
            texts[file].truncate(at);
        } else {
            texts[file].replace_range(at..=at, &with);
        }
        let read = |on_bad| -> Result<_> {
            let source = visual_genome(&texts[0], &texts[1], &texts[2], on_bad)?;
            Ok((records(&source)?, source.report()))
        };
        match (read(OnBadInput::Stop), read(OnBadInput::Skip)) {
            (Ok((stop, _)), Ok((skip, report))) => {
                prop_assert!(report.skipped.is_empty());
                prop_assert_eq!(stop, skip);
            }
            (Err(_), Ok((_, report))) => prop_assert!(!report.skipped.is_empty()),
            (Err(error), Err(_)) => prop_assert!(error.to_string().contains(".json")),
            (Ok(_), Err(error)) => prop_assert!(false, "{}", error),
        }
    }
}

/// `01` is no number, though every bracket and every object of the record is in order.
#[test]
fn a_fault_outside_of_every_object_is_told() -> Result<()> {
    let regions = REGIONS.replace("\"id\": 1}", "\"id\": 01}");
    let source = visual_genome(IMAGES, OBJECTS, &regions, OnBadInput::Skip)?;
    let records = records(&source)?;
    assert_eq!(records[0].regions.len(), 1, "the phrase is good");
    assert_eq!(source.report().skipped.len(), 1);
    Ok(())
}

/// Without the feature `packed`, a packed file is told from one that is damaged.
#[cfg(not(feature = "packed"))]
#[test]
fn packed_files_are_told() {
    let folder = tempfile::tempdir().unwrap();
    for (name, start) in [("a.json.gz", "\u{1f}\u{8b}"), ("a.json.zip", "PK\u{3}\u{4}")] {
        let path = folder.path().join(name);
        let bytes: Vec<u8> = start.chars().map(|c| c as u8).chain([0; 20]).collect();
        std::fs::write(&path, bytes).unwrap();
        let error = svitgen::annotation::Input::path(&path).unwrap_err().to_string();
        assert!(error.contains(name) && error.contains("the feature `packed`"), "{error}");
    }
}
