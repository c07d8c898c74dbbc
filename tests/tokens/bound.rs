//! The estimate beside OpenAI's vocabularies: never too low, and not much too high.

use proptest::prelude::*;
use svitgen::annotation::{Coco, Input, OnBadInput};
use svitgen::tokens::{BpeCounter, TokenCounter, TokenEstimate};
use svitgen::{Prompt, PromptOptions, RecordSource, Task, VisualGenome};

use crate::support::{say, shared};

const WORDS: &str = include_str!("../../src/tokens/words.txt");

fn exact(text: &str) -> usize {
    BpeCounter::o200k().count(text).max(BpeCounter::cl100k().count(text))
}

#[test]
fn known_words_have_no_more_tokens_wherever_they_stand() {
    let words = WORDS.lines().filter(|line| !line.starts_with('=')).flat_map(|line| line.split(' '));
    let mut n_texts = 0;
    for word in words {
        let capital = format!("{}{}", word[..1].to_ascii_uppercase(), &word[1..]);
        let (marks, ends) = ("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~\t", ["'s", "'t", "'re", "'LL", ".", ",\n", "_x"]);
        for word in [word, &capital] {
            let before = ["", " ", "\n", "\n\n", "  ", "7", " 'S", ".\n"].map(|before| format!("{before}{word}"));
            let marked = marks.chars().map(|mark| format!("{mark}{word}"));
            let spaced = marks.chars().map(|mark| format!(" {mark}{word}"));
            let followed = ends.map(|end| format!(" {word}{end}"));
            for text in before.into_iter().chain(marked).chain(spaced).chain(followed) {
                n_texts += 1;
                assert!(TokenEstimate::new().count(&text) >= exact(&text), "{text:?}");
            }
        }
    }
    say(format_args!("{n_texts} words in their places"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_text_has_more_tokens_than_the_estimate(
        text in prop_oneof![
            "[a-z ]{0,40}",
            "[a-zA-Z'. \n]{0,40}",
            "[jqxzgkwvyf ]{0,24}",
            "[ -~\n\t]{0,60}",
            "\\PC{0,30}",
            "(dog|Dog|the|standing|'s|[ -~]|é|字|\u{301}|\n| |7){0,20}",
        ],
    ) {
        prop_assert!(TokenEstimate::new().count(&text) >= exact(&text), "{:?}", text);
    }
}

/// How much too high the estimate is on the prompts of some records, in percent of OpenAI's newer vocabulary.
fn surplus(records: impl Iterator<Item = svitgen::Result<svitgen::ImageRecord>>) -> (usize, f64) {
    let (mut n_prompts, mut estimated, mut real) = (0, 0, 0);
    for record in records {
        let record = record.unwrap();
        for task in Task::built_in() {
            let Ok(prompt) = Prompt::new(&record, &task, &PromptOptions::default()) else { continue };
            let estimate = TokenEstimate::new().count_messages(&prompt.messages);
            let counts = [BpeCounter::o200k(), BpeCounter::cl100k()].map(|bpe| bpe.count_messages(&prompt.messages));
            assert!(counts.iter().all(|count| estimate >= *count), "image {}", record.image.id);
            n_prompts += 1;
            estimated += estimate;
            real += counts[0];
        }
    }
    (n_prompts, (estimated as f64 / real as f64 - 1.0) * 100.0)
}

#[test]
fn prompts_are_not_counted_much_too_high() {
    let (_, percent) = surplus(VisualGenome::sample().unwrap().records());
    assert!((0.0..12.0).contains(&percent), "{percent} %");
    let Some(folder) = shared("data/visual_genome") else { return };
    let (n_prompts, percent) = surplus(VisualGenome::open(folder).unwrap().records());
    say(format_args!("{n_prompts} prompts of real images: the estimate is {percent:.1} % too high"));
    assert!((0.0..12.0).contains(&percent), "{percent} %");
    let Some(captions) = shared("data/coco/captions_val2017.json") else { return };
    let coco = Coco::from_inputs([Input::path(captions).unwrap()], OnBadInput::Stop).unwrap();
    let (n_prompts, percent) = surplus(coco.records().take(300));
    say(format_args!("{n_prompts} prompts of real captions: the estimate is {percent:.1} % too high"));
    assert!((0.0..12.0).contains(&percent), "{percent} %");
}
