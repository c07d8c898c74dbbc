//! What is known about an image: one [`ImageRecord`] holds an image and all its annotations.
//!
//! Records come from readers ([`VisualGenome`], [`Coco`], [`Jsonl`]) or from [`ImageRecord::builder`]; all of them are
//! a [`RecordSource`], which is what the pipeline takes. Start with [`ImageRecord`].
//!
//! This module knows files and JSON; it knows no prompt, no network, no clock.

mod brackets;
mod builder;
mod coco;
mod cursor;
mod few;
mod image;
mod index;
mod input;
mod jsonl;
mod object;
mod ordered;
#[cfg(feature = "packed")]
mod packed;
mod packing;
mod positions;
mod problem;
mod report;
mod saved;
mod scanner;
mod selection;
mod source;
mod visual_genome;
mod window;

pub use builder::ImageRecordBuilder;
pub use coco::Coco;
pub use few::{Few, FewIntoIter};
pub use image::{CocoId, Image, ImageId};
pub use input::Input;
pub use jsonl::{Jsonl, write_record};
pub use object::{Attribute, BBox, Caption, Object, ObjectId, Region, Relationship};
pub use ordered::map_records;
pub use problem::{InputError, InputProblem};
pub use report::{OnBadInput, ReadReport};
pub use selection::{NotTaken, Selected, Selection, Shard, ShardError, read_coco_ids, read_image_ids};
pub use source::{InputFile, RecordSource};
pub use visual_genome::{VisualGenome, VisualGenomeFiles};

/// One image with all its annotations: the unit of input.
///
/// Lists keep the order of the file they come from; a list is empty where the image has no such annotation. Texts are
/// as annotated, untrimmed: cleaning is the business of the prompt, which counts it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ImageRecord {
    /// The image itself.
    pub image: Image,
    /// Sentences about the whole image (COCO).
    pub captions: Vec<Caption>,
    /// Named boxes (Visual Genome objects, COCO instances).
    pub objects: Vec<Object>,
    /// Phrases, most with a box (Visual Genome regions).
    pub regions: Vec<Region>,
    /// Properties of objects (Visual Genome attributes).
    pub attributes: Vec<Attribute>,
    /// Pairs of objects with a predicate (Visual Genome relationships).
    pub relationships: Vec<Relationship>,
}

impl ImageRecord {
    /// A record of an image without annotations.
    pub fn new(image: Image) -> Self {
        Self {
            image,
            captions: Vec::new(),
            objects: Vec::new(),
            regions: Vec::new(),
            attributes: Vec::new(),
            relationships: Vec::new(),
        }
    }

    /// Starts a record in code.
    ///
    /// # Example
    /// ```
    /// use svitgen::{ImageRecord, ImageSize, PixelBox, UnitBox};
    /// let record = ImageRecord::builder(42)
    ///     .size(ImageSize::new(640, 480)?)
    ///     .caption("A dog runs after a ball.")
    ///     .object("dog", UnitBox::new(0.1, 0.4, 0.5, 0.9)?)
    ///     .object("ball", PixelBox::from_xywh(400.0, 380.0, 40.0, 40.0)?)
    ///     .phrase("green grass")
    ///     .build();
    /// assert_eq!(record.objects.len(), 2);
    /// # Ok::<(), svitgen::BoxError>(())
    /// ```
    pub fn builder(id: impl Into<ImageId>) -> ImageRecordBuilder {
        ImageRecordBuilder::new(id.into())
    }

    /// Whether nothing is known about the image but that it exists.
    pub fn is_empty(&self) -> bool {
        self.captions.is_empty()
            && self.objects.is_empty()
            && self.regions.is_empty()
            && self.attributes.is_empty()
            && self.relationships.is_empty()
    }
}
