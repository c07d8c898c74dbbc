//! The Batch API: lines, uploads, lists, results.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Cursor;
use std::time::Duration;

use futures::StreamExt;
use serde_json::{Value, json};
use svitgen::llm::{Batch, BatchApi, BatchResult, BatchStatus, CompletionRequest, Message, MessageRole, Secret};
use svitgen::{LlmError, LlmErrorKind, Parameters};

use super::hostile::config_of;
use super::server::{Received, Server, answer, completion};
use super::{config, request, run};
use crate::hostile::Hostile;

fn batch(fields: Value) -> Batch {
    serde_json::from_value(fields).unwrap()
}

fn finished() -> Batch {
    batch(json!({"id": "b", "status": "completed", "output_file_id": "out", "error_file_id": "err"}))
}

async fn collect(api: &BatchApi, batch: &Batch) -> Vec<Result<BatchResult, LlmError>> {
    api.results(batch).collect().await
}

#[test]
fn a_request_is_one_line() {
    let server = Server::start(|_, _| Vec::new());
    let api = BatchApi::new(config(&server).with_streaming().with_extra("top_k", 4)).unwrap();
    let request = request().with_parameters(Parameters::default().with_max_tokens(9));
    let line = String::from_utf8(api.line("7/detail", &request).unwrap()).unwrap();
    assert_eq!(line.find('\n'), Some(line.len() - 1));
    let value: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(value["custom_id"], "7/detail");
    assert_eq!((&value["method"], &value["url"]), (&json!("POST"), &json!("/v1/chat/completions")));
    let body = &value["body"];
    assert_eq!((&body["model"], &body["max_tokens"], &body["top_k"]), (&json!("m"), &json!(9), &json!(4)));
    assert_eq!(body["messages"].as_array().unwrap().len(), 2);
    assert_eq!(body["stream"], Value::Null);
}

#[test]
fn a_file_is_sent_as_a_form_while_it_is_read() {
    let file = json!({"id": "file-1", "object": "file", "bytes": 5, "filename": null, "purpose": "batch"}).to_string();
    let server = Server::start(move |_, _| answer(200, &[], &file));
    let api = BatchApi::new(config(&server).with_key(Secret::new("key-123"))).unwrap();
    let content = vec![b'x'; 200_000];
    let file = run(api.upload("a\"b\r\n.jsonl", Cursor::new(content.clone()), 200_000)).unwrap();
    assert_eq!((file.id.as_str(), file.name.as_str(), file.bytes), ("file-1", "", 5));
    let received = &server.received()[0];
    assert_eq!(received.line, "POST /v1/files HTTP/1.1");
    assert_eq!(received.header("authorization"), Some("Bearer key-123"));
    let boundary = received.header("content-type").unwrap().split_once("boundary=").unwrap().1;
    let body = String::from_utf8(received.body.clone()).unwrap();
    let parts: Vec<&str> = body.split(&format!("--{boundary}")).collect();
    assert_eq!((parts.len(), parts[0], parts[3]), (4, "", "--\r\n"));
    assert_eq!(parts[1], "\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nbatch\r\n");
    let (head, rest) = parts[2].split_once("\r\n\r\n").unwrap();
    assert!(head.contains("name=\"file\"; filename=\"a_b__.jsonl\""), "{head}");
    assert_eq!(rest.len(), content.len() + 2);
}

#[test]
fn a_file_that_ends_early_or_is_too_large_is_not_uploaded() {
    let server = Server::start(|_, _| answer(200, &[], r#"{"id": "file-1"}"#));
    let api = BatchApi::new(config(&server)).unwrap();
    let error = run(api.upload("x", Cursor::new(vec![b'x'; 10]), 20)).unwrap_err();
    assert_eq!(error.kind(), LlmErrorKind::Transient, "{error}");
    let error = run(api.upload("x", std::io::empty(), BatchApi::MAX_BYTES + 1)).unwrap_err();
    assert_eq!(error.kind(), LlmErrorKind::TooLong);
}

#[test]
fn batches_are_created_and_found_again() {
    let server = Server::start(|_, received: &Received| {
        let path = received.line.split(' ').nth(1).unwrap();
        let object =
            |id: &str, status: &str| json!({"id": id, "status": status, "metadata": {"run": id}, "errors": null});
        let body = match (path, received.line.starts_with("POST")) {
            ("/v1/batches", true) | ("/v1/batches/b1", false) => object("b1", "in_progress"),
            ("/v1/batches/b1/cancel", true) => object("b1", "cancelling"),
            ("/v1/batches?limit=100", _) => json!({"data": [object("b1", "validating")], "has_more": true}),
            ("/v1/batches?limit=100&after=b1", _) => json!({"data": [object("b2", "odd")], "has_more": null}),
            ("/v1/files?limit=100", _) => json!({"data": [{"id": "f", "filename": "a.jsonl", "bytes": 3}]}),
            _ => return answer(404, &[], r#"{"error": {"message": "No such batch"}}"#),
        };
        answer(200, &[], body.to_string())
    });
    let api = BatchApi::new(config(&server)).unwrap();
    run(async {
        let metadata = BTreeMap::from([("run".to_owned(), "b1".to_owned())]);
        let created = api.create("file-1", &metadata).await.unwrap();
        assert_eq!((created.status, &created.metadata), (BatchStatus::InProgress, &metadata));
        assert_eq!(api.batch("b1").await.unwrap().id, "b1");
        assert_eq!(api.cancel("b1").await.unwrap().status, BatchStatus::Cancelling);
        let all = api.batches().await.unwrap();
        let statuses: Vec<_> = all.iter().map(|batch| batch.status.as_str()).collect();
        assert_eq!(statuses, ["validating", "odd"]);
        assert!(!all[1].status.is_final());
        assert_eq!(api.files().await.unwrap()[0].name, "a.jsonl");
        assert_eq!(api.batch("b9").await.unwrap_err().message(), "HTTP 404: No such batch");
    });
    let create = server.received()[0].json();
    let wanted = json!({"input_file_id": "file-1", "endpoint": "/v1/chat/completions", "completion_window": "24h",
        "metadata": {"run": "b1"}});
    assert_eq!(create, wanted);
}

#[test]
fn a_batch_reads_back_as_it_is_written() {
    let errors = json!({"object": "list", "data": [{"code": "x", "line": 3, "message": "No JSON."}]});
    let counts = json!({"total": 3, "completed": 2, "failed": 1});
    let batch = batch(json!({"id": "b", "status": "failed", "errors": errors, "request_counts": counts}));
    assert_eq!(batch.errors, ["line 3: No JSON."]);
    assert_eq!(serde_json::from_str::<Batch>(&serde_json::to_string(&batch).unwrap()).unwrap(), batch);
}

#[test]
fn results_come_in_any_order_and_state() {
    let good = json!({"custom_id": "a", "response": {"status_code": 200, "body": completion("A dog.")}, "error": null});
    let cut = &good.to_string()[..60];
    let output = format!("{good}\n\n{cut}\r\n{}\n{good}", json!({"custom_id": 7}));
    let errors = [
        json!({"custom_id": "b", "response": null, "error": {"code": "batch_expired", "message": "late"}}),
        json!({"custom_id": "c", "response": {"status_code": 429, "body": {"error": {"message": "slow"}}}}),
        json!({"custom_id": "d", "response": {"status_code": 400, "body": {"error": {"message": "no", "code":
            "content_policy_violation"}}}}),
        json!({"custom_id": "e", "response": {"status_code": 200, "body": {}}}),
    ];
    let errors = errors.map(|line| line.to_string()).join("\n") + "\n";
    let server = Server::start(move |_, received: &Received| match received.line.as_str() {
        "GET /v1/files/out/content HTTP/1.1" => answer(200, &[], &output),
        "GET /v1/files/err/content HTTP/1.1" => answer(200, &[], &errors),
        _ => answer(404, &[], ""),
    });
    let api = BatchApi::new(config(&server)).unwrap();
    let results = run(collect(&api, &finished()));
    let results: Vec<_> = results.into_iter().map(Result::unwrap).collect();
    let told: Vec<_> = results
        .iter()
        .map(|result| {
            (result.custom_id.as_deref(), result.result.as_ref().map(|c| c.text.as_str()).map_err(LlmError::kind))
        })
        .collect();
    let wanted = [
        (Some("a"), Ok("A dog.")),
        (None, Err(LlmErrorKind::Malformed)),
        (Some("7"), Err(LlmErrorKind::Malformed)),
        (Some("a"), Ok("A dog.")),
        (Some("b"), Err(LlmErrorKind::Transient)),
        (Some("c"), Err(LlmErrorKind::RateLimited)),
        (Some("d"), Err(LlmErrorKind::Refused)),
        (Some("e"), Err(LlmErrorKind::Malformed)),
    ];
    assert_eq!(told, wanted);
}

#[test]
fn a_download_that_breaks_ends_with_an_error() {
    let line = json!({"custom_id": "a", "response": {"status_code": 200, "body": completion("A dog.")}}).to_string();
    let whole = answer(200, &[], format!("{line}\n{line}\n"));
    let cut = whole[..whole.len() - 40].to_vec();
    let server = Server::start(move |_, _| cut.clone());
    let api = BatchApi::new(config(&server)).unwrap();
    let results = run(collect(&api, &finished()));
    assert_eq!(results.len(), 2);
    assert!(results[0].is_ok());
    assert_eq!(results[1].as_ref().unwrap_err().kind(), LlmErrorKind::Transient);
    let absent = batch(json!({"id": "b", "status": "failed", "output_file_id": null}));
    assert!(run(collect(&api, &absent)).is_empty());
}

#[test]
fn a_line_beyond_the_cap_is_garbage_and_the_rest_goes_on() {
    let line = json!({"custom_id": "a", "response": {"status_code": 200, "body": completion("A dog.")}}).to_string();
    let output = format!("{}\n{line}\n", "x".repeat(300_000));
    let server = Server::start(move |_, _| answer(200, &[], &output));
    let api = BatchApi::new(config(&server).with_body_cap(100_000)).unwrap();
    let results = run(collect(&api, &batch(json!({"id": "b", "status": "completed", "output_file_id": "out"}))));
    assert_eq!(results.len(), 2);
    assert_eq!(results[0].as_ref().unwrap().result.as_ref().unwrap_err().kind(), LlmErrorKind::Malformed);
    assert_eq!(results[1].as_ref().unwrap().custom_id.as_deref(), Some("a"));
}

#[test]
fn a_download_follows_redirects_without_the_key() {
    let line = json!({"custom_id": "a", "response": {"status_code": 200, "body": completion("A dog.")}}).to_string();
    let away = Server::start(move |_, _| answer(200, &[], &line));
    let location = format!("Location: {}/blob?signature=1", away.url());
    let server = Server::start(move |_, received: &Received| match received.line.contains("content") {
        true => answer(307, &["Location: /v1/moved"], ""),
        false => answer(302, &[&location], ""),
    });
    let config =
        config(&server).with_key(Secret::new("key-123")).with_key_header("api-key").with_header("X-Other", "1");
    let api = BatchApi::new(config).unwrap();
    let results = run(collect(&api, &batch(json!({"id": "b", "status": "completed", "output_file_id": "out"}))));
    assert_eq!(results[0].as_ref().unwrap().result.as_ref().unwrap().text, "A dog.");
    let keys: Vec<_> = server.received().iter().map(|received| received.header("api-key").map(str::to_owned)).collect();
    assert_eq!(keys, [Some("key-123".to_owned()), Some("key-123".to_owned())]);
    let received = &away.received()[0];
    assert_eq!((received.header("api-key"), received.header("x-other")), (None, None));
}

/// Uploads requests for `n` images, creates a batch, finds it again by its metadata, and waits for its end.
async fn go_through(api: &BatchApi, n: usize, cancel: bool) -> Batch {
    let line = |id: usize| {
        let text = format!("image_id {id}\nDescribe it in detail.");
        api.line(&id.to_string(), &CompletionRequest::new(vec![Message::new(MessageRole::User, text)])).unwrap()
    };
    let lines: Vec<u8> = (0..n).flat_map(line).collect();
    let length = lines.len() as u64;
    let file = api.upload("requests.jsonl", Cursor::new(lines), length).await.unwrap();
    assert!(api.files().await.unwrap().iter().any(|known| known.id == file.id && known.bytes == length));
    let metadata = BTreeMap::from([("svitgen_run".to_owned(), "r1".to_owned())]);
    let created = api.create(&file.id, &metadata).await.unwrap();
    let found = api.batches().await.unwrap().into_iter().find(|batch| batch.metadata == metadata).unwrap();
    assert_eq!((&found.id, found.input_file), (&created.id, Some(file.id)));
    if cancel {
        api.cancel(&created.id).await.unwrap();
    }
    for _ in 0..1000 {
        let batch = api.batch(&created.id).await.unwrap();
        if batch.status.is_final() {
            return batch;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the batch never ended");
}

#[test]
fn a_round_trip_with_all_that_goes_wrong() {
    let mut arguments = vec!["--batch-secs", "0.2", "--echo-key"];
    for fault in ["missing=0.15", "dup=0.15", "garbage=0.15", "error=0.15"] {
        arguments.extend(["--batch-fault", fault]);
    }
    let Some(server) = Hostile::start(&arguments) else { return };
    let api = BatchApi::new(config_of(&server)).unwrap();
    let (batch, results) = run(async {
        let batch = go_through(&api, 200, false).await;
        let results = collect(&api, &batch).await;
        (batch, results)
    });
    assert_eq!(batch.status, BatchStatus::Completed);
    let (mut replies, mut errors, mut garbage, mut seen) = (0, 0, 0, BTreeSet::new());
    for result in results.into_iter().map(Result::unwrap) {
        match (result.custom_id, result.result) {
            (Some(id), Ok(completion)) => {
                assert!(completion.text.contains(&format!("(image {id})")), "{id}: {}", completion.text);
                seen.insert(id);
                replies += 1;
            }
            (Some(_), Err(error)) => {
                assert_eq!(error.kind(), LlmErrorKind::Transient);
                errors += 1;
            }
            (None, result) => {
                assert_eq!(result.unwrap_err().kind(), LlmErrorKind::Malformed);
                garbage += 1;
            }
        }
    }
    println!("{replies} replies to {} of 200 requests, {errors} errors, {garbage} lines of garbage", seen.len());
    assert!(replies > seen.len() && errors > 0 && garbage > 0 && seen.len() + errors + garbage < 200);
}

#[test]
fn batches_that_expire_fail_or_are_cancelled() {
    for (fault, cancel, status) in [
        ("expire=1", false, BatchStatus::Expired),
        ("fail=1", false, BatchStatus::Failed),
        ("missing=0", true, BatchStatus::Cancelled),
    ] {
        let Some(server) = Hostile::start(&["--batch-secs", "0.2", "--batch-fault", fault]) else { return };
        let api = BatchApi::new(config_of(&server)).unwrap();
        let (batch, results) = run(async {
            let batch = go_through(&api, 20, cancel).await;
            let results = collect(&api, &batch).await;
            (batch, results)
        });
        assert_eq!(batch.status, status);
        let n_good = results.iter().filter(|result| result.as_ref().unwrap().result.is_ok()).count();
        let wanted = if status == BatchStatus::Failed { (0, 0) } else { (20, 10) };
        assert_eq!((results.len(), n_good), wanted, "{status:?}");
        assert_eq!(batch.errors.is_empty(), status != BatchStatus::Failed);
    }
}
