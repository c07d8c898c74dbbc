//! The lines of an input, and the record on each.

use std::io::{BufRead, BufReader};

use crate::annotation::input::InputReader;
use crate::annotation::jsonl::plain;
use crate::annotation::jsonl::raw::RawRecord;
use crate::annotation::problem::{Fault, InputProblem};
use crate::annotation::{ImageRecord, Input, InputError};
use crate::digest::{Digest, Digester};

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

impl Line {
    /// The record on the line, and the keys that were ignored.
    pub(super) fn record(self, input: &Input, buffer: &mut Vec<u8>) -> Result<(ImageRecord, Vec<String>), InputError> {
        input.read_part(self.offset, self.len, buffer).map_err(|error| self.error(input, error))?;
        let raw = plain::record(buffer).map_or_else(|| serde_json::from_slice::<RawRecord>(buffer), Ok);
        let raw = raw.map_err(|error| {
            let fault = Fault::json(self.offset, buffer, error);
            InputError { offset: Some(fault.offset), ..self.error(input, fault.problem) }
        })?;
        raw.record().map_err(|problem| self.error(input, problem))
    }

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
