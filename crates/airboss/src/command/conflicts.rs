//! `airboss conflicts`: where two sides changed the same field, and the choice between them.

use airboss_core::board::command;
use airboss_core::board::operation::Conflict;
use airboss_core::exit::ExitCode;
use airboss_engine::store::Wanted;
use owo_colors::Style;
use serde_json::{Value, json};

use crate::board::{BoardReading, BoardWriting, Planned};
use crate::context::Context;
use crate::desk::WriteOptions;
use crate::error::CliError;
use crate::page::{Page, width};
use crate::render::board as render;

/// Look at conflicts, and settle them.
#[derive(clap::Subcommand, Clone, Debug)]
pub enum ConflictsCommand {
    /// List the conflicts that stand.
    List,
    /// Give the task what the file said.
    Take(SettleArguments),
    /// Keep what the board has.
    Keep(SettleArguments),
}

/// A conflict.
#[derive(clap::Args, Clone, Debug)]
pub struct SettleArguments {
    /// Its id, or the beginning of it.
    id: String,
    #[command(flatten)]
    options: WriteOptions,
}

/// Lists or settles conflicts.
///
/// # Errors
/// When there is no such conflict, or the board cannot be changed.
pub fn conflicts(
    context: &Context,
    command: Option<&ConflictsCommand>,
) -> Result<ExitCode, CliError> {
    match command {
        None | Some(ConflictsCommand::List) => list(context),
        Some(ConflictsCommand::Take(arguments)) => settle(context, arguments, true),
        Some(ConflictsCommand::Keep(arguments)) => settle(context, arguments, false),
    }
}

fn list(context: &Context) -> Result<ExitCode, CliError> {
    let reading = BoardReading::look(context)?;
    let board = &reading.board;
    let number = |conflict: &Conflict| board.tasks.get(&conflict.task).map(|task| task.number);
    if context.json {
        let rows = board.conflicts.iter().map(|conflict| {
            let mut row: Value = serde_json::to_value(conflict).unwrap_or_default();
            row["number"] = json!(number(conflict));
            row
        });
        let rows: Vec<_> = rows.collect();
        context.printer.json(&json!({ "conflicts": rows }));
    } else if board.conflicts.is_empty() {
        context.printer.note("there are no conflicts");
    } else {
        let mut page = Page::new(width());
        for conflict in &board.conflicts {
            page.gap();
            let number = number(conflict).unwrap_or_default();
            let id = conflict.id.short();
            let path = &conflict.path;
            page.sentence(&format!("{id}  task {number}"), Style::new().bold());
            let label = |text| (text, Style::new().dimmed());
            page.field(2, label("board"), 5, &render::changed(&conflict.kept, &[]));
            let other = render::changed(&conflict.other, &[]);
            page.field(2, label("other"), 5, &format!("{other} (in {path})"));
        }
        context.printer.data(&page.finish());
        let hint = "`airboss conflicts take ID` takes the other side, `keep ID` the board's";
        context.printer.note(hint);
    }
    Ok(if board.conflicts.is_empty() {
        ExitCode::Success
    } else {
        ExitCode::Conflict
    })
}

fn settle(
    context: &Context,
    arguments: &SettleArguments,
    take: bool,
) -> Result<ExitCode, CliError> {
    let mut writing = BoardWriting::open(context, &arguments.options)?;
    let prefix = arguments.id.to_lowercase();
    writing.change(context, &Wanted::All, (&[], false), &mut |standing, _| {
        let known = standing.board.conflicts.iter();
        let begins = |conflict: &&Conflict| {
            !prefix.is_empty() && conflict.id.to_string().starts_with(&prefix)
        };
        let found: Vec<_> = known.filter(begins).collect();
        let [conflict] = found.as_slice() else {
            let message = match found.len() {
                0 => format!("no open conflict begins with `{prefix}`"),
                several => format!("`{prefix}` begins the ids of {several} conflicts"),
            };
            return Err(CliError::refused(message).hint("`airboss conflicts` lists them"));
        };
        let operations = command::settle(standing, conflict.id, take)?;
        let task = standing.board.tasks.get(&conflict.task);
        let number = task.map_or(0, |task| task.number);
        let side = if take {
            "the other side"
        } else {
            "the board's side"
        };
        let subject = format!("task {number}: settle a conflict by {side}");
        let mut planned = Planned::new(operations, subject);
        planned.told = Some((conflict.task, format!("{side} it is")));
        Ok(planned)
    })
}
