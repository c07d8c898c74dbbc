//! Prompts: what they show of a record, what they leave out, and the way from a completion to a sample.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests fail by panicking and say what they went through")]

mod context;
mod fit;
mod options;
mod round;
mod structured;

use svitgen::annotation::{Attribute, Object, Region, Relationship};
use svitgen::task::{Sections, Template};
use svitgen::{ImageRecord, ImageSize, PixelBox, Task};

/// An image of 1000 x 500 pixels with every kind of annotation and most kinds of defect.
fn record() -> ImageRecord {
    let pixels = |x, y, w, h| PixelBox::from_xywh(x, y, w, h).unwrap();
    let object = |name, x, y, w, h| Object::new(name, pixels(x, y, w, h));
    let mut woman = object("girl", 100.0, 100.0, 200.0, 300.0);
    woman.id = Some(svitgen::annotation::ObjectId::VisualGenome(7));
    woman.names.push("woman".into());
    let mut again = object("Girl ", 102.0, 100.0, 200.0, 300.0);
    again.id = Some(svitgen::annotation::ObjectId::VisualGenome(8));
    again.names.push("lady".into());
    let mut crowd = object("person", 0.0, 0.0, 1000.0, 100.0);
    crowd.is_crowd = true;
    let shirt = object("shirt", 120.0, 150.0, 100.0, 100.0);
    let mut nameless = object("x", 1.0, 1.0, 1.0, 1.0);
    nameless.names.clear();
    let mut record = ImageRecord::builder(42)
        .size(ImageSize::new(1000, 500).unwrap())
        .caption("A girl\nstands in a street. ")
        .caption("a girl stands in a street")
        .caption("A busy street.")
        .build();
    record.objects = vec![
        woman.clone(),
        again.clone(),
        crowd,
        object("kerb", -50.0, 450.0, 1100.0, 60.0),
        object("bird", 2000.0, 10.0, 5.0, 5.0),
        object("line", 10.0, 10.0, 0.0, 50.0),
        object("dot", 10.0, 10.0, 0.2, 0.2),
        object("girl", 700.0, 100.0, 200.0, 300.0),
        nameless,
    ];
    record.regions = vec![
        Region::new(" girl in a red\tshirt", pixels(100.0, 100.0, 200.0, 300.0)),
        Region::new("Girl in a red shirt.", pixels(101.0, 100.0, 200.0, 300.0)),
        Region::new("café sign", pixels(-4.0, -4.0, 104.0, 54.0)),
        Region::phrase("grey sky"),
        Region::new("", pixels(1.0, 1.0, 50.0, 50.0)),
        Region::new("x".repeat(1_001), pixels(1.0, 1.0, 50.0, 50.0)),
    ];
    record.attributes = vec![
        Attribute::new(again, ["young", " tall "]),
        Attribute::new(woman.clone(), Vec::<String>::new()),
        Attribute::new(shirt.clone(), ["red"]),
    ];
    record.relationships = vec![Relationship::new(woman, "WEARS", shirt)];
    record
}

/// A task whose prompt is the annotations alone.
fn bare(sections: Sections) -> Task {
    let template = Template::new("{{ annotations }}").unwrap();
    Task::new("bare", template, svitgen::ReplyForm::Description).unwrap().with_sections(sections)
}
