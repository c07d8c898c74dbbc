//! `run.json`: all that decides what the data of a run will be.

use std::fs;
use std::io;
use std::path::Path;

use serde_json::{Map, Value, json};

use crate::annotation::RecordSource;
use crate::atomic;
use crate::error::{Error, ErrorKind, Result};
use crate::pipeline::{Pipeline, TaskRow};

/// Format of run folders; a folder of another one is refused.
const FORMAT: u64 = 1;

const FILE: &str = "run.json";

/// What of a task decides about its prompts.
const PROMPT_KEYS: [&str; 5] = ["template", "sections", "instructions", "json", "cites_numbers"];

/// Writes the manifest of a new run, or holds that of an old one against what is asked for now.
///
/// The limit and the list of tasks may grow; any other difference would mix two kinds of data in one folder.
pub(super) fn agree(folder: &Path, pipeline: &Pipeline, source: &dyn RecordSource) -> Result<()> {
    let path = folder.join(FILE);
    let now = manifest(pipeline, source);
    let before = match fs::read(&path) {
        Ok(bytes) => parse(&path, &bytes)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return write(folder, &now),
        Err(error) => return Err(Error::io("read", &path, error)),
    };
    if let Some((option, before, now)) = difference(&before, &now) {
        return Err(ErrorKind::RunDiffers { folder: folder.to_owned(), option, before, now }.into());
    }
    if before == now { Ok(()) } else { write(folder, &now) }
}

/// The manifest of a run whose replies are read once more: what decides about the prompts is held against the old one,
/// and who answered stays.
pub(super) fn reparsed(folder: &Path, pipeline: &Pipeline, source: &dyn RecordSource) -> Result<Value> {
    let path = folder.join(FILE);
    let before = parse(&path, &fs::read(&path).map_err(|source| Error::io("read", &path, source))?)?;
    let mut now = manifest(pipeline, source);
    let prompts = |manifest: &Value| {
        let tasks = manifest["tasks"].as_object().into_iter().flatten();
        let task = |(name, task): (&String, &Value)| {
            let parts = PROMPT_KEYS.map(|key| (key.to_owned(), task[key].clone()));
            (name.clone(), Value::Object(parts.into_iter().collect()))
        };
        let tasks: Map<String, Value> = tasks.map(task).collect();
        json!({"format": manifest["format"], "prompt": manifest["prompt"], "inputs": manifest["inputs"],
            "selection": manifest["selection"], "tasks": tasks})
    };
    if let Some((option, before, now)) = difference(&prompts(&before), &prompts(&now)) {
        return Err(ErrorKind::RunDiffers { folder: folder.to_owned(), option, before, now }.into());
    }
    now["client"] = before["client"].clone();
    for (name, task) in before["tasks"].as_object().into_iter().flatten() {
        now["tasks"][name]["parameters"] = task["parameters"].clone();
    }
    Ok(now)
}

/// Names of the tasks of the run in `folder`.
pub(super) fn task_names(folder: &Path) -> Result<Vec<String>> {
    let path = folder.join(FILE);
    let bytes = fs::read(&path).map_err(|source| Error::io("read", &path, source))?;
    let manifest = parse(&path, &bytes)?;
    let tasks = manifest.get("tasks").and_then(Value::as_object);
    Ok(tasks.into_iter().flat_map(Map::keys).cloned().collect())
}

fn manifest(pipeline: &Pipeline, source: &dyn RecordSource) -> Value {
    let task = |row: &TaskRow| {
        let mut manifest = row.task.manifest();
        manifest["parameters"] = json!(row.parameters);
        (row.task.name().to_owned(), manifest)
    };
    let tasks: Map<String, Value> = pipeline.tasks.iter().map(task).collect();
    json!({
        "format": FORMAT,
        "svitgen": env!("CARGO_PKG_VERSION"),
        "client": pipeline.client.name(),
        "prompt": pipeline.prompt_options,
        "policy": pipeline.policy,
        "top_ups": pipeline.top_ups,
        "lint": pipeline.lints,
        "tasks": tasks,
        "inputs": source.inputs(),
        "selection": source.selection(),
        "limit": pipeline.limit,
    })
}

fn parse(path: &Path, bytes: &[u8]) -> Result<Value> {
    serde_json::from_slice(bytes).map_err(|source| ErrorKind::RunFile { path: path.to_owned(), source }.into())
}

pub(super) fn write(folder: &Path, manifest: &Value) -> Result<()> {
    atomic::write(&folder.join(FILE), format!("{manifest:#}\n").as_bytes())
}

/// The first option that differs and must not, with its values.
fn difference(before: &Value, now: &Value) -> Option<(String, String, String)> {
    let keys = ["format", "client", "prompt", "policy", "top_ups", "lint", "inputs", "selection"];
    let fixed = keys.iter().find_map(|key| differs(key, &before[key], &now[key]));
    let mut tasks: Vec<_> = before["tasks"].as_object().into_iter().flatten().collect();
    tasks.sort_by_key(|(name, _)| *name);
    let task =
        || tasks.into_iter().find_map(|(name, task)| differs(&format!("task {name}"), task, &now["tasks"][name]));
    fixed.or_else(task).or_else(|| shrunk_limit(&before["limit"], &now["limit"]))
}

fn differs(path: &str, before: &Value, now: &Value) -> Option<(String, String, String)> {
    match (before, now) {
        (Value::Object(before), Value::Object(now)) => {
            let mut keys: Vec<_> = before.keys().chain(now.keys()).collect();
            keys.sort();
            let value = |object: &Map<String, Value>, key: &String| object.get(key).cloned().unwrap_or(Value::Null);
            keys.iter().find_map(|key| differs(&format!("{path}.{key}"), &value(before, key), &value(now, key)))
        }
        _ if before == now => None,
        (Value::Array(files), Value::Array(others)) if path == "inputs" => {
            Some((path.to_owned(), shown_files(files, others), shown_files(others, files)))
        }
        (Value::Object(_), Value::Null) if path.starts_with("task ") => {
            Some((path.to_owned(), "asked for".to_owned(), "not set".to_owned()))
        }
        _ => Some((path.to_owned(), shown(before), shown(now))),
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "not set".to_owned(),
        Value::Object(options) => {
            let is_set = |value: &Value| !matches!(value, Value::Null | Value::Bool(false)) && *value != 0;
            let mut set: Vec<String> = options
                .iter()
                .filter(|(_, value)| is_set(value))
                .map(|(key, value)| format!("{key} {value}"))
                .collect();
            set.sort();
            set.join(", ")
        }
        value => value.to_string(),
    }
}

/// The files that are not among the others.
fn shown_files(files: &[Value], others: &[Value]) -> String {
    let differing = files.iter().filter(|file| !others.contains(file));
    let shown = |file: &Value| {
        let name = file["name"].as_str().unwrap_or_default();
        format!("{name} ({} bytes, digest {})", file["bytes"], file["digest"].as_str().unwrap_or("not known"))
    };
    let shown: Vec<String> = differing.map(shown).collect();
    if shown.is_empty() { "the others alone".to_owned() } else { shown.join(", ") }
}

fn shrunk_limit(before: &Value, now: &Value) -> Option<(String, String, String)> {
    let images = |limit: &Value| limit.as_u64().unwrap_or(u64::MAX);
    (images(now) < images(before)).then(|| ("limit".to_owned(), shown(before), shown(now)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_is_no_difference() {
        let base = json!({"prompt": {"seed": 1}, "tasks": {"a": {"form": "x"}}, "limit": 5, "svitgen": "0.1.0"});
        let check = |change: Value, expected: Option<&str>| {
            let mut now = base.clone();
            for (key, value) in change.as_object().unwrap() {
                now[key] = value.clone();
            }
            assert_eq!(difference(&base, &now).map(|(option, _, _)| option).as_deref(), expected, "{change}");
        };
        check(json!({}), None);
        check(json!({"svitgen": "0.2.0"}), None);
        check(json!({"limit": 6}), None);
        check(json!({"limit": null}), None);
        check(json!({"limit": 4}), Some("limit"));
        check(json!({"tasks": {"a": {"form": "x"}, "b": {}}}), None);
        check(json!({"tasks": {"b": {}}}), Some("task a"));
        check(json!({"tasks": {"a": {"form": "y"}}}), Some("task a.form"));
        check(json!({"prompt": {"seed": 2}}), Some("prompt.seed"));
        check(json!({"inputs": []}), Some("inputs"));
        check(json!({"selection": {"shard": "1/2"}}), Some("selection"));
    }
}
