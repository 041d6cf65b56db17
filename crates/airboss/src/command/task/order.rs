//! Where a task is found: `reorder`, `archive`, `renumber`.

use airboss_core::board::command::Standing;
use airboss_core::board::transition::Mode;
use airboss_core::board::{BoardOperation, Class, Position, Status, command};
use airboss_core::exit::ExitCode;
use airboss_core::operation::Actor;
use airboss_engine::board::{BoardError, LookAround, Moves};
use airboss_engine::clock;
use airboss_engine::store::Wanted;

use crate::board::{BoardReading, BoardWriting, Planned, preview};
use crate::context::Context;
use crate::desk::WriteOptions;
use crate::error::CliError;
use crate::render::board as render;
use crate::words;

/// A task and its place in TODO.md.
#[derive(clap::Args, Clone, Debug)]
pub struct ReorderArguments {
    /// The task.
    #[arg(value_name = "N", value_parser = super::number)]
    number: u32,
    #[command(flatten)]
    place: PlaceOptions,
    #[command(flatten)]
    options: WriteOptions,
}

#[derive(clap::Args, Clone, Debug)]
#[group(required = true, multiple = false)]
struct PlaceOptions {
    /// First in its section.
    #[arg(long)]
    first: bool,
    /// Last in its section.
    #[arg(long)]
    last: bool,
    /// Directly before this task.
    #[arg(long, value_name = "M", value_parser = super::number)]
    before: Option<u32>,
    /// Directly after this task.
    #[arg(long, value_name = "M", value_parser = super::number)]
    after: Option<u32>,
}

impl PlaceOptions {
    fn position(&self) -> Position {
        match (self.first, self.before, self.after) {
            (true, ..) => Position::First,
            (_, Some(number), _) => Position::Before { number },
            (_, _, Some(number)) => Position::After { number },
            (false, None, None) => Position::Last,
        }
    }
}

/// Tasks to archive.
#[derive(clap::Args, Clone, Debug)]
pub struct ArchiveArguments {
    /// The tasks.
    #[arg(value_name = "N", value_parser = super::number, required_unless_present = "finished")]
    numbers: Vec<u32>,
    /// All that are completed, abandoned, expanded or superseded.
    #[arg(long, conflicts_with = "numbers")]
    finished: bool,
    /// Print what would be moved, and change nothing.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    options: WriteOptions,
}

/// A task and its new number.
#[derive(clap::Args, Clone, Debug)]
pub struct RenumberArguments {
    /// The task.
    #[arg(value_name = "N", value_parser = super::number)]
    number: u32,
    /// Its new number. Whatever named the old one follows.
    #[arg(value_name = "TO", value_parser = super::number)]
    to: u32,
    #[command(flatten)]
    options: WriteOptions,
}

/// Puts a task elsewhere in TODO.md.
///
/// # Errors
/// When one of the two tasks is not there.
pub fn reorder(context: &Context, arguments: &ReorderArguments) -> Result<ExitCode, CliError> {
    let mut writing = BoardWriting::open(context, &arguments.options)?;
    let number = arguments.number;
    let to = arguments.place.position();
    let mut named = vec![number];
    if let Position::Before { number } | Position::After { number } = &to {
        named.push(*number);
    }
    let wanted = Wanted::Tasks(named);
    let subject = format!("task {number}: move {}", render::position(&to));
    writing.change(context, &wanted, (&[number], false), &mut |standing, _| {
        let operations = command::reorder(standing, number, to.clone())?;
        Ok(Planned::new(operations, &subject))
    })
}

/// Puts finished tasks and their directories into the archive.
///
/// # Errors
/// When one of them is not finished, or is worked on.
pub fn archive(context: &Context, arguments: &ArchiveArguments) -> Result<ExitCode, CliError> {
    if arguments.dry_run {
        return preview_archive(context, arguments);
    }
    let mut writing = BoardWriting::open(context, &arguments.options)?;
    let named = &arguments.numbers;
    let desk = &writing.desk;
    let places = desk.places.clone();
    let around =
        LookAround::new(&desk.workspace, &places, &desk.store).map_err(BoardError::from)?;
    let wanted = if arguments.finished {
        Wanted::All
    } else {
        Wanted::Tasks(named.clone())
    };
    writing.change(context, &wanted, (named, false), &mut |standing, _| {
        let operations = arguments.decided(standing, &around)?;
        let archived: Vec<_> = operations
            .iter()
            .filter_map(|operation| standing.board.tasks.get(&operation.task()?))
            .collect();
        let all_completed = archived
            .iter()
            .all(|task| task.status.is(Status::Completed));
        let word = if all_completed {
            "completed task"
        } else {
            "finished task"
        };
        let count = words::count(archived.len(), word);
        let mut planned = Planned::new(operations, format!("todo: archive {count}"));
        if arguments.finished && archived.is_empty() {
            planned
                .notes
                .push("there is nothing to archive: no task is finished".to_owned());
        }
        Ok(planned)
    })
}

/// Tells what would be put into the archive, and which directories would move.
fn preview_archive(context: &Context, arguments: &ArchiveArguments) -> Result<ExitCode, CliError> {
    let reading = BoardReading::open(context)?;
    let (places, workspace) = (&reading.places, &reading.workspace);
    let around = LookAround::new(workspace, places, &reading.store).map_err(BoardError::from)?;
    let standing = Standing {
        board: &reading.board,
        actor: Actor::Person,
        mode: Mode::Permissive,
        force: false,
        now: clock::now(),
    };
    let operations = arguments.decided(&standing, &around)?;
    let repository = workspace.repository.as_ref();
    let asked = Moves::asked_for(places, repository, &reading.board, &operations);
    let asked = asked.map_err(BoardError::from)?;
    for one in &asked.moves {
        context.printer.note(&format!("{} → {}", one.from, one.to));
    }
    for left in &asked.left {
        context.printer.warning(left);
    }
    preview(context, &operations, &reading.board);
    Ok(ExitCode::Success)
}

impl ArchiveArguments {
    /// What is stored for them.
    fn decided(
        &self,
        standing: &Standing<'_>,
        around: &LookAround<'_>,
    ) -> Result<Vec<BoardOperation>, CliError> {
        let mut numbers = self.numbers.clone();
        if self.finished {
            let active = standing.board.active();
            let finished = active.filter(|task| task.status.class() == Class::Terminal);
            numbers = finished.map(|task| task.number).collect();
        }
        let tasks = numbers
            .iter()
            .filter_map(|number| standing.board.find(*number));
        if let Some(task) = tasks.into_iter().find(|task| around.is_flown(task)) {
            let message = format!("an agent works on task {}", task.number);
            return Err(CliError::refused(message).hint("archive it when that is over"));
        }
        Ok(command::archive(standing, &numbers)?)
    }
}

/// Gives a task another number.
///
/// # Errors
/// When the number is taken.
pub fn renumber(context: &Context, arguments: &RenumberArguments) -> Result<ExitCode, CliError> {
    let mut writing = BoardWriting::open(context, &arguments.options)?;
    let (number, to) = (arguments.number, arguments.to);
    let wanted = Wanted::All;
    writing.change(context, &wanted, (&[number], false), &mut |standing, _| {
        let operations = command::renumber(standing, number, to)?;
        Ok(Planned::new(
            operations,
            format!("task {to}: renumber from {number}"),
        ))
    })
}
