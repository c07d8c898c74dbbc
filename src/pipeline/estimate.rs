//! What a run would cost, worked out without sending anything.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::annotation::RecordSource;
use crate::error::Result;
use crate::llm::{Money, Prices, Usage};
use crate::pipeline::{Pipeline, TaskRow};
use crate::prompt::{LeftOutReason, Prompt, PromptError, PromptReport};
use crate::reply::ReplyForm;
use crate::task::{Section, Task};
use crate::tokens::{TokenCounter, TokenEstimate};

/// Tokens of a pair in a conversation: a short question, an answer of up to three sentences, two labels.
const CONVERSATION_PAIR: u64 = 45;

/// Tokens of a pair by itself: question, answer with its reasons, labels.
const PAIR: u64 = 60;

/// Tokens of a pair that points at two or three boxes.
const POINTING_PAIR: u64 = 110;

/// Tokens of a description, or of a reply in a form that does not say how much it asks for.
const TEXT: u64 = 300;

/// What a run would send, and about how much would come back, by task. Nothing is sent for it.
///
/// Requests are the first ones: follow-ups for what replies lack come on top, and are known only when the replies are.
/// Tokens of prompts are those of the counter, without the schema that a task in JSON sends along. Tokens of replies are a
/// rule of thumb by what is asked for; measure them on a few images where it matters. Money is what the model takes by the
/// built-in prices, or by those of [`with_prices`](Self::with_prices).
///
/// [`Display`](fmt::Display) prints it as a table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RunEstimate {
    /// Name of what counted the tokens.
    pub counter: String,
    /// The model that would be asked, if the parameters name one.
    pub model: Option<String>,
    /// How often at most a short reply is followed up.
    pub top_ups: usize,
    /// By name of the task.
    pub tasks: BTreeMap<String, TaskEstimate>,
}

/// What a run would send for one task.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct TaskEstimate {
    /// Images: the sum of the next four.
    pub images: u64,
    /// Requests, one for each image with a prompt.
    pub requests: u64,
    /// Images with nothing to prompt about.
    pub no_annotations: u64,
    /// Images of which nothing fits into the budget.
    pub over_budget: u64,
    /// Images on which the template fails.
    pub template_failures: u64,
    /// Tokens of all prompts.
    pub input_tokens: u64,
    /// Tokens of the longest prompt.
    pub longest_prompt: u64,
    /// Tokens of all replies, as a rule of thumb.
    pub output_tokens: u64,
    /// Tokens of all replies at most, if the parameters limit them.
    pub max_output_tokens: Option<u64>,
    /// What the prompts show and leave out.
    pub prompts: PromptReport,
    /// What the model takes for these tokens, if its price is known.
    pub cost: Option<Money>,
    /// The same through a Batch API.
    pub batch_cost: Option<Money>,
    /// What it takes at most, if the parameters limit the replies.
    pub max_cost: Option<Money>,
}

impl Pipeline {
    /// What a run over these records would cost, by the counter of the budget for prompts, or, without a budget, by
    /// [`TokenEstimate`].
    ///
    /// # Errors
    /// Those of the records.
    ///
    /// # Example
    /// ```
    /// use svitgen::{Pipeline, Task, VisualGenome, llm::MockLlm};
    /// let pipeline = Pipeline::builder(MockLlm::script([])).task(Task::conversation()).build()?;
    /// let estimate = pipeline.estimate(&VisualGenome::sample()?)?;
    /// assert_eq!(estimate.tasks["conversation"].images, 10);
    /// println!("{estimate}");
    /// # Ok::<(), svitgen::Error>(())
    /// ```
    pub fn estimate(&self, source: &dyn RecordSource) -> Result<RunEstimate> {
        match &self.prompt_options.budget {
            Some(budget) => self.estimate_by(source, budget.counter()),
            None => self.estimate_by(source, &TokenEstimate::new()),
        }
    }

    /// The same by another counter. The budget for prompts is held by its own.
    ///
    /// # Errors
    /// Those of the records.
    pub fn estimate_by(&self, source: &dyn RecordSource, counter: &dyn TokenCounter) -> Result<RunEstimate> {
        let mut tasks: BTreeMap<String, TaskEstimate> =
            self.tasks().map(|task| (task.name().to_owned(), TaskEstimate::default())).collect();
        for unit in self.all_units(source.records()) {
            let unit = unit?;
            let prompt = self.prompt(&unit);
            if let Some(sum) = tasks.get_mut(self.tasks[unit.task_index].task.name()) {
                sum.add(prompt, |prompt| self.n_tokens(prompt, counter));
            }
        }
        for TaskRow { task, parameters, .. } in self.tasks.iter() {
            if let Some(sum) = tasks.get_mut(task.name()) {
                sum.expect_replies(reply_tokens(task), parameters.max_tokens.map(u64::from));
            }
        }
        let model = self.tasks.first().and_then(|row| row.parameters.model.clone());
        let counter = counter.name().to_owned();
        Ok(RunEstimate { counter, model, top_ups: self.top_ups, tasks }.with_prices(&Prices::built_in()))
    }

    /// The tokens of a prompt, which its budget may have counted already.
    fn n_tokens(&self, prompt: &Prompt, counter: &dyn TokenCounter) -> u64 {
        let counted_by = self.prompt_options.budget.as_ref().map(|budget| budget.counter().name());
        let counted = prompt.n_tokens.filter(|_| counted_by == Some(counter.name()));
        counted.unwrap_or_else(|| counter.count_messages(&prompt.messages)) as u64
    }
}

impl TaskEstimate {
    /// Adds one image.
    fn add(&mut self, prompt: Result<Prompt, PromptError>, n_tokens: impl Fn(&Prompt) -> u64) {
        self.images += 1;
        match prompt {
            Ok(prompt) => {
                let n_tokens = n_tokens(&prompt);
                self.requests += 1;
                self.input_tokens += n_tokens;
                self.longest_prompt = self.longest_prompt.max(n_tokens);
                self.prompts.add(&prompt.report);
            }
            Err(PromptError::NoAnnotations { report, .. }) => {
                self.no_annotations += 1;
                self.prompts.add(&report);
            }
            Err(PromptError::OverBudget { .. }) => self.over_budget += 1,
            Err(PromptError::Template { .. }) => self.template_failures += 1,
        }
    }

    /// Sets the tokens of replies, when all images are added.
    fn expect_replies(&mut self, each: u64, max_tokens: Option<u64>) {
        self.output_tokens = self.requests * each.min(max_tokens.unwrap_or(u64::MAX));
        self.max_output_tokens = max_tokens.map(|max_tokens| self.requests * max_tokens);
    }
}

/// About how many tokens a reply has.
fn reply_tokens(task: &Task) -> u64 {
    let asked = task.form().asked();
    let n_pairs = (asked.pairs.unwrap_or(0) * asked.conversations.unwrap_or(1)) as u64;
    let is_text = matches!(task.form(), ReplyForm::Description) || n_pairs == 0;
    if is_text {
        TEXT
    } else if task.is_grounded() {
        n_pairs * POINTING_PAIR
    } else if asked.conversations.is_some() {
        n_pairs * CONVERSATION_PAIR
    } else {
        n_pairs * PAIR
    }
}

impl RunEstimate {
    /// The same by other prices. Nothing has a price where no model is named.
    ///
    /// # Example
    /// ```
    /// use svitgen::llm::{MockLlm, Price, Prices};
    /// use svitgen::{Parameters, Pipeline, Task, VisualGenome};
    /// let builder = Pipeline::builder(MockLlm::script([])).task(Task::conversation());
    /// let pipeline = builder.parameters(Parameters::default().with_model("ours")).build()?;
    /// let estimate = pipeline.estimate(&VisualGenome::sample()?)?;
    /// assert_eq!(estimate.total().cost, None);
    /// let price = Price::per_million("1".parse()?, "2".parse()?);
    /// let total = estimate.with_prices(&Prices::none().with_price("ours", price)).total();
    /// let millionths = total.input_tokens + 2 * total.output_tokens;
    /// assert_eq!(total.cost.ok_or("no price")?.picodollars(), u128::from(millionths) * 1_000_000);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn with_prices(mut self, prices: &Prices) -> Self {
        let price = self.model.as_deref().and_then(|model| prices.price(model));
        for task in self.tasks.values_mut() {
            let usage = |output_tokens| Usage { input_tokens: task.input_tokens, output_tokens };
            task.cost = price.map(|price| price.cost(usage(task.output_tokens)));
            task.batch_cost = price.map(|price| price.batch().cost(usage(task.output_tokens)));
            task.max_cost = price.zip(task.max_output_tokens).map(|(price, most)| price.cost(usage(most)));
        }
        self
    }

    /// All tasks together; the longest prompt is that of any task.
    pub fn total(&self) -> TaskEstimate {
        let mut total = TaskEstimate::default();
        for task in self.tasks.values() {
            total.images += task.images;
            total.requests += task.requests;
            total.no_annotations += task.no_annotations;
            total.over_budget += task.over_budget;
            total.template_failures += task.template_failures;
            total.input_tokens += task.input_tokens;
            total.longest_prompt = total.longest_prompt.max(task.longest_prompt);
            total.output_tokens += task.output_tokens;
            total.prompts.add(&task.prompts);
        }
        let sum = |money: fn(&TaskEstimate) -> Option<Money>| {
            self.tasks.values().map(money).try_fold(Money::ZERO, |sum, money| Some(sum.saturating_add(money?)))
        };
        total.cost = sum(|task| task.cost);
        total.batch_cost = sum(|task| task.batch_cost);
        // A part without a limit leaves the whole without one.
        total.max_cost = sum(|task| task.max_cost);
        total.max_output_tokens = self.tasks.values().map(|task| task.max_output_tokens).sum();
        total
    }
}

impl fmt::Display for RunEstimate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let total = self.total();
        let headers = ["images", "requests", "input tokens", "longest", "reply tokens", "at most", "cost"];
        let [images, requests, input, longest, output, most, cost] = headers;
        writeln!(f, "{:<22}{images:>8}{requests:>10}{input:>14}{longest:>9}{output:>14}{most:>14}{cost:>12}", "task")?;
        for (name, task) in self.tasks.iter().map(|(name, task)| (name.as_str(), task)).chain([("total", &total)]) {
            let most = task.max_output_tokens.map_or_else(|| "-".to_owned(), |n| n.to_string());
            let cost = task.cost.map_or_else(|| "-".to_owned(), |cost| format!("{cost:.2}"));
            writeln!(
                f,
                "{name:<22}{:>8}{:>10}{:>14}{:>9}{:>14}{most:>14}{cost:>12}",
                task.images, task.requests, task.input_tokens, task.longest_prompt, task.output_tokens
            )?;
        }
        self.write_cost(f, &total)?;
        writeln!(f, "tokens of prompts by {}; tokens of replies are a rule of thumb", self.counter)?;
        if self.top_ups > 0 {
            writeln!(f, "a short reply is followed up at most {} times, which comes on top", self.top_ups)?;
        }
        let not_sent = [
            ("have no annotation to prompt about", total.no_annotations),
            ("have no annotation that fits into the budget", total.over_budget),
            ("make the template fail", total.template_failures),
        ];
        for (what, n) in not_sent.into_iter().filter(|(_, n)| *n > 0) {
            writeln!(f, "not sent, because they {what}: {n}")?;
        }
        let dropped = Section::ALL.map(|section| (section, total.prompts.left_out(section, LeftOutReason::OverBudget)));
        let dropped: Vec<String> =
            dropped.iter().filter(|(_, n)| *n > 0).map(|(section, n)| format!("{n} {section}")).collect();
        if !dropped.is_empty() {
            writeln!(f, "dropped to fit the budget: {}", dropped.join(", "))?;
        }
        Ok(())
    }
}

impl RunEstimate {
    fn write_cost(&self, f: &mut fmt::Formatter<'_>, total: &TaskEstimate) -> fmt::Result {
        let Some(model) = &self.model else { return Ok(()) };
        let Some(cost) = total.cost else { return writeln!(f, "no price is known for {model}") };
        write!(f, "cost with {model}: {cost:.2}")?;
        if let Some(most) = total.max_cost {
            write!(f, ", at most {most:.2}")?;
        }
        match total.batch_cost {
            Some(batch) if batch < cost => writeln!(f, "; as a batch {batch:.2}"),
            _ => writeln!(f),
        }
    }
}
