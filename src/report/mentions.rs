//! Which objects answers name, and which of these are annotated.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde::{Serialize, Serializer};

use crate::annotation::ImageRecord;
use crate::noun::{same_things, singular};
use crate::sample::{Role, Sample};

/// Most names that are told apart.
const MAX_NAMES: usize = 50_000;

/// On how many images an object is annotated, named in answers, or both. English only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ObjectCount {
    /// Images on which it is annotated.
    pub annotated: u64,
    /// Those among them of which an answer names it.
    pub mentioned: u64,
    /// Images of which an answer names it, though neither it nor a thing that may go by this name is annotated. Not
    /// counted where there are no annotations.
    pub unannotated: u64,
}

/// Which objects answers name, by name in singular.
///
/// As JSON it is an object from the 50 most frequent names to their counts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ObjectMentions {
    counts: HashMap<String, ObjectCount>,
    /// Whether there were annotations to hold the answers against.
    pub has_annotations: bool,
}

impl ObjectMentions {
    /// The `n` names that are on most images, most frequent first.
    pub fn top(&self, n: usize) -> Vec<(&str, ObjectCount)> {
        let images = |count: &ObjectCount| if self.has_annotations { count.annotated } else { count.mentioned };
        self.sorted(n, images)
    }

    /// The `n` names that answers name most often where nothing of the kind is annotated.
    pub fn top_unannotated(&self, n: usize) -> Vec<(&str, ObjectCount)> {
        let mut names = self.sorted(n, |count| count.unannotated);
        names.retain(|(_, count)| count.unannotated > 0);
        names
    }

    fn sorted(&self, n: usize, key: impl Fn(&ObjectCount) -> u64) -> Vec<(&str, ObjectCount)> {
        let mut names: Vec<(&str, ObjectCount)> = self.counts.iter().map(|(name, count)| (&**name, *count)).collect();
        names.sort_by(|a, b| key(&b.1).cmp(&key(&a.1)).then_with(|| a.0.cmp(b.0)));
        names.truncate(n);
        names
    }

    pub(super) fn add(&mut self, record: Option<&ImageRecord>, samples: &[Sample]) {
        self.has_annotations |= record.is_some();
        let annotated = record.map(annotated_names).unwrap_or_default();
        let named = names_in_answers(samples);
        for name in &annotated {
            let is_named = named.contains(name);
            self.count(name, |count| {
                count.annotated += 1;
                count.mentioned += u64::from(is_named);
            });
        }
        // The annotated words of regions also bear a name out.
        let known: HashSet<String> = record.map(words_of_regions).unwrap_or_default();
        for name in named.iter().filter(|name| !annotated.contains(*name)) {
            let Some(mut same) = same_things(name) else { continue };
            if record.is_none() {
                self.count(name, |count| count.mentioned += 1);
            } else if !known.contains(name) && !same.any(|other| annotated.contains(other) || known.contains(other)) {
                self.count(name, |count| count.unannotated += 1);
            }
        }
    }

    fn count(&mut self, name: &str, add: impl FnOnce(&mut ObjectCount)) {
        if let Some(count) = self.counts.get_mut(name) {
            add(count);
        } else if self.counts.len() < MAX_NAMES {
            add(self.counts.entry(name.to_owned()).or_default());
        }
    }
}

impl Serialize for ObjectMentions {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let names: BTreeMap<&str, ObjectCount> = self.top(50).into_iter().chain(self.top_unannotated(50)).collect();
        serializer.collect_map(names)
    }
}

/// The last words of the objects' first names: the cup of "coffee cup".
fn annotated_names(record: &ImageRecord) -> BTreeSet<String> {
    let names = record.objects.iter().filter_map(|object| object.names.first());
    names.filter_map(|name| words(name).last().map(|word| name_of(&word))).collect()
}

fn words_of_regions(record: &ImageRecord) -> HashSet<String> {
    let texts = record.regions.iter().map(|region| &region.phrase);
    let texts = texts.chain(record.captions.iter().map(|caption| &caption.text));
    let words: HashSet<String> =
        texts.chain(record.objects.iter().flat_map(|object| &object.names)).flat_map(|text| words(text)).collect();
    words.iter().map(|word| name_of(word)).collect()
}

fn names_in_answers(samples: &[Sample]) -> BTreeSet<String> {
    let turns = samples.iter().flat_map(|sample| &sample.conversations).flat_map(|conversation| &conversation.turns);
    let answers = turns.filter(|turn| turn.role == Role::Assistant);
    let words: HashSet<String> = answers.flat_map(|turn| words(&turn.text)).collect();
    words.iter().map(|word| name_of(word)).collect()
}

fn words(text: &str) -> impl Iterator<Item = String> {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty() && word.len() <= 64);
    words.map(str::to_lowercase)
}

fn name_of(word: &str) -> String {
    singular(word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bbox::{BoxError, UnitBox};
    use crate::digest::Digest;
    use crate::sample::{Conversation, Provenance};

    #[test]
    fn annotated_and_not() -> Result<(), BoxError> {
        let record = ImageRecord::builder(1)
            .object("coffee cup", UnitBox::new(0.1, 0.1, 0.2, 0.2)?)
            .object("puppy", UnitBox::new(0.3, 0.1, 0.4, 0.2)?)
            .object("zebra", UnitBox::new(0.5, 0.1, 0.6, 0.2)?)
            .phrase("a man near them")
            .build();
        let conversation = Conversation::of_pair("A bicycle?", "A dog and two cups, a man, and a bicycle.");
        let provenance = Provenance::new(Digest::of("p"), Digest::of("r"), "careful");
        let sample = Sample::new(1, "1.jpg", "conversation", vec![conversation], provenance);
        let mut mentions = ObjectMentions::default();
        mentions.add(Some(&record), &[sample]);
        let counts = |name: &str| mentions.counts.get(name).map(|c| (c.annotated, c.mentioned, c.unannotated));
        assert_eq!(counts("cup"), Some((1, 1, 0)));
        assert_eq!(counts("zebra"), Some((1, 0, 0)));
        assert_eq!(counts("bicycle"), Some((0, 0, 1)));
        // A puppy may be called a dog, and the man stands in a region.
        assert_eq!((counts("dog"), counts("man")), (None, None));
        assert_eq!(mentions.top_unannotated(5).len(), 1);
        Ok(())
    }
}
