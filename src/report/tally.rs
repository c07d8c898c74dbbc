//! Numbers and words counted in little memory, however many there are.

use std::collections::HashMap;

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

/// Values from here on are counted together; their sum and the largest one stay exact.
const CAP: usize = 4096;

/// Most different words that are told apart; what comes later counts as other.
const MAX_WORDS: usize = 50_000;

/// Longest word that is kept whole, in characters.
const MAX_CHARS: usize = 40;

/// How often each whole number occurs: mean, quantiles and bars of a distribution.
///
/// As JSON it is `{"n", "mean", "p5", "median", "p95", "max"}`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Histogram {
    counts: Vec<u64>,
    n: u64,
    sum: u64,
    max: u64,
}

impl Histogram {
    /// Adds a value.
    pub fn add(&mut self, value: u64) {
        let index = usize::try_from(value).unwrap_or(CAP).min(CAP);
        if index >= self.counts.len() {
            self.counts.resize(index + 1, 0);
        }
        self.counts[index] += 1;
        self.n += 1;
        self.sum = self.sum.saturating_add(value);
        self.max = self.max.max(value);
    }

    /// How many values there are.
    pub fn n(&self) -> u64 {
        self.n
    }

    /// The sum of all values.
    pub fn sum(&self) -> u64 {
        self.sum
    }

    /// The largest value; 0 if there is none.
    pub fn max(&self) -> u64 {
        self.max
    }

    /// The mean; 0 if there is no value.
    pub fn mean(&self) -> f64 {
        if self.n == 0 { 0.0 } else { self.sum as f64 / self.n as f64 }
    }

    /// The smallest value that is not below `share` of all values, 0 to 1; at most 4,096.
    pub fn quantile(&self, share: f64) -> u64 {
        let rank = (share.clamp(0.0, 1.0) * self.n as f64).ceil().max(1.0) as u64;
        let mut seen = 0;
        let found = self.counts.iter().position(|count| {
            seen += count;
            seen >= rank
        });
        found.unwrap_or(0) as u64
    }

    /// The distribution in at most `most` bars of one width: first value of each bar, and how many values it holds.
    ///
    /// The last bar also holds what lies above; so a few huge values do not squeeze all others into one bar.
    pub fn bars(&self, most: usize) -> Vec<(u64, u64)> {
        let most = most.max(1) as u64;
        let (low, high) = (self.quantile(0.0), self.quantile(0.995));
        let width = nice_width((high - low) / most + 1);
        let start = low / width * width;
        let mut bars: Vec<(u64, u64)> = Vec::new();
        for (value, count) in self.counts.iter().enumerate().skip(low as usize) {
            let index = ((value as u64 - start) / width).min((high - start) / width) as usize;
            while bars.len() <= index {
                bars.push((start + bars.len() as u64 * width, 0));
            }
            bars[index].1 += count;
        }
        bars
    }
}

/// The next of 1, 2, 5, 10, 20, 50, ...
fn nice_width(at_least: u64) -> u64 {
    let mut unit = 1_u64;
    loop {
        for step in [1, 2, 5] {
            if unit.saturating_mul(step) >= at_least {
                return unit.saturating_mul(step);
            }
        }
        unit = unit.saturating_mul(10);
    }
}

impl Serialize for Histogram {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Histogram", 6)?;
        object.serialize_field("n", &self.n)?;
        object.serialize_field("mean", &self.mean())?;
        object.serialize_field("p5", &self.quantile(0.05))?;
        object.serialize_field("median", &self.quantile(0.5))?;
        object.serialize_field("p95", &self.quantile(0.95))?;
        object.serialize_field("max", &self.max)?;
        object.end()
    }
}

/// How often each word occurs.
///
/// As JSON it is an object from the 50 most frequent words to their counts, most frequent first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WordCounts {
    counts: HashMap<String, u64>,
    n: u64,
}

impl WordCounts {
    /// Counts a word; one of more than 40 characters by its beginning.
    pub fn add(&mut self, word: &str) {
        self.n += 1;
        if let Some(count) = self.counts.get_mut(word) {
            *count += 1;
        } else {
            let word: String = word.chars().take(MAX_CHARS).collect();
            if self.counts.len() < MAX_WORDS || self.counts.contains_key(&word) {
                *self.counts.entry(word).or_default() += 1;
            }
        }
    }

    /// How many words were counted in all.
    pub fn n(&self) -> u64 {
        self.n
    }

    /// How many different words there are, up to 50,000.
    pub fn n_different(&self) -> usize {
        self.counts.len()
    }

    /// How often a word was counted.
    pub fn count(&self, word: &str) -> u64 {
        self.counts.get(word).copied().unwrap_or(0)
    }

    /// The `n` most frequent words, most frequent first, those of one count in order of the alphabet.
    pub fn top(&self, n: usize) -> Vec<(&str, u64)> {
        let mut words: Vec<(&str, u64)> = self.counts.iter().map(|(word, count)| (word.as_str(), *count)).collect();
        words.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
        words.truncate(n);
        words
    }
}

impl Serialize for WordCounts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.top(50))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn histogram(values: impl IntoIterator<Item = u64>) -> Histogram {
        let mut histogram = Histogram::default();
        values.into_iter().for_each(|value| histogram.add(value));
        histogram
    }

    #[test]
    fn quantiles_and_bars() {
        let hundred = histogram(1..=100);
        assert_eq!([0.0, 0.05, 0.5, 1.0].map(|share| hundred.quantile(share)), [1, 5, 50, 100]);
        assert_eq!((hundred.mean(), hundred.max(), hundred.n()), (50.5, 100, 100));
        let bars = hundred.bars(10);
        assert!(bars.len() <= 11 && bars.iter().map(|bar| bar.1).sum::<u64>() == 100, "{bars:?}");
        assert_eq!(bars[1], (10, 10));
    }

    #[test]
    fn no_value_and_huge_values() {
        let none = Histogram::default();
        assert_eq!((none.quantile(0.5), none.mean(), none.bars(10)), (0, 0.0, vec![]));
        let mut huge = histogram([3; 1000]);
        huge.add(u64::MAX);
        assert_eq!((huge.max(), huge.quantile(0.5)), (u64::MAX, 3));
        assert_eq!(huge.bars(10), [(3, 1001)]);
    }

    #[test]
    fn words_are_bounded() {
        let mut words = WordCounts::default();
        for index in 0..MAX_WORDS + 100 {
            words.add(&format!("w{index}"));
        }
        words.add("w1");
        words.add(&"x".repeat(10_000));
        assert_eq!((words.n_different(), words.n()), (MAX_WORDS, MAX_WORDS as u64 + 102));
        assert_eq!(words.top(1), [("w1", 2)]);
    }
}
