//! Words: articles, plurals, numbers, lists.

use crate::noun;

/// Nouns that are not counted.
const MASS: &[&str] = &[
    "air",
    "asphalt",
    "bread",
    "butter",
    "cardboard",
    "carpeting",
    "cement",
    "cheese",
    "clothing",
    "concrete",
    "cream",
    "dirt",
    "dust",
    "equipment",
    "fabric",
    "firewood",
    "fog",
    "foliage",
    "food",
    "fruit",
    "fur",
    "furniture",
    "grass",
    "gravel",
    "greenery",
    "hair",
    "hay",
    "ice",
    "ivy",
    "jewelry",
    "juice",
    "land",
    "leather",
    "lettuce",
    "lighting",
    "luggage",
    "meat",
    "metal",
    "milk",
    "mist",
    "moss",
    "mud",
    "paper",
    "pavement",
    "produce",
    "rain",
    "rice",
    "rust",
    "sand",
    "scaffolding",
    "seaweed",
    "shade",
    "smoke",
    "snow",
    "soap",
    "soil",
    "steam",
    "straw",
    "sugar",
    "sunlight",
    "surf",
    "traffic",
    "vegetation",
    "water",
    "wine",
    "wood",
    "writing",
    "graffiti",
];

/// Things of which a scene has one, so that everybody says "the".
const UNIQUE: &[&str] = &["sky", "sea", "ocean", "ground", "sun", "moon", "horizon", "floor", "ceiling", "background"];

/// The last word of a name, on which its number depends.
fn head(name: &str) -> &str {
    // Of "pair of skis" and "bunch of flowers" the first noun counts.
    let name = name.split(" of ").next().unwrap_or(name);
    name.rsplit(' ').next().unwrap_or(name)
}

pub(super) fn is_mass(name: &str) -> bool {
    MASS.contains(&head(name))
}

pub(super) fn is_unique(name: &str) -> bool {
    UNIQUE.contains(&name)
}

/// Whether the name is a plural already: "trees", "people".
pub(super) fn is_plural(name: &str) -> bool {
    noun::is_plural(head(name))
}

pub(super) fn plural(name: &str) -> String {
    if is_plural(name) || is_mass(name) {
        return name.to_owned();
    }
    if let Some((first, rest)) = name.split_once(" of ") {
        return format!("{} of {rest}", plural(first));
    }
    let head = head(name);
    format!("{}{}", &name[..name.len() - head.len()], noun::plural(head))
}

/// "a" or "an".
pub(super) fn article(word: &str) -> &'static str {
    let word = word.to_lowercase();
    let starts = |starts: &[&str]| starts.iter().any(|start| word.starts_with(start));
    if starts(&["uni", "use", "usu", "eu", "one", "ute"]) {
        return "a";
    }
    if starts(&["hour", "honest", "heir"]) || word.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" }
}

/// "a car", "some trees", "water", "the sky".
pub(super) fn indefinite(name: &str) -> String {
    if is_mass(name) {
        name.to_owned()
    } else if is_unique(name) {
        format!("the {name}")
    } else if is_plural(name) {
        format!("some {name}")
    } else {
        format!("{} {name}", article(name))
    }
}

/// "three cars"; "many" from where nobody counts at a glance.
pub(super) fn counted(name: &str, n: usize) -> String {
    if n == 1 || is_plural(name) || is_mass(name) {
        return indefinite(name);
    }
    format!("{} {}", number(n), plural(name))
}

pub(super) fn number(n: usize) -> &'static str {
    const WORDS: [&str; 13] =
        ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"];
    WORDS.get(n).copied().unwrap_or("many")
}

/// "is" or "are".
pub(super) fn is_or_are(name: &str, n: usize) -> &'static str {
    if (n > 1 && !is_mass(name)) || is_plural(name) { "are" } else { "is" }
}

/// "a, b and c".
pub(super) fn list(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// The text with a capital at the start and a full stop at the end.
pub(super) fn sentence(text: &str) -> String {
    let text = text.trim().trim_end_matches(['.', ',', ';', ' ']);
    let mut sentence = capitalized(text);
    if !sentence.ends_with(['!', '?']) {
        sentence.push('.');
    }
    sentence
}

pub(super) fn capitalized(text: &str) -> String {
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => String::new(),
    }
}

/// The text with a small letter at the start, unless it starts with a capital word or name of its own: "TV", "I".
pub(super) fn uncapitalized(text: &str) -> String {
    let mut chars = text.chars();
    let (first, second) = (chars.next(), chars.next());
    match (first, second) {
        (Some(first), Some(second)) if first.is_uppercase() && !second.is_uppercase() => {
            first.to_lowercase().chain(text.chars().skip(1)).collect()
        }
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plurals_and_articles() {
        let check = |name: &str, expected: &str| assert_eq!(plural(name), expected);
        check("car", "cars");
        check("traffic light", "traffic lights");
        check("glass of wine", "glasses of wine");
        check("bus", "buses");
        check("bench", "benches");
        check("berry", "berries");
        check("toy", "toys");
        check("young woman", "young women");
        check("policeman", "policemen");
        check("bookshelf", "bookshelves");
        check("trees", "trees");
        check("dress", "dresses");
        check("pair of skis", "pairs of skis");
        assert_eq!(indefinite("umbrella"), "an umbrella");
        assert_eq!(indefinite("uniform"), "a uniform");
        assert_eq!(indefinite("people"), "some people");
        assert_eq!(indefinite("grass"), "grass");
        assert_eq!(counted("man", 2), "two men");
        assert_eq!(counted("bird", 40), "many birds");
        assert_eq!(list(&["a".into(), "b".into(), "c".into()]), "a, b and c");
        assert_eq!(sentence("a dog, "), "A dog.");
        assert_eq!(uncapitalized("TV set"), "TV set");
        assert_eq!(uncapitalized("Girl"), "girl");
    }
}
