//! Words of texts, and the numbers and colours among them.

pub(super) const COLOURS: &[&str] = &[
    "red", "blue", "green", "yellow", "orange", "purple", "pink", "brown", "black", "white", "grey", "gray", "beige",
    "golden", "silver",
];

const NUMBERS: &[&str] = &["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"];

/// The words in lower case.
pub(super) fn words(text: &str) -> impl Iterator<Item = String> {
    let words = text.split(|c: char| !c.is_alphanumeric() && c != '\'');
    words.filter(|word| !word.is_empty()).map(str::to_lowercase)
}

/// The number that a word says, from two on: "one" is rarely a count.
pub(super) fn number(word: &str) -> Option<usize> {
    let position = NUMBERS.iter().position(|number| *number == word).map(|index| index + 1);
    position.or_else(|| word.parse().ok()).filter(|number| (2..=99).contains(number))
}
