//! Cases: a folder with a file `cmd` of commands, one a line, and the files that they read.
//!
//! The commands run one after the other in a copy of the folder. Beside `svitgen ...` there are `show FILE...` (a file that
//! a command has written), `sorted FILE...` (the same for JSON whose keys are in another order with other features), `list
//! FOLDER` (the files below it) and `# ...` (why). `< FILE` at the end of a command is its
//! stdin, and `{server}` in it the address of a hostile server: a case with one is skipped where there is none.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};

use regex::Regex;
use serde_json::Value;

use crate::hostile::Hostile;

/// How the hostile server of a case is started: it answers the same each time.
const SERVER: &[&str] = &["--batch-secs", "0.2", "--reply-bytes", "600"];

/// What the commands of a case say and leave, or `None` where the case needs a server and there is none.
pub(crate) fn transcript(case: &Path) -> Option<String> {
    let commands = fs::read_to_string(case.join("cmd")).unwrap();
    let server = if commands.contains("{server}") { Some(Hostile::start(SERVER)?) } else { None };
    let url = server.as_ref().map(Hostile::url).unwrap_or_default();
    let folder = tempfile::tempdir().unwrap();
    copy(case, folder.path());
    let mut text = String::new();
    for line in commands.lines() {
        text.push_str(&step(folder.path(), line, &url));
    }
    Some(text.trim_end().to_owned())
}

/// A program that is told nothing by the environment in which the tests run.
pub(crate) fn svitgen(folder: &Path, command: &str) -> Command {
    let mut command_line = Command::new(env!("CARGO_BIN_EXE_svitgen"));
    command_line.args(command.split_whitespace().skip(1)).current_dir(folder);
    command_line.env("NO_COLOR", "1").env("NO_PROXY", "127.0.0.1").env_remove("OPENAI_API_KEY").stdin(Stdio::null());
    command_line
}

fn step(folder: &Path, line: &str, url: &str) -> String {
    let (name, rest) = line.split_once(' ').unwrap_or((line, ""));
    let said = match name {
        "#" | "" => String::new(),
        "show" => rest.split(' ').map(|file| fs::read_to_string(folder.join(file)).unwrap()).collect(),
        "sorted" => rest.split(' ').map(|file| sorted(&fs::read_to_string(folder.join(file)).unwrap())).collect(),
        "list" => list(&folder.join(rest)),
        "svitgen" => run(folder, &line.replace("{server}", url)),
        other => panic!("a case has no command {other}"),
    };
    let prompt = if matches!(name, "#" | "") { "" } else { "$ " };
    format!("{prompt}{line}\n{}\n", normal(&said, folder, url))
}

/// JSON, or a value a line, with keys in order.
fn sorted(text: &str) -> String {
    let values: Vec<Value> = match serde_json::from_str(text) {
        Ok(value) => vec![value],
        Err(_) => text.lines().map(|line| serde_json::from_str(line).unwrap()).collect(),
    };
    let form = if values.len() == 1 { |value| format!("{value:#}\n") } else { |value| format!("{value}\n") };
    values.into_iter().map(in_order).map(form).collect()
}

fn in_order(value: Value) -> Value {
    match value {
        Value::Object(object) => {
            let mut entries: Vec<(String, Value)> =
                object.into_iter().map(|(key, value)| (key, in_order(value))).collect();
            entries.sort_by(|(a, _), (b, _)| a.cmp(b));
            Value::Object(entries.into_iter().collect())
        }
        Value::Array(values) => Value::Array(values.into_iter().map(in_order).collect()),
        value => value,
    }
}

/// What a command prints, what it says on stderr after `! `, and its exit code unless that is 0.
fn run(folder: &Path, command: &str) -> String {
    let (command, input) = command.split_once(" < ").unwrap_or((command, ""));
    let mut program = svitgen(folder, command);
    if !input.is_empty() {
        program.stdin(File::open(folder.join(input)).unwrap());
    }
    let output = program.output().unwrap();
    let mut text = String::from_utf8(output.stdout).unwrap();
    if !text.is_empty() && !text.ends_with('\n') {
        text.push_str("[no end of line]\n");
    }
    for line in String::from_utf8(output.stderr).unwrap().lines() {
        text.push_str(format!("! {line}").trim_end());
        text.push('\n');
    }
    if !output.status.success() {
        text.push_str(&format!("exit code {}\n", output.status.code().unwrap()));
    }
    text
}

/// Without what is another one on each machine, in each version, at each time.
fn normal(text: &str, folder: &Path, url: &str) -> String {
    let text = text.replace(folder.to_str().unwrap(), "[FOLDER]");
    let text = if url.is_empty() { text } else { text.replace(url, "[SERVER]") };
    let text = text.replace(env!("CARGO_PKG_VERSION"), "[VERSION]");
    let names = [
        (r"\b[0-9a-f]{32}\b", "[DIGEST]"),
        (r#""(rate|secs|nanos)": [0-9.e-]+"#, r#""$1": [TIME]"#),
        (r"\b[0-9]+ KiB", "[SIZE]"),
    ];
    names.iter().fold(text, |text, (pattern, name)| Regex::new(pattern).unwrap().replace_all(&text, *name).into_owned())
}

/// The files below a folder, in order.
fn list(folder: &Path) -> String {
    let mut names: Vec<String> = files(folder, "");
    names.sort();
    names.into_iter().map(|name| name + "\n").collect()
}

fn files(folder: &Path, above: &str) -> Vec<String> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let name = format!("{above}{}", entry.file_name().to_str().unwrap());
        match entry.path().is_dir() {
            true => names.extend(files(&entry.path(), &format!("{name}/"))),
            false => names.push(name),
        }
    }
    names
}

fn copy(from: &Path, to: &Path) {
    for name in files(from, "").iter().filter(|name| *name != "cmd") {
        let target = to.join(name);
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(from.join(name), target).unwrap();
    }
}
