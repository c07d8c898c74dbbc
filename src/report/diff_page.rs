//! Two runs side by side, as a page of HTML.

use std::path::Path;

use crate::atomic;
use crate::error::Result;
use crate::report::diff::{Difference, RunDiff, number, pairs};
use crate::report::html::Html;
use crate::report::images::Images;
use crate::report::page::document;
use crate::report::plot::{Bar, bars, grouped};
use crate::report::text::cut;

/// Longest text of a pair that is shown, in bytes.
const MAX_TEXT: usize = 1_500;

impl RunDiff {
    /// Writes the page to a file, whole or not at all.
    ///
    /// # Errors
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) if it cannot be written.
    pub fn write_html(&self, path: impl AsRef<Path>) -> Result<()> {
        atomic::write(path.as_ref(), self.html().as_bytes())
    }

    /// A page of it: one file that loads nothing.
    pub fn html(&self) -> String {
        let mut html = Html::default();
        html.markup("<header><h1>").isolated(&self.names[0]).text(" and ").isolated(&self.names[1]);
        html.markup("</h1></header><main>");
        if !self.options.is_empty() {
            html.markup("<section><h2>What was set otherwise</h2><div class=\"scroll\"><table class=\"ledger\">");
            for (option, values) in &self.options {
                html.markup("<tr>").open("th", &[("scope", "row")]).isolated(option).close("th");
                for value in values {
                    html.markup("<td>").isolated(cut(&value.to_string(), 300).0).markup("</td>");
                }
                html.markup("</tr>");
            }
            html.markup("</table></div></section>");
        }
        html.markup("<section><h2>In numbers</h2><div class=\"plots wide\">");
        self.table(&mut html, "all tasks", None);
        for task in self.tasks() {
            self.table(&mut html, task, Some(task));
        }
        html.markup("</div></section><section><h2>Why units are not accepted</h2><div class=\"plots\">");
        let causes = self.causes();
        let rows: Vec<Bar<'_>> = causes
            .iter()
            .map(|(cause, [left, right])| Bar {
                name: cause,
                value: *left as f64,
                label: format!("{} / {}", grouped(*left), grouped(*right)),
                second: Some(*right as f64),
            })
            .collect();
        bars(&mut html, "First run / second run", &rows);
        for (task, transitions) in &self.transitions {
            let rows: Vec<_> = transitions.iter().map(|(states, n)| Bar::count(states, *n)).collect();
            bars(&mut html, &format!("{task}: from the first to the second run"), &rows);
        }
        html.markup("</div></section><section><h2>Units that differ</h2>");
        for difference in &self.differences {
            card(&mut html, difference);
        }
        html.markup("</section></main>");
        document("svitgen diff", &Images::None, &html)
    }

    fn table(&self, html: &mut Html, caption: &str, task: Option<&str>) {
        html.markup("<div class=\"scroll\"><table class=\"ledger\">").element("caption", &[], caption);
        html.markup(
            "<thead class=\"both\"><tr><td></td><th scope=\"col\">first</th><th scope=\"col\">second</th></tr></thead>",
        );
        for (name, values) in self.rows(task) {
            html.markup("<tr>").element("th", &[("scope", "row")], name);
            for value in values {
                html.element("td", &[], &number(value));
            }
            html.markup("</tr>");
        }
        html.markup("</table></div>");
    }
}

fn card(html: &mut Html, difference: &Difference) {
    html.markup("<article class=\"card\"><h3>Image ").isolated(cut(&difference.image_id.to_string(), 80).0);
    html.text(" · ").isolated(&difference.task).markup("</h3><div class=\"side\">");
    for side in 0..2 {
        html.markup("<div><h4>").text(difference.states[side].as_str());
        if let Some(cause) = &difference.causes[side] {
            html.classed("span", "code", cause);
        }
        html.markup("</h4><ol class=\"pairs\">");
        for (question, answer) in pairs(&difference.samples[side]) {
            html.markup("<li><p class=\"question\" dir=\"auto\">").text(cut(question, MAX_TEXT).0);
            html.markup("</p><p class=\"answer\" dir=\"auto\">").text(cut(answer, MAX_TEXT).0).markup("</p></li>");
        }
        html.markup("</ol></div>");
    }
    html.markup("</div></article>");
}
