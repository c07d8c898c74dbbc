//! What an input holds, in numbers.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::annotation::{BBox, ImageRecord, RecordSource};
use crate::bbox::{BoxError, ImageSize};
use crate::error::Result;
use crate::report::plot::grouped;
use crate::report::tally::{Histogram, WordCounts};
use crate::report::text::visible;

/// Width of the longest bar in a terminal, in characters.
const BAR: u64 = 40;

/// Most bars of a histogram in a terminal.
const MAX_BARS: usize = 12;

/// What an input holds, in numbers. [`Display`](fmt::Display) prints tables and histograms for a terminal.
///
/// # Example
/// ```
/// use svitgen::{VisualGenome, report::InputStatistics};
/// let statistics = InputStatistics::of(&VisualGenome::sample()?)?;
/// assert_eq!((statistics.images, statistics.without_annotations), (10, 1));
/// assert!(statistics.to_string().contains("objects per image"));
/// # Ok::<(), svitgen::Error>(())
/// ```
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct InputStatistics {
    /// Images.
    pub images: u64,
    /// Images about which nothing is known.
    pub without_annotations: u64,
    /// Annotations of each image by kind: `captions`, `objects`, `regions`, `attributes`, `relationships`.
    pub per_image: BTreeMap<&'static str, Histogram>,
    /// Images that have annotations of a kind.
    pub images_with: BTreeMap<&'static str, u64>,
    /// The names of objects, the first name of each.
    pub object_names: WordCounts,
    /// What is odd about images, texts and boxes, and how often: prompts clamp or leave out what is told of boxes here.
    pub quirks: BTreeMap<&'static str, u64>,
    /// What the reader noted: keys that were ignored, captions found twice.
    pub notes: BTreeMap<String, u64>,
    /// Images that one file has and another has not.
    pub one_sided: BTreeMap<String, u64>,
    /// What was left out because it was bad.
    pub skipped: u64,
}

impl InputStatistics {
    /// Goes through all records once; memory does not grow with their number.
    ///
    /// # Errors
    /// Those of the records.
    pub fn of(source: &dyn RecordSource) -> Result<Self> {
        let mut statistics = Self::default();
        for record in source.records() {
            statistics.add(&record?);
        }
        let report = source.report();
        statistics.skipped = report.skipped.len() as u64;
        statistics.notes = report.notes;
        statistics.one_sided = report.one_sided.into_iter().map(|(files, ids)| (files, ids.len() as u64)).collect();
        Ok(statistics)
    }

    /// Adds a record.
    pub fn add(&mut self, record: &ImageRecord) {
        self.images += 1;
        self.without_annotations += u64::from(record.is_empty());
        for (kind, n) in [
            ("captions", record.captions.len()),
            ("objects", record.objects.len()),
            ("regions", record.regions.len()),
            ("attributes", record.attributes.len()),
            ("relationships", record.relationships.len()),
        ] {
            self.per_image.entry(kind).or_default().add(n as u64);
            *self.images_with.entry(kind).or_default() += u64::from(n > 0);
        }
        let size = record.image.size;
        self.quirk("images of unknown size", size.is_none());
        for object in &record.objects {
            let name = object.names.first().map(|name| name.trim()).unwrap_or_default();
            self.quirk("objects without a name", name.is_empty());
            if !name.is_empty() {
                self.object_names.add(&name.to_lowercase());
            }
            self.quirk("objects that are a crowd", object.is_crowd);
            self.place(object.bbox, size, OBJECT_QUIRKS);
        }
        for region in &record.regions {
            self.quirk("regions without a phrase", region.phrase.trim().is_empty());
            match region.bbox {
                Some(bbox) => self.place(bbox, size, REGION_QUIRKS),
                None => self.quirk("regions without a box", true),
            }
        }
        self.quirk("images with more than five captions", record.captions.len() > 5);
        for caption in &record.captions {
            self.quirk("captions without text", caption.text.trim().is_empty());
            self.quirk("captions with white space at an end", caption.text.trim().len() != caption.text.len());
        }
    }

    fn quirk(&mut self, what: &'static str, is_there: bool) {
        if is_there {
            *self.quirks.entry(what).or_default() += 1;
        }
    }

    fn place(
        &mut self,
        bbox: BBox,
        size: Option<ImageSize>,
        [overhang, outside, empty, unknown, vanishing]: [&'static str; 5],
    ) {
        match bbox.to_unit(size) {
            Ok(clamped) => {
                self.quirk(overhang, !clamped.cut.is_none());
                self.quirk(vanishing, clamped.bbox.rounded().is_err());
            }
            Err(BoxError::Outside) => self.quirk(outside, true),
            Err(BoxError::NoSize) => self.quirk(unknown, true),
            Err(_) => self.quirk(empty, true),
        }
    }
}

const OBJECT_QUIRKS: [&str; 5] = [
    "object boxes that overhang the image",
    "object boxes outside the image",
    "object boxes without area",
    "object boxes in pixels of an unknown size",
    "object boxes too small for three decimals",
];

const REGION_QUIRKS: [&str; 5] = [
    "region boxes that overhang the image",
    "region boxes outside the image",
    "region boxes without area",
    "region boxes in pixels of an unknown size",
    "region boxes too small for three decimals",
];

impl fmt::Display for InputStatistics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let without = grouped(self.without_annotations);
        writeln!(f, "{} images, {without} of them without annotations\n", grouped(self.images))?;
        writeln!(
            f,
            "{:<15}{:>12}{:>12}{:>9}{:>9}{:>9}",
            "annotations", "in all", "on images", "mean", "median", "most"
        )?;
        for (kind, histogram) in self.per_image.iter().filter(|(_, histogram)| histogram.sum() > 0) {
            writeln!(
                f,
                "{kind:<15}{:>12}{:>12}{:>9.1}{:>9}{:>9}",
                grouped(histogram.sum()),
                grouped(self.images_with.get(kind).copied().unwrap_or(0)),
                histogram.mean(),
                histogram.quantile(0.5),
                grouped(histogram.max()),
            )?;
        }
        for (kind, histogram) in self.per_image.iter().filter(|(_, histogram)| histogram.sum() > 0) {
            writeln!(f, "\n{kind} per image")?;
            let bars = histogram.bars(MAX_BARS);
            let label = |(start, n): &(u64, u64)| (start.to_string(), *n);
            write_bars(f, &bars.iter().map(label).collect::<Vec<_>>())?;
        }
        let names = self.object_names.top(10);
        if !names.is_empty() {
            writeln!(f, "\nmost frequent objects, of {} names", grouped(self.object_names.n_different() as u64))?;
            write_bars(f, &names.iter().map(|(name, n)| (visible(name), *n)).collect::<Vec<_>>())?;
        }
        write_counts(f, "what is odd", self.quirks.iter().map(|(what, n)| (*what, *n)))?;
        write_counts(f, "what the reader noted", self.notes.iter().map(|(what, n)| (&**what, *n)))?;
        write_counts(f, "images in one file only", self.one_sided.iter().map(|(what, n)| (&**what, *n)))?;
        if self.skipped > 0 {
            writeln!(f, "\n{} bad parts were left out", grouped(self.skipped))?;
        }
        Ok(())
    }
}

/// Bars with their names before and their counts behind them.
fn write_bars(f: &mut fmt::Formatter<'_>, bars: &[(String, u64)]) -> fmt::Result {
    let most = bars.iter().map(|bar| bar.1).max().unwrap_or(0).max(1);
    let width = bars.iter().map(|bar| bar.0.chars().count()).max().unwrap_or(0).max(6);
    for (name, n) in bars {
        // In halves of a character, so that small counts can be seen.
        let halves = (u128::from(*n) * u128::from(BAR * 2)).div_ceil(u128::from(most)) as usize;
        let bar = "█".repeat(halves / 2) + if halves % 2 == 1 { "▌" } else { "" };
        writeln!(f, "  {name:>width$} {bar} {}", grouped(*n))?;
    }
    Ok(())
}

fn write_counts<'a>(
    f: &mut fmt::Formatter<'_>,
    what: &str,
    counts: impl Iterator<Item = (&'a str, u64)>,
) -> fmt::Result {
    for (index, (name, n)) in counts.enumerate() {
        if index == 0 {
            writeln!(f, "\n{what}")?;
        }
        writeln!(f, "{:>10}  {}", grouped(n), visible(name))?;
    }
    Ok(())
}
