//! The git commit of a change of the board: the parent's files with exactly this change.
//!
//! The work tree's TODO.md and state.json may hold any number of other tasks' changes; they are
//! not even read. A file that the branch does not have is not committed, unless the change says
//! that it is its own.

use airboss_core::board::{BoardKey, EditError, Place, state_file, todo};
use airboss_core::path::RepoPath;
use airboss_core::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::edits::{BoardEdits, TaskEdit};
use super::files::{archive_path, plan_path, project_state_path, state_path, todo_path};
use super::single;
use crate::git::{
    CommitOutcome, CommitRequest, CommitSettings, Delta, Entry, GitError, Message, Oid, Repository,
    scoped_commit,
};
use crate::store::GitWishRow;

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
    /// The change.
    pub edits: BoardEdits,
    /// Whole files that belong to it, with their contents: artifacts, or a new board's files.
    #[serde(default)]
    pub files: Vec<Delta>,
}

/// Makes the commit.
///
/// # Errors
/// When git fails; nothing is published then.
pub(crate) fn make(
    repository: &Repository,
    row: &GitWishRow,
    wish: &BoardWish,
) -> Result<CommitOutcome, GitError> {
    let mut edits = wish.edits.clone();
    for edit in &mut edits.tasks {
        // It is known only once the operation is stored, and state.json carries it.
        edit.task.operation = Some(row.operation);
    }
    let mut deltas = wish.files.clone();
    let list = edits.for_file();
    let lists = [
        (todo_path(&wish.board), todo::edit as Editor),
        (state_path(&wish.board), state_file::edit),
    ];
    for (path, editor) in lists {
        let new = |bytes: &[u8]| editor(bytes, &list).ok().map(|edited| edited.bytes);
        deltas.extend(delta(repository, &path, new)?);
    }
    if edits.tasks.iter().any(|edit| edit.task.place == Place::Archived) {
        let new = |bytes: &[u8]| single::archive(bytes, &edits);
        deltas.extend(delta(repository, &archive_path(&wish.board), new)?);
    }
    for edit in &edits.tasks {
        deltas.extend(own_files(repository, &wish.board, edit)?);
    }
    let request = CommitRequest {
        operation: row.operation,
        deltas,
        message: Message {
            subject: wish.subject.clone(),
            body: wish.body.clone(),
            trailers: Vec::new(),
        },
        time: wish.time,
        since: wish.since,
    };
    scoped_commit(repository, &request, &CommitSettings::default())
}

type Editor = fn(
    &[u8],
    &[airboss_core::board::Edit<'_>],
) -> Result<airboss_core::board::Edited, EditError>;

/// The state.json and the plan of one task.
fn own_files(
    repository: &Repository,
    board: &BoardKey,
    edit: &TaskEdit,
) -> Result<Vec<Delta>, GitError> {
    let mut deltas = Vec::new();
    if let Some(path) = plan_path(board, &edit.task) {
        let new = |bytes: &[u8]| Some(single::phase_markers(bytes, &edit.task, &edit.fields));
        deltas.extend(delta(repository, &path, new)?);
    }
    if let Some(path) = project_state_path(repository.top(), board, &edit.task) {
        let new = |bytes: &[u8]| single::project_state(bytes, &edit.task, &edit.fields);
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
