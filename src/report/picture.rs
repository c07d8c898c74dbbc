//! The picture of an image: annotated boxes, boxes of replies, names, over the image itself if it is at hand.

use crate::annotation::{BBox, ImageRecord};
use crate::bbox::{ImageSize, UnitBox};
use crate::report::html::Html;
use crate::report::phrases::{Target, verdict_class, verdict_words};
use crate::report::text::cut;
use crate::sample::{ReferenceBox, Verdict};

/// Most boxes that are drawn of each kind.
const MAX_BOXES: usize = 200;

/// Widths in pixels for which names are placed without overlap: a phone and a desk.
const WIDTHS: [f64; 2] = [330.0, 560.0];

/// Width of a letter and height of a line in pixels.
const LETTER: (f64, f64) = (6.4, 14.0);

/// Below this overlap, the box that overlaps most is no counterpart.
const MIN_IOU: f64 = 0.1;

/// Boxes of one image and of the replies about it.
#[derive(Debug, Default)]
pub(super) struct Picture {
    size: Option<ImageSize>,
    annotated: Vec<Annotated>,
    replied: Vec<(UnitBox, Verdict, String)>,
}

/// A box that people drew.
#[derive(Debug)]
pub(super) struct Annotated {
    pub(super) name: String,
    bbox: UnitBox,
    /// Objects are drawn; regions only light up.
    is_object: bool,
}

impl Picture {
    pub(super) fn new(record: Option<&ImageRecord>) -> Self {
        let Some(record) = record else { return Self::default() };
        let size = record.image.size;
        let place = |bbox: BBox| bbox.to_unit(size).ok().and_then(|clamped| clamped.bbox.rounded().ok());
        let objects = record.objects.iter().take(MAX_BOXES).filter_map(|object| {
            let name = object.names.first().map(String::as_str).unwrap_or_default();
            Some(Annotated { name: cut(name, 80).0.to_owned(), bbox: place(object.bbox)?, is_object: true })
        });
        let regions = record.regions.iter().take(MAX_BOXES).filter_map(|region| {
            let name = cut(&region.phrase, 200).0.to_owned();
            Some(Annotated { name, bbox: place(region.bbox?)?, is_object: false })
        });
        let mut annotated: Vec<Annotated> = objects.chain(regions).collect();
        // Small boxes are drawn over large ones.
        annotated.sort_by(|a, b| b.bbox.area().total_cmp(&a.bbox.area()));
        Self { size, annotated, replied: Vec::new() }
    }

    /// Annotated objects or regions with the name that lights each up.
    pub(super) fn names(&self, objects: bool) -> impl Iterator<Item = (String, &str)> {
        let found = self.annotated.iter().enumerate().filter(move |(_, annotated)| annotated.is_object == objects);
        found.map(|(index, annotated)| (annotated_name(index), annotated.name.as_str()))
    }

    /// Whether there is anything to see.
    pub(super) fn is_empty(&self) -> bool {
        self.annotated.is_empty() && self.replied.is_empty()
    }

    /// Draws a box of a reply, and finds the annotated box that it stands for.
    pub(super) fn point(&mut self, phrase: &str, found: ReferenceBox) -> Target {
        let key = found.bbox.thousandths();
        let known =
            self.replied.iter().position(|(bbox, verdict, _)| bbox.thousandths() == key && *verdict == found.verdict);
        let index = known.unwrap_or_else(|| {
            self.replied.push((found.bbox, found.verdict, cut(phrase, 80).0.to_owned()));
            self.replied.len() - 1
        });
        let mut boxes = format!("r{index}");
        let mut words = verdict_words(found);
        if let Some((index, overlap)) = self.counterpart(found.bbox) {
            boxes.push_str(&format!(" {}", annotated_name(index)));
            let annotated = &self.annotated[index];
            if found.bbox.thousandths() == annotated.bbox.thousandths() {
                words.push_str(&format!(": annotated as “{}”", annotated.name));
            } else {
                words.push_str(&format!(
                    "; the annotated box that overlaps most is “{}” {}, by {overlap:.2}",
                    annotated.name, annotated.bbox
                ));
            }
        }
        Target { boxes, words }
    }

    /// The annotated box that overlaps most, objects before regions of the same overlap.
    fn counterpart(&self, bbox: UnitBox) -> Option<(usize, f64)> {
        let overlaps = self
            .annotated
            .iter()
            .enumerate()
            .map(|(index, annotated)| ((annotated.bbox.iou(bbox), annotated.is_object), index));
        let best = overlaps.max_by(|(a, _), (b, _)| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)))?;
        (best.0.0 >= MIN_IOU).then_some((best.1, best.0.0))
    }

    /// Writes the picture; `image` is the address of the image itself.
    pub(super) fn write(&self, html: &mut Html, image: Option<&str>, alt: &str) {
        let (width, height) = self.size.map_or((4, 3), |size| (size.width(), size.height()));
        let has_image = if image.is_some() { "picture with-image" } else { "picture" };
        html.open("div", &[("class", has_image)]);
        // It gives the picture its shape; the layers lie over it.
        let view = format!("0 0 {width} {height}");
        html.open("svg", &[("class", "shape"), ("viewBox", &view), ("aria-hidden", "true")]).close("svg");
        if let Some(image) = image {
            html.open("img", &[("src", image), ("alt", alt), ("loading", "lazy"), ("referrerpolicy", "no-referrer")]);
        }
        html.open("svg", &[("class", "layer"), ("role", "img"), ("aria-label", alt)]);
        let mut places = [const { Vec::new() }; WIDTHS.len()];
        for (index, annotated) in self.annotated.iter().enumerate() {
            let class = if annotated.is_object { "object" } else { "region" };
            let class = format!("{class} hue{}", hue(&annotated.name));
            let label = annotated.is_object.then(|| label_class(&mut places, self.ratio(), annotated)).flatten();
            draw(html, &annotated_name(index), &class, annotated.bbox, &annotated.name, label);
        }
        for (index, (bbox, verdict, phrase)) in self.replied.iter().enumerate() {
            let class = format!("replied {}", verdict_class(*verdict));
            let is_alone = self.annotated.is_empty();
            draw(html, &format!("r{index}"), &class, *bbox, phrase, is_alone.then_some("wide"));
        }
        html.close("svg").close("div");
    }

    fn ratio(&self) -> f64 {
        self.size.map_or(0.75, |size| f64::from(size.height()) / f64::from(size.width()))
    }
}

fn annotated_name(index: usize) -> String {
    format!("a{index}")
}

/// One of eight colours, the same for all things of one name.
fn hue(name: &str) -> u32 {
    name.bytes().fold(7, |hash: u32, byte| hash.wrapping_mul(31).wrapping_add(u32::from(byte))) % 8
}

fn draw(html: &mut Html, name: &str, class: &str, bbox: UnitBox, label: &str, label_class: Option<&'static str>) {
    let [x1, y1, x2, y2] = bbox.edges();
    let percent = |share: f64| format!("{:.1}%", share * 100.0);
    let (x, y, width, height) = (percent(x1), percent(y1), percent(x2 - x1), percent(y2 - y1));
    html.open("g", &[("class", class), ("data-box", name)]).element("title", &[], label);
    html.open("rect", &[("x", &x), ("y", &y), ("width", &width), ("height", &height)]).close("rect");
    let label_class = label_class.unwrap_or("never");
    // Labels of boxes at the right edge grow to the left.
    let (x, anchor) = if x1 > 0.75 { (percent(x2), "end") } else { (x, "start") };
    let attributes = [("x", x.as_str()), ("y", &y), ("dy", "11"), ("text-anchor", anchor), ("class", label_class)];
    html.element("text", &attributes, &short(label)).close("g");
}

fn short(label: &str) -> String {
    if label.chars().count() <= 24 { label.to_owned() } else { label.chars().take(23).chain(['…']).collect() }
}

/// On which widths the name of a box has room: `None` on none of them.
fn label_class(places: &mut [Vec<[f64; 4]>; 2], ratio: f64, annotated: &Annotated) -> Option<&'static str> {
    let has_room = |index: usize, places: &mut Vec<[f64; 4]>| {
        let width = WIDTHS[index];
        let long = short(&annotated.name).chars().count() as f64 * LETTER.0;
        let left =
            if annotated.bbox.x1() > 0.75 { annotated.bbox.x2() * width - long } else { annotated.bbox.x1() * width };
        let top = annotated.bbox.y1() * width * ratio;
        let place = [left, top, left + long, top + LETTER.1];
        let overlaps =
            |other: &[f64; 4]| place[0] < other[2] && other[0] < place[2] && place[1] < other[3] && other[1] < place[3];
        if places.iter().any(overlaps) {
            return false;
        }
        places.push(place);
        true
    };
    let [narrow, wide] = places;
    let (on_narrow, on_wide) = (has_room(0, narrow), has_room(1, wide));
    match (on_narrow, on_wide) {
        (true, _) => Some("all"),
        (false, true) => Some("wide"),
        (false, false) => None,
    }
}
