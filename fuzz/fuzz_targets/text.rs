//! Any text as a reply in every form: no panic, every byte accounted for, and a cut reply gives a prefix.
//!
//! `cargo +nightly fuzz run text fuzz/corpus/text tests/reply/cases/labels ...`

#![no_main]

use libfuzzer_sys::fuzz_target;
use svitgen::reply::{Outcome, ReplyContext, ReplyEnd, ReplyForm, ReplyParser};

#[path = "../../tests/reply/account.rs"]
mod account;

fuzz_target!(|data: (u16, &str)| {
    let (at, reply) = data;
    let forms = [
        ReplyForm::QaList { pairs: 3 },
        ReplyForm::Conversations { conversations: 2, pairs: 2 },
        ReplyForm::Description,
    ];
    for form in forms {
        let is_description = matches!(form, ReplyForm::Description);
        let parser = ReplyParser::new(form).grounded();
        let whole = parser.parse(reply, &ReplyContext::default());
        account::check_account(reply, &whole);
        let cut = &reply[..reply.floor_char_boundary(usize::from(at))];
        let part = parser.parse(cut, &ReplyContext::default().with_end(ReplyEnd::Cut));
        account::check_account(cut, &part);
        // Checks of the whole reply and reasoning blocks may reject what a part of it passes.
        if is_description || whole.outcome == Outcome::Reject || reply.contains("hink") {
            continue;
        }
        let is_prefix = part.items.iter().zip(&whole.items).all(|(part, whole)| part.answer.text == whole.answer.text);
        assert!(is_prefix && part.items.len() <= whole.items.len(), "{cut:?}");
    }
});
