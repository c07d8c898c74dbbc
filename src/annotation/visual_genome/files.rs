//! Which files Visual Genome is read from.

use std::fs;
use std::path::{Path, PathBuf};

use crate::annotation::packing::unpacked_name;
use crate::annotation::{Coco, Input, OnBadInput, VisualGenome};
use crate::error::{Error, ErrorKind, Result};

/// The files of Visual Genome, one by one, and how they are read.
///
/// # Example
/// ```no_run
/// use svitgen::annotation::{Coco, OnBadInput, VisualGenomeFiles};
/// let source = VisualGenomeFiles::find("visual_genome")?
///     .without_attributes()
///     .with_coco(Coco::open(["captions_train2017.json", "captions_val2017.json"])?)
///     .on_bad_input(OnBadInput::Skip)
///     .open()?;
/// # Ok::<(), svitgen::Error>(())
/// ```
#[derive(Debug)]
pub struct VisualGenomeFiles {
    pub(super) image_data: Input,
    pub(super) objects: Input,
    pub(super) region_descriptions: Input,
    pub(super) attributes: Option<Input>,
    pub(super) relationships: Option<Input>,
    pub(super) coco: Option<Coco>,
    pub(super) on_bad: OnBadInput,
    pub(super) n_threads: usize,
    pub(super) index_folder: Option<PathBuf>,
}

impl VisualGenomeFiles {
    /// The three files without which there are no prompts.
    pub fn new(image_data: Input, objects: Input, region_descriptions: Input) -> Self {
        Self {
            image_data,
            objects,
            region_descriptions,
            attributes: None,
            relationships: None,
            coco: None,
            on_bad: OnBadInput::Stop,
            n_threads: 1,
            index_folder: None,
        }
    }

    /// The files of a folder, under their names or with a version suffix: `objects.json`, `objects_v1_2.json`; packed
    /// (`objects.json.zip`) if they are not there as they are.
    /// Attributes and relationships are read where they are there.
    ///
    /// # Errors
    /// [`ErrorKind::MissingFile`], [`ErrorKind::AmbiguousFile`], or [`ErrorKind::Io`] if the folder cannot be read.
    pub fn find(folder: impl AsRef<Path>) -> Result<Self> {
        let folder = folder.as_ref();
        let names = file_names(folder)?;
        let find = |name| find(folder, &names, name);
        let required = |name| -> Result<String> {
            find(name)?.ok_or_else(|| ErrorKind::MissingFile { folder: folder.to_owned(), name }.into())
        };
        let mut files = Self::new(
            Input::path(folder.join(required("image_data")?))?,
            Input::path(folder.join(required("objects")?))?,
            Input::path(folder.join(required("region_descriptions")?))?,
        );
        let input = |name: Option<String>| name.map(|name| Input::path(folder.join(name))).transpose();
        files.attributes = input(find("attributes")?)?;
        files.relationships = input(find("relationships")?)?;
        Ok(files)
    }

    /// Reads attributes from this file.
    #[must_use]
    pub fn with_attributes(mut self, attributes: Input) -> Self {
        self.attributes = Some(attributes);
        self
    }

    /// Reads no attributes, which saves the time if no task shows them.
    #[must_use]
    pub fn without_attributes(mut self) -> Self {
        self.attributes = None;
        self
    }

    /// Reads relationships from this file.
    #[must_use]
    pub fn with_relationships(mut self, relationships: Input) -> Self {
        self.relationships = Some(relationships);
        self
    }

    /// Reads no relationships, which saves the time if no task shows them.
    #[must_use]
    pub fn without_relationships(mut self) -> Self {
        self.relationships = None;
        self
    }

    /// Adds captions and instances to the images that have a `coco_id`. Boxes of instances are scaled to the size that
    /// Visual Genome gives the image.
    #[must_use]
    pub fn with_coco(mut self, coco: Coco) -> Self {
        self.coco = Some(coco);
        self
    }

    /// Sets what is done about records and annotations that are not what they should be.
    #[must_use]
    pub fn on_bad_input(mut self, on_bad: OnBadInput) -> Self {
        self.on_bad = on_bad;
        self
    }

    /// Sets how many threads go through the files and read records; 1 if it is not set. Records are the same, in the
    /// same order, with any number.
    #[must_use]
    pub fn with_threads(mut self, n_threads: usize) -> Self {
        self.n_threads = n_threads;
        self
    }

    /// Keeps in this folder where the records of each file stand, so that the next start need not go through the files
    /// again. The folder is made if need be.
    ///
    /// What is kept is used only for a file of the same size, time of modification and sampled bytes; what is damaged or
    /// out of date is made anew. Of a file in which something is bad nothing is kept. If the folder cannot be written,
    /// reading goes on, and the report says so.
    #[must_use]
    pub fn with_index_folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.index_folder = Some(folder.into());
        self
    }

    /// Goes through the files once and finds their records.
    ///
    /// # Errors
    /// [`ErrorKind::Input`] if a file is not a list of records with ids; with [`OnBadInput::Skip`] only if it holds
    /// nothing of the kind.
    pub fn open(self) -> Result<VisualGenome> {
        VisualGenome::from_files(self)
    }
}

fn file_names(folder: &Path) -> Result<Vec<String>> {
    let io_error = |source| Error::io("read", folder, source);
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(io_error)? {
        names.extend(entry.map_err(io_error)?.file_name().into_string());
    }
    names.sort();
    Ok(names)
}

/// The file that is named `name`, with or without a version suffix.
fn find(folder: &Path, names: &[String], name: &'static str) -> Result<Option<String>> {
    // Who unpacks a file beside the packed one means the same file.
    let is_also_unpacked =
        |file: &String| unpacked_name(file) != file && names.iter().any(|other| other == unpacked_name(file));
    let mut found = names.iter().filter(|file| is_version_of(file, name) && !is_also_unpacked(file));
    match (found.next(), found.next()) {
        (Some(first), Some(second)) => {
            let files = [first.clone(), second.clone()];
            Err(ErrorKind::AmbiguousFile { folder: folder.to_owned(), files }.into())
        }
        (first, _) => Ok(first.cloned()),
    }
}

fn is_version_of(file: &str, name: &str) -> bool {
    let Some(suffix) = unpacked_name(file).strip_suffix(".json").and_then(|stem| stem.strip_prefix(name)) else {
        return false;
    };
    let version = suffix.trim_start_matches(['_', '-', '.', ' ']);
    let digits = version.strip_prefix(['v', 'V']).unwrap_or(version);
    let is_version = digits.starts_with(|c: char| c.is_ascii_digit())
        && digits.chars().all(|c| c.is_ascii_digit() || matches!(c, '_' | '.' | '-'));
    suffix.is_empty() || is_version
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_suffixes() {
        for file in ["objects.json", "objects_v1_2.json", "objects-v1.4.json", "objects1.2.json", "objects_1_0.json"] {
            assert!(is_version_of(file, "objects"), "{file}");
        }
        for file in ["objects.json.gz", "objects_v1_2.json.zst", "objects.json.zip"] {
            assert!(is_version_of(file, "objects"), "{file}");
        }
        for file in [
            "objects.json.txt",
            "objects.zip",
            "objects_alias.json",
            "object.json",
            "objects_v.json",
            "my_objects.json",
        ] {
            assert!(!is_version_of(file, "objects"), "{file}");
        }
    }
}
