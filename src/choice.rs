//! Repeatable choices: every random decision is a hash of what it depends on, never of when it is made.

use xxhash_rust::xxh3::Xxh3;

/// A sequence of choices that depends only on a seed and on the parts it was made from.
///
/// # Example
/// ```
/// use svitgen::Choices;
/// let pick = |image: &str| Choices::new(7, [image, "detail_description"]).below(36);
/// assert_eq!(pick("1"), pick("1"));
/// ```
#[derive(Clone, Debug)]
pub struct Choices {
    state: u64,
}

impl Choices {
    /// The choices for `parts` under `seed`, for example an image id and the name of a task.
    pub fn new(seed: u64, parts: impl IntoIterator<Item = impl AsRef<[u8]>>) -> Self {
        let mut hash = Xxh3::with_seed(seed);
        for part in parts {
            let part = part.as_ref();
            // The length keeps ("a", "bc") apart from ("ab", "c").
            hash.update(&(part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        Self { state: hash.digest() }
    }

    /// The next 64 random bits (SplitMix64, Steele et al. 2014).
    pub fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number in `0..n`; 0 if `n` is 0.
    pub fn below(&mut self, n: usize) -> usize {
        // The high half of a product is uniform enough for pools of a few thousand.
        ((u128::from(self.bits()) * n as u128) >> 64) as usize
    }

    /// One of `items`; `None` if there is none.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        let index = self.below(items.len());
        items.get(index)
    }

    /// Puts `items` in a random order (Fisher-Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for end in (1..items.len()).rev() {
            items.swap(end, self.below(end + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_are_fixed_for_ever() {
        // A change here changes every data set that anybody has made.
        let mut choices = Choices::new(7, ["1", "detail_description"]);
        assert_eq!([choices.below(1000), choices.below(1000), choices.below(1000)], PINNED);
    }

    const PINNED: [usize; 3] = [711, 111, 336];

    #[test]
    fn parts_are_kept_apart_and_shuffles_are_permutations() {
        assert_ne!(Choices::new(0, ["a", "bc"]).bits(), Choices::new(0, ["ab", "c"]).bits());
        let mut items: Vec<usize> = (0..50).collect();
        Choices::new(1, ["x"]).shuffle(&mut items);
        assert_ne!(items, (0..50).collect::<Vec<_>>());
        items.sort_unstable();
        assert_eq!(items, (0..50).collect::<Vec<_>>());
        assert_eq!(Choices::new(1, ["x"]).pick::<u8>(&[]), None);
    }
}
