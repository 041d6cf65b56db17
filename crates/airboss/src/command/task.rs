//! `airboss task`: the tasks of a board, looked at and changed by a person.
//!
//! What may change is decided by `airboss_core::board::command`; here words become its
//! arguments.

pub mod add;
pub mod artifact;
pub mod field;
pub mod list;
pub mod order;
pub mod show;
pub mod status;

use airboss_core::exit::ExitCode;

use crate::context::Context;
use crate::error::CliError;
use crate::lazy::Lazy;

/// Look at the tasks of a board, and change them.
#[derive(clap::Subcommand, Clone, Debug)]
pub enum TaskCommand {
    /// Create a task.
    Add(Lazy<add::AddArguments>),
    /// Show everything about a task.
    Show(Lazy<show::ShowArguments>),
    /// List the tasks that are not finished.
    List(Lazy<list::ListArguments>),
    /// Show what can be worked on now, and what every other open task waits for.
    Ready,
    /// Give a task a status.
    Status(Lazy<status::StatusArguments>),
    /// Mark phases of a task's plan.
    Phase(Lazy<status::PhaseArguments>),
    /// Say that a task waits for something outside.
    Block(Lazy<status::ReasonArguments>),
    /// End the wait of a blocked task.
    Unblock(Lazy<status::UnblockArguments>),
    /// Give a task up.
    Abandon(Lazy<status::ReasonArguments>),
    /// Change what is said of a task.
    Edit(Lazy<field::EditArguments>),
    /// Replace a task by subtasks.
    Expand(Lazy<add::ExpandArguments>),
    /// Put a task elsewhere in TODO.md.
    Reorder(Lazy<order::ReorderArguments>),
    /// Put finished tasks and their directories into the archive.
    Archive(Lazy<order::ArchiveArguments>),
    /// Give a task another number.
    Renumber(Lazy<order::RenumberArguments>),
    /// Link an artifact to a task.
    Link(Lazy<artifact::LinkArguments>),
    /// Take a link away; the file stays.
    Unlink(Lazy<artifact::UnlinkArguments>),
    /// Make a file the current plan of a task.
    Plan(Lazy<artifact::PlanArguments>),
}

/// Carries a task command out.
///
/// # Errors
/// When it is refused, or the board cannot be read.
pub fn task(context: &Context, command: &TaskCommand) -> Result<ExitCode, CliError> {
    match command {
        TaskCommand::Add(arguments) => add::add(context, arguments),
        TaskCommand::Show(arguments) => show::show(context, arguments),
        TaskCommand::List(arguments) => list::list(context, arguments),
        TaskCommand::Ready => list::ready(context),
        TaskCommand::Status(arguments) => status::status(context, arguments),
        TaskCommand::Phase(arguments) => status::phase(context, arguments),
        TaskCommand::Block(arguments) => status::block(context, arguments),
        TaskCommand::Unblock(arguments) => status::unblock(context, arguments),
        TaskCommand::Abandon(arguments) => status::abandon(context, arguments),
        TaskCommand::Edit(arguments) => field::edit(context, arguments),
        TaskCommand::Expand(arguments) => add::expand(context, arguments),
        TaskCommand::Reorder(arguments) => order::reorder(context, arguments),
        TaskCommand::Archive(arguments) => order::archive(context, arguments),
        TaskCommand::Renumber(arguments) => order::renumber(context, arguments),
        TaskCommand::Link(arguments) => artifact::link(context, arguments),
        TaskCommand::Unlink(arguments) => artifact::unlink(context, arguments),
        TaskCommand::Plan(arguments) => artifact::plan(context, arguments),
    }
}

/// Reads a task's number: `58`, `058`, `#58`.
///
/// # Errors
/// When it is none.
pub(crate) fn number(text: &str) -> Result<u32, String> {
    let digits = text.trim().trim_start_matches('#');
    let number = digits.parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| format!("`{text}` is no task number, such as 58"))
}

/// Numbers of tasks as one argument: `51,52`, or `none`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Numbers(pub(crate) Vec<u32>);

impl std::str::FromStr for Numbers {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if matches!(text.trim(), "" | "none") {
            return Ok(Self::default());
        }
        let mut numbers = Vec::new();
        for part in text.split(',') {
            let number = number(part)?;
            if !numbers.contains(&number) {
                numbers.push(number);
            }
        }
        Ok(Self(numbers))
    }
}
