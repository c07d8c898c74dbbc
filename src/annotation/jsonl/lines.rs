//! The lines of an input, and the record on each.

use memchr::memchr;

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
    let mut digester = Digester::default();
    let mut scan = Scan { lines: Vec::new(), current: Line { number: 1, offset: 0, len: 0 }, is_blank: true };
    let mut block = vec![0; WINDOW];
    let mut n_before = 0;
    loop {
        let n_read = input.read_at(n_before, &mut block).map_err(|error| scan.current.error(input, error))?;
        let mut bytes = &block[..n_read];
        digester.update(bytes);
        if n_before == 0 {
            let n_mark = byte_order_mark(bytes).map_err(|problem| scan.current.error(input, problem))?;
            scan.current.offset = n_mark as u64;
            bytes = &bytes[n_mark..];
        }
        scan.take(bytes);
        n_before += n_read as u64;
        if n_read < block.len() {
            break;
        }
    }
    // An input without any byte is no list of records that happens to be empty.
    if n_before == 0 {
        return Err(scan.current.error(input, InputProblem::Empty));
    }
    scan.end_line();
    Ok((scan.lines, digester.finish()))
}

/// How many bytes the mark at the start has.
fn byte_order_mark(bytes: &[u8]) -> Result<usize, InputProblem> {
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(InputProblem::Utf16);
    }
    Ok(if bytes.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 })
}

struct Scan {
    lines: Vec<Line>,
    /// The line that has not ended yet, and whether it is blank so far.
    current: Line,
    is_blank: bool,
}

impl Scan {
    fn take(&mut self, mut bytes: &[u8]) {
        while let Some(end) = memchr(b'\n', bytes) {
            self.go_on(&bytes[..=end]);
            self.end_line();
            bytes = &bytes[end + 1..];
        }
        self.go_on(bytes);
    }

    fn go_on(&mut self, bytes: &[u8]) {
        self.current.len += bytes.len();
        self.is_blank &= bytes.iter().all(u8::is_ascii_whitespace);
    }

    fn end_line(&mut self) {
        if !self.is_blank {
            self.lines.push(self.current);
        }
        let Line { number, offset, len } = self.current;
        self.current = Line { number: number + 1, offset: offset + len as u64, len: 0 };
        self.is_blank = true;
    }
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
