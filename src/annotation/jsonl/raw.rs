//! The JSON of plain records as it is; from here only our own types go on.

use serde::{Deserialize, Serialize};

use crate::annotation::problem::InputProblem;
use crate::annotation::{
    Attribute, BBox, Caption, CocoId, Few, Image, ImageId, ImageRecord, Object, Region, Relationship,
};
use crate::bbox::{ImageSize, PixelBox, UnitBox};

/// Read by [`plain`](super::plain) where it has the usual form, and else by [`keys`](super::keys), which is faster than
/// what could be derived, and collects the keys that are ignored.
#[derive(Serialize)]
pub(super) struct RawRecord {
    pub(super) id: ImageId,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) image: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) width: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) height: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) coco_id: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) flickr_id: Option<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) captions: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) objects: Vec<RawObject>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) regions: Vec<RawRegion>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) attributes: Vec<RawAttribute>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) relationships: Vec<RawRelationship>,
    #[serde(skip)]
    pub(super) ignored: Vec<String>,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(expecting = "an object with a name and a box")]
pub(super) struct RawObject {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) names: Option<Vec<String>>,
    #[serde(default, alias = "category", skip_serializing)]
    pub(super) name: Option<String>,
    /// x1, y1, x2, y2 as fractions of the image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) bbox: Option<[f64; 4]>,
    /// x, y, width, height in pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) bbox_xywh: Option<[f64; 4]>,
    #[serde(default, alias = "iscrowd", skip_serializing_if = "is_false")]
    is_crowd: Flag,
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

#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum RawRegion {
    Phrase(String),
    Boxed(RawBoxed),
}

#[derive(Serialize, Deserialize)]
#[serde(expecting = "a region with `phrase` and a box")]
pub(super) struct RawBoxed {
    pub(super) phrase: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) bbox: Option<[f64; 4]>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) bbox_xywh: Option<[f64; 4]>,
}

/// The keys of an object, and `values`.
#[derive(Serialize, Deserialize)]
#[serde(expecting = "an object with a name, a box and `values`")]
pub(super) struct RawAttribute {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    names: Option<Vec<String>>,
    #[serde(default, alias = "category", skip_serializing)]
    name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bbox: Option<[f64; 4]>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bbox_xywh: Option<[f64; 4]>,
    #[serde(default, alias = "iscrowd", skip_serializing_if = "is_false")]
    is_crowd: Flag,
    values: Vec<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(expecting = "a relationship: an object with `subject`, `predicate` and `object`")]
pub(super) struct RawRelationship {
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
        record.captions = self.captions.into_iter().map(Caption::new).collect();
        record.objects = self.objects.into_iter().map(RawObject::object).collect::<Result<_, _>>()?;
        record.regions = self.regions.into_iter().map(RawRegion::region).collect::<Result<_, _>>()?;
        record.attributes = self.attributes.into_iter().map(RawAttribute::attribute).collect::<Result<_, _>>()?;
        let relationship = |raw: RawRelationship| {
            Ok::<_, InputProblem>(Relationship::new(raw.subject.object()?, raw.predicate, raw.object.object()?))
        };
        record.relationships = self.relationships.into_iter().map(relationship).collect::<Result<_, _>>()?;
        Ok((record, self.ignored))
    }
}

impl RawObject {
    fn object(self) -> Result<Object, InputProblem> {
        let bbox = bbox(self.bbox, self.bbox_xywh)?.ok_or(InputProblem::NeitherOrBothBoxes)?;
        let mut object = Object::new("", bbox);
        object.names = self.names.map_or_else(|| self.name.into_iter().collect(), Few::from);
        object.is_crowd = self.is_crowd.0;
        Ok(object)
    }
}

fn bbox(unit: Option<[f64; 4]>, pixels: Option<[f64; 4]>) -> Result<Option<BBox>, InputProblem> {
    match (unit, pixels) {
        (Some([x1, y1, x2, y2]), None) => Ok(Some(UnitBox::new(x1, y1, x2, y2)?.into())),
        (None, Some([x, y, w, h])) => Ok(Some(PixelBox::from_xywh(x, y, w, h)?.into())),
        (None, None) => Ok(None),
        (Some(_), Some(_)) => Err(InputProblem::NeitherOrBothBoxes),
    }
}

impl RawRegion {
    fn region(self) -> Result<Region, InputProblem> {
        let (phrase, bbox) = match self {
            Self::Phrase(phrase) => (phrase, None),
            Self::Boxed(raw) => (raw.phrase, bbox(raw.bbox, raw.bbox_xywh)?),
        };
        let mut region = Region::phrase(phrase);
        region.bbox = bbox;
        Ok(region)
    }
}

impl RawAttribute {
    fn attribute(self) -> Result<Attribute, InputProblem> {
        let Self { names, name, bbox, bbox_xywh, is_crowd, values } = self;
        Ok(Attribute::new(RawObject { names, name, bbox, bbox_xywh, is_crowd }.object()?, values))
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
            captions: record.captions.iter().map(|caption| caption.text.clone()).collect(),
            objects: record.objects.iter().map(RawObject::from).collect(),
            regions: record.regions.iter().map(RawRegion::from).collect(),
            attributes: record.attributes.iter().map(RawAttribute::from).collect(),
            relationships: record.relationships.iter().map(RawRelationship::from).collect(),
            ignored: Vec::new(),
        }
    }
}

impl From<&Object> for RawObject {
    fn from(object: &Object) -> Self {
        let (bbox, bbox_xywh) = raw_box(object.bbox);
        let is_crowd = Flag(object.is_crowd);
        Self { names: Some(object.names.to_vec()), name: None, bbox, bbox_xywh, is_crowd }
    }
}

/// `bbox` and `bbox_xywh`, of which one is there.
fn raw_box(bbox: BBox) -> (Option<[f64; 4]>, Option<[f64; 4]>) {
    match bbox {
        BBox::Unit(bbox) => (Some(bbox.edges()), None),
        BBox::Pixel(bbox) => (None, Some([bbox.x(), bbox.y(), bbox.width(), bbox.height()])),
    }
}

impl From<&Region> for RawRegion {
    fn from(region: &Region) -> Self {
        let phrase = region.phrase.clone();
        match region.bbox.map(raw_box) {
            None => Self::Phrase(phrase),
            Some((bbox, bbox_xywh)) => Self::Boxed(RawBoxed { phrase, bbox, bbox_xywh }),
        }
    }
}

impl From<&Attribute> for RawAttribute {
    fn from(attribute: &Attribute) -> Self {
        let RawObject { names, name, bbox, bbox_xywh, is_crowd } = (&attribute.object).into();
        Self { names, name, bbox, bbox_xywh, is_crowd, values: attribute.values.clone() }
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
