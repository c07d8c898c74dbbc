//! What is sent, and what is no longer sent once a server has refused it.

use std::sync::Arc;

use serde_json::{Value, json};
use svitgen::Parameters;
use svitgen::llm::{CompletionRequest, LlmClient, OpenAi, ResponseFormat, TokenLimit};

use super::server::{Received, Server, answer, reply};
use super::{config, request, run};

fn with_schema() -> CompletionRequest {
    let schema = json!({"type": "object"});
    request().with_response_format(Some(ResponseFormat::JsonSchema { name: "pairs".to_owned(), schema }))
}

fn full() -> CompletionRequest {
    let parameters = Parameters::default().with_max_tokens(9).with_temperature(0.5).with_top_p(0.9).with_seed(3);
    with_schema().with_parameters(parameters)
}

fn refusal(status: u16, message: &str, parameter: &str) -> Vec<u8> {
    let error = json!({"message": message, "type": "invalid_request_error", "param": parameter, "code": null});
    answer(status, &[], json!({"error": error}).to_string())
}

/// The field `name` of each request, as a server saw it.
fn seen(server: &Server, name: &str) -> Vec<Value> {
    server.received().iter().map(|received| received.json()[name].clone()).collect()
}

#[test]
fn everything_that_is_asked_for_is_sent_once() {
    let server = Server::start(|_, _| reply("{}"));
    let config = config(&server).with_extra("top_k", 20).with_extra("seed", 11).with_header("X-Title", "svitgen");
    run(OpenAi::new(config).unwrap().complete(&full())).unwrap();
    let received = &server.received()[0];
    assert_eq!(received.line, "POST /v1/chat/completions HTTP/1.1");
    assert_eq!(received.header("x-title"), Some("svitgen"));
    assert_eq!(received.header("content-type"), Some("application/json"));
    let messages = json!([
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "What is \"this\"?\nA dog – or image_id 7?"},
    ]);
    let format = json!({"type": "json_schema",
        "json_schema": {"name": "pairs", "strict": true, "schema": {"type": "object"}}});
    let wanted = json!({"model": "m", "messages": messages, "max_tokens": 9, "temperature": 0.5, "top_p": 0.9, "seed": 11,
        "top_k": 20, "response_format": format});
    assert_eq!(received.json(), wanted);
    assert_eq!(String::from_utf8_lossy(&received.body).matches("\"seed\"").count(), 1);
}

#[test]
fn the_format_falls_back_once_and_for_all() {
    for status in [400, 422, 500] {
        let server =
            Server::start(move |_, received: &Received| match received.json()["response_format"]["type"].as_str() {
                Some("json_schema") => refusal(status, "response_format type json_schema is not supported", ""),
                _ => reply("{}"),
            });
        let client = OpenAi::new(config(&server)).unwrap();
        run(async {
            for _ in 0..3 {
                client.complete(&with_schema()).await.unwrap();
            }
        });
        let object = json!({"type": "json_object", "schema": {"type": "object"}});
        let formats = seen(&server, "response_format");
        assert_eq!(formats.len(), 4);
        assert_eq!(formats[1..], [object.clone(), object.clone(), object]);
        assert_eq!(client.refused_fields(), ["response_format json_schema"]);
    }
}

#[test]
fn the_format_falls_back_to_none() {
    let server = Server::start(|_, received: &Received| match received.json()["response_format"].is_null() {
        false => refusal(400, "'response_format' is not supported by this model", "response_format"),
        true => reply("{}"),
    });
    let client = OpenAi::new(config(&server)).unwrap();
    run(async {
        client.complete(&with_schema()).await.unwrap();
        client.complete(&with_schema()).await.unwrap();
        client.complete(&request().with_response_format(Some(ResponseFormat::JsonObject))).await.unwrap();
    });
    assert_eq!(server.received().len(), 6);
    let with_schema = "response_format json_object with a schema";
    assert_eq!(client.refused_fields(), ["response_format json_schema", with_schema, "response_format json_object"]);
}

#[test]
fn the_format_falls_back_to_an_object_of_any_shape() {
    let server = Server::start(|_, received: &Received| match &received.json()["response_format"] {
        format if format["type"] == "json_schema" => {
            refusal(400, "type must be one of text, json_object", "response_format.type")
        }
        format if format["schema"].is_object() => {
            refusal(422, "extra inputs are not permitted", "response_format.schema")
        }
        _ => reply("{}"),
    });
    let client = OpenAi::new(config(&server)).unwrap();
    run(async {
        client.complete(&with_schema()).await.unwrap();
        client.complete(&with_schema()).await.unwrap();
    });
    assert_eq!(seen(&server, "response_format")[2..], [json!({"type": "json_object"}), json!({"type": "json_object"})]);
}

#[test]
fn a_server_error_is_no_refusal_once_a_schema_beside_json_object_has_been_answered() {
    let server = Server::start(|n, received: &Received| match received.json()["response_format"]["type"].as_str() {
        Some("json_schema") => answer(500, &[], "Internal Server Error"),
        _ if n == 2 => answer(500, &[], "Internal Server Error"),
        _ => reply("{}"),
    });
    let client = OpenAi::new(config(&server)).unwrap();
    run(async {
        client.complete(&with_schema()).await.unwrap();
        client.complete(&with_schema()).await.unwrap_err();
        client.complete(&with_schema()).await.unwrap();
    });
    assert_eq!(server.received().len(), 4);
    assert_eq!(client.refused_fields(), ["response_format json_schema"]);
}

#[test]
fn a_server_error_without_words_may_be_a_refusal_of_the_schema() {
    let server = Server::start(|_, received: &Received| match received.json()["response_format"]["type"].as_str() {
        Some("json_schema") => answer(500, &[], "Internal Server Error"),
        _ => reply("{}"),
    });
    let client = OpenAi::new(config(&server)).unwrap();
    run(async {
        client.complete(&with_schema()).await.unwrap();
        client.complete(&with_schema()).await.unwrap();
    });
    assert_eq!(server.received().len(), 3);
}

#[test]
fn a_server_error_is_no_refusal_once_a_schema_has_been_answered() {
    let server = Server::start(|n, _| if n == 1 { answer(500, &[], "Internal Server Error") } else { reply("{}") });
    let client = OpenAi::new(config(&server)).unwrap();
    run(async {
        client.complete(&with_schema()).await.unwrap();
        client.complete(&with_schema()).await.unwrap_err();
        client.complete(&with_schema()).await.unwrap();
    });
    assert_eq!(server.received().len(), 3);
    assert!(client.refused_fields().is_empty());
}

#[test]
fn a_server_that_is_down_is_not_asked_for_ever() {
    let server = Server::start(|_, _| answer(500, &[], ""));
    let client = OpenAi::new(config(&server)).unwrap();
    run(async {
        for _ in 0..5 {
            assert!(client.complete(&with_schema()).await.unwrap_err().is_transient());
        }
    });
    assert_eq!(server.received().len(), 5 + 4, "a call each, and four guesses");
    assert!(client.refused_fields().is_empty());
}

#[test]
fn names_and_fields_are_learnt_once() {
    let server = Server::start(|_, received: &Received| {
        let body = received.json();
        let has = |name: &str| !body[name].is_null();
        if has("max_tokens") {
            let words = "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.";
            refusal(400, words, "max_tokens")
        } else if has("temperature") {
            refusal(
                400,
                "Unsupported value: 'temperature' does not support 0.5. Only the default (1) is.",
                "temperature",
            )
        } else if has("top_p") {
            answer(422, &[], r#"{"detail": [{"type": "extra_forbidden", "loc": ["body", "top_p"]}]}"#)
        } else if has("seed") {
            answer(400, &[], r#"{"error": {"message": "Unrecognized request argument supplied: seed"}}"#)
        } else {
            reply("{}")
        }
    });
    let client = OpenAi::new(config(&server)).unwrap();
    run(async {
        client.complete(&full()).await.unwrap();
        client.complete(&full()).await.unwrap();
    });
    assert_eq!(server.received().len(), 6, "four refusals and two replies");
    assert_eq!(client.refused_fields(), ["temperature", "top_p", "seed"]);
    let last = server.received()[5].json();
    assert_eq!((&last["max_completion_tokens"], &last["response_format"]["type"]), (&json!(9), &json!("json_schema")));
}

#[test]
fn a_value_that_is_out_of_range_is_the_users_error() {
    let server = Server::start(|_, _| refusal(400, "temperature must be between 0 and 2", "temperature"));
    let client = OpenAi::new(config(&server).with_token_limit(TokenLimit::MaxCompletionTokens)).unwrap();
    let error = run(client.complete(&full())).unwrap_err();
    assert_eq!(error.message(), "HTTP 400: temperature must be between 0 and 2");
    assert_eq!(seen(&server, "max_completion_tokens"), [json!(9)]);
    assert!(client.refused_fields().is_empty());
}

#[test]
fn many_calls_learn_together() {
    let server = Server::start(|_, received: &Received| match received.json()["response_format"]["type"].as_str() {
        Some("json_schema") => refusal(400, "json_schema is not supported", ""),
        _ => reply("{}"),
    });
    let client = Arc::new(OpenAi::new(config(&server)).unwrap());
    run(async {
        let calls = (0..16).map(|_| {
            let client = Arc::clone(&client);
            async move { client.complete(&with_schema()).await.unwrap() }
        });
        assert_eq!(futures::future::join_all(calls).await.len(), 16);
        client.complete(&with_schema()).await.unwrap();
    });
    let schemas = seen(&server, "response_format").iter().filter(|format| format["type"] == "json_schema").count();
    assert!(schemas <= 16, "{schemas}");
    assert_eq!(server.received().len(), schemas + 17);
}
