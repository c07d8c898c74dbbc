//! One description: the whole, the main things and where they are, then details.

use crate::choice::Choices;
use crate::llm::rules::english::{capitalized, is_unique, list, sentence};
use crate::llm::rules::scene::{Group, Scene};
use crate::llm::rules::statements::{Statement, StatementKind, caption_sentence};

pub(super) fn write(scene: &Scene, choices: &mut Choices) -> String {
    let paragraphs = [overview(scene, choices), places(scene, choices), details(scene, choices)];
    let paragraphs: Vec<String> = paragraphs.into_iter().filter(|paragraph| !paragraph.is_empty()).collect();
    paragraphs.join("\n\n")
}

fn overview(scene: &Scene, choices: &mut Choices) -> String {
    let mut sentences = Vec::new();
    // The longest sentence about the whole says most.
    sentences
        .extend(scene.captions.iter().max_by_key(|caption| caption.len()).map(|caption| caption_sentence(caption)));
    let telling = scene.groups.iter().filter(|group| !is_unique(&group.name));
    let names: Vec<String> = telling.take(7).map(Group::some).collect();
    if !names.is_empty() {
        let openings = if sentences.is_empty() {
            ["The image shows", "In the image there are", "This image has"]
        } else {
            ["The scene includes", "Among the things to be seen are", "One can make out"]
        };
        let mut opening = choices.pick(&openings).copied().unwrap_or("The image shows");
        if names.len() == 1 && opening.ends_with(" are") {
            opening = "The image shows";
        }
        sentences.push(format!("{opening} {}.", list(&names)));
    }
    if !scene.crowds.is_empty() {
        sentences.push(format!("There is a crowd of {}.", list(&scene.crowds)));
    }
    sentences.join(" ")
}

fn places(scene: &Scene, choices: &mut Choices) -> String {
    let mut sentences = Vec::new();
    // Things at one place are named in one breath.
    let mut by_place: Vec<(String, Vec<&Group>)> = Vec::new();
    for (group, thing) in scene.singles().take(9) {
        let place = thing.place();
        let many = group.verb() == "are";
        if thing.area() > 0.5 {
            let fill = if many { "fill" } else { "fills" };
            sentences.push(format!("{} {fill} much of the image.", capitalized(&group.the())));
        } else if thing.is_wide() {
            let stretch = if many { "stretch" } else { "stretches" };
            sentences.push(format!("{} {stretch} {place}.", capitalized(&group.the())));
        } else {
            match by_place.iter_mut().find(|(known, _)| *known == place) {
                Some((_, groups)) => groups.push(group),
                None => by_place.push((place, vec![group])),
            }
        }
    }
    for (index, (place, groups)) in by_place.iter().enumerate() {
        let names: Vec<String> = groups.iter().map(|group| group.the()).collect();
        let verb = if names.len() > 1 { "are" } else { groups[0].verb() };
        sentences.push(match choices.below(2) {
            0 if index > 0 => format!("{}, one can see {}.", capitalized(place), list(&names)),
            _ => format!("{} {verb} {place}.", capitalized(&list(&names))),
        });
    }
    for group in scene.groups.iter().filter(|group| group.things.len() > 1 && group.is_countable()).take(3) {
        sentences.extend(spread(group));
    }
    let solid = || scene.singles().filter(|(group, _)| group.is_countable());
    for ((a, first), (b, second)) in solid().zip(solid().skip(1)).take(3) {
        if let Some(relation) = first.relation_to(second) {
            sentences.push(format!("{} {} {relation} {}.", capitalized(&a.the()), a.verb(), b.the()));
        }
    }
    sentences.join(" ")
}

/// How several things of one name are spread over the image.
fn spread(group: &Group) -> Option<String> {
    let on = |side: fn(f64) -> bool| {
        group.things.iter().filter(|thing| side((thing.bbox.edges[0] + thing.bbox.edges[2]) / 2.0)).count()
    };
    let (left, right) = (on(|x| x < 0.45), on(|x| x > 0.55));
    let some = capitalized(&group.some());
    let n = group.things.len();
    match (left, right) {
        (left, _) if left == n => Some(format!("{some} are on the left.")),
        (_, right) if right == n => Some(format!("{some} are on the right.")),
        (left, right) if left > 0 && right > 0 && n > 2 => {
            Some(format!("{some} are spread over both sides of the image."))
        }
        _ => None,
    }
}

fn details(scene: &Scene, choices: &mut Choices) -> String {
    let mut statements: Vec<&Statement> = scene.statements.iter().collect();
    choices.shuffle(&mut statements);
    let clauses = statements.iter().filter(|statement| statement.kind == StatementKind::Clause);
    let mut sentences: Vec<String> = clauses.take(7).map(|statement| sentence(&statement.told())).collect();
    let nouns: Vec<String> = statements
        .iter()
        .filter(|statement| statement.kind == StatementKind::Noun)
        .take(6)
        .map(|statement| statement.text.clone())
        .collect();
    if !nouns.is_empty() {
        let openings =
            ["A closer look shows", "Further details are", "There is more to discover:", "The eye also meets"];
        let opening = choices.pick(&openings).copied().unwrap_or("Further details are");
        sentences.push(format!("{opening} {}.", list(&nouns)));
    }
    sentences.join(" ")
}
