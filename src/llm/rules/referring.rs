//! Question-answer pairs that point: every box is copied from the prompt, digit by digit.

use crate::choice::Choices;
use crate::llm::rules::Pair;
use crate::llm::rules::english::{capitalized, indefinite, number, plural, sentence};
use crate::llm::rules::facts::FactBox;
use crate::llm::rules::scene::{Scene, Thing};
use crate::llm::rules::statements::{Statement, StatementKind};

pub(super) fn write(scene: &Scene, choices: &mut Choices, n_pairs: usize) -> String {
    let mut kinds = [positions(scene, choices), counts(scene), relations(scene), sizes(scene), phrases(scene, choices)];
    for pairs in &mut kinds {
        choices.shuffle(pairs);
    }
    // In turn, so that a short reply has something of each kind.
    let longest = kinds.iter().map(Vec::len).max().unwrap_or(0);
    let in_turn = (0..longest).flat_map(|index| kinds.iter().filter_map(move |pairs| pairs.get(index).cloned()));
    Pair::list(&Pair::distinct(in_turn, n_pairs))
}

/// `<st>man<ed> [x1, y1, x2, y2]`
fn point(name: &str, bbox: &FactBox) -> String {
    format!("<st>{name}<ed> {}", bbox.text)
}

fn positions(scene: &Scene, choices: &mut Choices) -> Vec<Pair> {
    let mut pairs = Vec::new();
    for (group, thing) in scene.singles().take(20) {
        let here = point(&group.name, &thing.bbox);
        let verb = group.verb();
        let answer = format!("The {here} {verb} {}.", thing.place());
        let question = match choices.below(2) {
            0 => format!("Where in the image {verb} the {here}?"),
            _ => format!("In which part of the image {verb} the {here}?"),
        };
        pairs.push(Pair::new(question, answer));
    }
    // Of several things of one name each has its own box to be told apart by.
    let several = scene.groups.iter().filter(|group| group.things.len() > 1 && group.is_countable());
    for (group, thing) in several.flat_map(|group| group.things.iter().take(3).map(move |thing| (group, thing))) {
        let here = point(&group.name, &thing.bbox);
        let answer = format!("This {here} is {}.", thing.place());
        pairs.push(Pair::new(format!("Where in the image is this {here}?"), answer));
    }
    pairs
}

fn counts(scene: &Scene) -> Vec<Pair> {
    let groups = scene.groups.iter().filter(|group| group.is_countable() && (2..=12).contains(&group.things.len()));
    let pair = |group: &crate::llm::rules::scene::Group| {
        let names = plural(&group.name);
        let boxes: Vec<&str> = group.things.iter().map(|thing| thing.bbox.text.as_str()).collect();
        let n = number(group.things.len());
        let answer = format!("There are <st>{n} {names}<ed> {}.", boxes.join(", "));
        Pair::new(format!("How many {names} can be seen, and where are they?"), answer)
    };
    groups.map(pair).collect()
}

fn relations(scene: &Scene) -> Vec<Pair> {
    let singles: Vec<_> = scene.singles().take(16).collect();
    let mut pairs = Vec::new();
    for ((a, first), (b, second)) in singles.iter().zip(singles.iter().skip(1)) {
        let Some(relation) = first.relation_to(second) else { continue };
        let (here, there) = (point(&a.name, &first.bbox), point(&b.name, &second.bbox));
        let does = if a.verb() == "are" { "do" } else { "does" };
        let question = format!("How {does} the {here} lie to the {there}?");
        pairs.push(Pair::new(question, format!("The {here} {} {relation} the {there}.", a.verb())));
    }
    pairs
}

fn sizes(scene: &Scene) -> Vec<Pair> {
    let singles: Vec<_> = scene.singles().take(16).collect();
    let is_larger = |a: &Thing, b: &Thing| a.area() >= 1.5 * b.area();
    let pairs = singles.iter().zip(singles.iter().skip(2)).filter(|((_, a), (_, b))| is_larger(a, b));
    let pair = |((a, first), (b, second)): (&(_, &Thing), &(_, &Thing))| -> Pair {
        let (a, b): (&&crate::llm::rules::scene::Group, &&crate::llm::rules::scene::Group) = (a, b);
        let (here, there) = (point(&a.name, &first.bbox), point(&b.name, &second.bbox));
        let question = format!("Which looks larger, the {there} or the {here}?");
        let verb = if a.verb() == "are" { "look" } else { "looks" };
        Pair::new(question, format!("The {here} {verb} larger."))
    };
    pairs.map(pair).collect()
}

fn phrases(scene: &Scene, choices: &mut Choices) -> Vec<Pair> {
    scene.statements.iter().filter_map(|statement| phrase(statement, choices)).collect()
}

fn phrase(statement: &Statement, choices: &mut Choices) -> Option<Pair> {
    let (words, bbox) = statement.phrase.as_ref()?;
    let thing = Thing { bbox: bbox.clone() };
    Some(match statement.kind {
        StatementKind::Clause => {
            let here = point(&statement.subject, bbox);
            let question = match choices.below(2) {
                0 => format!("What can be said about the {here}?"),
                _ => format!("What do you notice about the {here}?"),
            };
            Pair::new(question, sentence(&pointed(statement, bbox)))
        }
        StatementKind::Noun => {
            let words = words.trim_end_matches(['.', ' ']);
            let question = format!("Can you show me {}?", statement.text);
            let answer = format!("Here: <st>{words}<ed> {}, {}.", bbox.text, thing.place());
            Pair::new(question, answer)
        }
    })
}

/// The clause with its subject pointed at.
fn pointed(statement: &Statement, bbox: &FactBox) -> String {
    let here = point(&statement.subject, bbox);
    match statement.text.split_once(statement.subject.as_str()) {
        Some((before, behind)) => format!("{}{here}{behind}", before),
        None => format!("{}: {}", capitalized(&indefinite(&here)), statement.text),
    }
}
