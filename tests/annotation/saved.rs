//! Indexes that are kept in a folder: used while they hold, never trusted beyond.

use std::fs::{self, File, FileTimes};
use std::path::Path;
use std::time::{Duration, SystemTime};

use svitgen::RecordSource;
use svitgen::annotation::{OnBadInput, VisualGenomeFiles};

use crate::made::{NAMES, prompts, texts, write};

struct Case {
    folder: tempfile::TempDir,
}

impl Case {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &texts(60, 5));
        Self { folder }
    }

    fn index(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join("run/index").join(format!("{name}.index"))
    }

    fn files(&self) -> VisualGenomeFiles {
        VisualGenomeFiles::find(self.folder.path()).unwrap()
    }

    fn with_index(&self) -> VisualGenomeFiles {
        self.files().with_index_folder(self.folder.path().join("run/index"))
    }

    /// Prompts, inputs and report are those of reading without an index.
    fn check(&self) {
        let (with, without) = (self.with_index().open().unwrap(), self.files().open().unwrap());
        assert!(prompts(&with) == prompts(&without));
        assert_eq!(with.inputs(), without.inputs());
        assert_eq!(with.report().to_string(), without.report().to_string());
    }
}

fn set_modified(path: &Path, time: SystemTime) {
    File::options().write(true).open(path).unwrap().set_times(FileTimes::new().set_modified(time)).unwrap();
}

#[test]
fn an_index_is_used_while_it_holds() {
    let case = Case::new();
    case.check();
    // Which of two indexes is used shows in what they say: this one is of a file that has one record less.
    let path = case.folder.path().join(NAMES[1]);
    let time = fs::metadata(&path).unwrap().modified().unwrap();
    let saved = fs::read(case.index(NAMES[1])).unwrap();
    assert_eq!(saved.len(), 72 + 60 * 24);
    case.check();
    assert_eq!(fs::read(case.index(NAMES[1])).unwrap(), saved);

    // Touched, though it holds the same: the index is made anew.
    set_modified(&path, time - Duration::from_secs(9));
    case.check();
    assert_ne!(fs::read(case.index(NAMES[1])).unwrap(), saved);
    set_modified(&path, time);
    case.check();
    assert_eq!(fs::read(case.index(NAMES[1])).unwrap(), saved);
}

#[test]
fn a_changed_file_is_noticed() {
    for (before, after) in [("thing 1 of 20", "thing 1 of 2"), ("thing 1 of 20", "thing 2 of 20")] {
        let case = Case::new();
        case.check();
        let path = case.folder.path().join(NAMES[1]);
        let time = fs::metadata(&path).unwrap().modified().unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(before));
        fs::write(&path, text.replace(before, after)).unwrap();
        // Even where size and time tell nothing: this file is short enough to be compared as a whole.
        set_modified(&path, time);
        case.check();
    }
}

#[test]
fn a_damaged_index_counts_as_absent() {
    let case = Case::new();
    case.check();
    let path = case.index(NAMES[2]);
    let whole = fs::read(&path).unwrap();
    let other = fs::read(case.index(NAMES[1])).unwrap();
    let mut damaged = vec![Vec::new(), whole[..40].to_vec(), whole[..whole.len() - 1].to_vec(), other];
    for at in [3, 20, 40, 60, 75, 900, whole.len() - 1] {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        damaged.push(bytes);
    }
    for bytes in damaged {
        fs::write(&path, bytes).unwrap();
        case.check();
        assert_eq!(fs::read(&path).unwrap(), whole, "made anew");
    }
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    let source = case.with_index().open().unwrap();
    assert!(prompts(&source) == prompts(&case.files().open().unwrap()));
    assert_eq!(source.report().notes["region_descriptions.json: its index cannot be saved"], 1);
}

#[test]
fn what_is_bad_is_told_each_time() {
    let case = Case::new();
    let mut made = texts(60, 5);
    made[1].insert_str(1, "{\"image_id\": 20, \"objects\": []}, ");
    write(case.folder.path(), &made);
    for _ in 0..2 {
        let error = case.with_index().open().unwrap_err().to_string();
        assert!(error.contains("image 20") && error.contains("twice"), "{error}");
        let source = case.with_index().on_bad_input(OnBadInput::Skip).open().unwrap();
        assert_eq!(source.report().skipped.len(), 1);
    }
    assert!(!case.index(NAMES[1]).exists() && case.index(NAMES[0]).exists());
}

#[test]
fn a_file_that_changes_while_it_is_read_is_told() {
    for n_threads in [1, 3] {
        let case = Case::new();
        write(case.folder.path(), &texts(3_000, 0));
        let source = case.with_index().with_threads(n_threads).open().unwrap();
        let path = case.folder.path().join(NAMES[2]);
        let mut records = source.records();
        assert!(records.next().unwrap().is_ok());
        fs::write(&path, "[]").unwrap();
        let error = records.find_map(Result::err).expect("the change is noticed").to_string();
        assert!(error.contains(NAMES[2]) && error.contains("image "), "{error}");
        assert!(records.next().is_none());
    }
}
