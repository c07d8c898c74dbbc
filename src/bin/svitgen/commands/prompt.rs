//! `svitgen prompt`: what would be sent.

use std::io::{self, BufWriter, ErrorKind, Write};
use std::process::ExitCode;

use serde_json::json;
use svitgen::{ImageId, Prompt, PromptError, PromptOptions, Task};

use crate::failure::Failure;
use crate::inputs::InputArgs;

/// Prints prompts, JSON, one a line: {"image_id", "task", "messages": [{"role", "content"}]}.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  svitgen prompt --sample --task conversation --limit 1
  svitgen prompt --vg visual_genome --task referring_qa --image 2331550 | jq -r '.messages[].content'")]
pub(crate) struct PromptArgs {
    #[command(flatten)]
    input: InputArgs,
    /// conversation, complex_reasoning, detail_description or referring_qa.
    #[arg(long)]
    task: String,
    /// Only this image. Repeatable.
    #[arg(long, value_name = "ID")]
    image: Vec<String>,
    /// Only the first N images.
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Seed of all random choices.
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

pub(crate) fn run(args: &PromptArgs) -> Result<ExitCode, Failure> {
    let task = super::task(&args.task)?;
    let source = args.input.open()?;
    let mut output = BufWriter::new(io::stdout().lock());
    match write_prompts(args, &task, &mut source.records(), &mut output)?.and_then(|()| output.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::writing(&error)),
        _ => Ok(ExitCode::SUCCESS),
    }
}

fn write_prompts(
    args: &PromptArgs,
    task: &Task,
    records: &mut dyn Iterator<Item = svitgen::Result<svitgen::ImageRecord>>,
    output: &mut dyn Write,
) -> Result<io::Result<()>, Failure> {
    let options = PromptOptions::default().with_seed(args.seed);
    let is_wanted = |id: &ImageId| args.image.is_empty() || args.image.contains(&id.to_string());
    let mut n_left = args.limit.unwrap_or(usize::MAX);
    for record in records {
        let record = record?;
        if !is_wanted(&record.image.id) {
            continue;
        }
        if n_left == 0 {
            break;
        }
        n_left -= 1;
        let prompt = match Prompt::new(&record, task, &options) {
            Ok(prompt) => prompt,
            Err(PromptError::NoAnnotations { .. }) => continue,
            Err(error) => return Err(Failure::usage(error)),
        };
        let line = json!({"image_id": prompt.image_id, "task": prompt.task, "messages": prompt.messages});
        if let Err(error) = writeln!(output, "{line}") {
            return Ok(Err(error));
        }
    }
    Ok(Ok(()))
}
