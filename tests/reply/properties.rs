//! Properties of every reply: nothing panics, every byte is accounted for once, a cut reply gives a prefix.

use proptest::prelude::*;
use svitgen::NamedBox;
use svitgen::reply::{Outcome, Parsed, Policy, ReplyContext, ReplyEnd, ReplyForm, ReplyParser};

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
