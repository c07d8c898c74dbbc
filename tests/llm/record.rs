//! What was recorded is given again, and nothing else.

use std::fs;
use std::path::{Path, PathBuf};

use futures::executor::block_on;
use svitgen::llm::{FinishReason, MockLlm, Record, Replay, ResponseFormat, RuleLlm, Usage};
use svitgen::{
    Completion, CompletionRequest, LlmClient, LlmError, LlmErrorKind, Message, MessageRole, Parameters, Pipeline, Task,
    VisualGenome,
};

use crate::request;

fn file() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run/recording.jsonl");
    (folder, path)
}

fn ask(client: &impl LlmClient, request: &CompletionRequest) -> Result<String, LlmError> {
    block_on(client.complete(request)).map(|completion| completion.text)
}

fn echo() -> MockLlm {
    MockLlm::function(|request: &CompletionRequest| format!("to {}", request.last_user_text()))
}

fn record(path: &Path, texts: &[&str]) {
    let client = Record::create(echo(), path).unwrap();
    for text in texts {
        ask(&client, &request(text)).unwrap();
    }
}

#[test]
fn completions_come_back_whole() {
    let (_folder, path) = file();
    let whole = Completion::new("\"Ünï\u{2028}\n\u{0}\"")
        .with_finish_reason(FinishReason::Other("eos".into()))
        .with_usage(Usage { input_tokens: 3, output_tokens: 4 })
        .with_model("m-1")
        .with_id("c-1");
    let client = Record::create(MockLlm::script([whole.clone().into()]), &path).unwrap();
    assert_eq!((client.name(), block_on(client.complete(&request("?"))).unwrap()), ("mock", whole.clone()));
    let replay = Replay::open(&path).unwrap();
    assert_eq!((replay.name(), block_on(replay.complete(&request("?"))).unwrap()), ("replay", whole));
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.starts_with("{\"recording\":1,\"sum\":\"") && text.lines().count() == 2, "{text}");
}

#[test]
fn all_that_is_sent_makes_the_request() {
    let (_folder, path) = file();
    let schema = |kind: &str| {
        let schema = serde_json::json!({ "type": kind });
        Some(ResponseFormat::JsonSchema { name: "s".into(), schema })
    };
    let with = |parameters: Parameters| request("?").with_parameters(parameters);
    let said_by = |role| CompletionRequest::new(vec![Message::new(role, "?")]);
    let requests = [
        request("?"),
        request("??"),
        said_by(MessageRole::System),
        CompletionRequest::new(vec![Message::new(MessageRole::User, ""), Message::new(MessageRole::User, "?")]),
        with(Parameters::default().with_model("m")),
        with(Parameters::default().with_seed(1)),
        with(Parameters::default().with_max_tokens(1)),
        with(Parameters::default().with_temperature(1.0)),
        with(Parameters::default().with_top_p(1.0)),
        request("?").with_response_format(Some(ResponseFormat::JsonObject)),
        request("?").with_response_format(schema("array")),
        request("?").with_response_format(schema("object")),
    ];
    let replies = (0..requests.len()).map(|i| i.to_string().into());
    let client = Record::create(MockLlm::script(replies), &path).unwrap();
    requests.iter().for_each(|request| _ = ask(&client, request).unwrap());
    let replay = Replay::open(&path).unwrap();
    for (i, request) in requests.iter().enumerate().rev() {
        assert_eq!(ask(&replay, request).unwrap(), i.to_string());
    }
}

#[test]
fn a_request_that_was_asked_twice_gets_its_completions_in_turn() {
    let (_folder, path) = file();
    let client = Record::create(MockLlm::script(["one".into(), "two".into()]), &path).unwrap();
    (0..2).for_each(|_| _ = ask(&client, &request("?")).unwrap());
    let replay = Replay::open(&path).unwrap();
    let replies: Vec<String> = (0..4).map(|_| ask(&replay, &request("?")).unwrap()).collect();
    assert_eq!(replies, ["one", "two", "two", "two"]);
}

#[test]
fn what_is_missing_is_named() {
    let (_folder, path) = file();
    record(&path, &["?"]);
    let replay = Replay::open(&path).unwrap();
    let error = ask(&replay, &request(&format!("What is it? {}", "x".repeat(100)))).unwrap_err();
    assert_eq!(error.kind(), LlmErrorKind::InvalidRequest);
    assert!(error.message().contains("recording.jsonl has no completion for this request"), "{error}");
    assert!(error.message().contains("\"What is it? xxx") && error.message().len() < 400, "{error}");
    assert!(ask(&replay, &request("?").with_parameters(Parameters::default().with_seed(1))).is_err());
}

#[test]
fn errors_are_not_recorded() {
    let (_folder, path) = file();
    let replies = [LlmError::new(LlmErrorKind::Transient, "later").into(), "A dog.".into()];
    let client = Record::create(MockLlm::script(replies), &path).unwrap();
    assert!(ask(&client, &request("?")).is_err());
    assert_eq!(ask(&client, &request("?")).unwrap(), "A dog.");
    assert_eq!(ask(&Replay::open(&path).unwrap(), &request("?")).unwrap(), "A dog.");
}

#[test]
fn a_recording_that_was_cut_anywhere_goes_on() {
    let (folder, path) = file();
    record(&path, &["a", "b"]);
    let whole = fs::read(&path).unwrap();
    let line_ends: Vec<usize> = (0..whole.len()).filter(|i| whole[*i] == b'\n').map(|i| i + 1).collect();
    let cut = folder.path().join("cut.jsonl");
    for len in line_ends[0]..=whole.len() {
        fs::write(&cut, &whole[..len]).unwrap();
        record(&cut, &["c"]);
        let replay = Replay::open(&cut).unwrap();
        let has = ["a", "b", "c"].map(|text| ask(&replay, &request(text)).is_ok());
        assert_eq!(has, [line_ends[1] <= len, line_ends[2] <= len, true], "cut at byte {len}");
        assert_eq!(replay.damaged_lines(), 0);
    }
}

#[test]
fn damaged_lines_are_passed_over_and_counted() {
    let (_folder, path) = file();
    record(&path, &["a", "b"]);
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("to a", "to x")).unwrap();
    record(&path, &["c"]);
    let replay = Replay::open(&path).unwrap();
    let has = ["a", "b", "c"].map(|text| ask(&replay, &request(text)).is_ok());
    assert_eq!((has, replay.damaged_lines()), ([false, true, true], 1));
    // A file that changes below an open replay is told from one that never had the request.
    fs::write(&path, text.replace("to b", "to x")).unwrap();
    assert_eq!(ask(&replay, &request("b")).unwrap_err().kind(), LlmErrorKind::Storage);
    fs::write(&path, "").unwrap();
    assert_eq!(ask(&replay, &request("c")).unwrap_err().kind(), LlmErrorKind::Storage);
}

#[test]
fn files_of_others_are_left_alone() {
    let (_folder, path) = file();
    fs::create_dir(path.parent().unwrap()).unwrap();
    for text in ["", "{\"models\": 3}", "{\"models\": 3}\n", "a\nb\n"] {
        fs::write(&path, text).unwrap();
        let error = format!("{:?}", Record::create(echo(), &path).unwrap_err());
        assert!(error.contains("recording.jsonl: it is no recording; name another file"), "{error}");
        let error = format!("{:?}", Replay::open(&path).unwrap_err());
        assert!(error.contains("recording.jsonl: it is neither a recording nor a journal"), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
    assert!(Replay::open(path.with_file_name("absent.jsonl")).is_err());
}

/// All files below `folder` with their contents, by name.
fn outputs(folder: &Path) -> Vec<(String, String)> {
    let mut files = Vec::new();
    for part in ["samples", "units"] {
        for entry in fs::read_dir(folder.join(part)).unwrap() {
            let path = entry.unwrap().path();
            let name = format!("{part}/{}", path.file_name().unwrap().to_string_lossy());
            files.push((name, fs::read_to_string(path).unwrap()));
        }
    }
    files.sort();
    files
}

#[test]
fn a_journal_makes_the_same_run_again() {
    let folder = tempfile::tempdir().unwrap();
    let source = VisualGenome::sample().unwrap();
    let run = |client: Box<dyn LlmClient>, name: &str| {
        let pipeline = Pipeline::builder(client).tasks(Task::built_in()).build().unwrap();
        let path = folder.path().join(name);
        let ledger = block_on(pipeline.run(&source, &path)).unwrap();
        (ledger.to_string(), outputs(&path))
    };
    let (ledger, files) = run(Box::new(RuleLlm::new()), "first");
    let replay = Replay::open(folder.path().join("first/journal.jsonl")).unwrap();
    let (replayed_ledger, replayed_files) = run(Box::new(replay), "second");
    assert!(files.len() >= 8 && files.iter().all(|(_, text)| text.lines().count() > 0), "{ledger}");
    assert_eq!((replayed_ledger, replayed_files), (ledger, files));
}
