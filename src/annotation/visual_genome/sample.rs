//! The scenes that come with the crate, in the layout of Visual Genome and COCO; `data/sample/README.md` tells of them.

use crate::annotation::{Coco, Input, OnBadInput, VisualGenome, VisualGenomeFiles};
use crate::error::Result;

macro_rules! input {
    ($path:literal) => {
        Input::bytes($path, include_bytes!(concat!("../../../data/sample/", $path)).as_slice())
    };
}

impl VisualGenome {
    /// Ten invented scenes with their COCO captions, compiled in: something to try everything on.
    ///
    /// # Errors
    /// None is expected; the files are tested.
    pub fn sample() -> Result<Self> {
        let coco = [
            input!("coco/captions_train2017.json"),
            input!("coco/captions_val2017.json"),
            input!("coco/instances_val2017.json"),
        ];
        let files = VisualGenomeFiles::new(
            input!("visual_genome/image_data.json"),
            input!("visual_genome/objects.json"),
            input!("visual_genome/region_descriptions.json"),
        );
        files
            .with_attributes(input!("visual_genome/attributes.json"))
            .with_relationships(input!("visual_genome/relationships.json"))
            .with_coco(Coco::from_inputs(coco, OnBadInput::Stop)?)
            .open()
    }
}
