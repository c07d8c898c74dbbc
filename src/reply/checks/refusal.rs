//! Texts in which the model declines, or speaks of itself.

use crate::reply::checks::phrases::{Found, Meaning};
use crate::reply::checks::words::{Hit, starts_with_any};

/// How refusals begin.
const REFUSALS: &[&str] = &[
    "i'm sorry",
    "i am sorry",
    "i'm really sorry",
    "i'm afraid",
    "sorry but",
    "sorry i",
    "sorry there",
    "apologies but",
    "my apologies",
    "i apologize",
    "i apologise",
    "unfortunately i",
    "unfortunately there",
    "unfortunately the",
    "unfortunately no",
    "i can't",
    "i cannot",
    "i can not",
    "i'm unable",
    "i am unable",
    "i'm not able",
    "i am not able",
    "i do not see",
    "i don't see",
    "i need more",
    "i'll need",
    "as an ai",
    "it seems that you",
    "it seems you",
    "it seems your message",
    "it seems that your message",
    "it seems like you",
    "it seems the",
    "it seems there",
    "it looks like your message",
    "it looks like you",
    "it appears your",
    "it appears you",
    "it appears that you",
    "your message is empty",
    "your message seems",
    "your message appears",
    "your input",
    "the message is empty",
    "please provide",
    "please share",
    "please give me",
    "could you please provide",
    "could you provide",
    "there is no image",
    "there are no annotations",
    "there are no captions",
    "no image",
    "no annotations",
    "you haven't provided",
    "you have not provided",
    "you did not provide",
    "lo siento",
    "es tut mir leid",
    "je suis désolé",
    "mi dispiace",
    "desculpe",
];

/// The same in scripts that set no spaces between words.
const REFUSALS_UNSPACED: &[&str] = &["抱歉", "对不起", "很抱歉", "申し訳", "すみません", "죄송"];

/// Words with which a model speaks of itself.
pub(super) const ITSELF: &[&str] = &[
    "as an ai",
    "as a language model",
    "an ai language model",
    "ai language model",
    "large language model",
    "as an artificial intelligence",
    "as a text based",
    "as a visual assistant",
    "i can't see",
    "i cannot see",
    "i can not see",
    "i can't view",
    "i cannot view",
    "i am unable to",
    "i'm unable to",
    "i am not able to",
    "i'm not able to",
    "i don't have access",
    "i do not have access",
    "i don't have the ability",
    "i cannot determine",
    "i can't determine",
    "my training data",
    "without seeing the image",
    "without access to the image",
    "i was trained",
];

/// Whether a text declines to do what was asked.
pub(in crate::reply) fn is_refusal(text: &str) -> bool {
    let bare = text.trim_start_matches(['*', '_', '"', '(', '[', ' ', '\n', '\u{feff}']);
    starts_with_any(bare, REFUSALS) || REFUSALS_UNSPACED.iter().any(|refusal| bare.starts_with(refusal))
}

/// Beginnings of refusals with which the answer to a question may begin as well: "It seems the man waits for a bus."
const MAY_ANSWER: &[&str] = &[
    "it seems the",
    "it seems there",
    "unfortunately the",
    "unfortunately there",
    "unfortunately no",
    "no image",
    "no captions",
    "your input",
];

/// Whether the answer to a question declines to answer.
pub(in crate::reply) fn declines(answer: &str) -> bool {
    is_refusal(answer) && !starts_with_any(answer, MAY_ANSWER)
}

/// The words in which the model speaks of itself.
pub(super) fn self_reference<'h>(found: &Found<'h>) -> Option<&'h Hit<Meaning>> {
    found.hits.iter().find(|hit| hit.meaning == Meaning::Itself)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reply::checks::phrases::with_found;

    #[test]
    fn texts_that_decline() {
        for text in [
            "I'm sorry, but I can't help with that.",
            "I’m sorry, I cannot see images.",
            "It looks like your message is empty.",
            "It seems that you have not provided any captions.",
            "Unfortunately, I have no information.",
            "**I cannot** do this.",
            "抱歉，我无法看到图片。",
            "Lo siento, no puedo.",
        ] {
            assert!(is_refusal(text), "{text}");
        }
        for text in ["A sorry sight.", "The man cannot see.", "No images hang on the wall.", "I see a dog.", ""] {
            assert!(!is_refusal(text), "{text}");
        }
    }

    #[test]
    fn answers_that_decline() {
        assert!(declines("It seems that your message is empty."));
        assert!(!declines("It seems the man waits for a bus."));
    }

    #[test]
    fn models_that_speak_of_themselves() {
        let speaks = |text: &str| with_found(text, |found| self_reference(found).is_some());
        for text in ["As an AI, I see no dog.", "I can't see the left side.", "I cannot determine his age."] {
            assert!(speaks(text), "{text}");
        }
        for text in
            ["The man can't see the dog.", "He works as an aide.", "The robot is an AI toy.", "I can see a dog."]
        {
            assert!(!speaks(text), "{text}");
        }
    }
}
