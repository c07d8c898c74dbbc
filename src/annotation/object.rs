//! Captions, objects, regions, attributes and relationships.

use std::fmt;

use crate::annotation::Few;
use crate::bbox::{BoxError, Clamped, Cut, ImageSize, PixelBox, UnitBox};

/// A sentence about the whole image.
///
/// Source: `annotations[].caption` of COCO `captions_*.json`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Caption {
    /// The sentence as annotated.
    pub text: String,
    /// Id of the annotation in COCO.
    pub id: Option<u64>,
}

impl Caption {
    /// A caption without an id.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), id: None }
    }
}

/// An object's id, unique in the data set that it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ObjectId {
    /// `object_id` (v1.2, v1.4) or `id` (v1.0) of a Visual Genome object.
    VisualGenome(u64),
    /// `id` of a COCO instance.
    Coco(u64),
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::VisualGenome(id) | Self::Coco(id) => id.fmt(f),
        }
    }
}

/// A box with its frame: pixels of the image or fractions of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum BBox {
    /// In pixels; needs the size of the image to become fractions.
    Pixel(PixelBox),
    /// In fractions of the image.
    Unit(UnitBox),
}

impl BBox {
    /// This box as fractions of the image, and what was cut off.
    ///
    /// # Errors
    /// Those of [`PixelBox::to_unit`], and [`BoxError::NoSize`] if the box is in pixels and `size` is `None`.
    pub fn to_unit(self, size: Option<ImageSize>) -> Result<Clamped, BoxError> {
        match self {
            Self::Unit(bbox) => Ok(Clamped { bbox, cut: Cut::default() }),
            Self::Pixel(bbox) => bbox.to_unit(size.ok_or(BoxError::NoSize)?),
        }
    }
}

impl From<PixelBox> for BBox {
    fn from(bbox: PixelBox) -> Self {
        Self::Pixel(bbox)
    }
}

impl From<UnitBox> for BBox {
    fn from(bbox: UnitBox) -> Self {
        Self::Unit(bbox)
    }
}

/// A named box.
///
/// Source: `objects.json` of Visual Genome; `annotations` of COCO `instances_*.json`, named by category.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Object {
    /// All names as annotated, the first one the most usual; empty in a few real records.
    pub names: Few<String>,
    /// Where it is.
    pub bbox: BBox,
    /// Its id, if the source has one.
    pub id: Option<ObjectId>,
    /// WordNet synsets of the names (`clock.n.01`), canonicalised by the data set; none in v1.0.
    pub synsets: Few<String>,
    /// Objects of earlier versions that were merged into this one (v1.4).
    pub merged_ids: Vec<ObjectId>,
    /// Whether the box encloses a group of such objects (COCO `iscrowd`).
    pub is_crowd: bool,
}

impl Object {
    /// An object with one name.
    pub fn new(name: impl Into<String>, bbox: impl Into<BBox>) -> Self {
        Self {
            names: Few::one(name.into()),
            bbox: bbox.into(),
            id: None,
            synsets: Few::new(),
            merged_ids: Vec::new(),
            is_crowd: false,
        }
    }
}

/// A phrase about a part of the image.
///
/// Source: `region_descriptions.json` of Visual Genome.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Region {
    /// The phrase as annotated.
    pub phrase: String,
    /// The part of the image; `None` where only the phrase is known.
    pub bbox: Option<BBox>,
    /// `region_id` (v1.2) or `id` (v1.0).
    pub id: Option<u64>,
}

impl Region {
    /// A phrase about the part of the image in `bbox`.
    pub fn new(phrase: impl Into<String>, bbox: impl Into<BBox>) -> Self {
        Self { phrase: phrase.into(), bbox: Some(bbox.into()), id: None }
    }

    /// A phrase without a box.
    pub fn phrase(phrase: impl Into<String>) -> Self {
        Self { phrase: phrase.into(), bbox: None, id: None }
    }
}

/// Properties of one object.
///
/// Source: `attributes.json` of Visual Genome. It repeats the object, and from v1.0 on not every object in it is also in
/// `objects.json`; so it is kept as it stands, and joined by id where it is used.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Attribute {
    /// The object that has the properties.
    pub object: Object,
    /// The properties as annotated (`green`, `tall`); empty for most objects of v1.2.
    pub values: Vec<String>,
}

impl Attribute {
    /// Properties of an object.
    pub fn new(object: Object, values: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { object, values: values.into_iter().map(Into::into).collect() }
    }
}

/// Two objects and what holds between them: subject, predicate, object.
///
/// Source: `relationships.json` of Visual Genome.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Relationship {
    /// The first object.
    pub subject: Object,
    /// What holds, as annotated: `wears`, `ON`.
    pub predicate: String,
    /// The second object.
    pub object: Object,
    /// `relationship_id` (v1.2, v1.4) or `id` (v1.0).
    pub id: Option<u64>,
    /// WordNet synsets of the predicate.
    pub synsets: Vec<String>,
}

impl Relationship {
    /// A relationship without an id.
    pub fn new(subject: Object, predicate: impl Into<String>, object: Object) -> Self {
        Self { subject, predicate: predicate.into(), object, id: None, synsets: Vec::new() }
    }
}
