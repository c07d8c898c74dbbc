//! The JSON of plain records as it is; from here only our own types go on.

use std::collections::BTreeMap;

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use crate::annotation::problem::InputProblem;
use crate::annotation::{Attribute, BBox, Caption, CocoId, Few, Image, ImageId, ImageRecord, Object, Region, Relationship};
use crate::bbox::{ImageSize, PixelBox, UnitBox};

#[derive(Serialize, Deserialize)]
#[serde(expecting = "a record: an object with an `id`")]
pub(super) struct RawRecord {
    #[serde(alias = "image_id")]
    id: ImageId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    image: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    width: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    height: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    coco_id: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    flickr_id: Option<u64>,
    #[serde(default, skip_serializing_if = "Captions::is_empty")]
    captions: Captions,
    #[serde(default, alias = "instances", skip_serializing_if = "Vec::is_empty")]
    objects: Vec<RawObject>,
    #[serde(default, alias = "phrases", skip_serializing_if = "Vec::is_empty")]
    regions: Vec<RawRegion>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    attributes: Vec<RawAttribute>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    relationships: Vec<RawRelationship>,
    #[serde(flatten, skip_serializing)]
    ignored: BTreeMap<String, IgnoredAny>,
}

#[derive(Serialize, Deserialize)]
#[serde(untagged, expecting = "`captions` is a list of texts or one text")]
enum Captions {
    Many(Vec<String>),
    One(String),
}

impl Default for Captions {
    fn default() -> Self {
        Self::Many(Vec::new())
    }
}

impl Captions {
    fn is_empty(&self) -> bool {
        matches!(self, Self::Many(captions) if captions.is_empty())
    }
}

#[derive(Serialize, Deserialize)]
#[serde(expecting = "an object with a name and a box")]
struct RawObject {
    #[serde(flatten)]
    name: RawName,
    #[serde(flatten)]
    bbox: RawBox,
    #[serde(default, alias = "iscrowd", skip_serializing_if = "is_false")]
    is_crowd: Flag,
}

#[derive(Default, Serialize, Deserialize)]
struct RawName {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    names: Option<Vec<String>>,
    #[serde(default, alias = "category", skip_serializing)]
    name: Option<String>,
}

#[derive(Default, Serialize, Deserialize)]
struct RawBox {
    /// x1, y1, x2, y2 as fractions of the image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bbox: Option<[f64; 4]>,
    /// x, y, width, height in pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bbox_xywh: Option<[f64; 4]>,
}

/// `true` or, as COCO writes it, 1.
#[derive(Clone, Copy, Default, Serialize, Deserialize)]
#[serde(from = "RawFlag")]
struct Flag(bool);

#[derive(Deserialize)]
#[serde(untagged, expecting = "`is_crowd` is true, false, 1 or 0")]
enum RawFlag {
    Bool(bool),
    Number(u8),
}

impl From<RawFlag> for Flag {
    fn from(raw: RawFlag) -> Self {
        match raw {
            RawFlag::Bool(flag) => Self(flag),
            RawFlag::Number(number) => Self(number != 0),
        }
    }
}

fn is_false(flag: &Flag) -> bool {
    !flag.0
}

#[derive(Serialize, Deserialize)]
#[serde(untagged, expecting = "a region is a text, or an object with `phrase` and a box")]
enum RawRegion {
    Phrase(String),
    Boxed {
        phrase: String,
        #[serde(flatten)]
        bbox: RawBox,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(expecting = "an object with a name, a box and `values`")]
struct RawAttribute {
    #[serde(flatten)]
    object: RawObject,
    values: Vec<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(expecting = "a relationship: an object with `subject`, `predicate` and `object`")]
struct RawRelationship {
    subject: RawObject,
    predicate: String,
    object: RawObject,
}

impl RawRecord {
    /// The record, and the keys that were ignored.
    pub(super) fn record(self) -> Result<(ImageRecord, Vec<String>), InputProblem> {
        let mut image = Image::new(self.id);
        image.size = match (self.width, self.height) {
            (Some(width), Some(height)) => Some(ImageSize::new(width, height)?),
            (None, None) => None,
            _ => return Err(InputProblem::HalfSize),
        };
        image.file = self.image;
        image.url = self.url;
        image.coco_id = self.coco_id.map(CocoId);
        image.flickr_id = self.flickr_id;
        let mut record = ImageRecord::new(image);
        record.captions = match self.captions {
            Captions::Many(captions) => captions.into_iter().map(Caption::new).collect(),
            Captions::One(caption) => vec![Caption::new(caption)],
        };
        record.objects = self.objects.into_iter().map(RawObject::object).collect::<Result<_, _>>()?;
        record.regions = self.regions.into_iter().map(RawRegion::region).collect::<Result<_, _>>()?;
        let attribute = |raw: RawAttribute| Ok::<_, InputProblem>(Attribute::new(raw.object.object()?, raw.values));
        record.attributes = self.attributes.into_iter().map(attribute).collect::<Result<_, _>>()?;
        let relationship = |raw: RawRelationship| {
            Ok::<_, InputProblem>(Relationship::new(raw.subject.object()?, raw.predicate, raw.object.object()?))
        };
        record.relationships = self.relationships.into_iter().map(relationship).collect::<Result<_, _>>()?;
        Ok((record, self.ignored.into_keys().collect()))
    }
}

impl RawObject {
    fn object(self) -> Result<Object, InputProblem> {
        let bbox = self.bbox.bbox()?.ok_or(InputProblem::NeitherOrBothBoxes)?;
        let mut object = Object::new("", bbox);
        object.names = self.name.names.map_or_else(|| self.name.name.into_iter().collect(), Few::from);
        object.is_crowd = self.is_crowd.0;
        Ok(object)
    }
}

impl RawBox {
    fn bbox(self) -> Result<Option<BBox>, InputProblem> {
        match (self.bbox, self.bbox_xywh) {
            (Some([x1, y1, x2, y2]), None) => Ok(Some(UnitBox::new(x1, y1, x2, y2)?.into())),
            (None, Some([x, y, w, h])) => Ok(Some(PixelBox::from_xywh(x, y, w, h)?.into())),
            (None, None) => Ok(None),
            (Some(_), Some(_)) => Err(InputProblem::NeitherOrBothBoxes),
        }
    }
}

impl RawRegion {
    fn region(self) -> Result<Region, InputProblem> {
        let (phrase, bbox) = match self {
            Self::Phrase(phrase) => (phrase, None),
            Self::Boxed { phrase, bbox } => (phrase, bbox.bbox()?),
        };
        let mut region = Region::phrase(phrase);
        region.bbox = bbox;
        Ok(region)
    }
}

impl From<&ImageRecord> for RawRecord {
    fn from(record: &ImageRecord) -> Self {
        let image = &record.image;
        Self {
            id: image.id.clone(),
            image: image.file.clone(),
            url: image.url.clone(),
            width: image.size.map(ImageSize::width),
            height: image.size.map(ImageSize::height),
            coco_id: image.coco_id.map(|id| id.0),
            flickr_id: image.flickr_id,
            captions: Captions::Many(record.captions.iter().map(|caption| caption.text.clone()).collect()),
            objects: record.objects.iter().map(RawObject::from).collect(),
            regions: record.regions.iter().map(RawRegion::from).collect(),
            attributes: record.attributes.iter().map(RawAttribute::from).collect(),
            relationships: record.relationships.iter().map(RawRelationship::from).collect(),
            ignored: BTreeMap::new(),
        }
    }
}

impl From<&Object> for RawObject {
    fn from(object: &Object) -> Self {
        let name = RawName { names: Some(object.names.to_vec()), name: None };
        Self { name, bbox: object.bbox.into(), is_crowd: Flag(object.is_crowd) }
    }
}

impl From<BBox> for RawBox {
    fn from(bbox: BBox) -> Self {
        match bbox {
            BBox::Unit(bbox) => Self { bbox: Some(bbox.edges()), bbox_xywh: None },
            BBox::Pixel(bbox) => {
                Self { bbox: None, bbox_xywh: Some([bbox.x(), bbox.y(), bbox.width(), bbox.height()]) }
            }
        }
    }
}

impl From<&Region> for RawRegion {
    fn from(region: &Region) -> Self {
        match region.bbox {
            None => Self::Phrase(region.phrase.clone()),
            Some(bbox) => Self::Boxed { phrase: region.phrase.clone(), bbox: bbox.into() },
        }
    }
}

impl From<&Attribute> for RawAttribute {
    fn from(attribute: &Attribute) -> Self {
        Self { object: (&attribute.object).into(), values: attribute.values.clone() }
    }
}

impl From<&Relationship> for RawRelationship {
    fn from(relationship: &Relationship) -> Self {
        Self {
            subject: (&relationship.subject).into(),
            predicate: relationship.predicate.clone(),
            object: (&relationship.object).into(),
        }
    }
}
