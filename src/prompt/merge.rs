//! Which annotations say the same as one before them.

use std::borrow::Cow;
use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

use crate::annotation::{Few, Object, ObjectId};
use crate::bbox::UnitBox;
use crate::prompt::text::folded_hash;

/// With how many earlier objects of its name an object is compared; keeps the time linear for any file.
const MAX_COMPARED: usize = 256;

/// An object as the prompt shows it.
#[derive(Debug)]
pub(super) struct ShownObject<'a> {
    pub(super) names: Few<Cow<'a, str>>,
    /// A hash of each name: names that say the same have the same.
    pub(super) hashes: Few<u64>,
    /// Words of its synsets that are none of the names: they do not stand in the prompt, but a reply may use them.
    pub(super) kinds: Few<Cow<'a, str>>,
    /// In whole thousandths.
    pub(super) bbox: UnitBox,
    pub(super) is_crowd: bool,
}

/// The objects of a prompt: near-duplicates merged, found again by their id.
#[derive(Debug, Default)]
pub(super) struct ShownObjects<'a> {
    pub(super) objects: Vec<ShownObject<'a>>,
    by_id: HashMap<ObjectId, usize>,
    /// The last entry of [`named`](Self::named) for each name, by the hash of the name.
    by_name: HashMap<u64, usize, BuildHasherDefault<Hashed>>,
    named: Vec<Named>,
}

/// An object under one of its names.
#[derive(Debug)]
struct Named {
    object: usize,
    /// The entry before this one that has the same name.
    before: Option<usize>,
}

impl<'a> ShownObjects<'a> {
    /// Room for `n` objects.
    pub(super) fn with_capacity(n: usize) -> Self {
        Self {
            objects: Vec::with_capacity(n),
            by_id: HashMap::new(),
            by_name: HashMap::with_capacity_and_hasher(n, BuildHasherDefault::default()),
            named: Vec::with_capacity(n),
        }
    }

    /// The object that `object` would be merged with.
    pub(super) fn same_as(&self, object: &ShownObject<'_>, merge_iou: Option<f64>) -> Option<usize> {
        let merge_iou = merge_iou?;
        let is_same = |index: &usize| {
            let known = &self.objects[*index];
            known.is_crowd == object.is_crowd && known.bbox.iou(object.bbox) >= merge_iou
        };
        object.hashes.iter().find_map(|name| self.named(*name).take(MAX_COMPARED).find(is_same))
    }

    /// The objects of this name, the latest first.
    fn named(&self, name: u64) -> impl Iterator<Item = usize> {
        let last = self.by_name.get(&name).copied();
        std::iter::successors(last, |entry| self.named[*entry].before).map(|entry| self.named[entry].object)
    }

    pub(super) fn push(&mut self, object: ShownObject<'a>) -> usize {
        let index = self.objects.len();
        self.name(index, &object.hashes);
        self.objects.push(object);
        index
    }

    /// Adds the names of an object to the one that stands for it.
    pub(super) fn merge(&mut self, index: usize, object: ShownObject<'a>) {
        let known = &mut self.objects[index];
        let n_known = known.hashes.len();
        for (name, hash) in object.names.into_iter().zip(object.hashes) {
            if !known.hashes[..n_known].contains(&hash) {
                known.names.push(name);
                known.hashes.push(hash);
            }
        }
        known.kinds.extend(object.kinds);
        let new: Few<u64> = known.hashes[n_known..].iter().copied().collect();
        self.name(index, &new);
    }

    fn name(&mut self, object: usize, names: &[u64]) {
        for name in names {
            let entry = self.named.len();
            let before = match self.by_name.entry(*name) {
                Entry::Occupied(mut last) => Some(last.insert(entry)),
                Entry::Vacant(place) => {
                    place.insert(entry);
                    None
                }
            };
            self.named.push(Named { object, before });
        }
    }

    /// Lets the ids of an annotated object lead to the object that stands for it.
    pub(super) fn identify(&mut self, index: usize, object: &Object) {
        for id in object.id.iter().chain(&object.merged_ids) {
            self.by_id.entry(*id).or_insert(index);
        }
    }

    /// The object that stands for the one of that id, and its index.
    pub(super) fn by_id(&self, id: ObjectId) -> Option<(usize, &ShownObject<'a>)> {
        self.by_id.get(&id).map(|index| (*index, &self.objects[*index]))
    }
}

/// Texts that have been shown.
#[derive(Debug, Default)]
pub(super) struct ShownTexts(HashSet<u64, BuildHasherDefault<Hashed>>);

impl ShownTexts {
    /// Room for this many texts.
    pub(super) fn with_capacity(n: usize) -> Self {
        Self(HashSet::with_capacity_and_hasher(n, BuildHasherDefault::default()))
    }

    /// Whether this is the first text that says so.
    pub(super) fn is_new(&mut self, line: &str) -> bool {
        self.0.insert(folded_hash(line))
    }
}

/// The hash of what is a hash already.
#[derive(Debug, Default)]
pub(super) struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.first_chunk().map_or(0, |word| u64::from_ne_bytes(*word));
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}
