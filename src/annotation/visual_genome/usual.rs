//! Annotations with their keys in the order, and with the white space, of the published files: nearly all there are.

use crate::annotation::cursor::Cursor;
use crate::annotation::visual_genome::plain;
use crate::annotation::{Few, Object, ObjectId, Region, Relationship};
use crate::bbox::PixelBox;

/// A region.
pub(super) fn region(cursor: &mut Cursor<'_>, image: u64) -> Option<Region> {
    cursor.literal(b"{\"region_id\": ")?;
    let id = cursor.integer()?;
    cursor.literal(b", \"width\": ")?;
    let width = cursor.number()?;
    cursor.literal(b", \"height\": ")?;
    let height = cursor.number()?;
    cursor.literal(b", \"image_id\": ")?;
    if cursor.integer()? != image {
        return None;
    }
    cursor.literal(b", \"phrase\": ")?;
    let phrase = cursor.text()?;
    cursor.literal(b", \"y\": ")?;
    let y = cursor.number()?;
    cursor.literal(b", \"x\": ")?;
    let x = cursor.number()?;
    cursor.literal(b"}")?;
    let bbox = PixelBox::from_xywh(x, y, width, height).ok()?;
    Some(Region { phrase, bbox: Some(bbox.into()), id: Some(id) })
}

/// An object of a list of objects or attributes,.
#[inline]
pub(super) fn object(cursor: &mut Cursor<'_>, attributes: Option<&mut Vec<String>>) -> Option<Object> {
    cursor.literal(b"{\"synsets\": ")?;
    let synsets = cursor.texts()?;
    cursor.literal(b", \"h\": ")?;
    let h = cursor.number()?;
    cursor.literal(b", \"object_id\": ")?;
    let id = cursor.integer()?;
    let is_merged = cursor.literal(b", \"merged_object_ids\": ").is_some();
    let merged_ids = if is_merged { plain::object_ids(cursor)? } else { Vec::new() };
    cursor.literal(b", \"names\": ")?;
    let names = cursor.texts()?;
    cursor.literal(b", \"w\": ")?;
    let w = cursor.number()?;
    if cursor.literal(b", \"attributes\": ").is_some() {
        *attributes? = cursor.texts()?;
    }
    cursor.literal(b", \"y\": ")?;
    let y = cursor.number()?;
    cursor.literal(b", \"x\": ")?;
    let x = cursor.number()?;
    cursor.literal(b"}")?;
    let (bbox, id) = (PixelBox::from_xywh(x, y, w, h).ok()?.into(), Some(ObjectId::VisualGenome(id)));
    Some(Object { names, bbox, id, synsets, merged_ids, is_crowd: false })
}

/// A relationship.
pub(super) fn relationship(cursor: &mut Cursor<'_>) -> Option<Relationship> {
    cursor.literal(b"{\"predicate\": ")?;
    let predicate = cursor.text()?;
    cursor.literal(b", \"object\": ")?;
    let object = plain::related_object(cursor)?;
    cursor.literal(b", \"relationship_id\": ")?;
    let id = Some(cursor.integer()?);
    cursor.literal(b", \"synsets\": ")?;
    let synsets = cursor.texts()?;
    cursor.literal(b", \"subject\": ")?;
    let subject = plain::related_object(cursor)?;
    cursor.literal(b"}")?;
    Some(Relationship { subject, predicate, object, id, synsets })
}

/// An object of a relationship.
pub(super) fn related_object(cursor: &mut Cursor<'_>) -> Option<Object> {
    cursor.literal(b"{\"name\": ")?;
    let names = Few::one(cursor.text()?);
    cursor.literal(b", \"h\": ")?;
    let h = cursor.number()?;
    cursor.literal(b", \"object_id\": ")?;
    let id = Some(ObjectId::VisualGenome(cursor.integer()?));
    cursor.literal(b", \"synsets\": ")?;
    let synsets = cursor.texts()?;
    cursor.literal(b", \"w\": ")?;
    let w = cursor.number()?;
    cursor.literal(b", \"y\": ")?;
    let y = cursor.number()?;
    cursor.literal(b", \"x\": ")?;
    let x = cursor.number()?;
    cursor.literal(b"}")?;
    let bbox = PixelBox::from_xywh(x, y, w, h).ok()?.into();
    Some(Object { names, bbox, id, synsets, merged_ids: Vec::new(), is_crowd: false })
}
