//! The JSON of Visual Genome as it is; from here only our own types go on.

use serde::Deserialize;

use crate::annotation::problem::InputProblem;
use crate::annotation::{Attribute, CocoId, Few, Image, Object, ObjectId, Region, Relationship};
use crate::bbox::{ImageSize, PixelBox};

#[derive(Deserialize)]
#[serde(expecting = "an image")]
pub(super) struct RawImage {
    #[serde(alias = "id")]
    image_id: u64,
    width: u32,
    height: u32,
    #[serde(default)]
    url: Option<String>,
    #[serde(default)]
    coco_id: Option<u64>,
    #[serde(default)]
    flickr_id: Option<u64>,
}

impl RawImage {
    pub(super) fn image(self) -> Result<Image, InputProblem> {
        let mut image = Image::new(self.image_id);
        image.size = Some(ImageSize::new(self.width, self.height)?);
        image.url = self.url;
        image.coco_id = self.coco_id.map(CocoId);
        image.flickr_id = self.flickr_id;
        Ok(image)
    }
}

/// A record: the list under its name, whichever of the four files it comes from.
#[derive(Deserialize)]
pub(super) struct RawList<R> {
    #[serde(alias = "objects", alias = "regions", alias = "attributes", alias = "relationships", default = "none")]
    pub(super) list: Option<Vec<R>>,
}

fn none<T>() -> Option<T> {
    None
}

/// An object: in `objects.json`, with `attributes` in `attributes.json`, with one `name` as a part of a relationship.
#[derive(Deserialize)]
#[serde(expecting = "an object with a box")]
pub(super) struct RawObject {
    /// `object_names` in `attributes.json` of v1.0.
    #[serde(default, alias = "object_names")]
    names: Option<Vec<String>>,
    #[serde(default)]
    name: Option<String>,
    x: f64,
    y: f64,
    #[serde(alias = "width")]
    w: f64,
    #[serde(alias = "height")]
    h: f64,
    #[serde(default, alias = "id")]
    object_id: Option<u64>,
    #[serde(default)]
    synsets: Vec<String>,
    #[serde(default)]
    merged_object_ids: Vec<u64>,
    #[serde(default)]
    attributes: Option<Vec<String>>,
}

impl RawObject {
    pub(super) fn object(self) -> Result<Object, InputProblem> {
        let bbox = PixelBox::from_xywh(self.x, self.y, self.w, self.h)?;
        let mut object = Object::new("", bbox);
        object.names = self.names.map_or_else(|| self.name.into_iter().collect(), Few::from);
        object.id = self.object_id.map(ObjectId::VisualGenome);
        object.synsets = self.synsets.into();
        object.merged_ids = self.merged_object_ids.into_iter().map(ObjectId::VisualGenome).collect();
        Ok(object)
    }

    pub(super) fn attribute(mut self) -> Result<Attribute, InputProblem> {
        let values = self.attributes.take().unwrap_or_default();
        Ok(Attribute::new(self.object()?, values))
    }
}

#[derive(Deserialize)]
#[serde(expecting = "a region")]
pub(super) struct RawRegion {
    phrase: String,
    x: f64,
    y: f64,
    width: f64,
    height: f64,
    #[serde(default, alias = "id")]
    region_id: Option<u64>,
    /// `image` in v1.0.
    #[serde(default, alias = "image")]
    image_id: Option<u64>,
}

impl RawRegion {
    /// The region, if it belongs to the image of its record.
    pub(super) fn region(self, image: u64) -> Result<Region, InputProblem> {
        if let Some(other) = self.image_id.filter(|other| *other != image) {
            return Err(InputProblem::OtherImage { other });
        }
        let mut region = Region::new(self.phrase, PixelBox::from_xywh(self.x, self.y, self.width, self.height)?);
        region.id = self.region_id;
        Ok(region)
    }
}

#[derive(Deserialize)]
#[serde(expecting = "a relationship")]
pub(super) struct RawRelationship {
    subject: RawObject,
    predicate: String,
    object: RawObject,
    #[serde(default, alias = "id")]
    relationship_id: Option<u64>,
    #[serde(default)]
    synsets: Vec<String>,
}

impl RawRelationship {
    pub(super) fn relationship(self) -> Result<Relationship, InputProblem> {
        let mut relationship = Relationship::new(self.subject.object()?, self.predicate, self.object.object()?);
        relationship.id = self.relationship_id;
        relationship.synsets = self.synsets;
        Ok(relationship)
    }
}
