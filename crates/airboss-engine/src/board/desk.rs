//! Changing a board: take in what others did, decide in one transaction, publish, commit.

use std::io;
use std::time::{Duration, Instant};

use airboss_core::board::{Board, BoardKey, BoardOperation, Field, Task};
use airboss_core::id::TaskId;
use airboss_core::operation::{PlanKey, StoredOperation};
use airboss_core::path::{RepoPath, RepoPathError};
use serde_json::Value;

use super::edits::BoardEdits;
use super::files::{BoardFiles, Whole};
use super::home::at_home;
use super::list_file::ListFile;
use super::looked::Looked;
use super::moves::{self, DirectoryMove, Moves};
use super::places::Places;
use super::twice::may_be_twice;
use super::verify::stray_phases;
use super::wish::{BoardWish, new_file};
use crate::git::{Delta, GitError};
use crate::inbox;
use crate::projection::{PlaceError, Publisher, Settled};
use crate::run::commits::{CommitError, WishOutcome, drain};
use crate::store::{
    BoardStanding, Change, CommandId, Decided, Publication, PublishItem, PublishKind, PublishRow,
    Refusal, SqliteStore, Store, StoreError, Wanted,
};
use crate::supervise::boot_id;
use crate::workspace::{Workspace, WorkspaceError};

/// Why a board cannot be used. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum BoardError {
    /// The work tree or its store cannot be used.
    #[error(transparent)]
    Workspace(#[from] WorkspaceError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Git failed.
    #[error(transparent)]
    Git(#[from] GitError),
    /// A file or directory cannot be read.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// A path that the board names leads elsewhere.
    #[error(transparent)]
    Path(#[from] RepoPathError),
    /// A file of the board is none of the work tree's.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// The decision said no.
    #[error("{0}")]
    Refused(Refusal),
    /// The board is not known yet.
    #[error("{0} is not adopted")]
    NotAdopted(BoardKey),
    /// One of its files cannot be built upon.
    #[error(transparent)]
    Damaged(#[from] super::adopt::DamagedFile),
    /// There is no such version of the repository.
    #[error("`{0}` is no revision of this repository")]
    NoRevision(String),
    /// A version of the repository has no board, or one that cannot be read.
    #[error("{revision}: {reason}")]
    Revision {
        /// The version, as it was named.
        revision: String,
        /// What is wrong with it.
        reason: String,
    },
    /// There is no board.
    #[error("there is no board here: no TODO.md with tasks and no state.json")]
    NoBoard,
}

impl BoardError {
    /// What happened, told of a change that was stored before.
    #[must_use]
    pub fn after_storing(&self) -> String {
        match self {
            Self::Store(error) => error.after_storing(),
            other => other.to_string(),
        }
    }
}

impl From<CommitError> for BoardError {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Store(error) => Self::Store(error),
            CommitError::Git(error) => Self::Git(error),
        }
    }
}

/// What a command decided.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Decision {
    /// The operations, in order. There may be none.
    pub operations: Vec<BoardOperation>,
    /// The first line of the commit; empty for no commit.
    pub subject: String,
    /// The rest of its message.
    pub body: String,
    /// Whole files that belong to the commit.
    pub files: Vec<Delta>,
    /// The agents' own conversations that the work of the commit comes from.
    pub sessions: Vec<String>,
    /// Fields that earlier changes without a commit of their own have set: they belong to this
    /// one.
    pub carried: Vec<(TaskId, Field)>,
    /// The answer that a repetition of the command gets.
    pub result: Value,
}

/// What became of a command.
#[derive(Debug, Default)]
pub struct Done {
    /// Its answer.
    pub result: Value,
    /// What was stored; empty when it was carried out before.
    pub operations: Vec<StoredOperation>,
    /// What was published, and what is pending.
    pub settled: Settled,
    /// The commits that were made or put off.
    pub commits: Vec<WishOutcome>,
    /// What went wrong after the change was stored.
    pub unfinished: Vec<String>,
    /// Directories of tasks that move with it.
    pub moves: Vec<DirectoryMove>,
}

impl Done {
    /// What the store answered, before anything is published.
    pub(super) fn of(decided: Decided, board: &BoardKey) -> Result<Self, BoardError> {
        let (operations, result) = match decided.looked()? {
            Decided::Applied { operations, result } => (operations, result),
            Decided::Duplicate { result } => (Vec::new(), result),
            Decided::Refused(refusal) => return Err(BoardError::Refused(refusal)),
            Decided::UnknownStep => return Err(BoardError::NotAdopted(board.clone())),
        };
        Ok(Self {
            result,
            operations,
            ..Self::default()
        })
    }
}

/// A board that is worked on.
pub struct Desk {
    /// The work tree.
    pub workspace: Workspace,
    /// The store.
    pub store: SqliteStore,
    /// Its files.
    pub places: Places,
    /// Whether changes are committed.
    pub commits: bool,
    /// When the files were last looked at.
    settled_at: Option<Instant>,
}

/// How long nobody looks at the files again: a command that decides at once has just done so.
const LOOKED_AT_FOR: Duration = Duration::from_millis(20);

impl Desk {
    /// Opens a board that is known, in the work tree that has its files.
    ///
    /// # Errors
    /// When it is not known, or the store cannot be used.
    pub fn open(workspace: Workspace, board: &BoardKey) -> Result<Self, BoardError> {
        let workspace = at_home(workspace, board)?;
        let store = workspace.open_store()?;
        let nothing = Wanted::Ids(Vec::new());
        if store.board_part(board, &nothing)?.is_none() {
            return Err(BoardError::NotAdopted(board.clone()));
        }
        Ok(Self {
            places: Places::new(&workspace.top, board)?,
            commits: workspace.repository.is_some(),
            workspace,
            store,
            settled_at: None,
        })
    }

    /// Another desk for the same board, with a connection of its own to the store.
    ///
    /// # Errors
    /// As for [`Desk::open`].
    pub fn another(&self) -> Result<Self, BoardError> {
        Ok(Self {
            commits: self.commits,
            ..Self::open(self.workspace.clone(), self.board())?
        })
    }

    /// The board.
    #[must_use]
    pub fn board(&self) -> &BoardKey {
        &self.places.board
    }

    /// The whole board as it is stored.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn view(&self) -> Result<Board, BoardError> {
        Ok(self.store.board(self.board())?.unwrap_or_default())
    }

    /// A task as it is stored; `None` when it is not there or cannot be read.
    #[must_use]
    pub fn store_task(&self, number: u32) -> Option<Task> {
        self.store.task(self.board(), number).ok().flatten()
    }

    /// The labels of a task, which stand in its files alone; none where a file cannot be read.
    #[must_use]
    pub fn labels(&self, number: u32) -> Vec<String> {
        let mut labels = Vec::new();
        for item in self.places.lists() {
            let bytes = fs_err::read(self.workspace.top.join(&item.path));
            let file = ListFile::of(&item.kind);
            let parsed = file
                .zip(bytes.ok())
                .and_then(|(file, bytes)| (file.parse)(&bytes).ok());
            let own = parsed.into_iter().flat_map(|parsed| parsed.facts);
            let own = own.filter(|facts| facts.number == number);
            labels.extend(own.flat_map(|facts| facts.labels));
        }
        labels
    }

    /// Takes in what people and git changed in the files, and finishes what a crash left.
    ///
    /// Quick when nobody touched anything: two files are asked for their times.
    ///
    /// # Errors
    /// When the store fails.
    pub fn settle(&mut self, whole: Whole) -> Result<Settled, BoardError> {
        let boot = boot_id();
        let whole = match whole {
            // A power failure may have undone what was published.
            Whole::No if self.store.boot()?.as_deref() != Some(boot) => Whole::Yes,
            whole => whole,
        };
        let rows = self.changed_files(whole)?;
        let files = BoardFiles::new(&self.workspace).whole(whole);
        let publisher = Publisher::of_board(&self.workspace, files);
        let or_pass_by = whole == Whole::No;
        let looked = publisher.look(&mut self.store, &rows, or_pass_by)?;
        let is_looked_at = looked.is_some();
        let mut settled = looked.unwrap_or_default();
        let drained = inbox::drain(&self.workspace.top, &self.workspace.state, &mut self.store);
        settled.notes.extend(drained.notes());
        if whole != Whole::No && settled.pending.is_empty() {
            // Not remembered, it is looked at once more; what was taken in is stored.
            drop(self.store.set_boot(boot));
        }
        let is_taken_in = settled.pending.is_empty() && !settled.waits;
        if is_looked_at && !rows.is_empty() && is_taken_in {
            self.remember_head();
        }
        settled.notes.extend(self.move_directories(Vec::new()));
        self.settled_at = Some(Instant::now());
        Ok(settled)
    }

    /// Remembers this boot in a store that knows none: what was just published is durable, and
    /// there is nothing older that a power failure could have undone.
    pub(super) fn remember_first_boot(&mut self, done: &Done) -> Result<(), BoardError> {
        if done.settled.pending.is_empty() && self.store.boot()?.is_none() {
            self.store.set_boot(boot_id())?;
        }
        Ok(())
    }

    /// Moves the directories of tasks that were archived or brought back: those of this change,
    /// and those that a crash left. Answers what stays.
    fn move_directories(&self, own: Vec<DirectoryMove>) -> Vec<String> {
        let place = |id| {
            let wanted = Wanted::Ids(vec![id]);
            let part = self.store.board_part(self.board(), &wanted)?;
            Ok(part.and_then(|part| part.tasks.get(&id).map(|task| task.place)))
        };
        let busy = |directory: &RepoPath| {
            let inside = format!("{directory}/");
            // Of any plan: those of the task itself may have files there, too.
            let rows = self.store.to_publish(None);
            rows.map_or(true, |rows| {
                let mut rows = rows.iter();
                rows.any(|row| row.path.as_str().starts_with(&inside))
            })
        };
        let mut stay = moves::carry_out_all(&self.workspace.top, own, &busy);
        stay.extend(moves::finish(
            &self.places,
            &self.workspace.state,
            &place,
            &busy,
        ));
        // The intents of what stays said so again.
        stay.dedup();
        stay
    }

    /// Remembers that the files of HEAD were looked at, as far as they are those on disk.
    pub(super) fn remember_head(&self) {
        if let Some(repository) = &self.workspace.repository {
            Looked::of(repository, self.board()).remember_head(&self.places);
        }
    }

    /// The files that are not as they were published.
    fn changed_files(&self, whole: Whole) -> Result<Vec<PublishRow>, BoardError> {
        let log = self.board().log();
        let mut rows = Vec::new();
        for PublishItem { path, kind } in self.places.lists() {
            let known = self.store.publication(&log, &path)?;
            let stamp = super::files::stamp_on_disk(&self.workspace.top.join(&path))?;
            let is_clean = known
                .as_ref()
                .is_some_and(|known| known.stamp.is_some() && known.stamp == stamp);
            if whole == Whole::No && is_clean {
                continue;
            }
            rows.push(row_of(&log, PublishItem { path, kind }, known.as_ref()));
        }
        if whole != Whole::No {
            rows.extend(self.stray_plans()?);
        }
        Ok(rows)
    }

    /// The plans whose markers are not as the store has them.
    fn stray_plans(&self) -> Result<Vec<PublishRow>, BoardError> {
        let (log, view) = (self.board().log(), self.view()?);
        let mut rows = Vec::new();
        for task in view.active() {
            let Some((path, _)) = stray_phases(&self.places, task) else {
                continue;
            };
            let known = self.store.publication(&log, &path)?;
            let kind = PublishKind::PhaseMarkers { task: task.id };
            rows.push(row_of(&log, PublishItem { path, kind }, known.as_ref()));
        }
        Ok(rows)
    }

    /// The files that list all tasks and may give one of these numbers twice: not those that are as
    /// they were published and were sound then. One that cannot be read may do so.
    ///
    /// # Errors
    /// When the store cannot be asked, nor the file system for the times of a file.
    pub fn doubtful_lists(&self, numbers: &[u32]) -> Result<Vec<PublishItem>, BoardError> {
        if numbers.is_empty() {
            return Ok(Vec::new());
        }
        let log = self.board().log();
        let mut doubtful = Vec::new();
        for item in self.places.lists() {
            let path = self.workspace.top.join(&item.path);
            let known = self.store.publication(&log, &item.path)?;
            let stamp = super::files::stamp_on_disk(&path)?;
            let is_sound = known.is_some_and(|known| known.is_current && known.stamp == stamp);
            if !is_sound && may_be_twice(&path, numbers).unwrap_or(true) {
                doubtful.push(item);
            }
        }
        Ok(doubtful)
    }

    /// Carries a command out: settles, decides in one transaction, publishes, commits.
    ///
    /// `decide` may be asked more than once and must not act.
    ///
    /// # Errors
    /// When the decision says no or the store fails; nothing was changed then.
    pub fn change(
        &mut self,
        command: Option<&CommandId>,
        wanted: &Wanted,
        decide: &mut dyn FnMut(&BoardStanding) -> Result<Decision, Refusal>,
    ) -> Result<Done, BoardError> {
        // What somebody saves from now on is taken in when the change is published.
        let settled_at = self.settled_at.take();
        let before = if settled_at.is_some_and(|at| at.elapsed() < LOOKED_AT_FOR) {
            Vec::new()
        } else {
            let settled = self.settle(Whole::No)?;
            self.settled_at = None;
            settled.notes
        };
        let mut done = self.decide(command, wanted, decide)?;
        self.finish(&mut done);
        done.settled.notes.splice(0..0, before);
        Ok(done)
    }

    pub(super) fn decide(
        &mut self,
        command: Option<&CommandId>,
        wanted: &Wanted,
        decide: &mut dyn FnMut(&BoardStanding) -> Result<Decision, Refusal>,
    ) -> Result<Done, BoardError> {
        let places = self.places.clone();
        let since = match (&self.workspace.repository, self.commits) {
            (Some(repository), true) => repository.head()?,
            _ => None,
        };
        let commits = self.commits;
        let (repository, state) = (
            self.workspace.repository.clone(),
            self.workspace.state.clone(),
        );
        let mut asked = Moves::default();
        let decided = self
            .store
            .decide_board(&places.board, command, wanted, &mut |standing| {
                let decision = decide(standing)?;
                let (board, operations) = (&standing.board, &decision.operations);
                asked = Moves::asked_for(&places, repository.as_ref(), board, operations)?;
                moves::intend(&state, &places.board, &asked.moves)?;
                let moves = asked.moves.clone();
                let change = change_of(&places, standing, decision, commits, since, moves);
                Ok(change?)
            })?;
        let mut done = Done::of(decided, &places.board)?;
        done.settled.notes.extend(asked.left);
        done.moves = asked.moves;
        Ok(done)
    }

    /// Stores what the files of a board that was just begun say, and commits them, so that later
    /// commits can build on them.
    pub(super) fn take_new_files(&mut self, done: &mut Done) -> Result<(), BoardError> {
        let repository = self.workspace.repository.clone();
        let mut files = Vec::new();
        for item in self.places.lists() {
            let Some(repository) = repository.as_ref().filter(|_| self.commits) else {
                break;
            };
            if repository.head_file(&item.path)?.is_some() {
                continue;
            }
            let bytes = fs_err::read(self.workspace.top.join(&item.path))?;
            files.push(new_file(repository, &item.path, &bytes)?);
        }
        let next = self
            .store
            .board_head(self.board())?
            .and_then(|head| head.next_number);
        let decision = Decision {
            operations: vec![BoardOperation::NextNumberSet {
                next: next.unwrap_or(1),
            }],
            subject: "sync: a new TODO.md and state.json".to_owned(),
            files,
            ..Decision::default()
        };
        let none = Wanted::Ids(Vec::new());
        let begun = self.decide(None, &none, &mut |_| Ok(decision.clone()))?;
        done.operations.extend(begun.operations);
        self.finish(done);
        Ok(())
    }

    /// Publishes what is stale and makes the commits that wait.
    ///
    /// The change is stored by now: what goes wrong is said, and no failure of the command.
    pub fn finish(&mut self, done: &mut Done) {
        let files = BoardFiles::new(&self.workspace);
        let publisher = Publisher::of_board(&self.workspace, files);
        match publisher.publish_change(&mut self.store) {
            Ok(settled) => {
                done.settled.written.extend(settled.written);
                done.settled.pending.extend(settled.pending);
                done.settled.notes.extend(settled.notes);
            }
            Err(error) => done.unfinished.push(error.after_storing()),
        }
        let moves = std::mem::take(&mut done.moves);
        done.settled.notes.extend(self.move_directories(moves));
        let Some(repository) = &self.workspace.repository else {
            return;
        };
        match drain(&mut self.store, repository) {
            Ok(commits) => {
                let made = commits
                    .iter()
                    .filter_map(|wish| wish.result.as_ref().ok()?.as_ref());
                for commit in made.filter_map(|commit| commit.parse().ok()) {
                    Looked::of(repository, self.board()).remember_own(&self.places, commit);
                }
                done.commits.extend(commits);
            }
            Err(error) => done.unfinished.push(error.to_string()),
        }
    }
}

/// A file that is to be looked at, with the newest operation that it shows.
fn row_of(log: &PlanKey, item: PublishItem, known: Option<&Publication>) -> PublishRow {
    PublishRow {
        plan: log.clone(),
        path: item.path,
        kind: item.kind,
        sequence: known.map_or(0, |known| known.sequence),
    }
}

/// What is stored for a decision: its operations, the files that they make stale, its commit.
fn change_of(
    places: &Places,
    standing: &BoardStanding,
    decision: Decision,
    commits: bool,
    since: Option<crate::git::Oid>,
    moves: Vec<DirectoryMove>,
) -> io::Result<Change> {
    let task = |id| standing.board.tasks.get(&id).cloned();
    let publish = places.stale(&decision.operations, &task)?;
    let mut git = Vec::new();
    let mut edits = BoardEdits::of_operations(&decision.operations, standing.now, task);
    for edit in &mut edits.tasks {
        let carried = decision
            .carried
            .iter()
            .filter(|(id, _)| *id == edit.task.id);
        let mut fields: Vec<Field> = carried.map(|(_, field)| field.clone()).collect();
        // They come first, as they did when they were published.
        let newer = edit
            .fields
            .drain(..)
            .filter(|field| !fields.contains(field));
        let newer: Vec<Field> = newer.collect();
        fields.extend(newer);
        edit.fields = fields;
    }
    let has_work =
        !edits.tasks.is_empty() || edits.next_number.is_some() || !decision.files.is_empty();
    if commits && has_work && !decision.subject.is_empty() {
        let wish = BoardWish {
            board: places.board.clone(),
            subject: decision.subject,
            body: decision.body,
            time: standing.now,
            since,
            sessions: decision.sessions,
            edits,
            files: decision.files,
            moves,
        };
        git.push(wish.of_operation(decision.operations.len().saturating_sub(1)));
    }
    Ok(Change {
        publish,
        git,
        result: decision.result,
        ..Change::of_board(decision.operations)
    })
}
