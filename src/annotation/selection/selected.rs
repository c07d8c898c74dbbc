//! The chosen images of a source.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::annotation::positions::Positions;
use crate::annotation::selection::{NotTaken, Selection, lot, shard};
use crate::annotation::{ImageId, ImageRecord, InputFile, ReadReport, RecordSource};
use crate::error::Result;
use crate::lock::lock;

/// The chosen images of a source; made by [`Selection::of`].
///
/// Of a source that knows where its images stand ([`RecordSource::positions_of`]), images that are not listed by id, or
/// are excluded by id, are not read at all: what is wrong with them is not found, and they are not in the report.
///
/// A pick or a shard needs to know all images: the source is then gone through once before the first record. That takes
/// about 80 bytes an image (9 MB for all of Visual Genome), and keeps 24 for each chosen one.
#[derive(Debug)]
pub struct Selected<S> {
    selection: Selection,
    source: S,
    chosen: Mutex<Option<Arc<Chosen>>>,
}

/// What is worth reading; what is picked, and what of it is in the shard, ascending.
#[derive(Debug)]
struct Chosen {
    /// Positions that hold all images which the lists let through; `None` where they can only be told by reading.
    listed: Option<Positions>,
    picked: Option<Vec<ImageId>>,
    in_shard: Option<Vec<ImageId>>,
}

impl<S> Selected<S> {
    pub(super) fn new(selection: Selection, source: S) -> Self {
        Self { selection, source, chosen: Mutex::new(None) }
    }
}

impl<S: RecordSource> Selected<S> {
    /// How many images are taken, and how many are not, by reason; goes through the source, but for what the lists alone
    /// rule out.
    ///
    /// # Errors
    /// Those of the source.
    pub fn count(&self) -> Result<(u64, BTreeMap<NotTaken, u64>)> {
        let chosen = self.chosen()?;
        let known = self.selection.not_listed(&self.source);
        let listed = chosen.listed.as_ref().filter(|_| known.is_some());
        let (mut n_taken, mut not_taken) = (0, known.unwrap_or_default());
        for record in self.listed_records(listed) {
            match self.rules_out(&record?, &chosen) {
                Some(reason) => *not_taken.entry(reason).or_default() += 1,
                None => n_taken += 1,
            }
        }
        Ok((n_taken, not_taken))
    }

    /// What is chosen, worked out at the first call.
    fn chosen(&self) -> Result<Arc<Chosen>> {
        let mut known = lock(&self.chosen);
        if let Some(chosen) = &*known {
            return Ok(chosen.clone());
        }
        let chosen = Arc::new(self.choose()?);
        *known = Some(chosen.clone());
        Ok(chosen)
    }

    fn choose(&self) -> Result<Chosen> {
        let Selection { pick, shard, .. } = self.selection;
        let listed = self.selection.positions(&self.source);
        if pick.is_none() && shard.is_none() {
            return Ok(Chosen { listed, picked: None, in_shard: None });
        }
        let mut images = Vec::new();
        for record in self.listed_records(listed.as_ref()) {
            let record = record?;
            if self.selection.rules_out(&record).is_none() {
                images.push((record.image.id.clone(), shard::weight(&record)));
            }
        }
        let mut picked = None;
        if let Some((n, seed)) = pick {
            images.sort_by_cached_key(|(id, _)| (lot(seed, id, "pick"), id.clone()));
            images.truncate(n);
            images.sort();
            picked = Some(images.iter().map(|(id, _)| id.clone()).collect());
        }
        let in_shard = shard.map(|shard| shard::of_shard(images, shard));
        Ok(Chosen { listed, picked, in_shard })
    }

    /// All records, or those at the positions of the lists.
    fn listed_records(&self, listed: Option<&Positions>) -> Box<dyn Iterator<Item = Result<ImageRecord>> + Send + '_> {
        match listed {
            Some(listed) => self.source.records_in(listed.part(0..listed.len()).collect()),
            None => self.source.records(),
        }
    }

    fn taken<'a>(
        &'a self,
        records: impl Iterator<Item = Result<ImageRecord>> + Send + 'a,
        chosen: Arc<Chosen>,
    ) -> Box<dyn Iterator<Item = Result<ImageRecord>> + Send + 'a> {
        let is_taken = move |record: &Result<ImageRecord>| {
            record.as_ref().map_or(true, |record| self.rules_out(record, &chosen).is_none())
        };
        Box::new(records.filter(is_taken))
    }

    fn rules_out(&self, record: &ImageRecord, chosen: &Chosen) -> Option<NotTaken> {
        let lacks =
            |ids: &Option<Vec<ImageId>>| ids.as_ref().is_some_and(|ids| ids.binary_search(&record.image.id).is_err());
        let by_record = self.selection.rules_out(record);
        by_record
            .or_else(|| lacks(&chosen.picked).then_some(NotTaken::NotPicked))
            .or_else(|| lacks(&chosen.in_shard).then_some(NotTaken::OtherShard))
    }
}

impl<S: RecordSource> RecordSource for Selected<S> {
    fn records(&self) -> Box<dyn Iterator<Item = Result<ImageRecord>> + Send + '_> {
        match self.chosen() {
            Ok(chosen) => self.taken(self.listed_records(chosen.listed.as_ref()), chosen),
            Err(error) => Box::new(std::iter::once(Err(error))),
        }
    }

    fn n_positions(&self) -> Option<usize> {
        // An error comes from `records`.
        let chosen = self.chosen().ok()?;
        let n_positions = self.source.n_positions()?;
        Some(chosen.listed.as_ref().map_or(n_positions, Positions::len))
    }

    fn records_at(&self, positions: Range<usize>) -> Box<dyn Iterator<Item = Result<ImageRecord>> + Send + '_> {
        match self.chosen() {
            Ok(chosen) => {
                let records = match &chosen.listed {
                    Some(listed) => self.source.records_in(listed.part(positions).collect()),
                    None => self.source.records_at(positions),
                };
                self.taken(records, chosen)
            }
            Err(error) => Box::new(std::iter::once(Err(error))),
        }
    }

    fn inputs(&self) -> Vec<InputFile> {
        self.source.inputs()
    }

    fn n_records(&self) -> Option<usize> {
        // How many a choice leaves is not known before they are read.
        self.source.n_records().filter(|_| self.selection.manifest().is_null())
    }

    fn report(&self) -> ReadReport {
        self.source.report()
    }

    fn selection(&self) -> Value {
        match self.source.selection() {
            Value::Null => self.selection.manifest(),
            inner => json!([inner, self.selection.manifest()]),
        }
    }
}
