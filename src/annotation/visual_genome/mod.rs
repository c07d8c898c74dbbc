//! Reads Visual Genome: `image_data.json`, `objects.json`, `region_descriptions.json`, `attributes.json`,
//! `relationships.json` of versions 1.0, 1.2 and 1.4.

mod files;
mod plain;
mod raw;
mod reading;
mod salvage;
mod sample;
mod usual;

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

pub use files::VisualGenomeFiles;

use crate::annotation::index::Index;
use crate::annotation::ordered::ReadAhead;
use crate::annotation::positions::Positions;
use crate::annotation::source::{until_error, up_to_error};
use crate::annotation::visual_genome::reading::{Joined, Records};
use crate::annotation::{ImageId, ImageRecord, InputFile, ReadReport, RecordSource};
use crate::error::Result;

/// Visual Genome, one record for each image of `image_data.json`, ascending by id.
///
/// Opening goes through every file once, in bounded memory: it finds where each record stands and takes the digests.
/// Records are joined by id, never by position. Images that other files have and `image_data.json` has not make no
/// record, because their size is not known; they are in the report, as are images that lack annotations.
///
/// Boxes are in pixels of the image as `image_data.json` gives its size, unclamped; texts are untrimmed.
///
/// # Example
/// ```
/// use svitgen::annotation::RecordSource;
/// use svitgen::VisualGenome;
/// let source = VisualGenome::sample()?;
/// let records: Vec<_> = source.records().collect::<Result<_, _>>()?;
/// assert_eq!(records.len(), 10);
/// println!("{}", source.report());
/// # Ok::<(), svitgen::Error>(())
/// ```
#[derive(Debug)]
pub struct VisualGenome {
    joined: Arc<Joined>,
    n_threads: usize,
}

impl VisualGenome {
    /// Reads the files of a folder, under their names or with a version suffix (`objects_v1_2.json`); attributes and
    /// relationships where they are there. Anything bad is an error.
    ///
    /// # Errors
    /// - [`ErrorKind::MissingFile`](crate::ErrorKind::MissingFile) if `image_data`, `objects` or `region_descriptions`
    ///   is not there; [`ErrorKind::AmbiguousFile`](crate::ErrorKind::AmbiguousFile) if one is there twice.
    /// - [`ErrorKind::Input`](crate::ErrorKind::Input) if a file is not a list of records with ids.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self> {
        VisualGenomeFiles::find(folder)?.open()
    }

    fn from_files(files: VisualGenomeFiles) -> Result<Self> {
        let n_threads = files.n_threads;
        Ok(Self { joined: Arc::new(Joined::open(files)?), n_threads })
    }
}

impl RecordSource for VisualGenome {
    fn records(&self) -> Box<dyn Iterator<Item = Result<ImageRecord>> + Send + '_> {
        let all = 0..self.joined.n_images();
        self.records_in(vec![all])
    }

    fn n_positions(&self) -> Option<usize> {
        Some(self.joined.n_images())
    }

    fn records_at(&self, positions: Range<usize>) -> Box<dyn Iterator<Item = Result<ImageRecord>> + Send + '_> {
        Box::new(records_at(&self.joined, positions))
    }

    fn positions_of(&self, ids: &BTreeSet<ImageId>) -> Option<Vec<usize>> {
        Some(ids.iter().filter_map(|id| self.joined.position(id)).collect())
    }

    fn records_in(&self, positions: Vec<Range<usize>>) -> Box<dyn Iterator<Item = Result<ImageRecord>> + Send + '_> {
        let positions = Arc::new(Positions::new(positions));
        if self.n_threads > 1 {
            let (joined, positions) = (Arc::clone(&self.joined), Arc::clone(&positions));
            let n = positions.len();
            let read = move |numbers| records_in(&joined, positions.part(numbers)).collect();
            if let Some(records) = ReadAhead::new(n, self.n_threads, read) {
                return Box::new(records);
            }
        }
        let all: Vec<_> = positions.part(0..positions.len()).collect();
        Box::new(records_in(&self.joined, all.into_iter()))
    }

    fn inputs(&self) -> Vec<InputFile> {
        let coco = self.joined.coco.iter().flat_map(RecordSource::inputs);
        self.joined.indexes().map(Index::input_file).chain(coco).collect()
    }

    fn report(&self) -> ReadReport {
        self.joined.report()
    }
}

fn records_in<'a>(
    joined: &'a Joined,
    positions: impl Iterator<Item = Range<usize>> + Send + 'a,
) -> impl Iterator<Item = Result<ImageRecord>> + Send + 'a {
    up_to_error(positions.flat_map(|positions| records_at(joined, positions)))
}

fn records_at(joined: &Joined, positions: Range<usize>) -> impl Iterator<Item = Result<ImageRecord>> + Send + '_ {
    let mut records = Records::new(joined, &positions);
    until_error(positions, move |position| records.record(position))
}
