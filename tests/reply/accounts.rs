//! Replies as files: each of `accounts/*.txt` names its form in the first line; the snapshot shows what becomes of it.

use std::fmt::Write;

use svitgen::reply::{Parsed, PieceKind, ReplyContext, ReplyEnd, ReplyForm, ReplyParser};

use crate::account::check_account;

#[test]
fn accounts_of_replies() {
    insta::glob!("accounts/*.txt", |path| {
        let text = std::fs::read_to_string(path).unwrap();
        let (form, reply) = text.split_once('\n').unwrap();
        let mut words = form.split(' ');
        let parser = parser(words.next().unwrap());
        let end = if words.next() == Some("cut") { ReplyEnd::Cut } else { ReplyEnd::Whole };
        let parsed = parser.parse(reply, &ReplyContext::default().with_end(end));
        check_account(reply, &parsed);
        insta::assert_snapshot!(render(reply, &parsed));
    });
}

fn parser(form: &str) -> ReplyParser {
    match form {
        "conversation" => ReplyParser::new(ReplyForm::Conversations { conversations: 2, pairs: 2 }),
        "description" => ReplyParser::new(ReplyForm::Description),
        "referring" => ReplyParser::new(ReplyForm::QaList { pairs: 2 }).grounded(),
        "pairs" => ReplyParser::new(ReplyForm::QaList { pairs: 2 }),
        other => panic!("no form {other}"),
    }
}

fn render(reply: &str, parsed: &Parsed) -> String {
    let mut out = format!("{}\n", parsed.outcome);
    for piece in &parsed.pieces {
        let kind = match piece.kind {
            PieceKind::Item(index) => format!("item {index} of {}", parsed.items[index].conversation),
            PieceKind::Topic(index) => format!("topic {index}"),
            other => format!("{other:?}"),
        };
        writeln!(out, "{kind:<20} {:?}", &reply[piece.span.clone()]).unwrap();
    }
    for issue in &parsed.issues {
        let item = issue.item.map_or(String::new(), |index| format!(" on item {index}"));
        writeln!(out, "{} {}{item}: {:?}", issue.action, issue.code, &reply[issue.span.clone()]).unwrap();
    }
    out
}
