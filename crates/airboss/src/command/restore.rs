//! `airboss restore`: tasks as they were in a git revision, by operations of their own.
//!
//! No file is checked out: what came later in the same files, and other tasks, stay.

use airboss_core::board::command::{self, Standing};
use airboss_core::board::transition::Mode;
use airboss_core::exit::ExitCode;
use airboss_core::operation::Actor;
use airboss_engine::board::at_revision;
use airboss_engine::clock;
use airboss_engine::store::Wanted;

use crate::board::{BoardReading, BoardWriting, Planned, preview};
use crate::context::Context;
use crate::desk::WriteOptions;
use crate::error::CliError;
use crate::words;

/// Which tasks, and from where.
#[derive(clap::Args, Clone, Debug)]
pub struct RestoreArguments {
    /// The revision: `HEAD~3`, a tag, the digits of a commit.
    #[arg(long, value_name = "REV")]
    from: String,
    /// Show what would change, and change nothing.
    #[arg(long)]
    dry_run: bool,
    /// The tasks' numbers; without any all tasks that stood on the board then.
    #[arg(value_name = "TASK")]
    tasks: Vec<u32>,
    #[command(flatten)]
    options: WriteOptions,
}

/// Restores tasks.
///
/// # Errors
/// When there is no such revision or task, when its files are damaged, or when the board cannot
/// be changed.
pub fn restore(context: &Context, arguments: &RestoreArguments) -> Result<ExitCode, CliError> {
    let (revision, tasks) = (&arguments.from, &arguments.tasks);
    if arguments.dry_run {
        let reading = BoardReading::open(context)?;
        let then = at_revision(&reading.workspace, &reading.places, revision)?;
        let standing = Standing {
            board: &reading.board,
            actor: Actor::Person,
            mode: Mode::Permissive,
            force: false,
            now: clock::now(),
        };
        let operations = command::restore(&standing, &then, tasks, revision)?;
        preview(context, &operations, &reading.board);
        return Ok(ExitCode::Success);
    }
    let mut writing = BoardWriting::open(context, &arguments.options)?;
    let then = at_revision(&writing.desk.workspace, &writing.desk.places, revision)?;
    let named = (&tasks[..], false);
    writing.change(context, &Wanted::All, named, &mut |standing, _| {
        let operations = command::restore(standing, &then, tasks, revision)?;
        let subject = match tasks.as_slice() {
            [only] => format!("task {only}: restore from {revision}"),
            _ => {
                let count = words::count(operations.len(), "task");
                format!("tasks: restore {count} from {revision}")
            }
        };
        Ok(Planned::new(operations, subject))
    })
}
