//! Where a task stands: `status`, `phase`, `block`, `unblock`, `abandon`.

use airboss_core::board::command::{self, Standing};
use airboss_core::board::{Board, BoardOperation, Status, TaskStatus};
use airboss_core::exit::ExitCode;
use airboss_core::id::OperationId;
use airboss_core::nearest::nearest;
use airboss_core::plan::PhaseStatus;
use airboss_engine::board::phases_on_disk;
use airboss_engine::store::{Store as _, Wanted};

use crate::board::{BoardWriting, Planned, read_status};
use crate::context::Context;
use crate::desk::WriteOptions;
use crate::error::CliError;
use crate::render::board as render;

/// A task and its new status.
#[derive(clap::Args, Clone, Debug)]
pub struct StatusArguments {
    /// The task.
    #[arg(value_name = "N", value_parser = super::number)]
    number: u32,
    /// What it becomes: planned, implementing, completed, …
    status: String,
    /// Why; a blocked or abandoned task needs it.
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    reason: Option<String>,
    /// Mark a phase of its plan, too: `2=completed`. May be given several times.
    #[arg(long = "phase", value_name = "KEY=STATUS")]
    phases: Vec<String>,
    /// Do what the board's transitions do not allow; recorded as such.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    options: WriteOptions,
}

/// Phases to mark.
#[derive(clap::Args, Clone, Debug)]
pub struct PhaseArguments {
    /// The task.
    #[arg(value_name = "N", value_parser = super::number)]
    number: u32,
    /// The phases and what they become: `2=completed`.
    #[arg(value_name = "KEY=STATUS", required = true)]
    phases: Vec<String>,
    /// Do what the transitions of phases do not allow; recorded as such.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    options: WriteOptions,
}

/// A task, and why it stands still.
#[derive(clap::Args, Clone, Debug)]
pub struct ReasonArguments {
    /// The task.
    #[arg(value_name = "N", value_parser = super::number)]
    number: u32,
    /// Why.
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    reason: String,
    /// Do what the board's transitions do not allow; recorded as such.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    options: WriteOptions,
}

/// A blocked task.
#[derive(clap::Args, Clone, Debug)]
pub struct UnblockArguments {
    /// The task.
    #[arg(value_name = "N", value_parser = super::number)]
    number: u32,
    #[command(flatten)]
    options: WriteOptions,
}

/// The phases of the task's current plan, as its file has them.
fn phases_of(writing: &BoardWriting, number: u32) -> Result<Vec<(String, PhaseStatus)>, CliError> {
    let desk = &writing.desk;
    let task = desk.store.task(desk.board(), number)?;
    Ok(task.map_or_else(Vec::new, |task| phases_on_disk(&desk.places, &task)))
}

/// Reads `2=completed`, or names the nearest status.
fn read_mark(text: &str) -> Result<(String, PhaseStatus), CliError> {
    let Some((key, word)) = text.split_once('=') else {
        let message = format!("`{text}` does not say what a phase becomes");
        return Err(CliError::refused(message).hint("`2=completed` marks phase 2 as completed"));
    };
    let normal = word.trim().to_lowercase().replace([' ', '-'], "_");
    let all = PhaseStatus::ALL;
    if let Some(status) = all.into_iter().find(|status| status.as_str() == normal) {
        return Ok((key.trim().to_owned(), status));
    }
    let error = CliError::refused(format!("`{word}` is no status of a phase"));
    let words = all.map(PhaseStatus::as_str);
    Err(match nearest(&normal, words) {
        Some(near) => error.hint(format!("is `{near}` meant?")),
        None => error.hint(format!("there are {}", words.join(", "))),
    })
}

fn read_marks(texts: &[String]) -> Result<Vec<(String, PhaseStatus)>, CliError> {
    texts.iter().map(|text| read_mark(text)).collect()
}

/// Gives a task a status, and marks phases of its plan with it.
///
/// # Errors
/// When the transition is not allowed, or the board cannot be changed.
pub fn status(context: &Context, arguments: &StatusArguments) -> Result<ExitCode, CliError> {
    let to = read_status(&arguments.status)?;
    let marks = read_marks(&arguments.phases)?;
    let mut writing = BoardWriting::open(context, &arguments.options)?;
    let number = arguments.number;
    let phases = phases_of(&writing, number)?;
    let wanted = Wanted::Tasks(vec![number]);
    let named = (&[number][..], arguments.force);
    writing.change(context, &wanted, named, &mut |standing, _| {
        let mut operations = Vec::new();
        if !marks.is_empty() {
            operations = command::mark_phases(standing, number, &phases, &marks)?;
        }
        let marked = after(standing.board, &operations);
        let standing = Standing {
            board: &marked,
            ..*standing
        };
        let reason = arguments.reason.as_deref();
        operations.extend(command::set_status(
            &standing, number, &to, reason, &phases,
        )?);
        let mut planned = Planned::new(operations, subject(number, &to));
        planned.reason.clone_from(&arguments.reason);
        Ok(planned)
    })
}

/// The board with these operations taken in.
fn after(board: &Board, operations: &[BoardOperation]) -> Board {
    let mut after = board.clone();
    for operation in operations {
        after.apply(after.sequence, OperationId::default(), operation);
    }
    after
}

/// What the commit is called. A status is said, not what it should stand for: nobody looked.
fn subject(number: u32, to: &TaskStatus) -> String {
    match to {
        TaskStatus::Known(Status::Abandoned) => format!("task: abandon task {number}"),
        other => format!("task {number}: mark as {}", render::status(other)),
    }
}

/// Marks phases of a task's current plan.
///
/// # Errors
/// When a phase is not there or cannot change so.
pub fn phase(context: &Context, arguments: &PhaseArguments) -> Result<ExitCode, CliError> {
    let marks = read_marks(&arguments.phases)?;
    let mut writing = BoardWriting::open(context, &arguments.options)?;
    let number = arguments.number;
    let phases = phases_of(&writing, number)?;
    let wanted = Wanted::Tasks(vec![number]);
    let named = (&[number][..], arguments.force);
    writing.change(context, &wanted, named, &mut |standing, _| {
        standing.task(number)?;
        if phases.is_empty() {
            let message = format!("task {number} has no plan with phases");
            let hint = format!("`airboss task plan {number} PATH` sets its plan");
            return Err(CliError::refused(message).hint(hint));
        }
        let operations = command::mark_phases(standing, number, &phases, &marks)?;
        let subject = match marks.as_slice() {
            [(key, status)] => {
                let status = render::phase_status(*status);
                format!("task {number} phase {key}: mark as {status}")
            }
            several => format!("task {number}: mark {} phases", several.len()),
        };
        Ok(Planned::new(operations, subject))
    })
}

/// Says that a task waits for something outside.
///
/// # Errors
/// When the board does not allow it.
pub fn block(context: &Context, arguments: &ReasonArguments) -> Result<ExitCode, CliError> {
    let number = arguments.number;
    stop(context, arguments, &|standing| {
        let operations = command::block(standing, number, &arguments.reason)?;
        Ok(Planned::new(
            operations,
            subject(number, &Status::Blocked.into()),
        ))
    })
}

/// Gives a task up.
///
/// # Errors
/// When the board does not allow it.
pub fn abandon(context: &Context, arguments: &ReasonArguments) -> Result<ExitCode, CliError> {
    let number = arguments.number;
    stop(context, arguments, &|standing| {
        let operations = command::abandon(standing, number, &arguments.reason)?;
        Ok(Planned::new(
            operations,
            subject(number, &Status::Abandoned.into()),
        ))
    })
}

fn stop(
    context: &Context,
    arguments: &ReasonArguments,
    plan: &dyn Fn(&Standing<'_>) -> Result<Planned, CliError>,
) -> Result<ExitCode, CliError> {
    let mut writing = BoardWriting::open(context, &arguments.options)?;
    let wanted = Wanted::Tasks(vec![arguments.number]);
    let named = (&[arguments.number][..], arguments.force);
    writing.change(context, &wanted, named, &mut |standing, _| {
        let mut planned = plan(standing)?;
        planned.reason = Some(arguments.reason.clone());
        Ok(planned)
    })
}

/// Ends the wait of a blocked task.
///
/// # Errors
/// When it is not blocked.
pub fn unblock(context: &Context, arguments: &UnblockArguments) -> Result<ExitCode, CliError> {
    let mut writing = BoardWriting::open(context, &arguments.options)?;
    let number = arguments.number;
    let wanted = Wanted::Tasks(vec![number]);
    writing.change(context, &wanted, (&[number], false), &mut |standing, _| {
        let operations = command::unblock(standing, number)?;
        Ok(Planned::new(operations, format!("task {number}: unblock")))
    })
}
