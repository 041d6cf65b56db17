//! `airboss errors`: the failures of board commands, and those that others wrote in errors.json.

use std::collections::BTreeMap;

use airboss_core::board::error::{ErrorEntry, FixStatus, Severity};
use airboss_core::board::errors_file;
use airboss_core::exit::ExitCode;
use airboss_engine::board::{Desk, Places};
use airboss_engine::store::{Store as _, Wanted};
use clap::ValueEnum;
use owo_colors::Style;
use serde_json::json;

use crate::board::{BoardReading, BoardWriting};
use crate::context::Context;
use crate::desk::WriteOptions;
use crate::error::CliError;
use crate::page::{self, Page, Table};
use crate::words;

/// Which errors, and what to do with them.
#[derive(clap::Args, Clone, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub struct ErrorsArguments {
    /// What to do; without it they are listed.
    #[command(subcommand)]
    command: Option<ErrorsCommand>,
    #[command(flatten)]
    filter: Filter,
}

#[derive(clap::Subcommand, Clone, Debug)]
enum ErrorsCommand {
    /// List errors, the worst first.
    List(Filter),
    /// Show everything that is known about an error.
    Show {
        /// Its id, or the beginning of it.
        id: String,
    },
    /// Mark an error as fixed.
    Resolve(ResolveArguments),
}

/// Which errors.
#[derive(clap::Args, Clone, Debug)]
struct Filter {
    /// Those of this task.
    #[arg(long, value_name = "N")]
    task: Option<u32>,
    /// Those of this kind: `git_commit_failed`.
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,
    /// Those of this severity.
    #[arg(long, value_enum, value_name = "LEVEL")]
    severity: Option<Level>,
    /// Those that are not fixed.
    #[arg(long)]
    open: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Level {
    Critical,
    High,
    Medium,
    Low,
}

#[derive(clap::Args, Clone, Debug)]
struct ResolveArguments {
    /// Its id, or the beginning of it.
    id: String,
    #[command(flatten)]
    options: WriteOptions,
}

impl Filter {
    fn takes(&self, entry: &ErrorEntry) -> bool {
        let severity = self.severity.map(|level| match level {
            Level::Critical => Severity::Critical,
            Level::High => Severity::High,
            Level::Medium => Severity::Medium,
            Level::Low => Severity::Low,
        });
        (self.task.is_none() || entry.context.task == self.task)
            && self.kind.as_ref().is_none_or(|kind| {
                entry.kind.eq_ignore_ascii_case(kind) || entry.code.eq_ignore_ascii_case(kind)
            })
            && severity.is_none_or(|severity| entry.severity == severity)
            && (!self.open || entry.fix_status != FixStatus::Fixed)
    }
}

/// Lists, shows or resolves errors.
///
/// # Errors
/// When there is no such error, or the board cannot be used.
pub fn errors(context: &Context, arguments: &ErrorsArguments) -> Result<ExitCode, CliError> {
    match &arguments.command {
        None => list(context, &arguments.filter),
        Some(ErrorsCommand::List(filter)) => list(context, filter),
        Some(ErrorsCommand::Show { id }) => show(context, id),
        Some(ErrorsCommand::Resolve(arguments)) => resolve(context, arguments),
    }
}

/// The errors of a board: those that are stored, then those that only errors.json has, by time.
/// Also what was odd about the file.
pub(super) fn known_errors(
    places: &Places,
    stored: &[ErrorEntry],
) -> Result<(Vec<ErrorEntry>, Vec<String>), CliError> {
    let mut all: BTreeMap<_, _> = BTreeMap::new();
    let usual = places.board.file("errors.json");
    let usual = usual.map_err(airboss_engine::board::BoardError::from)?;
    let (written, mut odd) = match fs_err::read(places.top.join(&usual)) {
        Ok(bytes) => errors_file::read(&bytes),
        Err(_) => (Vec::new(), Vec::new()),
    };
    odd.iter_mut()
        .for_each(|words| *words = format!("{usual}: {words}"));
    for entry in written.into_iter().chain(stored.iter().cloned()) {
        all.insert(entry.id.clone(), entry);
    }
    let mut all: Vec<_> = all.into_values().collect();
    all.sort_by(|one, other| {
        (one.severity, one.at, &one.id).cmp(&(other.severity, other.at, &other.id))
    });
    Ok((all, odd))
}

fn list(context: &Context, filter: &Filter) -> Result<ExitCode, CliError> {
    let reading = BoardReading::open(context)?;
    let (mut all, odd) = known_errors(&reading.places, &reading.board.errors)?;
    for words in odd {
        context.printer.warning(&words);
    }
    all.retain(|entry| filter.takes(entry));
    if context.json {
        context.printer.json(&json!({ "errors": all }));
    } else if all.is_empty() {
        context.printer.note("there are no such errors");
    } else {
        context.printer.data(&table(&all));
    }
    Ok(ExitCode::Success)
}

/// The errors by severity, one a line.
fn table(all: &[ErrorEntry]) -> String {
    let mut text = String::new();
    for severity in [
        Severity::Critical,
        Severity::High,
        Severity::Medium,
        Severity::Low,
    ] {
        let group: Vec<_> = all.iter().filter(|it| it.severity == severity).collect();
        if group.is_empty() {
            continue;
        }
        if !text.is_empty() {
            text.push('\n');
        }
        let mut heading = Page::new(page::width());
        heading.heading(&format!("{} {}", group.len(), level(severity)));
        text.push_str(&heading.finish());
        let mut table = Table::new(page::edge());
        for entry in group {
            let style = match entry.fix_status {
                FixStatus::Fixed => Style::new().dimmed(),
                _ if severity == Severity::Critical => Style::new().red(),
                _ => Style::new().yellow(),
            };
            let task = entry.context.task.map(|task| format!("task {task}"));
            table.row(
                [
                    &entry.id,
                    &words::instant(entry.at),
                    fixed(entry.fix_status),
                    &task.unwrap_or_default(),
                    &entry.code,
                    &entry.message,
                ],
                style,
            );
        }
        text.push_str(&table.finish());
    }
    text
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "critical",
        Severity::High => "high",
        Severity::Medium => "medium",
        Severity::Low => "low",
    }
}

fn fixed(status: FixStatus) -> &'static str {
    match status {
        FixStatus::Unfixed => "open",
        FixStatus::Investigating => "looked into",
        FixStatus::Fixed => "fixed",
    }
}

fn find(all: Vec<ErrorEntry>, prefix: &str) -> Result<ErrorEntry, CliError> {
    // An id may be the beginning of another one.
    if let Some(exact) = all.iter().find(|entry| entry.id == prefix) {
        return Ok(exact.clone());
    }
    let begins = |entry: &ErrorEntry| !prefix.is_empty() && entry.id.starts_with(prefix);
    let mut found: Vec<_> = all.into_iter().filter(begins).collect();
    match found.len() {
        1 => Ok(found.remove(0)),
        0 => Err(
            CliError::refused(format!("no error begins with `{prefix}`"))
                .hint("`airboss errors` lists them"),
        ),
        several => Err(
            CliError::refused(format!("`{prefix}` begins the ids of {several} errors"))
                .hint("`airboss errors` lists them"),
        ),
    }
}

fn show(context: &Context, id: &str) -> Result<ExitCode, CliError> {
    let reading = BoardReading::open(context)?;
    let (all, _) = known_errors(&reading.places, &reading.board.errors)?;
    let entry = find(all, id)?;
    if context.json {
        context.printer.json(&json!({ "error": entry }));
        return Ok(ExitCode::Success);
    }
    let mut page = Page::new(page::width());
    page.sentence(
        &format!("{}  {}", entry.id, entry.code),
        Style::new().bold(),
    );
    let at = words::instant(entry.at);
    let task = entry.context.task.map(|task| task.to_string());
    let effect = match entry.recoverable {
        true => "the work went on",
        false => "the command failed",
    };
    let rows = [
        ("what", Some(entry.message)),
        ("when", Some(at)),
        (
            "level",
            Some(format!("{}: {effect}", level(entry.severity))),
        ),
        ("status", Some(fixed(entry.fix_status).to_owned())),
        ("task", task),
        ("command", entry.context.command),
        ("phase", entry.context.phase),
        ("at", entry.context.checkpoint),
        ("session", entry.context.session_id),
        (
            "remedy",
            Some(entry.recommendation).filter(|text| !text.is_empty()),
        ),
    ];
    for (label, value) in rows {
        if let Some(value) = value {
            page.field(2, (label, Style::new().dimmed()), 9, &value);
        }
    }
    context.printer.data(&page.finish());
    Ok(ExitCode::Success)
}

fn resolve(context: &Context, arguments: &ResolveArguments) -> Result<ExitCode, CliError> {
    let mut writing = BoardWriting::open(context, &arguments.options)?;
    let desk: &mut Desk = &mut writing.desk;
    let part = desk.store.board_part(desk.board(), &Wanted::Errors)?;
    let (all, _) = known_errors(&desk.places, &part.unwrap_or_default().errors)?;
    let entry = find(all, &arguments.id)?;
    let was_open = entry.fix_status != FixStatus::Fixed;
    if was_open {
        desk.set_error_status(&entry, FixStatus::Fixed)?;
    }
    let answer = json!({ "id": entry.id, "changed": was_open });
    if context.json {
        context.printer.json(&answer);
    } else {
        let words = if was_open { "fixed" } else { "fixed already" };
        context.printer.data(&format!("{}: {words}", entry.id));
    }
    Ok(ExitCode::Success)
}
