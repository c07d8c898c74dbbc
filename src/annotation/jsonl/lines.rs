//! The lines of an input, and the record on each.

use std::io::{BufRead, BufReader};

use crate::annotation::input::InputReader;
use crate::annotation::jsonl::plain;
use crate::annotation::jsonl::raw::RawRecord;
use crate::annotation::problem::{Fault, InputProblem};
use crate::annotation::{ImageRecord, Input, InputError};
use crate::digest::{Digest, Digester};

/// How much is read at once, unless a single line is longer.
const WINDOW: usize = 1 << 18;

/// What may lie between two lines that are read at once: blank ones.
const MAX_GAP: u64 = 1 << 12;

/// Where a line stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line {
    /// From 1.
    number: u64,
    offset: u64,
    len: usize,
}

/// The lines that are not blank, and the digest of the input.
pub(super) fn lines(input: &Input) -> Result<(Vec<Line>, Digest), InputError> {
    let mut reader = BufReader::with_capacity(1 << 16, InputReader::new(input));
    let mut digester = Digester::default();
    let mut lines = Vec::new();
    let mut bytes = Vec::new();
    let mut next = Line { number: 1, offset: 0, len: 0 };
    loop {
        bytes.clear();
        let n_read = reader.read_until(b'\n', &mut bytes).map_err(|error| next.error(input, error))?;
        if n_read == 0 {
            // An input without any byte is no list of records that happens to be empty.
            return if next.offset == 0 {
                Err(next.error(input, InputProblem::Empty))
            } else {
                Ok((lines, digester.finish()))
            };
        }
        digester.update(&bytes);
        let n_mark = if next.number == 1 { byte_order_mark(&bytes, input)? } else { 0 };
        if !bytes[n_mark..].iter().all(u8::is_ascii_whitespace) {
            lines.push(Line { offset: next.offset + n_mark as u64, len: n_read - n_mark, ..next });
        }
        next = Line { number: next.number + 1, offset: next.offset + n_read as u64, len: 0 };
    }
}

/// How many bytes the mark at the start has.
fn byte_order_mark(bytes: &[u8], input: &Input) -> Result<usize, InputError> {
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(Line { number: 1, offset: 0, len: 0 }.error(input, InputProblem::Utf16));
    }
    Ok(if bytes.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 })
}

/// Reads lines by their places; those that follow one another in the input, at once.
#[derive(Debug)]
pub(super) struct LineReader<'a> {
    input: &'a Input,
    start: u64,
    bytes: Vec<u8>,
    /// Where the line asked for last ended.
    last_end: u64,
}

impl<'a> LineReader<'a> {
    pub(super) fn new(input: &'a Input) -> Self {
        Self { input, start: 0, bytes: Vec::new(), last_end: 0 }
    }

    /// The record on a line, and the keys that were ignored.
    pub(super) fn record(&mut self, line: Line) -> Result<(ImageRecord, Vec<String>), InputError> {
        let input = self.input;
        let bytes = self.bytes(line)?;
        let raw = plain::record(bytes).map_or_else(|| serde_json::from_slice::<RawRecord>(bytes), Ok);
        let raw = raw.map_err(|error| {
            let fault = Fault::json(line.offset, bytes, error);
            InputError { offset: Some(fault.offset), ..line.error(input, fault.problem) }
        })?;
        raw.record().map_err(|problem| line.error(input, problem))
    }

    fn bytes(&mut self, line: Line) -> Result<&[u8], InputError> {
        if self.within(line).is_none() {
            self.fill(line)?;
        }
        self.last_end = line.offset + line.len as u64;
        // It has just been read, so it is there.
        Ok(self.within(line).unwrap_or_default())
    }

    fn within(&self, line: Line) -> Option<&[u8]> {
        let start = usize::try_from(line.offset.checked_sub(self.start)?).ok()?;
        self.bytes.get(start..start.checked_add(line.len)?)
    }

    fn fill(&mut self, line: Line) -> Result<(), InputError> {
        let is_next = line.offset >= self.last_end && line.offset - self.last_end <= MAX_GAP;
        let left = usize::try_from(self.input.n_bytes() - line.offset).unwrap_or(usize::MAX);
        let len = if is_next { line.len.max(WINDOW.min(left)) } else { line.len };
        self.start = line.offset;
        let read =
            self.input.read_part(line.offset, len, &mut self.bytes).map_err(|error| line.error(self.input, error));
        let read = read.and_then(|()| self.input.check_unchanged().map_err(|problem| line.error(self.input, problem)));
        if read.is_err() {
            self.bytes.clear();
        }
        read
    }
}

impl Line {
    pub(super) fn error(self, input: &Input, problem: impl Into<InputProblem>) -> InputError {
        InputError {
            file: input.name().to_owned(),
            image: None,
            line: Some(self.number),
            offset: Some(self.offset),
            problem: problem.into(),
        }
    }
}
