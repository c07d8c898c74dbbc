//! Words of texts, and the kinds of words that the lint knows.

use std::collections::HashMap;
use std::sync::LazyLock;

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

/// The singular of a noun in lower case, by its ending.
pub(super) fn singular(word: &str) -> String {
    let irregular = [
        ("people", "person"),
        ("men", "man"),
        ("women", "woman"),
        ("children", "child"),
        ("mice", "mouse"),
        ("geese", "goose"),
        ("feet", "foot"),
        ("knives", "knife"),
        ("shelves", "shelf"),
        ("leaves", "leaf"),
        ("calves", "calf"),
        ("loaves", "loaf"),
        ("glasses", "glasses"),
        ("sunglasses", "sunglasses"),
        ("jeans", "jeans"),
        ("pants", "pants"),
        ("shorts", "shorts"),
        ("trousers", "trousers"),
        ("scissors", "scissors"),
        ("grass", "grass"),
        ("bus", "bus"),
        ("buses", "bus"),
        ("glass", "glass"),
        ("dress", "dress"),
        ("canvas", "canvas"),
    ];
    if let Some((_, singular)) = irregular.iter().find(|(plural, _)| *plural == word) {
        return (*singular).to_owned();
    }
    let bytes = word.as_bytes();
    let cut = match bytes {
        [.., b's', b's'] | [.., b'u', b's'] => 0,
        [.., b'i', b'e', b's'] if word.len() > 4 => return format!("{}y", &word[..word.len() - 3]),
        [.., b'c' | b's', b'h', b'e', b's'] | [.., b'x', b'e', b's'] | [.., b's', b's', b'e', b's'] => 2,
        [.., b's'] if word.len() > 3 => 1,
        _ => 0,
    };
    word[..word.len() - cut].to_owned()
}

/// By name, the lines of the file that have it.
static LINES: LazyLock<HashMap<&'static str, Vec<&'static str>>> = LazyLock::new(|| {
    let mut by_name: HashMap<&str, Vec<&'static str>> = HashMap::new();
    for line in include_str!("nouns.txt").lines().filter(|line| !line.starts_with('#')) {
        for name in line.split(' ') {
            by_name.entry(name).or_default().push(line);
        }
    }
    by_name
});

/// The names that may stand for the same thing as this one, in singular; `None` for what is no name of a visible thing.
pub(super) fn same_things(word: &str) -> Option<impl Iterator<Item = &'static str>> {
    LINES.get(word).map(|lines| lines.iter().flat_map(|line| line.split(' ')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn singulars() {
        for (plural, one) in [
            ("cups", "cup"),
            ("buses", "bus"),
            ("benches", "bench"),
            ("boxes", "box"),
            ("berries", "berry"),
            ("people", "person"),
            ("grass", "grass"),
            ("bus", "bus"),
            ("dishes", "dish"),
            ("glasses", "glasses"),
            ("knives", "knife"),
            ("gas", "gas"),
        ] {
            assert_eq!(singular(plural), one);
        }
    }
}
