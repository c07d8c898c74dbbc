//! Which images of a source are worked on: by id, by what is known of them, by lot, and in shards.

mod ids;
mod selected;
mod shard;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

pub(super) use ids::normal;
pub use ids::{read_coco_ids, read_image_ids};
pub use selected::Selected;
pub use shard::{Shard, ShardError};

use crate::annotation::positions::Positions;
use crate::annotation::{CocoId, ImageId, ImageRecord, RecordSource};
use crate::choice::Choices;
use crate::digest::Digest;

/// Which images of a source are worked on. The default takes all.
///
/// An image is taken if it is listed (where there is a list) and not excluded, and if enough is known of it. Of these a
/// number may be picked, and of those a shard be taken, in this order. What is taken depends on the images of the source
/// and on this value alone: not on the order of calls, the time, or an earlier run.
///
/// # Example
/// ```
/// use svitgen::annotation::{Selection, Shard};
/// use svitgen::{ImageRecord, RecordSource};
/// let records: Vec<ImageRecord> = (1..=100_u64).map(|id| ImageRecord::builder(id).caption("A dog.").build()).collect();
/// let selection = Selection::default().without_images([7]).with_captions().with_pick(20, 1);
/// let all = selection.clone().of(records.clone());
/// assert_eq!(all.records().count(), 20);
/// let shards = (1..=4).map(|k| Ok(selection.clone().with_shard(Shard::new(k, 4)?).of(records.clone()).records().count()));
/// assert_eq!(shards.sum::<Result<usize, svitgen::annotation::ShardError>>()?, 20);
/// # Ok::<(), svitgen::annotation::ShardError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    listed: Option<Listed>,
    excluded: Listed,
    needs_captions: bool,
    min_objects: usize,
    min_regions: usize,
    /// How many images to pick, and the seed.
    pick: Option<(usize, u64)>,
    shard: Option<Shard>,
}

/// Images by either of their ids.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Listed {
    images: BTreeSet<ImageId>,
    coco: BTreeSet<CocoId>,
}

/// Why an image is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum NotTaken {
    /// It is not among the images that are asked for.
    NotListed,
    /// It is on a list of images to leave out.
    Excluded,
    /// It has no caption.
    NoCaptions,
    /// It has fewer objects than asked for.
    FewObjects,
    /// It has fewer regions than asked for.
    FewRegions,
    /// Others were picked.
    NotPicked,
    /// It is in another shard.
    OtherShard,
}

impl NotTaken {
    /// The name used in reports: `not_listed`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotListed => "not_listed",
            Self::Excluded => "excluded",
            Self::NoCaptions => "no_captions",
            Self::FewObjects => "few_objects",
            Self::FewRegions => "few_regions",
            Self::NotPicked => "not_picked",
            Self::OtherShard => "other_shard",
        }
    }
}

impl std::fmt::Display for NotTaken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

impl Selection {
    /// Takes only images that are listed, these among them. Digits in a text are the number that they write.
    #[must_use]
    pub fn with_images(mut self, ids: impl IntoIterator<Item = impl Into<ImageId>>) -> Self {
        let listed = self.listed.get_or_insert_default();
        listed.images.extend(ids.into_iter().map(|id| normal(id.into())));
        self
    }

    /// Takes only images that are listed, those with these COCO ids among them.
    #[must_use]
    pub fn with_coco_images(mut self, ids: impl IntoIterator<Item = CocoId>) -> Self {
        self.listed.get_or_insert_default().coco.extend(ids);
        self
    }

    /// Leaves out these images, for example those of a benchmark.
    #[must_use]
    pub fn without_images(mut self, ids: impl IntoIterator<Item = impl Into<ImageId>>) -> Self {
        self.excluded.images.extend(ids.into_iter().map(|id| normal(id.into())));
        self
    }

    /// Leaves out the images with these COCO ids, whatever their ids in the source.
    #[must_use]
    pub fn without_coco_images(mut self, ids: impl IntoIterator<Item = CocoId>) -> Self {
        self.excluded.coco.extend(ids);
        self
    }

    /// Takes only images with a caption.
    #[must_use]
    pub fn with_captions(mut self) -> Self {
        self.needs_captions = true;
        self
    }

    /// Takes only images with at least `n` objects, as annotated.
    #[must_use]
    pub fn with_min_objects(mut self, n: usize) -> Self {
        self.min_objects = n;
        self
    }

    /// Takes only images with at least `n` regions, as annotated.
    #[must_use]
    pub fn with_min_regions(mut self, n: usize) -> Self {
        self.min_regions = n;
        self
    }

    /// Picks `n` images at random; all, if there are fewer.
    ///
    /// Each image has a lot by its id and the seed, and the lowest are picked: a larger `n` picks the same images and more,
    /// and images that come to the source replace only as many as they have lower lots.
    #[must_use]
    pub fn with_pick(mut self, n: usize, seed: u64) -> Self {
        self.pick = Some((n, seed));
        self
    }

    /// Takes one of several shards: together they hold every image once, and each about the same number of tokens.
    #[must_use]
    pub fn with_shard(mut self, shard: Shard) -> Self {
        self.shard = Some(shard);
        self
    }

    /// The chosen images of a source, which are a source themselves.
    pub fn of<S>(self, source: S) -> Selected<S> {
        Selected::new(self, source)
    }

    /// Whether it takes every image.
    pub fn is_all(&self) -> bool {
        *self == Self::default()
    }

    /// Everything that decides what is taken, for the manifest of a run: lists by number and digest. `null` if all is taken.
    pub fn manifest(&self) -> Value {
        if self.is_all() {
            return Value::Null;
        }
        json!({
            "listed": self.listed.as_ref().map(Listed::manifest),
            "excluded": (self.excluded != Listed::default()).then(|| self.excluded.manifest()),
            "captions": self.needs_captions,
            "min_objects": self.min_objects,
            "min_regions": self.min_regions,
            "pick": self.pick.map(|(n, seed)| json!({"n": n, "seed": seed})),
            "shard": self.shard.map(|shard| shard.to_string()),
        })
    }

    /// Where the images stand that the lists let through, and maybe some that they do not; `None` if the lists let all
    /// through, or if it cannot be told without reading.
    fn positions(&self, source: &impl RecordSource) -> Option<Positions> {
        let excluded = &self.excluded.images;
        match &self.listed {
            // Which image has a COCO id is known only when it is read.
            Some(listed) if listed.coco.is_empty() => {
                let ids = listed.images.difference(excluded).cloned().collect();
                source.positions_of(&ids).map(Positions::only)
            }
            _ if excluded.is_empty() => None,
            _ => Some(Positions::without(source.n_positions()?, source.positions_of(excluded)?)),
        }
    }

    /// How many images are not at those [`positions`](Self::positions), by reason; `None` if it cannot be told without
    /// reading.
    fn not_listed(&self, source: &impl RecordSource) -> Option<BTreeMap<NotTaken, u64>> {
        let excluded = &self.excluded.images;
        let n_read = self.positions(source)?.len();
        let excluded = match &self.listed {
            Some(listed) if listed.coco.is_empty() => listed.images.intersection(excluded).cloned().collect(),
            Some(_) => return None,
            None => excluded.clone(),
        };
        let n_excluded = source.positions_of(&excluded)?.len();
        let n_not_listed = source.n_positions()?.checked_sub(n_read + n_excluded)?;
        let reasons = [(NotTaken::NotListed, n_not_listed as u64), (NotTaken::Excluded, n_excluded as u64)];
        Some(reasons.into_iter().filter(|(_, n)| *n > 0).collect())
    }

    /// Why the record itself rules it out, whatever else the source holds.
    fn rules_out(&self, record: &ImageRecord) -> Option<NotTaken> {
        let few = |n: usize, min: usize| n < min;
        if self.listed.as_ref().is_some_and(|listed| !listed.contains(record)) {
            Some(NotTaken::NotListed)
        } else if self.excluded.contains(record) {
            Some(NotTaken::Excluded)
        } else if self.needs_captions && record.captions.is_empty() {
            Some(NotTaken::NoCaptions)
        } else if few(record.objects.len(), self.min_objects) {
            Some(NotTaken::FewObjects)
        } else if few(record.regions.len(), self.min_regions) {
            Some(NotTaken::FewRegions)
        } else {
            None
        }
    }
}

impl Listed {
    fn contains(&self, record: &ImageRecord) -> bool {
        let image = &record.image;
        let by_id = !self.images.is_empty() && self.images.contains(&normal(image.id.clone()));
        by_id || image.coco_id.is_some_and(|id| self.coco.contains(&id))
    }

    fn manifest(&self) -> Value {
        let digest = Digest::of(format!("{:?} {:?}", self.images, self.coco));
        json!({"images": self.images.len(), "coco_images": self.coco.len(), "digest": digest})
    }
}

/// The lot of an image under a seed, for one purpose.
fn lot(seed: u64, id: &ImageId, purpose: &str) -> u64 {
    Choices::new(seed, [id.to_string().as_str(), purpose]).bits()
}
