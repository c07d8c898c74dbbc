//! Which units a gallery shows: drawn by a hash of the image, evenly over groups such as task and state.

use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use crate::annotation::ImageId;
use crate::choice::Choices;

/// Draws units while they go by, in memory for those it may keep.
#[derive(Debug)]
pub(super) struct Selection<G> {
    limit: usize,
    groups: BTreeMap<G, Group>,
}

#[derive(Debug, Default)]
struct Group {
    n: u64,
    /// The units with the least hashes; the greatest of them on top.
    least: BinaryHeap<(u64, ImageId, String)>,
}

/// The units that are drawn, of how many.
#[derive(Debug)]
pub(super) struct Selected {
    pub(super) units: BTreeSet<(ImageId, String)>,
    pub(super) n_offered: u64,
}

impl<G: Ord> Selection<G> {
    /// Draws at most `limit` units.
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, groups: BTreeMap::new() }
    }

    /// Takes a unit into consideration.
    pub(super) fn offer(&mut self, group: G, image_id: &ImageId, task: &str) {
        let group = self.groups.entry(group).or_default();
        group.n += 1;
        let entry = (rank(image_id), image_id.clone(), task.to_owned());
        if group.least.len() < self.limit {
            group.least.push(entry);
        } else if group.least.peek().is_some_and(|greatest| entry < *greatest) {
            group.least.pop();
            group.least.push(entry);
        }
    }

    /// The units: one of each group in turn, until there are enough.
    pub(super) fn finish(self) -> Selected {
        let n_offered = self.groups.values().map(|group| group.n).sum();
        let mut groups: Vec<_> =
            self.groups.into_values().map(|group| group.least.into_sorted_vec().into_iter()).collect();
        let mut units = BTreeSet::new();
        while units.len() < self.limit && !groups.is_empty() {
            groups.retain_mut(|group| match group.next() {
                Some((_, image_id, task)) => {
                    if units.len() < self.limit {
                        units.insert((image_id, task));
                    }
                    true
                }
                None => false,
            });
        }
        Selected { units, n_offered }
    }
}

/// A number by which images are drawn: the same for all tasks, so that units of one image come together.
pub(super) fn rank(image_id: &ImageId) -> u64 {
    Choices::new(0, ["report", &image_id.to_string()]).bits()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rare_groups_are_not_lost() {
        let mut selection = Selection::new(10);
        for id in 0..1000_u64 {
            let state = if id % 250 == 0 { "rejected" } else { "accepted" };
            selection.offer(("a", state), &id.into(), "a");
            selection.offer(("b", "accepted"), &id.into(), "b");
        }
        let selected = selection.finish();
        let rejected: Vec<ImageId> = [0, 250, 500, 750].map(ImageId::Number).into();
        let n_rejected = selected.units.iter().filter(|(id, task)| task == "a" && rejected.contains(id)).count();
        assert_eq!((selected.units.len(), selected.n_offered), (10, 2000));
        assert!(n_rejected >= 3, "{selected:?}");
    }

    #[test]
    fn all_of_a_few() {
        let mut selection = Selection::new(10);
        for id in 0..7_u64 {
            selection.offer((), &id.into(), "a");
        }
        assert_eq!(selection.finish().units.len(), 7);
        assert!(Selection::<()>::new(0).finish().units.is_empty());
    }
}
