//! A server with a real model behind it; `SVITGEN_TEST_SERVER` is its base URL, `SVITGEN_TEST_MODEL` its model.

use std::env;
use std::process::{Command, Stdio};
use std::time::Instant;

use svitgen::llm::{CompletionRequest, LlmClient, OpenAi, OpenAiConfig, ResponseFormat};
use svitgen::pipeline::RunFolder;
use svitgen::{Message, MessageRole, Parameters};

use crate::support::say;

fn server() -> Option<(String, String)> {
    let Ok(base_url) = env::var("SVITGEN_TEST_SERVER") else {
        say("skipped: SVITGEN_TEST_SERVER names no server with a model");
        return None;
    };
    Some((base_url, env::var("SVITGEN_TEST_MODEL").unwrap_or_else(|_| "tiny".to_owned())))
}

#[test]
fn a_real_server_answers_all_tasks() {
    let Some((base_url, model)) = server() else { return };
    // The Python server of llama.cpp cuts a stream when another request comes.
    let one_by_one = &["--json-replies", "--stream", "--concurrency", "1"][..];
    for form in [&["--concurrency", "2"][..], &["--json-replies", "--concurrency", "2"], one_by_one] {
        let folder = tempfile::tempdir().unwrap();
        let run = folder.path().join("run");
        let start = Instant::now();
        let output = Command::new(env!("CARGO_BIN_EXE_svitgen"))
            .args(["generate", "--sample", "--limit", "3", "--top-ups", "1", "--llm", "openai", "--max-tokens", "400"])
            .args(["--base-url", &base_url, "--model", &model, "--sampling-seed", "1"])
            .args(form)
            .arg("--out")
            .arg(&run)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        let ledger = RunFolder::open(&run).unwrap().ledger().unwrap();
        let total = ledger.total();
        assert_eq!((total.inputs, total.failed, total.pending), (12, 0, 0));
        assert_eq!(total.inputs, total.accepted + total.partial + total.rejected);
        // What a model says of its own accord is its own affair; what it is held to by a schema can be read.
        assert!(!form.contains(&"--json-replies") || total.pairs > 0, "{ledger}");
        say(format_args!("{form:?}, {:.1} s\n{ledger}", start.elapsed().as_secs_f64()));
    }
}

#[test]
fn a_real_server_is_asked_for_a_schema_in_a_form_that_it_takes() {
    let Some((base_url, model)) = server() else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let client = OpenAi::new(OpenAiConfig::new(base_url).with_model(model)).unwrap();
        let schema = serde_json::json!({
            "type": "object", "properties": {"answer": {"type": "string"}}, "required": ["answer"],
            "additionalProperties": false,
        });
        let format = ResponseFormat::JsonSchema { name: "answer".to_owned(), schema };
        let question = Message::new(MessageRole::User, "What colour has grass? Reply in JSON with the key \"answer\".");
        let request = CompletionRequest::new(vec![question])
            .with_parameters(Parameters::default().with_max_tokens(400))
            .with_response_format(Some(format));
        let first = client.complete(&request).await.unwrap();
        let refused = client.refused_fields();
        let second = client.complete(&request).await.unwrap();
        assert_eq!(client.refused_fields(), refused, "what is refused is learnt at the first call");
        for completion in [&first, &second] {
            let value: serde_json::Value = serde_json::from_str(&completion.text).unwrap();
            assert!(value["answer"].is_string(), "{}", completion.text);
        }
        say(format_args!("refused and learnt: {refused:?}; {:?}, {:?}", first.text, first.usage));
    });
}
