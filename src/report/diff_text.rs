//! Two runs side by side, for a terminal.

use std::fmt;

use serde_json::Value;

use crate::report::diff::{RunDiff, number, pairs};
use crate::report::plot::grouped;
use crate::report::text::{cut, visible};

impl fmt::Display for RunDiff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "first:  {}\nsecond: {}", visible(&self.names[0]), visible(&self.names[1]))?;
        for (option, [left, right]) in &self.options {
            let shown = |value: &Value| match value {
                Value::Null => "not set".to_owned(),
                Value::Object(_) if option.starts_with("tasks.") => "set".to_owned(),
                value => visible(cut(&value.to_string(), 100).0),
            };
            writeln!(f, "  {option}: {} → {}", shown(left), shown(right))?;
        }
        let tasks = self.tasks();
        let all = (tasks.len() != 1).then_some(("all tasks", None));
        let blocks = tasks.iter().map(|task| (task.as_str(), Some(task.as_str()))).chain(all);
        for (name, task) in blocks {
            writeln!(f, "\n{:<24}{:>14}{:>14}{:>14}", name, "first", "second", "change")?;
            for (name, values) in self.rows(task) {
                let change = match values {
                    [Some(left), Some(right)] if left != right => format!("{:>14}", difference(left, right)),
                    _ => String::new(),
                };
                writeln!(f, "  {name:<22}{:>14}{:>14}{change}", number(values[0]), number(values[1]))?;
            }
        }
        writeln!(f, "\n{:<24}{:>14}{:>14}", "not accepted because of", "first", "second")?;
        for (cause, counts) in self.causes() {
            writeln!(f, "  {cause:<22}{:>14}{:>14}", grouped(counts[0]), grouped(counts[1]))?;
        }
        for (task, transitions) in &self.transitions {
            let changed = transitions.iter().map(|(states, n)| format!("{states} {}", grouped(*n)));
            writeln!(f, "{task}: {}", changed.collect::<Vec<_>>().join(", "))?;
        }
        if self.one_sided != [0, 0] {
            let [left, right] = self.one_sided.map(grouped);
            writeln!(f, "units of the first run only: {left}; of the second only: {right}")?;
        }
        for difference in &self.differences {
            let image_id = visible(cut(&difference.image_id.to_string(), 80).0);
            writeln!(f, "\n{}, image {image_id}", difference.task)?;
            for (side, name) in ["first", "second"].into_iter().enumerate() {
                let cause = difference.causes[side].as_deref().map(|cause| format!(" ({cause})")).unwrap_or_default();
                writeln!(f, "  {name}: {}{cause}", difference.states[side])?;
                for (question, answer) in pairs(&difference.samples[side]).take(2) {
                    writeln!(f, "    Q {}\n    A {}", visible(cut(question, 160).0), visible(cut(answer, 160).0))?;
                }
            }
        }
        Ok(())
    }
}

/// With its sign, as exact as the numbers themselves.
fn difference(left: f64, right: f64) -> String {
    let sign = if right > left { '+' } else { '-' };
    format!("{sign}{}", number(Some((right - left).abs())))
}
