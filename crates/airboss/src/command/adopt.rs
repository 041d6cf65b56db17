//! `init` of a board, `verify`, and `sync` of a board: the files and the store made equal, or
//! compared.

use airboss_core::board::drift::{self, Side};
use airboss_core::board::{BoardKey, BoardOperation, Place, TaskChange};
use airboss_core::exit::ExitCode;
use airboss_core::operation::Operation;
use airboss_core::text::sanitize;
use airboss_engine::board::{
    BoardError, Desk, Difference, Done, FoundBoard, Places, Survey, Whole, find, key, read_list,
    verify,
};
use airboss_engine::projection::{PlaceError, Settled};
use airboss_engine::store::{BoardHead, CommandId, OperationQuery, Store as _, StoreError};
use airboss_engine::workspace::{Workspace, WorkspaceError};
use clap::ValueEnum;
use owo_colors::Style;
use serde_json::{Value, json};

use super::choose::choose;
use crate::board::note_outcome;
use crate::command::report::require_person;
use crate::context::Context;
use crate::error::{CliError, ErrorKind};
use crate::page::{Page, width};
use crate::words;

/// Changes that `sync` tells one by one; the log has them all.
const TOLD_MAX: usize = 20;
/// Changes that it looks at; far more than a person makes between two commands.
const TAKEN_MAX: usize = 10_000;

/// The file that wins where nothing else decides.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Prefer {
    /// TODO.md.
    Todo,
    /// state.json.
    State,
}

impl From<Prefer> for Side {
    fn from(prefer: Prefer) -> Self {
        match prefer {
            Prefer::Todo => Self::Todo,
            Prefer::State => Self::State,
        }
    }
}

/// What a person is asked before a board is taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Asking {
    /// Nothing.
    Nothing,
    /// Whether to take it as proposed.
    Once,
    /// What to do about each disagreement.
    Each,
}

/// Takes a board as it is, or begins one; asks before anything is written.
///
/// # Errors
/// When a file is damaged, nobody can be asked, or the store fails.
pub fn init_board(
    context: &Context,
    asking: Asking,
    prefer: Option<Prefer>,
    command: Option<&CommandId>,
) -> Result<ExitCode, CliError> {
    let workspace = Workspace::open(&context.directory)?;
    let found = find_board(context, &workspace)?;
    let found = match found {
        Some(found) => found,
        None => FoundBoard {
            board: key("specs")?,
            others: Vec::new(),
        },
    };
    let head = known_head(&workspace, &found.board)?;
    if head.is_some() && command.is_none() {
        let answer = json!({ "board": found.board, "adopted": false });
        context.tell(&answer, |_| format!("{} is adopted already", found.board));
        return Ok(ExitCode::Success);
    }
    for other in &found.others {
        let other = if other.is_empty() { "the top" } else { other };
        context.printer.warning(&format!(
            "{other} looks like a board, too; it is left alone (`board.root` chooses)"
        ));
    }
    let mut survey = Survey::take(&workspace, &found.board, prefer.map(Side::from))?;
    let agreed = match asking {
        Asking::Each if !survey.adopted.settled.is_empty() => choose(context, &mut survey)?,
        asking => {
            if !context.json && !context.quiet {
                context.printer.note(&summary(&survey));
            }
            asking == Asking::Nothing || ask(context, &survey)?
        }
    };
    if !agreed {
        context.printer.note("nothing was changed");
        return Ok(ExitCode::Refused);
    }
    let answer = as_json(&survey);
    // A damaged store is moved aside, and the board adopted in a new one.
    drop(super::rebuild::sound_store(context, &workspace)?);
    let (desk, done) = survey.carry_out(workspace, command)?;
    airboss_engine::board::register_merge_driver(&desk.workspace, &desk.places)?;
    let tasks = answer["tasks"].clone();
    context.tell(&answer, |_| {
        let tasks = tasks.as_u64().and_then(|count| usize::try_from(count).ok());
        match tasks.unwrap_or(0) {
            0 => format!(
                "{}: a new board; `airboss task add TITLE` adds a task",
                desk.board()
            ),
            tasks => format!(
                "{}: adopted with {}",
                desk.board(),
                words::count(tasks, "task")
            ),
        }
    });
    Ok(crate::board::outcome(context, &done))
}

/// What the store knows of a board; nothing when the store is damaged.
fn known_head(workspace: &Workspace, board: &BoardKey) -> Result<Option<BoardHead>, CliError> {
    let store = match workspace.open_reader() {
        Err(WorkspaceError::Store(StoreError::Corrupt { .. })) => return Ok(None),
        opened => opened?,
    };
    match store.map_or(Ok(None), |store| store.board_head(board)) {
        Err(StoreError::Corrupt { .. }) => Ok(None),
        head => Ok(head?),
    }
}

/// The board that a command is about, found by its files.
///
/// # Errors
/// When a directory cannot be read or the named one leads elsewhere.
pub fn find_board(
    context: &Context,
    workspace: &Workspace,
) -> Result<Option<FoundBoard>, CliError> {
    let explicit = crate::board::explicit_root(context, workspace)?;
    Ok(find(workspace, &context.directory, explicit.as_deref())?)
}

/// Whether a command that may be about a plan or a board is about a board.
///
/// # Errors
/// When a directory cannot be read.
pub fn has_board(context: &Context) -> Result<bool, CliError> {
    let workspace = Workspace::open(&context.directory)?;
    Ok(find_board(context, &workspace)?.is_some())
}

/// What was found and what will be done about it.
fn summary(survey: &Survey) -> String {
    let mut page = Page::new(width());
    let count = |read: &Option<airboss_engine::board::ReadList>| {
        read.as_ref().map_or_else(
            || "missing".to_owned(),
            |read| words::count(read.parsed.facts.len(), "task"),
        )
    };
    let (todo, state) = (count(&survey.todo), count(&survey.state));
    let board = &survey.places.board;
    if survey.is_new() {
        let words =
            format!("There is no board yet; {board}/TODO.md and {board}/state.json begin one.");
        page.sentence(&words, Style::new());
        return page.finish();
    }
    page.sentence(
        &format!("{board}: TODO.md {todo}, state.json {state}"),
        Style::new().bold(),
    );
    let settled = &survey.adopted.settled;
    if settled.is_empty() {
        page.sentence("They do not disagree.", Style::new());
    }
    for (disagreement, rule) in settled {
        page.sentence(&format!("- {disagreement}; {rule}"), Style::new());
    }
    for left in &survey.adopted.left {
        page.sentence(
            &format!("  {left}; for you to settle"),
            Style::new().yellow(),
        );
    }
    for duplicate in &survey.adopted.duplicates {
        let lines: Vec<_> = duplicate.lines.iter().map(ToString::to_string).collect();
        let (number, side) = (duplicate.number, duplicate.side);
        let words = format!(
            "  {side} has task {number} twice (lines {})",
            lines.join(", ")
        );
        page.sentence(&words, Style::new().yellow());
    }
    page.finish()
}

/// Asks whether a board is to be taken.
///
/// # Errors
/// When nobody can be asked.
pub(super) fn ask(context: &Context, survey: &Survey) -> Result<bool, CliError> {
    if !context.is_asked() {
        return Err(CliError::refused("a person has to see this first")
            .hint("run it on a terminal, or with --yes"));
    }
    let question = if survey.is_new() {
        format!("Begin a new board in {}? [y/N]", survey.places.board)
    } else {
        format!("Adopt {}? [y/N]", survey.places.board)
    };
    Ok(context.confirm(&question)?)
}

fn as_json(survey: &Survey) -> Value {
    let settled = survey.adopted.settled.iter();
    let settled = settled.map(|(disagreement, rule)| {
        json!({
            "task": disagreement.number(),
            "disagreement": disagreement.to_string(),
            "rule": rule,
        })
    });
    let left: Vec<_> = survey
        .adopted
        .left
        .iter()
        .map(ToString::to_string)
        .collect();
    let count = |holds: fn(&BoardOperation) -> bool| {
        let operations = survey.adopted.operations.iter();
        operations.filter(|operation| holds(operation)).count()
    };
    let taken = count(|it| matches!(it.word(), "task_adopted" | "task_added"));
    let removed = count(|it| match it {
        BoardOperation::TaskChanged { changes, .. } => {
            changes.contains(&TaskChange::Place(Place::Removed))
        }
        _ => false,
    });
    let tasks = taken - removed;
    json!({
        "board": survey.places.board,
        "adopted": true,
        "tasks": tasks,
        "settled": settled.collect::<Vec<_>>(),
        "left": left,
    })
}

/// Compares every file of the board with the store.
///
/// # Errors
/// When the store or a file cannot be read.
pub fn verify_board(context: &Context) -> Result<ExitCode, CliError> {
    let (workspace, places) = crate::board::known(context)?;
    let Some(store) = workspace.open_reader()? else {
        return Err(BoardError::NotAdopted(places.board).into());
    };
    let differences = verify(&workspace, &store, &places)?;
    Ok(report(context, &differences, "every file equals the store"))
}

fn report(context: &Context, differences: &[Difference], well: &str) -> ExitCode {
    report_done(context, &[], differences, well)
}

/// The same, behind what was done, which a quiet command leaves out.
fn report_done(
    context: &Context,
    done: &[String],
    differences: &[Difference],
    well: &str,
) -> ExitCode {
    let mut answer = json!({ "equal": differences.is_empty(), "differences": differences });
    if !done.is_empty() {
        answer["done"] = json!(done);
    }
    if !context.quiet && !context.json {
        for line in done.iter().take(TOLD_MAX) {
            context.printer.note(line);
        }
        if done.len() > TOLD_MAX {
            let more = done.len() - TOLD_MAX;
            context
                .printer
                .note(&format!("and {more} more; `airboss log` has them"));
        }
    }
    context.tell(&answer, |_| {
        if differences.is_empty() {
            return well.to_owned();
        }
        let line = |difference: &Difference| match difference.line {
            Some(line) => format!("{}:{line}: {}", difference.path, difference.message),
            None => format!("{}: {}", difference.path, difference.message),
        };
        differences.iter().map(line).collect::<Vec<_>>().join("\n")
    });
    if differences.is_empty() {
        ExitCode::Success
    } else {
        ExitCode::Failed
    }
}

/// What TODO.md and state.json disagree about, whether the board is known or not.
///
/// # Errors
/// When a file cannot be read or is damaged.
pub fn check_board(context: &Context) -> Result<ExitCode, CliError> {
    let workspace = Workspace::open(&context.directory)?;
    let Some(found) = find_board(context, &workspace)? else {
        return Err(BoardError::NoBoard.into());
    };
    let places = Places::new(&workspace.top, &found.board).map_err(BoardError::from)?;
    let [todo, state] = places.lists();
    let (todo, state) = (
        read_list(&workspace, &todo)?,
        read_list(&workspace, &state)?,
    );
    let archive = airboss_engine::board::read_archive(&places)?;
    let disagreements = drift::between(
        todo.as_ref().map_or(&[], |read| &read.parsed.facts),
        todo.as_ref().and_then(|read| read.parsed.next_number),
        state.as_ref().map_or(&[], |read| &read.parsed.facts),
        state.as_ref().and_then(|read| read.parsed.next_number),
        &archive,
    );
    let store = workspace.open_reader()?;
    let differences = match &store {
        Some(store) if store.board_head(&found.board)?.is_some() => {
            verify(&workspace, store, &places)?
        }
        _ => Vec::new(),
    };
    let list: Vec<_> = disagreements.iter().map(ToString::to_string).collect();
    let answer = json!({
        "inSync": list.is_empty() && differences.is_empty(),
        "disagreements": disagreements
            .iter()
            .map(|one| json!({ "task": one.number(), "disagreement": one.to_string() }))
            .collect::<Vec<_>>(),
        "differences": differences,
    });
    context.tell(&answer, |_| {
        let further = differences
            .iter()
            .map(|difference| format!("{}: {}", difference.path, difference.message));
        let lines: Vec<_> = list.iter().cloned().chain(further).collect();
        if lines.is_empty() {
            "in sync".to_owned()
        } else {
            lines.join("\n")
        }
    });
    Ok(if answer["inSync"] == true {
        ExitCode::Success
    } else {
        ExitCode::Failed
    })
}

/// What was taken in from the files since this operation, one line each.
fn taken_in(desk: &Desk, after: u64) -> Result<Vec<String>, BoardError> {
    let stored = desk.store.operations(&OperationQuery {
        plan: Some(desk.board().log()),
        after,
        limit: TAKEN_MAX,
        ..OperationQuery::default()
    })?;
    let board = desk.view()?;
    let lines = stored.iter().filter_map(|stored| {
        let Operation::Board { operation } = &stored.operation else {
            return None;
        };
        let task = board.tasks.get(&operation.task()?)?;
        let essence = crate::render::board::essence(operation);
        Some(sanitize(&format!(
            "taken in: task {}: {essence}",
            task.number
        )))
    });
    Ok(lines.collect())
}

/// Makes the files and the store equal: hand edits are taken in, everything else is rewritten.
///
/// # Errors
/// When the board is not known, or the store fails.
pub fn sync_board(context: &Context, accept: bool) -> Result<ExitCode, CliError> {
    require_person("bring the files of a board up to date")?;
    let (workspace, places) = crate::board::known(context)?;
    let mut desk = Desk::open(workspace, &places.board)?;
    let whole = if accept { Whole::Accept } else { Whole::Yes };
    let before = desk.store.sequence()?;
    let settled = desk.settle(whole)?;
    // It is stored by now, and whatever fails from here on makes it no less so.
    let taken = taken_in(&desk, before).unwrap_or_else(|error| {
        let reason = error.after_storing();
        let words = format!("what was taken in is not known: {reason}; `airboss log` tells it");
        context.printer.warning(&words);
        Vec::new()
    });
    let done = Done {
        settled,
        ..Done::default()
    };
    note_outcome(context, &mut desk, &done, None);
    let settled = done.settled;
    for note in &settled.notes {
        context.printer.warning(note);
    }
    let differences = match verify(&desk.workspace, &desk.store, &desk.places) {
        Ok(differences) => differences,
        Err(error) => {
            let reason = error.after_storing();
            let words = format!("whether every file equals the store is not known: {reason}");
            context.printer.warning(&words);
            return Ok(ExitCode::PublishPending);
        }
    };
    let written = settled
        .written
        .iter()
        .map(|path| format!("written: {path}"));
    let told: Vec<String> = taken.into_iter().chain(written).collect();
    let code = report_done(context, &told, &differences, "in sync");
    Ok(match (settled, code) {
        (Settled { pending, .. }, _) if !pending.is_empty() => {
            for pending in pending {
                let words = format!("{} stays as it is: {}", pending.path, pending.reason);
                context.printer.warning(&words);
            }
            ExitCode::PublishPending
        }
        (_, code) => code,
    })
}

impl From<BoardError> for CliError {
    fn from(error: BoardError) -> Self {
        match error {
            BoardError::Workspace(error) => error.into(),
            BoardError::Store(error) => error.into(),
            BoardError::Io(error) => error.into(),
            BoardError::Git(error) => Self::new(ErrorKind::Io, error.to_string()),
            BoardError::Refused(refusal) => match refusal.downcast::<Self>() {
                Ok(error) => *error,
                Err(other) => Self::refused(other.to_string()),
            },
            BoardError::NotAdopted(board) => Self::refused(format!("{board} is not adopted"))
                .hint("`airboss init` shows what is there, and adopts it"),
            BoardError::NoBoard => {
                Self::refused(error.to_string()).hint("`airboss init` begins one in specs/")
            }
            BoardError::Damaged(damaged) => {
                let error = Self::refused(damaged.to_string());
                if damaged.head_is_sound {
                    let path = &damaged.path;
                    error.hint(format!(
                        "`git restore {path}` brings the last committed one back"
                    ))
                } else {
                    error
                }
            }
            BoardError::NoRevision(_) => Self::refused(error.to_string())
                .hint("`git log --oneline -- specs` lists the commits of the board"),
            BoardError::Revision { .. } => {
                Self::refused(error.to_string()).hint("name an older or a newer revision")
            }
            BoardError::Place(PlaceError::Io(error)) => error.into(),
            BoardError::Place(error) => {
                Self::refused(error.to_string()).hint("put a file of the repository in its place")
            }
            BoardError::Path(error) => Self::refused(error.to_string()),
        }
    }
}
