//! A run of the program in a folder of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;
use svitgen::pipeline::{RunFolder, TaskLedger};

/// Longer than any run here takes on a busy machine.
const LONGEST_RUN: Duration = Duration::from_secs(300);

/// Images, and the folder of a run about them.
pub(crate) struct Run {
    records: tempfile::TempDir,
    folder: PathBuf,
}

/// How a run ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// `None` if it was killed.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// The most memory it had, in KiB, as far as was seen.
    pub(crate) peak_kib: u64,
}

impl Run {
    pub(crate) fn new(n_images: usize) -> Self {
        let records = tempfile::tempdir().unwrap();
        let folder = records.path().join("run");
        fs::write(records.path().join("records.jsonl"), records_of(n_images)).unwrap();
        Self { records, folder }
    }

    /// The same with the run in another folder.
    pub(crate) fn in_folder(mut self, folder: PathBuf) -> Self {
        self.folder = folder;
        self
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Starts `svitgen generate`.
    pub(crate) fn start(&self, base_url: &str, arguments: &[&str]) -> Child {
        self.start_as(&["generate", "--out"], base_url, arguments)
    }

    /// Runs `svitgen batch` to its end.
    pub(crate) fn batch(&self, action: &str, base_url: &str, arguments: &[&str]) -> Ended {
        self.end(self.start_as(&["batch", action], base_url, arguments))
    }

    /// Starts the program; behind `command` comes the folder.
    fn start_as(&self, command: &[&str], base_url: &str, arguments: &[&str]) -> Child {
        let out = |name| File::create(self.records.path().join(name)).unwrap();
        Command::new(env!("CARGO_BIN_EXE_svitgen"))
            .args(command)
            .arg(&self.folder)
            .args(["--task", "detail_description", "--top-ups", "0", "--llm", "openai", "--quiet"])
            .args(["--api-key-env", "SVITGEN_TEST_NO_SUCH_KEY", "--base-url", base_url, "--records"])
            .arg(self.records.path().join("records.jsonl"))
            .args(arguments)
            .env("NO_PROXY", "127.0.0.1")
            .env("NO_COLOR", "1")
            .stdin(Stdio::null())
            .stdout(out("stdout"))
            .stderr(out("stderr"))
            .spawn()
            .unwrap()
    }

    /// Waits for the program to end; one that hangs fails the test.
    pub(crate) fn end(&self, mut child: Child) -> Ended {
        let start = Instant::now();
        let mut peak_kib = 0;
        loop {
            peak_kib = peak_kib.max(peak_memory(child.id()));
            if let Some(status) = child.try_wait().unwrap() {
                let read = |name| fs::read_to_string(self.records.path().join(name)).unwrap();
                let (stdout, stderr) = (read("stdout"), read("stderr"));
                return Ended { code: status.code(), stdout, stderr, peak_kib };
            }
            if start.elapsed() > LONGEST_RUN {
                child.kill().ok();
                child.wait().ok();
                panic!("it hangs");
            }
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Runs the program to its end.
    pub(crate) fn finish(&self, base_url: &str, arguments: &[&str]) -> Ended {
        self.end(self.start(base_url, arguments))
    }

    /// Runs it to its end, which must be a good one.
    pub(crate) fn succeed(&self, base_url: &str, arguments: &[&str]) {
        let ended = self.finish(base_url, arguments);
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    }

    /// The account, which must add up.
    pub(crate) fn ledger(&self) -> TaskLedger {
        let run = RunFolder::open(&self.folder).unwrap();
        let total = run.ledger().unwrap().total();
        let states = total.accepted + total.partial + total.rejected + total.failed + total.pending;
        assert_eq!(total.inputs, states, "{total:?}");
        assert_eq!(run.ledger().unwrap().damaged_lines, 0);
        total
    }

    /// The completions in the journal, none of which may be there twice.
    pub(crate) fn journal(&self) -> Journal {
        let mut journal = Journal::default();
        for line in fs::read_to_string(self.folder.join("journal.jsonl")).unwrap().lines() {
            // The last line of a process that was killed may not be whole.
            let Ok(line) = serde_json::from_str::<serde_json::Value>(line) else { continue };
            let Some(completion) = line["completion"].as_object() else { continue };
            *journal.images.entry(line["image_id"].to_string()).or_default() += 1;
            if let Some(id) = completion.get("id").and_then(|id| id.as_str()) {
                assert!(journal.ids.insert(id.to_owned()), "journaled twice: {line}");
            }
            let tokens = |name: &str| line["completion"]["usage"][name].as_u64().unwrap_or_default();
            journal.input_tokens += tokens("input_tokens");
            journal.output_tokens += tokens("output_tokens");
        }
        journal
    }

    /// The data of the run, by file.
    pub(crate) fn data(&self) -> BTreeMap<PathBuf, String> {
        let names = ["samples/detail_description.jsonl", "units/detail_description.jsonl"].map(PathBuf::from);
        names.into_iter().map(|name| (name.clone(), fs::read_to_string(self.folder.join(name)).unwrap())).collect()
    }
}

/// What the journal holds.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    pub(crate) ids: BTreeSet<String>,
    /// Completions of each image.
    pub(crate) images: BTreeMap<String, u64>,
    pub(crate) input_tokens: u64,
    pub(crate) output_tokens: u64,
}

/// Records whose prompts tell the server which image they are about.
fn records_of(n_images: usize) -> String {
    let record = |index| {
        let caption = format!("A dog runs over the grass, image_id img{index:06} it says.");
        let dog = json!({"names": ["dog"], "bbox": [0.1, 0.2, 0.5, 0.75]});
        let record = json!({"id": index, "width": 640, "height": 480, "captions": [caption], "objects": [dog]});
        format!("{record}\n")
    };
    (1..=n_images).map(record).collect()
}

/// The most memory that a process has had so far, in KiB; 0 where the system does not tell.
fn peak_memory(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or_default()
}
