//! Question-answer pairs that need a thought beside the facts; what is only likely is said to be so.

use std::collections::BTreeMap;

use crate::choice::Choices;
use crate::llm::rules::Pair;
use crate::llm::rules::english::{capitalized, list, number, plural, uncapitalized};
use crate::llm::rules::knowledge::{PEOPLE, Setting, known};
use crate::llm::rules::scene::{Group, Scene};
use crate::llm::rules::statements::{Statement, StatementKind, caption_sentence};

pub(super) fn write(scene: &Scene, choices: &mut Choices, n_pairs: usize) -> String {
    let mut pairs = [settings(scene), weather(scene), people(scene), crowd(scene)].concat();
    pairs.extend(nearness(scene));
    pairs.extend(caution(scene));
    pairs.extend(purposes(scene, choices));
    pairs.extend(use_by_people(scene));
    pairs.extend(evidence(scene, choices));
    pairs.extend(lookout(scene));
    // What can always be asked comes last, and only where the rest leaves room.
    pairs.extend(focus(scene));
    pairs.extend(story(scene));
    Pair::list(&Pair::distinct(pairs, n_pairs))
}

fn settings(scene: &Scene) -> Vec<Pair> {
    let mut signs: BTreeMap<Setting, Vec<String>> = BTreeMap::new();
    for group in &scene.groups {
        if let Some(setting) = known(&group.name).and_then(|known| known.setting) {
            signs.entry(setting).or_default().push(group.some());
        }
    }
    let mut signs: Vec<_> = signs.into_iter().collect();
    signs.sort_by_key(|(_, things)| std::cmp::Reverse(things.len()));
    let second = signs.get(1).map_or(0, |(_, things)| things.len());
    let is_clear = |things: &Vec<String>| things.len() >= 2 && things.len() > second;
    let Some((setting, things)) = signs.into_iter().next().filter(|(_, things)| is_clear(things)) else {
        return Vec::new();
    };
    let things = list(&things[..things.len().min(4)]);
    let place = setting.place();
    vec![
        Pair::new(
            "What kind of place is this likely to be, and what suggests it?",
            format!("It is probably {place}: {things} can be seen, and these belong together in such a place."),
        ),
        Pair::new(
            "What might people come to this place for?",
            format!(
                "Since it looks like {place}, they probably come for what one does there; {things} are there for it."
            ),
        ),
    ]
}

fn weather(scene: &Scene) -> Vec<Pair> {
    let first = |names: &[&'static str]| names.iter().copied().find(|name| scene.has(name));
    let mut pairs = Vec::new();
    let warm_clothes = first(&["scarf", "coat", "gloves", "glove", "winter coat"]);
    if let Some(snow) = first(&["snow", "ski", "skis", "sledge", "snowboard"]) {
        let question = "Which season does the scene suggest?";
        pairs.push(Pair::new(question, format!("Winter is most likely, because {} can be seen.", some(scene, snow))));
    } else if let Some(clothes) = warm_clothes {
        let answer = format!("It is probably rather cool, because {} can be seen.", some(scene, clothes));
        pairs.push(Pair::new("What can be told about the temperature?", answer));
    }
    if let Some(sign) = first(&["shade", "shadow", "shadows", "sunglasses", "sunlight"]) {
        let some = some(scene, sign);
        let answer = format!(
            "Probably bright light, most likely sunshine: {some} can be seen, and that goes with strong light."
        );
        pairs.push(Pair::new("What kind of light must there have been?", answer));
    }
    if scene.has("umbrella") || scene.has("umbrellas") {
        let answer = "They keep off rain or strong sun, so the weather is probably one or the other; \
            whether the ground is wet would decide it.";
        pairs.push(Pair::new("What do umbrellas suggest about the weather?", answer));
    }
    pairs
}

fn some(scene: &Scene, name: &str) -> String {
    scene.groups.iter().find(|group| group.name == name).map_or(name.to_owned(), Group::some)
}

fn people_groups(scene: &Scene) -> impl Iterator<Item = &Group> {
    scene.groups.iter().filter(|group| PEOPLE.contains(&group.name.rsplit(' ').next().unwrap_or_default()))
}

fn people(scene: &Scene) -> Vec<Pair> {
    let people: Vec<String> = people_groups(scene).take(4).map(Group::some).collect();
    let doing: Vec<&Statement> = scene
        .statements
        .iter()
        .filter(|statement| PEOPLE.contains(&statement.subject.rsplit(' ').next().unwrap_or_default()))
        .filter(|statement| statement.kind == StatementKind::Clause)
        .collect();
    let mut pairs = Vec::new();
    if people.is_empty() {
        if !scene.groups.is_empty() && scene.groups.iter().any(|group| known(&group.name).is_some()) {
            let made =
                scene.groups.iter().find(|group| known(&group.name).is_some_and(|known| known.purpose.is_some()));
            let answer = made.map(|group| {
                format!("Yes: {} can be seen, and somebody must have put {} there.", group.some(), it(group))
            });
            let question = "Is there a sign that people use this place?";
            pairs.extend(answer.map(|answer| Pair::new(question, answer)));
        }
        return pairs;
    }
    if people.len() > 1 {
        let answer = format!(
            "{} can be seen together, so they may well be there for the same reason, \
            though the image alone cannot settle whether they know each other.",
            capitalized(&list(&people))
        );
        pairs.push(Pair::new("Could the people in the image belong together?", answer));
    }
    let going_on = |statement: &&&Statement| {
        let mut words = statement.text.split(' ').skip_while(|word| !matches!(*word, "is" | "are")).skip(1);
        words.next().is_some_and(|word| word.ends_with("ing") && word != "wearing")
    };
    for statement in doing.iter().filter(going_on).take(2) {
        let question = format!("What will {} probably be doing a moment later?", statement.mention());
        let answer = format!(
            "{}, and nothing in the image interrupts it, so it will most likely go on.",
            capitalized(&statement.told())
        );
        pairs.push(Pair::new(question, answer));
    }
    pairs
}

fn it(group: &Group) -> &'static str {
    if group.verb() == "are" { "them" } else { "it" }
}

fn crowd(scene: &Scene) -> Vec<Pair> {
    let n_people: usize = people_groups(scene).map(|group| group.things.len()).sum();
    if n_people < 5 && scene.crowds.is_empty() {
        return Vec::new();
    }
    let count =
        if n_people >= 5 { format!("at least {} people", number(n_people.min(12))) } else { "a crowd".to_owned() };
    let answer = format!("It is busy: {count} can be seen at once, so this is hardly a quiet hour.");
    vec![Pair::new("Is this a busy or a quiet moment, and how can one tell?", answer)]
}

/// Of two things of one kind the larger and lower one is probably nearer.
fn nearness(scene: &Scene) -> Vec<Pair> {
    let groups = scene.groups.iter().filter(|group| group.is_countable() && (2..=4).contains(&group.things.len()));
    let pair = |group: &Group| {
        let (large, small) = (&group.things[0], &group.things[group.things.len() - 1]);
        let is_lower = large.bbox.edges[3] > small.bbox.edges[3];
        if large.area() < 1.5 * small.area() || !is_lower || large.place() == small.place() {
            return None;
        }
        let names = plural(&group.name);
        let which = if group.things.len() == 2 { format!("the two {names}") } else { format!("the {names}") };
        let question = format!("Which of {which} is probably closest to the viewer?");
        let answer = format!(
            "Probably the one {}: it looks larger than the one {} and reaches further down, as near things do.",
            large.place(),
            small.place()
        );
        Some(Pair::new(question, answer))
    };
    groups.filter_map(pair).take(4).collect()
}

fn caution(scene: &Scene) -> Vec<Pair> {
    let somebody = people_groups(scene).next().map_or("somebody there".to_owned(), |group| {
        if group.things.len() == 1 { group.the() } else { format!("the {}", plural(&group.name)) }
    });
    let risks = [
        (["car", "bus", "truck", "motorcycle"], "traffic, because vehicles can start or turn without much warning"),
        (["stove", "oven", "kettle", "grill"], "hot surfaces, because one does not see how hot they are"),
        (["knife", "scissors", "saw", "blade"], "sharp edges, because a slip is quickly made"),
        (["wave", "sea", "lake", "river"], "the water, because its depth cannot be judged from here"),
        (["ski", "skis", "sledge", "slope"], "others on the slope, because stopping on snow takes a long way"),
        (["train", "track", "rail", "platform"], "the edge of the tracks, because trains cannot stop quickly"),
        (["drill", "bucket", "hammer", "wrench"], "tools lying about, because one slips or trips easily"),
    ];
    let mut pairs = Vec::new();
    for (names, risk) in risks {
        let found = scene.groups.iter().find(|group| {
            let last = group.name.rsplit(' ').next().unwrap_or_default();
            names.iter().any(|name| last == *name || last.strip_suffix('s') == Some(name))
        });
        if let Some(group) = found {
            let some = group.some();
            let question = format!("Seeing {some}, what should {somebody} watch out for?");
            pairs.push(Pair::new(question, format!("Mainly {risk}.")));
        }
    }
    pairs
}

fn purposes(scene: &Scene, choices: &mut Choices) -> Vec<Pair> {
    let mut pairs = Vec::new();
    for group in &scene.groups {
        let Some(purpose) = known(&group.name).and_then(|known| known.purpose) else { continue };
        let one = group.things.len() == 1;
        let the = if one { group.the() } else { format!("the {}", plural(&group.name)) };
        let verb = if one { group.verb() } else { "are" };
        let place = if one { format!(" {}", group.things[0].place()) } else { String::new() };
        let question = match choices.below(3) {
            0 => format!("Why {verb} {the} likely there?"),
            1 => format!("What could {the}{place} be there for?"),
            _ => format!("What use would somebody make of {the}?"),
        };
        let answer = match choices.below(2) {
            0 if !purpose.starts_with("be ") => {
                format!("Most likely to {purpose}, since people use {} for just that.", plural(&group.name))
            }
            _ => format!(
                "{} {verb} usually there to {purpose}, so that is the likeliest reason here as well.",
                capitalized(&the)
            ),
        };
        pairs.push(Pair::new(question, answer));
    }
    choices.shuffle(&mut pairs);
    pairs.truncate(6);
    pairs
}

fn use_by_people(scene: &Scene) -> Vec<Pair> {
    let Some((person, at)) = scene.singles().find(|(group, _)| PEOPLE.contains(&group.name.as_str())) else {
        return Vec::new();
    };
    let things = scene.singles().filter(|(group, thing)| {
        let is_useful = known(&group.name).is_some_and(|known| known.purpose.is_some());
        is_useful && group.name != person.name && thing.relation_to(at).is_none() && thing.area() < at.area()
    });
    let pair = |(group, _): (&Group, _)| {
        let question = format!("Does {} seem to have anything to do with {}?", person.the(), group.the());
        let answer = format!(
            "It is likely, because the two are seen at the same spot, {}; but being close does not prove it.",
            at.place()
        );
        Pair::new(question, answer)
    };
    things.map(pair).take(1).collect()
}

/// What a phrase tells, and what follows from it.
fn evidence(scene: &Scene, choices: &mut Choices) -> Vec<Pair> {
    let mut pairs: Vec<Pair> = scene
        .statements
        .iter()
        .filter_map(|statement| {
            let text = statement.text.as_str();
            let conclusion = conclusion(text)?;
            let question = match choices.below(2) {
                0 => format!("What does it tell us that {}?", clause(statement)?),
                _ => format!("What can one conclude from the fact that {}?", clause(statement)?),
            };
            Some(Pair::new(question, conclusion))
        })
        .collect();
    choices.shuffle(&mut pairs);
    pairs
}

fn clause(statement: &Statement) -> Option<String> {
    (statement.kind == StatementKind::Clause).then(|| uncapitalized(&statement.told()))
}

/// What follows from a statement with one of these words.
fn conclusion(text: &str) -> Option<&'static str> {
    const CONCLUSIONS: &[(&str, &str)] = &[
        ("parked", "Whoever came with it is probably somewhere near and means to come back."),
        ("open", "Somebody has probably used it a short while ago, or is about to."),
        ("closed", "Nobody seems to be using it at the moment, so it may be out of hours or out of use."),
        ("wearing", "The choice of clothes hints at the weather and at what the day is about."),
        ("wears", "The choice of clothes hints at the weather and at what the day is about."),
        ("walking", "There is probably somewhere to get to, and it is near enough to go on foot."),
        ("standing", "Standing rather than sitting suggests waiting, watching, or being about to move on."),
        ("sitting", "Sitting down suggests that there is no hurry for the moment."),
        ("holding", "What one holds one is usually about to use, so some action is under way."),
        ("holds", "What one holds one is usually about to use, so some action is under way."),
        ("looking", "Something in that direction seems to deserve attention."),
        ("riding", "The trip is under way, so it pays to look ahead and keep balance."),
        ("off", "It is probably bright enough, or nobody needs it at the moment."),
        ("lit", "It is probably rather dark, or somebody wants to be seen."),
        ("wet", "There has probably been rain or water a short while ago."),
        ("empty", "Either its time has not come yet, or it has just been used up."),
        ("hanging", "Somebody put it up there, so it is meant to be kept out of the way or to be seen."),
    ];
    let has = |word: &str| text.split(|c: char| !c.is_alphanumeric()).any(|part| part == word);
    CONCLUSIONS.iter().find(|(word, _)| has(word)).map(|(_, conclusion)| *conclusion)
}

/// Where a searcher would look for small things.
fn lookout(scene: &Scene) -> Vec<Pair> {
    let small = scene.singles().filter(|(_, thing)| thing.area() < 0.01).take(1);
    let pair = |(group, thing): (&Group, &crate::llm::rules::scene::Thing)| {
        let (the, place) = (group.the(), thing.place());
        let verb = group.verb();
        let question = format!("Why could {the} be overlooked at first?");
        let answer = format!(
            "{} {verb} small compared with the whole, and {verb} seen only {place}, away from what fills the view.",
            capitalized(&the)
        );
        Pair::new(question, answer)
    };
    small.map(pair).collect()
}

fn story(scene: &Scene) -> Option<Pair> {
    let caption = scene.captions.iter().max_by_key(|caption| caption.len())?;
    let answer =
        format!("{} What went before cannot be seen, so any longer story would be a guess.", caption_sentence(caption));
    Some(Pair::new("How much of the story behind the image can be told for sure?", answer))
}

fn focus(scene: &Scene) -> Vec<Pair> {
    let Some((group, thing)) = scene.singles().find(|(group, _)| group.is_countable()) else { return Vec::new() };
    let the = group.the();
    let answer = format!(
        "Probably on {the}, because nothing else of its kind stands beside it and it takes up much of the view, and {} {} {}.",
        if group.verb() == "are" { "they" } else { "it" },
        group.verb(),
        thing.place()
    );
    vec![Pair::new("On what did the photographer probably mean to draw the eye?", answer)]
}
