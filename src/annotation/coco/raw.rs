//! The JSON of COCO as it is; from here only our own types go on.

use serde::Deserialize;

use crate::annotation::problem::InputProblem;
use crate::annotation::{CocoId, Image};
use crate::bbox::ImageSize;

#[derive(Deserialize)]
#[serde(expecting = "an image")]
pub(super) struct RawCocoImage {
    id: u64,
    width: u32,
    height: u32,
    #[serde(default)]
    file_name: Option<String>,
    #[serde(default)]
    coco_url: Option<String>,
}

impl RawCocoImage {
    pub(super) fn image(self) -> Result<Image, InputProblem> {
        let mut image = Image::new(self.id);
        image.size = Some(ImageSize::new(self.width, self.height)?);
        image.coco_id = Some(CocoId(self.id));
        // The URL knows the folder, the file name alone does not.
        image.file = if self.coco_url.is_none() { self.file_name } else { None };
        image.url = self.coco_url;
        Ok(image)
    }
}

#[derive(Deserialize)]
#[serde(expecting = "a caption")]
pub(super) struct RawCaption {
    pub(super) caption: String,
    #[serde(default)]
    pub(super) id: Option<u64>,
}

#[derive(Deserialize)]
#[serde(expecting = "an instance")]
pub(super) struct RawInstance {
    /// x, y, width, height in pixels.
    pub(super) bbox: [f64; 4],
    pub(super) category_id: u64,
    #[serde(default)]
    pub(super) id: Option<u64>,
    #[serde(default)]
    pub(super) iscrowd: u8,
}

#[derive(Deserialize)]
#[serde(expecting = "a category")]
pub(super) struct RawCategory {
    pub(super) id: u64,
    pub(super) name: String,
}
