//! Reads Visual Genome: `image_data.json`, `objects.json`, `region_descriptions.json`, `attributes.json`,
//! `relationships.json` of versions 1.0, 1.2 and 1.4.

mod files;
mod raw;
mod salvage;
mod sample;

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::de::DeserializeOwned;

pub use files::VisualGenomeFiles;

use crate::annotation::index::{Index, Place};
use crate::annotation::problem::{Fault, InputProblem};
use crate::annotation::source::until_error;
use crate::annotation::visual_genome::raw::{RawImage, RawList, RawObject, RawRegion, RawRelationship};
use crate::annotation::{Coco, ImageId, ImageRecord, InputError, InputFile, OnBadInput, ReadReport, RecordSource};
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
    images: Index,
    objects: Index,
    regions: Index,
    attributes: Option<Index>,
    relationships: Option<Index>,
    coco: Option<Coco>,
    on_bad: OnBadInput,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    report: ReadReport,
    /// How many images the report counts, so that a second reading does not count again.
    n_counted: usize,
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
        let mut skipped = Vec::new();
        let mut build = |input| Index::build(input, files.on_bad, &mut skipped);
        let images = build(files.image_data)?;
        let objects = build(files.objects)?;
        let regions = build(files.region_descriptions)?;
        let attributes = files.attributes.map(&mut build).transpose()?;
        let relationships = files.relationships.map(&mut build).transpose()?;
        let mut report = ReadReport { skipped: skipped.into_iter().map(Into::into).collect(), ..Default::default() };
        let image_file = images.file_name();
        for index in [Some(&objects), Some(&regions), attributes.as_ref(), relationships.as_ref()].into_iter().flatten()
        {
            report.one_sided(&index.file_name(), &image_file, index.missing_from(&images));
            report.one_sided(&image_file, &index.file_name(), images.missing_from(index));
        }
        let state = Mutex::new(State { report, n_counted: 0 });
        Ok(Self { images, objects, regions, attributes, relationships, coco: files.coco, on_bad: files.on_bad, state })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The record of the image at `position`; `None` if it is left out as bad.
    fn record(&self, position: usize, buffer: &mut Vec<u8>) -> Result<Option<ImageRecord>> {
        let mut found = Found::new(self.on_bad);
        let record = self.read_record(self.images.places[position], buffer, &mut found)?;
        let mut state = self.state();
        if state.n_counted == position {
            state.n_counted += 1;
            found.report_to(&mut state.report);
        }
        Ok(record)
    }

    fn read_record(
        &self,
        place: Place,
        buffer: &mut Vec<u8>,
        found: &mut Found,
    ) -> Result<Option<ImageRecord>, InputError> {
        let in_images = |fault: Fault| fault.in_file(self.images.input.name(), Some(ImageId::Number(place.id)));
        self.images.read(place, buffer).map_err(in_images)?;
        let image =
            serde_json::from_slice::<RawImage>(buffer).map_err(|error| Fault::json(place.offset, buffer, error));
        let image = image.and_then(|raw| raw.image().map_err(|problem| Fault::new(place.offset, problem)));
        let image = match image {
            Ok(image) => image,
            Err(fault) => {
                found.judge(&self.images, fault, place.id)?;
                return Ok(None);
            }
        };
        found.count(&self.images, "images", 1);
        let coco_id = image.coco_id;
        let size = image.size;
        let mut record = ImageRecord::new(image);
        let mut read = Reader { id: place.id, buffer, found };
        record.objects = read.list(&self.objects, "objects", RawObject::object)?;
        record.regions = read.list(&self.regions, "regions", |raw: RawRegion| raw.region(place.id))?;
        if let Some(index) = &self.attributes {
            record.attributes = read.list(index, "attributes", RawObject::attribute)?;
        }
        if let Some(index) = &self.relationships {
            record.relationships = read.list(index, "relationships", RawRelationship::relationship)?;
        }
        if let (Some(coco), Some(coco_id)) = (&self.coco, coco_id) {
            coco.join(coco_id, size, &mut record, &mut found.skipped)?;
            found.count(&self.images, "captions joined", record.captions.len());
        }
        Ok(Some(record))
    }
}

impl RecordSource for VisualGenome {
    fn records(&self) -> Box<dyn Iterator<Item = Result<ImageRecord>> + Send + '_> {
        let mut buffer = Vec::new();
        until_error(self.images.places.len(), move |position| self.record(position, &mut buffer))
    }

    fn inputs(&self) -> Vec<InputFile> {
        let indexes = [Some(&self.images), Some(&self.objects), Some(&self.regions), self.attributes.as_ref()];
        let indexes = indexes.into_iter().chain([self.relationships.as_ref()]).flatten();
        let coco = self.coco.iter().flat_map(RecordSource::inputs);
        indexes.map(Index::input_file).chain(coco).collect()
    }

    fn report(&self) -> ReadReport {
        let mut report = self.state().report.clone();
        if let Some(coco) = &self.coco {
            coco.add_joined(&mut report);
        }
        report
    }
}

/// What was found while one record was read.
#[derive(Debug)]
struct Found {
    on_bad: OnBadInput,
    counts: Vec<(String, &'static str, usize)>,
    skipped: Vec<InputError>,
}

impl Found {
    fn new(on_bad: OnBadInput) -> Self {
        Self { on_bad, counts: Vec::new(), skipped: Vec::new() }
    }

    fn count(&mut self, index: &Index, kind: &'static str, n: usize) {
        self.counts.push((index.file_name(), kind, n));
    }

    fn judge(&mut self, index: &Index, fault: Fault, id: u64) -> Result<(), InputError> {
        let error = fault.in_file(index.input.name(), Some(ImageId::Number(id)));
        match self.on_bad {
            OnBadInput::Stop => Err(error),
            OnBadInput::Skip => {
                self.skipped.push(error);
                Ok(())
            }
        }
    }

    fn report_to(self, report: &mut ReadReport) {
        for (file, kind, n) in self.counts {
            report.add(&file, kind, n);
        }
        report.skipped.extend(self.skipped.into_iter().map(Into::into));
    }
}

/// Reads what the files say about one image.
struct Reader<'a> {
    id: u64,
    buffer: &'a mut Vec<u8>,
    found: &'a mut Found,
}

impl Reader<'_> {
    /// The annotations of the image in one file, each made of its raw form.
    fn list<R: DeserializeOwned, T>(
        &mut self,
        index: &Index,
        kind: &'static str,
        make: impl Fn(R) -> Result<T, InputProblem>,
    ) -> Result<Vec<T>, InputError> {
        let Some(place) = index.find(self.id) else { return Ok(Vec::new()) };
        let in_file = |fault: Fault| fault.in_file(index.input.name(), Some(ImageId::Number(self.id)));
        index.read(place, self.buffer).map_err(in_file)?;
        let mut made = Vec::new();
        match serde_json::from_slice::<RawList<R>>(self.buffer) {
            Ok(RawList { list: Some(raw), .. }) => {
                made.reserve(raw.len());
                for raw in raw {
                    match make(raw) {
                        Ok(annotation) => made.push(annotation),
                        Err(problem) => self.found.judge(index, Fault::new(place.offset, problem), self.id)?,
                    }
                }
            }
            Ok(RawList { list: None, .. }) => {
                self.found.judge(index, Fault::new(place.offset, InputProblem::NoList(kind)), self.id)?;
            }
            Err(error) => {
                let fault = Fault::json(place.offset, self.buffer, error);
                if self.found.on_bad == OnBadInput::Stop {
                    return Err(in_file(fault));
                }
                self.salvage(index, place, kind, make, fault, &mut made)?;
            }
        }
        self.found.count(index, kind, made.len());
        Ok(made)
    }

    /// Takes what is good of a record that is bad somewhere.
    fn salvage<R: DeserializeOwned, T>(
        &mut self,
        index: &Index,
        place: Place,
        kind: &'static str,
        make: impl Fn(R) -> Result<T, InputProblem>,
        fault: Fault,
        made: &mut Vec<T>,
    ) -> Result<(), InputError> {
        let n_skipped = self.found.skipped.len();
        for annotation in salvage::annotations(self.buffer, place.offset, kind, make) {
            match annotation {
                Ok(annotation) => made.push(annotation),
                Err(fault) => self.found.judge(index, fault, self.id)?,
            }
        }
        // The fault may lie outside of every annotation, as in a number such as 01.
        if self.found.skipped.len() == n_skipped {
            self.found.judge(index, fault, self.id)?;
        }
        Ok(())
    }
}
