//! The shared sample replies, each with the result that a careful parser should give.

use std::collections::BTreeSet;

use serde_json::Value;
use svitgen::reply::{Asked, Item, Outcome, Parsed, ReplyContext, ReplyEnd, ReplyForm, ReplyParser};

use crate::account::check_account;
use crate::support::{say, shared};

/// What the parser does not read yet.
const NOT_YET: [&str; 0] = [];

#[test]
fn sample_replies_give_the_expected_result() {
    let Some(folder) = shared("replies") else { return };
    let mut n_passed = 0;
    let mut failed = BTreeSet::new();
    let mut entries: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries.iter().filter(|path| path.extension().is_some_and(|extension| extension == "json")) {
        let case: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let id = case["id"].as_str().unwrap().to_owned();
        match check(&case) {
            Ok(()) => n_passed += 1,
            Err(reason) => {
                say(format_args!("{id}: {reason}"));
                failed.insert(id);
            }
        }
    }
    say(format_args!("{n_passed} real replies read as expected, not yet: {failed:?}"));
    assert_eq!(failed, NOT_YET.map(str::to_owned).into());
    assert!(n_passed >= 20, "{n_passed}");
}

fn check(case: &Value) -> Result<(), String> {
    let reply = case["reply"].as_str().unwrap();
    let parsed = parse(case, reply);
    check_account(reply, &parsed);
    let expect = &case["expect"];
    let outcome = parsed.outcome.to_string();
    let accepted = expect["also_accept"].as_array().into_iter().flatten().chain([&expect["outcome"]]);
    if !accepted.into_iter().any(|value| value == outcome.as_str()) {
        return Err(format!("outcome {outcome}, {:?}", parsed.issues));
    }
    check_items(expect, &parsed)?;
    check_codes(expect, &parsed)
}

fn parse(case: &Value, reply: &str) -> Parsed {
    let asked = &case["asked"];
    let count = |name: &str| asked[name].as_u64().map(|n| n as usize);
    let form = match case["task"].as_str().unwrap() {
        "conversation" => ReplyForm::Conversations { conversations: 3, pairs: 5 },
        "detail_description" => ReplyForm::Description,
        _ => ReplyForm::QaList { pairs: 15 },
    };
    let asked =
        Asked { conversations: count("conversations"), pairs: count("qas").or_else(|| count("qas_per_conversation")) };
    let mut parser = ReplyParser::new(form).with_asked(asked);
    if case["task"] == "referring_qa" {
        parser = parser.grounded();
    }
    let end = if case["finish_reason"] == "length" { ReplyEnd::Cut } else { ReplyEnd::Whole };
    parser.parse(reply, &ReplyContext::default().with_end(end))
}

fn check_items(expect: &Value, parsed: &Parsed) -> Result<(), String> {
    if let Some(description) = expect["description"].as_str().filter(|_| parsed.outcome != Outcome::Reject) {
        same(&parsed.items[0].answer.text, description)?;
    }
    if let Some(qas) = expect["qas"].as_array() {
        check_qas(qas, parsed.items.iter())?;
    }
    for (index, conversation) in expect["conversations"].as_array().into_iter().flatten().enumerate() {
        let topic = parsed.topics[index].as_ref().map(|topic| topic.text.as_str());
        if topic != conversation["topic"].as_str() {
            return Err(format!("topic {topic:?}"));
        }
        let items = parsed.items.iter().filter(|item| item.conversation == index);
        check_qas(conversation["qas"].as_array().unwrap(), items)?;
    }
    Ok(())
}

fn check_qas<'a>(qas: &[Value], items: impl Iterator<Item = &'a Item>) -> Result<(), String> {
    let items: Vec<_> = items.collect();
    if items.len() != qas.len() {
        return Err(format!("{} pairs instead of {}", items.len(), qas.len()));
    }
    for (item, qa) in items.iter().zip(qas) {
        let question = item.question.as_ref().ok_or("no question")?;
        same(&question.text, qa["q"].as_str().unwrap())?;
        same(&item.answer.text, qa["a"].as_str().unwrap())?;
        for (text, name) in [(question, "q_refs"), (&item.answer, "a_refs")] {
            let refs: Vec<Value> = text
                .references
                .iter()
                .map(|reference| {
                    let boxes: Vec<_> = reference.boxes.iter().map(|b| b.bbox.edges()).collect();
                    serde_json::json!({"phrase": reference.phrase, "boxes": boxes})
                })
                .collect();
            if !qa[name].is_null() && qa[name] != Value::Array(refs.clone()) {
                return Err(format!("{name}: {refs:?}"));
            }
        }
    }
    Ok(())
}

/// Each item that is expected to be flagged or dropped has its code among the issues.
fn check_codes(expect: &Value, parsed: &Parsed) -> Result<(), String> {
    let lists = [&expect["flagged"], &expect["dropped"]];
    let listed = lists.into_iter().filter_map(Value::as_array).flatten().map(|entry| &entry["code"]);
    for code in listed.chain([&expect["code"]]).filter_map(Value::as_str) {
        if !parsed.issues.iter().any(|issue| issue.code.as_str() == code) {
            return Err(format!("no {code} among {:?}", parsed.issues));
        }
    }
    Ok(())
}

fn same(found: &str, expected: &str) -> Result<(), String> {
    let words = |text: &str| {
        text.replace(['`', '\u{200b}'], "").replace("**", "").split_whitespace().collect::<Vec<_>>().join(" ")
    };
    if words(found) == words(expected) { Ok(()) } else { Err(format!("{found:?} instead of {expected:?}")) }
}
