//! Records in the form that most have, read without detours.
//!
//! What is in any other form, or wrong, gives `None`: then [`keys`](super::keys) reads the record and says what is wrong
//! with it. So this file may be strict about everything, and what it accepts must be what the other way makes of it.

use crate::annotation::ImageId;
use crate::annotation::cursor::{Cursor, set};
use crate::annotation::jsonl::raw::{RawBoxed, RawObject, RawRecord, RawRegion};

/// Bytes of JSON that an object and a region take at least, about, so that lists grow seldom.
const MIN_BYTES: usize = 60;

pub(super) fn record(line: &[u8]) -> Option<RawRecord> {
    let mut cursor = Cursor::new(line)?;
    let (mut id, mut image, mut url, mut width, mut height) = (None, None, None, None, None);
    let (mut coco_id, mut flickr_id, mut captions, mut objects, mut regions) = (None, None, None, None, None);
    cursor.object(|cursor, key| match key {
        "id" | "image_id" => set(&mut id, image_id(cursor)?),
        "image" => set(&mut image, cursor.text()?),
        "url" => set(&mut url, cursor.text()?),
        "width" => set(&mut width, u32::try_from(cursor.integer()?).ok()?),
        "height" => set(&mut height, u32::try_from(cursor.integer()?).ok()?),
        "coco_id" => set(&mut coco_id, cursor.integer()?),
        "flickr_id" => set(&mut flickr_id, cursor.integer()?),
        "captions" => set(&mut captions, cursor.texts()?),
        "objects" | "instances" => set(&mut objects, list(cursor, line.len(), object)?),
        "regions" | "phrases" => set(&mut regions, list(cursor, line.len(), region)?),
        _ => None,
    })?;
    // White space may follow.
    if cursor.place().is_some() {
        return None;
    }
    Some(RawRecord {
        id: id?,
        image,
        url,
        width,
        height,
        coco_id,
        flickr_id,
        captions: captions.unwrap_or_default(),
        objects: objects.unwrap_or_default(),
        regions: regions.unwrap_or_default(),
        attributes: Vec::new(),
        relationships: Vec::new(),
        ignored: Vec::new(),
    })
}

fn image_id(cursor: &mut Cursor<'_>) -> Option<ImageId> {
    if cursor.peek()? == b'"' { cursor.text().map(ImageId::Text) } else { cursor.integer().map(ImageId::Number) }
}

fn list<T>(cursor: &mut Cursor<'_>, n_bytes: usize, take: impl Fn(&mut Cursor<'_>) -> Option<T>) -> Option<Vec<T>> {
    let mut list = Vec::with_capacity(n_bytes / MIN_BYTES / 2);
    cursor.list(|cursor| {
        list.push(take(cursor)?);
        Some(())
    })?;
    Some(list)
}

fn object(cursor: &mut Cursor<'_>) -> Option<RawObject> {
    let mut object = RawObject::default();
    cursor.object(|cursor, key| match key {
        "names" => set(&mut object.names, cursor.texts()?),
        "name" | "category" => set(&mut object.name, cursor.text()?),
        "bbox" => set(&mut object.bbox, four(cursor)?),
        "bbox_xywh" => set(&mut object.bbox_xywh, four(cursor)?),
        _ => None,
    })?;
    Some(object)
}

fn region(cursor: &mut Cursor<'_>) -> Option<RawRegion> {
    if cursor.peek()? == b'"' {
        return cursor.text().map(RawRegion::Phrase);
    }
    let (mut phrase, mut bbox, mut bbox_xywh) = (None, None, None);
    cursor.object(|cursor, key| match key {
        "phrase" => set(&mut phrase, cursor.text()?),
        "bbox" => set(&mut bbox, four(cursor)?),
        "bbox_xywh" => set(&mut bbox_xywh, four(cursor)?),
        _ => None,
    })?;
    Some(RawRegion::Boxed(RawBoxed { phrase: phrase?, bbox, bbox_xywh }))
}

fn four(cursor: &mut Cursor<'_>) -> Option<[f64; 4]> {
    let (mut four, mut n) = ([0.0; 4], 0);
    cursor.list(|cursor| {
        *four.get_mut(n)? = cursor.fraction()?;
        n += 1;
        Some(())
    })?;
    (n == 4).then_some(four)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RECORDS: [&str; 2] = [
        r#"{"id": 7, "image": "a/7.jpg", "url": "u", "coco_id": 3, "flickr_id": 4, "width": 10, "height": 20, "captions": ["caf\u00e9"], "objects": [{"names": ["a", "b"], "bbox": [0, 0.25, 0.3333333333333333, 1]}, {"name": "c", "bbox_xywh": [-1, 2.5, 3, 4]}], "regions": ["plain", {"phrase": "boxed", "bbox": [0.5, 0, 1, 1]}]}"#,
        r#"{"image_id": "b", "captions": [], "instances": [{"category": "cat", "bbox_xywh": [1, 2, 3, 4]}], "phrases": [{"phrase": "p"}]}"#,
    ];

    /// Whether a line is accepted; what is accepted is what the other way makes of it.
    fn check(line: &[u8]) -> bool {
        let Some(plain) = record(line) else { return false };
        let raw: RawRecord = serde_json::from_slice(line).unwrap();
        let json = |record: &RawRecord| serde_json::to_string(record).unwrap();
        assert_eq!(json(&plain), json(&raw), "{}", String::from_utf8_lossy(line));
        let (plain, raw) = (plain.record(), raw.record());
        assert_eq!(plain.ok(), raw.ok(), "{}", String::from_utf8_lossy(line));
        true
    }

    #[test]
    fn usual_forms_are_accepted() {
        assert!(RECORDS.iter().all(|line| check(line.as_bytes())));
        assert!(!check(RECORDS[1].replace("\"phrases\"", "\"score\"").as_bytes()));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]

        #[test]
        fn what_is_accepted_is_read_the_same(
            line in 0..RECORDS.len(),
            at in any::<prop::sample::Index>(),
            len in 0_usize..3,
            with in "[\\[\\]{},:\"0-9eE.+\\\\ \\x00-\\x20a-z-]{0,2}|\"(id|bbox|name|names|image_id)\": [0-9]{1,17}, ",
        ) {
            let mut text = RECORDS[line].as_bytes().to_vec();
            let at = at.index(text.len());
            text.splice(at..text.len().min(at + len), with.into_bytes());
            check(&text);
        }
    }
}
