//! What is on the lines of an input, found out when it is opened.

use std::collections::BTreeMap;

use crate::annotation::jsonl::lines::{Line, LineReader};
use crate::annotation::{ImageId, ImageRecord, Input, InputError, OnBadInput, ReadReport};

/// How many lines are worth a thread of their own.
pub(super) const MIN_LINES: usize = 256;

/// Where the record of an image stands.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) id: ImageId,
    pub(super) line: Line,
}

/// What some of the lines hold.
#[derive(Debug, Default)]
pub(super) struct Checked {
    /// In the order of the lines.
    places: Vec<Place>,
    skipped: Vec<InputError>,
    counts: Counts,
    /// Keys that were ignored, and on how many lines.
    ignored: BTreeMap<String, u64>,
}

#[derive(Debug, Default)]
struct Counts {
    captions: usize,
    objects: usize,
    regions: usize,
    attributes: usize,
    relationships: usize,
}

impl Checked {
    pub(super) fn new(input: &Input, on_bad: OnBadInput, lines: &[Line]) -> Result<Self, InputError> {
        let mut checked = Self::default();
        let mut reader = LineReader::new(input);
        for line in lines {
            match reader.record(*line) {
                Ok((record, ignored)) => checked.add(*line, record, ignored),
                Err(error) if on_bad == OnBadInput::Skip => checked.skipped.push(error),
                Err(error) => return Err(error),
            }
        }
        Ok(checked)
    }

    fn add(&mut self, line: Line, record: ImageRecord, ignored: Vec<String>) {
        self.counts.captions += record.captions.len();
        self.counts.objects += record.objects.len();
        self.counts.regions += record.regions.len();
        self.counts.attributes += record.attributes.len();
        self.counts.relationships += record.relationships.len();
        for key in ignored {
            *self.ignored.entry(key).or_default() += 1;
        }
        self.places.push(Place { id: record.image.id, line });
    }

    /// Adds what the lines after these hold.
    pub(super) fn merge(&mut self, later: Self) {
        self.places.extend(later.places);
        self.skipped.extend(later.skipped);
        self.counts.captions += later.counts.captions;
        self.counts.objects += later.counts.objects;
        self.counts.regions += later.counts.regions;
        self.counts.attributes += later.counts.attributes;
        self.counts.relationships += later.counts.relationships;
        for (key, n) in later.ignored {
            *self.ignored.entry(key).or_default() += n;
        }
    }

    /// The places, and what is to be told of the file.
    pub(super) fn into_report(self, file: &str) -> (Vec<Place>, ReadReport) {
        let mut report = ReadReport::default();
        let Counts { captions, objects, regions, attributes, relationships } = self.counts;
        report.add(file, "images", self.places.len());
        report.add(file, "captions", captions);
        report.add(file, "objects", objects);
        report.add(file, "regions", regions);
        report.add(file, "attributes", attributes);
        report.add(file, "relationships", relationships);
        report.skipped = self.skipped.into_iter().map(Into::into).collect();
        for (key, n) in self.ignored {
            report.note(&format!("{file}: key `{key}` ignored"), n);
        }
        (self.places, report)
    }
}
