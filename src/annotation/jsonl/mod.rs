//! Plain JSONL, one record a line: the door for annotations of any other origin.

mod keys;
mod raw;

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Write};
use std::ops::Range;
use std::path::Path;

use crate::annotation::index::{file_name, input_file};
use crate::annotation::input::InputReader;
use crate::annotation::jsonl::raw::RawRecord;
use crate::annotation::problem::{Fault, InputProblem};
use crate::annotation::source::until_error;
use crate::annotation::{ImageId, ImageRecord, Input, InputError, InputFile, OnBadInput, ReadReport, RecordSource};
use crate::digest::{Digest, Digester};
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

#[derive(Debug)]
struct Place {
    id: ImageId,
    line: u64,
    offset: u64,
    len: usize,
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
        let mut jsonl = Self { digest: Digest::of(""), places: Vec::new(), report: ReadReport::default(), input };
        let mut lines = Lines::new(&jsonl.input);
        let mut places = Vec::new();
        let mut report = ReadReport::default();
        let mut ignored = BTreeMap::new();
        let file = file_name(&jsonl.input);
        while let Some(place) = lines.next()? {
            match place.parse(&lines.bytes, &jsonl.input) {
                Ok((record, ignored_keys)) => {
                    count(&mut report, &file, &record);
                    for key in ignored_keys {
                        *ignored.entry(key).or_insert(0) += 1;
                    }
                    places.push(Place { id: record.image.id, ..place });
                }
                Err(error) if on_bad == OnBadInput::Skip => report.skipped.push(error.into()),
                Err(error) => return Err(error.into()),
            }
        }
        jsonl.digest = lines.digester.finish();
        places.sort_by(|a, b| a.id.cmp(&b.id));
        let mut duplicates = Vec::new();
        let mut unique: Vec<Place> = Vec::with_capacity(places.len());
        for place in places {
            if unique.last().is_some_and(|last| last.id == place.id) {
                duplicates.push(place.error(&jsonl.input, InputProblem::DuplicateId));
            } else {
                unique.push(place);
            }
        }
        if on_bad == OnBadInput::Stop && !duplicates.is_empty() {
            return Err(duplicates.swap_remove(0).into());
        }
        report.skipped.extend(duplicates.into_iter().map(Into::into));
        for (key, n) in ignored {
            report.note(&format!("{file}: key `{key}` ignored"), n);
        }
        Ok(Self { places: unique, report, ..jsonl })
    }

    fn record(&self, place: &Place, buffer: &mut Vec<u8>) -> Result<ImageRecord> {
        let read = self.input.read_part(place.offset, place.len, buffer);
        read.map_err(|error| place.error(&self.input, error))?;
        self.input.check_unchanged().map_err(|problem| place.error(&self.input, problem))?;
        Ok(place.parse(buffer, &self.input)?.0)
    }
}

fn count(report: &mut ReadReport, file: &str, record: &ImageRecord) {
    report.add(file, "images", 1);
    report.add(file, "captions", record.captions.len());
    report.add(file, "objects", record.objects.len());
    report.add(file, "regions", record.regions.len());
    report.add(file, "attributes", record.attributes.len());
    report.add(file, "relationships", record.relationships.len());
}

impl Place {
    /// The record, and the keys that were ignored.
    fn parse(&self, line: &[u8], input: &Input) -> Result<(ImageRecord, Vec<String>), InputError> {
        let raw: RawRecord = serde_json::from_slice(line).map_err(|error| {
            let fault = Fault::json(self.offset, line, error);
            InputError { offset: Some(fault.offset), ..self.error(input, fault.problem) }
        })?;
        raw.record().map_err(|problem| self.error(input, problem))
    }

    fn error(&self, input: &Input, problem: impl Into<InputProblem>) -> InputError {
        InputError {
            file: input.name().to_owned(),
            image: None,
            line: Some(self.line),
            offset: Some(self.offset),
            problem: problem.into(),
        }
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
        let mut buffer = Vec::new();
        Box::new(until_error(positions, move |position| self.record(&self.places[position], &mut buffer).map(Some)))
    }

    fn inputs(&self) -> Vec<InputFile> {
        vec![input_file(&self.input, self.digest)]
    }

    fn report(&self) -> ReadReport {
        self.report.clone()
    }
}

/// The lines of an input that are not blank.
struct Lines<'a> {
    input: &'a Input,
    reader: BufReader<InputReader<'a>>,
    digester: Digester,
    bytes: Vec<u8>,
    line: u64,
    offset: u64,
}

impl<'a> Lines<'a> {
    fn new(input: &'a Input) -> Self {
        let reader = BufReader::with_capacity(1 << 16, InputReader::new(input));
        Self { input, reader, digester: Digester::default(), bytes: Vec::new(), line: 0, offset: 0 }
    }

    /// Where the next line stands, and its bytes in `bytes`.
    fn next(&mut self) -> Result<Option<Place>, InputError> {
        loop {
            self.bytes.clear();
            self.line += 1;
            let mut place = Place { id: ImageId::Number(0), line: self.line, offset: self.offset, len: 0 };
            let read = self.reader.read_until(b'\n', &mut self.bytes);
            let n_read = read.map_err(|error| place.error(self.input, error))?;
            if n_read == 0 {
                // An input without any byte is no list of records that happens to be empty.
                return if self.offset == 0 { Err(place.error(self.input, InputProblem::Empty)) } else { Ok(None) };
            }
            self.digester.update(&self.bytes);
            if self.line == 1 {
                self.check_start(&place)?;
                if self.bytes.starts_with(b"\xef\xbb\xbf") {
                    self.bytes.drain(..3);
                    place.offset = 3;
                }
            }
            self.offset += n_read as u64;
            place.len = self.bytes.len();
            if !self.bytes.iter().all(u8::is_ascii_whitespace) {
                return Ok(Some(place));
            }
        }
    }

    fn check_start(&self, place: &Place) -> Result<(), InputError> {
        let is_utf16 = self.bytes.starts_with(&[0xff, 0xfe]) || self.bytes.starts_with(&[0xfe, 0xff]);
        if is_utf16 { Err(place.error(self.input, InputProblem::Utf16)) } else { Ok(()) }
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
