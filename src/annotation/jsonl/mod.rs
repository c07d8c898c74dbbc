//! Plain JSONL, one record a line: the door for annotations of any other origin.

mod checked;
mod keys;
mod lines;
mod plain;
mod raw;

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::ops::Range;
use std::path::Path;

use crate::annotation::index::{file_name, input_file};
use crate::annotation::jsonl::checked::{Checked, MIN_LINES, Place};
use crate::annotation::jsonl::lines::{LineReader, lines};
use crate::annotation::jsonl::raw::RawRecord;
use crate::annotation::ordered::map_all;
use crate::annotation::problem::InputProblem;
use crate::annotation::selection::normal;
use crate::annotation::source::until_error;
use crate::annotation::{ImageId, ImageRecord, Input, InputFile, OnBadInput, ReadReport, RecordSource};
use crate::digest::Digest;
use crate::error::Result;

/// Records from JSONL, ascending by id.
///
/// | key | value |
/// | --- | --- |
/// | `id` or `image_id` | integer or string; the only key that must be there |
/// | `image`, `url` | path of the image file; where it can be fetched |
/// | `width`, `height` | of the image in pixels; needed for boxes in pixels |
/// | `coco_id`, `flickr_id` | integers |
/// | `captions` | a list of texts, or one text |
/// | `objects` or `instances` | a list of `{"name" or "names" or "category", "bbox" or "bbox_xywh", "is_crowd"}` |
/// | `regions` or `phrases` | a list of texts, or of `{"phrase", "bbox" or "bbox_xywh"}` |
/// | `attributes` | a list of objects with `values` |
/// | `relationships` | a list of `{"subject": object, "predicate", "object": object}` |
///
/// `bbox` is `[x1, y1, x2, y2]` as fractions of the image, `bbox_xywh` is `[x, y, width, height]` in pixels. Other keys
/// are ignored, and the report names them. This is the form of LLaVA's captions and boxes; [`write_record`] writes it.
///
/// Opening reads every line once and finds what is wrong with any of them.
///
/// # Example
/// ```
/// use svitgen::annotation::{Input, Jsonl, OnBadInput, RecordSource};
/// let lines = r#"{"id": "a", "captions": ["A dog."], "objects": [{"name": "dog", "bbox": [0.1, 0.2, 0.5, 0.9]}]}"#;
/// let source = Jsonl::from_input(Input::bytes("mine.jsonl", lines.as_bytes()), OnBadInput::Stop)?;
/// let record = source.records().next().ok_or("no record")??;
/// assert_eq!(record.objects[0].names, ["dog"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Jsonl {
    input: Input,
    digest: Digest,
    /// Ascending by id.
    places: Vec<Place>,
    report: ReadReport,
}

impl Jsonl {
    /// Reads a file. Anything bad is an error.
    ///
    /// # Errors
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) if it cannot be opened, [`ErrorKind::Input`](crate::ErrorKind::Input),
    /// naming the line, if one is no record.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::from_input(Input::path(path)?, OnBadInput::Stop)
    }

    /// Reads an input, and stops at lines that are no record or skips them.
    ///
    /// # Errors
    /// As [`open`](Self::open); with [`OnBadInput::Skip`] only if the input is empty or cannot be read.
    pub fn from_input(input: Input, on_bad: OnBadInput) -> Result<Self> {
        Self::from_input_with_threads(input, on_bad, 1)
    }

    /// As [`from_input`](Self::from_input), with several threads for what has to be read; the result is the same.
    ///
    /// # Errors
    /// As [`from_input`](Self::from_input).
    pub fn from_input_with_threads(input: Input, on_bad: OnBadInput, n_threads: usize) -> Result<Self> {
        let (lines, digest) = lines(&input)?;
        let n_threads = n_threads.clamp(1, lines.len().div_ceil(MIN_LINES).max(1));
        let parts = lines.chunks(lines.len().div_ceil(n_threads).max(1));
        let mut whole = Checked::default();
        for part in map_all(parts, n_threads, |part| Checked::new(&input, on_bad, part)) {
            whole.merge(part?);
        }
        let (mut places, mut report) = whole.into_report(&file_name(&input));
        places.sort_by(|a, b| a.id.cmp(&b.id));
        let mut duplicates = Vec::new();
        let mut unique: Vec<Place> = Vec::with_capacity(places.len());
        for place in places {
            if unique.last().is_some_and(|last| last.id == place.id) {
                duplicates.push(place.line.error(&input, InputProblem::DuplicateId));
            } else {
                unique.push(place);
            }
        }
        if on_bad == OnBadInput::Stop && !duplicates.is_empty() {
            return Err(duplicates.swap_remove(0).into());
        }
        report.skipped.extend(duplicates.into_iter().map(Into::into));
        Ok(Self { input, digest, places: unique, report })
    }
}

impl RecordSource for Jsonl {
    fn records(&self) -> Box<dyn Iterator<Item = Result<ImageRecord>> + Send + '_> {
        self.records_at(0..self.places.len())
    }

    fn n_positions(&self) -> Option<usize> {
        Some(self.places.len())
    }

    fn records_at(&self, positions: Range<usize>) -> Box<dyn Iterator<Item = Result<ImageRecord>> + Send + '_> {
        let mut reader = LineReader::new(&self.input);
        Box::new(until_error(positions, move |position| {
            let (record, _) = reader.record(self.places[position].line)?;
            Ok(Some(record))
        }))
    }

    fn positions_of(&self, ids: &BTreeSet<ImageId>) -> Option<Vec<usize>> {
        let places = self.places.iter().enumerate();
        Some(
            places.filter(|(_, place)| ids.contains(&normal(place.id.clone()))).map(|(position, _)| position).collect(),
        )
    }

    fn inputs(&self) -> Vec<InputFile> {
        vec![input_file(&self.input, self.digest)]
    }

    fn report(&self) -> ReadReport {
        self.report.clone()
    }
}

/// Writes a record as a line that [`Jsonl`] reads back equal, but for what the form does not hold: ids of annotations,
/// merged ids and synsets.
///
/// # Errors
/// Those of the writer.
pub fn write_record(record: &ImageRecord, mut writer: impl Write) -> io::Result<()> {
    serde_json::to_writer(&mut writer, &RawRecord::from(record))?;
    writer.write_all(b"\n")
}
