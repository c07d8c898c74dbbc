//! Where the records of a command come from: Visual Genome, COCO, plain records, or the sample.

use std::path::PathBuf;

use svitgen::annotation::{Coco, Input, Jsonl, OnBadInput, ReadReport, RecordSource, VisualGenome, VisualGenomeFiles};

use crate::failure::{Failure, in_options};

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
    /// Records of your own, JSON, one a line, only `id` must be there; `-` for stdin. Such as {"id": 1, "width": 640,
    /// "height": 480, "captions": ["A dog."], "objects": [{"name": "dog", "bbox_xywh": [64, 96, 256, 288]}]}; with `bbox`
    /// ([x1, y1, x2, y2] as fractions) boxes need no size. `image` is the path of the image file.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["vg", "coco"])]
    records: Option<PathBuf>,
    /// The ten scenes that come with the program.
    #[arg(long, conflicts_with_all = ["vg", "coco", "records"])]
    sample: bool,
    /// Threads that read; as many as there are cores unless given.
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Folder that keeps where the records of Visual Genome stand, so that the next start is quick; `generate` keeps it
    /// in the run.
    #[arg(long, value_name = "DIR")]
    index: Option<PathBuf>,
    /// Leaves out and counts what is damaged, instead of stopping there.
    #[arg(long)]
    skip_bad: bool,
}

/// Says on stderr what a reader noticed, and what it left out, up to so many.
pub(crate) fn say_what_was_odd(found: &ReadReport, n_shown: usize) {
    for (what, n) in &found.notes {
        eprintln!("{what}: {n}");
    }
    say_what_is_damaged(found, n_shown);
}

/// Says on stderr what a reader left out, up to so many.
pub(crate) fn say_what_is_damaged(found: &ReadReport, n_shown: usize) {
    if found.skipped.is_empty() {
        return;
    }
    eprintln!("left out of the input, because it is damaged: {}", found.skipped.len());
    for error in found.skipped.iter().take(n_shown) {
        eprintln!("  {}", in_options(error.to_string()));
    }
    if found.skipped.len() > n_shown {
        eprintln!("  and {} more (`svitgen stats --skip-bad` lists them)", found.skipped.len() - n_shown);
    }
}

/// What of the annotations a command needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Needs {
    /// What the prompts of the built-in tasks show: no attributes and relationships.
    Prompts,
    Everything,
}

impl InputArgs {
    /// The same with a folder for the index, unless one is given.
    pub(crate) fn with_index(mut self, folder: PathBuf) -> Self {
        self.index.get_or_insert(folder);
        self
    }

    /// The records, where a command can do without them.
    pub(crate) fn open_if_given(&self) -> Result<Option<Box<dyn RecordSource>>, Failure> {
        let is_given = self.sample || self.vg.is_some() || self.records.is_some() || !self.coco.is_empty();
        is_given.then(|| self.open(Needs::Everything)).transpose()
    }

    pub(crate) fn open(&self, needs: Needs) -> Result<Box<dyn RecordSource>, Failure> {
        let on_bad = if self.skip_bad { OnBadInput::Skip } else { OnBadInput::Stop };
        if self.sample {
            return Ok(Box::new(VisualGenome::sample()?));
        }
        if let Some(path) = &self.records {
            let input =
                if path.as_os_str() == "-" { Input::reader("stdin", std::io::stdin())? } else { Input::path(path)? };
            return Ok(Box::new(Jsonl::from_input_with_threads(input, on_bad, self.threads())?));
        }
        let coco = self.coco(on_bad)?;
        match (&self.vg, coco) {
            (Some(folder), coco) => {
                let mut files = VisualGenomeFiles::find(folder)?.on_bad_input(on_bad).with_threads(self.threads());
                if needs == Needs::Prompts {
                    files = files.without_attributes().without_relationships();
                }
                if let Some(folder) = &self.index {
                    files = files.with_index_folder(folder);
                }
                if let Some(coco) = coco {
                    files = files.with_coco(coco);
                }
                Ok(Box::new(files.open()?))
            }
            (None, Some(coco)) => Ok(Box::new(coco)),
            (None, None) => Err(Failure::usage(
                "no input: give --vg DIR, --coco FILE or --records FILE, or --sample for the scenes of the program",
            )),
        }
    }

    /// The records once more, after a run has gone through them; what came from stdin is gone.
    pub(crate) fn open_again(&self, needs: Needs) -> Result<Box<dyn RecordSource>, Failure> {
        if self.records.as_deref().is_some_and(|path| path.as_os_str() == "-") {
            return Err(Failure::usage("the records came from stdin"));
        }
        self.open(needs)
    }

    pub(crate) fn threads(&self) -> usize {
        let n_cores = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        self.threads.unwrap_or_else(n_cores).max(1)
    }

    fn coco(&self, on_bad: OnBadInput) -> Result<Option<Coco>, Failure> {
        if self.coco.is_empty() {
            return Ok(None);
        }
        let inputs: Vec<Input> = self.coco.iter().map(Input::path).collect::<Result<_, _>>()?;
        Ok(Some(Coco::from_inputs(inputs, on_bad)?))
    }
}
