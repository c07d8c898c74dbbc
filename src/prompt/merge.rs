//! Which annotations say the same as one before them.

use std::collections::{HashMap, HashSet};

use crate::annotation::{Object, ObjectId};
use crate::bbox::UnitBox;
use crate::digest::Digest;
use crate::prompt::text::folded;

/// With how many earlier objects of its name an object is compared; keeps the time linear for any file.
const MAX_COMPARED: usize = 256;

/// An object as the prompt shows it.
#[derive(Debug)]
pub(super) struct ShownObject {
    pub(super) names: Vec<String>,
    /// Words of its synsets that are none of the names: they do not stand in the prompt, but a reply may use them.
    pub(super) kinds: Vec<String>,
    /// In whole thousandths.
    pub(super) bbox: UnitBox,
    pub(super) is_crowd: bool,
}

/// The objects of a prompt: near-duplicates merged, found again by their id.
#[derive(Debug, Default)]
pub(super) struct ShownObjects {
    pub(super) objects: Vec<ShownObject>,
    by_id: HashMap<ObjectId, usize>,
    by_name: HashMap<String, Vec<usize>>,
}

impl ShownObjects {
    /// The object that `object` would be merged with.
    pub(super) fn same_as(&self, object: &ShownObject, merge_iou: Option<f64>) -> Option<usize> {
        let merge_iou = merge_iou?;
        let is_same = |index: &&usize| {
            let known = &self.objects[**index];
            known.is_crowd == object.is_crowd && known.bbox.iou(object.bbox) >= merge_iou
        };
        let candidates = object.names.iter().filter_map(|name| self.by_name.get(&folded(name)));
        candidates.flat_map(|indices| indices.iter().rev().take(MAX_COMPARED)).find(is_same).copied()
    }

    pub(super) fn push(&mut self, object: ShownObject) -> usize {
        let index = self.objects.len();
        self.name(index, &object.names);
        self.objects.push(object);
        index
    }

    /// Adds the names of an object to the one that stands for it.
    pub(super) fn merge(&mut self, index: usize, object: ShownObject) {
        let known = &self.objects[index].names;
        let is_new = |name: &String| !known.iter().any(|known| folded(known) == folded(name));
        let new: Vec<String> = object.names.into_iter().filter(is_new).collect();
        self.name(index, &new);
        self.objects[index].names.extend(new);
        self.objects[index].kinds.extend(object.kinds);
    }

    fn name(&mut self, index: usize, names: &[String]) {
        for name in names {
            self.by_name.entry(folded(name)).or_default().push(index);
        }
    }

    /// Lets the ids of an annotated object lead to the object that stands for it.
    pub(super) fn identify(&mut self, index: usize, object: &Object) {
        for id in object.id.iter().chain(&object.merged_ids) {
            self.by_id.entry(*id).or_insert(index);
        }
    }

    /// The object that stands for the one of that id, and its index.
    pub(super) fn by_id(&self, id: ObjectId) -> Option<(usize, &ShownObject)> {
        self.by_id.get(&id).map(|index| (*index, &self.objects[*index]))
    }
}

/// Texts that have been shown.
#[derive(Debug, Default)]
pub(super) struct ShownTexts(HashSet<Digest>);

impl ShownTexts {
    /// Whether this is the first text that says so.
    pub(super) fn is_new(&mut self, line: &str) -> bool {
        self.0.insert(Digest::of(folded(line)))
    }
}
