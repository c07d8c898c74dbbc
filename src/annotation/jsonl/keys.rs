//! Reads a record key by key.

use std::borrow::Cow;
use std::fmt;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::annotation::jsonl::raw::{RawBoxed, RawRecord, RawRegion};

impl<'de> Deserialize<'de> for RawRecord {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(RecordVisitor)
    }
}

struct RecordVisitor;

impl<'de> Visitor<'de> for RecordVisitor {
    type Value = RawRecord;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a record: an object with an `id`, one a line")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RawRecord, A::Error> {
        let (mut id, mut image, mut url, mut width, mut height) = (None, None, None, None, None);
        let (mut coco_id, mut flickr_id, mut captions, mut objects) = (None, None, None, None);
        let (mut regions, mut attributes, mut relationships) = (None, None, None);
        let mut ignored = Vec::new();
        while let Some(Key(key)) = map.next_key()? {
            match key.as_ref() {
                "id" | "image_id" => set(&mut id, &mut map, "id")?,
                "image" => set(&mut image, &mut map, "image")?,
                "url" => set(&mut url, &mut map, "url")?,
                "width" => set(&mut width, &mut map, "width")?,
                "height" => set(&mut height, &mut map, "height")?,
                "coco_id" => set(&mut coco_id, &mut map, "coco_id")?,
                "flickr_id" => set(&mut flickr_id, &mut map, "flickr_id")?,
                "captions" => set(&mut captions, &mut map, "captions")?,
                "objects" | "instances" => set(&mut objects, &mut map, "objects")?,
                "regions" | "phrases" => set(&mut regions, &mut map, "regions")?,
                "attributes" => set(&mut attributes, &mut map, "attributes")?,
                "relationships" => set(&mut relationships, &mut map, "relationships")?,
                _ => {
                    ignored.push(key.into_owned());
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(RawRecord {
            id: id.ok_or_else(|| A::Error::missing_field("id"))?,
            image: image.flatten(),
            url: url.flatten(),
            width: width.flatten(),
            height: height.flatten(),
            coco_id: coco_id.flatten(),
            flickr_id: flickr_id.flatten(),
            captions: captions.map(|Captions(captions)| captions).unwrap_or_default(),
            objects: objects.unwrap_or_default(),
            regions: regions.unwrap_or_default(),
            attributes: attributes.unwrap_or_default(),
            relationships: relationships.unwrap_or_default(),
            ignored,
        })
    }
}

fn set<'de, A: MapAccess<'de>, T: Deserialize<'de>>(
    field: &mut Option<T>,
    map: &mut A,
    name: &'static str,
) -> Result<(), A::Error> {
    match field.replace(map.next_value()?) {
        None => Ok(()),
        Some(_) => Err(A::Error::duplicate_field(name)),
    }
}

/// A key, borrowed where it has no escapes.
struct Key<'de>(Cow<'de, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyVisitor;

        impl<'de> Visitor<'de> for KeyVisitor {
            type Value = Key<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }

            fn visit_borrowed_str<E: Error>(self, key: &'de str) -> Result<Key<'de>, E> {
                Ok(Key(key.into()))
            }

            fn visit_str<E: Error>(self, key: &str) -> Result<Key<'de>, E> {
                Ok(Key(key.to_owned().into()))
            }
        }

        deserializer.deserialize_str(KeyVisitor)
    }
}

/// A list of texts, or one text.
struct Captions(Vec<String>);

impl<'de> Deserialize<'de> for Captions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct CaptionsVisitor;

        impl<'de> Visitor<'de> for CaptionsVisitor {
            type Value = Captions;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`captions` as a list of texts or one text")
            }

            fn visit_str<E: Error>(self, caption: &str) -> Result<Captions, E> {
                Ok(Captions(vec![caption.to_owned()]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, captions: A) -> Result<Captions, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(captions)).map(Captions)
            }
        }

        deserializer.deserialize_any(CaptionsVisitor)
    }
}

impl<'de> Deserialize<'de> for RawRegion {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct RegionVisitor;

        impl<'de> Visitor<'de> for RegionVisitor {
            type Value = RawRegion;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a region as a text, or as an object with `phrase` and a box")
            }

            fn visit_str<E: Error>(self, phrase: &str) -> Result<RawRegion, E> {
                Ok(RawRegion::Phrase(phrase.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<RawRegion, A::Error> {
                RawBoxed::deserialize(MapAccessDeserializer::new(map)).map(RawRegion::Boxed)
            }
        }

        deserializer.deserialize_any(RegionVisitor)
    }
}
