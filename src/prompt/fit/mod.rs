//! Prompts that fit: lines are dropped until the messages have no more tokens than the budget allows.
//!
//! Each line is counted once, the most telling ones are taken as long as there is room, and what comes out is counted as
//! a whole: the budget is held by that last count, whatever a template makes of the lines.

mod budget;
mod rank;

pub use budget::TokenBudget;

use crate::llm::Message;
use crate::prompt::lines::{Context, Line, Lines};
use crate::task::{Section, Task};
use crate::tokens::TokenCounter;

/// A prompt that fits, and how many tokens it has; or how many the smallest one would have.
pub(super) type Fitted<E> = Result<Result<(Context, Vec<Message>, usize), usize>, E>;

/// Drops lines until the messages fit. `whole` shows all of them; one that fits is returned as it is.
pub(super) fn fit<E>(
    lines: &Lines<'_>,
    task: &Task,
    budget: &TokenBudget,
    whole: (Context, Vec<Message>),
    render: impl Fn(&Context) -> Result<Vec<Message>, E>,
) -> Fitted<E> {
    let (counter, max_tokens) = (budget.counter(), budget.max_tokens());
    let n_tokens = counter.count_messages(&whole.1);
    if n_tokens <= max_tokens {
        return Ok(Ok((whole.0, whole.1, n_tokens)));
    }
    let bare = counter.count_messages(&render(&Context::default())?);
    let choice = Choice::new(lines, task, counter);
    let mut room = max_tokens.saturating_sub(bare);
    let mut step = 1;
    while room > 0 {
        let wanted = choice.within(room);
        let context = lines.write(task, |index| wanted[index]);
        if context.is_empty() || (task.is_grounded() && context.boxes.is_empty()) {
            break;
        }
        let messages = render(&context)?;
        let n_tokens = counter.count_messages(&messages);
        if n_tokens <= max_tokens {
            return Ok(Ok((context, messages, n_tokens)));
        }
        // A template may show a line twice or never: in proportion, and ever faster, so that few rounds suffice.
        let in_proportion = room * (max_tokens - bare) / (n_tokens - bare).max(1);
        room = in_proportion.min(room).saturating_sub(step);
        step *= 2;
    }
    Ok(Err(bare + choice.cheapest()))
}

/// What each line costs, and which ones are worth it.
struct Choice<'a> {
    lines: &'a Lines<'a>,
    costs: Vec<usize>,
    headings: [usize; Section::ALL.len()],
    /// Indices of the lines, the last to be dropped first.
    order: Vec<usize>,
    is_grounded: bool,
}

impl<'a> Choice<'a> {
    fn new(lines: &'a Lines<'a>, task: &Task, counter: &dyn TokenCounter) -> Self {
        let number = if task.cites_numbers() { counter.count("#100 ") } else { 0 };
        let cost = |line: &Line| {
            let text = &lines.text[line.range.clone()];
            counter.count(&format!("- {text}\n")) + number * line.n_boxes()
        };
        let headings = Section::ALL.map(|section| counter.count(&format!("{}\n", section.heading())) + 1);
        let mut order = rank::order(lines);
        let is_grounded = task.is_grounded();
        // A task that points needs a box before all else.
        let first_box = order.iter().position(|index| is_grounded && lines.lines[*index].has_box());
        if let Some(position) = first_box {
            order[..=position].rotate_right(1);
        }
        Self { lines, costs: lines.lines.iter().map(cost).collect(), headings, order, is_grounded }
    }

    /// The lines that `room` tokens hold, in order of rank; one that is too long leaves its place to those below it.
    fn within(&self, mut room: usize) -> Vec<bool> {
        let mut wanted = vec![false; self.lines.lines.len()];
        let mut has_heading = [false; Section::ALL.len()];
        for &index in &self.order {
            let section = self.lines.lines[index].section as usize;
            let heading = if has_heading[section] { 0 } else { self.headings[section] };
            if let Some(rest) = room.checked_sub(self.costs[index] + heading) {
                room = rest;
                wanted[index] = true;
                has_heading[section] = true;
            }
        }
        wanted
    }

    /// The cost of the shortest prompt that shows something, and, in a task that points, a box.
    fn cheapest(&self) -> usize {
        let lines = self.lines.lines.iter().enumerate().filter(|(_, line)| !self.is_grounded || line.has_box());
        lines.map(|(index, line)| self.costs[index] + self.headings[line.section as usize]).min().unwrap_or(0)
    }
}
