//! What is said when a run has ended, and with which exit code.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use serde::Serialize;
use svitgen::annotation::ReadReport;
use svitgen::pipeline::{RunFolder, Snapshot, TaskLedger};
use svitgen::{Error, ErrorKind, Ledger, LlmErrorKind};

use super::{CONFIG_FILE, GenerateArgs};
use crate::failure::{FAILED, Failure, INTERRUPTED, OUTPUT, STOPPED};
use crate::output::{self, Verbosity};

pub(super) fn report(
    args: &GenerateArgs,
    result: svitgen::Result<Ledger>,
    inputs: &ReadReport,
    snapshot: Snapshot,
    verbosity: Verbosity,
) -> Result<ExitCode, Failure> {
    let (ledger, failure) = match result {
        Ok(ledger) => (Some(ledger), None),
        // Of a run that was stopped the outputs of what is answered are there.
        Err(error) => {
            let has_outputs = matches!(error.kind(), ErrorKind::Stopped(_) | ErrorKind::Interrupted);
            let ledger = RunFolder::open(&args.out).and_then(|run| run.ledger()).ok().filter(|_| has_outputs);
            (ledger, Some(failure(args, error)))
        }
    };
    if let Some(ledger) = &ledger {
        print(args, ledger, &snapshot).map_err(|error| Failure::writing(&error))?;
        if !inputs.skipped.is_empty() {
            eprintln!(
                "left out of the input, because it is damaged: {} (`svitgen stats` lists it)",
                inputs.skipped.len()
            );
        }
    }
    if let Some(failure) = failure {
        return Err(failure);
    }
    let n_failed = ledger.as_ref().map_or(0, |ledger| ledger.total().failed);
    if n_failed > args.max_failures {
        return Err(Failure::with_code(
            FAILED,
            format_args!(
                "{n_failed} units failed; the same command asks those again whose cause may have passed{}",
                to_go_on(args)
            ),
        ));
    }
    if verbosity > Verbosity::Quiet {
        say_what_is_next(args);
    }
    Ok(ExitCode::SUCCESS)
}

/// What `--json` prints.
#[derive(Serialize)]
struct Ending<'a> {
    total: TaskLedger,
    ledger: &'a Ledger,
    snapshot: &'a Snapshot,
}

fn print(args: &GenerateArgs, ledger: &Ledger, snapshot: &Snapshot) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    if args.json {
        let total = ledger.total();
        return writeln!(stdout, "{}", output::json(&Ending { total, ledger, snapshot }));
    }
    write!(stdout, "{ledger}")?;
    let Some(spending) = &snapshot.activity.spending else { return Ok(()) };
    if spending.requests > 0 {
        let n_tokens = (spending.input_tokens, spending.output_tokens);
        write!(stdout, "tokens: {} of prompts, {} of replies", n_tokens.0, n_tokens.1)?;
        let is_priced = spending.unpriced < spending.requests;
        if is_priced {
            write!(stdout, "; cost: {:.2}", spending.cost)?;
        }
        if let Some(cap) = spending.max_cost {
            write!(stdout, " of {cap:.2}")?;
        }
        writeln!(stdout)?;
    }
    Ok(())
}

fn say_what_is_next(args: &GenerateArgs) {
    let out = args.out.display();
    let (bold, plain) = if io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none() {
        ("\x1b[1m", "\x1b[0m")
    } else {
        ("", "")
    };
    eprintln!("samples: {out}/samples/   what became of each image: {out}/units/   the account: {out}/ledger.json");
    eprintln!("to look at it:   {bold}svitgen report {out}{plain}");
    eprintln!("to train on it:  {bold}svitgen export {out} --format llava --out {out}/llava{plain}");
}

fn to_go_on(args: &GenerateArgs) -> String {
    format!("\nto go on: svitgen generate --config {}", args.out.join(CONFIG_FILE).display())
}

/// Why the run ended early: what to do about it, and the command that goes on.
fn failure(args: &GenerateArgs, error: Error) -> Failure {
    let go_on = to_go_on(args);
    let code = match error.kind() {
        ErrorKind::Interrupted => INTERRUPTED,
        ErrorKind::Stopped(cause) if cause.kind() == LlmErrorKind::Storage => OUTPUT,
        ErrorKind::Stopped(_) => STOPPED,
        ErrorKind::Io { path, .. } if path.starts_with(&args.out) => OUTPUT,
        _ => return error.into(),
    };
    let hint = match error.kind() {
        ErrorKind::Stopped(cause) => hint(cause.kind()),
        ErrorKind::Io { .. } => "; what was answered before is kept. Make room or give the right to write, then go on",
        _ => "",
    };
    let message = Failure::from(error).to_string();
    Failure::with_code(code, format_args!("{message}{hint}{go_on}"))
}

pub(crate) fn hint(kind: LlmErrorKind) -> &'static str {
    match kind {
        LlmErrorKind::Quota => "; add credit to the account, or take another key (--api-key-env)",
        LlmErrorKind::Credentials => "; set the key in the environment variable that --api-key-env names",
        LlmErrorKind::UnknownModel => "; give the server's name of the model with --model",
        LlmErrorKind::Budget => "; give a higher --max-cost or --max-tokens-total",
        LlmErrorKind::Unavailable => "; start it again when the server is back",
        _ => "",
    }
}
