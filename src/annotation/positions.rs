//! Some positions of a source, as ranges.

use std::ops::Range;

/// Some positions of a source, ascending; each has a number among them, from 0.
#[derive(Debug, Default)]
pub(super) struct Positions {
    ranges: Vec<Range<usize>>,
    /// How many positions there are up to the end of each range.
    ends: Vec<usize>,
}

impl Positions {
    /// Those in ranges that ascend.
    pub(super) fn new(ranges: impl IntoIterator<Item = Range<usize>>) -> Self {
        let mut positions = Self::default();
        for range in ranges.into_iter().filter(|range| !range.is_empty()) {
            positions.ends.push(positions.len() + range.len());
            match positions.ranges.last_mut().filter(|last| last.end == range.start) {
                Some(last) => {
                    last.end = range.end;
                    positions.ends.swap_remove(positions.ends.len() - 2);
                }
                None => positions.ranges.push(range),
            }
        }
        positions
    }

    /// These, in whatever order they come.
    pub(super) fn only(mut positions: Vec<usize>) -> Self {
        positions.sort_unstable();
        positions.dedup();
        Self::new(positions.into_iter().map(|position| position..position + 1))
    }

    /// All of `0..n` but these.
    pub(super) fn without(n: usize, left_out: Vec<usize>) -> Self {
        let left_out = Self::only(left_out).ranges;
        let starts = [0].into_iter().chain(left_out.iter().map(|range| range.end));
        let ends = left_out.iter().map(|range| range.start.min(n)).chain([n]);
        Self::new(starts.zip(ends).map(|(start, end)| start..end))
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.ends.last().copied().unwrap_or(0)
    }

    /// Those with these numbers.
    pub(super) fn part(&self, numbers: Range<usize>) -> impl Iterator<Item = Range<usize>> + '_ {
        let first = self.ends.partition_point(|end| *end <= numbers.start);
        let ranges = self.ranges.iter().zip(&self.ends).skip(first);
        ranges.map_while(move |(range, end)| {
            let number = end - range.len();
            let (start, end) = (numbers.start.max(number), numbers.end.min(*end));
            (start < end).then(|| range.start + (start - number)..range.start + (end - number))
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn parts_are_those_of_a_list(
            chosen in prop::collection::vec(0_usize..40, 0..40),
            n in 0_usize..45,
            from in 0_usize..45,
            len in 0_usize..20,
        ) {
            let mut listed = chosen.clone();
            listed.sort_unstable();
            listed.dedup();
            let others: Vec<usize> = (0..n).filter(|position| !listed.contains(position)).collect();
            for (positions, expected) in [(Positions::only(chosen.clone()), listed), (Positions::without(n, chosen), others)] {
                prop_assert_eq!(positions.len(), expected.len());
                let part: Vec<usize> = positions.part(from..from + len).flatten().collect();
                let end = expected.len().min(from + len);
                prop_assert_eq!(&part, &expected[from.min(end)..end]);
                prop_assert!(positions.ranges.windows(2).all(|pair| pair[0].end < pair[1].start));
            }
        }
    }
}
