//! Lists of ids in files.

use std::fs;
use std::path::Path;

use crate::annotation::{CocoId, ImageId, InputError, InputProblem};
use crate::error::{Error, Result};

/// Image ids from a file: one a line, or a JSON array of numbers and texts. Blank lines and lines that start with `#` do
/// not count.
///
/// # Errors
/// [`ErrorKind::Io`](crate::ErrorKind::Io) if the file cannot be read, [`ErrorKind::Input`](crate::ErrorKind::Input) if
/// it holds no id or something else.
pub fn read_image_ids(path: impl AsRef<Path>) -> Result<Vec<ImageId>> {
    let path = path.as_ref();
    let text = fs::read_to_string(path).map_err(|source| Error::io("read", path, source))?;
    let text = text.trim_start_matches('\u{feff}').trim();
    let problem = |problem| InputError { file: path.to_owned(), image: None, line: None, offset: None, problem };
    let ids: Vec<ImageId> = if text.starts_with('[') {
        serde_json::from_str(text).map_err(|error| problem(error.into()))?
    } else {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        lines.map(ImageId::from).collect()
    };
    // A list that is empty by mistake would let everything through.
    if ids.is_empty() { Err(problem(InputProblem::Blank).into()) } else { Ok(ids.into_iter().map(normal).collect()) }
}

/// COCO ids from such a file; names of image files count too (`COCO_val2014_000000097131.jpg`).
///
/// # Errors
/// Those of [`read_image_ids`], and [`ErrorKind::Input`](crate::ErrorKind::Input) if something is no COCO id.
pub fn read_coco_ids(path: impl AsRef<Path>) -> Result<Vec<CocoId>> {
    let path = path.as_ref();
    let ids = read_image_ids(path)?.into_iter().map(|id| {
        coco_id(&id).ok_or_else(|| {
            let problem = InputProblem::BadId { found: id.to_string() };
            InputError { file: path.to_owned(), image: None, line: None, offset: None, problem }.into()
        })
    });
    ids.collect()
}

fn coco_id(id: &ImageId) -> Option<CocoId> {
    match id {
        ImageId::Number(id) => Some(CocoId(*id)),
        ImageId::Text(name) => {
            let name = name.rsplit('/').next()?;
            let stem = name.split_once('.').map_or(name, |(stem, _)| stem);
            let digits = stem.rsplit('_').next()?;
            is_number(digits).then(|| digits.parse().ok().map(CocoId)).flatten()
        }
    }
}

/// The id under which an image is looked up: lists write numbers as texts, and with zeros before them.
pub(in crate::annotation) fn normal(id: ImageId) -> ImageId {
    match id {
        ImageId::Text(text) if is_number(&text) => text.parse().map_or(ImageId::Text(text), ImageId::Number),
        id => id,
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_found_in_names() {
        let check = |text: &str, expected: Option<u64>| {
            assert_eq!(coco_id(&normal(text.into())), expected.map(CocoId), "{text}");
        };
        check("97131", Some(97131));
        check("000000097131", Some(97131));
        check("COCO_val2014_000000097131.jpg", Some(97131));
        check("val2017/000000000139.jpg", Some(139));
        check("a.jpg", None);
        check("99999999999999999999999", None);
        assert_eq!(normal("99999999999999999999999".into()), "99999999999999999999999".into());
    }
}
