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
    let choice = Choice::new(lines, task, counter);
    let Some((cheapest, cost)) = choice.cheapest() else { return Ok(Err(n_tokens)) };
    let mut smallest = written(lines, task, counter, |index| index == cheapest, &render)?;
    if smallest.2 > max_tokens {
        return Ok(Err(smallest.2));
    }
    let template = smallest.2.saturating_sub(cost);
    let mut room = max_tokens - template;
    let mut step = 1;
    while room > 0 {
        let wanted = choice.within(room);
        let fitted = written(lines, task, counter, |index| wanted[index], &render)?;
        let shows_enough = !fitted.0.is_empty() && (!task.is_grounded() || !fitted.0.boxes.is_empty());
        if !shows_enough {
            break;
        }
        if fitted.2 <= max_tokens {
            smallest = fitted;
            break;
        }
        // A template may show a line twice or never: in proportion, and ever faster, so that few rounds suffice.
        let in_proportion = room.saturating_mul(max_tokens - template) / fitted.2.saturating_sub(template).max(1);
        room = in_proportion.min(room).saturating_sub(step);
        step *= 2;
    }
    Ok(Ok(smallest))
}

/// The prompt of some lines, and its tokens.
fn written<E>(
    lines: &Lines,
    task: &Task,
    counter: &dyn TokenCounter,
    is_wanted: impl Fn(usize) -> bool,
    render: impl Fn(&Context) -> Result<Vec<Message>, E>,
) -> Result<(Context, Vec<Message>, usize), E> {
    let context = lines.write(task, is_wanted);
    let messages = render(&context)?;
    let n_tokens = counter.count_messages(&messages);
    Ok((context, messages, n_tokens))
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

    /// The shortest line that makes a prompt, with a box in a task that points, and its cost.
    fn cheapest(&self) -> Option<(usize, usize)> {
        let lines = self.lines.lines.iter().enumerate().filter(|(_, line)| !self.is_grounded || line.has_box());
        let costs = lines.map(|(index, line)| (index, self.costs[index] + self.headings[line.section as usize]));
        costs.min_by_key(|(_, cost)| *cost)
    }
}
