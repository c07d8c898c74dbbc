//! What is said when a run has ended, and with which exit code.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal};
use std::process::ExitCode;

use serde::Serialize;
use svitgen::annotation::{RecordSource, Selected};
use svitgen::pipeline::{RunFolder, Snapshot, TaskLedger};
use svitgen::{Error, ErrorKind, Ledger, LlmErrorKind};

use super::{CONFIG_FILE, GenerateArgs};
use crate::failure::{FAILED, Failure, INTERRUPTED, OUTPUT, STOPPED};
use crate::inputs::say_what_was_odd;
use crate::output::{self, Verbosity};
use crate::selection::explain_nothing;

pub(super) fn report(
    args: &GenerateArgs,
    result: svitgen::Result<Ledger>,
    source: &Selected<impl RecordSource>,
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
        output::print(&text(args, ledger, &snapshot))?;
        if verbosity > Verbosity::Quiet {
            say_what_was_odd(&source.report(), 3);
        }
        if ledger.total().inputs == 0 {
            explain_nothing(source)?;
        }
    }
    if let Some(failure) = failure {
        return Err(failure);
    }
    let n_failed = ledger.as_ref().map_or(0, |ledger| ledger.total().failed);
    if n_failed > 0 {
        say_why(args, &ledger.as_ref().map(Ledger::total).unwrap_or_default().causes);
    }
    if n_failed > args.max_failures {
        return Err(Failure::with_code(
            FAILED,
            format_args!(
                "{n_failed} units failed; the same command asks those again whose cause may have passed{}",
                to_go_on(args)
            ),
        ));
    }
    let has_samples = ledger.is_some_and(|ledger| ledger.total().pairs > 0);
    if verbosity > Verbosity::Quiet && has_samples {
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

fn text(args: &GenerateArgs, ledger: &Ledger, snapshot: &Snapshot) -> String {
    if args.json {
        let total = ledger.total();
        return output::json(&Ending { total, ledger, snapshot });
    }
    let mut text = ledger.to_string();
    if let Some(spending) = snapshot.activity.spending.filter(|spending| spending.requests > 0) {
        text += &format!("tokens: {} of prompts, {} of replies", spending.input_tokens, spending.output_tokens);
        let is_priced = spending.unpriced < spending.requests;
        if is_priced {
            text += &format!("; cost: {:.2}", spending.cost);
        }
        if let Some(cap) = spending.max_cost {
            text += &format!(" of {cap:.2}");
        }
        text.push('\n');
    }
    text
}

/// What was said when units failed, once for each cause.
fn say_why(args: &GenerateArgs, causes: &BTreeMap<String, u64>) {
    let calls = RunFolder::open(&args.out).and_then(|run| run.calls());
    let mut untold: Vec<&String> = causes.keys().collect();
    for call in calls.into_iter().flatten().flatten() {
        let Err(failure) = call.result else { continue };
        if let Some(at) = untold.iter().position(|kind| **kind == failure.kind) {
            let kind = untold.swap_remove(at);
            eprintln!("{kind}, such as image {} for {}: {}", call.image_id, call.task, failure.message);
        }
        if untold.is_empty() {
            return;
        }
    }
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
    let code = match error.kind() {
        ErrorKind::Interrupted => INTERRUPTED,
        ErrorKind::Stopped(cause) if cause.kind() == LlmErrorKind::Storage => OUTPUT,
        ErrorKind::Stopped(_) => STOPPED,
        ErrorKind::Io { path, .. } if path.starts_with(&args.out) => OUTPUT,
        _ => return error.into(),
    };
    let hint = match error.kind() {
        ErrorKind::Stopped(cause) if cause.kind() == LlmErrorKind::Credentials => args.client.hint_about_key(),
        ErrorKind::Stopped(cause) => hint(cause.kind()).to_owned(),
        ErrorKind::Io { .. } => {
            "; what was answered before is kept. Make room or give the right to write, then go on".to_owned()
        }
        _ => String::new(),
    };
    // The same cap would stop it again.
    let more = match error.kind() {
        ErrorKind::Stopped(cause) if cause.kind() == LlmErrorKind::Budget => args.client.higher_cap(),
        _ => "",
    };
    let message = Failure::from(error).to_string();
    Failure::with_code(code, format_args!("{message}{hint}{}{more}", to_go_on(args)))
}

pub(crate) fn hint(kind: LlmErrorKind) -> &'static str {
    match kind {
        LlmErrorKind::Quota => "; add credit to the account, or take another key (--api-key-env)",
        LlmErrorKind::UnknownModel => "; give the server's name of the model with --model",
        LlmErrorKind::Unavailable => "; start it again when the server is back",
        _ => "",
    }
}
