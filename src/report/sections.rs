//! The sections of a report: the account, what it cost, how it is distributed, and the gallery with its filters.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::pipeline::{RunFolder, TaskLedger, UnitState};
use crate::report::html::Html;
use crate::report::plot::{Bar, bars, distribution, grouped, stacked};
use crate::report::statistics::{RunStatistics, TaskStatistics, TokenPrices};
use crate::report::tally::Histogram;

/// Most rows of a table of bars.
const TOP: usize = 15;

/// All that the sections show.
#[derive(Debug)]
pub(super) struct Sections<'a> {
    pub(super) run: &'a RunFolder,
    pub(super) manifest: &'a Value,
    pub(super) statistics: &'a RunStatistics,
    pub(super) prices: Option<TokenPrices>,
    pub(super) cards: &'a [Html],
    pub(super) n_shown: usize,
    pub(super) n_units: u64,
}

impl Sections<'_> {
    pub(super) fn write(&self, html: &mut Html) {
        html.markup("<a class=\"skip\" href=\"#gallery\">Go to the gallery</a>");
        self.header(html);
        html.markup("<main>");
        self.ledger(html);
        self.distributions(html);
        self.gallery(html);
        html.markup("</main>");
    }

    fn header(&self, html: &mut Html) {
        let total = self.statistics.ledger.total();
        let name = self.run.path().file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        html.markup("<header><h1>").isolated(&name).markup("</h1><p class=\"dim\">");
        let text = |key: &str| self.manifest[key].as_str().unwrap_or("unknown").to_owned();
        let model = self.manifest["parameters"]["model"].as_str().map(|model| format!(", model {model}"));
        let policy = self.manifest["policy"]["preset"].as_str().unwrap_or("careful");
        html.show(format_args!("client {}{}", text("client"), model.unwrap_or_default()));
        html.show(format_args!(" · policy {policy} · svitgen {}", text("svitgen"))).markup("</p><dl class=\"tiles\">");
        let share = (total.accepted + total.partial) as f64 / total.inputs.max(1) as f64 * 100.0;
        tile(html, "units with a sample", &format!("{share:.1} %"));
        tile(html, "question-answer pairs", &grouped(total.pairs));
        tile(html, "requests", &grouped(total.requests));
        tile(html, "tokens in", &grouped(total.input_tokens));
        tile(html, "tokens out", &grouped(total.output_tokens));
        if let Some(prices) = self.prices {
            let cost = prices.cost(total.input_tokens, total.output_tokens);
            tile(html, "cost", &money(cost));
            if total.pairs > 0 {
                tile(html, "cost of 1,000 pairs", &money(cost / total.pairs as f64 * 1000.0));
            }
        }
        let latency = &self.statistics.latency;
        if latency.n() > 0 {
            tile(html, "median latency", &format!("{:.1} s", latency.quantile(0.5) as f64 / 10.0));
        }
        html.markup("</dl></header>");
    }

    fn ledger(&self, html: &mut Html) {
        let ledger = &self.statistics.ledger;
        let total = ledger.total();
        html.markup("<section><h2>What became of it</h2><div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"The account\"><table class=\"ledger\"><thead><tr>");
        for heading in
            ["task", "inputs", "", "accepted", "partial", "rejected", "failed", "pending", "pairs", "requests"]
        {
            let tag = if heading.is_empty() { "td" } else { "th" };
            html.element(tag, &[("scope", "col"), ("class", heading)], heading);
        }
        html.markup("</tr></thead><tbody>");
        for (name, task) in &ledger.tasks {
            ledger_row(html, name, task);
        }
        html.markup("</tbody><tfoot>");
        ledger_row(html, "total", &total);
        html.markup("</tfoot></table></div><p>");
        let states: Vec<String> =
            UnitState::ALL.iter().map(|state| format!("{} {state}", grouped(total.count(*state)))).collect();
        html.show(format_args!("{} inputs = {}", grouped(total.inputs), states.join(" + "))).markup("</p>");
        self.notes(html, &total);
        html.markup("<div class=\"plots\">");
        counts(html, "Why units are not accepted", &total.causes);
        counts(html, "What was noticed in replies", &total.issues);
        html.markup("</div></section>");
    }

    fn notes(&self, html: &mut Html, total: &TaskLedger) {
        if total.top_ups > 0 {
            let (n, pairs) = (grouped(total.top_ups), grouped(total.top_up_pairs));
            html.classed("p", "dim", &format!("{n} follow-ups for what replies lacked brought {pairs} pairs."));
        }
        if total.unanswered > 0 {
            let n = grouped(total.unanswered);
            html.classed(
                "p",
                "warn",
                &format!("{n} requests were sent and never answered; they may have been billed."),
            );
        }
        if self.statistics.ledger.damaged_lines > 0 {
            let n = grouped(self.statistics.ledger.damaged_lines);
            html.classed("p", "warn", &format!("{n} lines of the journal were damaged; their units were asked again."));
        }
    }

    fn distributions(&self, html: &mut Html) {
        html.markup("<section><h2>What the samples are like</h2>");
        let tasks = &self.statistics.tasks;
        let pairs: BTreeMap<String, u64> =
            self.statistics.ledger.tasks.iter().map(|(name, task)| (name.clone(), task.pairs)).collect();
        html.markup("<div class=\"plots\">");
        counts(html, "Pairs of each task", &pairs);
        self.objects(html);
        distribution(html, "Latency", "seconds", &self.statistics.latency, 0.1);
        html.markup("</div>");
        for (name, task) in tasks.iter().filter(|(_, task)| task.pairs.n() > 0) {
            html.element("h3", &[], name).markup("<div class=\"plots\">");
            task_plots(html, task);
            html.markup("</div>");
        }
        html.markup("</section>");
    }

    fn objects(&self, html: &mut Html) {
        let objects = &self.statistics.objects;
        let row = |(name, count): (&'_ str, crate::report::ObjectCount)| (name.to_owned(), count);
        let top: Vec<_> = objects.top(TOP).into_iter().map(row).collect();
        let unannotated: Vec<_> = objects.top_unannotated(TOP).into_iter().map(row).collect();
        if objects.has_annotations && !top.is_empty() {
            let rows: Vec<Bar<'_>> = top
                .iter()
                .map(|(name, count)| Bar {
                    name,
                    value: count.annotated as f64,
                    label: format!("{} / {}", grouped(count.annotated), grouped(count.mentioned)),
                    second: Some(count.mentioned as f64),
                })
                .collect();
            bars(html, "Images on which an object is annotated / and named in an answer", &rows);
        } else if !top.is_empty() {
            let rows: Vec<_> = top.iter().map(|(name, count)| Bar::count(name, count.mentioned)).collect();
            bars(html, "Images on which answers name a thing", &rows);
        }
        if !unannotated.is_empty() {
            let rows: Vec<_> = unannotated.iter().map(|(name, count)| Bar::count(name, count.unannotated)).collect();
            bars(html, "Named in answers where nothing of the kind is annotated (images)", &rows);
        }
    }

    fn gallery(&self, html: &mut Html) {
        html.markup("<section id=\"gallery\" tabindex=\"-1\"><h2>Gallery</h2><p class=\"dim\">");
        let (shown, all) = (grouped(self.n_shown as u64), grouped(self.n_units));
        if self.n_shown as u64 == self.n_units {
            html.show(format_args!("All {all} units, by image."));
        } else {
            html.show(format_args!(
                "{shown} of {all} units, by image: drawn by a hash of the image, evenly over tasks, states and causes."
            ));
        }
        html.markup(" Point at a phrase: its box lights up, and the annotated box beside it.");
        if !self.statistics.objects.has_annotations {
            html.markup(" Annotations and prompts are shown where the inputs of the run are given with it.");
        }
        html.markup("</p>");
        self.filters(html);
        html.markup("<div id=\"cards\">");
        for card in self.cards {
            html.append(card);
        }
        html.markup("</div><p id=\"nothing\" hidden>No unit is like that.</p>");
        html.markup(
            "<nav class=\"pages\" aria-label=\"Pages\" hidden><button type=\"button\" id=\"before\">Previous</button>",
        );
        html.markup("<span id=\"page\"></span><button type=\"button\" id=\"after\">Next</button></nav></section>");
    }

    /// Hidden where there is no script to make them work.
    fn filters(&self, html: &mut Html) {
        let total = self.statistics.ledger.total();
        html.markup("<div class=\"filters\" role=\"search\" aria-label=\"Filter the gallery\" hidden>");
        let tasks: Vec<&str> = self.run.tasks().iter().map(String::as_str).collect();
        select(html, "task", "Task", &tasks);
        select(html, "state", "Outcome", &UnitState::ALL.map(UnitState::as_str));
        let codes: std::collections::BTreeSet<&str> =
            total.issues.keys().chain(total.causes.keys()).map(|code| &**code).collect();
        select(html, "issue", "Issue", &codes.into_iter().collect::<Vec<_>>());
        html.markup(
            "<label>Object<input id=\"object\" type=\"search\" autocomplete=\"off\" spellcheck=\"false\"></label>",
        );
        html.markup("<label>Text<input id=\"text\" type=\"search\" autocomplete=\"off\" spellcheck=\"false\"></label>");
        html.markup("<button type=\"button\" id=\"reset\">All</button><output id=\"found\" aria-live=\"polite\"></output></div>");
    }
}

fn tile(html: &mut Html, name: &str, value: &str) {
    html.open("div", &[]).element("dt", &[], name).element("dd", &[], value).close("div");
}

fn money(amount: f64) -> String {
    if amount.abs() < 1.0 { format!("${amount:.4}") } else { format!("${amount:.2}") }
}

fn ledger_row(html: &mut Html, name: &str, task: &TaskLedger) {
    html.open("tr", &[]).open("th", &[("scope", "row")]).isolated(name).close("th");
    html.element("td", &[], &grouped(task.inputs)).open("td", &[("class", "share")]);
    stacked(html, &UnitState::ALL.map(|state| (state.as_str(), task.count(state))));
    html.close("td");
    for n in UnitState::ALL.map(|state| task.count(state)).into_iter().chain([task.pairs, task.requests]) {
        html.element("td", &[], &grouped(n));
    }
    html.close("tr");
}

fn counts(html: &mut Html, caption: &str, counts: &BTreeMap<String, u64>) {
    let mut rows: Vec<_> = counts.iter().map(|(name, n)| Bar::count(name, *n)).collect();
    rows.sort_by(|a, b| b.value.total_cmp(&a.value));
    rows.truncate(2 * TOP);
    if !rows.is_empty() {
        bars(html, caption, &rows);
    }
}

fn task_plots(html: &mut Html, task: &TaskStatistics) {
    let mut plot = |caption, unit, histogram: &Histogram| {
        // One value that all share is no distribution; its words say it all.
        distribution(html, caption, unit, histogram, 1.0);
    };
    plot("Pairs per image", "pairs", &task.pairs);
    plot("Words per question", "words", &task.question_words);
    plot("Words per answer", "words", &task.answer_words);
    let words = task.first_words.top(TOP);
    let rows: Vec<_> = words.iter().map(|(word, n)| Bar::count(word, *n)).collect();
    bars(html, "How questions start", &rows);
    if task.yes + task.no > 0 {
        let rest = task.answer_words.n() - task.yes - task.no;
        let rows = [Bar::count("yes", task.yes), Bar::count("no", task.no), Bar::count("neither", rest)];
        bars(html, "How answers start", &rows);
    }
    if !task.verdicts.is_empty() {
        let rows: Vec<_> = task.verdicts.iter().map(|(verdict, n)| Bar::count(verdict, *n)).collect();
        bars(html, "Boxes, held against those of the prompt", &rows);
    }
    if let Some(support) = task.mean_support {
        html.classed("p", "dim", &format!("Mean support of answers by the annotations: {support:.3}."));
    }
}

fn select(html: &mut Html, id: &'static str, label: &str, options: &[&str]) {
    html.open("label", &[]).text(label).open("select", &[("id", id)]).element("option", &[("value", "")], "all");
    for option in options {
        html.element("option", &[("value", option)], option);
    }
    html.close("select").close("label");
}
