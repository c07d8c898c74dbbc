//! Texts that cite what the trained model will not have: captions, descriptions, annotations, boxes.

use std::sync::LazyLock;

use crate::reply::checks::phrases::{Found, Meaning};
use crate::reply::checks::words::{HashedSet, Hit, Word, hash_of, set_of};

/// Phrases that name the annotations wherever they stand.
pub(super) const CERTAIN: &[&str] = &[
    "bounding box",
    "bounding boxes",
    "bbox",
    "bboxes",
    "region description",
    "region descriptions",
    "object annotation",
    "object annotations",
    "list of objects",
    "object list",
    "objects list",
    "objects listed",
    "listed objects",
    "the annotations",
    "these annotations",
    "image annotations",
    "annotated objects",
    "annotated regions",
    "the prompt",
    "given information",
    "given data",
    "given details",
    "given facts",
    "given text",
    "given context",
    "given captions",
    "given caption",
    "given annotations",
    "provided data",
    "provided facts",
    "provided text",
    "provided context",
    "provided captions",
    "provided caption",
    "provided annotations",
    "image caption",
    "image captions",
    "textual description",
    "image description",
    "image descriptions",
    "scene description",
    "the description of the image",
    "the description of the scene",
    "the descriptions of the image",
    "not mentioned in the image",
    "not specified in the image",
    "not mentioned in the text",
    "not mentioned in the scene",
    "is not mentioned",
    "are not mentioned",
    "isn't mentioned",
    "aren't mentioned",
    "is not specified",
    "are not specified",
    "isn't specified",
    "no mention of",
    "标题中",
    "描述中",
    "标注",
];

/// Phrases that name them, unless it is said that they stand on something in the image.
pub(super) const DOUBTFUL: &[&str] = &[
    "caption",
    "captions",
    "annotation",
    "annotations",
    "the description",
    "the descriptions",
    "this description",
    "these descriptions",
    "given description",
    "given descriptions",
    "provided description",
    "provided descriptions",
    "the provided information",
    "the provided details",
    "information provided",
    "information given",
    "details provided",
    "details given",
    "data provided",
    "description provided",
    "descriptions provided",
    "description given",
    "descriptions given",
];

/// Things in an image that carry text of their own.
const CARRIERS: &[&str] = &[
    "shirt",
    "tshirt",
    "sweater",
    "hoodie",
    "jersey",
    "cap",
    "hat",
    "poster",
    "posters",
    "sign",
    "signs",
    "banner",
    "billboard",
    "board",
    "whiteboard",
    "blackboard",
    "newspaper",
    "magazine",
    "book",
    "page",
    "screen",
    "monitor",
    "laptop",
    "phone",
    "meme",
    "cartoon",
    "comic",
    "mug",
    "cup",
    "label",
    "package",
    "box",
    "bottle",
    "postcard",
    "card",
    "plaque",
    "painting",
    "television",
    "tv",
    "subtitle",
    "subtitles",
    "menu",
    "brochure",
    "map",
    "exhibit",
    "sticker",
    "bumper",
    "wall",
    "frame",
    "stamp",
    "ad",
    "advertisement",
    "panel",
    "slide",
    "video",
    "movie",
    "film",
    "watermark",
    "display",
    "museum",
    "album",
    "print",
];

/// How far from a phrase such a thing may be named, in words.
const REACH: usize = 6;

/// Words behind which a caption is one that somebody sees.
const BEFORE: &[&str] =
    &["a", "its", "his", "her", "their", "printed", "written", "handwritten", "funny", "witty", "big"];

/// Words that say where a caption stands in the image.
const BEHIND: &[&str] =
    &["on", "under", "underneath", "below", "beneath", "above", "over", "across", "printed", "written"];

static IN_IMAGE: LazyLock<HashedSet> = LazyLock::new(|| set_of(CARRIERS));

/// The words that cite a source.
pub(super) fn source_leak<'h>(found: &Found<'h>) -> Option<&'h Hit<Meaning>> {
    found.hits.iter().find(|hit| match hit.meaning {
        Meaning::Source => true,
        Meaning::SourceOrImage => !is_in_image(found.words, hit),
        _ => false,
    })
}

fn is_any(words: &[Word], index: Option<usize>, known: &[&str]) -> bool {
    let word = index.and_then(|index| words.get(index));
    word.is_some_and(|word| known.iter().any(|known| hash_of(known) == word.hash))
}

/// Whether a phrase is said to stand on something in the image: `the caption on his T-shirt`.
fn is_in_image(words: &[Word], hit: &Hit<Meaning>) -> bool {
    let (start, end) = (hit.words.start, hit.words.end);
    if is_any(words, start.checked_sub(1), BEFORE) || is_any(words, Some(end), BEHIND) {
        return true;
    }
    let near = &words[start.saturating_sub(REACH)..(end + REACH).min(words.len())];
    near.iter().any(|word| IN_IMAGE.contains(&word.hash))
}

/// Coordinates named in words, in a task that does not point: the noun, neither a verb nor that of a map.
pub(super) fn coordinates<'h>(found: &Found<'h>) -> Option<&'h Hit<Meaning>> {
    let words = found.words;
    found.hits.iter().filter(|hit| hit.meaning == Meaning::Coordinates).find(|hit| {
        let before = hit.words.start.checked_sub(1);
        let is_of_map = is_any(words, before, &["gps", "map", "geographic"]);
        let is_verb = is_any(words, before, &["she", "he", "who", "and", "that", "which", "team"])
            || !is_any(words, before, &["the", "its", "box"])
                && is_any(words, Some(hit.words.end), &["with", "the", "his", "her", "their", "well", "nicely"]);
        !is_of_map && !is_verb
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reply::checks::phrases::with_found;

    fn leaks(text: &str) -> bool {
        with_found(text, |found| source_leak(found).is_some())
    }

    #[test]
    fn sources_that_are_cited() {
        for text in [
            "The captions say that the oven is open.",
            "According to the caption, he is a cook.",
            "Based on the given descriptions, a cat sleeps.",
            "As mentioned in the captions, it rains.",
            "The caption mentions a man.",
            "The bounding box shows that it is large.",
            "From the provided information, it is noon.",
            "The information provided does not say so.",
            "According to the description, it is winter.",
            "The description of the image says red.",
            "Judging by the annotations, there are two dogs.",
            "It is not mentioned in the image.",
            "The colour is not specified.",
            "The list of objects has three cups.",
            "Several captions describe a dog.",
            "All five captions agree.",
            "The image description mentions a horse.",
        ] {
            assert!(leaks(text), "{text}");
        }
    }

    #[test]
    fn captions_and_descriptions_in_the_image() {
        for text in [
            "The caption on his T-shirt says: best dad.",
            "A caption below the photo names the singer.",
            "His shirt has a funny caption.",
            "The poster has the caption Wanted.",
            "The menu's description of the dish makes it sound spicy.",
            "The description on the sign explains the statue.",
            "The description next to the exhibit is too small to read.",
            "The captioned photo hangs on the wall.",
            "He gives a description of the thief.",
            "The information provided on the board helps travellers.",
            "The newspaper shows a photo and the caption under it.",
            "She provided information to the tourists.",
            "The box is bounding over the hill.",
        ] {
            assert!(!leaks(text), "{text}");
        }
    }

    #[test]
    fn coordinates_that_are_boxes() {
        let find = |text: &str| with_found(text, |found| coordinates(found).is_some());
        for text in ["Its coordinates are small.", "The coordinates show it is left.", "It has the coordinates given."]
        {
            assert!(find(text), "{text}");
        }
        for text in
            ["She coordinates the team.", "The GPS coordinates are on screen.", "The tie coordinates with his shirt."]
        {
            assert!(!find(text), "{text}");
        }
    }
}
