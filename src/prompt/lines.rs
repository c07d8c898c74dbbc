//! The lines of a prompt before they are written: which of them are shown decides what is written.

use std::fmt::Write;
use std::ops::Range;

use crate::bbox::{NamedBox, UnitBox};
use crate::prompt::merge::ShownObject;
use crate::prompt::{LeftOutReason, PromptReport};
use crate::task::{Section, Task};

/// Bytes that the headings of all sections take.
const HEADINGS: usize = 80;

/// Stands between the names of an object.
pub(super) const SEPARATOR: &str = " / ";

/// One fact as text, without what stands before it: the dash, and numbers of boxes.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) section: Section,
    /// Where it stands in the text of all lines.
    pub(super) range: Range<usize>,
    boxes: [Option<LineBox>; 2],
    /// The part of the image that it is about, where that is known and matters.
    pub(super) place: Option<UnitBox>,
    /// How many of its boxes are clamped.
    pub(super) clamped: usize,
}

/// A box in the text of a line.
#[derive(Clone, Debug)]
struct LineBox {
    /// Where it starts in the text of all lines.
    at: usize,
    whose: Whose,
}

#[derive(Clone, Debug)]
enum Whose {
    /// That of a shown object, by index: it counts once, however many lines mention it.
    Object(usize),
    /// One that only this line has, with the place of its name in the text.
    Own { name: Range<usize>, bbox: UnitBox },
}

impl Line {
    /// A line that begins at the end of `text`.
    pub(super) fn begin(section: Section, text: &str) -> Self {
        Self { section, range: text.len()..text.len(), boxes: [None, None], place: None, clamped: 0 }
    }

    /// Adds the box of a shown object.
    pub(super) fn push_object(&mut self, text: &mut String, index: usize, bbox: UnitBox) {
        self.push(text, bbox, Whose::Object(index));
    }

    /// Adds a box named by a part of the text.
    pub(super) fn push_own(&mut self, text: &mut String, name: Range<usize>, bbox: UnitBox) {
        self.push(text, bbox, Whose::Own { name, bbox });
    }

    pub(super) fn has_box(&self) -> bool {
        self.boxes[0].is_some()
    }

    pub(super) fn n_boxes(&self) -> usize {
        self.boxes.iter().flatten().count()
    }

    fn push(&mut self, text: &mut String, bbox: UnitBox, whose: Whose) {
        let at = text.len();
        bbox.push_to(text);
        if let Some(free) = self.boxes.iter_mut().find(|place| place.is_none()) {
            *free = Some(LineBox { at, whose });
        }
    }
}

/// All that a prompt could show of a record, in the order in which it would.
#[derive(Debug, Default)]
pub(super) struct Lines<'a> {
    /// The text of all lines, one behind the other.
    pub(super) text: String,
    pub(super) lines: Vec<Line>,
    pub(super) objects: Vec<ShownObject<'a>>,
    /// What is left out whatever is chosen.
    pub(super) report: PromptReport,
}

/// The annotations of one record as a prompt shows them.
#[derive(Debug, Default)]
pub(super) struct Context {
    /// All sections, each under its heading, with a blank line between them.
    pub(super) annotations: String,
    /// Where the lines of each section stand, in the order of [`Section::ALL`].
    sections: [Range<usize>; Section::ALL.len()],
    pub(super) boxes: Vec<NamedBox>,
    pub(super) report: PromptReport,
}

impl Context {
    pub(super) fn is_empty(&self) -> bool {
        self.annotations.is_empty()
    }

    /// The lines of each section without its heading.
    pub(super) fn sections(&self) -> [&str; Section::ALL.len()] {
        self.sections.each_ref().map(|range| &self.annotations[range.clone()])
    }
}

impl Lines<'_> {
    /// The lines that are wanted, written; the others are counted as left out for the budget.
    pub(super) fn write(&self, task: &Task, is_wanted: impl Fn(usize) -> bool) -> Context {
        let context = Context {
            annotations: String::with_capacity(self.text.len() + 4 * self.lines.len() + HEADINGS),
            boxes: Vec::with_capacity(self.objects.len()),
            report: self.report.clone(),
            ..Context::default()
        };
        let is_boxed = vec![false; self.objects.len()];
        let mut writer = Writer { lines: self, numbers: task.cites_numbers(), context, is_boxed };
        for (index, line) in self.lines.iter().enumerate() {
            if is_wanted(index) {
                writer.line(line);
            } else {
                writer.context.report.leave_out(line.section, LeftOutReason::OverBudget, 1);
            }
        }
        writer.context
    }

    /// Box and names of a shown object; names that only its synsets have come last.
    fn object_box(&self, index: usize) -> Option<NamedBox> {
        let object = self.objects.get(index)?;
        let names = object.names.iter().chain(&object.kinds);
        let mut name = String::with_capacity(names.clone().map(|name| name.len() + SEPARATOR.len()).sum());
        for part in names {
            name.push_str(if name.is_empty() { "" } else { SEPARATOR });
            name.push_str(part);
        }
        Some(NamedBox { name, bbox: object.bbox })
    }
}

struct Writer<'a> {
    lines: &'a Lines<'a>,
    numbers: bool,
    context: Context,
    /// Which objects have their box in the list.
    is_boxed: Vec<bool>,
}

impl Writer<'_> {
    fn line(&mut self, line: &Line) {
        let section = line.section as usize;
        self.start(line.section);
        self.context.annotations.push_str("- ");
        let text = &self.lines.text;
        let mut written = line.range.start;
        for line_box in line.boxes.iter().flatten() {
            let Some(named) = self.new_box(&line_box.whose) else { continue };
            self.context.boxes.push(named);
            if self.numbers {
                let number = self.context.boxes.len();
                let _ = write!(self.context.annotations, "{}#{number} ", &text[written..line_box.at]);
                written = line_box.at;
            }
        }
        self.context.annotations.push_str(&text[written..line.range.end]);
        self.context.sections[section].end = self.context.annotations.len();
        self.context.report.shown[section] += 1;
        self.context.report.clamped += line.clamped;
    }

    /// What stands between a line and the one before it.
    fn start(&mut self, section: Section) {
        let annotations = &mut self.context.annotations;
        if self.context.report.shown[section as usize] > 0 {
            annotations.push('\n');
            return;
        }
        if !annotations.is_empty() {
            annotations.push_str("\n\n");
        }
        annotations.push_str(section.heading());
        annotations.push('\n');
        self.context.sections[section as usize].start = annotations.len();
    }

    /// The box, unless it is that of an object that has it in the list.
    fn new_box(&mut self, whose: &Whose) -> Option<NamedBox> {
        match whose {
            Whose::Own { name, bbox } => Some(NamedBox { name: self.lines.text[name.clone()].to_owned(), bbox: *bbox }),
            Whose::Object(index) => {
                let is_boxed = self.is_boxed.get_mut(*index)?;
                if std::mem::replace(is_boxed, true) { None } else { self.lines.object_box(*index) }
            }
        }
    }
}
