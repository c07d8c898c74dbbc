//! Reads COCO: `captions_*.json` and `instances_*.json` of 2014 and 2017, in any mixture.

mod raw;
mod scan;

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Mutex, MutexGuard};

use serde::de::DeserializeOwned;

use crate::annotation::coco::raw::{RawCaption, RawCocoImage, RawInstance};
use crate::annotation::index::{file_name, input_file};
use crate::annotation::problem::{Fault, InputProblem};
use crate::annotation::source::until_error;
use crate::annotation::{
    Caption, CocoId, Image, ImageId, ImageRecord, Input, InputError, InputFile, Object, ObjectId, OnBadInput,
    ReadReport, RecordSource,
};
use crate::bbox::{ImageSize, PixelBox};
use crate::digest::Digest;
use crate::error::Result;
use crate::lock::lock;

/// COCO captions and instances: one record for each image, ascending by id; or joined to Visual Genome by `coco_id`
/// ([`VisualGenomeFiles::with_coco`](crate::annotation::VisualGenomeFiles::with_coco)).
///
/// What a file holds is told by its contents, not by its name. An annotation that several releases have (the validation
/// images of 2014 are training images of 2017) is taken once; the report counts the others. Captions and instances keep
/// the order of their files; boxes are in pixels.
///
/// # Example
/// ```no_run
/// use svitgen::annotation::{Coco, RecordSource};
/// let coco = Coco::open(["captions_val2017.json", "instances_val2017.json"])?;
/// for record in coco.records() {
///     println!("{} captions", record?.captions.len());
/// }
/// # Ok::<(), svitgen::Error>(())
/// ```
#[derive(Debug)]
pub struct Coco {
    files: Vec<CocoFile>,
    /// Ascending by id.
    images: Vec<Place>,
    /// Ascending by image, then in order of the files.
    captions: Vec<Place>,
    instances: Vec<Place>,
    on_bad: OnBadInput,
    state: Mutex<State>,
}

#[derive(Debug)]
struct CocoFile {
    input: Input,
    digest: Digest,
    categories: HashMap<u64, String>,
}

/// Where an image, a caption or an instance stands, and which image it belongs to.
#[derive(Clone, Copy, Debug)]
struct Place {
    image: u64,
    offset: u64,
    len: u32,
    file: u32,
}

#[derive(Debug, Default)]
struct State {
    report: ReadReport,
    /// How many images the report counts as read.
    n_counted: usize,
}

impl Coco {
    /// Reads files, in any order. Anything bad is an error.
    ///
    /// # Errors
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) if a file cannot be opened, [`ErrorKind::Input`](crate::ErrorKind::Input)
    /// if one is neither captions nor instances, or names images that it does not list.
    pub fn open(paths: impl IntoIterator<Item = impl AsRef<Path>>) -> Result<Self> {
        let inputs = paths.into_iter().map(Input::path).collect::<Result<Vec<_>>>()?;
        Self::from_inputs(inputs, OnBadInput::Stop)
    }

    /// Reads inputs, and stops at what is bad or skips it.
    ///
    /// # Errors
    /// As [`open`](Self::open); with [`OnBadInput::Skip`] only if an input holds nothing that could be used.
    pub fn from_inputs(inputs: impl IntoIterator<Item = Input>, on_bad: OnBadInput) -> Result<Self> {
        let mut coco = Self {
            files: Vec::new(),
            images: Vec::new(),
            captions: Vec::new(),
            instances: Vec::new(),
            on_bad,
            state: Mutex::default(),
        };
        let mut scan = scan::Scan::new(on_bad);
        for input in inputs {
            let (digest, categories) = scan.file(&input)?;
            coco.files.push(CocoFile { input, digest, categories });
        }
        let scan::Found { images, captions, instances, report } = scan.finish();
        (coco.images, coco.captions, coco.instances) = (images, captions, instances);
        coco.state().report = report;
        Ok(coco)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Adds captions and instances to a record of the same image in another data set, scaling boxes to its size.
    pub(super) fn join(
        &self,
        coco_id: CocoId,
        size: Option<ImageSize>,
        record: &mut ImageRecord,
        skipped: &mut Vec<InputError>,
    ) -> Result<(), InputError> {
        let Ok(position) = self.images.binary_search_by_key(&coco_id.0, |place| place.image) else { return Ok(()) };
        let Some(image) = self.read_image(position, skipped)? else { return Ok(()) };
        record.captions = self.read_captions(coco_id.0, skipped)?;
        let scale = match (image.size, size) {
            (Some(from), Some(to)) => {
                (f64::from(to.width()) / f64::from(from.width()), f64::from(to.height()) / f64::from(from.height()))
            }
            _ => (1.0, 1.0),
        };
        record.objects.extend(self.read_instances(coco_id.0, scale, skipped)?);
        Ok(())
    }

    /// Adds what is known about the files themselves to the report of the data set that they are joined to.
    pub(super) fn add_joined(&self, report: &mut ReadReport) {
        let own = &self.state().report;
        report.skipped.extend(own.skipped.iter().cloned());
        for (what, n) in &own.notes {
            report.note(what, *n);
        }
        for (file, counts) in &own.counts {
            for (kind, n) in counts {
                report.add(file, kind, *n as usize);
            }
        }
    }

    fn record(&self, position: usize) -> Result<Option<ImageRecord>> {
        let mut skipped = Vec::new();
        let record = self.read_record(position, &mut skipped)?;
        let mut state = self.state();
        if state.n_counted == position {
            state.n_counted += 1;
            state.report.skipped.extend(skipped.into_iter().map(Into::into));
        }
        Ok(record)
    }

    fn read_record(&self, position: usize, skipped: &mut Vec<InputError>) -> Result<Option<ImageRecord>, InputError> {
        let Some(image) = self.read_image(position, skipped)? else { return Ok(None) };
        let id = self.images[position].image;
        let mut record = ImageRecord::new(image);
        record.captions = self.read_captions(id, skipped)?;
        record.objects = self.read_instances(id, (1.0, 1.0), skipped)?;
        Ok(Some(record))
    }

    fn read_image(&self, position: usize, skipped: &mut Vec<InputError>) -> Result<Option<Image>, InputError> {
        let place = self.images[position];
        self.read(place, skipped, |raw: RawCocoImage, _| raw.image())
    }

    fn read_captions(&self, id: u64, skipped: &mut Vec<InputError>) -> Result<Vec<Caption>, InputError> {
        let mut captions = Vec::new();
        for place in of_image(&self.captions, id) {
            let caption = self.read(*place, skipped, |raw: RawCaption, _| {
                let mut caption = Caption::new(raw.caption);
                caption.id = raw.id;
                Ok(caption)
            });
            captions.extend(caption?);
        }
        Ok(captions)
    }

    fn read_instances(
        &self,
        id: u64,
        (x_scale, y_scale): (f64, f64),
        skipped: &mut Vec<InputError>,
    ) -> Result<Vec<Object>, InputError> {
        let mut objects = Vec::new();
        for place in of_image(&self.instances, id) {
            let object = self.read(*place, skipped, |raw: RawInstance, file| {
                let [x, y, w, h] = raw.bbox;
                let bbox = PixelBox::from_xywh(x * x_scale, y * y_scale, w * x_scale, h * y_scale)?;
                let category = file.categories.get(&raw.category_id);
                let category = category.ok_or(InputProblem::UnknownCategory(raw.category_id))?;
                let mut object = Object::new(category.clone(), bbox);
                object.id = raw.id.map(ObjectId::Coco);
                object.is_crowd = raw.iscrowd == 1;
                Ok(object)
            });
            objects.extend(object?);
        }
        Ok(objects)
    }

    /// Reads what stands at a place; `None` if it is bad and listed as such.
    fn read<R: DeserializeOwned, T>(
        &self,
        place: Place,
        skipped: &mut Vec<InputError>,
        make: impl FnOnce(R, &CocoFile) -> Result<T, InputProblem>,
    ) -> Result<Option<T>, InputError> {
        let file = &self.files[place.file as usize];
        let mut buffer = Vec::new();
        let read = file.input.read_part(place.offset, place.len as usize, &mut buffer);
        let raw = read.map_err(|error| Fault::new(place.offset, error));
        let raw = raw.and_then(|()| {
            serde_json::from_slice::<R>(&buffer).map_err(|error| Fault::json(place.offset, &buffer, error))
        });
        let made = raw.and_then(|raw| make(raw, file).map_err(|problem| Fault::new(place.offset, problem)));
        match (made, self.on_bad) {
            (Ok(made), _) => Ok(Some(made)),
            (Err(fault), OnBadInput::Stop) => Err(fault.in_file(file.input.name(), Some(ImageId::Number(place.image)))),
            (Err(fault), OnBadInput::Skip) => {
                skipped.push(fault.in_file(file.input.name(), Some(ImageId::Number(place.image))));
                Ok(None)
            }
        }
    }
}

/// The places that belong to an image, of places that are in order of their image.
fn of_image(places: &[Place], id: u64) -> &[Place] {
    let start = places.partition_point(|place| place.image < id);
    let len = places[start..].partition_point(|place| place.image == id);
    &places[start..start + len]
}

impl RecordSource for Coco {
    fn records(&self) -> Box<dyn Iterator<Item = Result<ImageRecord>> + Send + '_> {
        Box::new(until_error(0..self.images.len(), |position| self.record(position)))
    }

    fn inputs(&self) -> Vec<InputFile> {
        self.files.iter().map(|file| input_file(&file.input, file.digest)).collect()
    }

    fn report(&self) -> ReadReport {
        self.state().report.clone()
    }
}
