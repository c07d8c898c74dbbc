//! Goes through COCO files once and finds where images, captions and instances stand.

use std::collections::{HashMap, HashSet};

use crate::annotation::coco::raw::RawCategory;
use crate::annotation::coco::{Place, file_name};
use crate::annotation::index::{Judge, id_at};
use crate::annotation::problem::{Fault, InputProblem};
use crate::annotation::scanner::Scanner;
use crate::annotation::{Input, InputError, OnBadInput, ReadReport};
use crate::digest::Digest;

/// What several files hold together.
#[derive(Debug)]
pub(super) struct Scan {
    on_bad: OnBadInput,
    found: Found,
    n_files: u32,
    image_ids: HashSet<u64>,
    /// Ids of the captions and instances found so far, by kind.
    annotation_ids: HashSet<(Kind, u64)>,
}

#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) images: Vec<Place>,
    pub(super) captions: Vec<Place>,
    pub(super) instances: Vec<Place>,
    pub(super) report: ReadReport,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Caption,
    Instance,
}

/// What one file holds.
#[derive(Default)]
struct FileParts {
    images: Option<Vec<Entry>>,
    annotations: Option<Vec<(Kind, Entry)>>,
    categories: HashMap<u64, String>,
    n_elements: u64,
}

struct Entry {
    id: u64,
    /// The image it belongs to; its own id for an image.
    image: u64,
    offset: u64,
    len: u32,
}

impl Scan {
    pub(super) fn new(on_bad: OnBadInput) -> Self {
        Self { on_bad, found: Found::default(), n_files: 0, image_ids: HashSet::new(), annotation_ids: HashSet::new() }
    }

    /// Goes through one file; returns its digest and its categories.
    pub(super) fn file(&mut self, input: &Input) -> Result<(Digest, HashMap<u64, String>), InputError> {
        let mut skipped = Vec::new();
        let mut judge = Judge { input, on_bad: self.on_bad, skipped: &mut skipped };
        let result = scan(input, &mut judge).and_then(|(digest, parts)| {
            let categories = self.add(parts, &file_name(input), &mut judge)?;
            Ok((digest, categories))
        });
        self.n_files += 1;
        self.found.report.skipped.extend(skipped.into_iter().map(Into::into));
        result.map_err(|fault| fault.in_file(input.name(), None))
    }

    fn add(&mut self, parts: FileParts, file: &str, judge: &mut Judge<'_>) -> Result<HashMap<u64, String>, Fault> {
        let images = parts.images.ok_or(Fault::new(0, InputProblem::NoList("images")))?;
        let annotations = parts.annotations.ok_or(Fault::new(0, InputProblem::NoList("annotations")))?;
        let mut ids = HashSet::new();
        for entry in images {
            if !ids.insert(entry.id) {
                judge.judge(Fault::new(entry.offset, InputProblem::DuplicateId), Some(entry.id))?;
            } else if self.image_ids.insert(entry.id) {
                self.found.images.push(entry.place(self.n_files));
            }
        }
        self.found.report.add(file, "images", ids.len());
        let mut own_ids = HashSet::new();
        let mut n_known = 0;
        for (kind, entry) in annotations {
            if !ids.contains(&entry.image) {
                judge.judge(Fault::new(entry.offset, InputProblem::UnknownImage), Some(entry.image))?;
            } else if !own_ids.insert(entry.id) {
                judge.judge(Fault::new(entry.offset, InputProblem::DuplicateId), Some(entry.image))?;
            } else {
                let (places, name) = match kind {
                    Kind::Caption => (&mut self.found.captions, "captions"),
                    Kind::Instance => (&mut self.found.instances, "instances"),
                };
                self.found.report.add(file, name, 1);
                if self.annotation_ids.insert((kind, entry.id)) {
                    places.push(entry.place(self.n_files));
                } else {
                    n_known += 1;
                }
            }
        }
        self.found.report.note("COCO annotations that several releases have, taken once", n_known);
        Ok(parts.categories)
    }

    pub(super) fn finish(mut self) -> Found {
        self.found.images.sort_by_key(|place| place.image);
        // Stable: within an image the order of the files stays.
        self.found.captions.sort_by_key(|place| place.image);
        self.found.instances.sort_by_key(|place| place.image);
        self.found
    }
}

impl Entry {
    fn place(&self, file: u32) -> Place {
        Place { image: self.image, offset: self.offset, len: self.len, file }
    }
}

fn scan(input: &Input, judge: &mut Judge<'_>) -> Result<(Digest, FileParts), Fault> {
    let mut scanner = Scanner::new(input)?;
    let mut parts = FileParts::default();
    let result = scanner.object(|scanner, key| match key {
        "images" => {
            let mut images = Vec::new();
            let result = scanner.list(|scanner| image(scanner, judge, &mut images));
            parts.n_elements += images.len() as u64;
            parts.images = Some(images);
            result
        }
        "annotations" => {
            let mut annotations = Vec::new();
            let result = scanner.list(|scanner| annotation(scanner, judge, &mut annotations));
            parts.n_elements += annotations.len() as u64;
            parts.annotations = Some(annotations);
            result
        }
        "categories" => scanner.list(|scanner| category(scanner, input, judge, &mut parts.categories)),
        _ => scanner.skip(),
    });
    if let Err(fault) = result.and_then(|()| scanner.end()) {
        if parts.n_elements == 0 {
            return Err(fault);
        }
        judge.judge(fault, None)?;
    }
    Ok((scanner.digest()?, parts))
}

fn image(scanner: &mut Scanner<'_>, judge: &mut Judge<'_>, images: &mut Vec<Entry>) -> Result<(), Fault> {
    let offset = scanner.offset();
    let mut id = None;
    scanner.object(|scanner, key| {
        if key == "id" {
            id = Some(id_at(scanner)?);
            return Ok(());
        }
        scanner.skip()
    })?;
    let len = length(offset, scanner.offset());
    match id {
        Some(Ok(id)) => {
            images.push(Entry { id, image: id, offset, len });
            Ok(())
        }
        Some(Err(fault)) => judge.judge(fault, None),
        None => judge.judge(Fault::new(offset, InputProblem::NoId), None),
    }
}

fn annotation(
    scanner: &mut Scanner<'_>,
    judge: &mut Judge<'_>,
    annotations: &mut Vec<(Kind, Entry)>,
) -> Result<(), Fault> {
    let offset = scanner.offset();
    let (mut id, mut image, mut kind) = (None, None, None);
    scanner.object(|scanner, key| {
        match key {
            "id" => id = Some(id_at(scanner)?),
            "image_id" => image = Some(id_at(scanner)?),
            "caption" => kind = Some(Kind::Caption),
            "bbox" => kind = Some(Kind::Instance),
            _ => {}
        }
        if matches!(key, "id" | "image_id") { Ok(()) } else { scanner.skip() }
    })?;
    let len = length(offset, scanner.offset());
    let expected = "a caption or an instance";
    match (id, image, kind) {
        (Some(Ok(id)), Some(Ok(image)), Some(kind)) => {
            annotations.push((kind, Entry { id, image, offset, len }));
            Ok(())
        }
        (Some(Err(fault)), _, _) | (_, Some(Err(fault)), _) => judge.judge(fault, None),
        (_, _, None) => {
            let found = "neither `caption` nor `bbox`".to_owned();
            judge.judge(Fault::new(offset, InputProblem::Unexpected { expected, found }), None)
        }
        _ => judge.judge(Fault::new(offset, InputProblem::NoId), None),
    }
}

fn category(
    scanner: &mut Scanner<'_>,
    input: &Input,
    judge: &mut Judge<'_>,
    categories: &mut HashMap<u64, String>,
) -> Result<(), Fault> {
    let offset = scanner.offset();
    scanner.skip()?;
    let mut json = Vec::new();
    let len = length(offset, scanner.offset()) as usize;
    input.read_part(offset, len, &mut json).map_err(|error| Fault::new(offset, error))?;
    match serde_json::from_slice::<RawCategory>(&json) {
        Ok(category) => {
            categories.insert(category.id, category.name);
            Ok(())
        }
        Err(error) => judge.judge(Fault::json(offset, &json, error), None),
    }
}

fn length(start: u64, end: u64) -> u32 {
    // A part of 4 GB is no annotation; cut here, it is no JSON when it is read.
    u32::try_from(end - start).unwrap_or(u32::MAX)
}
