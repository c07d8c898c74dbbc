//! Synthetic files of the real layout, with quirks at high rates and damaged on purpose.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use svitgen::annotation::{Coco, Input, OnBadInput, ReadReport, VisualGenomeFiles};
use svitgen::{ImageRecord, RecordSource, Result};

use crate::support::{say, shared};
use crate::{manifest, records};

/// Makes files with the shared tool; `None`, said aloud, where that or Python is absent.
pub(crate) fn make(arguments: &[&str]) -> Option<(tempfile::TempDir, Value)> {
    let tool = shared("tools/make_vg.py")?;
    let folder = tempfile::tempdir().unwrap();
    let output = match Command::new("python3").arg(tool).arg(folder.path()).args(arguments).output() {
        Ok(output) => output,
        Err(error) => {
            say(format_args!("skipped: python3 cannot be run: {error}"));
            return None;
        }
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let manifest = std::fs::read(folder.path().join("manifest.json")).unwrap();
    Some((folder, serde_json::from_slice(&manifest).unwrap()))
}

fn coco(folder: &Path, on_bad: OnBadInput) -> Coco {
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(folder.join("coco")).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    Coco::from_inputs(paths.iter().map(|path| Input::path(path).unwrap()), on_bad).unwrap()
}

#[test]
fn quirks_at_high_rates_lose_nothing() {
    for arguments in [
        ["--images", "400", "--quirks", "--instances", "--coco", "both", "--vg-version", "1.2"],
        ["--images", "200", "--quirks", "--instances", "--coco", "2014", "--vg-version", "1.4"],
    ] {
        let Some((folder, manifest)) = make(&arguments) else { return };
        let files = || VisualGenomeFiles::find(folder.path().join("visual_genome")).unwrap();
        let error = files().open().unwrap_err().to_string();
        assert!(error.contains("this id twice"), "{error}");

        assert_eq!(manifest::check(folder.path(), &manifest), 23);

        let source =
            files().with_coco(coco(folder.path(), OnBadInput::Skip)).on_bad_input(OnBadInput::Skip).open().unwrap();
        let n_read: usize = records(&source).unwrap().iter().map(|record| record.captions.len()).sum();
        let n_written = manifest["totals"]["captions_of_those_images"].as_u64().unwrap() as usize;
        assert!(n_read <= n_written && n_written - n_read <= 7, "{n_read} of {n_written} captions");
    }
}

/// Files that are there already: `SVITGEN_QUIRKS` names a folder that `make_vg.py --quirks` made, of any size.
#[test]
fn quirks_of_a_folder_are_those_of_its_manifest() {
    let Some(folder) = std::env::var_os("SVITGEN_QUIRKS").map(PathBuf::from) else {
        return say("skipped: SVITGEN_QUIRKS names no folder of make_vg.py --quirks");
    };
    let manifest = std::fs::read(folder.join("manifest.json")).unwrap();
    assert!(manifest::check(&folder, &serde_json::from_slice(&manifest).unwrap()) > 0);
}

#[test]
fn the_same_without_quirks_is_complete() {
    let Some((folder, manifest)) = make(&["--images", "300", "--plain", "--coco", "2017"]) else { return };
    let files = VisualGenomeFiles::find(folder.path().join("visual_genome")).unwrap();
    let source = files.with_coco(coco(folder.path(), OnBadInput::Stop)).open().unwrap();
    let records = records(&source).unwrap();
    let sum = |of: fn(&ImageRecord) -> usize| records.iter().map(of).sum::<usize>() as u64;
    let totals = &manifest["totals"];
    assert_eq!(sum(|record| record.objects.len()), totals["objects"].as_u64().unwrap());
    assert_eq!(sum(|record| record.regions.len()), totals["regions"].as_u64().unwrap());
    assert_eq!(sum(|record| record.relationships.len()), totals["relationships"].as_u64().unwrap());
    assert_eq!(sum(|record| record.captions.len()), totals["captions_of_those_images"].as_u64().unwrap());
    assert!(source.report().skipped.is_empty() && source.report().one_sided.is_empty());
}

/// What becomes of each damaged file: the message when it stops, and how many things are skipped when it skips (`-` if
/// it is an error then too, `0 ok` if it is no damage at all).
const DAMAGED: &str = include_str!("damaged.txt");

#[test]
fn damaged_files_are_told_or_counted() {
    let Some((folder, _)) = make(&["--images", "60", "--quirks", "--corrupt"]) else { return };
    let corrupt = folder.path().join("corrupt");
    let index: Value = serde_json::from_slice(&std::fs::read(corrupt.join("INDEX.json")).unwrap()).unwrap();
    let mut found = BTreeMap::new();
    for entry in index.as_array().unwrap() {
        let name = entry["file"].as_str().unwrap();
        let schema = entry["schema"].as_str().unwrap();
        found.insert(name.to_owned(), outcome(&corrupt.join(name), schema));
    }
    assert_eq!(found.len(), 91);
    let table: String = found.iter().map(|(name, outcome)| format!("{name} | {outcome}\n")).collect();
    if std::env::var_os("INSTA_UPDATE").is_some_and(|value| value == "always") {
        std::fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/annotation/damaged.txt"), &table).unwrap();
        return;
    }
    for (is, expected) in table.lines().zip(DAMAGED.lines()) {
        assert_eq!(is, expected);
    }
    assert_eq!(table.lines().count(), DAMAGED.lines().count());
    say("91 damaged files: each told or counted");
}

/// What becomes of a damaged file among whole ones.
fn outcome(path: &Path, schema: &str) -> String {
    let read = |on_bad| -> Result<ReadReport> {
        let damaged = Input::path(path)?;
        if schema == "captions" {
            let coco = Coco::from_inputs([damaged], on_bad)?;
            records(&coco)?;
            return Ok(coco.report());
        }
        let [image_data, objects, regions] = ["image_data", "objects", "region_descriptions"]
            .map(|name| if name == schema { damaged.clone() } else { whole(path, name) });
        let source = VisualGenomeFiles::new(image_data, objects, regions).on_bad_input(on_bad).open()?;
        records(&source)?;
        Ok(source.report())
    };
    let name = path.file_name().unwrap().to_string_lossy().into_owned();
    let message = |error: svitgen::Error| {
        let text = error.to_string();
        let at = text.find(&name).unwrap_or_else(|| panic!("{text} does not name {name}"));
        text[at + name.len()..].trim_start_matches([',', ':', ' ']).to_owned()
    };
    match (read(OnBadInput::Stop), read(OnBadInput::Skip)) {
        (Ok(_), Ok(report)) => {
            assert!(report.skipped.is_empty(), "{name}: {report}");
            "0 ok".to_owned()
        }
        (Err(error), Ok(report)) => {
            assert!(!report.skipped.is_empty(), "{name}: skipped silently");
            format!("{} | {}", report.skipped.len(), message(error))
        }
        (Err(error), Err(_)) => format!("- | {}", message(error)),
        (Ok(_), Err(error)) => panic!("{name}: {error}"),
    }
}

/// A whole file of the same images as the damaged ones.
fn whole(path: &Path, name: &str) -> Input {
    Input::path(path.with_file_name(format!("{name}.crlf_pretty.json"))).unwrap()
}
