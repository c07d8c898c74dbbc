//! Reads records by position, those that follow one another in the file at once.

use crate::annotation::index::{Index, Place};
use crate::annotation::problem::Fault;

/// How much is read at once, unless a single record is longer.
const WINDOW: usize = 1 << 18;

/// What may lie between two records that are read at once: a comma and white space, or a record that is left out.
const MAX_GAP: u64 = 1 << 12;

/// A part of a file, in which the records asked for next most likely stand.
#[derive(Debug, Default)]
pub(super) struct Window {
    start: u64,
    bytes: Vec<u8>,
    /// Where the record asked for last stands in its index: ids ascend, so the next one is near.
    last: usize,
}

impl Window {
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
        let place = index.places[position];
        let mut end = place.offset + place.len as u64;
        for next in &index.places[position + 1..] {
            let next_end = next.offset + next.len as u64;
            let is_near = next.offset >= end && next.offset - end <= MAX_GAP;
            if !is_near || next_end - place.offset > WINDOW as u64 {
                break;
            }
            end = next_end;
        }
        self.start = place.offset;
        let read = index.input.read_part(place.offset, (end - place.offset) as usize, &mut self.bytes);
        let read = read
            .map_err(|error| Fault::new(place.offset, error))
            .and_then(|()| index.input.check_unchanged().map_err(|problem| Fault::new(place.offset, problem)));
        if read.is_err() {
            self.bytes.clear();
        }
        read
    }
}
