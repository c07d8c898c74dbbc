//! Which lines of a reply are labels: `Question:`, `**Answer 2:**`, `3. Q:`, `Conversation 1:`, `Topic:`.

/// What a label says about the text behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Label {
    Question,
    Answer,
    Conversation,
    Topic,
}

/// A label at the start of a line, and how many bytes of the line it takes, colon and emphasis marks included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LabelMatch {
    pub(super) label: Label,
    pub(super) len: usize,
}

/// The words that make a label, in lower case.
#[derive(Clone, Copy, Debug)]
pub(super) struct Vocabulary {
    pub(super) question: &'static [&'static str],
    pub(super) answer: &'static [&'static str],
}

pub(super) const QUESTION_ANSWER: Vocabulary = Vocabulary { question: &["question", "q"], answer: &["answer", "a"] };

pub(super) const SPEAKERS: Vocabulary =
    Vocabulary { question: &["user", "human", "person"], answer: &["gpt", "assistant", "ai", "chatgpt"] };

/// The label at the start of `line`, if it has one.
pub(super) fn label_of(line: &str, vocabulary: Vocabulary) -> Option<LabelMatch> {
    let rest = line.trim_start();
    let rest = skip_dress(rest);
    let rest = skip_list_number(rest);
    let rest = skip_dress(rest);
    let word_len = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
    let (word, rest) = rest.split_at(word_len);
    let is = |words: &[&str]| words.iter().any(|known| known.eq_ignore_ascii_case(word));
    let label = if is(vocabulary.question) {
        Label::Question
    } else if is(vocabulary.answer) {
        Label::Answer
    } else if is(&["conversation"]) {
        Label::Conversation
    } else if is(&["topic"]) {
        Label::Topic
    } else {
        return None;
    };
    let number = rest.trim_start_matches([' ', '#']);
    let after_number = number.trim_start_matches(|c: char| c.is_ascii_digit());
    let has_number = after_number.len() < number.len();
    let rest = if has_number { after_number } else { rest };
    let rest = rest.trim_start_matches([' ', '*', '_']);
    let behind_colon = rest.strip_prefix([':', '：']);
    let rest = match (label, behind_colon) {
        (_, Some(rest)) => rest,
        // `Conversation 2` on a line of its own is a label without a colon.
        (Label::Conversation, None) if has_number && rest.trim().is_empty() => rest,
        _ => return None,
    };
    let rest = rest.strip_prefix("**").or_else(|| rest.strip_prefix("__")).unwrap_or(rest);
    Some(LabelMatch { label, len: line.len() - rest.len() })
}

/// Headings, bullets and emphasis.
fn skip_dress(text: &str) -> &str {
    text.trim_start_matches(['#', '*', '_', '-', '>', ' '])
}

/// `12.` or `12)`.
fn skip_list_number(text: &str) -> &str {
    let rest = text.trim_start_matches(|c: char| c.is_ascii_digit());
    if rest.len() == text.len() {
        return text;
    }
    rest.strip_prefix(['.', ')']).map_or(text, str::trim_start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_in_their_dresses() {
        let check = |line: &str, expected: Option<(Label, &str)>| {
            let found = label_of(line, QUESTION_ANSWER).map(|found| (found.label, line[found.len..].trim()));
            assert_eq!(found, expected, "{line:?}");
        };
        check("Question: Why?", Some((Label::Question, "Why?")));
        check("  **Question 12:** Why?", Some((Label::Question, "Why?")));
        check("3. Q: Why?", Some((Label::Question, "Why?")));
        check("### Answer", None);
        check("A: Because.", Some((Label::Answer, "Because.")));
        check("ANSWER：Because.", Some((Label::Answer, "Because.")));
        check("**Conversation 2**", None);
        check("Conversation 2", Some((Label::Conversation, "")));
        check("Conversation 1:", Some((Label::Conversation, "")));
        check("Topic: A: B", Some((Label::Topic, "A: B")));
        check("Conversations are nice.", None);
        check("A man: tall", None);
        check("Questionable: yes", None);
        check("- - - é", None);
        check("", None);
    }
}
