//! `airboss trust`: a person reads the commands of a repository and allows them to be run.

use airboss_core::exit::ExitCode;
use airboss_engine::settings::{Places, Settings, trust as record};
use airboss_engine::workspace::Workspace;
use owo_colors::{OwoColorize as _, Style};
use serde_json::json;

use super::report::require_person;
use crate::context::Context;
use crate::error::CliError;
use crate::page::Table;
use crate::words;

/// Show the commands that this repository's settings would run, and allow them.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct TrustArguments {
    /// Allow them without asking, for scripts.
    #[arg(long)]
    pub yes: bool,
}

/// Shows the commands and asks.
///
/// # Errors
/// When the settings cannot be read, or nobody can be asked.
pub fn trust(context: &Context, arguments: &TrustArguments) -> Result<ExitCode, CliError> {
    require_person("trust commands")?;
    let workspace = Workspace::open(&context.directory)?;
    let places = Places::new(&workspace.top, Some(&workspace.state));
    let settings = Settings::load(&places, &[])?;
    let guarded = settings.merged.guarded();
    let pending = settings.merged.untrusted().is_some();
    let show = |trusted: bool, words: &str| {
        if context.json {
            context.printer.json(&as_json(&settings, trusted));
        } else if !context.quiet {
            context.printer.note(words);
        }
    };
    if guarded.is_empty() {
        show(true, "nothing in this repository's settings runs a program");
        return Ok(ExitCode::Success);
    }
    let commands = words::count(guarded.len(), "setting");
    if !pending {
        show(true, &format!("{commands} already trusted; nothing to do"));
        return Ok(ExitCode::Success);
    }
    if !context.json {
        // Never cut: what is not seen cannot be trusted.
        context.printer.note(&table(&settings));
    }
    if !arguments.yes && !ask(context, &commands)? {
        show(false, "nothing is trusted; nothing changed");
        return Ok(ExitCode::Refused);
    }
    workspace.prepare()?;
    record(&workspace.state, &settings.merged.digest())?;
    show(
        true,
        &format!("{commands} trusted until one of them changes"),
    );
    Ok(ExitCode::Success)
}

fn table(settings: &Settings) -> String {
    let mut table = Table::new(None);
    for (path, setting) in settings.merged.guarded() {
        table.row(
            [
                path,
                &super::config::origin(path, setting),
                &setting.value.to_string(),
            ],
            Style::new(),
        );
    }
    let heading = "These settings of the repository run programs on this machine:";
    format!("{}\n{}", heading.bold(), table.finish())
}

/// Asks on a terminal; refuses where there is none.
fn ask(context: &Context, commands: &str) -> Result<bool, CliError> {
    if !context.is_asked() {
        return Err(CliError::refused("trust has to be given by a person")
            .hint("run it on a terminal, or with --yes once you have read the commands"));
    }
    let question = format!("Trust {commands}? Type `yes` to trust:");
    context.printer.note(&question);
    Ok(matches!(context.typed()?.as_deref(), Some("y" | "yes")))
}

fn as_json(settings: &Settings, trusted: bool) -> serde_json::Value {
    let commands: Vec<serde_json::Value> = settings
        .merged
        .guarded()
        .iter()
        .map(|(path, setting)| {
            json!({
                "setting": path,
                "value": setting.value.to_string(),
                "origin": super::config::origin(path, setting),
            })
        })
        .collect();
    json!({ "trusted": trusted, "digest": settings.merged.digest(), "settings": commands })
}
