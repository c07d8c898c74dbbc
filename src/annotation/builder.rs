//! Building a record in code.

use crate::annotation::{Attribute, BBox, Caption, CocoId, Image, ImageId, ImageRecord, Object, Region, Relationship};
use crate::bbox::ImageSize;

/// Builds an [`ImageRecord`] in code; see [`ImageRecord::builder`].
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct ImageRecordBuilder {
    record: ImageRecord,
}

impl ImageRecordBuilder {
    pub(crate) fn new(id: ImageId) -> Self {
        Self { record: ImageRecord::new(Image::new(id)) }
    }

    /// Size of the image in pixels; needed if any box is in pixels.
    pub fn size(mut self, size: ImageSize) -> Self {
        self.record.image.size = Some(size);
        self
    }

    /// Where the image can be fetched.
    pub fn url(mut self, url: impl Into<String>) -> Self {
        self.record.image.url = Some(url.into());
        self
    }

    /// Path of the image below the folder of images.
    pub fn file(mut self, file: impl Into<String>) -> Self {
        self.record.image.file = Some(file.into());
        self
    }

    /// The same image in COCO.
    pub fn coco_id(mut self, id: CocoId) -> Self {
        self.record.image.coco_id = Some(id);
        self
    }

    /// Adds a sentence about the whole image.
    pub fn caption(mut self, text: impl Into<String>) -> Self {
        self.record.captions.push(Caption::new(text));
        self
    }

    /// Adds a named box, in pixels or in fractions.
    pub fn object(mut self, name: impl Into<String>, bbox: impl Into<BBox>) -> Self {
        self.record.objects.push(Object::new(name, bbox));
        self
    }

    /// Adds a phrase about a part of the image.
    pub fn region(mut self, phrase: impl Into<String>, bbox: impl Into<BBox>) -> Self {
        self.record.regions.push(Region::new(phrase, bbox));
        self
    }

    /// Adds a phrase without a box.
    pub fn phrase(mut self, phrase: impl Into<String>) -> Self {
        self.record.regions.push(Region::phrase(phrase));
        self
    }

    /// Adds properties of an object.
    pub fn attribute(mut self, attribute: Attribute) -> Self {
        self.record.attributes.push(attribute);
        self
    }

    /// Adds a relationship between two objects.
    pub fn relationship(mut self, relationship: Relationship) -> Self {
        self.record.relationships.push(relationship);
        self
    }

    /// The record.
    pub fn build(self) -> ImageRecord {
        self.record
    }
}
