//! English nouns of things that can be seen: singular, plural, and which names may stand for the same thing.

use std::collections::HashMap;
use std::sync::LazyLock;

/// Plurals that are not made with an s.
const IRREGULAR: &[(&str, &str)] = &[
    ("man", "men"),
    ("woman", "women"),
    ("child", "children"),
    ("person", "people"),
    ("foot", "feet"),
    ("tooth", "teeth"),
    ("mouse", "mice"),
    ("goose", "geese"),
    ("leaf", "leaves"),
    ("knife", "knives"),
    ("shelf", "shelves"),
    ("loaf", "loaves"),
    ("scarf", "scarves"),
    ("half", "halves"),
    ("wolf", "wolves"),
    ("calf", "calves"),
    ("sheep", "sheep"),
    ("deer", "deer"),
    ("fish", "fish"),
    ("aircraft", "aircraft"),
];

/// Nouns in -s that are one thing.
const SINGULAR_S: &[&str] = &[
    "bus",
    "lens",
    "gas",
    "canvas",
    "atlas",
    "cactus",
    "octopus",
    "walrus",
    "hippopotamus",
    "asparagus",
    "christmas",
    "iris",
    "tennis",
    "harness",
    "mattress",
    "compass",
    "citrus",
    "platypus",
    "pus",
    "plus",
    "virus",
];

/// Nouns in -s that are a pair or a mass, and take no number.
const PAIRS: &[&str] = &[
    "pants",
    "jeans",
    "shorts",
    "trousers",
    "glasses",
    "sunglasses",
    "scissors",
    "goggles",
    "tights",
    "leggings",
    "clothes",
    "headphones",
    "pajamas",
    "overalls",
    "binoculars",
    "stairs",
    "pliers",
    "tongs",
];

/// Nouns in -o that take -es.
const TAKE_ES: &[&str] = &["tomato", "potato", "mango", "buffalo"];

/// Whether a noun in lower case is a plural, or a pair that has no singular.
pub(crate) fn is_plural(noun: &str) -> bool {
    if IRREGULAR.iter().any(|(singular, plural)| *plural == noun && singular != plural) || PAIRS.contains(&noun) {
        return true;
    }
    let ends_singular = ["ss", "us", "is"].iter().any(|end| noun.ends_with(end));
    noun.len() > 3 && noun.ends_with('s') && !ends_singular && !SINGULAR_S.contains(&noun)
}

/// The plural of a singular in lower case.
pub(crate) fn plural(noun: &str) -> String {
    if let Some((_, plural)) = IRREGULAR.iter().find(|(singular, _)| *singular == noun) {
        return (*plural).to_owned();
    }
    // "bookshelf"
    let compound = |(singular, plural): &(&str, &str)| {
        let stem = noun.strip_suffix(singular).filter(|_| matches!(*singular, "shelf" | "leaf" | "loaf" | "knife"))?;
        Some(format!("{stem}{plural}"))
    };
    if let Some(plural) = IRREGULAR.iter().find_map(compound) {
        return plural;
    }
    // "fireman", "policewoman"
    if let Some(stem) = noun.strip_suffix("man").filter(|stem| stem.len() > 2) {
        return format!("{stem}men");
    }
    let takes_es = ["s", "x", "z", "ch", "sh"].iter().any(|end| noun.ends_with(end)) || TAKE_ES.contains(&noun);
    let y_stem = noun.strip_suffix('y').filter(|stem| !stem.ends_with(['a', 'e', 'i', 'o', 'u']) && !stem.is_empty());
    match (takes_es, y_stem) {
        (true, _) => format!("{noun}es"),
        (false, Some(stem)) => format!("{stem}ies"),
        (false, None) => format!("{noun}s"),
    }
}

/// The singular of a noun in lower case; what is none, or a pair without one, stays as it is.
pub(crate) fn singular(noun: &str) -> String {
    if let Some((singular, _)) = IRREGULAR.iter().find(|(_, plural)| *plural == noun) {
        return (*singular).to_owned();
    }
    if noun.contains('\'') || PAIRS.contains(&noun) || !is_plural(noun) && !noun.ends_with("men") {
        return noun.to_owned();
    }
    // What its plural says is a singular of it: the longest ending that does.
    let candidates = [
        noun.strip_suffix("men").map(|stem| format!("{stem}man")),
        noun.strip_suffix("ies").filter(|stem| stem.len() > 1).map(|stem| format!("{stem}y")),
        noun.strip_suffix("ves").map(|stem| format!("{stem}f")),
        noun.strip_suffix("es").filter(|stem| has_no_e(stem)).map(str::to_owned),
        noun.strip_suffix('s').map(str::to_owned),
    ];
    let fitting = candidates.into_iter().flatten().find(|singular| plural(singular) == noun);
    fitting.unwrap_or_else(|| noun.to_owned())
}

/// Whether the e of a plural in -es is none of the singular's, unlike that of "suitcases".
fn has_no_e(stem: &str) -> bool {
    ["ss", "x", "zz", "ch", "sh"].iter().any(|end| stem.ends_with(end))
        || SINGULAR_S.contains(&stem)
        || TAKE_ES.contains(&stem)
}

/// By name, the lines of the file that have it.
static LINES: LazyLock<HashMap<&'static str, Vec<&'static str>>> = LazyLock::new(|| {
    let mut by_name: HashMap<&str, Vec<&'static str>> = HashMap::new();
    for line in include_str!("kinds.txt").lines().filter(|line| !line.starts_with('#')) {
        for name in line.split(' ') {
            by_name.entry(name).or_default().push(line);
        }
    }
    by_name
});

/// The names that may stand for the same thing as this one, itself among them, all in singular; `None` for what is no
/// name of a visible thing.
pub(crate) fn same_things(singular: &str) -> Option<impl Iterator<Item = &'static str>> {
    LINES.get(singular).map(|lines| lines.iter().flat_map(|line| line.split(' ')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plurals_and_back() {
        for (one, many) in [
            ("cup", "cups"),
            ("bus", "buses"),
            ("bench", "benches"),
            ("box", "boxes"),
            ("berry", "berries"),
            ("toy", "toys"),
            ("person", "people"),
            ("policeman", "policemen"),
            ("dish", "dishes"),
            ("knife", "knives"),
            ("bookshelf", "bookshelves"),
            ("dress", "dresses"),
            ("suitcase", "suitcases"),
            ("house", "houses"),
            ("shoe", "shoes"),
            ("tomato", "tomatoes"),
            ("tie", "ties"),
        ] {
            assert_eq!(plural(one), many);
            assert_eq!(singular(many), one);
            assert_eq!(singular(one), one);
        }
        for noun in ["grass", "gas", "glasses", "jeans", "sheep", "women's", "s", ""] {
            assert_eq!(singular(noun), noun);
        }
    }

    #[test]
    fn names_for_the_same_thing() {
        let same = |a: &str, b: &str| same_things(a).is_some_and(|mut names| names.any(|name| name == b));
        assert!(same("man", "person") && same("puppy", "dog") && same("car", "vehicle"));
        assert!(!same("dog", "cat") && !same("weather", "weather"));
    }
}
