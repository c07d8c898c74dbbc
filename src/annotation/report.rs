//! What a reader found in its inputs, beside the records.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::annotation::{ImageId, InputError};

/// What a reader does with a record or an annotation that is not what it should be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum OnBadInput {
    /// It gives an error, and no further records.
    #[default]
    Stop,
    /// It leaves out the smallest part that is bad, lists it in the [`ReadReport`], and goes on.
    Skip,
}

/// What a reader found in its inputs, beside the records: nothing is left out silently.
///
/// Counts grow while records are read, and each record counts once, however often it is read.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ReadReport {
    /// How much was read, by file and kind: `objects.json` → `objects` → 119.
    pub counts: BTreeMap<String, BTreeMap<&'static str, u64>>,
    /// What was left out because it was bad ([`OnBadInput::Skip`]), in the order in which it was found.
    pub skipped: Vec<Arc<InputError>>,
    /// Ids that one file has and another has not, by "objects.json, not in image_data.json".
    pub one_sided: BTreeMap<String, Vec<ImageId>>,
    /// What else is worth knowing: keys that were ignored, captions found twice.
    pub notes: BTreeMap<String, u64>,
}

impl ReadReport {
    /// How many annotations of a kind were read from a file.
    pub fn count(&self, file: &str, kind: &str) -> u64 {
        self.counts.get(file).and_then(|counts| counts.get(kind)).copied().unwrap_or(0)
    }

    pub(super) fn add(&mut self, file: &str, kind: &'static str, n: usize) {
        if !self.counts.contains_key(file) {
            self.counts.insert(file.to_owned(), BTreeMap::new());
        }
        if let Some(counts) = self.counts.get_mut(file) {
            *counts.entry(kind).or_default() += n as u64;
        }
    }

    pub(super) fn note(&mut self, what: &str, n: u64) {
        if n > 0 {
            *self.notes.entry(what.to_owned()).or_default() += n;
        }
    }

    pub(super) fn one_sided(&mut self, file: &str, other: &str, ids: Vec<ImageId>) {
        if !ids.is_empty() {
            self.one_sided.insert(format!("{file}, not in {other}"), ids);
        }
    }
}

impl fmt::Display for ReadReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (file, counts) in &self.counts {
            let counts: Vec<String> = counts.iter().map(|(kind, n)| format!("{n} {kind}")).collect();
            writeln!(f, "{file}: {}", counts.join(", "))?;
        }
        for (files, ids) in &self.one_sided {
            let first: Vec<String> = ids.iter().take(5).map(ToString::to_string).collect();
            let more = if ids.len() > first.len() { ", ..." } else { "" };
            writeln!(f, "images in {files}: {} ({}{more})", ids.len(), first.join(", "))?;
        }
        for (what, n) in &self.notes {
            writeln!(f, "{what}: {n}")?;
        }
        if !self.skipped.is_empty() {
            writeln!(f, "skipped: {}", self.skipped.len())?;
        }
        for error in self.skipped.iter().take(20) {
            writeln!(f, "  {error}")?;
        }
        if self.skipped.len() > 20 {
            writeln!(f, "  and {} more", self.skipped.len() - 20)?;
        }
        Ok(())
    }
}
