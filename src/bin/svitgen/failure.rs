//! Why a command ends early, and with which exit code.

use std::path::Path;
use std::process::ExitCode;
use std::{fmt, io};

use svitgen::{Error, ErrorKind};

/// Exit code for units that failed.
pub(crate) const FAILED: u8 = 1;

/// Exit code for wrong usage and bad input.
pub(crate) const USAGE: u8 = 2;

/// Exit code for a run that its budget, the account or the server stopped; it can go on.
pub(crate) const STOPPED: u8 = 3;

/// Exit code for an output that cannot be written.
pub(crate) const OUTPUT: u8 = 4;

/// Exit code for a run that was interrupted; it can go on.
pub(crate) const INTERRUPTED: u8 = 130;

#[derive(Debug)]
pub(crate) struct Failure {
    code: u8,
    message: String,
}

impl Failure {
    /// Wrong usage or bad input: says what, where, and what to try.
    pub(crate) fn usage(message: impl fmt::Display) -> Self {
        Self { code: USAGE, message: message.to_string() }
    }

    /// A file that cannot be written.
    pub(crate) fn output(message: impl fmt::Display) -> Self {
        Self::with_code(OUTPUT, message)
    }

    pub(crate) fn with_code(code: u8, message: impl fmt::Display) -> Self {
        Self { code, message: message.to_string() }
    }

    pub(crate) fn reading(path: &Path, error: &io::Error) -> Self {
        Self::usage(format_args!("cannot read {}: {error}", path.display()))
    }

    pub(crate) fn writing(error: &io::Error) -> Self {
        Self { code: OUTPUT, message: format!("cannot write to stdout: {error}") }
    }

    pub(crate) fn report(&self) -> ExitCode {
        eprintln!("error: {}", self.message.trim_end());
        self.code.into()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// What the library names by its own names, in the words of the command line.
const OPTIONS: [(&str, &str); 5] = [
    ("`OnBadInput::Skip`", "--skip-bad"),
    ("`Parameters::with_max_tokens`", "--max-tokens"),
    ("`concurrency`", "--concurrency"),
    (
        "name the files one by one (`VisualGenomeFiles`) to say which one is meant",
        "move away the one that is not meant",
    ),
    ("name the one to read (`Input::member`)", "unpack the one that is meant"),
];

/// A message of the library in the words of the command line.
pub(crate) fn in_options(message: String) -> String {
    OPTIONS.iter().fold(message, |message, (name, option)| message.replace(name, option))
}

/// With all that is underneath; inputs that cannot be used are the user's to mend, and the rest names its file.
impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let mut message = error.to_string();
        let mut source = std::error::Error::source(&error);
        while let Some(cause) = source {
            let cause_text = cause.to_string();
            // Some errors tell their cause themselves, but for the place.
            if !message.contains(cause_text.split(" at line ").next().unwrap_or_default()) {
                message.push_str(&format!(": {cause_text}"));
            }
            source = cause.source();
        }
        let message = in_options(message);
        let is_output = matches!(error.kind(), ErrorKind::Io { action: "create" | "write" | "sync", .. });
        Self { code: if is_output { OUTPUT } else { USAGE }, message }
    }
}
