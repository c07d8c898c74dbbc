//! Goes through COCO files once and finds where images, captions and instances stand.

use std::collections::HashMap;

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
    image_ids: IdSet,
    caption_ids: IdSet,
    instance_ids: IdSet,
}

#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) images: Vec<Place>,
    pub(super) captions: Vec<Place>,
    pub(super) instances: Vec<Place>,
    pub(super) report: ReadReport,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Caption,
    Instance,
}

/// A caption or an instance.
#[derive(Clone, Copy)]
struct Annotation {
    kind: Kind,
    id: u64,
    place: Place,
}

impl Scan {
    pub(super) fn new(on_bad: OnBadInput) -> Self {
        let (image_ids, caption_ids, instance_ids) = Default::default();
        Self { on_bad, found: Found::default(), n_files: 0, image_ids, caption_ids, instance_ids }
    }

    /// Goes through one file; returns its digest and its categories.
    pub(super) fn file(&mut self, input: &Input) -> Result<(Digest, HashMap<u64, String>), InputError> {
        let mut skipped = Vec::new();
        let judge = Judge { input, on_bad: self.on_bad, skipped: &mut skipped };
        let result = FileScan::new(self, judge).run();
        self.n_files += 1;
        self.found.report.skipped.extend(skipped.into_iter().map(Into::into));
        result.map_err(|fault| fault.in_file(input.name(), None))
    }

    pub(super) fn finish(mut self) -> Found {
        for places in [&mut self.found.images, &mut self.found.captions, &mut self.found.instances] {
            // Within an image the order of the files stays.
            places.sort_unstable_by_key(|place| (place.image, place.file, place.offset));
            places.shrink_to_fit();
        }
        self.found
    }
}

/// Goes through one file. What it finds is kept at once: lists of their own would take as much memory again.
struct FileScan<'s, 'i> {
    scan: &'s mut Scan,
    judge: Judge<'i>,
    images: Option<IdSet>,
    /// Whether there is a list of annotations.
    has_annotations: bool,
    annotation_ids: IdSet,
    /// Annotations that stand before the images, of which it is not known yet whether they belong to one.
    waiting: Vec<Annotation>,
    categories: HashMap<u64, String>,
    /// How many images, captions and instances are good, and how many were known from other files.
    n_images: usize,
    n_captions: usize,
    n_instances: usize,
    n_known: u64,
    n_elements: u64,
}

impl<'s, 'i> FileScan<'s, 'i> {
    fn new(scan: &'s mut Scan, judge: Judge<'i>) -> Self {
        Self {
            scan,
            judge,
            images: None,
            has_annotations: false,
            annotation_ids: IdSet::default(),
            waiting: Vec::new(),
            categories: HashMap::new(),
            n_images: 0,
            n_captions: 0,
            n_instances: 0,
            n_known: 0,
            n_elements: 0,
        }
    }

    fn run(mut self) -> Result<(Digest, HashMap<u64, String>), Fault> {
        let mut scanner = Scanner::new(self.judge.input)?;
        let result = scanner.object(|scanner, key| match key {
            "images" => {
                let mut ids = IdSet::default();
                let result = scanner.list(|scanner| self.image(scanner, &mut ids));
                self.images = Some(ids);
                result
            }
            "annotations" => {
                self.has_annotations = true;
                scanner.list(|scanner| self.annotation(scanner))
            }
            "categories" => scanner.list(|scanner| self.category(scanner)),
            _ => scanner.skip(),
        });
        if let Err(fault) = result.and_then(|()| scanner.end()) {
            if self.n_elements == 0 {
                return Err(fault);
            }
            self.judge.judge(fault, None)?;
        }
        let digest = scanner.digest()?;
        if self.images.is_none() {
            return Err(Fault::new(0, InputProblem::NoList("images")));
        }
        if !self.has_annotations {
            return Err(Fault::new(0, InputProblem::NoList("annotations")));
        }
        for annotation in std::mem::take(&mut self.waiting) {
            self.add(annotation)?;
        }
        self.report();
        let input = self.judge.input;
        input.check_unchanged().map_err(|problem| Fault::new(0, problem))?;
        Ok((digest, self.categories))
    }

    fn report(&mut self) {
        let file = file_name(self.judge.input);
        let report = &mut self.scan.found.report;
        report.add(&file, "images", self.n_images);
        for (kind, n) in [("captions", self.n_captions), ("instances", self.n_instances)] {
            if n > 0 {
                report.add(&file, kind, n);
            }
        }
        report.note("COCO annotations that several releases have, taken once", self.n_known);
    }

    fn image(&mut self, scanner: &mut Scanner<'_>, ids: &mut IdSet) -> Result<(), Fault> {
        let offset = scanner.offset();
        let mut id = None;
        scanner.object(|scanner, key| {
            if key == "id" {
                id = Some(id_at(scanner)?);
                return Ok(());
            }
            scanner.skip()
        })?;
        let id = match id {
            Some(Ok(id)) => id,
            Some(Err(fault)) => return self.judge.judge(fault, None),
            None => return self.judge.judge(Fault::new(offset, InputProblem::NoId), None),
        };
        self.n_elements += 1;
        if !ids.insert(id) {
            return self.judge.judge(Fault::new(offset, InputProblem::DuplicateId), Some(id));
        }
        self.n_images += 1;
        if self.scan.image_ids.insert(id) {
            let len = length(offset, scanner.offset());
            self.scan.found.images.push(Place { image: id, offset, len, file: self.scan.n_files });
        }
        Ok(())
    }

    fn annotation(&mut self, scanner: &mut Scanner<'_>) -> Result<(), Fault> {
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
        match (id, image, kind) {
            (Some(Ok(id)), Some(Ok(image)), Some(kind)) => {
                let len = length(offset, scanner.offset());
                let place = Place { image, offset, len, file: self.scan.n_files };
                self.n_elements += 1;
                self.add(Annotation { kind, id, place })
            }
            (Some(Err(fault)), _, _) | (_, Some(Err(fault)), _) => self.judge.judge(fault, None),
            (_, _, None) => {
                let found = "neither `caption` nor `bbox`".to_owned();
                let expected = "a caption or an instance";
                self.judge.judge(Fault::new(offset, InputProblem::Unexpected { expected, found }), None)
            }
            _ => self.judge.judge(Fault::new(offset, InputProblem::NoId), None),
        }
    }

    fn add(&mut self, annotation: Annotation) -> Result<(), Fault> {
        let Annotation { kind, id, place } = annotation;
        let Some(images) = &self.images else {
            self.waiting.push(annotation);
            return Ok(());
        };
        if !images.contains(place.image) {
            return self.judge.judge(Fault::new(place.offset, InputProblem::UnknownImage), Some(place.image));
        }
        if !self.annotation_ids.insert(id) {
            return self.judge.judge(Fault::new(place.offset, InputProblem::DuplicateId), Some(place.image));
        }
        let Scan { found, caption_ids, instance_ids, .. } = &mut *self.scan;
        let (n, ids, places) = match kind {
            Kind::Caption => (&mut self.n_captions, caption_ids, &mut found.captions),
            Kind::Instance => (&mut self.n_instances, instance_ids, &mut found.instances),
        };
        *n += 1;
        if ids.insert(id) {
            places.push(place);
        } else {
            self.n_known += 1;
        }
        Ok(())
    }

    fn category(&mut self, scanner: &mut Scanner<'_>) -> Result<(), Fault> {
        let offset = scanner.offset();
        scanner.skip()?;
        let mut json = Vec::new();
        let len = length(offset, scanner.offset()) as usize;
        self.judge.input.read_part(offset, len, &mut json).map_err(|error| Fault::new(offset, error))?;
        match serde_json::from_slice::<RawCategory>(&json) {
            Ok(category) => {
                self.categories.insert(category.id, category.name);
                Ok(())
            }
            Err(error) => self.judge.judge(Fault::json(offset, &json, error), None),
        }
    }
}

/// A set of ids, small where ids lie close together: a bit for each of 64 neighbours.
#[derive(Debug, Default)]
struct IdSet(HashMap<u64, u64>);

impl IdSet {
    /// Adds an id; false if it was there.
    fn insert(&mut self, id: u64) -> bool {
        let bits = self.0.entry(id / 64).or_default();
        let before = *bits;
        *bits |= 1 << (id % 64);
        *bits != before
    }

    fn contains(&self, id: u64) -> bool {
        self.0.get(&(id / 64)).is_some_and(|bits| bits & (1 << (id % 64)) != 0)
    }
}

fn length(start: u64, end: u64) -> u32 {
    // A part of 4 GB is no annotation; cut here, it is no JSON when it is read.
    u32::try_from(end - start).unwrap_or(u32::MAX)
}
