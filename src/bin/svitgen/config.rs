//! Options in a TOML file: the names of the options without their dashes; what stands on the command line wins.

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command};
use toml::{Table, Value};

use crate::commands::batch;
use crate::failure::Failure;

/// What says how a command is carried out and not what it does.
const LEFT_OUT: [&str; 10] =
    ["config", "json", "quiet", "verbose", "help", "version", "wait", "every", "give-up-unknown", "max-requests"];

/// The arguments of the program, with those of the `--config` file that the command line does not give.
pub(crate) fn expand(command: &Command, arguments: Vec<OsString>) -> Result<Vec<OsString>, Failure> {
    let Some(name) = subcommand(command, &arguments) else { return Ok(arguments) };
    let Some(options) = command.find_subcommand(&name) else { return Ok(arguments) };
    let given = config_path(&arguments);
    let path = if given.is_none() && name == "batch" { batch::config_of(&arguments)? } else { given };
    let Some(path) = path else { return Ok(arguments) };
    // Without a file of options no command is called complete before the file is read.
    let table = read(Path::new(&path))?;
    let mut expanded = arguments.clone();
    for (key, value) in &table {
        // The folder is an argument of its own there.
        if name == "batch" && key == "out" {
            continue;
        }
        let argument = options.get_arguments().find(|argument| argument.get_long() == Some(key.as_str()));
        let Some(argument) = argument.filter(|_| !LEFT_OUT.contains(&key.as_str())) else {
            let known: Vec<_> = options.get_arguments().filter_map(Arg::get_long).collect();
            let like = known.iter().find(|known| known.replace('-', "_") == key.replace('-', "_"));
            let hint = like.map_or(String::new(), |known| format!("; did you mean {known}?"));
            return Err(Failure::usage(format_args!("{}: {name} has no option {key}{hint}", path.display())));
        };
        if is_given(&arguments, key) || is_displaced(options, &arguments, argument) {
            continue;
        }
        let is_flag = matches!(argument.get_action(), ArgAction::SetTrue);
        for text in values(value, is_flag)
            .map_err(|what| Failure::usage(format_args!("{}: {key} must be {what}", path.display())))?
        {
            expanded.push(if is_flag { format!("--{key}").into() } else { format!("--{key}={text}").into() });
        }
    }
    Ok(expanded)
}

fn subcommand(command: &Command, arguments: &[OsString]) -> Option<String> {
    let mut names = arguments.iter().skip(1).filter_map(|argument| argument.to_str());
    names.find(|name| command.find_subcommand(name).is_some()).map(str::to_owned)
}

fn config_path(arguments: &[OsString]) -> Option<std::path::PathBuf> {
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        let text = argument.to_string_lossy();
        if text == "--config" {
            return arguments.next().map(Into::into);
        }
        if let Some(path) = text.strip_prefix("--config=") {
            return Some(path.into());
        }
    }
    None
}

fn is_given(arguments: &[OsString], key: &str) -> bool {
    let option = format!("--{key}");
    arguments.iter().any(|argument| {
        let text = argument.to_string_lossy();
        text == option || text.strip_prefix(&option).is_some_and(|rest| rest.starts_with('='))
    })
}

/// Whether the command line gives an option that this one cannot stand beside.
fn is_displaced(command: &Command, arguments: &[OsString], argument: &Arg) -> bool {
    let excludes = |one: &Arg, other: &Arg| {
        command.get_arg_conflicts_with(one).iter().any(|conflict| conflict.get_id() == other.get_id())
    };
    let mut given =
        command.get_arguments().filter(|given| given.get_long().is_some_and(|long| is_given(arguments, long)));
    given.any(|given| excludes(given, argument) || excludes(argument, given))
}

fn read(path: &Path) -> Result<Table, Failure> {
    let text = fs::read_to_string(path).map_err(|error| Failure::reading(path, &error))?;
    text.parse().map_err(|error| Failure::usage(format_args!("{}: {error}", path.display())))
}

/// The values of an option as texts; for a flag one text if it is set. The error says what there should be.
fn values(value: &Value, is_flag: bool) -> Result<Vec<String>, &'static str> {
    match value {
        Value::Boolean(is_set) if is_flag => Ok(if *is_set { vec![String::new()] } else { Vec::new() }),
        _ if is_flag => Err("true or false"),
        Value::Array(values) => values.iter().map(text).collect(),
        value => Ok(vec![text(value)?]),
    }
}

fn text(value: &Value) -> Result<String, &'static str> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Integer(n) => Ok(n.to_string()),
        Value::Float(n) => Ok(n.to_string()),
        _ => Err("a text, a number, or a list of these"),
    }
}

/// The options of a command as TOML: those that are given, and with `with_defaults` the others too.
pub(crate) fn effective(command: &Command, matches: &ArgMatches, with_defaults: bool) -> String {
    let mut table = Table::new();
    for argument in command.get_arguments() {
        let (id, Some(long)) = (argument.get_id().as_str(), argument.get_long()) else { continue };
        let source = matches.value_source(id);
        let is_wanted = with_defaults || source == Some(ValueSource::CommandLine);
        if LEFT_OUT.contains(&long) || source.is_none() || !is_wanted {
            continue;
        }
        let value = match argument.get_action() {
            ArgAction::SetTrue => Value::Boolean(matches.get_flag(id)),
            action => {
                let texts: Vec<Value> = matches.get_raw(id).into_iter().flatten().map(typed).collect();
                match (action, texts.as_slice()) {
                    (_, []) => continue,
                    (ArgAction::Append, _) => Value::Array(texts),
                    (_, [first, ..]) => first.clone(),
                }
            }
        };
        table.insert(long.to_owned(), value);
    }
    table.to_string()
}

/// Numbers as numbers, where they come out the same.
fn typed(text: &std::ffi::OsStr) -> Value {
    let text = text.to_string_lossy();
    match text.parse::<i64>() {
        Ok(n) if n.to_string() == text => Value::Integer(n),
        _ => Value::String(text.into_owned()),
    }
}

/// Keeps the given options in a file, for `--config`. Paths stay as they were given.
pub(crate) fn write(path: &Path, matches: &ArgMatches) -> Result<(), Failure> {
    write_options(path, "generate", String::new(), matches)
}

/// [`write`] for another command, which has the folder of the run as an argument and not as an option.
pub(crate) fn write_of(name: &str, run: &Path, path: &Path, matches: &ArgMatches) -> Result<(), Failure> {
    let out = Table::from_iter([("out".to_owned(), Value::String(run.to_string_lossy().into_owned()))]);
    write_options(path, name, out.to_string(), matches)
}

/// Sets one option in a file of options that is there.
pub(crate) fn change(path: &Path, key: &str, value: &str) -> Result<(), Failure> {
    let text = fs::read_to_string(path).map_err(|error| Failure::reading(path, &error))?;
    let mut table = read(path)?;
    table.insert(key.to_owned(), Value::String(value.to_owned()));
    let comments: String =
        text.lines().take_while(|line| line.starts_with('#')).map(|line| format!("{line}\n")).collect();
    write_text(path, &format!("{comments}{table}"))
}

fn write_options(path: &Path, name: &str, first: String, matches: &ArgMatches) -> Result<(), Failure> {
    let command = crate::args::command();
    let Some(command) = command.find_subcommand(name) else { return Ok(()) };
    let text = format!(
        "# Options of this run; `svitgen generate --config {}` goes on with it.\n{first}{}",
        path.display(),
        effective(command, matches, false)
    );
    write_text(path, &text)
}

fn write_text(path: &Path, text: &str) -> Result<(), Failure> {
    fs::write(path, text).map_err(|error| Failure::output(format_args!("cannot write {}: {error}", path.display())))
}
