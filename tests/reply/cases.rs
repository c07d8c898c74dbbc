//! Replies as models write them, each with the result it should give, in the files of `cases/`, a folder for each kind.
//!
//! A file holds its form and options in the first line, then the reply, then a line `~~~~ expected`, then the result:
//! the outcome; each item as `question | answer`, with `!code` for each flag; `# topic` before each conversation; and
//! the other issues as `action code`. `\n` stands for a line end within a text.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use svitgen::reply::{Asked, Parsed, ReplyContext, ReplyEnd, ReplyForm, ReplyParser};

use crate::account::check_account;
use crate::support::say;

const SPLIT: &str = "\n~~~~ expected\n";

/// A reply in a file, and how it is to be read.
pub(crate) struct Case {
    options: String,
    pub(crate) reply: String,
    parser: ReplyParser,
    expected: String,
}

impl Case {
    pub(crate) fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).unwrap();
        let (case, expected) = text.split_once(SPLIT).unwrap_or((&text, ""));
        let (options, reply) = case.split_once('\n').unwrap();
        let reply = unescaped(options, reply);
        Self { options: options.to_owned(), reply, parser: parser(options), expected: expected.to_owned() }
    }

    pub(crate) fn is_description(&self) -> bool {
        self.options.starts_with("description")
    }

    pub(crate) fn parse(&self, reply: &str, end: ReplyEnd) -> Parsed {
        let parsed = self.parser.parse(reply, &ReplyContext::default().with_end(end));
        check_account(reply, &parsed);
        parsed
    }
}

#[test]
fn replies_give_the_expected_result() {
    let mut failed = Vec::new();
    let paths = files(&folder());
    for path in &paths {
        let case = Case::read(path);
        let is_cut = case.options.split(' ').any(|word| word == "cut");
        let found = render(&case.parse(&case.reply, if is_cut { ReplyEnd::Cut } else { ReplyEnd::Whole }));
        if found.trim() != case.expected.trim() {
            failed.push(format!("{}\n--- expected\n{}\n--- found\n{found}", path.display(), case.expected));
        }
    }
    say(format_args!("{} replies in files", paths.len()));
    assert!(failed.is_empty(), "{} of {} failed:\n{}", failed.len(), paths.len(), failed.join("\n"));
    assert!(paths.len() >= 150);
}

pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reply/cases")
}

pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files.extend(self::files(&path)) } else { files.push(path) }
    }
    files.sort();
    files
}

/// Characters that editors would not keep are written as escapes in files with the option `escaped`.
fn unescaped(options: &str, reply: &str) -> String {
    if !options.contains("escaped") {
        return reply.to_owned();
    }
    let reply = reply.replace("\\r", "\r").replace("\\t", "\t").replace("\\u{feff}", "\u{feff}");
    reply.replace("\\u{200b}", "\u{200b}").replace("\\u{a0}", "\u{a0}")
}

fn parser(options: &str) -> ReplyParser {
    let mut form = options.split(' ').next().unwrap().split(':');
    let name = form.next().unwrap();
    let counts: Vec<usize> = form.flat_map(|counts| counts.split('x')).map(|count| count.parse().unwrap()).collect();
    let (form, asked) = match (name, counts.as_slice()) {
        ("conversation", &[conversations, pairs]) => (
            ReplyForm::Conversations { conversations, pairs },
            Asked { conversations: Some(conversations), pairs: Some(pairs) },
        ),
        ("conversation", _) => (ReplyForm::Conversations { conversations: 3, pairs: 5 }, Asked::default()),
        ("description", _) => (ReplyForm::Description, Asked::default()),
        (_, &[pairs]) => (ReplyForm::QaList { pairs }, Asked { conversations: None, pairs: Some(pairs) }),
        _ => (ReplyForm::QaList { pairs: 15 }, Asked::default()),
    };
    let mut parser = ReplyParser::new(form).with_asked(asked);
    if name == "referring" {
        parser = parser.grounded();
    }
    parser
}

fn render(parsed: &Parsed) -> String {
    let mut out = format!("{}\n", parsed.outcome);
    let mut conversation = None;
    let line = |text: &str| text.replace('\n', "\\n");
    for item in &parsed.items {
        if parsed.has_conversations && conversation != Some(item.conversation) {
            conversation = Some(item.conversation);
            let topic = parsed.topics[item.conversation].as_ref().map_or("", |topic| topic.text.as_str());
            writeln!(out, "# {topic}").unwrap();
        }
        let question = item.question.as_ref().map(|question| format!("{} | ", line(&question.text)));
        write!(out, "{}{}", question.unwrap_or_default(), line(&item.answer.text)).unwrap();
        for flag in &item.flags {
            write!(out, " !{flag}").unwrap();
        }
        out.push('\n');
    }
    for issue in parsed.issues.iter().filter(|issue| issue.item.is_none()) {
        writeln!(out, "{} {}", issue.action, issue.code).unwrap();
    }
    out
}
