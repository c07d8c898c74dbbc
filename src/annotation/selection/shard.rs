//! Shards: parts of a source that together hold every image once.

use std::fmt;
use std::str::FromStr;

use crate::annotation::selection::lot;
use crate::annotation::{ImageId, ImageRecord};

/// One of several parts of a source, written `2/8`: the second of eight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Shard {
    number: u32,
    of: u32,
}

/// What is no shard.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a shard is written K/N with K from 1 to N, such as 2/8; found {0}")]
pub struct ShardError(String);

impl Shard {
    /// Part `number` of `of`, both from 1.
    ///
    /// # Errors
    /// [`ShardError`] unless `number` is in `1..=of`.
    pub fn new(number: u32, of: u32) -> Result<Self, ShardError> {
        if (1..=of).contains(&number) { Ok(Self { number, of }) } else { Err(ShardError(format!("{number}/{of}"))) }
    }

    /// Which part it is, from 1.
    pub fn number(self) -> u32 {
        self.number
    }

    /// How many parts there are.
    pub fn of(self) -> u32 {
        self.of
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.of)
    }
}

impl FromStr for Shard {
    type Err = ShardError;

    fn from_str(text: &str) -> Result<Self, ShardError> {
        let wrong = || ShardError(format!("{text:?}"));
        let (number, of) = text.split_once('/').ok_or_else(wrong)?;
        let parse = |digits: &str| digits.trim().parse::<u32>().map_err(|_| wrong());
        Self::new(parse(number)?, parse(of)?).map_err(|_| wrong())
    }
}

/// Tokens that an image costs whatever is known of it: the words of a template and a reply.
const FIXED_TOKENS: usize = 1_500;

/// About how many tokens an image costs. Only the proportions matter.
pub(super) fn weight(record: &ImageRecord) -> u32 {
    let caption = |text: &str| 3 + text.len() / 4;
    // A box has about twenty tokens, whatever its name.
    let captions: usize = record.captions.iter().map(|found| caption(&found.text)).sum();
    let regions: usize = record.regions.iter().map(|region| caption(&region.phrase)).sum();
    let tokens = FIXED_TOKENS + captions + regions + 23 * record.objects.len();
    u32::try_from(tokens).unwrap_or(u32::MAX)
}

/// The images that fall to a shard, ascending by id: each image, in order of its lot, goes to the shard with the fewest
/// tokens so far.
pub(super) fn of_shard(mut images: Vec<(ImageId, u32)>, shard: Shard) -> Vec<ImageId> {
    images.sort_by_cached_key(|(id, _)| (lot(0, id, "shard"), id.clone()));
    let mut loads = Loads::new(shard.of as usize);
    let mine = images.into_iter().filter_map(|(id, weight)| {
        let lightest = loads.add(weight);
        (lightest == shard.number as usize - 1).then_some(id)
    });
    let mut mine: Vec<ImageId> = mine.collect();
    mine.sort();
    mine
}

/// The tokens of each shard, the lightest of them at hand.
struct Loads(std::collections::BinaryHeap<std::cmp::Reverse<(u64, usize)>>);

impl Loads {
    fn new(n: usize) -> Self {
        Self((0..n).map(|index| std::cmp::Reverse((0, index))).collect())
    }

    /// Adds to the lightest shard, the first of equals, and says which one it is.
    fn add(&mut self, weight: u32) -> usize {
        let Some(mut lightest) = self.0.peek_mut() else { return 0 };
        let index = lightest.0.1;
        lightest.0.0 += u64::from(weight);
        index
    }
}
