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

use crate::annotation::{Attribute, BBox, ImageRecord, Object, Region, Relationship};
use crate::bbox::{ImageSize, UnitBox};
use crate::prompt::lines::{Line, Lines};
use crate::prompt::merge::{ShownObject, ShownObjects, ShownTexts};
use crate::prompt::text::clean;
use crate::prompt::{LeftOutReason, PromptOptions, PromptReport};
use crate::task::{Section, Task};

/// All lines that a prompt can show of a record.
pub(super) fn lines(record: &ImageRecord, task: &Task, options: &PromptOptions) -> Lines {
    let mut gatherer = Gatherer::new(record.image.size, task, options);
    gatherer.gather(record);
    Lines { lines: gatherer.lines, objects: gatherer.objects.objects, report: gatherer.report }
}

struct Gatherer<'a> {
    size: Option<ImageSize>,
    task: &'a Task,
    options: &'a PromptOptions,
    objects: ShownObjects,
    lines: Vec<Line>,
    report: PromptReport,
}

impl<'a> Gatherer<'a> {
    fn new(size: Option<ImageSize>, task: &'a Task, options: &'a PromptOptions) -> Self {
        let (objects, report) = (ShownObjects::default(), PromptReport::default());
        Self { size, task, options, objects, lines: Vec::new(), report }
    }

    fn gather(&mut self, record: &ImageRecord) {
        for section in self.task.sections().iter() {
            match section {
                Section::Captions => {
                    self.unique_lines(section, &record.captions, |_, caption| {
                        clean(&caption.text).map(|text| Line::new(section, text))
                    });
                }
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
        annotations: &[T],
        line: impl Fn(&Self, &T) -> Result<Line, LeftOutReason>,
    ) {
        let mut shown = ShownTexts::default();
        let mut n_lines = 0;
        for annotation in annotations {
            let reason = match line(self, annotation) {
                Ok(_) if n_lines >= self.options.max(section) => LeftOutReason::OverLimit,
                Ok(line) if self.options.merge_phrases && !shown.is_new(&line.text) => LeftOutReason::Merged,
                Ok(line) => {
                    n_lines += 1;
                    self.lines.push(line);
                    continue;
                }
                Err(reason) => reason,
            };
            self.report.leave_out(section, reason, 1);
        }
    }

    fn objects(&mut self, objects: &[Object]) {
        let mut clamped = Vec::new();
        for object in objects {
            let reason = match self.shown_object(object) {
                Err(reason) => reason,
                Ok(shown) => {
                    if let Some(index) = self.objects.same_as(&shown, self.options.merge_iou) {
                        self.objects.merge(index, shown);
                        self.objects.identify(index, object);
                        LeftOutReason::Merged
                    } else if self.objects.objects.len() >= self.options.max(Section::Objects) {
                        LeftOutReason::OverLimit
                    } else {
                        clamped.push(self.is_clamped(object.bbox));
                        let index = self.objects.push(shown);
                        self.objects.identify(index, object);
                        continue;
                    }
                }
            };
            self.report.leave_out(Section::Objects, reason, 1);
        }
        for (index, (object, is_clamped)) in self.objects.objects.iter().zip(clamped).enumerate() {
            let crowd = if object.is_crowd { "crowd of " } else { "" };
            let mut line = Line::new(Section::Objects, format!("{crowd}{}: ", object.names.join(" / ")));
            line.push_object(index, object.bbox);
            line.clamped = usize::from(is_clamped);
            line.place = Some(object.bbox);
            self.lines.push(line);
        }
    }

    fn shown_object(&self, object: &Object) -> Result<ShownObject, LeftOutReason> {
        let mut names: Vec<String> = Vec::with_capacity(object.names.len());
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
        let words =
            object.synsets.iter().filter_map(|synset| synset.split('.').next()).map(|word| word.replace('_', " "));
        let kinds = words.filter(|word| !word.is_empty() && !names.contains(word)).collect();
        Ok(ShownObject { names, kinds, bbox: self.unit(object.bbox)?, is_crowd: object.is_crowd })
    }

    fn region(&self, region: &Region) -> Result<Line, LeftOutReason> {
        let phrase = clean(&region.phrase)?;
        let mut line = Line::new(Section::Regions, phrase);
        let Some(bbox) = region.bbox else { return Ok(line) };
        if !self.task.is_grounded() {
            // Not shown, but it decides what is dropped first.
            line.place = self.options.budget.as_ref().and_then(|_| self.unit(bbox).ok());
            return Ok(line);
        }
        let unit = self.unit(bbox)?;
        let name = 0..line.text.len();
        line.text.push_str(": ");
        line.push_own(name, unit);
        line.place = Some(unit);
        line.clamped = usize::from(self.is_clamped(bbox));
        Ok(line)
    }

    fn attribute(&self, attribute: &Attribute) -> Result<Line, LeftOutReason> {
        let values: Vec<String> = attribute.values.iter().filter_map(|value| clean(value).ok()).collect();
        if values.is_empty() {
            return Err(LeftOutReason::NoText);
        }
        let mut line = Line::new(Section::Attributes, String::new());
        self.mention(&mut line, &attribute.object)?;
        line.text.push_str(": ");
        line.text.push_str(&values.join(", "));
        Ok(line)
    }

    fn relationship(&self, relationship: &Relationship) -> Result<Line, LeftOutReason> {
        let predicate = clean(&relationship.predicate)?.to_lowercase();
        let mut line = Line::new(Section::Relationships, String::new());
        self.mention(&mut line, &relationship.subject)?;
        line.text.push(' ');
        line.text.push_str(&predicate);
        line.text.push(' ');
        self.mention(&mut line, &relationship.object)?;
        Ok(line)
    }

    /// Adds name and box of an object: those of the object that stands for it, where it is shown.
    fn mention(&self, line: &mut Line, object: &Object) -> Result<(), LeftOutReason> {
        let start = line.text.len();
        if let Some((index, shown)) = object.id.and_then(|id| self.objects.by_id(id)) {
            line.text.push_str(&shown.names[0]);
            line.text.push(' ');
            line.push_object(index, shown.bbox);
            line.place = line.place.or(Some(shown.bbox));
            return Ok(());
        }
        let shown = self.shown_object(object)?;
        line.text.push_str(shown.names.first().ok_or(LeftOutReason::NoText)?);
        let name = start..line.text.len();
        line.text.push(' ');
        line.push_own(name, shown.bbox);
        line.place = line.place.or(Some(shown.bbox));
        Ok(())
    }

    /// The box in whole thousandths.
    fn unit(&self, bbox: BBox) -> Result<UnitBox, LeftOutReason> {
        Ok(bbox.to_unit(self.size)?.bbox.rounded()?)
    }

    /// Whether it overhangs the image.
    fn is_clamped(&self, bbox: BBox) -> bool {
        bbox.to_unit(self.size).is_ok_and(|clamped| !clamped.cut.is_none())
    }
}
