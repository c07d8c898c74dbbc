//! Where the records of a command come from: Visual Genome, COCO, plain records, or the sample.

use std::path::PathBuf;

use svitgen::annotation::{Coco, Input, Jsonl, OnBadInput, RecordSource, VisualGenome, VisualGenomeFiles};

use crate::failure::Failure;

#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Input")]
pub(crate) struct InputArgs {
    /// Folder with Visual Genome's image_data, objects and region_descriptions (attributes and relationships too, if
    /// they are there), with or without a version suffix.
    #[arg(long, value_name = "DIR")]
    vg: Option<PathBuf>,
    /// Captions or instances of COCO; give train and val, for Visual Genome has images of both. Repeatable.
    #[arg(long, value_name = "FILE")]
    coco: Vec<PathBuf>,
    /// Plain records, JSON, one a line.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["vg", "coco"])]
    records: Option<PathBuf>,
    /// The ten scenes that come with the program.
    #[arg(long, conflicts_with_all = ["vg", "coco", "records"])]
    sample: bool,
    /// Leaves out and counts what is damaged, instead of stopping there.
    #[arg(long)]
    skip_bad: bool,
}

impl InputArgs {
    /// The records, where a command can do without them.
    pub(crate) fn open_if_given(&self) -> Result<Option<Box<dyn RecordSource>>, Failure> {
        let is_given = self.sample || self.vg.is_some() || self.records.is_some() || !self.coco.is_empty();
        is_given.then(|| self.open()).transpose()
    }

    pub(crate) fn open(&self) -> Result<Box<dyn RecordSource>, Failure> {
        let on_bad = if self.skip_bad { OnBadInput::Skip } else { OnBadInput::Stop };
        if self.sample {
            return Ok(Box::new(VisualGenome::sample()?));
        }
        if let Some(path) = &self.records {
            return Ok(Box::new(Jsonl::from_input(Input::path(path)?, on_bad)?));
        }
        let coco = self.coco(on_bad)?;
        match (&self.vg, coco) {
            (Some(folder), coco) => {
                let files = VisualGenomeFiles::find(folder)?.on_bad_input(on_bad);
                let files = if let Some(coco) = coco { files.with_coco(coco) } else { files };
                Ok(Box::new(files.open()?))
            }
            (None, Some(coco)) => Ok(Box::new(coco)),
            (None, None) => Err(Failure::usage(
                "no input: give --vg DIR, --coco FILE or --records FILE, or --sample for the scenes of the program",
            )),
        }
    }

    fn coco(&self, on_bad: OnBadInput) -> Result<Option<Coco>, Failure> {
        if self.coco.is_empty() {
            return Ok(None);
        }
        let inputs: Vec<Input> = self.coco.iter().map(Input::path).collect::<Result<_, _>>()?;
        Ok(Some(Coco::from_inputs(inputs, on_bad)?))
    }
}
