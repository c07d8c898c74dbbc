//! The gallery: for each image a picture with its boxes, and what became of each task.

use std::collections::BTreeSet;

use crate::annotation::{ImageId, ImageRecord};
use crate::choice::Choices;
use crate::pipeline::{Call, UnitSummary};
use crate::reply::Action;
use crate::report::html::Html;
use crate::report::images::Images;
use crate::report::phrases;
use crate::report::picture::Picture;
use crate::report::replay::Replay;
use crate::report::reply::reply;
use crate::report::text::{count, cut};
use crate::sample::Sample;

/// Longest message of a prompt that is shown, in bytes.
const MAX_MESSAGE: usize = 20_000;

/// Most pairs, captions, names and the like that are shown in one place.
const MAX_LINES: usize = 100;

/// What a gallery shows of one image.
#[derive(Debug, Default)]
pub(super) struct Shown {
    pub(super) record: Option<ImageRecord>,
    pub(super) units: Vec<ShownUnit>,
}

/// What a gallery shows of one unit.
#[derive(Debug)]
pub(super) struct ShownUnit {
    pub(super) task: String,
    pub(super) summary: UnitSummary,
    pub(super) sample: Option<Sample>,
    /// The last answer to each turn, in order.
    pub(super) calls: Vec<Call>,
}

/// The card of an image, and how many of its bytes are the image itself.
pub(super) fn card(image_id: &ImageId, shown: &Shown, replay: &Replay, images: &Images) -> (Html, usize) {
    let record = shown.record.as_ref();
    let mut picture = Picture::new(record);
    let mut units = Html::default();
    for each in &shown.units {
        unit(&mut units, image_id, each, record, replay, &mut picture);
    }
    let id = image_id.to_string();
    let name = cut(&id, 80).0;
    let file = record.map(|record| record.image.path());
    let file = file.or_else(|| shown.units.iter().find_map(|unit| Some(unit.sample.as_ref()?.image.clone())));
    let mut html = Html::default();
    html.open("article", &[("class", "card"), ("data-objects", &object_names(record))]);
    html.open("h3", &[]).text("Image ").isolated(name);
    html.open("span", &[("class", "dim")]);
    if let Some(file) = &file {
        html.text(" ").isolated(cut(file, 120).0);
    }
    if let Some(size) = record.and_then(|record| record.image.size) {
        html.show(format_args!(" · {} × {}", size.width(), size.height()));
    }
    html.close("span").close("h3").open("div", &[("class", "columns")]).open("div", &[("class", "left")]);
    let image = file.as_ref().and_then(|file| images.address(file));
    if picture.is_empty() && image.is_none() {
        html.classed(
            "p",
            "dim",
            if record.is_some() { "No box is annotated." } else { "The annotations are not given." },
        );
    } else {
        picture.write(&mut html, image.as_deref(), &format!("Image {name} with its boxes"));
    }
    annotations(&mut html, record, &picture);
    html.close("div").open("div", &[("class", "right")]).append(&units).close("div").close("div").close("article");
    (html, image.map_or(0, |image| image.len()))
}

fn object_names(record: Option<&ImageRecord>) -> String {
    let names = record.into_iter().flat_map(|record| &record.objects).filter_map(|object| object.names.first());
    let names: BTreeSet<String> = names.map(|name| cut(name, 60).0.trim().to_lowercase()).take(400).collect();
    names.into_iter().collect::<Vec<_>>().join("\n")
}

fn annotations(html: &mut Html, record: Option<&ImageRecord>, picture: &Picture) {
    let Some(record) = record else { return };
    if !record.captions.is_empty() {
        html.open("ul", &[("class", "captions"), ("aria-label", "Captions")]);
        for caption in record.captions.iter().take(MAX_LINES) {
            html.open("li", &[("dir", "auto")]).text(cut(&caption.text, 600).0).close("li");
        }
        html.close("ul");
    }
    let kinds =
        [(true, record.objects.len(), ["object", "objects"]), (false, record.regions.len(), ["region", "regions"])];
    for (objects, n_all, what) in kinds {
        let names: Vec<_> = picture.names(objects).take(MAX_LINES).collect();
        let n_all_words = count(n_all, what[0], what[1]);
        if names.is_empty() {
            if n_all > 0 {
                html.classed("p", "dim", &format!("{n_all_words} without a box to draw"));
            }
            continue;
        }
        let words = if names.len() < n_all { format!("{} of {n_all_words}", names.len()) } else { n_all_words };
        html.open("details", &[]).element("summary", &[], &words);
        html.open("ul", &[("class", "names")]);
        for (lights, name) in &names {
            html.open("li", &[("data-boxes", lights), ("tabindex", "0")]).isolated(name).close("li");
        }
        html.close("ul").close("details");
    }
}

/// What leads to a unit: the same in every report.
pub(super) fn anchor(image_id: &ImageId, task: &str) -> String {
    let kind = if matches!(image_id, ImageId::Number(_)) { "number" } else { "text" };
    format!("u-{:016x}", Choices::new(0, [kind, &image_id.to_string(), task]).bits())
}

fn unit(
    html: &mut Html,
    image_id: &ImageId,
    shown: &ShownUnit,
    record: Option<&ImageRecord>,
    replay: &Replay,
    picture: &mut Picture,
) {
    let anchor = anchor(image_id, &shown.task);
    let summary = &shown.summary;
    let codes: BTreeSet<&str> =
        summary.issues.iter().map(|issue| issue.code.as_str()).chain(summary.cause.as_deref()).collect();
    let codes = codes.into_iter().collect::<Vec<_>>().join(" ");
    let state = summary.state.as_str();
    let attributes = [
        ("class", "unit"),
        ("id", &*anchor),
        ("data-task", &shown.task),
        ("data-state", state),
        ("data-issues", &codes),
    ];
    html.open("section", &attributes).open("h4", &[]);
    html.element("a", &[("href", &format!("#{anchor}")), ("title", "a link to this sample")], &shown.task).text(" ");
    html.classed("span", badge(state), state);
    let n_pairs = usize::try_from(summary.pairs).unwrap_or(usize::MAX);
    html.classed("span", "dim", &format!(" {}", count(n_pairs, "pair", "pairs")));
    // A cause that is an issue stands below, with what was done about it.
    let is_issue = |cause: &&String| summary.issues.iter().any(|issue| issue.code.as_str() == **cause);
    if let Some(cause) = summary.cause.as_ref().filter(|cause| !is_issue(cause)) {
        html.classed("span", "code", cause);
    }
    html.close("h4");
    issues(html, summary);
    if let Some(sample) = &shown.sample {
        conversations(html, sample, picture);
    }
    let prompt = record.and_then(|record| replay.prompt(record, &shown.task, &shown.calls));
    for call in &shown.calls {
        answer(html, call, shown, replay, prompt.as_ref().map(|again| &again.prompt));
    }
    if let Some(again) = &prompt {
        html.open("details", &[]).element("summary", &[], "Prompt");
        if again.is_as_sent == Some(false) {
            html.classed("p", "warn", "Not the prompt that was sent: the annotations or options given now are others.");
        }
        for message in &again.prompt.messages {
            let (text, rest) = cut(&message.content, MAX_MESSAGE);
            html.element("h5", &[], &format!("{:?}", message.role).to_lowercase());
            html.open("pre", &[("dir", "auto")]).text(text);
            rest.write(html);
            html.close("pre");
        }
        html.close("details");
    }
    html.close("section");
}

fn badge(state: &str) -> &'static str {
    match state {
        "accepted" => "badge accepted",
        "partial" => "badge partial",
        "rejected" => "badge rejected",
        "failed" => "badge failed",
        _ => "badge pending",
    }
}

fn issues(html: &mut Html, summary: &UnitSummary) {
    let noticed: BTreeSet<(Action, &str)> =
        summary.issues.iter().map(|issue| (issue.action, issue.code.as_str())).collect();
    if noticed.is_empty() {
        return;
    }
    html.open("p", &[("class", "issues")]);
    for (action, code) in noticed.iter().rev().take(MAX_LINES) {
        let n = summary.issues.iter().filter(|issue| issue.code.as_str() == *code && issue.action == *action).count();
        html.classed("span", "code", code)
            .text(&format!(" {action}{} ", if n > 1 { format!(" × {n}") } else { String::new() }));
    }
    html.close("p");
}

fn conversations(html: &mut Html, sample: &Sample, picture: &mut Picture) {
    html.open("ol", &[("class", "pairs")]);
    let mut n_left = MAX_LINES;
    for conversation in &sample.conversations {
        if let Some(topic) = &conversation.topic {
            html.open("li", &[("class", "topic"), ("dir", "auto")]).text(cut(topic, 300).0).close("li");
        }
        for pair in conversation.pairs().take(n_left) {
            n_left -= 1;
            html.open("li", &[]).open("p", &[("class", "question"), ("dir", "auto")]);
            phrases::turn(html, pair.question, |phrase, found| picture.point(phrase, found));
            html.close("p").open("p", &[("class", "answer"), ("dir", "auto")]);
            phrases::turn(html, pair.answer, |phrase, found| picture.point(phrase, found));
            html.close("p");
            for doubt in pair.answer.support.iter().flat_map(|support| &support.doubts).take(10) {
                html.open("p", &[("class", "doubt")]).text("doubt: ").isolated(&doubt.quote).text(" – ");
                html.isolated(&doubt.reason).close("p");
            }
            html.close("li");
        }
        for flag in conversation.flags.iter().take(20) {
            html.open("li", &[("class", "flag")]).text("kept with ").classed("span", "code", flag).close("li");
        }
    }
    html.close("ol");
}

fn answer(html: &mut Html, call: &Call, shown: &ShownUnit, replay: &Replay, prompt: Option<&crate::prompt::Prompt>) {
    let what = if call.turn == 0 { "Reply".to_owned() } else { format!("Follow-up {}", call.turn) };
    let completion = match &call.result {
        Ok(completion) => completion,
        Err(failure) => {
            html.open("p", &[("class", "warn")]).show(format_args!("{what}: the call failed, ")).classed(
                "span",
                "code",
                &failure.kind,
            );
            html.text(" ").isolated(cut(&failure.message, 600).0).close("p");
            return;
        }
    };
    let finish: String = completion.finish_reason.clone().into();
    let mut about =
        format!("{what} as it came · {} bytes · finish reason {}", completion.text.len(), cut(&finish, 40).0);
    if let Some(model) = &completion.model {
        about.push_str(&format!(" · {}", cut(model, 80).0));
    }
    if let Some(usage) = completion.usage {
        about.push_str(&format!(" · {} + {} tokens", usage.input_tokens, usage.output_tokens));
    }
    if let Some(latency) = call.latency {
        about.push_str(&format!(" · {:.1} s", latency.as_secs_f64()));
    }
    html.open("details", &[("class", "reply-details")]).open("summary", &[]).isolated(&about).close("summary");
    let parsed = replay.parse(&shown.task, completion, prompt);
    let recorded = if call.turn == 0 { &*shown.summary.issues } else { &[] };
    reply(html, &completion.text, parsed.as_ref(), recorded);
    html.close("details");
}
