//! The image of a record: its id, its size and where it lies.

use std::fmt;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::bbox::ImageSize;

/// An image's id: an integer (Visual Genome, COCO) or a string (LLaVA writes `"000000097131"`).
///
/// Ordered integers first, ascending, then strings.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(untagged)]
pub enum ImageId {
    /// An integer id.
    Number(u64),
    /// Any other id.
    Text(String),
}

impl From<u64> for ImageId {
    fn from(id: u64) -> Self {
        Self::Number(id)
    }
}

impl From<&str> for ImageId {
    fn from(id: &str) -> Self {
        Self::Text(id.to_owned())
    }
}

impl From<String> for ImageId {
    fn from(id: String) -> Self {
        Self::Text(id)
    }
}

impl fmt::Display for ImageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(id) => id.fmt(f),
            Self::Text(id) => id.fmt(f),
        }
    }
}

/// Written by hand: derived, it would copy each id before it looks at it.
impl<'de> Deserialize<'de> for ImageId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct IdVisitor;

        impl Visitor<'_> for IdVisitor {
            type Value = ImageId;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an image id, which is an integer of at least 0 or a string")
            }

            fn visit_u64<E: de::Error>(self, id: u64) -> Result<ImageId, E> {
                Ok(id.into())
            }

            fn visit_str<E: de::Error>(self, id: &str) -> Result<ImageId, E> {
                Ok(id.into())
            }
        }

        deserializer.deserialize_any(IdVisitor)
    }
}

/// An image's id in COCO, by which captions are joined.
///
/// Source: `coco_id` of `image_data.json`; `id` of `images` and `image_id` of `annotations` in COCO files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CocoId(pub u64);

impl fmt::Display for CocoId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An image by id, size and place; never its pixels.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Image {
    /// The id in the data set that the record comes from.
    pub id: ImageId,
    /// Size in pixels; `None` where the source does not tell it, and then its boxes are fractions.
    pub size: Option<ImageSize>,
    /// Where the image can be fetched.
    pub url: Option<String>,
    /// Path below the folder of images, where the source names it rather than a URL.
    pub file: Option<String>,
    /// The same image in COCO.
    pub coco_id: Option<CocoId>,
    /// The same image on Flickr.
    pub flickr_id: Option<u64>,
}

impl Image {
    /// An image of which only the id is known.
    pub fn new(id: impl Into<ImageId>) -> Self {
        Self { id: id.into(), size: None, url: None, file: None, coco_id: None, flickr_id: None }
    }

    /// Path of the image file below a folder of images: [`file`](Self::file) if there is one, else folder and name from
    /// the URL (`VG_100K_2/1.jpg`), else the id with `.jpg`.
    ///
    /// It is relative, has `/` as separator and no `..`, whatever a file says.
    pub fn path(&self) -> String {
        let from_url = || self.url.as_deref().and_then(path_of_url);
        let from_file = self.file.as_deref().filter(|file| is_safe_path(file)).map(str::to_owned);
        from_file.or_else(from_url).unwrap_or_else(|| fallback_name(&self.id))
    }
}

/// The last folder and the file name of a URL: images of one id may lie in different folders.
fn path_of_url(url: &str) -> Option<String> {
    let path = url.split(['?', '#']).next()?;
    let path = path.split_once("://").map_or(path, |(_, rest)| rest);
    let mut segments = path.rsplit('/');
    let (name, folder) = (segments.next()?, segments.next()?);
    // The first segment is the host, not a folder.
    let path = if segments.next().is_some() { format!("{folder}/{name}") } else { name.to_owned() };
    is_safe_path(&path).then_some(path)
}

fn is_safe_path(path: &str) -> bool {
    !path.is_empty()
        && !path.contains(['\\', ':', '\0', '\n', '\r'])
        && path.split('/').all(|segment| !matches!(segment, "" | "." | ".."))
}

fn fallback_name(id: &ImageId) -> String {
    let name: String =
        id.to_string().chars().map(|c| if matches!(c, '/' | '\\' | ':') || c.is_control() { '_' } else { c }).collect();
    format!("{name}.jpg")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_order_integers_before_strings() {
        let mut ids: Vec<ImageId> = vec!["9".into(), 10.into(), "10".into(), 9.into()];
        ids.sort();
        assert_eq!(ids, [9.into(), 10.into(), "10".into(), "9".into()]);
    }

    #[test]
    fn path_comes_from_the_url() {
        let path = |url: &str| {
            let mut image = Image::new(7);
            image.url = Some(url.to_owned());
            image.path()
        };
        assert_eq!(path("https://cs.stanford.edu/people/rak248/VG_100K_2/1.jpg"), "VG_100K_2/1.jpg");
        assert_eq!(path("http://images.cocodataset.org/val2017/000000000139.jpg?x=1"), "val2017/000000000139.jpg");
        assert_eq!(path("https://host/1.jpg"), "1.jpg");
        assert_eq!(path("https://host/a/../1.jpg"), "7.jpg");
        assert_eq!(path("https://host/a/.."), "7.jpg");
        assert_eq!(path(""), "7.jpg");
        assert_eq!(Image::new("../etc/x").path(), ".._etc_x.jpg");
    }
}
