//! Where the record of each image stands in a file that is a list of records.

use std::ops::Range;
use std::path::Path;

use crate::annotation::problem::{Fault, InputProblem};
use crate::annotation::saved::Shelf;
use crate::annotation::scanner::Scanner;
use crate::annotation::{ImageId, Input, InputError, InputFile, OnBadInput};
use crate::digest::Digest;

/// Where a record stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) id: u64,
    pub(super) offset: u64,
    pub(super) len: usize,
}

impl Place {
    pub(super) fn span(self) -> Range<u64> {
        self.offset..self.offset + self.len as u64
    }
}

/// What became of the index that is kept in a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Saved {
    NotAsked,
    Used,
    Anew,
    Failed,
}

/// The records of one file, by the id of their image.
#[derive(Debug)]
pub(super) struct Index {
    pub(super) input: Input,
    digest: Digest,
    /// Ascending by id.
    pub(super) places: Vec<Place>,
}

/// Name of an input without its folder.
pub(super) fn file_name(input: &Input) -> String {
    input.name().file_name().unwrap_or(input.name().as_os_str()).to_string_lossy().into_owned()
}

pub(super) fn input_file(input: &Input, digest: Digest) -> InputFile {
    InputFile { name: file_name(input), bytes: input.n_bytes(), digest }
}

/// Stops at what is bad, or lists it.
#[derive(Debug)]
pub(super) struct Judge<'a> {
    pub(super) input: &'a Input,
    pub(super) on_bad: OnBadInput,
    pub(super) skipped: &'a mut Vec<InputError>,
}

impl Judge<'_> {
    pub(super) fn judge(&mut self, fault: Fault, image: Option<u64>) -> Result<(), Fault> {
        match self.on_bad {
            OnBadInput::Stop => Err(fault),
            OnBadInput::Skip => {
                let image = image.map(ImageId::Number);
                self.skipped.push(fault.in_file(self.input.name(), image));
                Ok(())
            }
        }
    }
}

impl Index {
    /// Takes the index of a file from `folder`, or makes it and saves it there.
    pub(super) fn open(
        input: Input,
        on_bad: OnBadInput,
        folder: Option<&Path>,
        skipped: &mut Vec<InputError>,
    ) -> Result<(Self, Saved), InputError> {
        let shelf = match folder {
            Some(folder) => {
                Shelf::new(folder, &input).map_err(|error| Fault::new(0, error).in_file(input.name(), None))?
            }
            None => None,
        };
        let Some(shelf) = shelf else { return Ok((Self::build(input, on_bad, skipped)?, Saved::NotAsked)) };
        if let Some((digest, places)) = shelf.load() {
            return Ok((Self { input, digest, places }, Saved::Used));
        }
        let n_skipped = skipped.len();
        let index = Self::build(input, on_bad, skipped)?;
        // What is bad has to be told each time.
        if skipped.len() > n_skipped {
            return Ok((index, Saved::NotAsked));
        }
        let saved = if shelf.save(index.digest, &index.places).is_ok() { Saved::Anew } else { Saved::Failed };
        Ok((index, saved))
    }

    /// Finds the records of a file; with [`OnBadInput::Skip`] as many as there are before the file can no longer be
    /// understood.
    pub(super) fn build(input: Input, on_bad: OnBadInput, skipped: &mut Vec<InputError>) -> Result<Self, InputError> {
        let mut places = Vec::new();
        let mut judge = Judge { input: &input, on_bad, skipped };
        let digest = scan(&mut judge, &mut places).map_err(|fault| fault.in_file(input.name(), None))?;
        input.check_unchanged().map_err(|problem| Fault::new(0, problem).in_file(input.name(), None))?;
        places.sort_by_key(|place| place.id);
        let mut last = None;
        let mut duplicate = None;
        places.retain(|place| {
            let is_new = last.replace(place.id) != Some(place.id);
            if !is_new && duplicate.is_none() {
                let fault = Fault::new(place.offset, InputProblem::DuplicateId);
                duplicate = judge.judge(fault, Some(place.id)).err().map(|fault| (fault, place.id));
            }
            is_new
        });
        match duplicate {
            Some((fault, id)) => Err(fault.in_file(input.name(), Some(ImageId::Number(id)))),
            None => Ok(Self { input, digest, places }),
        }
    }

    pub(super) fn file_name(&self) -> String {
        file_name(&self.input)
    }

    pub(super) fn input_file(&self) -> InputFile {
        input_file(&self.input, self.digest)
    }

    /// Ids that this file has and the other one has not.
    pub(super) fn missing_from(&self, other: &Self) -> Vec<ImageId> {
        let mut others = other.places.iter().map(|place| place.id).peekable();
        let mut has = |id| {
            while others.next_if(|other| *other < id).is_some() {}
            others.peek() == Some(&id)
        };
        self.places.iter().map(|place| place.id).filter(|id| !has(*id)).map(ImageId::Number).collect()
    }
}

fn scan(judge: &mut Judge<'_>, places: &mut Vec<Place>) -> Result<Digest, Fault> {
    let mut scanner = Scanner::new(judge.input)?;
    let mut n_elements = 0;
    let result = scanner.list(|scanner| {
        element(scanner, judge, places)?;
        n_elements += 1;
        Ok(())
    });
    if let Err(fault) = result.and_then(|()| scanner.end()) {
        // Of a file that holds no record nothing can be used.
        if n_elements == 0 {
            return Err(fault);
        }
        judge.judge(fault, None)?;
    }
    scanner.digest()
}

fn element(scanner: &mut Scanner<'_>, judge: &mut Judge<'_>, places: &mut Vec<Place>) -> Result<(), Fault> {
    let offset = scanner.offset();
    if scanner.peek()? != Some(b'{') {
        let fault = scanner.unexpected("a record");
        scanner.skip()?;
        return judge.judge(fault, None);
    }
    // `image_id` counts wherever it stands; region_descriptions.json and v1.0 have `id` instead.
    let (mut image_id, mut id) = (None, None);
    scanner.object(|scanner, key| {
        match key {
            "image_id" => image_id = Some(id_at(scanner)?),
            "id" => id = Some(id_at(scanner)?),
            _ => scanner.skip()?,
        }
        Ok(())
    })?;
    let len = (scanner.offset() - offset) as usize;
    match image_id.or(id) {
        Some(Ok(id)) => {
            places.push(Place { id, offset, len });
            Ok(())
        }
        Some(Err(fault)) => judge.judge(fault, None),
        None => judge.judge(Fault::new(offset, InputProblem::NoId), None),
    }
}

/// An id, or what is wrong with it; the outer error is that the file cannot be read on.
pub(super) fn id_at(scanner: &mut Scanner<'_>) -> Result<Result<u64, Fault>, Fault> {
    scanner.peek()?;
    let offset = scanner.offset();
    if let Some(id) = scanner.integer() {
        return Ok(Ok(id));
    }
    let text = scanner.scalar_or_kind()?;
    Ok(text.parse().map_err(|_| Fault::new(offset, InputProblem::BadId { found: text })))
}
