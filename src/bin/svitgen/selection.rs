//! Which images of the input a command works on.

use std::path::PathBuf;

use svitgen::annotation::{RecordSource, Selected, Selection, Shard, read_coco_ids, read_image_ids};

use crate::failure::Failure;

#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Images")]
pub(crate) struct SelectionArgs {
    /// Only this image. Repeatable.
    #[arg(long, value_name = "ID")]
    image: Vec<String>,
    /// Only the images in FILE: ids, one a line or as a JSON array. Repeatable.
    #[arg(long, value_name = "FILE")]
    images: Vec<PathBuf>,
    /// Only the images with the COCO ids in FILE; names of image files count too. Repeatable.
    #[arg(long, value_name = "FILE")]
    coco_images: Vec<PathBuf>,
    /// None of the images in FILE, such as those of a benchmark. Repeatable.
    #[arg(long, value_name = "FILE")]
    exclude: Vec<PathBuf>,
    /// None of the images with the COCO ids in FILE; names of image files count too. Repeatable.
    #[arg(long, value_name = "FILE")]
    exclude_coco: Vec<PathBuf>,
    /// Only images with captions.
    #[arg(long)]
    with_captions: bool,
    /// Only images with at least N objects.
    #[arg(long, value_name = "N", default_value_t = 0)]
    min_objects: usize,
    /// Only images with at least N regions.
    #[arg(long, value_name = "N", default_value_t = 0)]
    min_regions: usize,
    /// Of these, N picked by the seed.
    #[arg(long, value_name = "N")]
    pick: Option<usize>,
    /// Of these, part K of N: together the parts are everything, and each has about as many tokens.
    #[arg(long, value_name = "K/N")]
    shard: Option<Shard>,
    /// Of these, the first N in order of id.
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
}

impl SelectionArgs {
    /// The chosen images of a source, all but the limit.
    pub(crate) fn of<S: RecordSource>(&self, source: S, seed: u64) -> Result<Selected<S>, Failure> {
        Ok(self.selection(seed)?.of(source))
    }

    /// Most images, in order of id.
    pub(crate) fn limit(&self) -> Option<usize> {
        self.limit
    }

    fn selection(&self, seed: u64) -> Result<Selection, Failure> {
        let mut selection = Selection::default().with_min_objects(self.min_objects).with_min_regions(self.min_regions);
        if !self.image.is_empty() {
            selection = selection.with_images(self.image.iter().map(String::as_str));
        }
        for path in &self.images {
            selection = selection.with_images(read_image_ids(path)?);
        }
        for path in &self.coco_images {
            selection = selection.with_coco_images(read_coco_ids(path)?);
        }
        for path in &self.exclude {
            selection = selection.without_images(read_image_ids(path)?);
        }
        for path in &self.exclude_coco {
            selection = selection.without_coco_images(read_coco_ids(path)?);
        }
        if self.with_captions {
            selection = selection.with_captions();
        }
        if let Some(n) = self.pick {
            selection = selection.with_pick(n, seed);
        }
        if let Some(shard) = self.shard {
            selection = selection.with_shard(shard);
        }
        Ok(selection)
    }
}

/// Says on stderr why no image is left, where that is so.
pub(crate) fn explain_nothing<S: RecordSource>(selected: &Selected<S>) -> Result<(), Failure> {
    let (n_taken, not_taken) = selected.count()?;
    if n_taken == 0 {
        let reasons: Vec<String> = not_taken.iter().map(|(reason, n)| format!("{n} {reason}")).collect();
        let reasons = if reasons.is_empty() { "it holds none".to_owned() } else { reasons.join(", ") };
        eprintln!("no image of the input is chosen: {reasons}");
    }
    Ok(())
}
