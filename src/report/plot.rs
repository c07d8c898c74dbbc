//! Plots by hand: bars in a table, which a screen reader can read, and distributions as SVG.

use crate::report::html::Html;
use crate::report::tally::Histogram;

/// Most bars of a distribution.
const MAX_BARS: usize = 32;

/// Width and height of a distribution in its own units.
const SIZE: (f64, f64) = (480.0, 150.0);

/// Room below the bars for the labels of the axis.
const AXIS: f64 = 22.0;

/// A row of a table of bars: its name, what it counts, and parts of it in the colours of a class each.
#[derive(Debug)]
pub(super) struct Bar<'a> {
    pub(super) name: &'a str,
    pub(super) value: f64,
    /// What is written behind the bar.
    pub(super) label: String,
    /// A second bar in the same row: a part or a counterpart of the first.
    pub(super) second: Option<f64>,
}

impl<'a> Bar<'a> {
    pub(super) fn count(name: &'a str, n: u64) -> Self {
        Self { name, value: n as f64, label: grouped(n), second: None }
    }
}

/// Bars, one a row, against the largest.
pub(super) fn bars(html: &mut Html, caption: &str, bars: &[Bar<'_>]) {
    let values = bars.iter().flat_map(|bar| [bar.value, bar.second.unwrap_or(0.0)]);
    let most = values.fold(f64::MIN_POSITIVE, f64::max);
    html.open("table", &[("class", "bars")]).element("caption", &[], caption);
    for bar in bars {
        html.open("tr", &[]).open("th", &[("scope", "row")]).isolated(bar.name).close("th");
        html.open("td", &[("class", "bar")]).open("svg", &[("aria-hidden", "true"), ("focusable", "false")]);
        let is_split = bar.second.is_some();
        rect(html, "fill-a", ["0", if is_split { "2" } else { "3" }, &percent(bar.value / most), "8"]);
        if let Some(second) = bar.second {
            rect(html, "fill-b", ["0", "11", &percent(second / most), "8"]);
        }
        html.close("svg").close("td").classed("td", "n", &bar.label).close("tr");
    }
    html.close("table");
}

/// One bar of parts that add up, each of a class of its own: how much of a whole is in each state.
pub(super) fn stacked(html: &mut Html, parts: &[(&'static str, u64)]) {
    let sum: u64 = parts.iter().map(|(_, n)| n).sum();
    html.open("svg", &[("class", "stack"), ("aria-hidden", "true"), ("focusable", "false")]);
    let mut left = 0.0;
    for (class, n) in parts.iter().filter(|(_, n)| *n > 0) {
        let share = *n as f64 / sum.max(1) as f64;
        rect(html, class, [&percent(left), "0", &percent(share), "100%"]);
        left += share;
    }
    html.close("svg");
}

/// A distribution with its mean, median and range in words.
pub(super) fn distribution(html: &mut Html, caption: &str, unit: &str, histogram: &Histogram, scale: f64) {
    if histogram.n() == 0 {
        return;
    }
    let shown = |value: f64| if scale == 1.0 { grouped(value as u64) } else { format!("{:.1}", value * scale) };
    let words = format!(
        "mean {:.1}, median {}, 90 % from {} to {}, most {} {unit}",
        histogram.mean() * scale,
        shown(histogram.quantile(0.5) as f64),
        shown(histogram.quantile(0.05) as f64),
        shown(histogram.quantile(0.95) as f64),
        shown(histogram.max() as f64),
    );
    html.open("figure", &[]).open("figcaption", &[]).classed("strong", "name", caption).text(" ");
    html.classed("span", "dim", &words).close("figcaption");
    let (width, height) = SIZE;
    let view = format!("0 0 {width} {height}");
    let label = format!("{caption}: {words}");
    html.open("svg", &[("viewBox", &view), ("class", "plot"), ("role", "img"), ("aria-label", &label)]);
    let bars = histogram.bars(MAX_BARS);
    let most = bars.iter().map(|bar| bar.1).max().unwrap_or(0).max(1) as f64;
    let step = width / bars.len().max(8) as f64;
    let every = bars.len().div_ceil(8).max(1);
    for (index, (start, n)) in bars.iter().enumerate() {
        let left = index as f64 * step;
        let tall = *n as f64 / most * (height - AXIS - 4.0);
        let edges = [left + 1.0, height - AXIS - tall, step - 2.0, tall].map(|v| format!("{v:.1}"));
        html.open("g", &[]);
        let is_last = index + 1 == bars.len() && histogram.max() > *start;
        let from = format!("{}{}: {}", shown(*start as f64), if is_last { " and more" } else { "" }, grouped(*n));
        html.element("title", &[], &from);
        rect(html, "fill-a", [&edges[0], &edges[1], &edges[2], &edges[3]]);
        html.close("g");
        if index % every == 0 {
            let x = format!("{:.1}", left + step / 2.0);
            let y = format!("{}", height - 6.0);
            html.element("text", &[("x", &x), ("y", &y), ("class", "tick")], &shown(*start as f64));
        }
    }
    let base = format!("{}", height - AXIS);
    let end = format!("{width}");
    html.open("line", &[("x1", "0"), ("x2", &end), ("y1", &base), ("y2", &base), ("class", "axis")]).close("line");
    html.close("svg").close("figure");
}

fn rect(html: &mut Html, class: &str, [x, y, width, height]: [&str; 4]) {
    let attributes = [("class", class), ("x", x), ("y", y), ("width", width), ("height", height)];
    html.open("rect", &attributes).close("rect");
}

fn percent(share: f64) -> String {
    format!("{:.2}%", share * 100.0)
}

/// A number with its thousands set apart: `108,077`.
pub(super) fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands() {
        assert_eq!([0, 999, 1_000, 108_077, 4_200_000].map(grouped), ["0", "999", "1,000", "108,077", "4,200,000"]);
    }

    #[test]
    fn nothing_makes_no_plot() {
        let mut html = Html::default();
        distribution(&mut html, "Words", "words", &Histogram::default(), 1.0);
        assert_eq!(html.len(), 0);
    }
}
