//! Many tasks at once: `list` and `ready`.

use std::borrow::Cow;
use std::path::Path;

use airboss_core::board::name::Numbers;
use airboss_core::board::outline::{BadLine, Outline, Outlined as _};
use airboss_core::board::ready::{Wait, queue_of};
use airboss_core::board::todo::TodoFile;
use airboss_core::board::{Class, Place, TaskStatus};
use airboss_core::exit::ExitCode;
use owo_colors::Style;
use serde::Serialize;
use serde_json::Value;

use crate::board::{BoardListing, read_status};
use crate::context::Context;
use crate::error::CliError;
use crate::page::{self, Table};
use crate::render::board as render;
use crate::words;

/// The columns of a title on a terminal where something stands behind it.
const TITLE_COLUMNS: usize = 40;

/// Which tasks to list.
#[derive(clap::Args, Clone, Debug)]
pub struct ListArguments {
    /// Only those with this status, finished ones too.
    #[arg(long, value_name = "STATUS")]
    status: Option<String>,
    /// Those that are finished or archived, too.
    #[arg(long)]
    all: bool,
    /// Only those that can be worked on now, the most urgent first.
    #[arg(long, conflicts_with_all = ["status", "all"])]
    ready: bool,
}

/// The lists in which tasks stand.
const LISTS: [Place; 2] = [Place::Active, Place::Archived];

/// Lists tasks.
///
/// # Errors
/// When there is no board, or nobody knows the status.
pub fn list(context: &Context, arguments: &ListArguments) -> Result<ExitCode, CliError> {
    let status = arguments.status.as_deref().map(read_status).transpose()?;
    // Whether a task is ready depends on archived ones, too.
    let lists = if arguments.all || arguments.ready {
        &LISTS[..]
    } else {
        &LISTS[..1]
    };
    let board = BoardListing::open(context, lists)?;
    let is_listed = |task: &Outline<'_>| match &status {
        Some(status) => task.status == *status,
        None => arguments.all || task.status.class() != Class::Terminal,
    };
    let count = if arguments.ready {
        show(context, ready_tasks(&board)?.into_iter().map(Ok))?
    } else {
        // A line that cannot be read is not passed over.
        let all = board.tasks.tasks();
        show(
            context,
            all.filter(|task| task.as_ref().map_or(true, is_listed)),
        )?
    };
    if count == 0 && !context.json {
        context.printer.note("no task is like that");
    }
    let hidden = board.tasks.len() - count;
    let is_whole = status.is_none() && !arguments.ready && !context.json;
    if hidden > 0 && is_whole && !context.quiet {
        let hidden = words::count(hidden, "finished task");
        context
            .printer
            .note(&format!("{hidden} not shown; `--all` shows all"));
    }
    Ok(ExitCode::Success)
}

/// Prints tasks, and tells how many there were.
fn show<'a>(
    context: &Context,
    tasks: impl Iterator<Item = Result<Outline<'a>, BadLine>>,
) -> Result<usize, CliError> {
    if context.json {
        let tasks = tasks.collect::<Result<Vec<_>, _>>()?;
        let rows: Vec<_> = tasks.iter().map(row).collect();
        context.printer.json_of(&Rows { tasks: &rows })?;
        return Ok(rows.len());
    }
    let mut table = Table::new(page::edge());
    let mut count = 0;
    for task in tasks {
        add(&mut table, &task?);
        count += 1;
    }
    context.printer.table(&table);
    Ok(count)
}

fn add(table: &mut Table, task: &Outline<'_>) {
    let mut status = status_words(&task.status);
    if task.place == Place::Archived {
        status.to_mut().push_str(", archived");
    }
    let mut priority = task.priority().unwrap_or_default();
    if !priority.bytes().all(|byte| byte.is_ascii_lowercase()) {
        priority = Cow::Owned(priority.to_lowercase());
    }
    let style = render::status_style(&task.status);
    let number = task.number.to_string();
    table.row([&number, &status, &priority, &task.title()], style);
}

/// [`render::status`], without a text of its own for the most part.
fn status_words(status: &TaskStatus) -> Cow<'_, str> {
    let value = status.value();
    if value.contains('_') {
        Cow::Owned(render::status(status))
    } else {
        Cow::Borrowed(value)
    }
}

/// The tasks that can be worked on now, `count` at most, the most urgent first.
///
/// # Errors
/// When there is no board.
pub fn ready_rows(context: &Context, count: usize) -> Result<Vec<Value>, CliError> {
    let board = BoardListing::look(context, &LISTS)?;
    let ready = ready_tasks(&board)?;
    let rows = ready
        .iter()
        .take(count)
        .map(|task| serde_json::to_value(row(task)));
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The tasks that can be worked on now, the most urgent first.
fn ready_tasks(board: &BoardListing) -> Result<Vec<Outline<'_>>, CliError> {
    let tasks = outlines(board)?;
    let queue = queued(&tasks, &board.todo);
    let ready = queue.into_iter().filter(|(_, waits)| waits.is_empty());
    Ok(ready.map(|(task, _)| task.clone()).collect())
}

fn outlines(board: &BoardListing) -> Result<Vec<Outline<'_>>, BadLine> {
    let mut tasks = Vec::with_capacity(board.tasks.len());
    for task in board.tasks.tasks() {
        tasks.push(task?);
    }
    Ok(tasks)
}

/// The queue, in the order of TODO.md.
fn queued<'t, 'b>(tasks: &'t [Outline<'b>], todo: &Path) -> Vec<(&'t Outline<'b>, Vec<Wait>)> {
    // Without the file the order is that of the numbers.
    let bytes = fs_err::read(todo).unwrap_or_default();
    let active = tasks.iter().filter(|task| task.place == Place::Active);
    queue_of(
        &Numbers::among(tasks.iter()),
        active,
        &TodoFile::order(&bytes),
    )
}

#[derive(Serialize)]
struct Rows<'a> {
    tasks: &'a [Row<'a>],
}

/// A task as JSON. The fields come by name.
#[derive(Serialize)]
struct Row<'a> {
    archived: bool,
    dependencies: &'a [u32],
    language: Option<Cow<'a, str>>,
    number: u32,
    priority: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ready: Option<bool>,
    status: &'a TaskStatus,
    title: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    waits: Option<Vec<String>>,
}

fn row<'a>(task: &'a Outline<'_>) -> Row<'a> {
    Row {
        archived: task.place == Place::Archived,
        dependencies: task.dependencies(),
        language: task.language(),
        number: task.number,
        priority: task.priority(),
        ready: None,
        status: &task.status,
        title: task.title(),
        waits: None,
    }
}

/// Shows what can be worked on now, and what every other open task waits for.
///
/// # Errors
/// When there is no board.
pub fn ready(context: &Context) -> Result<ExitCode, CliError> {
    let board = BoardListing::open(context, &LISTS)?;
    let tasks = outlines(&board)?;
    let (ready, waiting): (Vec<_>, Vec<_>) = queued(&tasks, &board.todo)
        .into_iter()
        .partition(|(_, waits)| waits.is_empty());
    let is_blocked = ready.is_empty();
    let code = if is_blocked {
        ExitCode::Blocked
    } else {
        ExitCode::Success
    };
    let queue = ready.iter().chain(&waiting);
    if context.json {
        let rows = queue.map(|(task, waits)| Row {
            ready: Some(waits.is_empty()),
            waits: Some(waits.iter().map(render::wait).collect()),
            ..row(task)
        });
        let rows: Vec<_> = rows.collect();
        context.printer.json_of(&Rows { tasks: &rows })?;
        return Ok(code);
    }
    let edge = page::edge();
    let mut table = Table::new(edge);
    for (task, waits) in queue {
        let number = task.number.to_string();
        let title = match (edge, task.title()) {
            (Some(_), title) => Cow::Owned(words::cut(&title, TITLE_COLUMNS)),
            (None, title) => title,
        };
        let (sign, why, style) = if waits.is_empty() {
            ("ready", status_words(&task.status), Style::new())
        } else {
            let waits: Vec<_> = waits.iter().map(render::wait).collect();
            let waits = Cow::Owned(waits.join("; "));
            ("waits", waits, Style::new().dimmed())
        };
        table.row([&number, sign, &title, &why], style);
    }
    context.printer.table(&table);
    if is_blocked && !context.quiet {
        context.printer.note("nothing can be worked on now");
    }
    Ok(code)
}
