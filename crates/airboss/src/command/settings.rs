//! `config show` and `trust`: what counts, where it came from, and what may be run.

use std::io::{BufRead as _, IsTerminal as _};

use airboss_core::config::{Merged, Sourced};
use airboss_core::exit::ExitCode;
use airboss_core::text::sanitize;
use airboss_engine::settings::{Places, Settings, trust as record_trust};
use airboss_engine::workspace::Workspace;
use serde_json::{Map, Value, json};

use crate::context::Context;
use crate::error::{CliError, ErrorKind};

/// Look at the configuration.
#[derive(clap::Subcommand, Clone, Debug)]
pub enum ConfigCommand {
    /// Print every setting that counts.
    Show {
        /// Print where each came from, too.
        #[arg(long)]
        origin: bool,
    },
}

/// Prints the configuration.
///
/// # Errors
/// When a source cannot be used.
pub fn config(context: &Context, command: &ConfigCommand) -> Result<ExitCode, CliError> {
    let ConfigCommand::Show { origin } = command;
    let workspace = Workspace::open(&context.directory)?;
    let settings = load(context, &workspace)?;
    let mut all = Map::new();
    let mut lines = Vec::new();
    for (path, found) in settings.merged.settings() {
        let value = json!({
            "value": found.value.to_string(),
            "origin": found.origin.to_string(),
            "line": found.line,
        });
        all.insert(path.clone(), value);
        let place = if *origin {
            format!("  # {}", place(found))
        } else {
            String::new()
        };
        lines.push(format!("{path} = {}{place}", found.value));
    }
    if context.json {
        context.printer.json(&Value::Object(all));
    } else {
        context.printer.data(&sanitize(&lines.join("\n")));
    }
    if let Some(untrusted) = settings.merged.untrusted() {
        let names: Vec<&str> = untrusted.keys().map(String::as_str).collect();
        let text = format!("not trusted, so they do not count: {}", names.join(", "));
        context.printer.warning(&text);
    }
    Ok(ExitCode::Success)
}

fn load(context: &Context, workspace: &Workspace) -> Result<Settings, CliError> {
    let places = Places::new(&workspace.top, Some(&workspace.state));
    let settings = Settings::load(&places, &[])?;
    for warning in &settings.warnings {
        context.printer.warning(&sanitize(warning));
    }
    Ok(settings)
}

fn place(found: &Sourced) -> String {
    match found.line {
        Some(line) => format!("{}:{line}", found.origin),
        None => found.origin.to_string(),
    }
}

/// Trust the commands that this repository's configuration sets.
#[derive(clap::Args, Clone, Debug)]
pub struct TrustArguments {
    /// Do not ask.
    #[arg(long)]
    yes: bool,
}

/// Shows the repository's commands and records that the person trusts them.
///
/// # Errors
/// When nobody can be asked, or the record cannot be written.
pub fn trust(context: &Context, arguments: &TrustArguments) -> Result<ExitCode, CliError> {
    let workspace = Workspace::open(&context.directory)?;
    let settings = load(context, &workspace)?;
    let merged = &settings.merged;
    let trusted = merged.untrusted().is_none();
    let answer = |trusted: bool| json!({ "digest": merged.digest(), "trusted": trusted, "commands": commands(merged) });
    if merged.guarded().is_empty() || trusted {
        context.answer(&answer(true), |_| {
            if trusted && !merged.guarded().is_empty() {
                "trusted already".to_owned()
            } else {
                "this repository's configuration sets no commands".to_owned()
            }
        });
        return Ok(ExitCode::Success);
    }
    for (path, found) in merged.guarded() {
        let line = format!("{path} = {}  # {}", found.value, place(found));
        context.printer.note(&sanitize(&line));
    }
    if !arguments.yes && !asked(context)? {
        return Err(CliError::new(ErrorKind::Blocked, "nothing was trusted"));
    }
    workspace.prepare()?;
    record_trust(&workspace.state, &merged.digest())?;
    context.answer(&answer(true), |_| "trusted until they change".to_owned());
    Ok(ExitCode::Success)
}

fn commands(merged: &Merged) -> Value {
    let commands = merged.guarded().iter();
    commands
        .map(|(path, found)| (path.clone(), json!(found.value.to_string())))
        .collect::<Map<_, _>>()
        .into()
}

fn asked(context: &Context) -> Result<bool, CliError> {
    if !std::io::stdin().is_terminal() {
        return Err(
            CliError::new(ErrorKind::Blocked, "nobody is there to be asked")
                .hint("read the commands above, then `airboss trust --yes`"),
        );
    }
    context.printer.note("Trust these commands? [y/N]");
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    Ok(matches!(line.trim(), "y" | "Y" | "yes"))
}
