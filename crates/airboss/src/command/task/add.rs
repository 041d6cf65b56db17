//! New tasks: `add` and `expand`.

use std::collections::BTreeSet;

use airboss_core::board::command::{self, NewTask, Standing};
use airboss_core::board::number::{Numbering, StoredNext, allocate};
use airboss_core::board::{Artifact, Board, BoardOperation};
use airboss_core::exit::ExitCode;
use airboss_core::id::TaskId;
use airboss_engine::board::{Places, task_directories, used_by_directories};
use airboss_engine::clock;
use airboss_engine::store::{BoardStanding, Wanted};

use super::Numbers;
use crate::board::{BoardWriting, Planned};
use crate::context::Context;
use crate::desk::WriteOptions;
use crate::error::CliError;

/// A task to create.
#[derive(clap::Args, Clone, Debug)]
pub struct AddArguments {
    /// One line.
    title: String,
    /// One paragraph.
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    description: Option<String>,
    /// High, Medium, Low or Critical.
    #[arg(long, value_name = "WORD", default_value = "Medium")]
    priority: String,
    /// What kind of work it is, in the words of the board.
    #[arg(long, value_name = "WORD")]
    language: Option<String>,
    /// An estimate in free words.
    #[arg(long, value_name = "TEXT", default_value = "TBD")]
    effort: String,
    /// The tasks that it waits for.
    #[arg(
        long,
        value_name = "N,N",
        default_value = "none",
        hide_default_value = true
    )]
    depends: Numbers,
    /// The task that it belongs to.
    #[arg(long, value_name = "N", value_parser = super::number)]
    parent: Option<u32>,
    #[command(flatten)]
    options: WriteOptions,
}

impl AddArguments {
    /// A task with a title and perhaps a description.
    #[must_use]
    pub fn new(title: String, description: Option<String>) -> Self {
        Self {
            title,
            description,
            priority: "Medium".to_owned(),
            language: None,
            effort: "TBD".to_owned(),
            depends: Numbers(Vec::new()),
            parent: None,
            options: WriteOptions::default(),
        }
    }
}

/// A task to split.
#[derive(clap::Args, Clone, Debug)]
pub struct ExpandArguments {
    /// The task.
    #[arg(value_name = "N", value_parser = super::number)]
    number: u32,
    /// The titles of its subtasks.
    #[arg(value_name = "TITLE", required = true)]
    titles: Vec<String>,
    /// Split it although it is finished; recorded as such.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    options: WriteOptions,
}

/// What the disk says of numbers.
struct OnDisk {
    /// Those that directories of tasks have.
    directories: BTreeSet<u32>,
    /// The range that the board sets.
    numbering: Option<Numbering>,
    /// Where numbers begin again, those that state.json lists.
    listed: Option<BTreeSet<u32>>,
}

impl OnDisk {
    fn look(places: &Places) -> Result<Self, CliError> {
        let set = places.numbering().filter(|(range, _)| range.wraps);
        let (numbering, listed) = set.unzip();
        Ok(Self {
            directories: used_by_directories(&task_directories(&places.root())?),
            numbering,
            listed,
        })
    }

    /// What has to be seen of the board.
    fn wanted(&self, otherwise: Wanted) -> Wanted {
        match self.listed {
            Some(_) => Wanted::All,
            None => otherwise,
        }
    }

    /// Whether a number is in use. Where numbers begin again, those of the cycles before are free:
    /// their tasks are neither active nor listed, and their directories in a vault.
    fn has(&self, given: &BoardStanding, number: u32) -> bool {
        let is_listed = match &self.listed {
            Some(listed) => {
                let mut active = given.board.active();
                listed.contains(&number) || active.any(|task| task.number == number)
            }
            None => given.taken.contains(&number),
        };
        is_listed || self.directories.contains(&number)
    }
}

/// Numbers for new tasks, the board's next number behind them, and what was odd.
struct Allocated {
    numbers: Vec<u32>,
    next: u32,
    notes: Vec<String>,
}

fn numbers(given: &BoardStanding, disk: &OnDisk, count: usize) -> Result<Allocated, CliError> {
    let mut allocated = Allocated {
        numbers: Vec::new(),
        next: 0,
        notes: Vec::new(),
    };
    let mut stored = StoredNext {
        state: given.board.next_number,
        todo: None,
    };
    for _ in 0..count {
        let one = allocate(stored, disk.numbering, |number| {
            disk.has(given, number) || allocated.numbers.contains(&number)
        })
        .map_err(|error| CliError::refused(error.to_string()))?;
        allocated.numbers.push(one.number);
        allocated.next = one.next;
        let notes = one.warnings.iter().map(ToString::to_string);
        allocated.notes.extend(notes);
        stored.state = Some(one.next);
    }
    Ok(allocated)
}

/// Creates a task.
///
/// # Errors
/// When it is not possible, or the board cannot be changed.
pub fn add(context: &Context, arguments: &AddArguments) -> Result<ExitCode, CliError> {
    add_as(context, arguments, TaskId::from_uuid(clock::fresh_uuid()))
}

/// As [`add`], for who has to find the task again.
///
/// # Errors
/// As for [`add`].
pub fn add_as(
    context: &Context,
    arguments: &AddArguments,
    id: TaskId,
) -> Result<ExitCode, CliError> {
    add_with(context, arguments, id, None)
}

/// What belongs to the creation of a task.
#[derive(Default)]
pub struct Besides {
    /// A task that is there already, and what is told of it: none is created then.
    pub instead: Option<(TaskId, String)>,
    /// What the new task links.
    pub artifacts: Vec<Artifact>,
    /// What is stored with it.
    pub operations: Vec<BoardOperation>,
}

/// What belongs to a creation, by the whole board. It may be asked more than once.
pub type Asked<'a> = dyn FnMut(&Board) -> Besides + 'a;

/// As [`add_as`], with what the board makes of it: what `besides` answers.
///
/// # Errors
/// As for [`add`].
pub fn add_with(
    context: &Context,
    arguments: &AddArguments,
    id: TaskId,
    mut besides: Option<&mut Asked<'_>>,
) -> Result<ExitCode, CliError> {
    let mut writing = BoardWriting::open(context, &arguments.options)?;
    let disk = OnDisk::look(&writing.desk.places)?;
    let named: Vec<u32> = arguments.parent.into_iter().collect();
    // What waits for what is asked of the whole board.
    let wanted = match besides.is_none() && arguments.depends.0.is_empty() {
        true => Wanted::Tasks(named.clone()),
        false => Wanted::All,
    };
    let wanted = disk.wanted(wanted);
    writing.change(context, &wanted, (&named, false), &mut |standing, given| {
        let besides = besides.as_mut().map(|ask| ask(standing.board));
        let besides = besides.unwrap_or_default();
        if besides.instead.is_some() {
            return Ok(Planned {
                told: besides.instead,
                ..Planned::default()
            });
        }
        let allocated = numbers(given, &disk, 1)?;
        let number = allocated.numbers[0];
        let mut new = NewTask::new(id, number, &arguments.title);
        new.description.clone_from(&arguments.description);
        new.priority = Some(arguments.priority.clone());
        new.language.clone_from(&arguments.language);
        new.effort = Some(arguments.effort.clone());
        new.dependencies.clone_from(&arguments.depends.0);
        new.parent = arguments.parent;
        new.artifacts = besides.artifacts;
        let mut operations = besides.operations;
        operations.extend(command::add(standing, new, allocated.next)?);
        let title = lower_first(&arguments.title);
        let mut planned = Planned::new(operations, format!("task {number}: create {title}"));
        planned.notes = allocated.notes;
        Ok(planned)
    })
}

/// A title inside a sentence: its first word small, unless it is a name in capitals.
fn lower_first(title: &str) -> String {
    let title = title.trim();
    let mut letters = title.chars();
    match (letters.next(), letters.next()) {
        (Some(first), Some(second)) if !second.is_uppercase() => {
            first.to_lowercase().chain(title.chars().skip(1)).collect()
        }
        _ => title.to_owned(),
    }
}

/// Replaces a task by subtasks.
///
/// # Errors
/// As for [`add`].
pub fn expand(context: &Context, arguments: &ExpandArguments) -> Result<ExitCode, CliError> {
    let mut writing = BoardWriting::open(context, &arguments.options)?;
    let disk = OnDisk::look(&writing.desk.places)?;
    let number = arguments.number;
    let ids: Vec<_> = arguments
        .titles
        .iter()
        .map(|_| TaskId::from_uuid(clock::fresh_uuid()))
        .collect();
    let named = (&[number][..], arguments.force);
    writing.change(context, &Wanted::All, named, &mut |standing, given| {
        let allocated = numbers(given, &disk, ids.len())?;
        let subtasks = subtasks(standing, arguments, &ids, &allocated.numbers)?;
        let operations = command::expand(standing, number, subtasks, allocated.next)?;
        let count = crate::words::count(ids.len(), "subtask");
        let subject = format!("task {number}: expand into {count}");
        let mut planned = Planned::new(operations, subject);
        planned.notes = allocated.notes;
        Ok(planned)
    })
}

/// The subtasks of a task, which have its priority and its language.
fn subtasks(
    standing: &Standing<'_>,
    arguments: &ExpandArguments,
    ids: &[TaskId],
    numbers: &[u32],
) -> Result<Vec<NewTask>, CliError> {
    let task = standing.task(arguments.number)?;
    let subtask = |((title, id), number): ((&String, &TaskId), &u32)| NewTask {
        priority: task.priority.clone(),
        language: task.language.clone(),
        effort: Some("TBD".to_owned()),
        ..NewTask::new(*id, *number, title)
    };
    let titles = arguments.titles.iter();
    Ok(titles.zip(ids).zip(numbers).map(subtask).collect())
}
