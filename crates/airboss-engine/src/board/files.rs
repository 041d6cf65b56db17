//! The files of boards on their way from and to the store.
//!
//! What a file says is compared with what it last said, not with the store: a person may have
//! changed one field while the store changed another, and a checkout may have brought an old
//! version back, which is nobody's wish. So for every file the text of each task is remembered
//! as it was last seen (`Section`).

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fmt::Display;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use airboss_core::board::compare::{beyond, changes_between, is_so, said};
use airboss_core::board::directory::Directory;
use airboss_core::board::import::{Base, Imported, Note};
use airboss_core::board::link::same;
use airboss_core::board::{
    Artifact, Board, BoardKey, BoardOperation, Cause, Field, Task, TaskChange, TaskFacts,
};
use airboss_core::id::TaskId;
use airboss_core::path::RepoPath;

use super::edits::{BoardEdits, TaskEdit};
use super::find::task_directories;
use super::home::Home;
use super::judged::{Judged, Stale};
use super::list_file::{Identifier, ListFile};
use super::made::Made;
use super::places::Places;
use super::seen::{Seen, found};
use super::{repair, single};
use crate::git::{Repository, Writer, wait_for_index_lock};
use crate::projection::{Content, Found, Taken, Text, digest};
use crate::store::{
    Change, CommandId, Decided, FileStamp, Publication, PublishKind, PublishRow, Section, Store,
    StoreError, Wanted,
};
use crate::vfs::{Facts, RealVfs, facts_if_any};
use crate::workspace::Workspace;

/// Reads and writes the files of the boards of one work tree.
#[derive(Clone, Debug)]
pub struct BoardFiles {
    top: PathBuf,
    pub(super) repository: Option<Repository>,
    /// Bring every file back to what the store says, also where somebody checked out an older
    /// version, and take in edits of many tasks at once.
    pub(super) whole: Whole,
    /// What was found out about the text of each file that was taken in last.
    pub(super) judged: Arc<Mutex<BTreeMap<RepoPath, Judged>>>,
    /// The text that was made last for each list, and what is new in it. Shared like what was found
    /// out: to take in, to make and to record are asked of `&self`, some of them through a clone.
    pub(super) made: Arc<Mutex<Made>>,
}

/// How much is to be put right in a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Whole {
    /// What changed; a version that was checked out stays otherwise as it is.
    #[default]
    No,
    /// Everything, but hand edits of very many tasks wait for a person.
    Yes,
    /// Everything, and hand edits of however many tasks count.
    Accept,
}

impl BoardFiles {
    /// Those of one work tree.
    #[must_use]
    pub fn new(workspace: &Workspace) -> Self {
        Self {
            top: workspace.top.clone(),
            repository: workspace.repository.clone(),
            whole: Whole::No,
            judged: Arc::default(),
            made: Arc::default(),
        }
    }

    /// The same, with more or less to be put right.
    #[must_use]
    pub fn whole(self, whole: Whole) -> Self {
        Self { whole, ..self }
    }

    /// Whether more is looked at than what changed.
    pub(super) fn looks_at_all(&self) -> bool {
        self.whole != Whole::No
    }

    /// Whether a file that has the times with which it was published is taken for that.
    pub(crate) fn trusts_times(&self) -> bool {
        !self.looks_at_all()
    }

    /// Whether a file that is not there may be about to come: one that would be written anew.
    pub(crate) fn may_come(&self, store: &dyn Store, row: &PublishRow, is_first: bool) -> bool {
        let published = || store.publication(&row.plan, &row.path).ok().flatten();
        let is_written_anew = matches!(
            row.kind,
            PublishKind::Todo
                | PublishKind::BoardState
                | PublishKind::ProjectState { .. }
                | PublishKind::ArchiveState
                | PublishKind::Errors
        );
        if !is_written_anew || published().is_none() {
            return false;
        }
        let lock = |git: &Repository| git.git_dir().join("index.lock");
        let lock = self.repository.as_ref().map(lock);
        is_first || lock.is_some_and(|lock| lock.symlink_metadata().is_ok())
    }

    /// The length of what was published there, when somebody wrote into the file where it stands,
    /// as some editors and git do: what is there may be half of it. It is the very file that was
    /// published, or one that has not been renamed since it was written: a rename changes the time
    /// of the file, and not that of its content; and so does taking it out of its place.
    pub(crate) fn written_upon(
        store: &dyn Store,
        row: &PublishRow,
        (facts, is_displaced): (&Facts, bool),
    ) -> Option<u64> {
        let publication = store.publication(&row.plan, &row.path).ok().flatten();
        let stamp = publication.and_then(|publication| publication.stamp)?;
        let in_place = stamp.ino == facts.ino || facts.mtime_ns == facts.ctime_ns || is_displaced;
        (in_place && stamp != stamp_of(facts)).then_some(stamp.size)
    }

    /// Keeps what somebody saved in the moment of an exchange, as a git blob.
    pub(crate) fn keep(&self, store: &dyn Store, row: &PublishRow, saved: &[u8]) -> io::Result<()> {
        let published = store.publication(&row.plan, &row.path);
        let published = published.map_err(|error| io::Error::other(error.after_storing()))?;
        // Another publisher's work is no save.
        let is_own = published.is_some_and(|known| known.hash == digest(saved));
        if let Some(repository) = self.repository.as_ref().filter(|_| !is_own) {
            let kept = repository.keep("displaced", saved);
            kept.map_err(io::Error::other)?;
        }
        Ok(())
    }

    /// What a file has to say, made from what it says.
    pub(crate) fn content(
        &self,
        store: &dyn Store,
        row: &PublishRow,
        base: Option<&Text>,
    ) -> Result<(Content, u64), StoreError> {
        let board = BoardKey::new(row.plan.path().clone());
        if let Some(home) = self.elsewhere(&board) {
            return Ok((Content::Refused(home), row.sequence));
        }
        match (&row.kind, base) {
            (PublishKind::Todo | PublishKind::BoardState, base) => {
                let one = self.lists(store, &[(row, base)], &mut || ())?.pop();
                Ok(one.unwrap_or((Content::Gone, row.sequence)))
            }
            (PublishKind::ArchiveState, base) => {
                single::archive_row(store, &self.top, &board, row, bytes(base))
            }
            (PublishKind::Errors, base) => of_part(store, &board, row, &Wanted::Errors, |part| {
                single::errors_content(bytes(base), &part.errors)
            }),
            (PublishKind::ProjectState { task } | PublishKind::PhaseMarkers { task }, base) => {
                let wanted = Wanted::Ids(vec![*task]);
                of_part(store, &board, row, &wanted, |part| {
                    let known = part.tasks.get(task);
                    known.map_or(Content::Gone, |task| own_content(&row.kind, base, task))
                })
            }
            _ => Ok((Content::Gone, row.sequence)),
        }
    }

    /// Takes in what people and git changed in a file.
    pub(crate) fn import(
        &self,
        store: &mut dyn Store,
        row: &PublishRow,
        found: Found<'_>,
        notes: &mut Vec<String>,
    ) -> Result<Taken, StoreError> {
        let published = store.publication(&row.plan, &row.path)?;
        let base = found.text;
        let hash = base.digest();
        let is_list = ListFile::of(&row.kind).is_some();
        let is_settled = |known: &Publication| known.hash == hash && (known.is_current || !is_list);
        // What waits for a person is asked about again: less of it may be left.
        if self.whole == Whole::No && published.as_ref().is_some_and(is_settled) {
            return Ok(Taken::All);
        }
        let recorded = published.map_or(0, |known| known.sequence);
        if is_list && found.since.is_some_and(|since| since < recorded) {
            return Ok(Taken::Outdated);
        }
        let since = found.since.map_or(recorded, |since| since.min(recorded));
        // Every file is looked at before the first is written, and then each again.
        if let Some(taken) = self.taken(&row.path, base, since) {
            return Ok(taken);
        }
        let board = BoardKey::new(row.plan.path().clone());
        if self.elsewhere(&board).is_some() {
            return Ok(Taken::All);
        }
        if let Some(repository) = &self.repository {
            // While git changes the work tree nobody can tell a checkout from an edit.
            // One who never ends is waited for no longer, and what cannot be read is told later.
            drop(wait_for_index_lock(repository));
        }
        let key = format!("import {} {hash} {since}", row.path);
        if let PublishKind::PhaseMarkers { task } = row.kind {
            self.take_in_plan(store, row, (task, since), found, &key, notes)?;
            return Ok(Taken::All);
        }
        let key = CommandId::new(key);
        let Some(file) = ListFile::of(&row.kind) else {
            return Ok(Taken::All);
        };
        match (file.parse)(base) {
            Ok(parsed) => {
                let mut judged = self.judge(&board, row, found, since);
                judged.taken = if judged.is_behind {
                    Taken::All
                } else {
                    let writer = judged.writer;
                    let (text, by) = ((&**base, &parsed), (writer, found.written));
                    let mut seen = self.seen(store, &board, row, text, by, file)?;
                    if found.since.is_some_and(|since| seen.shown > since) {
                        return Ok(Taken::Outdated);
                    }
                    if writer == Writer::Unknown {
                        seen.brought = self.brought(row, found, file);
                    }
                    self.take_in(store, &board, row, (base, writer), seen, &key, notes)?
                };
                let taken = judged.taken;
                self.judged().insert(row.path.clone(), judged);
                Ok(taken)
            }
            Err(error) => {
                self.quarantine(store, &board, row, base, &error, &key, notes)?;
                self.take_in_sides(store, &board, row, file, since, notes)
            }
        }
    }

    /// Takes in what both sides of a merge say that git could not do.
    fn take_in_sides(
        &self,
        store: &mut dyn Store,
        board: &BoardKey,
        row: &PublishRow,
        file: ListFile,
        since: u64,
        notes: &mut Vec<String>,
    ) -> Result<Taken, StoreError> {
        let repository = self.repository.as_ref();
        let Some(merged) = repository.and_then(|git| repair::merged_sides(git, row)) else {
            return Ok(Taken::All);
        };
        let Ok(parsed) = (file.parse)(&merged) else {
            return Ok(Taken::All);
        };
        let key = format!("import {} {} {since}", row.path, digest(&merged));
        let key = CommandId::new(key);
        // Nobody typed what is the merge of two sides.
        let text = (&*merged, &parsed);
        let seen = self.seen(store, board, row, text, (Writer::Git, None), file)?;
        self.take_in(store, board, row, (&merged, Writer::Git), seen, &key, notes)
    }

    /// Takes in what a file says.
    #[expect(clippy::too_many_arguments, reason = "they are all of one event")]
    fn take_in(
        &self,
        store: &mut dyn Store,
        board: &BoardKey,
        row: &PublishRow,
        (bytes, writer): (&[u8], Writer),
        mut seen: Seen,
        key: &CommandId,
        notes: &mut Vec<String>,
    ) -> Result<Taken, StoreError> {
        if let Ok(places) = Places::new(&self.top, board)
            && let Ok(paths) = task_directories(&places.root())
        {
            let current = paths.iter().filter_map(|path| Directory::parse(path));
            seen.directories = current.map(|directory| directory.number).collect();
        }
        let view = store.board(board)?.unwrap_or_default();
        let first = seen.import(board, &view, store.now());
        let conflicts =
            |operation: &BoardOperation| matches!(operation, BoardOperation::ConflictFound { .. });
        if let Some(repository) = &self.repository
            && first.operations.iter().any(conflicts)
        {
            // Kept before anything else: it is the only place of the other side's bytes.
            let area = if writer.is_git() {
                "conflict"
            } else {
                "displaced"
            };
            let kept = repository.keep(area, bytes);
            let blob = kept.map_err(|error| self.not_kept(&error))?;
            seen.blob = Some(blob.to_string());
        }
        let mut told: Vec<String> = Vec::new();
        let decided = store.decide_board(board, Some(key), &Wanted::All, &mut |standing| {
            let imported = seen.import(board, &standing.board, standing.now);
            told = imported.notes.iter().map(Note::to_string).collect();
            if self.whole != Whole::Accept && is_too_much(&imported, &standing.board) {
                // It is asked again as long as nobody decides, so nothing is remembered.
                told.push(
                    "so many tasks differ that a person has to say yes: `airboss sync --accept`"
                        .to_owned(),
                );
                return Err("it needs a person".into());
            }
            let mut change = self.change_of(board, &standing.board, imported.operations.clone())?;
            change.found.push(found(row, imported));
            Ok(change)
        })?;
        let decided = self.looked(decided)?;
        if let Decided::Applied { .. } | Decided::Refused(_) = decided {
            notes.extend(told.into_iter().map(|note| format!("{}: {note}", row.path)));
        }
        Ok(match decided {
            Decided::Refused(_) => Taken::Waits,
            _ => Taken::All,
        })
    }

    /// Why the files of a board are none of this work tree's business; `None` when they are.
    pub(super) fn elsewhere(&self, board: &BoardKey) -> Option<String> {
        let repository = self.repository.as_ref()?;
        let home = Home::of(repository, board).place(repository)?;
        let is_here = home.git_dir() == repository.git_dir();
        let top = home.top().display();
        (!is_here).then(|| format!("the board has its files in {top}"))
    }

    /// What is stored for operations, with the files that they make stale.
    pub(super) fn change_of(
        &self,
        board: &BoardKey,
        view: &Board,
        operations: Vec<BoardOperation>,
    ) -> io::Result<Change> {
        let task = |id| view.tasks.get(&id).cloned();
        let places = Places::new(&self.top, board).ok();
        let publish = places.map(|places| places.stale(&operations, &task));
        Ok(Change {
            publish: publish.transpose()?.unwrap_or_default(),
            ..Change::of_board(operations)
        })
    }

    pub(super) fn looked(&self, decided: Decided) -> Result<Decided, StoreError> {
        decided.looked().map_err(|error| self.not_done(&error))
    }

    /// What is nowhere else is not written over.
    pub(super) fn not_kept(&self, error: &dyn Error) -> StoreError {
        let words = format!(
            "a text that is about to be replaced could not be kept as a git blob: {error}; make \
             .git/objects and .git/refs/airboss writable"
        );
        self.not_done(&words)
    }

    /// What the files or git refused.
    fn not_done(&self, words: &dyn Display) -> StoreError {
        StoreError::Io {
            path: self.top.clone(),
            message: words.to_string(),
        }
    }

    /// Keeps what cannot be read or goes in a merge, for ever, and says so once.
    #[expect(clippy::too_many_arguments, reason = "they are all of one event")]
    pub(super) fn quarantine(
        &self,
        store: &mut dyn Store,
        board: &BoardKey,
        row: &PublishRow,
        bytes: &[u8],
        error: &dyn Display,
        key: &CommandId,
        notes: &mut Vec<String>,
    ) -> Result<(), StoreError> {
        let Some(repository) = &self.repository else {
            return Ok(());
        };
        let kept = repository.keep("quarantine", bytes);
        let kept_as = kept.map_err(|error| self.not_kept(&error))?.to_string();
        let operation = BoardOperation::Quarantined {
            path: row.path.clone(),
            kept_as: kept_as.clone(),
            reason: error.to_string(),
        };
        let decided =
            store.decide_board(board, Some(key), &Wanted::Ids(Vec::new()), &mut |_| {
                Ok(Change::of_board(vec![operation.clone()]))
            })?;
        if let Decided::Applied { .. } = decided {
            notes.push(format!(
                "{}: {error}; its text is kept as git blob {kept_as}",
                row.path
            ));
        }
        Ok(())
    }

    /// Adds what brings entries up to date that are of an older version, or that differ because a
    /// conflict was settled for the board.
    ///
    /// An older version stays as it is until something has to be written or everything is to be
    /// put right. Edits that wait for a person stay in any case.
    pub(super) fn with_stale(
        &self,
        store: &dyn Store,
        board: &BoardKey,
        row: &PublishRow,
        text: &Text,
        mut edits: BoardEdits,
    ) -> Result<BoardEdits, StoreError> {
        let Some(file) = ListFile::of(&row.kind) else {
            return Ok(edits);
        };
        let Ok(parsed) = (file.parse)(text) else {
            return Ok(edits);
        };
        let is_written = self.whole != Whole::No || !edits.for_file().is_empty();
        let Some(view) = store.board(board)? else {
            return Ok(edits);
        };
        let bases = bases(store, board, &row.path)?;
        let on_disk = Identifier::new(&view).facts(&parsed);
        let stale = if is_written {
            self.stale(store, board, row, (text, &parsed), file, &view)?
        } else {
            Stale::None
        };
        for task in view.active() {
            let mut edit = TaskEdit::new(task.clone());
            let base = bases.get(&task.id);
            match on_disk.get(&task.id) {
                // What never stood in this file need not: tasks that only wait, for example.
                None if base.is_none() || self.whole == Whole::No => continue,
                None => edit.added = true,
                Some(facts) => {
                    edit.fields = disputed(&view, task, row, facts);
                    if let Some(base) = base {
                        edit.fields.extend(owed(store, board, task, base, facts)?);
                    }
                    if let Some(base) = base.filter(|_| stale.has(task.id)) {
                        edit.fields.extend(older(task, &base.facts, facts));
                        if facts.number != task.number {
                            edit.number_before = Some(facts.number);
                        }
                    }
                    if edit.fields.is_empty() && edit.number_before.is_none() {
                        continue;
                    }
                }
            }
            edits.add(edit);
        }
        Ok(edits)
    }
}

/// Whether so many tasks differ that a person has to say yes: more than five, and more than a
/// tenth. What another clone's operations changed is no question.
fn is_too_much(imported: &Imported, board: &Board) -> bool {
    let mut touched = BTreeSet::new();
    for operation in &imported.operations {
        let cause = match operation {
            BoardOperation::TaskChanged { cause, .. } | BoardOperation::TaskAdded { cause, .. } => {
                Some(cause)
            }
            _ => None,
        };
        let foreign = matches!(
            cause,
            Some(Cause::Foreign {
                operation: Some(_),
                ..
            })
        );
        touched.extend(operation.task().filter(|_| !foreign));
    }
    imported.needs_accept && touched.len() > 5.max(board.active().count() / 10)
}

/// The fields whose older text differs from what the board has.
fn older(task: &Task, base: &TaskFacts, facts: &TaskFacts) -> Vec<Field> {
    let changes = changes_between(base, facts).into_iter();
    let wrong = changes.filter(|change| !is_so(change, task));
    let mut fields: Vec<Field> = wrong.map(|change| change.field()).collect();
    // A text that is new to the board may be as old as the rest of it.
    let status = facts.status.as_ref();
    if status.is_some_and(|status| *status != task.status) && !fields.contains(&Field::Status) {
        fields.push(Field::Status);
    }
    fields
}

/// The fields that the board has changed since a file was last recorded with the task, and that
/// the file still has as it was then: it was published while somebody wrote it, and lacked the
/// task.
fn owed(
    store: &dyn Store,
    board: &BoardKey,
    task: &Task,
    base: &Base,
    facts: &TaskFacts,
) -> Result<Vec<Field>, StoreError> {
    let of_others = changes_between(&base.facts, facts);
    let mut fields: Vec<Field> = beyond(facts, task).iter().map(TaskChange::field).collect();
    fields.retain(|field| of_others.iter().all(|change| change.field() != *field));
    if !fields.is_empty() {
        let changed = pending(store, board, task.id, base.sequence)?;
        fields.retain(|field| changed.contains(field));
    }
    Ok(fields)
}

/// The fields that a file has otherwise than the board, which kept its own in a conflict.
fn disputed(view: &Board, task: &Task, row: &PublishRow, facts: &TaskFacts) -> Vec<Field> {
    let conflicts = view.conflicts.iter();
    let own = conflicts.filter(|it| it.task == task.id && it.path == row.path);
    let others = own
        .flat_map(|conflict| &conflict.other)
        .map(TaskChange::field);
    let differs = |field: &Field| said(facts, field).is_some_and(|said| !is_so(&said, task));
    let fields: BTreeSet<Field> = others.filter(differs).collect();
    fields.into_iter().collect()
}

/// Whether a text shows how a task is where it differs from the text before. What does not is
/// older, or waits for a person; it is no base to compare later texts with.
pub(super) fn shows(task: &Task, base: &Base, facts: &TaskFacts) -> bool {
    let changes = changes_between(&base.facts, facts);
    let mut changes = changes.iter();
    changes.all(|change| is_so(change, task) || is_older_plan(change, task))
}

/// Whether a link went because TODO.md names the current plan alone; state.json keeps them all.
fn is_older_plan(change: &TaskChange, task: &Task) -> bool {
    let TaskChange::ArtifactRemoved(path) = change else {
        return false;
    };
    let is_plan = |artifact: &Artifact| artifact.kind == "plan" && same(&artifact.path, path);
    task.plan.as_ref().is_some_and(|plan| !same(plan, path)) && task.artifacts.iter().any(is_plan)
}

/// The text of each task as it was last seen in a file.
pub(super) fn bases(
    store: &dyn Store,
    board: &BoardKey,
    path: &RepoPath,
) -> Result<BTreeMap<TaskId, Base>, StoreError> {
    let sections = store.sections(board, path, None)?;
    Ok(sections.into_iter().map(base).collect())
}

/// A task and what a file said of it.
pub(super) fn base(section: Section) -> (TaskId, Base) {
    let base = Base {
        facts: section.facts,
        hash: section.hash,
        sequence: section.sequence,
        // Whether it was published or read is not kept. What was read proves nothing about
        // the age of the file, so that nothing does: at worst a person settles a conflict.
        since: u64::MAX,
    };
    (section.task, base)
}

/// The whole board, for a file that is written from nothing.
pub(super) fn everything(store: &dyn Store, board: &BoardKey) -> Result<BoardEdits, StoreError> {
    let view = store.board(board)?.unwrap_or_default();
    let tasks = view.active().map(|task| TaskEdit {
        added: true,
        ..TaskEdit::new(task.clone())
    });
    Ok(BoardEdits {
        tasks: tasks.collect(),
        next_number: view.next_number,
        at: Some(store.now()),
    })
}

fn bytes(text: Option<&Text>) -> Option<&[u8]> {
    text.map(|text| &**text)
}

/// What is made of one part of the board, and the newest operation that is in it.
fn of_part(
    store: &dyn Store,
    board: &BoardKey,
    row: &PublishRow,
    wanted: &Wanted,
    content: impl FnOnce(&Board) -> Content,
) -> Result<(Content, u64), StoreError> {
    let part = store.board_part(board, wanted)?;
    Ok(part.map_or((Content::Gone, row.sequence), |part| {
        (content(&part), part.sequence)
    }))
}

/// What a file of one task has to say.
fn own_content(kind: &PublishKind, base: Option<&Text>, task: &Task) -> Content {
    match (kind, base) {
        (PublishKind::ProjectState { .. }, base) => {
            single::project_state_content(bytes(base), task)
        }
        (_, Some(base)) => single::phase_markers_content(base, task),
        // A plan that somebody deleted is not written anew from its markers.
        (_, None) => Content::Gone,
    }
}

/// Whether a text is what was published last, and nothing older stands in it.
pub(super) fn is_current(published: Option<&Publication>, text: &Text) -> bool {
    published.is_some_and(|known| known.is_current && known.hash == text.digest())
}

/// What the file system says of a file, as the store keeps it.
pub(crate) fn stamp_of(facts: &Facts) -> FileStamp {
    let nanoseconds = |at: i128| i64::try_from(at).unwrap_or(i64::MAX);
    FileStamp {
        size: facts.size,
        mtime_ns: nanoseconds(facts.mtime_ns),
        ino: facts.ino,
        ctime_ns: nanoseconds(facts.ctime_ns),
    }
}

/// The fields of a task that were changed after an operation.
pub(super) fn pending(
    store: &dyn Store,
    board: &BoardKey,
    task: TaskId,
    since: u64,
) -> Result<Vec<Field>, StoreError> {
    let changes = store.changed_since(board, since)?;
    let mut tasks = changes.into_iter().flat_map(|changes| changes.tasks);
    let own = tasks.find(|delta| delta.task.id == task);
    Ok(own.map(|delta| delta.fields).unwrap_or_default())
}

/// A task as the store knows it now.
pub(super) fn task_of(
    store: &dyn Store,
    board: &BoardKey,
    task: TaskId,
) -> Result<Option<Task>, StoreError> {
    let view = store.board_part(board, &Wanted::Ids(vec![task]))?;
    Ok(view.and_then(|mut view| view.tasks.remove(&task)))
}

/// What the file system says of a file; `None` when there is none.
pub(super) fn stamp_on_disk(path: &Path) -> io::Result<Option<FileStamp>> {
    let facts = facts_if_any(&RealVfs, path)?;
    Ok(facts.as_ref().map(stamp_of))
}
