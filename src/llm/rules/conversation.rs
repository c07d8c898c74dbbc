//! Conversations, each about one side of the scene.

use crate::choice::Choices;
use crate::llm::rules::Pair;
use crate::llm::rules::english::{capitalized, is_mass, is_plural, is_unique, number, plural, sentence};
use crate::llm::rules::knowledge::PEOPLE;
use crate::llm::rules::scene::Scene;
use crate::llm::rules::statements::{StatementKind, caption_sentence};

pub(super) fn write(scene: &Scene, choices: &mut Choices, n_conversations: usize, n_pairs: usize) -> String {
    let sides: [(&str, Vec<Pair>); 5] = [
        ("What can be seen", contents(scene, choices)),
        ("Where things are", places(scene, choices)),
        ("Details", details(scene, choices)),
        ("Things compared", comparisons(scene, choices)),
        ("The scene as a whole", whole(scene)),
    ];
    let mut sides: Vec<(&str, Vec<Pair>)> =
        sides.into_iter().map(|(topic, pairs)| (topic, Pair::distinct(pairs, n_pairs))).collect();
    // The fullest first; a side with nothing to tell makes no conversation.
    sides.retain(|(_, pairs)| !pairs.is_empty());
    sides.sort_by_key(|(_, pairs)| std::cmp::Reverse(pairs.len()));
    let conversations = sides.iter().take(n_conversations).enumerate().map(|(index, (topic, pairs))| {
        let turns: String =
            pairs.iter().map(|pair| format!("User: {}\nGPT: {}\n", pair.question, pair.answer)).collect();
        format!("Conversation {}:\nTopic: {topic}\n{turns}", index + 1)
    });
    conversations.collect::<Vec<_>>().join("\n")
}

fn contents(scene: &Scene, choices: &mut Choices) -> Vec<Pair> {
    let mut pairs = Vec::new();
    for group in scene.groups.iter().take(12) {
        let n = group.things.len();
        let (name, some) = (&group.name, group.some());
        let place = group.things[0].place();
        if n > 1 && group.is_countable() && n <= 12 {
            let names = plural(name);
            let question = match choices.below(3) {
                0 => format!("How many {names} are there in the image?"),
                1 => format!("Can you count the {names}?"),
                _ => format!("How many {names} do you see?"),
            };
            pairs.push(Pair::new(question, format!("I count {} {names}.", number(n))));
        } else if n == 1 && !is_unique(name) {
            let verb = group.verb();
            let question = match choices.below(2) {
                0 => format!("{} there {} in the image?", capitalized(verb), any(name)),
                _ => format!("Can you see {} here?", any(name)),
            };
            pairs.push(Pair::new(question, format!("Yes, there {verb} {some} {place}.")));
        }
    }
    choices.shuffle(&mut pairs);
    pairs
}

fn any(name: &str) -> String {
    if is_plural(name) || is_mass(name) { format!("any {name}") } else { crate::llm::rules::english::indefinite(name) }
}

fn places(scene: &Scene, choices: &mut Choices) -> Vec<Pair> {
    let mut pairs = Vec::new();
    let singles: Vec<_> = scene.singles().take(14).collect();
    for (group, thing) in &singles {
        let (name, verb, the) = (&group.name, group.verb(), capitalized(&group.the()));
        let question = match choices.below(2) {
            0 => format!("Where {verb} the {name}?"),
            _ => format!("In which part of the image {verb} the {name}?"),
        };
        pairs.push(Pair::new(question, format!("{the} {verb} {}.", thing.place())));
    }
    for ((a, first), (b, second)) in singles.iter().zip(singles.iter().skip(1)) {
        let relation = match first.relation_to(second) {
            Some(relation) if relation.starts_with("to the") => relation,
            _ => continue,
        };
        let verb = a.verb();
        let question = format!("{} the {} to the left or to the right of the {}?", capitalized(verb), a.name, b.name);
        pairs.push(Pair::new(question, format!("{} {verb} {relation} {}.", capitalized(&a.the()), b.the())));
    }
    choices.shuffle(&mut pairs);
    pairs
}

fn details(scene: &Scene, choices: &mut Choices) -> Vec<Pair> {
    let mut pairs = Vec::new();
    for statement in &scene.statements {
        let subject = &statement.subject;
        let answer = sentence(&statement.told());
        let mention = statement.mention();
        let pair = match statement.kind {
            StatementKind::Clause if statement.text.contains(" wearing ") || statement.text.contains(" wears ") => {
                let verb = if is_plural(subject) { "are" } else { "is" };
                Pair::new(format!("What {verb} {mention} wearing?"), answer)
            }
            StatementKind::Clause => match choices.below(2) {
                0 => Pair::new(format!("What can you tell me about {mention}?"), answer),
                _ => Pair::new(format!("Could you say something about {mention}?"), answer),
            },
            // What the words are about is told by the objects; without one there is no natural question.
            StatementKind::Noun => match scene.named_in(subject) {
                Some(group)
                    if group.things.len() == 1 && !PEOPLE.contains(&group.name.as_str()) && group.is_countable() =>
                {
                    let answer = format!("It is {}.", statement.text);
                    Pair::new(format!("What does the {} look like?", group.name), answer)
                }
                _ => continue,
            },
        };
        pairs.push(pair);
    }
    choices.shuffle(&mut pairs);
    pairs
}

fn comparisons(scene: &Scene, choices: &mut Choices) -> Vec<Pair> {
    let mut pairs = Vec::new();
    let singles: Vec<_> = scene.singles().take(12).collect();
    for (a, b) in singles.iter().zip(singles.iter().skip(2)) {
        let ((large, large_thing), (small, small_thing)) = (a, b);
        if large_thing.area() < 1.5 * small_thing.area() {
            continue;
        }
        let mut names = [&large.name, &small.name];
        choices.shuffle(&mut names);
        let [first, second] = names;
        let question = format!("Which takes up more of the image, the {first} or the {second}?");
        let take = if large.verb() == "are" { "take" } else { "takes" };
        let how = if large_thing.area() > 4.0 * small_thing.area() { "far more" } else { "more" };
        let answer = format!("{} {take} up {how} of it than {}.", capitalized(&large.the()), small.the());
        pairs.push(Pair::new(question, answer));
    }
    let counted: Vec<_> =
        scene.groups.iter().filter(|group| group.is_countable() && group.things.len() <= 12).collect();
    for (a, b) in counted.iter().zip(counted.iter().skip(1)) {
        let (n, m) = (a.things.len(), b.things.len());
        if n == m || n.max(m) < 2 {
            continue;
        }
        let (more, fewer) = if n > m { (a, b) } else { (b, a) };
        let question = format!("Are there more {} or more {}?", plural(&a.name), plural(&b.name));
        let answer = format!("There are more {}: {}, against {}.", plural(&more.name), more.some(), fewer.some());
        pairs.push(Pair::new(question, answer));
    }
    choices.shuffle(&mut pairs);
    pairs
}

fn whole(scene: &Scene) -> Vec<Pair> {
    let questions = [
        "What is going on in the image?",
        "How would you sum the scene up?",
        "Is there anything else to say about the scene?",
        "What is the image about?",
        "What would you point out first?",
    ];
    questions
        .into_iter()
        .zip(&scene.captions)
        .map(|(question, caption)| Pair::new(question, caption_sentence(caption)))
        .collect()
}
