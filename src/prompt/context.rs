//! The annotations of a record as text: sections of lines, each line one fact.
//!
//! ```text
//! Objects:
//! - girl / woman: [0.100, 0.200, 0.300, 0.400]
//! - crowd of person: [0.000, 0.500, 0.300, 0.700]
//!
//! Attributes:
//! - clock [0.526, 0.152, 0.625, 0.717]: green, tall
//!
//! Relationships:
//! - man [0.302, 0.400, 0.350, 0.600] wears shirt [0.302, 0.450, 0.350, 0.500]
//! ```

use std::borrow::Cow;

use crate::annotation::{Attribute, BBox, Few, ImageRecord, Object, Region, Relationship};
use crate::bbox::{ImageSize, UnitBox};
use crate::prompt::lines::{Line, Lines, SEPARATOR};
use crate::prompt::merge::{ShownObject, ShownObjects, ShownTexts};
use crate::prompt::text::{clean, folded_hash};
use crate::prompt::{LeftOutReason, PromptOptions, PromptReport};
use crate::task::{Section, Task};

/// About how long a line is.
const LINE: usize = 48;

/// All lines that a prompt can show of a record.
pub(super) fn lines<'a>(record: &'a ImageRecord, task: &'a Task, options: &'a PromptOptions) -> Lines<'a> {
    let n_lines = record.captions.len() + record.objects.len() + record.regions.len();
    let mut gatherer = Gatherer {
        size: record.image.size,
        task,
        options,
        objects: ShownObjects::default(),
        text: String::with_capacity(n_lines * LINE),
        lines: Vec::with_capacity(n_lines),
        report: PromptReport::default(),
    };
    gatherer.gather(record);
    let Gatherer { objects, text, lines, report, .. } = gatherer;
    Lines { text, lines, objects: objects.objects, report }
}

struct Gatherer<'a> {
    size: Option<ImageSize>,
    task: &'a Task,
    options: &'a PromptOptions,
    objects: ShownObjects<'a>,
    /// The text of all lines.
    text: String,
    lines: Vec<Line>,
    report: PromptReport,
}

impl<'a> Gatherer<'a> {
    fn gather(&mut self, record: &'a ImageRecord) {
        for section in self.task.sections().iter() {
            match section {
                Section::Captions => self.unique_lines(section, &record.captions, |gatherer, caption, _| {
                    gatherer.text.push_str(&clean(&caption.text)?);
                    Ok(())
                }),
                Section::Objects => self.objects(&record.objects),
                Section::Regions => self.unique_lines(section, &record.regions, Self::region),
                Section::Attributes => self.unique_lines(section, &record.attributes, Self::attribute),
                Section::Relationships => self.unique_lines(section, &record.relationships, Self::relationship),
            }
        }
    }

    /// Adds a section of which each line stands once.
    fn unique_lines<T>(
        &mut self,
        section: Section,
        annotations: &'a [T],
        write: impl Fn(&mut Self, &'a T, &mut Line) -> Result<(), LeftOutReason>,
    ) {
        let mut shown = ShownTexts::with_capacity(annotations.len());
        let mut n_lines = 0;
        for annotation in annotations {
            let mut line = Line::begin(section, &self.text);
            let start = line.range.start;
            let reason = match write(self, annotation, &mut line) {
                Ok(()) if n_lines >= self.options.max(section) => LeftOutReason::OverLimit,
                Ok(()) if self.options.merge_phrases && !shown.is_new(&self.text[start..]) => LeftOutReason::Merged,
                Ok(()) => {
                    n_lines += 1;
                    self.end(line);
                    continue;
                }
                Err(reason) => reason,
            };
            self.text.truncate(start);
            self.report.leave_out(section, reason, 1);
        }
    }

    fn end(&mut self, mut line: Line) {
        line.range.end = self.text.len();
        self.lines.push(line);
    }

    fn objects(&mut self, objects: &'a [Object]) {
        self.objects = ShownObjects::with_capacity(objects.len());
        let mut clamped = Vec::with_capacity(objects.len());
        let mut n_over_limit = 0;
        for object in objects {
            let (shown, is_clamped) = match self.shown_object(object) {
                Ok(shown) => shown,
                Err(reason) => {
                    self.report.leave_out(Section::Objects, reason, 1);
                    continue;
                }
            };
            let index = if let Some(index) = self.objects.same_as(&shown, self.options.merge_iou) {
                self.objects.merge(index, shown);
                self.report.leave_out(Section::Objects, LeftOutReason::Merged, 1);
                index
            } else if self.objects.objects.len() >= self.options.max(Section::Objects) {
                n_over_limit += 1;
                continue;
            } else {
                clamped.push(is_clamped);
                self.objects.push(shown)
            };
            if self.mentions_objects() {
                self.objects.identify(index, object);
            }
        }
        if n_over_limit > 0 {
            self.report.leave_out(Section::Objects, LeftOutReason::OverLimit, n_over_limit);
        }
        for (index, is_clamped) in clamped.into_iter().enumerate() {
            self.object(index, is_clamped);
        }
    }

    fn object(&mut self, index: usize, is_clamped: bool) {
        let object = &self.objects.objects[index];
        let mut line = Line::begin(Section::Objects, &self.text);
        self.text.push_str(if object.is_crowd { "crowd of " } else { "" });
        for (position, name) in object.names.iter().enumerate() {
            self.text.push_str(if position > 0 { SEPARATOR } else { "" });
            self.text.push_str(name);
        }
        self.text.push_str(": ");
        line.push_object(&mut self.text, index, object.bbox);
        line.clamped = usize::from(is_clamped);
        line.place = Some(object.bbox);
        self.end(line);
    }

    /// Whether other sections look objects up by their ids.
    fn mentions_objects(&self) -> bool {
        self.task.sections().iter().any(|section| matches!(section, Section::Attributes | Section::Relationships))
    }

    /// The object as it is shown, and whether its box is clamped.
    fn shown_object(&self, object: &'a Object) -> Result<(ShownObject<'a>, bool), LeftOutReason> {
        let mut names: Few<Cow<'a, str>> = Few::new();
        let mut reason = LeftOutReason::NoText;
        for name in &object.names {
            match clean(name) {
                Ok(name) if names.contains(&name) => {}
                Ok(name) => names.push(name),
                Err(error) => reason = error,
            }
        }
        if names.is_empty() {
            return Err(reason);
        }
        let kinds = object.synsets.iter().filter_map(|synset| word_of(synset)).filter(|word| !names.contains(word));
        let kinds = kinds.collect();
        let (bbox, is_clamped) = self.unit(object.bbox)?;
        let hashes = names.iter().map(|name| folded_hash(name)).collect();
        Ok((ShownObject { names, hashes, kinds, bbox, is_crowd: object.is_crowd }, is_clamped))
    }

    fn region(&mut self, region: &'a Region, line: &mut Line) -> Result<(), LeftOutReason> {
        self.text.push_str(&clean(&region.phrase)?);
        let Some(bbox) = region.bbox else { return Ok(()) };
        if !self.task.is_grounded() {
            // Not shown, but it decides what is dropped first.
            line.place = self.options.budget.as_ref().and_then(|_| self.unit(bbox).ok()).map(|(unit, _)| unit);
            return Ok(());
        }
        let (unit, is_clamped) = self.unit(bbox)?;
        let name = line.range.start..self.text.len();
        self.text.push_str(": ");
        line.push_own(&mut self.text, name, unit);
        line.place = Some(unit);
        line.clamped = usize::from(is_clamped);
        Ok(())
    }

    fn attribute(&mut self, attribute: &'a Attribute, line: &mut Line) -> Result<(), LeftOutReason> {
        let values: Vec<Cow<'_, str>> = attribute.values.iter().filter_map(|value| clean(value).ok()).collect();
        if values.is_empty() {
            return Err(LeftOutReason::NoText);
        }
        self.mention(line, &attribute.object)?;
        self.text.push_str(": ");
        self.text.push_str(&values.join(", "));
        Ok(())
    }

    fn relationship(&mut self, relationship: &'a Relationship, line: &mut Line) -> Result<(), LeftOutReason> {
        let predicate = clean(&relationship.predicate)?.to_lowercase();
        self.mention(line, &relationship.subject)?;
        self.text.push(' ');
        self.text.push_str(&predicate);
        self.text.push(' ');
        self.mention(line, &relationship.object)
    }

    /// Adds name and box of an object: those of the object that stands for it, where it is shown.
    fn mention(&mut self, line: &mut Line, object: &'a Object) -> Result<(), LeftOutReason> {
        let start = self.text.len();
        if let Some((index, shown)) = object.id.and_then(|id| self.objects.by_id(id)) {
            self.text.push_str(&shown.names[0]);
            self.text.push(' ');
            line.push_object(&mut self.text, index, shown.bbox);
            line.place = line.place.or(Some(shown.bbox));
            return Ok(());
        }
        let (shown, _) = self.shown_object(object)?;
        self.text.push_str(shown.names.first().ok_or(LeftOutReason::NoText)?);
        let name = start..self.text.len();
        self.text.push(' ');
        line.push_own(&mut self.text, name, shown.bbox);
        line.place = line.place.or(Some(shown.bbox));
        Ok(())
    }

    /// The box in whole thousandths, and whether it is clamped.
    fn unit(&self, bbox: BBox) -> Result<(UnitBox, bool), LeftOutReason> {
        let clamped = bbox.to_unit(self.size)?;
        Ok((clamped.bbox.rounded()?, !clamped.cut.is_none()))
    }
}

/// The word that a synset is named by: `game controller` of `game_controller.n.01`.
fn word_of(synset: &str) -> Option<Cow<'_, str>> {
    // Searching for a character costs more than looking at the few there are.
    let len = synset.bytes().position(|byte| byte == b'.').unwrap_or(synset.len());
    let word = synset.get(..len).filter(|word| !word.is_empty())?;
    Some(if word.bytes().any(|byte| byte == b'_') { word.replace('_', " ").into() } else { word.into() })
}
