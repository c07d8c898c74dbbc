//! Whether texts are in the language that was asked for (feature `language`).

use whatlang::{Lang, detect};

use crate::reply::{Check, CheckContext, Finding, IssueCode, Item};

/// Bytes that the texts of an item need, for a guess at its language to be worth anything.
const MIN_BYTES: usize = 40;

/// A check that finds [`IssueCode::LanguageMismatch`] in items of another language; `None` if the code is not known.
///
/// The language is named by its code of ISO 639-3: `eng`, `cmn`, `deu`. Items that are too short to tell, and guesses
/// that are not reliable, pass.
///
/// # Example
/// ```
/// use svitgen::reply::{IssueCode, ReplyContext, ReplyForm, ReplyParser, in_language};
/// let english = in_language("eng").ok_or("no such language")?;
/// let parser = ReplyParser::new(ReplyForm::QaList { pairs: 1 }).with_check(english);
/// let reply = "Question: Warum steht die Tür der Küche offen?\nAnswer: Der Koch braucht frische Luft zum Atmen.";
/// let parsed = parser.parse(reply, &ReplyContext::default());
/// assert_eq!(parsed.items[0].flags, [IssueCode::LanguageMismatch]);
/// # Ok::<(), &str>(())
/// ```
pub fn in_language(code: &str) -> Option<impl Check + use<>> {
    Lang::from_code(code).map(|language| InLanguage { language })
}

#[derive(Debug)]
struct InLanguage {
    language: Lang,
}

impl Check for InLanguage {
    fn check(&self, items: &[Item], _: &CheckContext<'_>) -> Vec<Finding> {
        let is_other = |item: &Item| {
            let texts: Vec<&str> = item.texts().map(|text| text.text.as_str()).collect();
            let text = texts.join(" ");
            let guess = detect(&text).filter(|_| text.len() >= MIN_BYTES);
            guess.is_some_and(|guess| guess.is_reliable() && guess.lang() != self.language)
        };
        let others = items.iter().enumerate().filter(|(_, item)| is_other(item));
        others.map(|(item, _)| Finding { item, code: IssueCode::LanguageMismatch, span: None }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reply::{ReplyContext, ReplyForm, ReplyParser};

    #[test]
    fn languages_that_differ() {
        let check = |code: &str, question: &str, answer: &str| {
            let parser = ReplyParser::new(ReplyForm::QaList { pairs: 1 }).with_check(in_language(code).unwrap());
            let reply = format!("Question: {question}\nAnswer: {answer}");
            let parsed = parser.parse(&reply, &ReplyContext::default());
            parsed.items[0].flags.contains(&IssueCode::LanguageMismatch)
        };
        let english = ("Why is the door of the kitchen open?", "The cook needs some fresh air to breathe in there.");
        assert!(!check("eng", english.0, english.1));
        assert!(check("deu", english.0, english.1));
        assert!(check("eng", "门为什么开着？谁在外面等？", "因为厨师需要新鲜空气，外面有一个带着狗的男孩。"));
        assert!(!check("cmn", "门为什么开着？谁在外面等？", "因为厨师需要新鲜空气，外面有一个带着狗的男孩。"));
        assert!(!check("deu", "Yes?", "No."));
        assert!(in_language("xx").is_none());
    }
}
