//! Every way in which a server can misbehave, one at a time. The server is a program that `SVITGEN_TEST_HOSTILE` names;
//! without it these tests say that they skip.

use std::process::Command;
use std::time::Duration;

use svitgen::LlmErrorKind::{self, *};
use svitgen::llm::{Completion, FinishReason, LlmClient, OpenAi, OpenAiConfig, Timeouts};

use super::{request, run};
use crate::hostile::{Hostile, program};

pub(super) fn config_of(server: &Hostile) -> OpenAiConfig {
    OpenAiConfig::new(server.url()).without_proxy().with_model("m")
}

/// What has to come of a fault.
enum Wanted {
    Text,
    Completion(fn(&Completion) -> bool),
    Error(LlmErrorKind),
}

fn wanted(fault: &str, streaming: bool) -> Wanted {
    use Wanted::{Completion, Error, Text};
    match fault {
        "429_secs" | "429_ms" | "429_date" | "429_bare" | "429_huge" | "429_junk" => Error(RateLimited),
        "quota" => Error(Quota),
        "401" | "403" => Error(Credentials),
        "404" => Error(UnknownModel),
        "400_context" => Error(TooLong),
        "400_policy" => Error(Refused),
        "500_html" | "500_json" | "502_html" | "503_html" | "503_empty" => Error(Transient),
        "redirect" | "reset_early" | "reset_body" | "close_body" | "drip" | "hang" | "hang_body" => Error(Transient),
        "trunc_json" | "not_json" | "empty_body" | "missing_fields" | "empty_choices" | "wrong_types" => {
            Error(Malformed)
        }
        "huge" | "deep" | "bad_utf8" | "surrogate" | "bad_gzip" | "gzip_bomb" => Error(Malformed),
        "error_in_200" => Error(Transient),
        "null_content" | "empty_content" => Completion(|completion| completion.text.is_empty()),
        "refusal" => Completion(|completion| !completion.text.is_empty()),
        "finish_length" => Completion(|completion| completion.finish_reason == FinishReason::Length),
        "content_filter" => Completion(|completion| completion.finish_reason == FinishReason::ContentFilter),
        "no_usage" => Completion(|completion| completion.usage.is_none() && completion.text.len() > 100),
        "sse_cut" | "sse_error" if streaming => Error(Transient),
        "sse_garbage" if streaming => Error(Malformed),
        _ => Text,
    }
}

fn ask(fault: &str, streaming: bool) -> Result<Completion, svitgen::LlmError> {
    let setting = format!("{fault}=1");
    let server =
        Hostile::start(&["--fault", &setting, "--late-ms", "200", "--slow-ms", "1", "--huge-mb", "12"]).unwrap();
    // What never ends is not waited for; all else has all the time that a busy machine may take.
    let is_endless = matches!(fault, "drip" | "hang" | "hang_body");
    let patience = Duration::from_millis(if is_endless { 800 } else { 100_000 });
    let timeouts = Timeouts::default().with_first_byte(patience).with_whole(patience);
    let config = config_of(&server).with_timeouts(timeouts);
    let client = OpenAi::new(if streaming { config.with_streaming() } else { config }).unwrap();
    run(client.complete(&request()))
}

fn check_all(streaming: bool) {
    let Some(program) = program() else { return };
    let list = Command::new(program).arg("--list-faults").output().unwrap().stdout;
    let list = String::from_utf8(list).unwrap();
    let mut wrong = Vec::new();
    for line in list.lines() {
        let fault = line.split(' ').next().unwrap();
        let result = ask(fault, streaming);
        // Faults of whole bodies are none of streams, which the server then sends whole.
        let is_whole = result.as_ref().is_ok_and(|completion| completion.text.len() > 1000);
        let is_right = is_whole && streaming
            || match (wanted(fault, streaming), &result) {
                (Wanted::Text, Ok(completion)) => completion.text.len() > 30,
                (Wanted::Completion(check), Ok(completion)) => check(completion),
                (Wanted::Error(kind), Err(error)) => error.kind() == kind,
                _ => false,
            };
        if !is_right {
            wrong.push(format!("{:.300}", format!("{fault}: {result:?}")));
        }
    }
    println!("{} faults, streaming: {streaming}", list.lines().count());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_fault_alone() {
    check_all(false);
}

#[test]
fn every_fault_alone_while_streaming() {
    check_all(true);
}

#[test]
fn waits_are_those_of_the_server() {
    for (fault, seconds) in [("429_secs", 1.0..=1.0), ("429_date", 0.0..=3.0), ("429_huge", 86_400.0..=86_400.0)] {
        if program().is_none() {
            return;
        }
        let wait = ask(fault, false).unwrap_err().retry_after().unwrap().as_secs_f64();
        assert!(seconds.contains(&wait), "{fault}: {wait}");
    }
}
