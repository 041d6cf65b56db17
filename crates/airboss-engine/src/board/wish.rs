//! The git commit of a change of the board: the parent's files with exactly this change.
//!
//! The work tree's TODO.md and state.json may hold any number of other tasks' changes; they are
//! not even read. A file that the branch does not have is not committed, unless the change says
//! that it is its own.

use airboss_core::board::{BoardKey, Field};
use airboss_core::path::RepoPath;
use airboss_core::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::edits::{BoardEdits, TaskEdit};
use super::list_file::ListFile;
use super::moves::{self, DirectoryMove};
use super::places::Places;
use super::single;
use crate::git::{
    CommitOutcome, CommitRequest, CommitSettings, DeferReason, Delta, Entry, FileMode, GitError,
    Message, Oid, Repository, scoped_commit, session_trailers,
};
use crate::projection::Content;
use crate::store::{GitWish, GitWishRow, PublishItem, Store, StoreError};

/// So often the branch may move while a commit is made: a person's command moves it once.
const BASES_MAX: usize = 20;

/// What the commit of a change of the board has to hold.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct BoardWish {
    /// The board.
    pub board: BoardKey,
    /// The first line.
    pub subject: String,
    /// The rest.
    pub body: String,
    /// The instant it bears.
    pub time: Timestamp,
    /// HEAD when it was decided.
    pub since: Option<Oid>,
    /// The agents' own conversations that the work comes from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sessions: Vec<String>,
    /// The change.
    pub edits: BoardEdits,
    /// Whole files that belong to it, with their contents: artifacts, or a new board's files.
    #[serde(default)]
    pub files: Vec<Delta>,
    /// Directories of tasks that move with it.
    #[serde(default)]
    pub moves: Vec<DirectoryMove>,
}

impl BoardWish {
    /// As the store keeps it, for the operation at this place of a change.
    pub(super) fn of_operation(&self, operation: usize) -> GitWish {
        GitWish {
            operation,
            steps: Vec::new(),
            // A wish is plain data, so it always has a JSON form.
            payload: serde_json::to_value(self).unwrap_or_default(),
        }
    }
}

/// Puts the ids of the operations into the tasks, which state.json carries: they are known only
/// once the operations are stored.
///
/// # Errors
/// When the store cannot be read.
pub(crate) fn name_operations(
    store: &dyn Store,
    row: &GitWishRow,
    wish: &mut BoardWish,
) -> Result<(), StoreError> {
    // The published files bear the instant at which the change was stored.
    if let Some(stored) = store.operation(row.sequence)? {
        wish.edits.at = wish.edits.at.map(|_| stored.at);
    }
    for edit in &mut wish.edits.tasks {
        let sequence = row.sequence.saturating_sub(edit.operations_after);
        edit.task.operation = store.operation(sequence)?.map(|stored| stored.id);
    }
    Ok(())
}

/// Makes the commit.
///
/// Its changes are made on the very commit that becomes its parent. Merged into another one, they
/// could be left out where a neighbour's lines changed, and the branch would miss them.
///
/// # Errors
/// When git fails; nothing is published then.
pub(crate) fn make(
    repository: &Repository,
    row: &GitWishRow,
    wish: &BoardWish,
) -> Result<CommitOutcome, GitError> {
    for _ in 0..BASES_MAX {
        let base = repository.head()?;
        let request = CommitRequest {
            operation: row.operation,
            deltas: deltas(repository, wish)?,
            message: Message {
                subject: wish.subject.clone(),
                body: wish.body.clone(),
                trailers: session_trailers(&wish.sessions),
            },
            time: wish.time,
            since: wish.since,
        };
        // Whoever makes the commits that wait has the gate.
        let settings = CommitSettings { gate: false, base };
        let busy = CommitOutcome::Deferred {
            reason: DeferReason::Busy,
        };
        let outcome = scoped_commit(repository, &request, &settings)?;
        if outcome != busy || repository.head()? == base {
            return Ok(outcome);
        }
    }
    Ok(CommitOutcome::Deferred {
        reason: DeferReason::Busy,
    })
}

/// The changes of all files, made on the versions of the branch.
fn deltas(repository: &Repository, wish: &BoardWish) -> Result<Vec<Delta>, GitError> {
    let places = Places::new(repository.top(), &wish.board).map_err(std::io::Error::other)?;
    let mut deltas = wish.files.clone();
    let list = wish.edits.for_file();
    for PublishItem { path, kind } in places.lists() {
        let Some(file) = ListFile::of(&kind) else {
            continue;
        };
        let new = |bytes: &[u8]| file.edit_around(bytes, &list).ok();
        let new = |bytes: &[u8]| new(bytes).map(|edited| edited.bytes);
        deltas.extend(delta(repository, &path, new)?);
    }
    let moves = |edit: &TaskEdit| edit.fields.contains(&Field::Place);
    if wish.edits.tasks.iter().any(moves) {
        let paths = single::base_paths(&wish.edits, &places)?;
        let new = |bytes: &[u8]| single::archive(bytes, &wish.edits, &paths);
        let known = delta(repository, &places.archive, new)?;
        // Tasks that leave a board in git do not leave git.
        let begun = match (&known, deltas.is_empty()) {
            (None, false) => new_archive(repository, &places, &wish.edits, &paths)?,
            _ => None,
        };
        deltas.extend(known.or(begun));
    }
    for wish in &wish.moves {
        deltas.extend(moves::deltas(repository, wish)?);
    }
    // The files of a task that goes into the archive or comes back stay as they are.
    for edit in wish.edits.tasks.iter().filter(|edit| !moves(edit)) {
        deltas.extend(own_files(repository, &places, edit)?);
    }
    Ok(deltas)
}

/// The archive's first version; `None` when the branch has one.
fn new_archive(
    repository: &Repository,
    places: &Places,
    edits: &BoardEdits,
    paths: &[String],
) -> Result<Option<Delta>, GitError> {
    if repository.head_file(&places.archive)?.is_some() {
        return Ok(None);
    }
    let Content::Write(text) = single::archive_content(None, edits, paths) else {
        return Ok(None);
    };
    new_file(repository, &places.archive, &text).map(Some)
}

/// A file that the branch does not have, with its content.
pub(super) fn new_file(
    repository: &Repository,
    path: &RepoPath,
    content: &[u8],
) -> Result<Delta, GitError> {
    let after = Entry {
        mode: FileMode::Regular,
        blob: repository.write_blob(content)?,
    };
    Ok(Delta {
        path: path.clone(),
        before: None,
        after: Some(after),
    })
}

/// The state.json and the plan of one task.
fn own_files(
    repository: &Repository,
    places: &Places,
    edit: &TaskEdit,
) -> Result<Vec<Delta>, GitError> {
    let mut deltas = Vec::new();
    let task = &edit.task;
    let (plan, state) = places.own(task)?;
    if let Some(path) = plan {
        // What git could not merge goes with a change of what is in it, as it does on disk.
        let is_marked = edit.fields.iter().any(|it| matches!(it, Field::Phase(_)));
        let is_own = |bytes: &[u8]| is_marked || single::settled(bytes, task).is_none();
        let new = |bytes: &[u8]| is_own(bytes).then(|| single::phase_markers(bytes, task));
        deltas.extend(delta(repository, &path, new)?);
    }
    if let Some(path) = state {
        let new = |bytes: &[u8]| single::project_state(bytes, task);
        deltas.extend(delta(repository, &path, new)?);
    }
    Ok(deltas)
}

/// The change of one file, made on the branch's version of it.
fn delta(
    repository: &Repository,
    path: &RepoPath,
    new: impl Fn(&[u8]) -> Option<Vec<u8>>,
) -> Result<Option<Delta>, GitError> {
    let Some((before, bytes)) = repository.head_file(path)? else {
        return Ok(None);
    };
    let Some(new) = new(&bytes).filter(|new| *new != bytes) else {
        return Ok(None);
    };
    let after = Entry {
        mode: before.mode,
        blob: repository.write_blob(&new)?,
    };
    Ok(Some(Delta {
        path: path.clone(),
        before: Some(before),
        after: Some(after),
    }))
}
