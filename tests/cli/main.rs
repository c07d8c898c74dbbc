//! The program as its users meet it: each folder of `cases/` holds commands and their files, and has a snapshot of what
//! they print, say and leave.

#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

mod case;
#[path = "../support/hostile.rs"]
mod hostile;
#[path = "../support/mod.rs"]
mod support;

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::case::svitgen;

#[test]
fn commands() {
    insta::with_settings!({ omit_expression => true }, {
        insta::glob!("cases/*/cmd", |path| {
            if let Some(transcript) = case::transcript(path.parent().unwrap()) {
                insta::assert_snapshot!(transcript);
            }
        });
    });
}

#[test]
fn an_output_that_is_full_is_told() {
    let Ok(full) = File::options().write(true).open("/dev/full") else { return };
    let mut child = svitgen(Path::new("."), "svitgen parse --task complex_reasoning")
        .stdin(Stdio::piped())
        .stdout(full)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let line = b"{\"id\": 1, \"reply\": \"Question: Why?\\nAnswer: So.\"}\n";
    // The program may be gone before all is written.
    let _ = child.stdin.take().unwrap().write_all(&line.repeat(1_000));
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(4));
    assert!(String::from_utf8_lossy(&output.stderr).contains("cannot write to stdout"));
}

#[test]
fn shared_sample_replies_get_the_expected_outcome() {
    let Some(folder) = support::shared("replies") else { return };
    let mut lines = String::new();
    let mut expected = Vec::new();
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths.iter().filter(|path| path.extension().is_some_and(|extension| extension == "json")) {
        let case: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        lines.push_str(&format!("{case}\n"));
        expected.push((case["id"].clone(), case["expect"].clone()));
    }
    let mut child =
        svitgen(Path::new("."), "svitgen parse").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    let results = String::from_utf8(output.stdout).unwrap();
    assert_eq!(results.lines().count(), expected.len());
    for (line, (id, expect)) in results.lines().zip(&expected) {
        let result: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(&result["id"], id);
        let mut accepted = expect["also_accept"].as_array().into_iter().flatten().chain([&expect["outcome"]]);
        assert!(accepted.any(|outcome| *outcome == result["outcome"]), "{line}");
    }
    support::say(format_args!("{} shared replies through the program", expected.len()));
}

#[test]
fn a_run_is_reported_and_compared() {
    let folder = tempfile::TempDir::new().unwrap();
    let source = svitgen::VisualGenome::sample().unwrap();
    for (name, seed) in [("a", 0), ("b", 1)] {
        let options = svitgen::PromptOptions::default().with_seed(seed);
        let pipeline = svitgen::Pipeline::builder(svitgen::llm::RuleLlm::new());
        let pipeline = pipeline.task(svitgen::Task::detail_description()).prompt_options(options).build().unwrap();
        futures::executor::block_on(pipeline.run(&source, folder.path().join(name))).unwrap();
    }
    let output = svitgen(folder.path(), "svitgen report a --sample --token-prices 1,2").output().unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(0), 0));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.starts_with("a/report.html: ") && told.ends_with("10 of 10 units in the gallery\n"), "{told}");
    assert!(std::fs::read_to_string(folder.path().join("a/report.html")).unwrap().starts_with("<!DOCTYPE html>"));

    let output = svitgen(folder.path(), "svitgen diff a b --json --html diff.html").output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let diff: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(diff["options"]["prompt.seed"], serde_json::json!([0, 1]));
    assert!(folder.path().join("diff.html").exists());
    // What cannot be written is an output that is told, not a crash.
    let output = svitgen(folder.path(), "svitgen report a --out nowhere/report.html").output().unwrap();
    assert_eq!(output.status.code(), Some(4));
}

/// The commands that print more than a pipe takes at once, or as much as they have.
#[test]
fn whoever_reads_an_output_may_stop_reading() {
    let folder = tempfile::tempdir().unwrap();
    let generate = "svitgen generate --sample --llm rules --task conversation --out run";
    assert!(svitgen(folder.path(), generate).output().unwrap().status.success());
    for command in [
        generate,
        "svitgen generate --sample --llm rules --task conversation --out run --json",
        "svitgen reparse run",
        "svitgen diff run run",
        "svitgen compact run",
        "svitgen stats --sample",
        "svitgen prompt --sample --task conversation",
        "svitgen prompt --sample --task conversation --estimate",
        "svitgen policy",
        "svitgen policy --json",
        "svitgen config --sample --llm rules --out run",
        "svitgen completions bash",
    ] {
        let mut child = svitgen(folder.path(), command).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && !said.contains("error") && !said.contains("panicked"), "{command}: {said}");
    }
}

#[test]
fn completions_of_all_shells_know_the_commands() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let output = svitgen(Path::new("."), &format!("svitgen completions {shell}")).output().unwrap();
        let script = String::from_utf8(output.stdout).unwrap();
        for word in ["generate", "reparse", "max-cost", "token-prices"] {
            assert!(script.contains(word), "{shell} {word}");
        }
    }
}

#[test]
fn bash_completes_commands_and_options() {
    let script = svitgen(Path::new("."), "svitgen completions bash").output().unwrap().stdout;
    for (typed, expected) in [("gen", "generate"), ("generate --max-co", "--max-cost"), ("export --form", "--format")] {
        let words: Vec<&str> = typed.split(' ').collect();
        let last = words.last().copied().unwrap_or_default();
        let ask = format!(
            "{}\nCOMP_WORDS=(svitgen {typed}); COMP_CWORD={}; _svitgen svitgen {last} {}; echo \"${{COMPREPLY[@]}}\"\n",
            String::from_utf8_lossy(&script),
            words.len(),
            if words.len() > 1 { words[words.len() - 2] } else { "svitgen" },
        );
        let Ok(mut bash) = Command::new("bash").arg("-s").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn() else {
            return support::say("skipped: no bash");
        };
        bash.stdin.take().unwrap().write_all(ask.as_bytes()).unwrap();
        let output = bash.wait_with_output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), expected, "{typed}");
    }
}
