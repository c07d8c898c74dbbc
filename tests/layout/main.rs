//! The architecture as rules: who may use whom, who may touch files, and how small the default build is.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests fail by panicking and say what they went through")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// Which modules each module may use. `error` names the errors of all modules and may be used by all.
const MAY_USE: [(&str, &[&str]); 20] = [
    ("bbox", &[]),
    ("event", &[]),
    ("choice", &[]),
    ("digest", &[]),
    ("noun", &[]),
    ("lock", &[]),
    ("atomic", &[]),
    ("checked_lines", &["atomic", "lock"]),
    ("llm", &["atomic", "checked_lines", "choice", "digest", "lock", "noun"]),
    ("tokens", &["llm"]),
    ("annotation", &["atomic", "bbox", "choice", "digest", "lock"]),
    ("sample", &["annotation", "bbox", "digest"]),
    ("reply", &["bbox", "noun", "sample"]),
    ("task", &["choice", "digest", "llm", "lock", "reply"]),
    ("prompt", &["annotation", "bbox", "choice", "digest", "llm", "reply", "sample", "task", "tokens"]),
    ("lint", &["annotation", "bbox", "noun", "sample"]),
    ("export", &["annotation", "atomic", "sample"]),
    ("check", &["export", "reply"]),
    (
        "pipeline",
        &[
            "annotation",
            "atomic",
            "checked_lines",
            "digest",
            "lint",
            "llm",
            "lock",
            "prompt",
            "reply",
            "sample",
            "task",
            "tokens",
        ],
    ),
    (
        "report",
        &[
            "annotation",
            "atomic",
            "bbox",
            "choice",
            "digest",
            "llm",
            "noun",
            "pipeline",
            "prompt",
            "reply",
            "sample",
            "task",
        ],
    ),
];

/// What opens files.
const TOUCH_FILES: [&str; 13] = [
    "annotation/",
    "atomic.rs",
    "bin/",
    "check/",
    "checked_lines/",
    "export/",
    "llm/budget/store.rs",
    "llm/prices.rs",
    "llm/replay.rs",
    "pipeline/",
    "report/images.rs",
    "task/instructions.rs",
    "task/template.rs",
];

/// What reads a clock: to wait (a server may name a date for that), or to tell how long something takes.
const READ_CLOCK: [&str; 4] = ["llm/openai/retry_after.rs", "llm/timer/", "pipeline/progress.rs", "pipeline/send.rs"];
/// What opens sockets.
const OPEN_SOCKETS: [&str; 3] = ["llm/genai.rs", "llm/openai/", "llm/testing/server/"];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Paths below `src` with their code: without comments and unit tests.
fn sources() -> BTreeMap<String, String> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { walk(&path, found) } else { found.push(path) }
        }
    }
    let src = root().join("src");
    let mut paths = Vec::new();
    walk(&src, &mut paths);
    let code = |path: &PathBuf| {
        let text = fs::read_to_string(path).unwrap();
        let text = text.split("#[cfg(test)]").next().unwrap_or_default();
        text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
    };
    paths
        .iter()
        .map(|path| (path.strip_prefix(&src).unwrap().to_string_lossy().replace('\\', "/"), code(path)))
        .collect()
}

#[test]
fn dependencies_between_modules_point_one_way() {
    let may_use: BTreeMap<_, BTreeSet<_>> =
        MAY_USE.iter().map(|(module, used)| (*module, used.iter().copied().collect())).collect();
    for (path, code) in sources() {
        let module = path.split(['/', '.']).next().unwrap();
        if matches!(module, "lib" | "error" | "cookbook" | "bin") {
            continue;
        }
        let allowed = may_use.get(module).unwrap_or_else(|| panic!("{path}: say in this test what it may use"));
        for used in code.split("crate::").skip(1) {
            let used: String = used.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
            let is_allowed = used == module || used == "error" || allowed.contains(used.as_str());
            assert!(is_allowed, "{path} uses crate::{used}");
        }
    }
}

#[test]
fn files_clocks_and_sockets_stay_where_they_belong() {
    for (path, code) in sources() {
        let reads_clock = code.contains("Instant::") || code.contains("SystemTime");
        assert!(!reads_clock || READ_CLOCK.iter().any(|prefix| path.starts_with(prefix)), "{path} reads a clock");
        let opens_socket = code.contains("std::net") || code.contains("reqwest");
        let may = OPEN_SOCKETS.iter().any(|prefix| path.starts_with(prefix));
        assert!(!opens_socket || may, "{path} opens sockets");
        let touches_files = code.contains("std::fs") || code.contains("File::") || code.contains("fs::{");
        let may = TOUCH_FILES.iter().any(|prefix| path.starts_with(prefix));
        assert!(!touches_files || may, "{path} touches files");
    }
}

#[test]
fn the_map_names_every_file() {
    let map = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    for path in sources().keys() {
        let name = path.rsplit('/').next().unwrap();
        let folder = path.strip_suffix(name).unwrap();
        let named = map.lines().any(|line| line.trim_start().starts_with(&format!("{name} ")))
            && (folder.is_empty() || map.contains(folder));
        assert!(named, "ARCHITECTURE.md has no line for src/{path}");
    }
}

#[test]
fn the_default_build_is_small() {
    let cargo = env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let arguments = ["tree", "--offline", "--edges", "normal", "--prefix", "none", "--format", "{p}"];
    let output = Command::new(cargo).args(arguments).current_dir(root()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let tree = String::from_utf8(output.stdout).unwrap();
    let crates: BTreeSet<&str> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
    println!("{} crates in the default build: {crates:?}", crates.len());
    assert!(crates.len() <= 32, "{crates:?}");
    for heavy in ["tokio", "reqwest", "hyper", "clap", "regex"] {
        assert!(!crates.contains(heavy), "{heavy} belongs behind a feature");
    }
}
