//! The words that make labels, in the languages in which models label replies.

use std::sync::LazyLock;

/// What a label says about the text behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Question,
    Answer,
    Conversation,
    Topic,
    /// Belongs to a pair without being a part of it: `Explanation:`, `Difficulty:`.
    Aside,
}

/// Words that go together: `Q` is answered by `A`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    /// `Question`, `Frage`.
    Word,
    /// `Q`.
    Letter,
    /// `User`, `Assistant`.
    Speaker,
}

/// A word that makes a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Word {
    /// In lower case; several words are set apart by a space.
    pub(super) text: &'static str,
    pub(super) role: Role,
    pub(super) family: Family,
    /// Letters of ASCII and nothing else.
    is_plain: bool,
}

const TABLE: &[(Role, Family, &[&str])] = &[
    (
        Role::Question,
        Family::Word,
        &[
            "question",
            "pregunta",
            "frage",
            "domanda",
            "pergunta",
            "vraag",
            "вопрос",
            "问题",
            "問題",
            "提问",
            "提問",
            "质问",
            "質問",
            "问",
            "問",
            "질문",
        ],
    ),
    (
        Role::Answer,
        Family::Word,
        &[
            "answer",
            "ans",
            "response",
            "reply",
            "respuesta",
            "antwort",
            "réponse",
            "reponse",
            "risposta",
            "resposta",
            "antwoord",
            "ответ",
            "答案",
            "回答",
            "解答",
            "答え",
            "答",
            "답변",
            "답",
        ],
    ),
    (Role::Question, Family::Letter, &["q", "p", "f", "d", "в"]),
    (Role::Answer, Family::Letter, &["a", "r", "о"]),
    (
        Role::Question,
        Family::Speaker,
        &[
            "user",
            "human",
            "person",
            "person a",
            "person 1",
            "speaker a",
            "speaker 1",
            "usuario",
            "humano",
            "persona",
            "benutzer",
            "benutzerin",
            "nutzer",
            "mensch",
            "utilisateur",
            "humain",
            "personne",
            "utente",
            "usuário",
            "gebruiker",
            "пользователь",
            "用户",
            "用戶",
            "人类",
            "人類",
            "ユーザー",
            "人間",
            "사용자",
        ],
    ),
    (
        Role::Answer,
        Family::Speaker,
        &[
            "gpt",
            "gpt-4",
            "assistant",
            "ai assistant",
            "ai",
            "chatgpt",
            "bot",
            "chatbot",
            "model",
            "person b",
            "person 2",
            "speaker b",
            "speaker 2",
            "asistente",
            "ia",
            "assistent",
            "assistentin",
            "ki",
            "modell",
            "assistente",
            "ассистент",
            "помощник",
            "ии",
            "助手",
            "助理",
            "模型",
            "アシスタント",
            "어시스턴트",
        ],
    ),
    (
        Role::Conversation,
        Family::Word,
        &[
            "conversation",
            "dialogue",
            "dialog",
            "conversación",
            "conversacion",
            "diálogo",
            "gespräch",
            "unterhaltung",
            "conversazione",
            "dialogo",
            "conversa",
            "gesprek",
            "диалог",
            "разговор",
            "对话",
            "對話",
            "会话",
            "会話",
            "대화",
        ],
    ),
    (
        Role::Topic,
        Family::Word,
        &[
            "topic",
            "theme",
            "subject",
            "title",
            "tema",
            "thema",
            "sujet",
            "thème",
            "argomento",
            "onderwerp",
            "тема",
            "主题",
            "主題",
            "话题",
            "話題",
            "トピック",
            "テーマ",
            "주제",
        ],
    ),
    (
        Role::Aside,
        Family::Word,
        &["explanation", "reasoning", "rationale", "justification", "evidence", "difficulty", "category", "type"],
    ),
];

/// Bytes of the longest word of ASCII.
const MAX_WORD: usize = 13;

/// By first byte, the words that may start there, long ones first.
static BY_START: LazyLock<[Vec<Word>; 256]> = LazyLock::new(|| {
    let mut by_start: [Vec<Word>; 256] = std::array::from_fn(|_| Vec::new());
    for (role, family, texts) in TABLE {
        for text in *texts {
            let is_plain = text.bytes().all(|byte| byte.is_ascii_alphabetic());
            let word = Word { text, role: *role, family: *family, is_plain };
            let upper = text.chars().next().into_iter().flat_map(char::to_uppercase).collect::<String>();
            let starts = [text.as_bytes()[0], upper.as_bytes()[0]];
            by_start[usize::from(starts[0])].push(word);
            if starts[0] != starts[1] {
                by_start[usize::from(starts[1])].push(word);
            }
        }
    }
    for words in &mut by_start {
        words.sort_by_key(|word| std::cmp::Reverse(word.text.len()));
    }
    by_start
});

/// Whether a label may start with this byte.
pub(super) fn may_start(byte: u8) -> bool {
    !BY_START[usize::from(byte)].is_empty()
}

/// The label word at the start of `text`, and how long it is there.
pub(super) fn word_at(text: &str) -> Option<(Word, usize)> {
    let first = *text.as_bytes().first()?;
    let words = &BY_START[usize::from(first)];
    if words.is_empty() {
        return None;
    }
    let run = text.bytes().take(MAX_WORD + 1).take_while(u8::is_ascii_alphabetic).count();
    // Few words are as long as the words that start most lines.
    if run > MAX_WORD {
        return None;
    }
    words.iter().find_map(|word| {
        // Most words are ruled out by their length.
        if word.is_plain && word.text.len() != run {
            return None;
        }
        let len = len_at_start(word.text, text)?;
        let next = text[len..].chars().next();
        // `Questions` is no `Question`; but Chinese sets no space between a word and its number.
        let ends_in_ideograph = word.text.chars().next_back().is_some_and(is_ideograph);
        let goes_on = next.is_some_and(|c| c.is_alphabetic() && !(ends_in_ideograph && is_ideograph(c)));
        (!goes_on).then_some((*word, len))
    })
}

/// Length of what equals `word`, in lower case, at the start of `text`, without regard to case.
fn len_at_start(word: &str, text: &str) -> Option<usize> {
    if word.is_ascii() {
        let start = text.as_bytes().get(..word.len())?;
        return start.eq_ignore_ascii_case(word.as_bytes()).then_some(word.len());
    }
    let mut rest = text.chars();
    for known in word.chars() {
        if !rest.next()?.to_lowercase().eq([known]) {
            return None;
        }
    }
    Some(text.len() - rest.as_str().len())
}

fn is_ideograph(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}')
}

/// The number at the start of `text`, in digits of any width, in Chinese or in English words, and its length.
pub(super) fn number_at(text: &str) -> Option<(u32, usize)> {
    match text.as_bytes().first()? {
        b'0'..=b'9' => digits_at(text),
        b'a'..=b'z' | b'A'..=b'Z' => word_number_at(text, &CARDINALS),
        0x80.. => digits_at(text).or_else(|| chinese_number_at(text)),
        _ => None,
    }
}

fn digits_at(text: &str) -> Option<(u32, usize)> {
    let mut number = 0_u32;
    let mut len = 0;
    for c in text.chars() {
        let Some(digit) = c.to_digit(10).or_else(|| full_width_digit(c)) else { break };
        number = number.saturating_mul(10).saturating_add(digit);
        len += c.len_utf8();
    }
    (len > 0).then_some((number, len))
}

const CARDINALS: [&str; 10] = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"];

/// Letters of the longest of these words.
const LONGEST: usize = 6;

const ORDINALS: [&str; 5] = ["first", "second", "third", "fourth", "fifth"];

/// `First` before a label, with the space behind it.
pub(super) fn ordinal_at(text: &str) -> Option<(u32, usize)> {
    word_number_at(text, &ORDINALS).filter(|(_, len)| text[*len..].starts_with(' ')).map(|(n, len)| (n, len + 1))
}

fn word_number_at(text: &str, words: &[&str]) -> Option<(u32, usize)> {
    let run = text.bytes().take(LONGEST + 1).take_while(u8::is_ascii_alphabetic).count();
    if run > LONGEST {
        return None;
    }
    let position = words.iter().position(|word| word.eq_ignore_ascii_case(&text[..run]))?;
    Some((position as u32 + 1, run))
}

fn full_width_digit(c: char) -> Option<u32> {
    ('０'..='９').contains(&c).then(|| u32::from(c) - u32::from('０'))
}

/// `七`, `十五`, `二十`.
fn chinese_number_at(text: &str) -> Option<(u32, usize)> {
    let mut tens = None;
    let mut units = 0;
    let mut len = 0;
    for c in text.chars() {
        if c == '十' && tens.is_none() {
            tens = Some(units.max(1));
            units = 0;
        } else if let Some(digit) = "一二三四五六七八九".chars().position(|known| known == c).filter(|_| units == 0)
        {
            units = digit as u32 + 1;
        } else {
            break;
        }
        len += c.len_utf8();
    }
    (len > 0).then(|| (tens.unwrap_or(0) * 10 + units, len))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_end_where_they_end() {
        let found = |text: &str| word_at(text).map(|(word, len)| (word.role, text[len..].to_owned()));
        assert_eq!(found("QUESTION 1:"), Some((Role::Question, " 1:".into())));
        assert_eq!(found("Réponse :"), Some((Role::Answer, " :".into())));
        assert_eq!(found("问题一："), Some((Role::Question, "一：".into())));
        assert_eq!(found("ユーザー："), Some((Role::Question, "：".into())));
        assert_eq!(found("Вопрос 2."), Some((Role::Question, " 2.".into())));
        assert_eq!(found("AI assistant:"), Some((Role::Answer, ":".into())));
        for text in ["Questions:", "Userland", "x", "", "é", "Fragen:"] {
            assert_eq!(found(text), None, "{text}");
        }
    }

    #[test]
    fn numbers_in_digits_and_in_chinese() {
        for (text, number) in [("12.", 12), ("３：", 3), ("七：", 7), ("十五", 15), ("二十", 20), ("四十二", 42)]
        {
            assert_eq!(number_at(text).map(|found| found.0), Some(number), "{text}");
        }
        assert_eq!(number_at("x1"), None);
    }
}
