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

use std::fmt::Write;
use std::ops::Range;

use crate::annotation::{Attribute, BBox, ImageRecord, Object, Region, Relationship};
use crate::bbox::{ImageSize, NamedBox, UnitBox};
use crate::prompt::merge::{ShownObject, ShownObjects, ShownTexts};
use crate::prompt::text::clean;
use crate::prompt::{LeftOutReason, PromptOptions, PromptReport};
use crate::task::{Section, Task};

/// The annotations of one record as a prompt shows them.
pub(super) struct Context {
    /// All sections, each under its heading, with a blank line between them.
    pub(super) annotations: String,
    /// Where the lines of each section stand, in the order of [`Section::ALL`].
    lines: [Range<usize>; Section::ALL.len()],
    pub(super) boxes: Vec<NamedBox>,
    pub(super) report: PromptReport,
}

impl Context {
    pub(super) fn new(record: &ImageRecord, task: &Task, options: &PromptOptions) -> Self {
        let mut writer = Writer::new(record.image.size, task, options);
        writer.write(record);
        writer.context
    }

    pub(super) fn is_empty(&self) -> bool {
        self.annotations.is_empty()
    }

    /// The lines of each section without its heading.
    pub(super) fn sections(&self) -> [&str; Section::ALL.len()] {
        self.lines.each_ref().map(|lines| &self.annotations[lines.clone()])
    }
}

/// A line, or why there is none.
type Line = Result<String, LeftOutReason>;

struct Writer<'a> {
    size: Option<ImageSize>,
    task: &'a Task,
    options: &'a PromptOptions,
    objects: ShownObjects,
    context: Context,
}

impl<'a> Writer<'a> {
    fn new(size: Option<ImageSize>, task: &'a Task, options: &'a PromptOptions) -> Self {
        let context = Context {
            annotations: String::new(),
            lines: Default::default(),
            boxes: Vec::new(),
            report: PromptReport::default(),
        };
        Self { size, task, options, objects: ShownObjects::default(), context }
    }

    fn write(&mut self, record: &ImageRecord) {
        for section in self.task.sections().iter() {
            match section {
                Section::Captions => {
                    self.unique_lines(section, &record.captions, |_, caption| clean(&caption.text));
                }
                Section::Objects => self.objects(&record.objects),
                Section::Regions => self.regions(&record.regions),
                Section::Attributes => self.unique_lines(section, &record.attributes, Self::attribute),
                Section::Relationships => self.unique_lines(section, &record.relationships, Self::relationship),
            }
        }
    }

    /// Writes a section of which each line stands once.
    fn unique_lines<T>(&mut self, section: Section, annotations: &[T], line: impl Fn(&mut Self, &T) -> Line) {
        let mut shown = ShownTexts::default();
        let mut lines = Lines::new(section);
        for annotation in annotations {
            let (n_boxes, n_clamped) = (self.context.boxes.len(), self.context.report.clamped);
            let line = match line(self, annotation) {
                Ok(_) if lines.len() >= self.options.max(section) => Err(LeftOutReason::OverLimit),
                Ok(line) if self.options.merge_phrases && !shown.is_new(&line) => Err(LeftOutReason::Merged),
                line => line,
            };
            match line {
                Ok(line) => lines.push(&self.numbered(line, n_boxes)),
                Err(reason) => {
                    self.context.boxes.truncate(n_boxes);
                    self.context.report.clamped = n_clamped;
                    self.context.report.leave_out(section, reason, 1);
                }
            }
        }
        self.section(lines);
    }

    fn objects(&mut self, objects: &[Object]) {
        let mut n_over_limit = 0;
        for object in objects {
            let shown = match self.shown_object(object) {
                Ok(shown) => shown,
                Err(reason) => {
                    self.context.report.leave_out(Section::Objects, reason, 1);
                    continue;
                }
            };
            let index = if let Some(index) = self.objects.same_as(&shown, self.options.merge_iou) {
                self.objects.merge(index, shown);
                self.context.report.leave_out(Section::Objects, LeftOutReason::Merged, 1);
                index
            } else if self.objects.objects.len() >= self.options.max(Section::Objects) {
                n_over_limit += 1;
                continue;
            } else {
                self.count_clamped(object.bbox);
                self.objects.push(shown)
            };
            self.objects.identify(index, object);
        }
        if n_over_limit > 0 {
            self.context.report.leave_out(Section::Objects, LeftOutReason::OverLimit, n_over_limit);
        }
        let mut lines = Lines::new(Section::Objects);
        for object in &self.objects.objects {
            let crowd = if object.is_crowd { "crowd of " } else { "" };
            let names = object.names.join(" / ");
            let number = number(self.task, self.context.boxes.len());
            lines.push(&format!("{crowd}{names}: {number}{}", object.bbox));
            let name = [names].into_iter().chain(object.kinds.iter().cloned()).collect::<Vec<_>>().join(" / ");
            self.context.boxes.push(NamedBox { name, bbox: object.bbox });
        }
        self.section(lines);
    }

    /// The line with numbers before the boxes that it has brought, if the task cites by numbers.
    fn numbered(&self, line: String, n_boxes_before: usize) -> String {
        let new = self.context.boxes.iter().enumerate().skip(n_boxes_before);
        new.fold(line, |line, (index, named)| {
            let bbox = named.bbox.to_string();
            line.replacen(&bbox, &format!("{}{bbox}", number(self.task, index)), 1)
        })
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

    fn regions(&mut self, regions: &[Region]) {
        if !self.task.is_grounded() {
            return self.unique_lines(Section::Regions, regions, |_, region| clean(&region.phrase));
        }
        self.unique_lines(Section::Regions, regions, |writer, region| {
            let phrase = clean(&region.phrase)?;
            let Some(bbox) = region.bbox else { return Ok(phrase) };
            let unit = writer.unit(bbox)?;
            writer.count_clamped(bbox);
            let line = format!("{phrase}: {unit}");
            writer.context.boxes.push(NamedBox { name: phrase, bbox: unit });
            Ok(line)
        });
    }

    fn attribute(&mut self, attribute: &Attribute) -> Line {
        let values: Vec<String> = attribute.values.iter().filter_map(|value| clean(value).ok()).collect();
        if values.is_empty() {
            return Err(LeftOutReason::NoText);
        }
        Ok(format!("{}: {}", self.mention(&attribute.object)?, values.join(", ")))
    }

    fn relationship(&mut self, relationship: &Relationship) -> Line {
        let predicate = clean(&relationship.predicate)?.to_lowercase();
        let subject = self.mention(&relationship.subject)?;
        Ok(format!("{subject} {predicate} {}", self.mention(&relationship.object)?))
    }

    /// Name and box of an object in another section: those of the object that stands for it, where it is shown.
    fn mention(&mut self, object: &Object) -> Line {
        let (name, bbox) = match object.id.and_then(|id| self.objects.by_id(id)) {
            Some(shown) => (shown.names[0].clone(), shown.bbox),
            None => {
                let shown = self.shown_object(object)?;
                let name = shown.names.into_iter().next().ok_or(LeftOutReason::NoText)?;
                self.context.boxes.push(NamedBox { name: name.clone(), bbox: shown.bbox });
                (name, shown.bbox)
            }
        };
        Ok(format!("{name} {bbox}"))
    }

    /// The box in whole thousandths.
    fn unit(&self, bbox: BBox) -> Result<UnitBox, LeftOutReason> {
        Ok(bbox.to_unit(self.size)?.bbox.rounded()?)
    }

    fn count_clamped(&mut self, bbox: BBox) {
        let overhung = bbox.to_unit(self.size).is_ok_and(|clamped| !clamped.cut.is_none());
        self.context.report.clamped += usize::from(overhung);
    }

    fn section(&mut self, lines: Lines) {
        let Lines { section, text, n_lines } = lines;
        self.context.report.shown[section as usize] = n_lines;
        if n_lines == 0 {
            return;
        }
        let annotations = &mut self.context.annotations;
        if !annotations.is_empty() {
            annotations.push_str("\n\n");
        }
        annotations.push_str(section.heading());
        annotations.push('\n');
        let start = annotations.len();
        annotations.push_str(&text);
        self.context.lines[section as usize] = start..annotations.len();
    }
}

/// `#3 ` for the box at index 2, if the task cites by numbers.
fn number(task: &Task, index: usize) -> String {
    if task.cites_numbers() { format!("#{} ", index + 1) } else { String::new() }
}

/// The lines of a section while they are written.
struct Lines {
    section: Section,
    text: String,
    n_lines: usize,
}

impl Lines {
    fn new(section: Section) -> Self {
        Self { section, text: String::new(), n_lines: 0 }
    }

    fn len(&self) -> usize {
        self.n_lines
    }

    fn push(&mut self, line: &str) {
        let separator = if self.n_lines == 0 { "" } else { "\n" };
        // Writing to a string cannot fail.
        let _ = write!(self.text, "{separator}- {line}");
        self.n_lines += 1;
    }
}
