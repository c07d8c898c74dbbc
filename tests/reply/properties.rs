//! Properties of every reply: nothing panics, every byte is accounted for once, a cut reply gives a prefix.

use proptest::prelude::*;
use svitgen::NamedBox;
use svitgen::reply::{Action, Outcome, Parsed, Policy, ReplyContext, ReplyEnd, ReplyForm, ReplyParser};

use crate::account::check_account;

const FORMS: [ReplyForm; 3] =
    [ReplyForm::Conversations { conversations: 2, pairs: 2 }, ReplyForm::QaList { pairs: 3 }, ReplyForm::Description];

fn parsers() -> Vec<ReplyParser> {
    let plain = FORMS.into_iter().map(ReplyParser::new);
    let grounded = ReplyParser::new(ReplyForm::QaList { pairs: 2 }).grounded();
    let salvage = ReplyParser::new(ReplyForm::QaList { pairs: 2 }).grounded().with_policy(Policy::salvage());
    plain.chain([grounded, salvage]).collect()
}

fn texts(parsed: &Parsed) -> Vec<Vec<&str>> {
    parsed.items.iter().map(|item| item.texts().map(|text| text.text.as_str()).collect()).collect()
}

/// Pieces of text that models write and that parsers stumble on.
fn fragment() -> impl Strategy<Value = String> {
    let fixed = [
        "Question:",
        "Answer:",
        "User:",
        "GPT:",
        "Conversation 1:",
        "Topic:",
        "**Q:**",
        "A:",
        "1. ",
        "\n",
        "\n\n",
        "---\n",
        "```\n",
        "```json\n",
        "<st>",
        "<ed>",
        " [0.1, 0.2, 0.3, 0.4]",
        "[0.5, 0.1, 0.2, 0.9]",
        "[",
        "]",
        "<|im_end|>",
        "</s>",
        "I hope this helps!",
        "Sure, here you go:",
        "I'm sorry, but",
        "The caption says",
        "é",
        "🙂",
        "\u{200b}",
        "\u{feff}",
        "\r\n",
        "...",
        ":",
        "Why?",
        "Because.",
        "{",
        "}",
        ", ",
        "//",
        "\\",
        "\\u00e9",
        "\"question\": ",
        "\"answer\": ",
        "\"Why?\"",
        "'So.'",
        "{\"question\": \"Why?\", \"answer\": \"So.\"}",
        "[{\"from\": \"user\", \"value\": \"Why?\"}, {\"from\": \"gpt\", \"value\": \"So.\"}]",
        "{\"topic\": \"x\", \"qas\": [",
        "**Question 1:** ",
        "**Answer 1:** ",
        "Q2. ",
        "\nA2. ",
        "\n### Answer\n",
        "\n### Question 2\n",
        "<question>",
        "</question><answer>",
        "</answer>\n",
        "\n| Question | Answer |\n|---|---|\n",
        "| Why? | So. |\n",
        "\n1. **Why?**\n",
        "\n2. **What?**\n",
        "\nAnna: ",
        "\nBen: ",
        "<think>",
        "</think>",
        "\nExplanation: ",
        "\nPregunta: ",
        "\nRespuesta: ",
        "\n问题一：",
        "\n答案：",
        "Why? Answer: So. ",
        "&amp;",
        "**",
        "\nQuestion: Why?\nAnswer: So.",
    ];
    prop_oneof![4 => prop::sample::select(fixed.to_vec()).prop_map(str::to_owned), 1 => "\\PC{0,12}", 1 => "[a-z .]{0,20}"]
}

fn reply() -> impl Strategy<Value = String> {
    prop::collection::vec(fragment(), 0..40).prop_map(|fragments| fragments.concat())
}

/// The same and more. They are apart, so that the seeds of failures in the past still give the same replies.
fn piece() -> impl Strategy<Value = String> {
    let further = [
        "\n[Q1] ",
        "\n[A1] ",
        "\n[Q2] ",
        "\n[A2]: ",
        "\nQ) ",
        "\nans. ",
        "\nUser: a\nGPT: b\n",
        "\nHuman 1: ",
        "\nQuestion 3 of 5: ",
        "\nA (short): ",
        "\n2. Why?\nAnswer: So.",
        "\n3) **Who?**\n",
        "\n## Why?\n",
        "\n**What?**\n",
        "\n- So.",
        "\nTopic: x\n",
        "\n- Topic:",
        "\nConversation 2\n",
        "\n\n## Conversation 3 - Dogs\n",
        "\n## Colours\n",
        "\n<qa>\n",
        "[/A]",
        "\n3.\n",
        "Q: Why? A: So. ",
        "\nLet me know if you need more questions!",
        "\n~~~\n",
        "| Question | Answer |\n",
        "|---|---|\n",
        "{\"qas\": [",
        "{'q': 'C?', 'a': 'D.'}",
        "\"topic\": \"y\"",
        "{\"from\": \"user\", \"value\": \"Who?\"}, ",
        "{\"from\": \"gpt\", \"value\": \"He.\"}",
    ];
    prop_oneof![2 => fragment(), 1 => prop::sample::select(further.to_vec()).prop_map(str::to_owned)]
}

proptest! {
    #[test]
    fn every_byte_is_accounted_for(reply in reply()) {
        let boxes: [NamedBox; 0] = [];
        for parser in parsers() {
            for end in [ReplyEnd::Whole, ReplyEnd::Cut, ReplyEnd::Filtered] {
                check_account(&reply, &parser.parse(&reply, &ReplyContext::default().with_end(end)));
            }
            check_account(&reply, &parser.parse(&reply, &ReplyContext::default().with_boxes(&boxes)));
        }
    }

    #[test]
    fn a_cut_reply_gives_a_prefix(reply in reply(), at in any::<prop::sample::Index>()) {
        let reply = reply.replace("think>", "thing>");
        let boundaries: Vec<usize> = reply.char_indices().map(|(at, _)| at).chain([reply.len()]).collect();
        let cut = &reply[..*at.get(&boundaries)];
        for parser in [ReplyParser::new(FORMS[0].clone()), ReplyParser::new(FORMS[1].clone())] {
            let whole = parser.parse(&reply, &ReplyContext::default());
            if whole.outcome == Outcome::Reject {
                continue;
            }
            let part = parser.parse(cut, &ReplyContext::default().with_end(ReplyEnd::Cut));
            prop_assert!(texts(&whole).starts_with(&texts(&part)), "{cut:?}");
        }
    }

    #[test]
    fn a_reply_of_few_pieces_gives_a_prefix_wherever_it_is_cut(
        pieces in prop::collection::vec(piece(), 1..8),
        order in prop::collection::vec(any::<prop::sample::Index>(), 1..16),
    ) {
        // Pieces that come again make pairs and labels that look alike more often than chance does.
        let reply: String = order.iter().map(|at| at.get(&pieces).as_str()).collect();
        let reply = reply.replace("think>", "thing>");
        for form in [FORMS[0].clone(), FORMS[1].clone()] {
            let parser = ReplyParser::new(form).without_text_checks();
            let whole = parser.parse(&reply, &ReplyContext::default());
            if whole.issues.iter().any(|issue| issue.action == Action::Reject) {
                continue;
            }
            for (at, _) in reply.char_indices() {
                let part = parser.parse(&reply[..at], &ReplyContext::default().with_end(ReplyEnd::Cut));
                prop_assert!(texts(&whole).starts_with(&texts(&part)), "{:?}", &reply[..at]);
            }
        }
    }
}

#[test]
fn time_is_linear_in_the_reply() {
    // A quadratic scan of these would take minutes.
    let fragments = [
        "Question: a\n",
        "Question: a\nAnswer: a\n",
        "<st>",
        "<st>a<ed> [",
        "[0.1, ",
        "[[",
        "Answer:",
        "```\n",
        "---\n",
        "<|",
        "(0.5, ",
        "{\"a\":",
        "[",
        "[{\"q\":1},",
        "\"",
        "{\"q\":\"",
    ];
    for fragment in fragments {
        let bare = fragment.repeat(300_000 / fragment.len());
        for reply in [format!("Question: a\nAnswer: {bare}"), format!("[{{\"q\": \"{bare}"), bare] {
            for parser in parsers() {
                check_account(&reply, &parser.parse(&reply, &ReplyContext::default()));
            }
        }
    }
}

/// Texts as they stand in items: one line or several, and nothing that is a defect in itself.
fn text() -> impl Strategy<Value = String> {
    let word = prop_oneof![8 => "[a-z]{2,8}", 1 => "[A-Z][a-z]{1,6},", 1 => "«é»|“so”|狗|it's|3|T-shirt"];
    let line = prop::collection::vec(word, 2..12).prop_map(|words| words.join(" "));
    // A line such as `qa 3` says which pair comes next, and belongs to none.
    let line = line.prop_filter("it counts pairs", |line| {
        !["pair 3", "qa 3", "set 3", "example 3", "item 3", "round 3", "exchange 3", "turn 3"].contains(&line.as_str())
    });
    let lines = prop_oneof![6 => line.clone().prop_map(|line| vec![line]), 1 => prop::collection::vec(line, 2..4)];
    (lines, "[.?!]").prop_map(|(lines, end)| format!("Xa {}{end}", lines.join("\n")))
}

/// Pairs in the dresses that models give them.
fn dressed(pairs: &[(String, String)], dress: usize) -> String {
    let pair = |(index, (q, a)): (usize, &(String, String))| {
        let n = index + 1;
        match dress {
            0 => format!("Question: {q}\nAnswer: {a}\n"),
            1 => format!("**Question {n}:** {q}\n**Answer {n}:** {a}\n\n"),
            2 => format!("### Question {n}\n{q}\n\n### Answer {n}\n{a}\n\n"),
            3 => format!("Q{n}. {q}\nA{n}. {a}\n"),
            4 => format!("{n}. **Question:** {q}\n   **Answer:** {a}\n\n"),
            5 => format!("User: {q}\nGPT: {a}\n---\n"),
            6 => format!("<question>{q}</question>\n<answer>{a}</answer>\n"),
            7 => format!("问题{n}：{q}\n答案{n}：{a}\n"),
            8 => format!("- Q: {q}\n- A: {a}\n"),
            9 => format!("[Q{n}] {q}\n[A{n}] {a}\n"),
            10 => format!("Frage {n}:\n{q}\nAntwort {n}:\n{a}\n\n"),
            _ => format!("**Q{n}: {q}**\n**A{n}:** {a}\n"),
        }
    };
    pairs.iter().enumerate().map(pair).collect()
}

proptest! {
    #[test]
    fn every_dress_gives_the_same_pairs(pairs in prop::collection::vec((text(), text()), 1..6), dress in 0_usize..12) {
        let parser = ReplyParser::new(FORMS[1].clone()).without_text_checks();
        let reply = dressed(&pairs, dress);
        let parsed = parser.parse(&reply, &ReplyContext::default());
        check_account(&reply, &parsed);
        let found: Vec<Vec<&str>> = texts(&parsed);
        let expected: Vec<Vec<&str>> = pairs.iter().map(|(q, a)| vec![q.as_str(), a.as_str()]).collect();
        prop_assert_eq!(found, expected, "{}", reply);
        // What is rendered, as text and as JSON, reads back as the same items.
        for rendered in [parsed.render(), parsed.render_json()] {
            let again = parser.parse(&rendered, &ReplyContext::default());
            prop_assert_eq!(texts(&again), texts(&parsed), "{}", rendered);
        }
    }

    #[test]
    fn conversations_read_back(topics in prop::collection::vec(("[A-Z][a-z]{1,9}( [a-z]{1,9}){0,3}", prop::collection::vec((text(), text()), 1..4)), 1..4)) {
        let parser = ReplyParser::new(FORMS[0].clone()).without_text_checks();
        let mut reply = String::new();
        for (index, (topic, pairs)) in topics.iter().enumerate() {
            reply += &format!("Conversation {}:\nTopic: {topic}\n", index + 1);
            reply.extend(pairs.iter().map(|(q, a)| format!("User: {q}\nGPT: {a}\n")));
        }
        let parsed = parser.parse(&reply, &ReplyContext::default());
        let found: Vec<_> = parsed.topics.iter().flatten().map(|topic| topic.text.clone()).collect();
        prop_assert_eq!(found, topics.iter().map(|(topic, _)| topic.clone()).collect::<Vec<_>>());
        for rendered in [parsed.render(), parsed.render_json()] {
            let again = parser.parse(&rendered, &ReplyContext::default());
            prop_assert_eq!(texts(&again), texts(&parsed), "{}", rendered);
            prop_assert_eq!(&again.topics.len(), &parsed.topics.len());
        }
    }
}

#[test]
fn every_case_cut_at_every_byte_gives_a_prefix() {
    let mut n_cuts = 0_u64;
    for path in crate::cases::files(&crate::cases::folder()) {
        let case = crate::cases::Case::read(&path);
        if case.is_description() || case.reply.contains("think>") || case.reply.contains("<|channel|>") {
            continue;
        }
        let whole = case.parse(&case.reply, ReplyEnd::Whole);
        if whole.outcome == Outcome::Reject {
            continue;
        }
        for (at, _) in case.reply.char_indices() {
            let part = case.parse(&case.reply[..at], ReplyEnd::Cut);
            assert!(texts(&whole).starts_with(&texts(&part)), "{}: {:?}", path.display(), &case.reply[..at]);
            n_cuts += 1;
        }
    }
    crate::support::say(format_args!("{n_cuts} cuts of replies in files, each a prefix"));
}
