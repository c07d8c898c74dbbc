//! `svitgen prompt`: what would be sent, and what it would cost.

use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use serde::Serialize;
use svitgen::annotation::{RecordSource, Selected};
use svitgen::llm::{MockLlm, Prices};
use svitgen::pipeline::{RunEstimate, TaskEstimate};
use svitgen::tokens::{self, TokenCounter, TokenEstimate};
use svitgen::{ImageId, Message, Parameters, Pipeline, Prompt, PromptError, PromptOptions, Task};

use crate::failure::{FAILED, Failure};
use crate::inputs::{InputArgs, Needs, say_what_was_odd};
use crate::output::{Verbosity, json};
use crate::selection::{SelectionArgs, explain_nothing};

/// Prints what would be sent, or what a run would cost.
///
/// Prompts are JSON, one a line: {"image_id", "task", "messages": [{"role", "content"}]}. Nothing is sent.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  svitgen prompt --sample --task conversation --limit 1
  svitgen prompt --vg visual_genome --task referring_qa --image 2331550 | jq -r '.messages[].content'
  svitgen prompt --vg visual_genome --task conversation --task detail_description --max-prompt-tokens 1500 --estimate")]
pub(crate) struct PromptArgs {
    /// conversation, complex_reasoning, detail_description or referring_qa. Repeatable.
    #[arg(long, required = true)]
    task: Vec<String>,
    /// Seed of all random choices.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Drop what tells the least until no prompt has more than N tokens.
    #[arg(long, value_name = "N")]
    max_prompt_tokens: Option<usize>,
    /// Who counts tokens: estimate (never too low), estimate_digit_by_digit (for models that read each digit by itself),
    /// o200k_base or cl100k_base (exact; feature `tokens`). By default the one that fits the model.
    #[arg(long, value_name = "NAME")]
    counter: Option<String>,
    #[command(flatten)]
    estimate: EstimateArgs,
    #[command(flatten)]
    input: InputArgs,
    #[command(flatten)]
    selection: SelectionArgs,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Estimate")]
struct EstimateArgs {
    /// Print requests, tokens and money of a run instead of prompts.
    #[arg(long)]
    estimate: bool,
    /// Print it as JSON.
    #[arg(long, requires = "estimate")]
    json: bool,
    /// The model that would be asked.
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// Prices that win over the built-in ones, dollars for a million tokens:
    /// {"prices": {"my-model": {"input": 0.15, "output": 0.60, "batch": 0.5}}}.
    #[arg(long, value_name = "FILE", requires = "estimate")]
    prices: Option<PathBuf>,
    /// Most tokens that a reply would be allowed.
    #[arg(long, value_name = "N", requires = "estimate")]
    max_tokens: Option<u32>,
}

/// What `--estimate --json` prints.
#[derive(Serialize)]
struct Estimated<'a> {
    total: TaskEstimate,
    estimate: &'a RunEstimate,
}

/// A line of the output.
#[derive(Serialize)]
struct PromptLine<'a> {
    image_id: &'a ImageId,
    task: &'a str,
    messages: &'a [Message],
}

pub(crate) fn run(args: &PromptArgs, verbosity: Verbosity) -> Result<ExitCode, Failure> {
    let tasks: Vec<Task> = args.task.iter().map(|name| super::task(name)).collect::<Result<_, _>>()?;
    let counter = args.counter()?;
    let mut options = PromptOptions::default().with_seed(args.seed);
    if let Some(max_tokens) = args.max_prompt_tokens {
        options = options.with_max_tokens_by(max_tokens, counter.clone());
    }
    let source = args.selection.of(args.input.open(Needs::Prompts)?, args.seed)?;
    let mut output = BufWriter::new(io::stdout().lock());
    let (result, code) = if args.estimate.estimate {
        (args.write_estimate(tasks, options, &*counter, &source, &mut output)?, ExitCode::SUCCESS)
    } else {
        args.write_prompts(&tasks, &options, &source, &mut output)?
    };
    if verbosity > Verbosity::Quiet {
        say_what_was_odd(&source.report(), 3);
    }
    match result.and_then(|()| output.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::writing(&error)),
        _ => Ok(code),
    }
}

impl PromptArgs {
    fn counter(&self) -> Result<Arc<dyn TokenCounter>, Failure> {
        if let Some(name) = &self.counter {
            return tokens::by_name(name).ok_or_else(|| {
                let hint = if cfg!(feature = "tokens") {
                    ""
                } else {
                    "; o200k_base and cl100k_base need the feature `tokens`"
                };
                Failure::usage(format_args!("there is no counter of tokens named {name:?}{hint}"))
            });
        }
        #[cfg(feature = "tokens")]
        if let Some(exact) = self.estimate.model.as_deref().and_then(tokens::BpeCounter::for_model) {
            return Ok(Arc::new(exact));
        }
        Ok(Arc::new(TokenEstimate::new()))
    }

    fn write_estimate(
        &self,
        tasks: Vec<Task>,
        options: PromptOptions,
        counter: &dyn TokenCounter,
        source: &dyn RecordSource,
        output: &mut dyn Write,
    ) -> Result<io::Result<()>, Failure> {
        let mut parameters = Parameters::default();
        parameters.model.clone_from(&self.estimate.model);
        parameters.max_tokens = self.estimate.max_tokens;
        // The client is never asked.
        let builder =
            Pipeline::builder(MockLlm::script([])).tasks(tasks).prompt_options(options).parameters(parameters);
        let builder = self.selection.limit().into_iter().fold(builder, |builder, limit| builder.limit(limit));
        let mut estimate = builder.build()?.estimate_by(source, counter)?;
        if let Some(path) = &self.estimate.prices {
            estimate = estimate.with_prices(&Prices::built_in().with_file(path)?);
        }
        Ok(if self.estimate.json {
            let total = estimate.total();
            write!(output, "{}", json(&Estimated { total, estimate: &estimate }))
        } else {
            write!(output, "{estimate}")
        })
    }

    fn write_prompts(
        &self,
        tasks: &[Task],
        options: &PromptOptions,
        source: &Selected<impl RecordSource>,
        output: &mut dyn Write,
    ) -> Result<(io::Result<()>, ExitCode), Failure> {
        let (mut n_records, mut n_empty, mut n_over_budget) = (0_u64, 0_u64, 0_u64);
        for record in source.records().take(self.selection.limit().unwrap_or(usize::MAX)) {
            let record = record?;
            n_records += 1;
            for task in tasks {
                let prompt = match Prompt::new(&record, task, options) {
                    Ok(prompt) => prompt,
                    Err(PromptError::NoAnnotations { .. }) => {
                        n_empty += 1;
                        continue;
                    }
                    Err(error @ PromptError::OverBudget { .. }) => {
                        if n_over_budget == 0 {
                            eprintln!("{error}");
                        }
                        n_over_budget += 1;
                        continue;
                    }
                    Err(error) => return Err(Failure::usage(error)),
                };
                let line = PromptLine { image_id: &prompt.image_id, task: &prompt.task, messages: &prompt.messages };
                let line = serde_json::to_string(&line).unwrap_or_default();
                if let Err(error) = writeln!(output, "{line}") {
                    return Ok((Err(error), ExitCode::SUCCESS));
                }
            }
        }
        if n_records == 0 {
            explain_nothing(source)?;
        }
        if n_empty > 0 {
            eprintln!("without a prompt, because there is nothing to prompt about: {n_empty}");
        }
        if n_over_budget > 0 {
            eprintln!("without a prompt, because nothing fits into the budget: {n_over_budget}");
        }
        let code = if n_over_budget > 0 { ExitCode::from(FAILED) } else { ExitCode::SUCCESS };
        Ok((Ok(()), code))
    }
}
