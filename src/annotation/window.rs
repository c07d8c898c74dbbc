//! Reads records by position, those that follow one another in the file at once.

use std::ops::Range;

use crate::annotation::index::{Index, Place};
use crate::annotation::problem::Fault;

/// How much is read at once, unless a single record is longer.
const WINDOW: u64 = 1 << 18;

/// What may lie between two records that are read at once: a comma and white space, or a record that is left out.
const MAX_GAP: u64 = 1 << 12;

/// A part of a file, in which the records asked for next most likely stand.
#[derive(Debug, Default)]
pub(super) struct Window {
    start: u64,
    bytes: Vec<u8>,
    /// The last id that will be asked for: records behind it are somebody else's.
    until: u64,
    /// Where the record asked for last stands in its index: ids ascend, so the next one is near.
    last: usize,
}

impl Window {
    /// Says which id will be asked for last.
    pub(super) fn expect_until(&mut self, id: u64) {
        self.until = id;
    }

    /// Where the record of an image stands, by its position in the index; quick if ids are asked for as they ascend.
    pub(super) fn find(&mut self, index: &Index, id: u64) -> Option<usize> {
        let near = index.places.iter().enumerate().skip(self.last).take(3);
        let position = match near.clone().find(|(_, place)| place.id == id) {
            Some((position, _)) => position,
            None => index.places.binary_search_by_key(&id, |place| place.id).ok()?,
        };
        self.last = position;
        Some(position)
    }

    /// The bytes of the record at a position of the index.
    pub(super) fn record(&mut self, index: &Index, position: usize) -> Result<&[u8], Fault> {
        let place = index.places[position];
        if self.within(place).is_none() {
            self.fill(index, position)?;
        }
        // It has just been read, so it is there.
        Ok(self.within(place).unwrap_or_default())
    }

    fn within(&self, place: Place) -> Option<&[u8]> {
        let start = usize::try_from(place.offset.checked_sub(self.start)?).ok()?;
        self.bytes.get(start..start.checked_add(place.len)?)
    }

    fn fill(&mut self, index: &Index, position: usize) -> Result<(), Fault> {
        let (place, span) = (index.places[position], self.span(index, position));
        let read = index.input.read_part(span.start, (span.end - span.start) as usize, &mut self.bytes);
        let read = read
            .map_err(|error| Fault::new(place.offset, error))
            .and_then(|()| index.input.check_unchanged().map_err(|problem| Fault::new(place.offset, problem)));
        self.start = span.start;
        if read.is_err() {
            self.bytes.clear();
        }
        read
    }

    /// The bytes of a record and of those with the next ids, as far as they stand beside it: behind it, or before it, as
    /// in the published files, of which large parts descend.
    fn span(&self, index: &Index, position: usize) -> Range<u64> {
        let mut span = index.places[position].span();
        for next in index.places[position + 1..].iter().take_while(|next| next.id <= self.until) {
            let next = next.span();
            let is_near = |gap: Option<u64>| gap.is_some_and(|gap| gap <= MAX_GAP);
            if is_near(next.start.checked_sub(span.end)) || is_near(span.start.checked_sub(next.end)) {
                let both = span.start.min(next.start)..span.end.max(next.end);
                if both.end - both.start <= WINDOW {
                    span = both;
                    continue;
                }
            }
            break;
        }
        span
    }
}
