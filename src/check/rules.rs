//! What is looked for in an entry.

use std::collections::HashSet;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::mem;
use std::ops::Range;

use crate::check::entry::{Entry, FileTurn, Speaker};
use crate::check::file_report::one_line;
use crate::check::recent::Recent;
use crate::check::{Example, FileReport};
use crate::reply::{IssueCode, Pair, PairPart, review};

const IMAGE_TOKEN: &str = "<image>";

/// Checks entries in the order of a file.
#[derive(Debug)]
pub(super) struct Rules {
    n_examples: usize,
    /// Hashes of the ids so far.
    ids: HashSet<u64>,
    recent: Recent,
    found: Vec<Found>,
}

/// Something that was found in the entry at hand.
#[derive(Debug)]
struct Found {
    code: String,
    conversation: Option<usize>,
    turn: Option<usize>,
    span: Option<Range<usize>>,
    excerpt: String,
}

/// A question with its answer: indices of turns, and where the texts start in their values.
struct Place {
    question: (usize, usize),
    answer: (usize, usize),
}

impl Rules {
    pub(super) fn new(n_examples: usize) -> Self {
        Self { n_examples, ids: HashSet::new(), recent: Recent::default(), found: Vec::new() }
    }

    pub(super) fn check(&mut self, entry: Entry, report: &mut FileReport) {
        self.recent.about(entry.image.as_deref());
        self.id(entry.id.as_deref());
        match entry.conversations {
            Err(lack) => self.of_entry("entry_malformed", lack),
            Ok(conversations) => {
                self.image(entry.n_images, &conversations);
                for (index, turns) in conversations.into_iter().enumerate() {
                    report.n_conversations += 1;
                    report.n_turns += turns.len() as u64;
                    report.n_pairs += self.conversation(index, turns, entry.n_images.is_some());
                }
            }
        }
        self.count(entry.id, report);
    }

    fn of_entry(&mut self, code: &str, excerpt: &str) {
        self.found.push(Found {
            code: code.to_owned(),
            conversation: None,
            turn: None,
            span: None,
            excerpt: excerpt.to_owned(),
        });
    }

    fn of_turn(&mut self, code: &str, conversation: usize, turn: Option<usize>, text: &str) {
        let (conversation, excerpt) = (Some(conversation), one_line(text));
        self.found.push(Found { code: code.to_owned(), conversation, turn, span: None, excerpt });
    }

    fn id(&mut self, id: Option<&str>) {
        match id {
            None => self.of_entry("id_missing", ""),
            Some(id) => {
                let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(id);
                if !self.ids.insert(hash) {
                    self.of_entry("duplicate_id", "");
                }
            }
        }
    }

    /// Whether there is one placeholder for each image, all of them in questions.
    fn image(&mut self, n_images: Option<usize>, conversations: &[Vec<FileTurn>]) {
        let Some(n_images) = n_images else { return };
        let mut n_tokens = 0;
        for (conversation, turns) in conversations.iter().enumerate() {
            for (index, turn) in turns.iter().enumerate() {
                let text = turn.text.as_deref().unwrap_or_default();
                let n_here = text.matches(IMAGE_TOKEN).count();
                let is_over = n_tokens + n_here > n_images && n_images > 0;
                if n_here > 0 && (turn.speaker == Speaker::Assistant || is_over) {
                    self.of_turn("image_token_misplaced", conversation, Some(index), text);
                }
                n_tokens += n_here;
            }
        }
        if n_tokens > 0 && n_images == 0 {
            self.of_entry("image_missing", "");
        } else if n_tokens < n_images {
            self.of_entry("image_token_missing", "");
        }
    }

    /// Checks the turns of a conversation; returns how many pairs it has.
    fn conversation(&mut self, index: usize, mut turns: Vec<FileTurn>, has_tokens: bool) -> u64 {
        if turns.is_empty() {
            self.of_turn("turns_missing", index, None, "");
        }
        let places = self.places(index, &turns, has_tokens);
        let text = |(turn, start): (usize, usize)| -> &str {
            turns.get(turn).and_then(|turn| turn.text.as_deref()).and_then(|text| text.get(start..)).unwrap_or_default()
        };
        let bare: Vec<String> = places.iter().map(|place| without_token(text(place.question))).collect();
        let pairs = bare.iter().zip(&places).map(|(question, place)| Pair { question, answer: text(place.answer) });
        let pairs: Vec<Pair<'_>> = pairs.collect();
        for finding in review(&pairs, &self.recent.pairs()) {
            let (Some(pair), Some(place)) = (pairs.get(finding.pair), places.get(finding.pair)) else { continue };
            let ((turn, start), text) = match finding.part {
                PairPart::Question => (place.question, pair.question),
                PairPart::Answer => (place.answer, pair.answer),
            };
            let excerpt = one_line(around(text, finding.span.clone()));
            let span = Some(finding.span.start + start..finding.span.end + start);
            let code = finding.code.as_str().to_owned();
            self.found.push(Found { code, conversation: Some(index), turn: Some(turn), span, excerpt });
        }
        for (question, place) in bare.into_iter().zip(&places) {
            let answer = turns.get_mut(place.answer.0).and_then(|turn| mem::take(&mut turn.text));
            self.recent.remember(question, answer.unwrap_or_default());
        }
        places.len() as u64
    }

    /// Which turns are pairs, and what is wrong with their order.
    fn places(&mut self, index: usize, turns: &[FileTurn], has_tokens: bool) -> Vec<Place> {
        let mut places = Vec::new();
        let mut question = None;
        let mut last = None;
        for (at, turn) in turns.iter().enumerate() {
            let text = turn.text.as_deref().unwrap_or_default();
            if turn.text.is_none() {
                self.of_turn(IssueCode::WrongType.as_str(), index, Some(at), "");
            }
            match turn.speaker {
                Speaker::System => continue,
                Speaker::Unknown => {
                    self.of_turn(IssueCode::UnknownSpeaker.as_str(), index, Some(at), text);
                    question = None;
                }
                speaker if last == Some(speaker) => {
                    self.of_turn("turns_not_alternating", index, Some(at), text);
                    question = (speaker == Speaker::User).then_some(at);
                }
                Speaker::User => question = Some(at),
                Speaker::Assistant => match question.take() {
                    Some(asked) => {
                        let asked_text = turns.get(asked).and_then(|turn| turn.text.as_deref()).unwrap_or_default();
                        let start = if has_tokens { token_len(asked_text) } else { 0 };
                        places.push(Place { question: (asked, start), answer: (at, 0) });
                    }
                    None if last.is_none() => self.of_turn(IssueCode::OrphanAnswer.as_str(), index, Some(at), text),
                    None => {}
                },
            }
            last = Some(turn.speaker);
        }
        if let Some(asked) = question {
            let text = turns.get(asked).and_then(|turn| turn.text.as_deref()).unwrap_or_default();
            self.of_turn(IssueCode::MissingAnswer.as_str(), index, Some(asked), text);
        }
        places
    }

    /// Takes what was found in an entry into the report.
    fn count(&mut self, id: Option<String>, report: &mut FileReport) {
        let entry = report.n_entries;
        report.n_entries += 1;
        report.n_entries_found += u64::from(!self.found.is_empty());
        let mut seen = Vec::new();
        for found in mem::take(&mut self.found) {
            let code = report.codes.entry(found.code.clone()).or_default();
            code.n_findings += 1;
            if code.examples.len() < self.n_examples {
                code.examples.push(Example {
                    entry,
                    id: id.clone(),
                    conversation: found.conversation,
                    turn: found.turn,
                    span: found.span.map(|span| [span.start, span.end]),
                    excerpt: found.excerpt,
                });
            }
            if !seen.contains(&found.code) {
                code.n_entries += 1;
                seen.push(found.code);
            }
        }
    }
}

/// Bytes of the placeholders before a question.
fn token_len(text: &str) -> usize {
    let mut rest = text;
    while let Some(behind) = rest.trim_start().strip_prefix(IMAGE_TOKEN) {
        rest = behind;
    }
    if rest.len() == text.len() { 0 } else { text.len() - rest.trim_start().len() }
}

/// A question without the placeholders behind it; those within it are blanked, so that all else keeps its place.
fn without_token(text: &str) -> String {
    text.replace(IMAGE_TOKEN, &" ".repeat(IMAGE_TOKEN.len())).trim_end().to_owned()
}

/// Bytes of text that an excerpt shows on each side of what was found.
const AROUND: usize = 30;

fn around(text: &str, span: Range<usize>) -> &str {
    let start = text.floor_char_boundary(span.start.saturating_sub(AROUND));
    let end = text.ceil_char_boundary(span.end.saturating_add(AROUND).min(text.len()));
    text.get(start..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_no_text() {
        assert_eq!(token_len("<image>\nWhy?"), 8);
        assert_eq!(token_len("<image><image>\n Why?"), 16);
        assert_eq!(token_len(" Why?\n<image>"), 0);
        assert_eq!(without_token("Why?\n<image>"), "Why?");
    }

    #[test]
    fn excerpts_end_between_characters() {
        let text = "ä".repeat(50);
        assert_eq!(around(&text, 50..52).chars().count(), 31);
        assert_eq!(around("short", 1..3), "short");
    }
}
