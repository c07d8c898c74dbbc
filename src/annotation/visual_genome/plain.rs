//! Records in the form that the published files have, read without detours.
//!
//! What is in any other form, or wrong, gives `None`: then `raw.rs` reads the record and says what is wrong with it. So
//! this file may be strict about everything, and what it accepts must be what `raw.rs` makes of it.

use crate::annotation::cursor::{Cursor, set};
use crate::annotation::visual_genome::usual;
use crate::annotation::{Attribute, Few, Object, ObjectId, Region, Relationship};
use crate::bbox::PixelBox;

/// An annotation that can be read in its usual form.
pub(super) trait Plain: Sized {
    /// Bytes of JSON that one takes at least, so that lists grow seldom.
    const MIN_BYTES: usize;

    fn take(cursor: &mut Cursor<'_>, image: u64) -> Option<Self>;
}

/// The list `kind` of a record.
pub(super) fn annotations<T: Plain>(record: &[u8], kind: &str, image: u64) -> Option<Vec<T>> {
    let mut cursor = Cursor::new(record)?;
    let mut list: Option<Vec<T>> = None;
    cursor.object(|cursor, key| {
        if key == kind {
            let mut annotations = Vec::with_capacity(record.len() / T::MIN_BYTES);
            cursor.list(|cursor| {
                annotations.push(T::take(cursor, image)?);
                Some(())
            })?;
            return list.replace(annotations).is_none().then_some(());
        }
        match key {
            "image_id" | "id" => cursor.integer().map(drop),
            "image_url" => cursor.skip_text(),
            _ => None,
        }
    })?;
    if cursor.is_at_end() { list } else { None }
}

impl Plain for Object {
    const MIN_BYTES: usize = 110;

    #[inline]
    fn take(cursor: &mut Cursor<'_>, _: u64) -> Option<Self> {
        object(cursor, None)
    }
}

impl Plain for Attribute {
    const MIN_BYTES: usize = 110;

    fn take(cursor: &mut Cursor<'_>, _: u64) -> Option<Self> {
        let mut values = Vec::new();
        let object = object(cursor, Some(&mut values))?;
        Some(Self { object, values })
    }
}

impl Plain for Region {
    const MIN_BYTES: usize = 110;

    #[inline]
    fn take(cursor: &mut Cursor<'_>, image: u64) -> Option<Self> {
        let start = cursor.place()?;
        usual::region(cursor, image).or_else(|| any_region(cursor.back_to(start), image))
    }
}

impl Plain for Relationship {
    const MIN_BYTES: usize = 250;

    fn take(cursor: &mut Cursor<'_>, _: u64) -> Option<Self> {
        let start = cursor.place()?;
        usual::relationship(cursor).or_else(|| any_relationship(cursor.back_to(start)))
    }
}

/// A region with its keys in any order.
fn any_region(cursor: &mut Cursor<'_>, image: u64) -> Option<Region> {
    let (mut phrase, mut id, mut is_foreign) = (None, None, None);
    let (mut x, mut y, mut width, mut height) = (None, None, None, None);
    cursor.object(|cursor, key| match key {
        "phrase" => set(&mut phrase, cursor.text()?),
        "region_id" => set(&mut id, cursor.integer()?),
        "image_id" => set(&mut is_foreign, cursor.integer()? != image),
        "x" => set(&mut x, cursor.number()?),
        "y" => set(&mut y, cursor.number()?),
        "width" => set(&mut width, cursor.number()?),
        "height" => set(&mut height, cursor.number()?),
        _ => None,
    })?;
    if is_foreign == Some(true) {
        return None;
    }
    let bbox = PixelBox::from_xywh(x?, y?, width?, height?).ok()?;
    Some(Region { phrase: phrase?, bbox: Some(bbox.into()), id })
}

/// A relationship with its keys in any order.
fn any_relationship(cursor: &mut Cursor<'_>) -> Option<Relationship> {
    let (mut subject, mut predicate, mut object, mut id, mut synsets) = (None, None, None, None, None);
    cursor.object(|cursor, key| match key {
        "subject" => set(&mut subject, related_object(cursor)?),
        "predicate" => set(&mut predicate, cursor.text()?),
        "object" => set(&mut object, related_object(cursor)?),
        "relationship_id" => set(&mut id, cursor.integer()?),
        "synsets" => set(&mut synsets, cursor.texts()?),
        _ => None,
    })?;
    let (subject, predicate, object) = (subject?, predicate?, object?);
    Some(Relationship { subject, predicate, object, id, synsets: synsets.unwrap_or_default() })
}

/// An object of a relationship.
pub(super) fn related_object(cursor: &mut Cursor<'_>) -> Option<Object> {
    let start = cursor.place()?;
    usual::related_object(cursor).or_else(|| any_object(cursor.back_to(start), None))
}

/// An object, and what `attributes` it has; with `None` it must have no such list.
#[inline]
fn object(cursor: &mut Cursor<'_>, mut attributes: Option<&mut Vec<String>>) -> Option<Object> {
    let start = cursor.place()?;
    usual::object(cursor, attributes.as_deref_mut()).or_else(|| any_object(cursor.back_to(start), attributes))
}

/// An object with its keys in any order.
fn any_object(cursor: &mut Cursor<'_>, attributes: Option<&mut Vec<String>>) -> Option<Object> {
    let (mut names, mut synsets, mut merged_ids, mut values, mut id) = (None, None, None, None, None);
    let (mut x, mut y, mut w, mut h) = (None, None, None, None);
    cursor.object(|cursor, key| match key {
        "names" => set(&mut names, cursor.texts()?),
        "name" => set(&mut names, Few::one(cursor.text()?)),
        "synsets" => set(&mut synsets, cursor.texts()?),
        "object_id" => set(&mut id, cursor.integer()?),
        "x" => set(&mut x, cursor.number()?),
        "y" => set(&mut y, cursor.number()?),
        "w" => set(&mut w, cursor.number()?),
        "h" => set(&mut h, cursor.number()?),
        "merged_object_ids" => set(&mut merged_ids, object_ids(cursor)?),
        "attributes" => set(&mut values, cursor.texts()?),
        _ => None,
    })?;
    match (attributes, values) {
        (Some(attributes), values) => *attributes = values.unwrap_or_default(),
        (None, Some(_)) => return None,
        (None, None) => {}
    }
    Some(Object {
        names: names.unwrap_or_default(),
        bbox: PixelBox::from_xywh(x?, y?, w?, h?).ok()?.into(),
        id: id.map(ObjectId::VisualGenome),
        synsets: synsets.unwrap_or_default(),
        merged_ids: merged_ids.unwrap_or_default(),
        is_crowd: false,
    })
}

pub(super) fn object_ids(cursor: &mut Cursor<'_>) -> Option<Vec<ObjectId>> {
    let mut ids = Vec::new();
    cursor.list(|cursor| {
        ids.push(ObjectId::VisualGenome(cursor.integer()?));
        Some(())
    })?;
    Some(ids)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::de::DeserializeOwned;

    use super::*;
    use crate::annotation::problem::InputProblem;
    use crate::annotation::visual_genome::raw::{RawList, RawObject, RawRegion, RawRelationship};

    const OBJECTS: &str = r#"{"image_id": 7, "objects": [{"synsets": ["a.n.01"], "h": 60, "object_id": 8, "names": ["caf\u00e9 \"x\"", "b"], "w": 1234567, "y": -20, "x": 0.5}, {"object_id": 9, "x": 1, "y": 2, "w": 3, "h": 4, "merged_object_ids": [1, 2]}], "image_url": "u"}"#;
    const REGIONS: &str = r#"{"regions": [{"region_id": 4, "width": 60, "height": 12345678, "image_id": 7, "phrase": "ein \u00fc", "y": 0, "x": -1}, {"phrase": "é", "x": 1, "y": 2, "width": 3, "height": 4}], "id": 7}"#;
    const ATTRIBUTES: &str = r#"{"image_id": 7, "attributes": [{"names": ["a"], "x": 1, "y": 2, "w": 3, "h": 4, "attributes": ["red", "tall"], "synsets": []}]}"#;
    const RELATIONSHIPS: &str = r#"{"relationships": [{"predicate": "ON", "object": {"name": "a", "h": 1, "w": 2, "x": 3, "y": 4}, "relationship_id": 15, "synsets": ["b.r.01"], "subject": {"names": ["c"], "h": 1, "w": 2, "x": 3, "y": 4}}], "image_id": 7}"#;

    /// The same with their keys in the order of the published files.
    const USUAL: [&str; 4] = [
        r#"{"image_id": 7, "objects": [{"synsets": ["a.n.01", "b"], "h": 60, "object_id": 8, "merged_object_ids": [1, 2], "names": ["caf\u00e9 \"x\""], "w": 12, "y": -20, "x": 5}, {"synsets": [], "h": 4, "object_id": 9, "names": ["b"], "w": 3, "y": 2, "x": 1}]}"#,
        r#"{"regions": [{"region_id": 4, "width": 60, "height": 12345678, "image_id": 7, "phrase": "ein \u00fc", "y": 0, "x": -1}, {"region_id": 5, "width": 3, "height": 4, "image_id": 7, "phrase": "é", "y": 2, "x": 1}], "id": 7}"#,
        r#"{"image_id": 7, "attributes": [{"synsets": ["a.n.01"], "h": 4, "object_id": 9, "names": ["a"], "w": 3, "attributes": ["red", "tall"], "y": 2, "x": 1}]}"#,
        r#"{"relationships": [{"predicate": "ON", "object": {"name": "a", "h": 1, "object_id": 5, "synsets": ["a.n.01"], "w": 2, "y": 4, "x": 3}, "relationship_id": 15, "synsets": ["b.r.01"], "subject": {"name": "c", "h": 1, "object_id": 6, "synsets": [], "w": 2, "y": 4, "x": 3}}], "image_id": 7}"#,
    ];

    /// What is accepted is what the other way makes of it.
    fn check<R: DeserializeOwned, T: Plain + PartialEq + std::fmt::Debug>(
        json: &[u8],
        kind: &str,
        make: impl Fn(R) -> Result<T, InputProblem>,
    ) -> bool {
        let Some(plain) = annotations::<T>(json, kind, 7) else { return false };
        let raw: RawList<R> = serde_json::from_slice(json).unwrap();
        let raw: Vec<T> = raw.list.unwrap().into_iter().map(|raw| make(raw).unwrap()).collect();
        assert_eq!(plain, raw, "{}", String::from_utf8_lossy(json));
        true
    }

    fn check_all(json: &[u8]) -> [bool; 4] {
        [
            check(json, "objects", RawObject::object),
            check(json, "regions", |raw: RawRegion| raw.region(7)),
            check(json, "attributes", RawObject::attribute),
            check(json, "relationships", RawRelationship::relationship),
        ]
    }

    #[test]
    fn published_forms_are_accepted() {
        let whole = OBJECTS.replace("0.5", "5");
        assert_eq!(check_all(whole.as_bytes()), [true, false, false, false]);
        assert_eq!(check_all(REGIONS.as_bytes()), [false, true, false, false]);
        assert_eq!(check_all(ATTRIBUTES.as_bytes()), [false, false, true, false]);
        assert_eq!(check_all(RELATIONSHIPS.as_bytes()), [false, false, false, true]);
        for (index, usual) in USUAL.iter().enumerate() {
            let expected: [bool; 4] = std::array::from_fn(|file| file == index);
            assert_eq!(check_all(usual.as_bytes()), expected, "{usual}");
        }
        // Fractions and foreign images are for the other way.
        assert_eq!(check_all(OBJECTS.as_bytes()), [false; 4]);
        assert_eq!(check_all(REGIONS.replace("\"image_id\": 7", "\"image_id\": 8").as_bytes()), [false; 4]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(8_000))]

        #[test]
        fn what_is_accepted_is_read_the_same(
            file in 0_usize..8,
            at in any::<prop::sample::Index>(),
            len in 0_usize..3,
            with in "[\\[\\]{},:\"0-9eE.+\\\\ \\x00-\\x20a-z-]{0,2}|\"(id|x|names|name|image_id)\": [0-9]{1,17}, ",
        ) {
            let texts = [OBJECTS, REGIONS, ATTRIBUTES, RELATIONSHIPS].into_iter().chain(USUAL);
            let mut text = texts.collect::<Vec<_>>()[file].replace("0.5", "5").into_bytes();
            let at = at.index(text.len());
            text.splice(at..text.len().min(at + len), with.into_bytes());
            check_all(&text);
        }
    }
}
