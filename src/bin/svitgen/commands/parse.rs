//! `svitgen parse`: replies in, items and issues out.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, ErrorKind, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use serde::{Deserialize, Serialize};
use svitgen::llm::FinishReason;
use svitgen::reply::{
    Action, Asked, IssueCode, Item, ItemText, Outcome, Parsed, Policy, ReplyContext, ReplyEnd, ReplyForm,
};
use svitgen::{NamedBox, Reference, UnitBox};

use crate::commands::{policy, task};
use crate::failure::{Failure, USAGE};

/// Reads replies of a language model, JSONL in and out.
///
/// A line holds {"id", "reply"} and, if known, "task", "asked" ({"qas": N} or {"conversations": N,
/// "qas_per_conversation": M}), "finish_reason" and "boxes" ([{"name", "box": [x1, y1, x2, y2]}]).
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  svitgen parse --task complex_reasoning replies.jsonl > pairs.jsonl
  svitgen parse --task referring_qa --policy strict < replies.jsonl | jq .outcome")]
pub(crate) struct ParseArgs {
    /// What was asked for: conversation, complex_reasoning, detail_description or referring_qa. A line's own task wins.
    #[arg(long)]
    task: Option<String>,
    /// What becomes of each issue: careful, strict, salvage, or a JSON file (see `svitgen policy --help`).
    #[arg(long, default_value = "careful")]
    policy: String,
    /// The replies; without it they are read from stdin.
    file: Option<PathBuf>,
}

pub(crate) fn run(args: &ParseArgs) -> Result<ExitCode, Failure> {
    if let Some(name) = &args.task {
        task(name)?;
    }
    let policy = policy::named(&args.policy)?;
    let input: Box<dyn BufRead> = match &args.file {
        Some(path) => Box::new(BufReader::new(File::open(path).map_err(|error| Failure::reading(path, &error))?)),
        None => Box::new(BufReader::new(io::stdin())),
    };
    let mut output = BufWriter::new(io::stdout().lock());
    match parse_lines(input, &mut output, args, &policy).and_then(|bad| output.flush().map(|()| bad)) {
        Ok(0) => Ok(ExitCode::SUCCESS),
        Ok(n_bad) => {
            let lines = if n_bad == 1 { "line" } else { "lines" };
            eprintln!("error: {n_bad} {lines} could not be read; the output says why, where its result would stand");
            Ok(USAGE.into())
        }
        // Whoever reads the output has enough.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(ExitCode::SUCCESS),
        Err(error) => Err(Failure::writing(&error)),
    }
}

/// Writes a result for each line; returns how many lines were bad.
fn parse_lines(
    mut input: Box<dyn BufRead>,
    output: &mut dyn Write,
    args: &ParseArgs,
    policy: &Policy,
) -> io::Result<u64> {
    let mut line = Vec::new();
    let mut n_bad = 0;
    for number in 1_u64.. {
        line.clear();
        if input.read_until(b'\n', &mut line)? == 0 {
            break;
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        match parse_line(&line, args.task.as_deref(), policy) {
            Ok(result) => output.write_all(result.as_bytes())?,
            Err(error) => {
                n_bad += 1;
                serde_json::to_writer(&mut *output, &BadLine { line: number, error })?;
            }
        }
        output.write_all(b"\n")?;
    }
    Ok(n_bad)
}

#[derive(Serialize)]
struct BadLine {
    line: u64,
    error: String,
}

#[derive(Deserialize)]
struct InputLine {
    id: serde_json::Value,
    reply: String,
    task: Option<String>,
    asked: Option<AskedFor>,
    finish_reason: Option<String>,
    boxes: Option<Vec<InputBox>>,
}

#[derive(Clone, Copy, Default, Deserialize)]
struct AskedFor {
    qas: Option<usize>,
    conversations: Option<usize>,
    qas_per_conversation: Option<usize>,
}

#[derive(Deserialize)]
struct InputBox {
    name: String,
    #[serde(rename = "box")]
    edges: [f64; 4],
}

#[derive(Serialize)]
struct OutputLine<'p> {
    id: serde_json::Value,
    outcome: Outcome,
    #[serde(skip_serializing_if = "Option::is_none")]
    qas: Option<Vec<Qa<'p>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    conversations: Option<Vec<Conversation<'p>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'p str>,
    flags: Vec<&'p IssueCode>,
    dropped: Vec<Dropped<'p>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'p IssueCode>,
}

#[derive(Serialize)]
struct Conversation<'p> {
    topic: Option<&'p str>,
    qas: Vec<Qa<'p>>,
}

#[derive(Serialize)]
struct Qa<'p> {
    q: &'p str,
    a: &'p str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    flags: &'p [IssueCode],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    q_refs: Vec<Ref<'p>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    a_refs: Vec<Ref<'p>>,
}

#[derive(Serialize)]
struct Ref<'p> {
    phrase: &'p str,
    boxes: Vec<[f64; 4]>,
}

#[derive(Serialize)]
struct Dropped<'p> {
    code: &'p IssueCode,
    span: [usize; 2],
    text: &'p str,
}

fn parse_line(line: &[u8], default_task: Option<&str>, policy: &Policy) -> Result<String, String> {
    let input: InputLine = serde_json::from_slice(line).map_err(|error| error.to_string())?;
    let name = input.task.as_deref().or(default_task);
    let name = name.ok_or("no task: give --task, or \"task\" in the line")?;
    let task = task(name).map_err(|failure| failure.to_string())?;
    let boxes = input.boxes.as_deref().map(named_boxes).transpose()?;
    let asked = input.asked.unwrap_or_default();
    let asked = Asked { conversations: asked.conversations, pairs: asked.qas.or(asked.qas_per_conversation) };
    let end = match input.finish_reason.map(FinishReason::from) {
        Some(FinishReason::Length) => ReplyEnd::Cut,
        Some(FinishReason::ContentFilter) => ReplyEnd::Filtered,
        _ => ReplyEnd::Whole,
    };
    let mut context = ReplyContext::default().with_end(end);
    if let Some(boxes) = &boxes {
        context = context.with_boxes(boxes);
    }
    let parsed = task.parser(policy.clone()).with_asked(asked).parse(&input.reply, &context);
    serde_json::to_string(&output(input.id, &input.reply, &parsed, task.form())).map_err(|error| error.to_string())
}

fn named_boxes(boxes: &[InputBox]) -> Result<Vec<NamedBox>, String> {
    let named = |found: &InputBox| {
        let [x1, y1, x2, y2] = found.edges;
        let bbox = UnitBox::new(x1, y1, x2, y2).map_err(|error| format!("box of {:?}: {error}", found.name))?;
        Ok(NamedBox { name: found.name.clone(), bbox })
    };
    boxes.iter().map(named).collect()
}

fn output<'p>(id: serde_json::Value, reply: &'p str, parsed: &'p Parsed, form: &ReplyForm) -> OutputLine<'p> {
    let is_description = matches!(form, ReplyForm::Description);
    let conversation = |(index, topic): (usize, &'p Option<ItemText>)| Conversation {
        topic: topic.as_ref().map(|topic| topic.text.as_str()),
        qas: parsed.items.iter().filter(|item| item.conversation == index).map(qa).collect(),
    };
    let conversations = || {
        let all = parsed.topics.iter().enumerate().map(conversation);
        all.filter(|conversation| !conversation.qas.is_empty()).collect()
    };
    let mut flags: Vec<&IssueCode> = parsed.items.iter().flat_map(|item| &item.flags).collect();
    flags.sort();
    flags.dedup();
    let dropped = parsed.issues.iter().filter(|issue| issue.action >= Action::Drop);
    OutputLine {
        id,
        outcome: parsed.outcome,
        qas: (!is_description && !parsed.has_conversations).then(|| parsed.items.iter().map(qa).collect()),
        conversations: parsed.has_conversations.then(conversations),
        description: parsed.items.first().filter(|_| is_description).map(|item| item.answer.text.as_str()),
        flags,
        dropped: dropped
            .map(|issue| Dropped {
                code: &issue.code,
                span: [issue.about.start, issue.about.end],
                text: &reply[issue.about.clone()],
            })
            .collect(),
        code: parsed.cause(),
    }
}

fn qa(item: &Item) -> Qa<'_> {
    Qa {
        q: item.question.as_ref().map_or("", |question| question.text.as_str()),
        a: &item.answer.text,
        flags: &item.flags,
        q_refs: item.question.iter().flat_map(|question| refs(&question.references)).collect(),
        a_refs: refs(&item.answer.references).collect(),
    }
}

fn refs(references: &[Reference]) -> impl Iterator<Item = Ref<'_>> {
    references.iter().map(|reference| Ref {
        phrase: &reference.phrase,
        boxes: reference.boxes.iter().map(|found| found.bbox.edges()).collect(),
    })
}
