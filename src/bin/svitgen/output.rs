//! How much is said, and numbers for people.

use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;
use std::time::Duration;

use serde::Serialize;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::prelude::*;

use crate::failure::Failure;

/// How much is said on stderr.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verbosity {
    /// Errors only.
    Quiet,
    Normal,
    /// What happens inside, too; and lines in place of bars.
    Verbose,
}

/// Has what happens in the library told on stderr.
pub(crate) fn tell_events() {
    let ours = Targets::new().with_target("svitgen", LevelFilter::DEBUG);
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(false);
    tracing_subscriber::registry().with(lines.with_filter(ours)).init();
}

/// Prints data; whoever reads it may stop reading.
pub(crate) fn print(text: &str) -> Result<ExitCode, Failure> {
    let mut output = io::stdout().lock();
    match output.write_all(text.as_bytes()).and_then(|()| output.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::writing(&error)),
        _ => Ok(ExitCode::SUCCESS),
    }
}

/// As JSON over several lines with an end of line, the fields in the order of their definition.
pub(crate) fn json(value: &impl Serialize) -> String {
    // What is printed has text keys and finite numbers only.
    serde_json::to_string_pretty(value).unwrap_or_default() + "\n"
}

/// `1,234,567`
pub(crate) fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `2 h 5 min`, `40 s`
pub(crate) fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match (seconds / 3600, seconds / 60 % 60) {
        (0, 0) => format!("{seconds} s"),
        (0, minutes) => format!("{minutes} min"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}
