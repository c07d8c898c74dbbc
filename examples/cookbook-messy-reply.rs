//! From a messy reply to its items, its issues and the account of every byte: `cargo run --example cookbook-messy-reply`.

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use svitgen::reply::{PieceKind, ReplyContext, ReplyEnd};
use svitgen::{Outcome, Policy, Task};

/// Reasoning, an introduction, labels in two dresses, a leak, a repeated pair, a closing remark.
const REPLY: &str = "<think>Fifteen pairs. Question: which ones?</think>
Sure! Here are some questions about the image:

**Question 1:** Why does the giraffe spread its front legs?
**Answer 1:** Its neck is too short to reach the water otherwise:
1. The legs go apart.
2. The head comes down.

**Question 2:** Why do the others look around?
**Answer 2:** The captions say that they watch for lions.

## More questions

Question 3: What do the birds on its back do?
Answer 3: They pick insects out of its coat &amp; eat them.
Question 4: Why does the giraffe spread its front legs?
Answer 4: Its neck is too short to reach the water otherwise:
1. The legs go apart.
2. The head comes down.

Let me know if you need more!";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let parser = Task::complex_reasoning().parser(Policy::careful());
    let parsed = parser.parse(REPLY, &ReplyContext::default());

    // Items are what can be used: their texts are slices of the reply, decoded where that is needed.
    for item in &parsed.items {
        let question = item.question.as_ref().ok_or("every pair has a question")?;
        println!("{} | {}", question.text, item.answer.text.replace('\n', " / "));
    }
    assert_eq!(parsed.items.len(), 2);
    assert_eq!(parsed.items[1].answer.text, "They pick insects out of its coat & eat them.");

    // Issues say what was noticed, where, and what the policy made of it.
    for issue in &parsed.issues {
        println!("{:<5}{:<16}{:?}", issue.action, issue.code, &REPLY[issue.span.clone()]);
    }
    let dropped: Vec<_> = parsed.dropped().map(|issue| issue.code.as_str()).collect();
    assert_eq!(dropped, ["source_leak", "duplicate_pair"]);
    assert_eq!(parsed.outcome, Outcome::Partial);

    // Every byte that is not blank is in exactly one piece.
    let n_bytes = |kind: fn(&PieceKind) -> bool| -> usize {
        parsed.pieces.iter().filter(|piece| kind(&piece.kind)).map(|piece| piece.span.len()).sum()
    };
    let (items, dropped) =
        (n_bytes(|kind| matches!(kind, PieceKind::Item(_))), n_bytes(|kind| *kind == PieceKind::Dropped));
    println!("{items} bytes of items, {dropped} dropped, the rest labels and wrappers, of {}", REPLY.len());

    // The same policy question by question: salvage keeps the leak with a flag, and says so.
    let salvaged = Task::complex_reasoning().parser(Policy::salvage()).parse(REPLY, &ReplyContext::default());
    assert_eq!(salvaged.items[1].flags.len(), 1);

    // Cut in the third answer: the third pair is not provably whole, so that two remain, of which one leaks.
    let cut = &REPLY[..REPLY.find("They pick").unwrap_or_default() + 12];
    let part = parser.parse(cut, &ReplyContext::default().with_end(ReplyEnd::Cut));
    assert_eq!(part.items.len(), 1);

    // What is missing can be asked for, and the items rendered in the form that was asked for.
    let missing = parser.missing(&parsed).ok_or("13 of 15 pairs are missing")?;
    println!("{} pairs are missing\n\n{}", missing.n_pairs(), parsed.render());
    Ok(())
}
