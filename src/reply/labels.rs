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
    question: &'static [&'static str],
    answer: &'static [&'static str],
    conversation: &'static [&'static str],
    topic: &'static [&'static str],
}

pub(super) const QUESTION_ANSWER: Vocabulary =
    Vocabulary { question: &["question", "q"], answer: &["answer", "a"], conversation: &[], topic: &[] };

pub(super) const SPEAKERS: Vocabulary = Vocabulary {
    question: &["user", "human", "person"],
    answer: &["gpt", "assistant", "ai", "chatgpt"],
    conversation: &["conversation"],
    topic: &["topic"],
};

impl Vocabulary {
    /// Whether there are labels that start a conversation.
    pub(super) fn has_conversations(&self) -> bool {
        !self.conversation.is_empty()
    }
}

/// The label at the start of `line`, if it has one.
pub(super) fn label_of(line: &str, vocabulary: Vocabulary) -> Option<LabelMatch> {
    let rest = skip_dress(line.trim_start());
    let rest = skip_list_number(rest);
    let rest = skip_dress(rest);
    let word_len = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
    let (word, rest) = rest.split_at(word_len);
    let is = |words: &[&str]| words.iter().any(|known| known.eq_ignore_ascii_case(word));
    let label = if is(vocabulary.question) {
        Label::Question
    } else if is(vocabulary.answer) {
        Label::Answer
    } else if is(vocabulary.conversation) {
        Label::Conversation
    } else if is(vocabulary.topic) {
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

    #[track_caller]
    fn check(vocabulary: Vocabulary, line: &str, expected: Option<(Label, &str)>) {
        let found = label_of(line, vocabulary).map(|found| (found.label, line[found.len..].trim()));
        assert_eq!(found, expected, "{line:?}");
    }

    #[test]
    fn labels_in_their_dresses() {
        let check = |line, expected| check(QUESTION_ANSWER, line, expected);
        check("Question: Why?", Some((Label::Question, "Why?")));
        check("  **Question 12:** Why?", Some((Label::Question, "Why?")));
        check("3. Q: Why?", Some((Label::Question, "Why?")));
        check("A: Because.", Some((Label::Answer, "Because.")));
        check("ANSWER：Because.", Some((Label::Answer, "Because.")));
        check("### Answer", None);
        check("A man: tall", None);
        check("Questionable: yes", None);
        check("Topic: planes", None);
        check("- - - é", None);
        check("", None);
    }

    #[test]
    fn headers_of_conversations_need_no_colon() {
        let check = |line, expected| check(SPEAKERS, line, expected);
        check("Conversation 1:", Some((Label::Conversation, "")));
        check("Conversation 2", Some((Label::Conversation, "")));
        check("**Conversation 2**", Some((Label::Conversation, "")));
        check("Topic: A: B", Some((Label::Topic, "A: B")));
        check("Human: Why?", Some((Label::Question, "Why?")));
        check("Conversations are nice.", None);
        check("Question: Why?", None);
    }
}
