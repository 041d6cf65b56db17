//! `airboss errors`: the failures of board commands, and those that others wrote in errors.json.

use std::collections::BTreeMap;
use std::io::ErrorKind;

use airboss_core::board::error::{ErrorEntry, FixStatus, Severity};
use airboss_core::board::error_group::{ErrorGroup, groups};
use airboss_core::board::{Artifact, Board, BoardOperation, errors_file};
use airboss_core::exit::ExitCode;
use airboss_core::id::TaskId;
use airboss_engine::board::{BoardError, Desk, Places};
use airboss_engine::clock;
use airboss_engine::store::{Store as _, Wanted};
use clap::ValueEnum;
use owo_colors::Style;
use serde_json::json;

use super::task::add::{AddArguments, Besides, add_with};
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
    /// What to do; without it they are grouped by cause.
    #[command(subcommand)]
    command: Option<ErrorsCommand>,
    #[command(flatten)]
    filter: Filter,
}

#[derive(clap::Subcommand, Clone, Debug)]
enum ErrorsCommand {
    /// List errors one by one, the worst first.
    List(Filter),
    /// Show everything that is known about an error.
    Show {
        /// Its id, or the beginning of it.
        id: String,
    },
    /// Mark an error as fixed.
    Resolve(ResolveArguments),
    /// Make a task that mends the cause of a group of errors; once for each group.
    Fix(FixArguments),
}

/// Which errors.
#[derive(clap::Args, Clone, PartialEq, Eq, Debug, Default)]
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

#[derive(clap::Args, Clone, Debug)]
struct FixArguments {
    /// The group, as `airboss errors` names it, or the beginning of its name.
    group: String,
}

impl Filter {
    /// What is said where it takes nothing.
    fn nothing(&self) -> &'static str {
        match *self == Self::default() {
            true => "no errors",
            false => "there are no such errors",
        }
    }

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
        None => grouped(context, &arguments.filter),
        Some(ErrorsCommand::List(filter)) => list(context, filter),
        Some(ErrorsCommand::Show { id }) => show(context, id),
        Some(ErrorsCommand::Resolve(arguments)) => resolve(context, arguments),
        Some(ErrorsCommand::Fix(arguments)) => fix(context, &arguments.group),
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
    let (written, mut odd) = match places.read_errors() {
        Ok(bytes) => errors_file::read(&bytes),
        Err(error) if error.kind() == ErrorKind::NotFound => (Vec::new(), Vec::new()),
        Err(error) => (Vec::new(), vec![error.to_string()]),
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

/// The errors that a filter takes; what is odd about their file is told.
fn taken(context: &Context, filter: &Filter) -> Result<Vec<ErrorEntry>, CliError> {
    let reading = BoardReading::open(context)?;
    let (mut all, odd) = known_errors(&reading.places, &reading.board.errors)?;
    for words in odd {
        context.printer.warning(&words);
    }
    all.retain(|entry| filter.takes(entry));
    Ok(all)
}

/// Tells errors by cause: how often, since when, and what was said last.
fn grouped(context: &Context, filter: &Filter) -> Result<ExitCode, CliError> {
    let all = taken(context, filter)?;
    let groups = groups(&all);
    if context.json {
        let groups: Vec<_> = groups.iter().map(group_json).collect();
        context
            .printer
            .json(&json!({ "groups": groups, "errors": all }));
    } else if groups.is_empty() {
        context.printer.note(filter.nothing());
    } else {
        let told = by_severity(&groups, |group| group.severity, group_row);
        context.printer.data(&told);
    }
    Ok(ExitCode::Success)
}

fn group_json(group: &ErrorGroup) -> serde_json::Value {
    let newest = group.newest();
    let ids: Vec<&str> = group.errors.iter().map(|error| error.id.as_str()).collect();
    json!({
        "group": group.name,
        "type": newest.kind,
        "code": newest.code,
        "task": group.task,
        "phase": newest.context.phase,
        "severity": group.severity,
        "count": group.errors.len(),
        "open": group.open().count(),
        "first": group.first(),
        "last": newest.at,
        "message": newest.message,
        "errors": ids,
    })
}

fn group_row(group: &ErrorGroup) -> ([String; 5], Style) {
    let newest = group.newest();
    let open = group.open().count();
    let state = match open {
        0 => "fixed".to_owned(),
        open if open == group.errors.len() => "open".to_owned(),
        open => format!("{open} open"),
    };
    let (first, last) = (words::instant(group.first()), words::instant(newest.at));
    let seen = match group.errors.len() {
        1 => first,
        _ => format!("{first} – {last}"),
    };
    let count = format!("{}×", group.errors.len());
    let row = [
        group.name.clone(),
        count,
        state,
        seen,
        newest.message.clone(),
    ];
    (row, style(open == 0, group.severity))
}

fn list(context: &Context, filter: &Filter) -> Result<ExitCode, CliError> {
    let all = taken(context, filter)?;
    if context.json {
        context.printer.json(&json!({ "errors": all }));
    } else if all.is_empty() {
        context.printer.note(filter.nothing());
    } else {
        let told = by_severity(&all, |entry| entry.severity, error_row);
        context.printer.data(&told);
    }
    Ok(ExitCode::Success)
}

/// Things with a severity under its heading, one a line.
fn by_severity<T, const N: usize>(
    all: &[T],
    severity_of: impl Fn(&T) -> Severity,
    row: impl Fn(&T) -> ([String; N], Style),
) -> String {
    let mut text = String::new();
    for severity in [
        Severity::Critical,
        Severity::High,
        Severity::Medium,
        Severity::Low,
    ] {
        let group: Vec<_> = all
            .iter()
            .filter(|it| severity_of(it) == severity)
            .collect();
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
        for thing in group {
            let (row, style) = row(thing);
            table.row(row.each_ref().map(String::as_str), style);
        }
        text.push_str(&table.finish());
    }
    text
}

fn error_row(entry: &ErrorEntry) -> ([String; 6], Style) {
    let task = entry.context.task.map(|task| format!("task {task}"));
    let row = [
        entry.id.clone(),
        words::instant(entry.at),
        fixed(entry.fix_status).to_owned(),
        task.unwrap_or_default(),
        entry.code.clone(),
        entry.message.clone(),
    ];
    let is_fixed = entry.fix_status == FixStatus::Fixed;
    (row, style(is_fixed, entry.severity))
}

fn style(is_fixed: bool, severity: Severity) -> Style {
    match severity {
        _ if is_fixed => Style::new().dimmed(),
        Severity::Critical => Style::new().red(),
        _ => Style::new().yellow(),
    }
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

/// Makes the task that mends a group, with what is known in its description and the file of the
/// errors linked; names the one that does it already.
fn fix(context: &Context, name: &str) -> Result<ExitCode, CliError> {
    let desk = BoardWriting::open(context, &WriteOptions::default())?.into_desk();
    let part = desk.store.board_part(desk.board(), &Wanted::Errors)?;
    let places = desk.places.clone();
    drop(desk);
    let (all, _) = known_errors(&places, &part.unwrap_or_default().errors)?;
    let group = find_group(groups(&all), name)?;
    let errors = places.errors().map_err(BoardError::from)?;
    let is_there = places.top.join(&errors).is_file();
    let id = TaskId::from_uuid(clock::fresh_uuid());
    let new = AddArguments::new(group.title(), Some(group.description()));
    add_with(
        context,
        &new,
        id,
        Some(&mut |board| {
            if let Some(task) = group.mended_by(board) {
                let deed = format!("mends {} already", group.name);
                return Besides {
                    instead: Some((task.id, deed)),
                    ..Besides::default()
                };
            }
            let path = places.spell_new(board, &errors);
            let artifact = Artifact {
                path,
                kind: "errors".to_owned(),
                summary: None,
            };
            Besides {
                artifacts: is_there.then_some(artifact).into_iter().collect(),
                operations: looked_into(&group, board),
                instead: None,
            }
        }),
    )
}

/// Whoever makes a task of errors looks into them.
fn looked_into(group: &ErrorGroup, board: &Board) -> Vec<BoardOperation> {
    let mut operations = Vec::new();
    for entry in group.open() {
        if board.errors.iter().all(|known| known.id != entry.id) {
            operations.push(BoardOperation::ErrorRecorded {
                entry: Box::new(entry.clone()),
            });
        }
        operations.push(BoardOperation::ErrorResolved {
            id: entry.id.clone(),
            status: FixStatus::Investigating,
        });
    }
    operations
}

fn find_group(all: Vec<ErrorGroup>, name: &str) -> Result<ErrorGroup, CliError> {
    let names: Vec<String> = all.iter().map(|group| group.name.clone()).collect();
    let mut found: Vec<ErrorGroup> = all
        .into_iter()
        .filter(|group| !name.is_empty() && group.name.starts_with(name))
        .collect();
    // A name may be the beginning of another one.
    if let Some(exact) = found.iter().position(|group| group.name == name) {
        return Ok(found.swap_remove(exact));
    }
    let hint = match names.is_empty() {
        true => "there are no errors".to_owned(),
        false => format!("there are {}", names.join(", ")),
    };
    match found.len() {
        1 => Ok(found.remove(0)),
        0 => Err(CliError::refused(format!("there is no group of errors `{name}`")).hint(hint)),
        several => {
            let message = format!("`{name}` begins the names of {several} groups");
            Err(CliError::refused(message).hint(hint))
        }
    }
}
