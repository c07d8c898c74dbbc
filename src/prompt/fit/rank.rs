//! Which lines tell the most about an image.

use std::collections::HashMap;

use crate::bbox::UnitBox;
use crate::prompt::lines::{Line, Lines};
use crate::task::Section;

/// Cells of the image by which it is judged what has been told about: 16 rows of 16.
const N_CELLS: usize = 16;

/// How much the share of the image that a line is about counts beside the news in its words.
const AREA: f64 = 0.5;

/// How much the share of it that no line before is about counts.
const COVERAGE: f64 = 0.5;

/// Words that are no news.
const IGNORED: [&str; 8] = ["the", "and", "with", "for", "has", "are", "its", "crowd"];

/// Indices of the lines, the last to be dropped first.
///
/// Captions come before all else, in their order. The others come by a score: the news in their words, the area that they
/// are about, and how much of it nothing else is about. News and coverage are judged against the lines of a larger area in
/// the same section: an object tells where a thing is, even if a region has its name.
pub(super) fn order(all: &Lines<'_>) -> Vec<usize> {
    let lines = &all.lines;
    let captions = (0..lines.len()).filter(|index| lines[*index].section == Section::Captions);
    let mut others: Vec<usize> = (0..lines.len()).filter(|index| lines[*index].section != Section::Captions).collect();
    // Both sorts are stable: of equals the first annotated stays longest.
    others.sort_by(|a, b| area(&lines[*b]).total_cmp(&area(&lines[*a])));
    let mut told: [Told<'_>; Section::ALL.len()] = Default::default();
    let mut scored: Vec<(f64, usize)> = Vec::with_capacity(others.len());
    for index in others {
        let line = &lines[index];
        scored.push((told[line.section as usize].score(line, &all.text[line.range.clone()]), index));
    }
    scored.sort_by(|a, b| b.0.total_cmp(&a.0));
    captions.chain(scored.into_iter().map(|(_, index)| index)).collect()
}

fn area(line: &Line) -> f64 {
    line.place.map_or(0.0, UnitBox::area)
}

/// What the lines of a larger area have told.
#[derive(Default)]
struct Told<'t> {
    words: HashMap<&'t str, u32>,
    cells: [[bool; N_CELLS]; N_CELLS],
}

impl<'t> Told<'t> {
    fn score(&mut self, line: &Line, text: &'t str) -> f64 {
        let coverage = line.place.map_or(0.0, |place| self.coverage(place));
        self.news(text) + AREA * area(line).sqrt() + COVERAGE * coverage.sqrt()
    }

    /// How new the words are, 0 to 1: a word counts one divided by how often it has come.
    fn news(&mut self, text: &'t str) -> f64 {
        let words = text.split(|c: char| !c.is_alphabetic()).filter(|word| word.len() > 2 && !IGNORED.contains(word));
        let (mut sum, mut n_words) = (0.0, 0.0);
        for word in words {
            let n_told = self.words.entry(word).or_default();
            *n_told += 1;
            sum += 1.0 / f64::from(*n_told);
            n_words += 1.0;
        }
        if n_words == 0.0 { 0.0 } else { sum / n_words }
    }

    /// The share of the image in a box that nothing else is about, 0 to 1.
    fn coverage(&mut self, place: UnitBox) -> f64 {
        let cell = |edge: f64| ((edge * N_CELLS as f64) as usize).min(N_CELLS - 1);
        let mut n_new = 0_u32;
        for row in &mut self.cells[cell(place.y1())..=cell(place.y2())] {
            for is_told in &mut row[cell(place.x1())..=cell(place.x2())] {
                n_new += u32::from(!std::mem::replace(is_told, true));
            }
        }
        f64::from(n_new) / (N_CELLS * N_CELLS) as f64
    }
}
