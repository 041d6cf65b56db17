//! What task commands work on: one board, to look at or to change.
//!
//! [`BoardReading`] never writes; it says in one line what is pending or was edited by hand.
//! [`BoardWriting`] carries one change out: settled, decided in one transaction, published,
//! committed, told.

use std::collections::BTreeSet;
use std::fs::Metadata;
use std::mem::ManuallyDrop;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

use airboss_core::board::command::{Refusal, Standing};
use airboss_core::board::facts::List;
use airboss_core::board::outline::Listing;
use airboss_core::board::status::Status;
use airboss_core::board::transition::{Mode, Why};
use airboss_core::board::{Board, BoardKey, BoardOperation, Place, Task, TaskChange, TaskStatus};
use airboss_core::config;
use airboss_core::exit::ExitCode;
use airboss_core::id::{OperationId, TaskId};
use airboss_core::nearest::nearest;
use airboss_core::operation::{Actor, Operation, StoredOperation};
use airboss_engine::board::{
    BoardError, Decision, Desk, Done, Places, Whole, at_home, find, read_list,
};
use airboss_engine::projection::digest;
use airboss_engine::settings::{self, Settings};
use airboss_engine::store::{
    BoardStanding, CommandId, FileStamp, OperationQuery, SqliteStore, Store as _, StoreError,
    Wanted,
};
use airboss_engine::workspace::Workspace;
use owo_colors::{OwoColorize as _, Style};
use serde_json::{Value, json};

use crate::command::report::own_attempt;
use crate::context::Context;
use crate::desk::WriteOptions;
use crate::error::CliError;
use crate::page::{self, Table};
use crate::render::board as render;
use crate::report::short_commit;

/// The longest first line of a commit, in characters; the convention of git.
const SUBJECT_MAX: usize = 72;
/// What to do about a number that is given twice.
const TWICE: &str = "`airboss doctor` shows them and gives new numbers";
/// Operations that are looked through for a commit that was made just now.
const RECENT: usize = 100;

/// The specs root that was named, from the top of the work tree; `None` when it is searched.
///
/// # Errors
/// When the settings cannot be read, or the named directory is not in the work tree.
pub fn explicit_root(context: &Context, workspace: &Workspace) -> Result<Option<String>, CliError> {
    named_root(context, workspace, || Ok(board_settings(workspace)?.root))
}

fn named_root(
    context: &Context,
    workspace: &Workspace,
    configured: impl FnOnce() -> Result<Option<String>, CliError>,
) -> Result<Option<String>, CliError> {
    let Some(named) = &context.board else {
        return configured();
    };
    let shown = named.display();
    let path = fs_err::canonicalize(context.directory.join(named))
        .map_err(|_| CliError::refused(format!("the board {shown} does not exist")))?;
    let root = path.strip_prefix(&workspace.top).ok();
    let root = root.and_then(|root| root.to_str()).ok_or_else(|| {
        let top = workspace.top.display();
        CliError::refused(format!(
            "the board {shown} lies outside the work tree {top}"
        ))
    })?;
    Ok(Some(root.to_owned()))
}

/// `[board]` of the settings.
///
/// # Errors
/// When the settings cannot be read.
pub fn board_settings(workspace: &Workspace) -> Result<config::Board, CliError> {
    let places = settings::Places::new(&workspace.top, Some(&workspace.state));
    Ok(Settings::load(&places, &[])?.config.board)
}

/// The work tree and where its board lies.
///
/// # Errors
/// When there is no board.
pub fn known(context: &Context) -> Result<(Workspace, Places), CliError> {
    located(context).map(|(workspace, places, _)| (workspace, places))
}

/// The same with the settings of the work tree that has the board's files.
fn located(context: &Context) -> Result<(Workspace, Places, config::Board), CliError> {
    let workspace = Workspace::open(&context.directory)?;
    let mut settings = board_settings(&workspace)?;
    let explicit = named_root(context, &workspace, || Ok(settings.root.clone()))?;
    let found = find(&workspace, &context.directory, explicit.as_deref())?;
    let board = match found {
        Some(found) => found.board,
        None => only_stored(&workspace)?.ok_or(BoardError::NoBoard)?,
    };
    // A linked work tree has a version of the files; the board itself lives in one of them.
    let top = workspace.top.clone();
    let workspace = at_home(workspace, &board)?;
    if workspace.top != top {
        settings = board_settings(&workspace)?;
    }
    let places = Places::new(&workspace.top, &board).map_err(BoardError::from)?;
    let is_there = [&places.todo, &places.state]
        .iter()
        .any(|file| workspace.top.join(file).is_file());
    if !is_there && context.board.is_some() && !stored(&workspace)?.contains(&board) {
        let message = format!("{board} has neither a TODO.md nor a state.json");
        return Err(CliError::refused(message).hint("`--board DIR` names the directory of both"));
    }
    Ok((workspace, places, settings))
}

/// The boards that the store knows, whether their files are there or not.
fn stored(workspace: &Workspace) -> Result<Vec<BoardKey>, CliError> {
    Ok(match workspace.open_reader()? {
        Some(store) => store.boards()?,
        None => Vec::new(),
    })
}

/// The one board that the store knows: a checkout takes files away before it writes new ones.
fn only_stored(workspace: &Workspace) -> Result<Option<BoardKey>, CliError> {
    let mut boards = stored(workspace)?.into_iter();
    Ok(boards.next().filter(|_| boards.next().is_none()))
}

fn mode(settings: &config::Board) -> Mode {
    if settings.strict {
        Mode::Strict
    } else {
        Mode::Permissive
    }
}

/// A board to look at.
pub struct BoardReading {
    /// The work tree.
    pub workspace: Workspace,
    /// Its files.
    pub places: Places,
    /// The store.
    pub store: SqliteStore,
    /// The board.
    pub board: Board,
}

impl BoardReading {
    /// Opens the board that the command is about, and tells what its files do not show and
    /// that conflicts stand.
    ///
    /// # Errors
    /// When there is no board, or it is not adopted.
    pub fn open(context: &Context) -> Result<Self, CliError> {
        let reading = Self::look(context)?;
        tell_conflicts(context, reading.board.conflicts.len());
        Ok(reading)
    }

    /// As [`BoardReading::open`], for who looks at the conflicts themselves.
    ///
    /// # Errors
    /// As for [`BoardReading::open`].
    pub fn look(context: &Context) -> Result<Self, CliError> {
        let (workspace, places) = known(context)?;
        let (store, board) = read(context, &workspace, &places, |store| {
            store.board(&places.board)
        })?;
        Ok(Self {
            workspace,
            places,
            store,
            board,
        })
    }

    /// The tasks with this number: one, unless a file gives it twice.
    ///
    /// # Errors
    /// When there is none.
    pub fn tasks(&self, number: u32) -> Result<Vec<&Task>, CliError> {
        let own: Vec<_> = self
            .board
            .active()
            .filter(|task| task.number == number)
            .collect();
        if own.len() > 1 {
            return Ok(own);
        }
        let found = self.board.find(number);
        found
            .map(|task| vec![task])
            .ok_or_else(|| Refusal::NoTask(number).into())
    }
}

/// A board of which only lists are shown.
pub struct BoardListing {
    /// Its tasks in outline.
    pub tasks: Listing,
    /// Where its TODO.md is.
    pub todo: PathBuf,
}

impl BoardListing {
    /// As [`BoardReading::open`], with the tasks in these lists.
    ///
    /// # Errors
    /// As for [`BoardReading::open`].
    pub fn open(context: &Context, lists: &[Place]) -> Result<Self, CliError> {
        let listing = Self::look(context, lists)?;
        tell_conflicts(context, listing.tasks.conflicts);
        Ok(listing)
    }

    /// As [`BoardReading::look`], with the tasks in these lists.
    ///
    /// # Errors
    /// As for [`BoardReading::open`].
    pub fn look(context: &Context, lists: &[Place]) -> Result<Self, CliError> {
        let (workspace, places) = known(context)?;
        let (_, tasks) = read(context, &workspace, &places, |store| {
            store.listing(&places.board, lists)
        })?;
        Ok(Self {
            tasks,
            todo: workspace.top.join(&places.todo),
        })
    }
}

/// Reads of a board, and tells what its files do not show.
fn read<T>(
    context: &Context,
    workspace: &Workspace,
    places: &Places,
    read: impl FnOnce(&SqliteStore) -> Result<Option<T>, StoreError>,
) -> Result<(SqliteStore, T), CliError> {
    let not_adopted = || BoardError::NotAdopted(places.board.clone());
    let store = workspace.open_reader()?.ok_or_else(not_adopted)?;
    let found = read(&store)?.ok_or_else(not_adopted)?;
    if !context.quiet {
        let news = news(workspace, places, &store)?;
        if !news.is_empty() {
            context.printer.warning(&news.join("; "));
        }
    }
    Ok((store, found))
}

/// What the files of the board do not show, or show and the store does not know.
fn news(
    workspace: &Workspace,
    places: &Places,
    store: &SqliteStore,
) -> Result<Vec<String>, CliError> {
    let log = places.board.log();
    let mut news = Vec::new();
    let pending = store.to_publish(Some(&log))?;
    for row in &pending {
        news.push(format!("{} is not up to date", row.path));
    }
    for item in places.lists() {
        let is_pending = pending.iter().any(|row| row.path == item.path);
        let Some(known) = store.publication(&log, &item.path)? else {
            continue;
        };
        let path = workspace.top.join(&item.path);
        let stamp = fs_err::metadata(&path).ok().map(|facts| stamp(&facts));
        if is_pending || stamp == known.stamp {
            continue;
        }
        // Times alone say little: a checkout sets them anew.
        let bytes = fs_err::read(&path).unwrap_or_default();
        if digest(&bytes) != known.hash {
            news.push(format!("{} was edited by hand", item.path));
        }
    }
    if !news.is_empty() {
        news.push("the next command that writes sees to it".to_owned());
    }
    Ok(news)
}

/// Tells that conflicts stand.
fn tell_conflicts(context: &Context, count: usize) {
    if let Some(conflicts) = conflicts(count)
        && !context.quiet
    {
        context.printer.warning(&conflicts);
    }
}

/// That conflicts stand, as one clause.
fn conflicts(count: usize) -> Option<String> {
    let standing = crate::words::count(count, "conflict");
    (count > 0).then(|| format!("{standing} for a person; `airboss conflicts` shows what differs"))
}

fn stamp(facts: &Metadata) -> FileStamp {
    let nanoseconds = |seconds: i64, rest: i64| seconds.saturating_mul(1_000_000_000) + rest;
    FileStamp {
        size: facts.size(),
        mtime_ns: nanoseconds(facts.mtime(), facts.mtime_nsec()),
        ino: facts.ino(),
        ctime_ns: nanoseconds(facts.ctime(), facts.ctime_nsec()),
    }
}

/// What a command decided to do to the board.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Planned {
    /// The operations.
    pub operations: Vec<BoardOperation>,
    /// The first line of the commit.
    pub subject: String,
    /// A paragraph for its message: what a person gave as the reason.
    pub reason: Option<String>,
    /// What the person should know.
    pub notes: Vec<String>,
    /// What is told of a task that no operation changes.
    pub told: Option<(TaskId, String)>,
}

impl Planned {
    /// Operations and the first line of their commit.
    #[must_use]
    pub fn new(operations: Vec<BoardOperation>, subject: impl Into<String>) -> Self {
        Self {
            operations,
            subject: subject.into(),
            ..Self::default()
        }
    }
}

/// Decides, on the part of the board that was wanted. It may be asked more than once.
pub type Plan<'a> = dyn FnMut(&Standing<'_>, &BoardStanding) -> Result<Planned, CliError> + 'a;

/// A board to change.
pub struct BoardWriting {
    /// The board's desk. It is left open: the process ends with the command, and the system closes
    /// it all sooner than it can be taken apart piece by piece.
    pub desk: ManuallyDrop<Desk>,
    mode: Mode,
    command: Option<CommandId>,
    notes: Vec<String>,
}

impl BoardWriting {
    /// Opens the board that the command is about, and takes in what was edited by hand.
    ///
    /// # Errors
    /// When there is no board, it is not adopted, or an agent asks.
    pub fn open(context: &Context, options: &WriteOptions) -> Result<Self, CliError> {
        if own_attempt()?.is_some() {
            let message = "an agent does not change tasks: what it did is judged by its evidence";
            return Err(CliError::refused(message)
                .hint("end the work; airboss records the task's status itself"));
        }
        let (workspace, places, settings) = located(context)?;
        if !workspace.state.is_dir() {
            return Err(BoardError::NotAdopted(places.board).into());
        }
        let mut desk = Desk::open(workspace, &places.board)?;
        desk.commits &= settings.commit;
        let settled = desk.settle(Whole::No)?;
        Ok(Self {
            desk: ManuallyDrop::new(desk),
            mode: mode(&settings),
            command: options.command_id.as_deref().map(CommandId::new),
            notes: settled.notes,
        })
    }

    /// The desk alone, for work that goes on.
    #[must_use]
    pub fn into_desk(self) -> Desk {
        ManuallyDrop::into_inner(self.desk)
    }

    /// How much the board allows.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Carries a change out and tells what became of it. `numbers` are the tasks that the
    /// command names.
    ///
    /// # Errors
    /// When it is refused or the store fails; nothing was changed then.
    pub fn change(
        &mut self,
        context: &Context,
        wanted: &Wanted,
        (numbers, force): (&[u32], bool),
        plan: &mut Plan<'_>,
    ) -> Result<ExitCode, CliError> {
        let mode = self.mode;
        refuse_twice_in_files(&self.desk, numbers)?;
        let changed = self
            .desk
            .change(self.command.as_ref(), wanted, &mut |given| {
                for number in numbers {
                    refuse_twice(&given.board, *number)?;
                }
                let standing = Standing {
                    board: &given.board,
                    actor: Actor::Person,
                    mode,
                    force,
                    now: given.now,
                };
                Ok(decision(plan(&standing, given)?, numbers, &given.board))
            });
        let task = numbers.first().copied();
        let mut done = match changed {
            Ok(done) => done,
            Err(error) => {
                let recorded = self.desk.note_failure(&error, task);
                let error = CliError::from(error);
                return Err(match recorded {
                    Some(id) => error.hint(format!("`airboss errors show {id}`")),
                    None => error,
                });
            }
        };
        done.settled.notes.splice(0..0, self.notes.drain(..));
        let code = self.tell(context, &done)?;
        for id in note_outcome(context, &mut self.desk, &done, task) {
            let message = format!("it is recorded: `airboss errors show {id}`");
            context.printer.warning(&message);
        }
        Ok(code)
    }

    fn tell(&self, context: &Context, done: &Done) -> Result<ExitCode, CliError> {
        let mut answer = done.result.clone();
        // The change is stored: what cannot be read from here on is left out of the answer.
        let commit = self.commit_of(done).unwrap_or_default();
        answer["commit"] = json!(commit);
        if context.json {
            context.printer.json(&answer);
        } else if answer["tasks"]
            .as_array()
            .is_some_and(|tasks| !tasks.is_empty())
        {
            context.printer.data(&words(&answer));
        }
        for note in answer["notes"].as_array().into_iter().flatten() {
            context.printer.warning(note.as_str().unwrap_or(""));
        }
        let code = outcome(context, done);
        let store = &self.desk.store;
        let board = store.board_part(self.desk.board(), &Wanted::Ids(Vec::new()));
        let board = board.unwrap_or_default();
        if let Some(conflicts) = board.and_then(|board| conflicts(board.conflicts.len())) {
            context.printer.warning(&conflicts);
        }
        Ok(code)
    }

    /// The commit that was made of what was stored, whoever made it.
    fn commit_of(&self, done: &Done) -> Result<Option<String>, CliError> {
        let Some(last) = done.operations.last().filter(|_| self.desk.commits) else {
            return Ok(None);
        };
        let after = self.desk.store.operations(&OperationQuery {
            plan: Some(self.desk.board().log()),
            after: last.sequence,
            limit: RECENT,
            ..OperationQuery::default()
        })?;
        Ok(after.into_iter().find_map(|stored| match stored.operation {
            Operation::CommitMade {
                sequence, commit, ..
            } if sequence == last.sequence => commit,
            _ => None,
        }))
    }
}

/// Records how a change went that is stored; answers the ids of new critical entries. That it
/// cannot be recorded is no failure of the change.
pub fn note_outcome(
    context: &Context,
    desk: &mut Desk,
    done: &Done,
    task: Option<u32>,
) -> Vec<String> {
    desk.note_outcome(done, task).unwrap_or_else(|error| {
        let reason = error.after_storing();
        let message = format!("the outcome could not be recorded: {reason}");
        context.printer.warning(&message);
        Vec::new()
    })
}

/// Tells what the person should know about a change that is stored, and its exit code.
pub fn outcome(context: &Context, done: &Done) -> ExitCode {
    for note in &done.settled.notes {
        context.printer.warning(note);
    }
    for commit in &done.commits {
        for file in &commit.left_out {
            let message = format!("{} was not committed: {}", file.path, file.why);
            context.printer.warning(&message);
        }
    }
    for pending in &done.settled.pending {
        context.printer.warning(&format!(
            "the change is stored, but {} could not be written: {}; the next command tries again",
            pending.path, pending.reason
        ));
    }
    let waits = done
        .commits
        .iter()
        .find_map(|commit| commit.result.as_ref().err());
    if let Some(reason) = waits {
        context.printer.warning(&format!(
            "the change is stored and written, but its commit waits: {reason}; \
             the next command tries again"
        ));
    }
    for error in &done.unfinished {
        context.printer.warning(&format!(
            "the change is stored, but not yet everywhere: {error}; the next command tries again"
        ));
    }
    let everywhere = done.settled.pending.is_empty() && done.unfinished.is_empty();
    match (everywhere, waits) {
        (false, _) => ExitCode::PublishPending,
        (true, Some(_)) => ExitCode::CommitPending,
        (true, None) => ExitCode::Success,
    }
}

fn refuse_twice(board: &Board, number: u32) -> Result<(), CliError> {
    let with = board.active().filter(|task| task.number == number).count();
    if with < 2 {
        return Ok(());
    }
    let message = format!("the number {number} is that of {with} tasks, so neither is changed");
    Err(CliError::refused(message).hint(TWICE))
}

/// Refuses a number that a file gives twice: which of the two is meant, nobody knows.
fn refuse_twice_in_files(desk: &Desk, numbers: &[u32]) -> Result<(), CliError> {
    for item in desk.doubtful_lists(numbers)? {
        // A file that cannot be read is the publisher's to tell of.
        let Ok(Some(list)) = read_list(&desk.workspace, &item) else {
            continue;
        };
        for number in numbers {
            let facts = list.parsed.facts.iter();
            let own = facts.filter(|facts| facts.number == *number && facts.list == List::Active);
            let count = own.count();
            if count > 1 {
                let path = &item.path;
                let message = format!("{path} has {count} tasks {number}, so none is changed");
                return Err(CliError::refused(message).hint(TWICE));
            }
        }
    }
    Ok(())
}

/// What is stored for a plan: the new number first, so that the last operation is a task's and
/// the commit is found with it.
fn decision(planned: Planned, numbers: &[u32], board: &Board) -> Decision {
    let mut operations = planned.operations;
    operations.sort_by_key(|operation| !matches!(operation, BoardOperation::NextNumberSet { .. }));
    let mut rows = rows(&operations, board);
    if let Some((task, deed)) = planned.told
        && rows.is_empty()
    {
        let task = board.tasks.get(&task);
        rows.extend(task.map(|task| row(task, deed)));
    }
    if rows.is_empty() {
        rows = numbers
            .iter()
            .filter_map(|number| board.find(*number))
            .map(|task| row(task, "nothing to change".to_owned()))
            .collect();
    }
    let forced: Vec<_> = operations.iter().flat_map(forced).collect();
    let paragraphs: Vec<_> = planned
        .reason
        .into_iter()
        .chain((!forced.is_empty()).then(|| forced.join("\n")))
        .collect();
    Decision {
        subject: first_line(&planned.subject),
        body: paragraphs.join("\n\n"),
        result: json!({ "tasks": rows, "notes": planned.notes }),
        operations,
        ..Decision::default()
    }
}

/// A first line that git shows whole.
fn first_line(text: &str) -> String {
    let line: Vec<_> = text.split_whitespace().collect();
    crate::words::cut(&line.join(" "), SUBJECT_MAX)
}

/// What was forced, as a commit says it.
fn forced(operation: &BoardOperation) -> Vec<String> {
    let BoardOperation::TaskChanged {
        changes,
        undo,
        forced: true,
        ..
    } = operation
    else {
        return Vec::new();
    };
    let old = undo.iter().find_map(|change| match change {
        TaskChange::Status(old) => Some(old),
        _ => None,
    });
    let lines = changes.iter().filter_map(|change| match (change, old) {
        (TaskChange::Status(new), Some(old)) => Some(format!("Forced: {old} → {new}")),
        (TaskChange::Phase(key, Some(state)), _) => {
            Some(format!("Forced: phase {key} → {}", state.status.as_str()))
        }
        _ => None,
    });
    lines.collect()
}

/// Tells what operations would do, and that they were not carried out.
pub fn preview(context: &Context, operations: &[BoardOperation], board: &Board) {
    let rows = rows(operations, board);
    let answer = json!({ "dry_run": true, "tasks": rows });
    if context.json {
        context.printer.json(&answer);
    } else if !rows.is_empty() {
        context.printer.data(&words(&answer));
    }
    let note = match rows.is_empty() {
        true => "there is nothing to change",
        false => "nothing was changed: this is what it would be",
    };
    context.printer.note(note);
}

/// What operations do, by task, as it is answered.
fn rows(operations: &[BoardOperation], board: &Board) -> Vec<Value> {
    let mut after = board.clone();
    for operation in operations {
        after.apply(after.sequence, OperationId::default(), operation);
    }
    let mut rows: Vec<(TaskId, Vec<String>)> = Vec::new();
    for operation in operations {
        let (Some(task), Some(deed)) = (operation.task(), render::deed(operation)) else {
            continue;
        };
        match rows.iter_mut().find(|(known, _)| *known == task) {
            Some((_, deeds)) => deeds.push(deed),
            None => rows.push((task, vec![deed])),
        }
    }
    rows.into_iter()
        .filter_map(|(task, deeds)| Some(row(after.tasks.get(&task)?, deeds.join(", "))))
        .collect()
}

fn row(task: &Task, deed: String) -> Value {
    json!({
        "number": task.number,
        "title": task.title,
        "status": task.status,
        "change": deed,
    })
}

fn words(answer: &Value) -> String {
    let mut table = Table::new(page::edge());
    let text = |row: &Value, key: &str| row[key].as_str().unwrap_or("").to_owned();
    for row in answer["tasks"].as_array().into_iter().flatten() {
        let number = format!("{:>3}", row["number"].as_u64().unwrap_or(0));
        let (change, title) = (text(row, "change"), text(row, "title"));
        table.row([&number, &change, &title], Style::new());
    }
    let mut words = table.finish();
    if let Some(commit) = answer["commit"].as_str() {
        let line = format!("     commit {}", short_commit(commit));
        words.push_str(&line.dimmed().to_string());
    }
    words
}

/// The operations that were stored together, oldest first.
///
/// The log does not say so itself. What one command stored stands together and has one instant,
/// and its commit belongs to the last one.
#[must_use]
pub fn changes_of(log: &[StoredOperation]) -> Vec<Vec<OperationId>> {
    let commits: BTreeSet<u64> =
        log.iter()
            .filter_map(|stored| match &stored.operation {
                Operation::CommitMade { sequence, .. }
                | Operation::CommitDeferred { sequence, .. } => Some(*sequence),
                _ => None,
            })
            .collect();
    let mut changes: Vec<Vec<OperationId>> = Vec::new();
    let mut before: Option<&StoredOperation> = None;
    for stored in log {
        let Operation::Board { .. } = &stored.operation else {
            before = None;
            continue;
        };
        let goes_on = before.is_some_and(|before| {
            before.at == stored.at
                && before.sequence + 1 == stored.sequence
                && !commits.contains(&before.sequence)
        });
        match changes.last_mut().filter(|_| goes_on) {
            Some(change) => change.push(stored.id),
            None => changes.push(vec![stored.id]),
        }
        before = Some(stored);
    }
    changes
}

/// Reads a status, or names the nearest one.
///
/// # Errors
/// When nobody knows the word.
pub fn read_status(text: &str) -> Result<TaskStatus, CliError> {
    let status = TaskStatus::read(text);
    let TaskStatus::Other(word) = &status else {
        return Ok(status);
    };
    let error = CliError::refused(format!("`{text}` is no status"));
    let all = Status::ALL.map(Status::value);
    Err(match nearest(word, all) {
        Some(near) => error.hint(format!("is `{near}` meant?")),
        None => error.hint(format!("there are {}", all.join(", "))),
    })
}

impl From<Refusal> for CliError {
    fn from(refusal: Refusal) -> Self {
        let error = Self::refused(refusal.to_string());
        match refusal {
            Refusal::NoTask(_) | Refusal::NoDependency { .. } => {
                error.hint("`airboss task list --all` lists the tasks")
            }
            Refusal::Archived(number) => error.hint(format!("`airboss task show {number}`")),
            Refusal::Transition(refused) => {
                let task = refused.task;
                match refused.why {
                    Why::NoReason => error.hint("`--reason TEXT` says why"),
                    Why::OnlyByExpanding => {
                        error.hint(format!("`airboss task expand {task} TITLE…` splits it"))
                    }
                    Why::PhasesOpen => error
                        .hint(format!("`airboss task show {task}` lists the phases"))
                        .hint("`--force` does it all the same, and the log says so"),
                    why if why.yields_to_force() => {
                        error.hint("`--force` does it all the same, and the log says so")
                    }
                    _ => error,
                }
            }
            Refusal::Cycle { .. } => error.hint("`airboss task edit N --depends LIST` changes it"),
            Refusal::NotBlocked { task, .. } => error.hint(format!(
                "`airboss task status {task} STATUS` sets any status"
            )),
            Refusal::NotTerminal { task, .. } => error.hint(format!(
                "`airboss task status {task} completed` or `airboss task abandon {task}` first"
            )),
            Refusal::ChangedSince { by, .. } => error.hint(format!(
                "`airboss undo {}` undoes that one first",
                by.short()
            )),
            _ => error,
        }
    }
}
