//! Many tasks at once: `list` and `ready`.

use airboss_core::board::ready::{Queued, queue};
use airboss_core::board::todo::TodoFile;
use airboss_core::board::{Class, Place, Task};
use airboss_core::exit::ExitCode;
use owo_colors::Style;
use serde_json::{Value, json};

use crate::board::{BoardReading, read_status};
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

/// Lists tasks.
///
/// # Errors
/// When there is no board, or nobody knows the status.
pub fn list(context: &Context, arguments: &ListArguments) -> Result<ExitCode, CliError> {
    let status = arguments.status.as_deref().map(read_status).transpose()?;
    let reading = BoardReading::open(context)?;
    let mut tasks: Vec<&Task> = reading.board.active().collect();
    if arguments.all {
        let all = reading.board.tasks.values();
        tasks.extend(all.filter(|task| task.place == Place::Archived));
    }
    let everything = tasks.len();
    if arguments.ready {
        let queue = queued(&reading);
        let ready = queue.iter().filter(|queued| queued.is_ready());
        tasks = ready
            .filter_map(|queued| reading.board.tasks.get(&queued.id))
            .collect();
    } else if let Some(status) = &status {
        tasks.retain(|task| task.status == *status);
    } else if !arguments.all {
        tasks.retain(|task| task.status.class() != Class::Terminal);
    }
    if context.json {
        let rows: Vec<_> = tasks.iter().map(|task| row(task)).collect();
        context.printer.json(&json!({ "tasks": rows }));
        return Ok(ExitCode::Success);
    }
    context.printer.data(&table(&tasks));
    if tasks.is_empty() {
        context.printer.note("no task is like that");
    }
    let hidden = everything - tasks.len();
    if hidden > 0 && status.is_none() && !arguments.ready && !context.quiet {
        let hidden = words::count(hidden, "finished task");
        context
            .printer
            .note(&format!("{hidden} not shown; `--all` shows all"));
    }
    Ok(ExitCode::Success)
}

/// The tasks that can be worked on now, `count` at most, the most urgent first.
///
/// # Errors
/// When there is no board.
pub fn ready_rows(context: &Context, count: usize) -> Result<Vec<Value>, CliError> {
    let reading = BoardReading::look(context)?;
    let queue = queued(&reading);
    let ready = queue.iter().filter(|queued| queued.is_ready());
    let tasks = ready.filter_map(|queued| reading.board.tasks.get(&queued.id));
    Ok(tasks.take(count).map(row).collect())
}

fn row(task: &Task) -> Value {
    json!({
        "number": task.number,
        "title": task.title,
        "status": task.status,
        "priority": task.priority,
        "language": task.language,
        "dependencies": task.dependencies.numbers,
        "archived": task.place == Place::Archived,
    })
}

fn table(tasks: &[&Task]) -> String {
    let mut table = Table::new(page::edge());
    for task in tasks {
        let mut status = render::status(&task.status);
        if task.place == Place::Archived {
            status.push_str(", archived");
        }
        let priority = task.priority.as_deref().unwrap_or("").to_lowercase();
        let number = format!("{:>3}", task.number);
        let style = render::status_style(&task.status);
        table.row([&number, &status, &priority, &task.title], style);
    }
    table.finish()
}

/// The queue, in the order of TODO.md.
fn queued(reading: &BoardReading) -> Vec<Queued> {
    let todo = reading.workspace.top.join(&reading.places.todo);
    // Without the file the order is that of the numbers.
    let bytes = fs_err::read(todo).unwrap_or_default();
    queue(&reading.board, &TodoFile::order(&bytes))
}

/// Shows what can be worked on now, and what every other open task waits for.
///
/// # Errors
/// When there is no board.
pub fn ready(context: &Context) -> Result<ExitCode, CliError> {
    let reading = BoardReading::open(context)?;
    let mut queue = queued(&reading);
    queue.sort_by_key(|queued| !queued.is_ready());
    let ready = queue.iter().filter(|queued| queued.is_ready()).count();
    let code = if ready > 0 {
        ExitCode::Success
    } else {
        ExitCode::Blocked
    };
    if context.json {
        let rows = queue.iter().filter_map(|queued| {
            let task = reading.board.tasks.get(&queued.id)?;
            let mut row = row(task);
            row["ready"] = json!(queued.is_ready());
            row["waits"] = json!(queued.waits.iter().map(render::wait).collect::<Vec<_>>());
            Some(row)
        });
        let rows: Vec<_> = rows.collect();
        context.printer.json(&json!({ "tasks": rows }));
        return Ok(code);
    }
    let mut table = Table::new(page::edge());
    for queued in &queue {
        let Some(task) = reading.board.tasks.get(&queued.id) else {
            continue;
        };
        let number = format!("{:>3}", queued.number);
        let title = match page::edge() {
            Some(_) => words::cut(&task.title, TITLE_COLUMNS),
            None => task.title.clone(),
        };
        let waits: Vec<_> = queued.waits.iter().map(render::wait).collect();
        let (sign, why, style) = if queued.is_ready() {
            ("ready", render::status(&task.status), Style::new())
        } else {
            ("waits", waits.join("; "), Style::new().dimmed())
        };
        table.row([&number, sign, &title, &why], style);
    }
    context.printer.data(&table.finish());
    if ready == 0 && !context.quiet {
        context.printer.note("nothing can be worked on now");
    }
    Ok(code)
}
