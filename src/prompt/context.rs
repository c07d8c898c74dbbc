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
use std::fmt::Write;
use std::ops::Range;

use crate::annotation::{Attribute, BBox, Few, ImageRecord, Object, Region, Relationship};
use crate::bbox::{ImageSize, NamedBox, UnitBox};
use crate::prompt::merge::{ShownObject, ShownObjects, ShownTexts};
use crate::prompt::text::{clean, folded_digest};
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
type Line<'a> = Result<Cow<'a, str>, LeftOutReason>;

struct Writer<'a> {
    size: Option<ImageSize>,
    task: &'a Task,
    options: &'a PromptOptions,
    objects: ShownObjects<'a>,
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

    fn write(&mut self, record: &'a ImageRecord) {
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
    fn unique_lines<T>(&mut self, section: Section, annotations: &'a [T], line: impl Fn(&mut Self, &'a T) -> Line<'a>) {
        let mut shown = ShownTexts::with_capacity(annotations.len());
        let mut lines = self.begin(section, annotations.len());
        for annotation in annotations {
            let (n_boxes, n_clamped) = (self.context.boxes.len(), self.context.report.clamped);
            let line = match line(self, annotation) {
                Ok(_) if lines.len() >= self.options.max(section) => Err(LeftOutReason::OverLimit),
                Ok(line) if self.options.merge_phrases && !shown.is_new(&line) => Err(LeftOutReason::Merged),
                line => line,
            };
            match line {
                Ok(line) => {
                    let line = self.numbered(line, n_boxes);
                    lines.begin(&mut self.context.annotations).push_str(&line);
                }
                Err(reason) => {
                    self.context.boxes.truncate(n_boxes);
                    self.context.report.clamped = n_clamped;
                    self.context.report.leave_out(section, reason, 1);
                }
            }
        }
        self.end(lines);
    }

    fn objects(&mut self, objects: &'a [Object]) {
        self.objects = ShownObjects::with_capacity(objects.len());
        let mut n_over_limit = 0;
        for object in objects {
            let (shown, is_clamped) = match self.shown_object(object) {
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
                self.context.report.clamped += usize::from(is_clamped);
                self.objects.push(shown)
            };
            if self.mentions_objects() {
                self.objects.identify(index, object);
            }
        }
        if n_over_limit > 0 {
            self.context.report.leave_out(Section::Objects, LeftOutReason::OverLimit, n_over_limit);
        }
        let mut lines = self.begin(Section::Objects, self.objects.objects.len());
        self.context.boxes.reserve(self.objects.objects.len());
        for object in &self.objects.objects {
            let mut name = object.names.join(" / ");
            let line = lines.begin(&mut self.context.annotations);
            line.push_str(if object.is_crowd { "crowd of " } else { "" });
            line.push_str(&name);
            line.push_str(": ");
            push_number(line, self.task, self.context.boxes.len());
            object.bbox.push_to(line);
            for kind in &object.kinds {
                name.push_str(" / ");
                name.push_str(kind);
            }
            self.context.boxes.push(NamedBox { name, bbox: object.bbox });
        }
        self.end(lines);
    }

    /// Whether other sections look objects up by their ids.
    fn mentions_objects(&self) -> bool {
        self.task.sections().iter().any(|section| matches!(section, Section::Attributes | Section::Relationships))
    }

    /// The line with numbers before the boxes that it has brought, if the task cites by numbers.
    fn numbered<'l>(&self, line: Cow<'l, str>, n_boxes_before: usize) -> Cow<'l, str> {
        if !self.task.cites_numbers() {
            return line;
        }
        let new = self.context.boxes.iter().enumerate().skip(n_boxes_before);
        new.fold(line, |line, (index, named)| {
            let bbox = named.bbox.to_string();
            let mut numbered = String::new();
            push_number(&mut numbered, self.task, index);
            numbered.push_str(&bbox);
            line.replacen(&bbox, &numbered, 1).into()
        })
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
        let digests = names.iter().map(|name| folded_digest(name)).collect();
        Ok((ShownObject { names, digests, kinds, bbox, is_crowd: object.is_crowd }, is_clamped))
    }

    fn regions(&mut self, regions: &'a [Region]) {
        if !self.task.is_grounded() {
            return self.unique_lines(Section::Regions, regions, |_, region| clean(&region.phrase));
        }
        self.unique_lines(Section::Regions, regions, |writer, region| {
            let phrase = clean(&region.phrase)?;
            let Some(bbox) = region.bbox else { return Ok(phrase) };
            let (unit, is_clamped) = writer.unit(bbox)?;
            writer.context.report.clamped += usize::from(is_clamped);
            let mut line = String::with_capacity(phrase.len() + 32);
            line.push_str(&phrase);
            line.push_str(": ");
            unit.push_to(&mut line);
            writer.context.boxes.push(NamedBox { name: phrase.into_owned(), bbox: unit });
            Ok(line.into())
        });
    }

    fn attribute(&mut self, attribute: &'a Attribute) -> Line<'a> {
        let values: Vec<Cow<'_, str>> = attribute.values.iter().filter_map(|value| clean(value).ok()).collect();
        if values.is_empty() {
            return Err(LeftOutReason::NoText);
        }
        Ok(format!("{}: {}", self.mention(&attribute.object)?, values.join(", ")).into())
    }

    fn relationship(&mut self, relationship: &'a Relationship) -> Line<'a> {
        let predicate = clean(&relationship.predicate)?.to_lowercase();
        let subject = self.mention(&relationship.subject)?;
        Ok(format!("{subject} {predicate} {}", self.mention(&relationship.object)?).into())
    }

    /// Name and box of an object in another section: those of the object that stands for it, where it is shown.
    fn mention(&mut self, object: &'a Object) -> Line<'a> {
        let (name, bbox) = match object.id.and_then(|id| self.objects.by_id(id)) {
            Some(shown) => (shown.names[0].clone(), shown.bbox),
            None => {
                let (shown, _) = self.shown_object(object)?;
                let name = shown.names.into_iter().next().ok_or(LeftOutReason::NoText)?;
                self.context.boxes.push(NamedBox { name: name.clone().into_owned(), bbox: shown.bbox });
                (name, shown.bbox)
            }
        };
        Ok(format!("{name} {bbox}").into())
    }

    /// The box in whole thousandths, and whether it is clamped.
    fn unit(&self, bbox: BBox) -> Result<(UnitBox, bool), LeftOutReason> {
        let clamped = bbox.to_unit(self.size)?;
        Ok((clamped.bbox.rounded()?, !clamped.cut.is_none()))
    }

    /// Begins a section of at most `n_lines`.
    fn begin(&mut self, section: Section, n_lines: usize) -> Lines {
        let annotations = &mut self.context.annotations;
        let before = annotations.len();
        // As long as most lines are.
        annotations.reserve(n_lines * 48 + 32);
        if !annotations.is_empty() {
            annotations.push_str("\n\n");
        }
        annotations.push_str(section.heading());
        annotations.push('\n');
        Lines { section, before, start: annotations.len(), n_lines: 0 }
    }

    fn end(&mut self, lines: Lines) {
        let Lines { section, before, start, n_lines } = lines;
        self.context.report.shown[section as usize] = n_lines;
        if n_lines == 0 {
            // No heading without lines.
            self.context.annotations.truncate(before);
        } else {
            self.context.lines[section as usize] = start..self.context.annotations.len();
        }
    }
}

/// The word that a synset is named by: `game controller` of `game_controller.n.01`.
fn word_of(synset: &str) -> Option<Cow<'_, str>> {
    let word = synset.split('.').next().filter(|word| !word.is_empty())?;
    Some(if word.contains('_') { word.replace('_', " ").into() } else { word.into() })
}

/// Adds `#3 ` for the box at index 2, if the task cites by numbers.
fn push_number(line: &mut String, task: &Task, index: usize) {
    if task.cites_numbers() {
        // Writing to a string cannot fail.
        let _ = write!(line, "#{} ", index + 1);
    }
}

/// The lines of a section while they are written.
struct Lines {
    section: Section,
    /// Where the text ended before this section.
    before: usize,
    /// Where the first line starts.
    start: usize,
    n_lines: usize,
}

impl Lines {
    fn len(&self) -> usize {
        self.n_lines
    }

    /// Begins a line, and returns the text to which it is added.
    fn begin<'t>(&mut self, annotations: &'t mut String) -> &'t mut String {
        annotations.push_str(if self.n_lines == 0 { "- " } else { "\n- " });
        self.n_lines += 1;
        annotations
    }
}
