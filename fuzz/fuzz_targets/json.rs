//! Pairs rendered as JSON, or nearly so, and damaged at any place: no panic, and every byte accounted for.

#![no_main]

use libfuzzer_sys::fuzz_target;
use svitgen::reply::{ReplyContext, ReplyEnd, ReplyForm, ReplyParser};

#[path = "../../tests/reply/account.rs"]
mod account;

fuzz_target!(|data: (Vec<(String, String)>, u16, &str)| {
    let (pairs, at, damage) = data;
    let quoted = |text: &str| format!("{text:?}");
    let objects: Vec<String> =
        pairs.iter().map(|(q, a)| format!("{{\"question\": {}, \"answer\": {}}}", quoted(q), quoted(a))).collect();
    let mut reply = format!("[{}]", objects.join(", "));
    let at = reply.floor_char_boundary(usize::from(at));
    reply.insert_str(at, damage);
    for form in [ReplyForm::QaList { pairs: 3 }, ReplyForm::Conversations { conversations: 2, pairs: 2 }, ReplyForm::Description] {
        let parser = ReplyParser::new(form);
        for end in [ReplyEnd::Whole, ReplyEnd::Cut] {
            account::check_account(&reply, &parser.parse(&reply, &ReplyContext::default().with_end(end)));
        }
    }
});
