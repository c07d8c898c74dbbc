//! Texts that are no texts: forms not filled in, tokens of trainers and chat templates, boxes where none belong.

use std::ops::Range;

use memchr::memchr3_iter;

use crate::reply::checks::phrases::{Found, Meaning};

/// Tokens that trainers and chat templates take for their own.
const SPECIAL_TOKENS: &[&str] = &[
    "<image>",
    "<video>",
    "<im_start>",
    "<im_end>",
    "<im_patch>",
    "<s>",
    "</s>",
    "<unk>",
    "<pad>",
    "<mask>",
    "[INST]",
    "[/INST]",
    "<<SYS>>",
    "<start_of_turn>",
    "<end_of_turn>",
    "<eos>",
    "<bos>",
    "<think>",
    "</think>",
    "### Human:",
    "### Assistant:",
    "###Human:",
    "###Assistant:",
];

/// Bytes that the name in `<|...|>` may have.
const MAX_TOKEN: usize = 40;

const TAGS: &[&str] = &["<st>", "<ed>"];

/// A token that a trainer would take for its own; `is_grounded` texts may have tags.
pub(super) fn special_token(text: &str, is_grounded: bool) -> Option<Range<usize>> {
    memchr3_iter(b'<', b'[', b'#', text.as_bytes()).find_map(|at| {
        let rest = &text[at..];
        let tags = if is_grounded { &[] } else { TAGS };
        let known = SPECIAL_TOKENS.iter().chain(tags).find(|token| rest.starts_with(*token)).map(|token| token.len());
        let template = || {
            let inner = rest.strip_prefix("<|").or_else(|| rest.strip_prefix("<｜"))?;
            let name = &inner[..inner.floor_char_boundary(MAX_TOKEN)];
            let end = name.find('>').filter(|_| name.starts_with(char::is_alphabetic))?;
            Some(rest.len() - inner.len() + end + 1)
        };
        let len = known.or_else(template)?;
        Some(at..at + len)
    })
}

/// `ASSISTANT: `, by which trainers split a conversation, behind a space or at the start.
pub(super) fn trainer_speaker(text: &str, found: &Found<'_>) -> Option<Range<usize>> {
    let speakers = found.hits.iter().filter(|hit| hit.meaning == Meaning::Speaker);
    speakers.map(|hit| found.words[hit.words.start].span()).find_map(|word| {
        let is_capital = text[word.clone()].bytes().all(|byte| byte.is_ascii_uppercase());
        let is_apart = word.start == 0 || text[..word.start].ends_with([' ', '\n']);
        let is_speaker = is_capital && is_apart && text[word.end..].starts_with(": ");
        is_speaker.then_some(word.start..word.end + 2)
    })
}

/// A form that was not filled in: `<answer>`, `[Your question here]`, `...`.
pub(super) fn is_placeholder(text: &str) -> bool {
    let inside = |open: char, close: char| {
        let inner = text.strip_prefix(open).and_then(|text| text.strip_suffix(close));
        inner.is_some_and(|inner| {
            inner.chars().all(|c| c.is_alphanumeric() || matches!(c, ' ' | '_' | '-' | '\'' | '.' | ','))
        }) && text.chars().any(char::is_alphabetic)
    };
    let is_form = inside('<', '>') || inside('[', ']') || inside('{', '}');
    let names = ["n/a", "na", "none", "null", "tbd", "todo", "question", "answer", "xxx"];
    let bare = text.trim_end_matches(['.', ' ', '!']);
    is_form
        || text.chars().all(|c| matches!(c, '.' | '…' | '_' | '-' | ' ' | '?' | '—'))
        || bare.len() <= 8
            && names.iter().any(|name| name.eq_ignore_ascii_case(bare))
            && !bare.eq_ignore_ascii_case("none")
}

/// Brackets around at least two numbers of which each is a fraction: `[0.31, 0.22]`.
pub(super) fn bracketed_fractions(text: &str) -> Option<Range<usize>> {
    let mut from = 0;
    while let Some(open) = memchr::memchr2(b'[', b'(', &text.as_bytes()[from..]).map(|at| from + at) {
        let len = text[open + 1..].bytes().take_while(|b| b.is_ascii_digit() || b".,; ".contains(b)).count();
        let end = open + 1 + len;
        let numbers = text[open + 1..end].split([',', ';']).map(str::trim);
        let n_fractions = numbers.filter(|number| is_fraction(number)).count();
        if n_fractions >= 2 && text[end..].starts_with([']', ')']) {
            return Some(open..end + 1);
        }
        from = open + 1;
    }
    None
}

fn is_fraction(number: &str) -> bool {
    number.contains('.') && number.parse::<f64>().is_ok_and(|value| (0.0..=1.0).contains(&value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reply::checks::phrases::with_found;

    #[test]
    fn forms_not_filled_in() {
        for text in
            ["<answer>", "[a few words]", "[Your question here]", "...", "…", "___", "N/A", "TBD.", "{question}"]
        {
            assert!(is_placeholder(text), "{text}");
        }
        for text in ["No.", "None.", "<st>cup<ed> [0.1, 0.2, 0.3, 0.4]", "[0.1, 0.2]", "x...", "42", "[sic] it is"] {
            assert!(!is_placeholder(text), "{text}");
        }
    }

    #[test]
    fn fractions_in_brackets_are_boxes() {
        assert_eq!(bracketed_fractions("at [0.31, 0.22, 0.52, 0.81]"), Some(3..27));
        assert_eq!(bracketed_fractions("at (0.5, 0.25)."), Some(3..14));
        for text in ["in (1, 2)", "[1.5, 2.5]", "(0.5", "see [1] and (0.5)"] {
            assert_eq!(bracketed_fractions(text), None, "{text}");
        }
    }

    #[test]
    fn tokens_of_trainers() {
        let find = |text: &str| {
            let token = special_token(text, false).or_else(|| with_found(text, |found| trainer_speaker(text, found)));
            token.map(|span| text[span].to_owned())
        };
        assert_eq!(find("a <image> b"), Some("<image>".into()));
        assert_eq!(find("end</s>"), Some("</s>".into()));
        assert_eq!(find("x<|im_start|>user"), Some("<|im_start|>".into()));
        assert_eq!(find("Yes. ASSISTANT: No."), Some("ASSISTANT: ".into()));
        assert_eq!(find("### Human: Why?"), Some("### Human:".into()));
        assert_eq!(find("<st>cup<ed>"), Some("<st>".into()));
        assert_eq!(special_token("<st>cup<ed>", true), None);
        for text in ["a < b and b > a", "the superUSER: x", "[1]", "# heading", "an assistant: Bob"] {
            assert_eq!(find(text), None, "{text}");
        }
    }
}
