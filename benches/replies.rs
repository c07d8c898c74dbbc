//! What reading replies costs, beside baselines taken in the same run: `cargo bench --bench replies`.
//!
//! The baselines are the parser that most scripts have, one lazy regular expression for pairs and none of the rest, and
//! `serde_json` on sound JSON of the same pairs. Ratios hold on any machine, times on one.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark prints and may fail by panicking")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use regex::Regex;
use svitgen::reply::{ReplyContext, ReplyForm, ReplyParser};
use svitgen::{NamedBox, UnitBox};

const N_PAIRS: usize = 15;

/// The best of several runs: what the code takes when nothing else disturbs it.
fn best(n: usize, mut run: impl FnMut()) -> Duration {
    let once = |run: &mut dyn FnMut()| {
        let start = Instant::now();
        (0..n).for_each(|_| run());
        start.elapsed() / n as u32
    };
    (0..9).map(|_| once(&mut run)).min().unwrap()
}

fn main() {
    text();
    grounded();
    json();
    hostile();
}

const SUBJECTS: [&str; 15] = [
    "giraffe", "oven", "clock", "tourist", "harbour", "piano", "kite", "bridge", "lantern", "goat", "train", "market",
    "window", "cyclist", "fountain",
];

fn pairs() -> Vec<(String, String)> {
    let pair = |subject: &&str| {
        (
            format!("Why does the {subject} draw the eye of those who come to this place in the evening?"),
            format!(
                "The {subject} stands apart from all that is around it, and the low sun puts its shadow on the ground; \
                that is why people stop near the {subject} and look at it for a while."
            ),
        )
    };
    SUBJECTS.iter().map(pair).collect()
}

fn render(pairs: &[(String, String)]) -> String {
    pairs.iter().map(|(question, answer)| format!("Question: {question}\nAnswer: {answer}\n")).collect()
}

fn report(what: &str, reply: &str, time: Duration, baseline: &str, base: Duration) {
    let per_second = 1.0 / time.as_secs_f64();
    let ratio = time.as_secs_f64() / base.as_secs_f64();
    println!("{what:<40}{:>7} bytes{per_second:>12.0}/s{ratio:>8.2} x {baseline}", reply.len());
}

fn parser() -> ReplyParser {
    ReplyParser::new(ReplyForm::QaList { pairs: N_PAIRS })
}

fn parse(parser: &ReplyParser, reply: &str, context: &ReplyContext<'_>) -> usize {
    black_box(parser.parse(black_box(reply), context)).items.len()
}

fn text() {
    let reply = render(&pairs());
    let context = ReplyContext::default();
    let regex = Regex::new(r"(?s)Question:\s*(.*?)\s*Answer:\s*(.*?)\s*(?:\z|\n)").unwrap();
    let base = best(200, || {
        let found = regex.captures_iter(black_box(&reply)).map(|found| (found[1].to_owned(), found[2].to_owned()));
        assert_eq!(found.collect::<Vec<_>>().len(), N_PAIRS);
    });
    let bare = parser().without_text_checks();
    let structure = best(200, || assert_eq!(parse(&bare, &reply, &context), N_PAIRS));
    report("structure and spans", &reply, structure, "a lazy regex", base);
    let all = parser();
    let checked = best(200, || assert_eq!(parse(&all, &reply, &context), N_PAIRS));
    report("and all text checks", &reply, checked, "a lazy regex", base);
}

fn grounded() {
    let bbox = |i: usize| UnitBox::new(i as f64 / 40.0, 0.1, i as f64 / 40.0 + 0.3, 0.5).unwrap();
    let boxes: Vec<NamedBox> =
        (0..40).map(|i| NamedBox { name: SUBJECTS[i % 15].into(), bbox: bbox(i % 20) }).collect();
    let point = |i: usize| format!("<st>{}<ed> {}", SUBJECTS[i], bbox(i));
    let pair = |i: usize| {
        (
            format!("Why does the {} draw the eye?", point(i)),
            format!("The {} stands apart from the rest of it.", point(i)),
        )
    };
    let reply = render(&(0..N_PAIRS).map(pair).collect::<Vec<_>>());
    let context = ReplyContext::default().with_boxes(&boxes);
    let regex = Regex::new(r"<st>(.*?)<ed>\s*\[(.*?),(.*?),(.*?),(.*?)\]").unwrap();
    let base = best(200, || {
        let number = |text: &str| text.trim().parse::<f64>().unwrap();
        let found = regex
            .captures_iter(black_box(&reply))
            .map(|found| (found[1].to_owned(), number(&found[2]), number(&found[5])));
        assert_eq!(found.collect::<Vec<_>>().len(), 2 * N_PAIRS);
    });
    let bare = parser().grounded().without_text_checks();
    let time = best(200, || assert_eq!(parse(&bare, &reply, &context), N_PAIRS));
    report("structure, spans and 30 boxes", &reply, time, "a lazy regex for boxes", base);
}

fn json() {
    let pairs = pairs();
    let values: Vec<_> = pairs.iter().map(|(q, a)| serde_json::json!({"question": q, "answer": a})).collect();
    let sound = serde_json::to_string_pretty(&values).unwrap();
    let context = ReplyContext::default();
    let base = best(200, || drop(black_box(serde_json::from_str::<serde_json::Value>(black_box(&sound)).unwrap())));
    let bare = parser().without_text_checks();
    let time = best(200, || assert_eq!(parse(&bare, &sound, &context), N_PAIRS));
    report("sound JSON", &sound, time, "serde_json to values", base);
    let commas = sound.replace("\"\n  }", "\",\n  },");
    let bare_keys = sound.replace("\"question\"", "question").replace("\"answer\"", "answer");
    let cut = sound[..sound.len() - 40].to_owned();
    for (what, broken) in
        [("JSON with stray commas", commas), ("JSON with bare keys", bare_keys), ("JSON that was cut", cut)]
    {
        let time = best(200, || assert!(parse(&bare, &broken, &context) >= N_PAIRS - 1));
        report(what, &broken, time, "serde_json on sound JSON", base);
    }
}

/// Replies of 1 MB that make a parser without care go over them again and again.
fn hostile() {
    let context = ReplyContext::default();
    let all = parser();
    let grounded = parser().grounded();
    let fragments = [
        "[{",
        "Question:",
        "Question:\n",
        "Q: a A: b ",
        "**",
        "\"'\"",
        "<st>",
        "[0.1, ",
        "{\"q\":\"",
        "a ",
        "a",
        "|",
        "```\n",
        "é",
        "<|",
        "- ",
        "1. a?\nb\n",
        "A: B\n",
    ];
    for fragment in fragments {
        let reply = fragment.repeat(1_000_000 / fragment.len());
        let copy = best(1, || drop(black_box(black_box(&reply).to_lowercase())));
        let time = best(1, || {
            black_box(parse(&all, &reply, &context) + parse(&grounded, &reply, &context));
        }) / 2;
        let ratio = time.as_secs_f64() / copy.as_secs_f64();
        println!("1 MB of {fragment:<24?}{:>10.2} ms{ratio:>8.2} x making it lower case", time.as_secs_f64() * 1e3);
    }
}
