//! Where records come from: one trait for files and for records in memory.

use std::collections::BTreeSet;
use std::fmt;
use std::iter;
use std::ops::Range;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::annotation::{ImageId, ImageRecord, ReadReport};
use crate::digest::{Digest, Digester};
use crate::error::Result;

/// Records in ascending order of their image id, as often as they are asked for.
pub trait RecordSource: fmt::Debug + Send + Sync {
    /// All records, ascending by [`ImageId`], each id once.
    ///
    /// # Errors
    /// Items are errors where an input cannot be read or holds something wrong.
    fn records(&self) -> Box<dyn Iterator<Item = Result<ImageRecord>> + Send + '_>;

    /// How many positions there are from which [`records_at`](Self::records_at) reads; `None`, as provided, if records
    /// cannot be read apart.
    fn n_positions(&self) -> Option<usize> {
        None
    }

    /// The records at some of [`n_positions`](Self::n_positions), for several threads that share the work: those of all
    /// positions in order are [`records`](Self::records). A position may hold no record; an error ends them.
    fn records_at(&self, positions: Range<usize>) -> Box<dyn Iterator<Item = Result<ImageRecord>> + Send + '_> {
        let _ = positions;
        Box::new(std::iter::empty())
    }

    /// The positions of the images with these ids, in any order and without those that are not there; `None`, as
    /// provided, if that cannot be told without reading records. An id of digits alone comes as a number: `7` stands for
    /// the texts `7` and `007` too.
    fn positions_of(&self, ids: &BTreeSet<ImageId>) -> Option<Vec<usize>> {
        let _ = ids;
        None
    }

    /// The records at these ranges of positions, which ascend, one range after the other; an error ends them.
    fn records_in(&self, positions: Vec<Range<usize>>) -> Box<dyn Iterator<Item = Result<ImageRecord>> + Send + '_> {
        Box::new(up_to_error(positions.into_iter().flat_map(|positions| self.records_at(positions))))
    }

    /// The files that the records come from, by name, size and digest; they identify the input of a run.
    fn inputs(&self) -> Vec<InputFile>;

    /// How many records there are, if that is known without reading them; damaged ones count.
    fn n_records(&self) -> Option<usize> {
        self.n_positions()
    }

    /// What was found in the inputs so far, beside the records.
    fn report(&self) -> ReadReport {
        ReadReport::default()
    }

    /// Which part of the inputs the records are, for the manifest of a run: `null` for all.
    fn selection(&self) -> Value {
        Value::Null
    }
}

impl<S: RecordSource + ?Sized> RecordSource for Box<S> {
    fn records(&self) -> Box<dyn Iterator<Item = Result<ImageRecord>> + Send + '_> {
        (**self).records()
    }

    fn n_positions(&self) -> Option<usize> {
        (**self).n_positions()
    }

    fn records_at(&self, positions: Range<usize>) -> Box<dyn Iterator<Item = Result<ImageRecord>> + Send + '_> {
        (**self).records_at(positions)
    }

    fn positions_of(&self, ids: &BTreeSet<ImageId>) -> Option<Vec<usize>> {
        (**self).positions_of(ids)
    }

    fn records_in(&self, positions: Vec<Range<usize>>) -> Box<dyn Iterator<Item = Result<ImageRecord>> + Send + '_> {
        (**self).records_in(positions)
    }

    fn inputs(&self) -> Vec<InputFile> {
        (**self).inputs()
    }

    fn n_records(&self) -> Option<usize> {
        (**self).n_records()
    }

    fn report(&self) -> ReadReport {
        (**self).report()
    }

    fn selection(&self) -> Value {
        (**self).selection()
    }
}

/// The records that `read` finds at positions; it leaves some out, and an error ends them.
pub(super) fn until_error<'a>(
    positions: Range<usize>,
    read: impl FnMut(usize) -> Result<Option<ImageRecord>> + Send + 'a,
) -> impl Iterator<Item = Result<ImageRecord>> + Send + 'a {
    up_to_error(positions.map(read)).filter_map(Result::transpose)
}

/// Items up to and with the first error; none is asked for behind it.
pub(super) fn up_to_error<T>(mut items: impl Iterator<Item = Result<T>>) -> impl Iterator<Item = Result<T>> {
    let mut has_failed = false;
    iter::from_fn(move || {
        if has_failed {
            return None;
        }
        let item = items.next()?;
        has_failed = item.is_err();
        Some(item)
    })
}

/// Records in memory, in any order.
impl RecordSource for Vec<ImageRecord> {
    fn records(&self) -> Box<dyn Iterator<Item = Result<ImageRecord>> + Send + '_> {
        let mut records: Vec<&ImageRecord> = self.iter().collect();
        records.sort_by(|a, b| a.image.id.cmp(&b.image.id));
        Box::new(records.into_iter().map(|record| Ok(record.clone())))
    }

    fn n_records(&self) -> Option<usize> {
        Some(self.len())
    }

    fn inputs(&self) -> Vec<InputFile> {
        let mut digester = Digester::default();
        let mut bytes = 0;
        for record in self {
            // Numbers and texts are written in full, so equal texts mean equal records.
            let text = format!("{record:?}\n");
            bytes += text.len() as u64;
            digester.update(text.as_bytes());
        }
        vec![InputFile { name: "records".to_owned(), bytes, digest: digester.finish() }]
    }
}

/// An input by name, size and digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputFile {
    /// Name of the file, without its folder.
    pub name: String,
    /// Size in bytes.
    pub bytes: u64,
    /// Digest of the bytes.
    pub digest: Digest,
}
