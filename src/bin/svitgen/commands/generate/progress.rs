//! How far a run has come: bars on a terminal, lines elsewhere.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use svitgen::pipeline::{Phase, RunControl, Snapshot, TaskProgress};

use crate::output::{Verbosity, count, duration};

/// Between two looks where there are bars.
const FRAME: Duration = Duration::from_millis(100);

/// Between two lines where there are none.
const LINE: Duration = Duration::from_secs(5);

pub(super) async fn watch(control: RunControl, verbosity: Verbosity) {
    if verbosity == Verbosity::Quiet {
        return;
    }
    if std::io::stderr().is_terminal() && verbosity == Verbosity::Normal {
        bars(&control).await
    } else {
        lines(&control).await
    }
}

async fn lines(control: &RunControl) {
    let mut waited = Duration::ZERO;
    loop {
        tokio::time::sleep(FRAME).await;
        waited += FRAME;
        let snapshot = control.snapshot();
        if snapshot.phase == Phase::Ended {
            return;
        }
        if waited >= LINE && snapshot.phase == Phase::Sending {
            waited = Duration::ZERO;
            let parts: Vec<String> = snapshot.tasks.iter().map(|(name, task)| progress(name, task)).collect();
            eprintln!("{}; {}", parts.join(", "), about(&snapshot));
        }
    }
}

fn progress(name: &str, task: &TaskProgress) -> String {
    match task.total {
        Some(total) => format!("{name} {}/{}", count(task.done), count(total)),
        None => format!("{name} {}", count(task.done)),
    }
}

/// Rates, retries, tokens, money, time left.
fn about(snapshot: &Snapshot) -> String {
    let mut parts = vec![format!("{} in flight", snapshot.in_flight()), format!("{:.1}/s", snapshot.rate)];
    let activity = &snapshot.activity;
    if activity.waiting > 0 {
        parts.push(format!("{} waiting", activity.waiting));
    }
    if activity.waiting > 0 && activity.waiting >= snapshot.in_flight() && snapshot.rate == 0.0 {
        parts.push("no answer from the server".to_owned());
    }
    if !activity.retries.is_empty() {
        let retries: Vec<String> = activity.retries.iter().map(|(kind, n)| format!("{kind} {n}")).collect();
        parts.push(format!("retries: {}", retries.join(", ")));
    }
    let input: u64 = snapshot.tasks.values().map(|task| task.input_tokens).sum();
    let output: u64 = snapshot.tasks.values().map(|task| task.output_tokens).sum();
    if input + output > 0 {
        parts.push(format!("tokens {} in, {} out", count(input), count(output)));
    }
    if let Some(spending) = activity.spending.filter(|spending| spending.unpriced < spending.requests) {
        let cap = spending.max_cost.map_or(String::new(), |cap| format!(" of {cap:.2}"));
        parts.push(format!("{:.2}{cap}", spending.cost));
    }
    if let Some(remaining) = snapshot.remaining {
        parts.push(format!("{} left", duration(remaining)));
    }
    parts.join(", ")
}

async fn bars(control: &RunControl) {
    let all = MultiProgress::with_draw_target(ProgressDrawTarget::stderr());
    let status = all.add(ProgressBar::new_spinner());
    status.set_style(style("{spinner} {msg}"));
    let mut bars: BTreeMap<String, ProgressBar> = BTreeMap::new();
    loop {
        let snapshot = control.snapshot();
        for (name, task) in &snapshot.tasks {
            let bar = bars.entry(name.clone()).or_insert_with(|| {
                let bar = all.insert_before(&status, ProgressBar::new(task.total.unwrap_or(0)));
                bar.set_style(style("{prefix:20} {bar:30} {human_pos}/{human_len} {percent:>3} %"));
                bar.with_prefix(name.clone())
            });
            bar.set_length(task.total.unwrap_or(task.done));
            bar.set_position(task.done);
        }
        status.set_message(match snapshot.phase {
            Phase::Opening => "reading what there is".to_owned(),
            Phase::Writing => "writing the outputs".to_owned(),
            _ => about(&snapshot),
        });
        status.tick();
        if snapshot.phase == Phase::Ended {
            break;
        }
        tokio::time::sleep(FRAME).await;
    }
    status.finish_and_clear();
    bars.values().for_each(ProgressBar::finish_and_clear);
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
