//! Runs to look at: numbers of inputs and runs, one page of HTML about a run, and two runs side by side.
//!
//! [`Report`] writes a page that needs no network and no server. [`RunStatistics`], [`InputStatistics`] and [`RunDiff`]
//! are its numbers, for programs and terminals.
//!
//! Everything in a reply, an annotation or a URL is a stranger's: it becomes text, never markup. This module reads runs
//! and changes none. Start with [`Report`].

mod diff;
mod diff_page;
mod diff_text;
mod gallery;
mod html;
mod images;
mod input;
mod mentions;
mod page;
mod phrases;
mod picture;
mod plot;
mod replay;
mod reply;
mod sections;
mod selection;
mod statistics;
mod tally;
mod text;
mod walk;

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

pub use diff::{Difference, RunDiff};
pub use images::Images;
pub use input::InputStatistics;
pub use mentions::{ObjectCount, ObjectMentions};
pub use statistics::{RunStatistics, TaskStatistics, TokenPrices};
pub use tally::{Histogram, WordCounts};

use crate::annotation::{ImageId, RecordSource};
use crate::atomic;
use crate::error::Result;
use crate::pipeline::{Call, RunFolder};
use crate::report::gallery::{Shown, ShownUnit};
use crate::report::html::Html;
use crate::report::replay::Replay;
use crate::report::selection::{Selected, Selection};
use crate::report::walk::walk;
use crate::task::Task;

/// Units in a gallery, unless told otherwise.
const GALLERY: usize = 500;

/// Bytes of a gallery, unless told otherwise, images not counted.
const GALLERY_BYTES: usize = 8 << 20;

/// Bytes of the images in a report.
const IMAGE_BYTES: usize = 32 << 20;

/// A page of HTML about a run: the account, distributions, and a gallery of what was asked and answered.
///
/// It is one file that loads nothing, works without scripts for the essentials, and stays of bounded size: of a large
/// run the gallery shows a part, drawn by a hash of the image, evenly over tasks and states.
///
/// # Example
/// ```
/// use svitgen::{Pipeline, Task, VisualGenome, llm::RuleLlm, pipeline::RunFolder, report::Report};
/// # let folder = std::env::temp_dir().join(format!("svitgen-report-{}", std::process::id()));
/// let source = VisualGenome::sample()?;
/// let pipeline = Pipeline::builder(RuleLlm::new()).tasks(Task::built_in()).build()?;
/// futures::executor::block_on(pipeline.run(&source, &folder))?;
/// let page = Report::new(&RunFolder::open(&folder)?).with_source(&source).html()?;
/// assert!(page.html.starts_with("<!DOCTYPE html>"));
/// assert_eq!((page.n_shown, page.n_units), (40, 40));
/// # std::fs::remove_dir_all(folder).ok();
/// # Ok::<(), svitgen::Error>(())
/// ```
pub struct Report<'a> {
    run: &'a RunFolder,
    source: Option<&'a dyn RecordSource>,
    tasks: Vec<Task>,
    images: Images,
    gallery: usize,
    prices: Option<TokenPrices>,
}

/// A report that is written, and how much of the run its gallery shows.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Page {
    /// The page.
    pub html: String,
    /// Units in the gallery.
    pub n_shown: usize,
    /// Units of the run.
    pub n_units: u64,
}

impl<'a> Report<'a> {
    /// A report of what the folder holds: without records, it has no annotated boxes, no captions and no prompts.
    pub fn new(run: &'a RunFolder) -> Self {
        Self { run, source: None, tasks: Task::built_in(), images: Images::None, gallery: GALLERY, prices: None }
    }

    /// Sets the records that the run was made from: annotations are shown, and prompts made again.
    #[must_use]
    pub fn with_source(mut self, source: &'a dyn RecordSource) -> Self {
        self.source = Some(source);
        self
    }

    /// Adds tasks of your own, to read their replies again and to show what is what in them.
    #[must_use]
    pub fn with_tasks(mut self, tasks: impl IntoIterator<Item = Task>) -> Self {
        self.tasks.extend(tasks);
        self
    }

    /// Sets where the images are.
    #[must_use]
    pub fn with_images(mut self, images: Images) -> Self {
        self.images = images;
        self
    }

    /// Sets how many units the gallery shows at most; 500 unless set, and never more than about 8 MiB of them.
    #[must_use]
    pub fn with_gallery(mut self, n: usize) -> Self {
        self.gallery = n;
        self
    }

    /// Sets what tokens cost.
    #[must_use]
    pub fn with_prices(mut self, prices: TokenPrices) -> Self {
        self.prices = Some(prices);
        self
    }

    /// Writes the page to a file, whole or not at all.
    ///
    /// # Errors
    /// Those of [`html`](Self::html), and [`ErrorKind::Io`](crate::ErrorKind::Io) if the file cannot be written.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<Page> {
        let page = self.html()?;
        atomic::write(path.as_ref(), page.html.as_bytes())?;
        Ok(page)
    }

    /// The page.
    ///
    /// # Errors
    /// Those of [`RunFolder`] where a file of the run cannot be read, and those of the records.
    pub fn html(&self) -> Result<Page> {
        let mut shown = BTreeMap::new();
        let selected = self.select(&mut shown)?;
        let statistics = self.read(&mut shown)?;
        let replay = Replay::new(self.run, self.tasks.clone())?;
        let (cards, n_shown) = self.cards(&shown, &replay);
        let n_units = selected.n_offered;
        let sections = sections::Sections {
            run: self.run,
            manifest: &self.run.manifest()?,
            statistics: &statistics,
            prices: self.prices,
            cards: &cards,
            n_shown,
            n_units,
        };
        let mut body = Html::default();
        sections.write(&mut body);
        Ok(Page { html: page::document("svitgen report", &self.images, &body), n_shown, n_units })
    }

    /// Draws the units of the gallery.
    fn select(&self, shown: &mut BTreeMap<ImageId, Shown>) -> Result<Selected> {
        let mut selection = Selection::new(self.gallery);
        for task in self.run.tasks() {
            for unit in self.run.units(task)? {
                let unit = unit?;
                selection.offer((task, unit.state, unit.cause.clone()), &unit.image_id, task);
            }
        }
        let selected = selection.finish();
        for task in self.run.tasks() {
            for summary in self.run.units(task)? {
                let summary = summary?;
                let key = (summary.image_id, task.clone());
                if selected.units.contains(&key) {
                    let summary = crate::pipeline::UnitSummary { image_id: key.0.clone(), ..summary };
                    let unit = ShownUnit { task: key.1, summary, sample: None, calls: Vec::new() };
                    shown.entry(key.0).or_default().units.push(unit);
                }
            }
        }
        Ok(selected)
    }

    /// Counts everything, and keeps what the gallery shows.
    fn read(&self, shown: &mut BTreeMap<ImageId, Shown>) -> Result<RunStatistics> {
        let mut statistics = RunStatistics::start(self.run)?;
        walk(self.run, self.source, |step| {
            statistics.add(&step);
            if let Some(shown) = shown.get_mut(&step.image_id) {
                shown.record = step.record;
                for sample in step.samples {
                    if let Some(unit) = shown.units.iter_mut().find(|unit| unit.task == sample.task) {
                        unit.sample = Some(sample);
                    }
                }
            }
            Ok(())
        })?;
        for call in self.run.calls()? {
            let call = call?;
            statistics.add_call(&call);
            let units = shown.get_mut(&call.image_id).into_iter().flat_map(|shown| &mut shown.units);
            if let Some(unit) = units.into_iter().find(|unit| unit.task == call.task) {
                take(&mut unit.calls, call);
            }
        }
        Ok(statistics)
    }

    /// The cards in order of image id, as many as there is room for.
    fn cards(&self, shown: &BTreeMap<ImageId, Shown>, replay: &Replay) -> (Vec<Html>, usize) {
        let mut by_rank: Vec<_> = shown.iter().collect();
        by_rank.sort_by_key(|(image_id, _)| selection::rank(image_id));
        let (mut cards, mut n_shown) = (BTreeMap::new(), 0);
        let (mut bytes, mut image_bytes) = (0, 0);
        for (image_id, shown) in by_rank {
            let images = if image_bytes < IMAGE_BYTES { &self.images } else { &Images::None };
            let (card, image_len) = gallery::card(image_id, shown, replay, images);
            bytes += card.len() - image_len;
            image_bytes += image_len;
            if bytes > GALLERY_BYTES {
                break;
            }
            n_shown += shown.units.len();
            cards.insert(image_id, card);
        }
        (cards.into_values().collect(), n_shown)
    }
}

/// Keeps the last answer to each turn, but a reply rather than a failure: as the run does.
fn take(calls: &mut Vec<Call>, call: Call) {
    match calls.iter_mut().find(|known| known.turn == call.turn) {
        Some(known) if known.result.is_err() => *known = call,
        Some(_) => {}
        None => {
            calls.push(call);
            calls.sort_by_key(|call| call.turn);
        }
    }
}

impl fmt::Debug for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Report").field("run", &self.run).field("gallery", &self.gallery).finish_non_exhaustive()
    }
}
