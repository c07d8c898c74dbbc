//! The facts of a prompt made fit for sentences: things in groups of one name, where they are, what is said of them.

use std::collections::HashMap;

use crate::llm::rules::english;
use crate::llm::rules::facts::{FactBox, Facts};
use crate::llm::rules::knowledge::PEOPLE;
use crate::llm::rules::statements::{Statement, statement};

/// From which overlap on two boxes of one name are one thing.
const SAME_IOU: f64 = 0.5;

/// How many things, phrases and relations are looked at: more than any reply can use.
const MAX_FACTS: usize = 400;

/// Words that would show where the facts come from, or break the form of the reply.
const UNSPEAKABLE: &[&str] = &[
    "caption",
    "annotation",
    "bounding",
    "bbox",
    "coordinate",
    "region",
    "provided",
    "given",
    "question:",
    "answer:",
    "user:",
    "gpt:",
    "topic:",
    "conversation",
    "as an ai",
    "language model",
    "<",
    ">",
    "[",
    "]",
    "{",
    "|",
    "://",
];

/// One thing of the image.
#[derive(Clone, Debug)]
pub(super) struct Thing {
    pub(super) bbox: FactBox,
}

/// All things of one name.
#[derive(Clone, Debug)]
pub(super) struct Group {
    /// In lower case.
    pub(super) name: String,
    /// Largest first.
    pub(super) things: Vec<Thing>,
    /// Adjectives that hold for the only thing of the group.
    pub(super) adjectives: Vec<String>,
}

/// What a reply can be made of.
#[derive(Debug)]
pub(super) struct Scene {
    pub(super) captions: Vec<String>,
    /// The one that covers most of the image first.
    pub(super) groups: Vec<Group>,
    pub(super) statements: Vec<Statement>,
    /// Names of crowds: "people".
    pub(super) crowds: Vec<String>,
}

impl Scene {
    pub(super) fn new(facts: &Facts) -> Self {
        let captions = facts.captions.iter().filter_map(|caption| speakable(caption, 200)).collect();
        let mut groups = groups(facts);
        let mut crowds = Vec::new();
        for (name, _) in facts.objects.iter().filter_map(|(name, bbox)| Some((name.strip_prefix("crowd of ")?, bbox))) {
            let name = speakable(name, 40).map(|name| english::plural(&english::uncapitalized(&name)));
            crowds.extend(name.filter(|name| !crowds.contains(name)).into_iter().collect::<Vec<_>>());
        }
        add_adjectives(facts, &mut groups);
        let statements = statements(facts, &groups);
        Self { captions, groups, statements, crowds }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.captions.is_empty() && self.groups.is_empty() && self.statements.is_empty() && self.crowds.is_empty()
    }

    /// Groups of one thing that can be named with "the".
    pub(super) fn singles(&self) -> impl Iterator<Item = (&Group, &Thing)> {
        self.groups.iter().filter_map(|group| match group.things.as_slice() {
            [only] => Some((group, only)),
            _ => None,
        })
    }

    /// The group whose name stands in a text as a word of its own.
    pub(super) fn named_in(&self, text: &str) -> Option<&Group> {
        let padded = format!(" {text} ");
        self.groups.iter().find(|group| padded.contains(&format!(" {} ", group.name)))
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.groups.iter().any(|group| group.name == name)
    }
}

/// The text on its own, if it can be said; without a full stop.
fn speakable(text: &str, max_len: usize) -> Option<String> {
    let text = text.trim().trim_matches(['.', ',', ';', '"', '\'', ' ']);
    let lower = text.to_lowercase();
    let fits = !text.is_empty()
        && text.len() <= max_len
        && text.chars().all(|c| !c.is_control())
        && text.chars().any(char::is_alphabetic)
        && !UNSPEAKABLE.iter().any(|word| lower.contains(word));
    fits.then(|| text.to_owned())
}

/// A name fit for a sentence: the first one of several, in lower case.
fn noun(name: &str) -> Option<String> {
    let name = speakable(name.split(" / ").next()?, 40)?;
    let plain = name.chars().all(|c| c.is_alphabetic() || matches!(c, ' ' | '-' | '\''));
    let words = name.split(' ').count();
    // Annotators put articles and adjectives into names now and then; such names are phrases.
    let first = name.split(' ').next()?.to_lowercase();
    let is_phrase = matches!(first.as_str(), "a" | "an" | "the" | "two" | "some" | "this" | "his" | "her");
    (plain && words <= 3 && !is_phrase && name.len() > 1).then(|| english::uncapitalized(&name))
}

fn groups(facts: &Facts) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let mut by_name: HashMap<String, usize> = HashMap::new();
    let objects = facts.objects.iter().filter(|(name, _)| !name.starts_with("crowd of "));
    for (name, bbox) in objects.take(MAX_FACTS) {
        let Some(name) = noun(name) else { continue };
        let index = *by_name.entry(name.clone()).or_insert_with(|| {
            groups.push(Group { name, things: Vec::new(), adjectives: Vec::new() });
            groups.len() - 1
        });
        let things = &mut groups[index].things;
        if !things.iter().any(|thing| iou(&thing.bbox.edges, &bbox.edges) >= SAME_IOU) {
            things.push(Thing { bbox: bbox.clone() });
        }
    }
    drop_general_people(&mut groups);
    for group in &mut groups {
        group.things.sort_by(|a, b| b.area().total_cmp(&a.area()));
    }
    groups.sort_by(|a, b| b.things[0].area().total_cmp(&a.things[0].area()));
    groups
}

/// Takes out persons that another name, such as "woman", tells more of.
fn drop_general_people(groups: &mut Vec<Group>) {
    let is_general = |group: &Group| matches!(group.name.as_str(), "person" | "people");
    let told: Vec<[f64; 4]> = groups
        .iter()
        .filter(|group| !is_general(group) && PEOPLE.contains(&group.name.rsplit(' ').next().unwrap_or_default()))
        .flat_map(|group| group.things.iter().map(|thing| thing.bbox.edges))
        .collect();
    for group in groups.iter_mut().filter(|group| is_general(group)) {
        group.things.retain(|thing| !told.iter().any(|edges| iou(edges, &thing.bbox.edges) >= SAME_IOU));
    }
    groups.retain(|group| !group.things.is_empty());
}

/// Single words that attributes say of the only thing of a name.
fn add_adjectives(facts: &Facts, groups: &mut [Group]) {
    for (name, bbox, values) in facts.attributes.iter().take(MAX_FACTS) {
        let Some(name) = noun(name) else { continue };
        let group = groups.iter_mut().find(|group| group.name == name && group.things.len() == 1);
        let Some(group) = group.filter(|group| iou(&group.things[0].bbox.edges, &bbox.edges) >= SAME_IOU) else {
            continue;
        };
        let is_adjective = |value: &String| {
            let plain = value.chars().all(|c| c.is_ascii_lowercase() || c == '-');
            plain
                && value.len() > 2
                && value.len() < 16
                && !value.ends_with("ing")
                && (value == "red" || !value.ends_with("ed"))
        };
        let values = values.iter().filter(|value| is_adjective(value) && speakable(value, 20).is_some());
        group.adjectives.extend(values.take(2).cloned());
        group.adjectives.truncate(2);
    }
}

fn statements(facts: &Facts, groups: &[Group]) -> Vec<Statement> {
    let mut said = std::collections::HashSet::new();
    let mut statements = Vec::new();
    for (phrase, bbox) in facts.regions.iter().take(MAX_FACTS) {
        let Some(phrase) = speakable(phrase, 100) else { continue };
        if said.insert(phrase.to_lowercase()) {
            statements.extend(statement(&phrase, bbox.clone()).map(|statement| {
                let several = groups.iter().any(|group| group.name == statement.subject && group.things.len() > 1);
                Statement { is_of_several: several && !english::is_plural(&statement.subject), ..statement }
            }));
        }
    }
    let names: HashMap<&str, &str> =
        facts.objects.iter().map(|(name, bbox)| (bbox.text.as_str(), name.as_str())).collect();
    for relation in facts.relationships.iter().take(MAX_FACTS) {
        let object = names.get(relation.object.1.text.as_str()).and_then(|name| noun(name));
        let (Some(subject), Some(object)) = (noun(&relation.subject), object) else { continue };
        // What stands between the boxes is the predicate and the name of the object.
        let Some(predicate) =
            relation.predicate.to_lowercase().strip_suffix(object.as_str()).map(str::trim).map(str::to_owned)
        else {
            continue;
        };
        let is_single = groups.iter().any(|group| group.name == subject && group.things.len() == 1);
        let verb = predicate.split(' ').next().unwrap_or_default();
        let is_place =
            matches!(verb, "on" | "in" | "under" | "behind" | "above" | "near" | "at" | "over" | "by" | "below");
        if !is_single || subject == object || !(is_place || matches!(verb, "wears" | "has" | "holds" | "carries")) {
            continue;
        }
        let is = english::is_or_are(&subject, 1);
        let verb_phrase = if is_place { format!("{is} {predicate}") } else { predicate.clone() };
        let text = format!("the {subject} {verb_phrase} {}", english::indefinite(&object));
        if (is_place || !english::is_plural(&subject)) && said.insert(text.clone()) {
            statements.push(Statement::clause(subject, text));
        }
    }
    statements
}

impl Thing {
    pub(super) fn area(&self) -> f64 {
        let [x1, y1, x2, y2] = self.bbox.edges;
        (x2 - x1) * (y2 - y1)
    }

    fn center(&self) -> (f64, f64) {
        let [x1, y1, x2, y2] = self.bbox.edges;
        ((x1 + x2) / 2.0, (y1 + y2) / 2.0)
    }

    /// Where in the image it is: "in the upper left part of the image".
    pub(super) fn place(&self) -> String {
        let (x, y) = self.center();
        let is_wide = self.is_wide();
        let across = match x {
            _ if is_wide => "",
            x if x < 0.37 => "left",
            x if x > 0.63 => "right",
            _ => "",
        };
        let down = match y {
            y if y < 0.35 => "upper",
            y if y > 0.65 => "lower",
            _ => "",
        };
        match (down, across) {
            ("", "") if is_wide => "across the middle of the image".to_owned(),
            ("", "") => "in the middle of the image".to_owned(),
            ("", side) => format!("on the {side} side of the image"),
            (half, "") if is_wide => format!("across the {half} part of the image"),
            (half, "") => format!("in the {half} middle of the image"),
            (half, side) => format!("in the {half} {side} part of the image"),
        }
    }

    /// Whether it reaches over most of the width of the image.
    pub(super) fn is_wide(&self) -> bool {
        let [x1, _, x2, _] = self.bbox.edges;
        x2 - x1 > 0.7
    }

    /// How this thing lies to another one, if their boxes settle it: "to the left of".
    pub(super) fn relation_to(&self, other: &Self) -> Option<&'static str> {
        let ([ax1, ay1, ax2, ay2], [bx1, by1, bx2, by2]) = (self.bbox.edges, other.bbox.edges);
        if ax2 <= bx1 {
            Some("to the left of")
        } else if ax1 >= bx2 {
            Some("to the right of")
        } else if ay2 <= by1 {
            Some("above")
        } else if ay1 >= by2 {
            Some("below")
        } else {
            None
        }
    }
}

impl Group {
    /// "the red car".
    pub(super) fn the(&self) -> String {
        format!("the {}", self.described())
    }

    /// "a red car", "three cars".
    pub(super) fn some(&self) -> String {
        match self.things.len() {
            1 => english::indefinite(&self.described()),
            n => english::counted(&self.name, n),
        }
    }

    pub(super) fn verb(&self) -> &'static str {
        english::is_or_are(&self.name, self.things.len())
    }

    /// Whether its things can be counted and told apart.
    pub(super) fn is_countable(&self) -> bool {
        !english::is_mass(&self.name) && !english::is_plural(&self.name) && !english::is_unique(&self.name)
    }

    fn described(&self) -> String {
        let mut words = self.adjectives.clone();
        words.push(self.name.clone());
        words.join(" ")
    }
}

fn iou(a: &[f64; 4], b: &[f64; 4]) -> f64 {
    let width = (a[2].min(b[2]) - a[0].max(b[0])).max(0.0);
    let height = (a[3].min(b[3]) - a[1].max(b[1])).max(0.0);
    let both = width * height;
    let area = |edges: &[f64; 4]| (edges[2] - edges[0]) * (edges[3] - edges[1]);
    both / (area(a) + area(b) - both)
}
