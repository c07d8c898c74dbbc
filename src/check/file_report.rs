//! What is wrong with a file: counts, shares and examples.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::check::FileFormat;

/// What a file holds and what is wrong with it.
///
/// `Display` gives a table with the examples; `Serialize` the same as JSON.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct FileReport {
    /// The format it was read as; `None` for a file without entries.
    pub format: Option<FileFormat>,
    /// Entries.
    pub n_entries: u64,
    /// Conversations of all entries.
    pub n_conversations: u64,
    /// Turns of all conversations.
    pub n_turns: u64,
    /// Questions that are followed by an answer.
    pub n_pairs: u64,
    /// Entries with a finding.
    pub n_entries_found: u64,
    /// What was found, by code.
    pub codes: BTreeMap<String, CodeReport>,
}

/// What was found of one code.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct CodeReport {
    /// How often.
    pub n_findings: u64,
    /// In how many entries.
    pub n_entries: u64,
    /// In which share of all entries, 0 to 1.
    pub share: f64,
    /// The first findings, in the order of the file.
    pub examples: Vec<Example>,
}

/// One finding and its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Example {
    /// Index of the entry, from 0.
    pub entry: u64,
    /// Its id, where it has one.
    pub id: Option<String>,
    /// Index of the conversation in the entry; `None` for what concerns the whole entry.
    pub conversation: Option<usize>,
    /// Index of the turn in the conversation; `None` for what concerns all of it.
    pub turn: Option<usize>,
    /// First byte, and the one behind the last, in the value of the turn.
    pub span: Option<[usize; 2]>,
    /// What stands there, cut to a length, on one line; of an entry that is malformed, what it lacks.
    pub excerpt: String,
}

impl FileReport {
    pub(super) fn new(format: Option<FileFormat>) -> Self {
        Self {
            format,
            n_entries: 0,
            n_conversations: 0,
            n_turns: 0,
            n_pairs: 0,
            n_entries_found: 0,
            codes: BTreeMap::new(),
        }
    }

    /// How many findings there are in all.
    pub fn n_findings(&self) -> u64 {
        self.codes.values().map(|code| code.n_findings).sum()
    }

    /// Shares follow the counts.
    pub(super) fn set_shares(&mut self) {
        for code in self.codes.values_mut() {
            code.share = code.n_entries as f64 / self.n_entries.max(1) as f64;
        }
    }
}

impl fmt::Display for FileReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let format = self.format.map_or("no format", FileFormat::as_str);
        writeln!(
            f,
            "{format}: {} entries, {} conversations, {} turns, {} pairs",
            self.n_entries, self.n_conversations, self.n_turns, self.n_pairs
        )?;
        if self.codes.is_empty() {
            return writeln!(f, "nothing found");
        }
        writeln!(f, "{} findings in {} entries\n", self.n_findings(), self.n_entries_found)?;
        let mut codes: Vec<_> = self.codes.iter().collect();
        codes.sort_by_key(|(_, code)| std::cmp::Reverse(code.n_entries));
        let width = codes.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        writeln!(f, "{:width$}  {:>9}  {:>9}  {:>8}", "code", "findings", "entries", "share")?;
        for (name, code) in &codes {
            let percent = code.share * 100.0;
            writeln!(f, "{name:width$}  {:>9}  {:>9}  {percent:>6.2} %", code.n_findings, code.n_entries)?;
        }
        for (name, code) in codes.iter().filter(|(_, code)| !code.examples.is_empty()) {
            writeln!(f, "\n{name}")?;
            code.examples.iter().try_for_each(|example| writeln!(f, "  {example}"))?;
        }
        Ok(())
    }
}

impl fmt::Display for Example {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "entry {}", self.entry)?;
        if let Some(id) = &self.id {
            write!(f, " ({})", one_line(id))?;
        }
        if let Some(conversation) = self.conversation {
            write!(f, ", conversation {conversation}")?;
        }
        if let Some(turn) = self.turn {
            write!(f, ", turn {turn}")?;
        }
        if let Some([start, end]) = self.span {
            write!(f, ", bytes {start}..{end}")?;
        }
        if self.excerpt.is_empty() { Ok(()) } else { write!(f, ": {}", self.excerpt) }
    }
}

/// How many characters an excerpt has at most.
const MOST: usize = 120;

/// A text on one line, cut to a length, without characters that could steer a terminal.
pub(super) fn one_line(text: &str) -> String {
    let mut line: String =
        text.chars().take(MOST).map(|char| if char.is_control() || is_steering(char) { ' ' } else { char }).collect();
    if text.chars().nth(MOST).is_some() {
        line.push('…');
    }
    line
}

/// Changes the direction of what follows it.
fn is_steering(char: char) -> bool {
    matches!(char, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
