//! A server with a real model behind it; `SVITGEN_TEST_SERVER` is its base URL.

use std::env;
use std::process::{Command, Stdio};

use svitgen::pipeline::RunFolder;

use crate::support::say;

#[test]
fn a_real_server_answers_all_tasks() {
    let Ok(base_url) = env::var("SVITGEN_TEST_SERVER") else {
        say("skipped: SVITGEN_TEST_SERVER names no server with a model");
        return;
    };
    let model = env::var("SVITGEN_TEST_MODEL").unwrap_or_else(|_| "tiny".to_owned());
    for form in [&[][..], &["--json-replies"]] {
        let folder = tempfile::tempdir().unwrap();
        let run = folder.path().join("run");
        let output = Command::new(env!("CARGO_BIN_EXE_svitgen"))
            .args(["generate", "--sample", "--limit", "3", "--top-ups", "1", "--llm", "openai", "--max-tokens", "400"])
            .args(["--base-url", &base_url, "--model", &model, "--concurrency", "2", "--sampling-seed", "1"])
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
        say(format_args!("{form:?}\n{ledger}"));
    }
}
