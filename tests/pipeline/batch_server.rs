//! A server with a Batch API that forgets things when a test says so.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use svitgen::llm::testing::{FaultServer, ServerReply, ServerRequest};
use svitgen::llm::{BatchApi, OpenAiConfig};

/// What the server has, and what it does not do.
#[derive(Debug, Default)]
pub(crate) struct State {
    /// The ids of the requests in each file that was uploaded, and its name.
    files: BTreeMap<String, (String, Vec<String>)>,
    batches: BTreeMap<String, Value>,
    /// Paths that are not found, or lists that do not have an entry.
    pub(crate) forgotten: BTreeSet<String>,
    /// Paths that fail.
    pub(crate) failing: BTreeSet<String>,
    /// Requests, from the first one in a batch, whose results are in the file of errors.
    pub(crate) n_errors: usize,
}

pub(crate) struct BatchServer {
    server: FaultServer,
    state: Arc<Mutex<State>>,
}

impl BatchServer {
    pub(crate) fn start() -> Self {
        let state: Arc<Mutex<State>> = Arc::default();
        let shared = state.clone();
        let server = FaultServer::start(move |_, request| shared.lock().unwrap().answer(request)).unwrap();
        Self { server, state }
    }

    pub(crate) fn api(&self) -> BatchApi {
        BatchApi::new(OpenAiConfig::new(self.server.base_url()).without_proxy().with_model("gpt-4o-mini")).unwrap()
    }

    pub(crate) fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().unwrap());
    }

    /// How many batches were created.
    pub(crate) fn n_batches(&self) -> usize {
        self.state.lock().unwrap().batches.len()
    }

    /// How many requests were in all batches.
    pub(crate) fn n_requests(&self) -> usize {
        self.state.lock().unwrap().files.values().map(|(_, ids)| ids.len()).sum()
    }
}

fn json_reply(value: &Value) -> ServerReply {
    ServerReply::status(200).with_header("Content-Type", "application/json").with_body(value.to_string())
}

fn not_found() -> ServerReply {
    ServerReply::status(404).with_body(r#"{"error": {"message": "No such object"}}"#)
}

impl State {
    fn answer(&mut self, request: &ServerRequest) -> ServerReply {
        let path = request.path.split('?').next().unwrap_or_default().trim_start_matches("/v1/").to_owned();
        let is_post = request.header("content-type").is_some();
        if self.failing.contains(&path) {
            return ServerReply::status(500).with_body("it is ill");
        }
        if self.forgotten.contains(&path) {
            return not_found();
        }
        match path.split('/').collect::<Vec<_>>()[..] {
            ["files"] if is_post => self.upload(&String::from_utf8_lossy(&request.bytes)),
            ["files"] => {
                let files = self.files.iter().filter(|(id, _)| !self.forgotten.contains(&format!("files/{id}")));
                let files = files.map(|(id, (name, _))| json!({"id": id, "filename": name}));
                json_reply(&json!({"data": files.collect::<Vec<_>>()}))
            }
            ["files", id, "content"] => self.results(id),
            ["batches"] if is_post => self.create(&request.body),
            ["batches"] => {
                let batches = self.batches.iter().filter(|(id, _)| !self.forgotten.contains(&format!("listed/{id}")));
                json_reply(&json!({"data": batches.map(|(_, batch)| batch).collect::<Vec<_>>()}))
            }
            ["batches", id] => self.batches.get(id).map_or_else(not_found, json_reply),
            _ => not_found(),
        }
    }

    fn upload(&mut self, form: &str) -> ServerReply {
        let lines = form.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let ids = lines.filter_map(|line| Some(line["custom_id"].as_str()?.to_owned())).collect();
        let name = form.split("filename=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default();
        let id = format!("file-{}", self.files.len() + 1);
        self.files.insert(id.clone(), (name.to_owned(), ids));
        json_reply(&json!({"id": id, "filename": name}))
    }

    fn create(&mut self, body: &Value) -> ServerReply {
        let n = self.batches.len() + 1;
        let batch = json!({
            "id": format!("batch-{n}"), "status": "completed", "input_file_id": body["input_file_id"],
            "metadata": body["metadata"], "output_file_id": format!("out-{n}"), "error_file_id": format!("err-{n}"),
        });
        self.batches.insert(format!("batch-{n}"), batch.clone());
        json_reply(&batch)
    }

    /// The results of a batch: the file says which.
    fn results(&self, file: &str) -> ServerReply {
        let Some((kind, number)) = file.split_once('-') else { return not_found() };
        let Some((_, ids)) = self.files.get(&format!("file-{number}")) else { return not_found() };
        let (errors, replies) = ids.split_at(self.n_errors.min(ids.len()));
        let line = |id: &String| match kind {
            "err" => json!({"custom_id": id, "error": {"code": "batch_expired", "message": "not reached"}}),
            _ => json!({"custom_id": id, "response": {"status_code": 200, "body": {
                "id": format!("chatcmpl-{id}"), "model": "gpt-4o-mini",
                "choices": [{"message": {"role": "assistant", "content": "A thing stands in a room."},
                             "finish_reason": "stop"}],
                "usage": {"prompt_tokens": 100, "completion_tokens": 10},
            }}}),
        };
        let ids = if kind == "err" { errors } else { replies };
        ServerReply::status(200).with_body(ids.iter().map(|id| format!("{}\n", line(id))).collect::<String>())
    }
}
