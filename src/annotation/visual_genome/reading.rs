//! Reads what the files say about one image, and counts it.

use std::mem;
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Mutex};

use serde::de::DeserializeOwned;

use crate::annotation::index::{Index, Place, Saved};
use crate::annotation::ordered::map_all;
use crate::annotation::problem::{Fault, InputProblem};
use crate::annotation::visual_genome::plain::{self, Plain};
use crate::annotation::visual_genome::raw::{RawImage, RawList, RawObject, RawRegion, RawRelationship};
use crate::annotation::visual_genome::salvage;
use crate::annotation::window::Window;
use crate::annotation::{
    Coco, Image, ImageId, ImageRecord, Input, InputError, OnBadInput, ReadReport, VisualGenomeFiles,
};
use crate::error::Result;
use crate::lock::lock;

/// What the files beside `image_data.json` hold, in the order of [`Joined::lists`].
const KINDS: [&str; 4] = ["objects", "regions", "attributes", "relationships"];

/// The files of Visual Genome, joined by the id of their images.
#[derive(Debug)]
pub(super) struct Joined {
    images: Index,
    /// `None` for a file that is not read.
    lists: [Option<Index>; KINDS.len()],
    pub(super) coco: Option<Coco>,
    on_bad: OnBadInput,
    state: Mutex<State>,
    /// Windows that nobody uses at the moment.
    spare: Mutex<Vec<Windows>>,
}

#[derive(Debug, Default)]
struct State {
    /// What the files told when they were opened.
    opened: ReadReport,
    counts: Counts,
    /// What was skipped since, with the position of its image.
    skipped: Vec<(usize, Arc<InputError>)>,
    /// A bit for each image that is counted, so that a second reading does not count again.
    is_counted: Vec<u64>,
}

#[derive(Debug, Default)]
struct Counts {
    images: usize,
    lists: [usize; KINDS.len()],
    captions: usize,
}

#[derive(Debug, Default)]
struct Windows {
    images: Window,
    lists: [Window; KINDS.len()],
}

impl Joined {
    pub(super) fn open(files: VisualGenomeFiles) -> Result<Self> {
        let inputs = [Some(files.objects), Some(files.region_descriptions), files.attributes, files.relationships];
        let open = |input: Input| open(input, files.on_bad, files.index_folder.as_deref());
        let mut opened = ReadReport::default();
        let images = add_to(&mut opened, open(files.image_data)?);
        let mut lists = [const { None }; KINDS.len()];
        for (list, index) in
            lists.iter_mut().zip(map_all(inputs, files.n_threads, |input| input.map(&open).transpose()))
        {
            *list = index?.map(|index| add_to(&mut opened, index));
        }
        for index in lists.iter().flatten() {
            opened.one_sided(&index.file_name(), &images.file_name(), index.missing_from(&images));
            opened.one_sided(&images.file_name(), &index.file_name(), images.missing_from(index));
        }
        let is_counted = vec![0; images.places.len().div_ceil(64)];
        let state = Mutex::new(State { opened, is_counted, ..Default::default() });
        Ok(Self { images, lists, coco: files.coco, on_bad: files.on_bad, state, spare: Mutex::default() })
    }

    pub(super) fn n_images(&self) -> usize {
        self.images.places.len()
    }

    /// Where an image stands among all, by id.
    pub(super) fn position(&self, id: &ImageId) -> Option<usize> {
        let ImageId::Number(id) = id else { return None };
        self.images.places.binary_search_by_key(id, |place| place.id).ok()
    }

    pub(super) fn indexes(&self) -> impl Iterator<Item = &Index> {
        [&self.images].into_iter().chain(self.lists.iter().flatten())
    }

    pub(super) fn report(&self) -> ReadReport {
        let state = lock(&self.state);
        let mut report = state.opened.clone();
        let Counts { images, lists, captions } = state.counts;
        if images > 0 {
            report.add(&self.images.file_name(), "images", images);
            for ((index, kind), n) in self.lists.iter().zip(KINDS).zip(lists) {
                if let Some(index) = index {
                    report.add(&index.file_name(), kind, n);
                }
            }
        }
        let mut skipped = state.skipped.clone();
        drop(state);
        skipped.sort_by_key(|(position, _)| *position);
        report.skipped.extend(skipped.into_iter().map(|(_, error)| error));
        if let Some(coco) = &self.coco {
            report.add(&self.images.file_name(), "captions joined", captions);
            coco.add_joined(&mut report);
        }
        report
    }

    fn count(&self, position: usize, found: Found) {
        let mut state = lock(&self.state);
        let Some(bits) = state.is_counted.get_mut(position / 64) else { return };
        let bit = 1 << (position % 64);
        if mem::replace(bits, *bits | bit) & bit != 0 {
            return;
        }
        state.counts.images += found.counts.images;
        state.counts.captions += found.counts.captions;
        for (sum, n) in state.counts.lists.iter_mut().zip(found.counts.lists) {
            *sum += n;
        }
        state.skipped.extend(found.skipped.into_iter().map(|error| (position, error.into())));
    }
}

fn open(input: Input, on_bad: OnBadInput, folder: Option<&Path>) -> Result<(Index, ReadReport), InputError> {
    let mut report = ReadReport::default();
    let mut skipped = Vec::new();
    let (index, saved) = Index::open(input, on_bad, folder, &mut skipped)?;
    report.skipped = skipped.into_iter().map(Into::into).collect();
    if saved == Saved::Failed {
        report.note(&format!("{}: its index cannot be saved", index.file_name()), 1);
    }
    Ok((index, report))
}

fn add_to(sum: &mut ReadReport, (index, report): (Index, ReadReport)) -> Index {
    sum.skipped.extend(report.skipped);
    for (what, n) in report.notes {
        sum.note(&what, n);
    }
    index
}

/// Reads records, best as their ids ascend.
#[derive(Debug)]
pub(super) struct Records<'a> {
    joined: &'a Joined,
    windows: Windows,
}

impl<'a> Records<'a> {
    /// For the images at these positions.
    pub(super) fn new(joined: &'a Joined, positions: &Range<usize>) -> Self {
        let mut windows = lock(&joined.spare).pop().unwrap_or_default();
        let last = joined.images.places[..positions.end.min(joined.n_images())].last();
        for window in [&mut windows.images].into_iter().chain(&mut windows.lists) {
            window.expect_until(last.map_or(0, |place| place.id));
        }
        Self { joined, windows }
    }

    /// The record of the image at `position`; `None` if it is left out as bad.
    pub(super) fn record(&mut self, position: usize) -> Result<Option<ImageRecord>> {
        let mut found = Found { on_bad: self.joined.on_bad, counts: Counts::default(), skipped: Vec::new() };
        let record = self.read(position, &mut found)?;
        self.joined.count(position, found);
        Ok(record)
    }

    fn read(&mut self, position: usize, found: &mut Found) -> Result<Option<ImageRecord>, InputError> {
        let images = &self.joined.images;
        let id = images.places[position].id;
        let image = match read_image(images, position, &mut self.windows.images) {
            Ok(image) => image,
            Err(fault) if fault.is_of_file() => return Err(fault.in_file(images.input.name(), Some(id.into()))),
            Err(fault) => {
                found.judge(images, fault, id)?;
                return Ok(None);
            }
        };
        found.counts.images = 1;
        let (coco_id, size) = (image.coco_id, image.size);
        let mut record = ImageRecord::new(image);
        let mut read = ListReader { id, lists: &self.joined.lists, windows: &mut self.windows.lists, found };
        record.objects = read.list(0, RawObject::object)?;
        record.regions = read.list(1, |raw: RawRegion| raw.region(id))?;
        record.attributes = read.list(2, RawObject::attribute)?;
        record.relationships = read.list(3, RawRelationship::relationship)?;
        if let (Some(coco), Some(coco_id)) = (&self.joined.coco, coco_id) {
            coco.join(coco_id, size, &mut record, &mut found.skipped)?;
            found.counts.captions = record.captions.len();
        }
        Ok(Some(record))
    }
}

impl Drop for Records<'_> {
    fn drop(&mut self) {
        lock(&self.joined.spare).push(mem::take(&mut self.windows));
    }
}

fn read_image(images: &Index, position: usize, window: &mut Window) -> Result<Image, Fault> {
    let offset = images.places[position].offset;
    let json = window.record(images, position)?;
    let raw: RawImage = serde_json::from_slice(json).map_err(|error| Fault::json(offset, json, error))?;
    raw.image().map_err(|problem| Fault::new(offset, problem))
}

/// What was found while one record was read.
#[derive(Debug)]
struct Found {
    on_bad: OnBadInput,
    counts: Counts,
    skipped: Vec<InputError>,
}

impl Found {
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
}

/// Reads the lists of one image.
struct ListReader<'a> {
    id: u64,
    lists: &'a [Option<Index>; KINDS.len()],
    windows: &'a mut [Window; KINDS.len()],
    found: &'a mut Found,
}

impl ListReader<'_> {
    /// The annotations of the image in one file.
    fn list<R: DeserializeOwned, T: Plain>(
        &mut self,
        file: usize,
        make: impl Fn(R) -> Result<T, InputProblem>,
    ) -> Result<Vec<T>, InputError> {
        let Some(index) = &self.lists[file] else { return Ok(Vec::new()) };
        let Some(position) = self.windows[file].find(index, self.id) else { return Ok(Vec::new()) };
        let json = self.windows[file].record(index, position);
        let json = json.map_err(|fault| fault.in_file(index.input.name(), Some(self.id.into())))?;
        let made = match plain::annotations(json, KINDS[file], self.id) {
            Some(made) => made,
            None => other_form(json, index, index.places[position], KINDS[file], make, self.found)?,
        };
        self.found.counts.lists[file] = made.len();
        Ok(made)
    }
}

/// The annotations of a record that is not in the usual form, each made of its raw form.
fn other_form<R: DeserializeOwned, T>(
    json: &[u8],
    index: &Index,
    place: Place,
    kind: &'static str,
    make: impl Fn(R) -> Result<T, InputProblem>,
    found: &mut Found,
) -> Result<Vec<T>, InputError> {
    match serde_json::from_slice::<RawList<R>>(json) {
        Ok(RawList { list: Some(raw), .. }) => {
            let mut made = Vec::with_capacity(raw.len());
            for raw in raw {
                match make(raw) {
                    Ok(annotation) => made.push(annotation),
                    Err(problem) => found.judge(index, Fault::new(place.offset, problem), place.id)?,
                }
            }
            Ok(made)
        }
        Ok(RawList { list: None, .. }) => {
            found.judge(index, Fault::new(place.offset, InputProblem::NoList(kind)), place.id)?;
            Ok(Vec::new())
        }
        Err(error) => {
            let fault = Fault::json(place.offset, json, error);
            if found.on_bad == OnBadInput::Stop {
                return Err(fault.in_file(index.input.name(), Some(place.id.into())));
            }
            salvaged(json, index, place, kind, make, fault, found)
        }
    }
}

/// What is good of a record that is bad somewhere.
fn salvaged<R: DeserializeOwned, T>(
    json: &[u8],
    index: &Index,
    place: Place,
    kind: &'static str,
    make: impl Fn(R) -> Result<T, InputProblem>,
    fault: Fault,
    found: &mut Found,
) -> Result<Vec<T>, InputError> {
    let n_skipped = found.skipped.len();
    let mut made = Vec::new();
    for annotation in salvage::annotations(json, place.offset, kind, make) {
        match annotation {
            Ok(annotation) => made.push(annotation),
            Err(fault) => found.judge(index, fault, place.id)?,
        }
    }
    // The fault may lie outside of every annotation, as in a number such as 01.
    if found.skipped.len() == n_skipped {
        found.judge(index, fault, place.id)?;
    }
    Ok(made)
}
