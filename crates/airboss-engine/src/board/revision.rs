//! The board as a git revision has it, read from its objects; nothing is checked out.

use std::collections::BTreeMap;

use airboss_core::board::reconcile::{Chosen, Found, adopt};
use airboss_core::board::{Board, state_file};
use airboss_core::id::OperationId;
use airboss_core::path::RepoPath;

use super::desk::BoardError;
use super::list_file::{ListFile, Parsed};
use super::places::Places;
use crate::clock;
use crate::git::{GitError, Repository};
use crate::store::PublishItem;
use crate::workspace::Workspace;

/// Reads the board of a revision: `HEAD~3`, a tag, the digits of a commit.
///
/// # Errors
/// When there is no repository or no such revision, or when it has no board or a damaged one.
pub fn at_revision(
    workspace: &Workspace,
    places: &Places,
    revision: &str,
) -> Result<Board, BoardError> {
    let Some(repository) = &workspace.repository else {
        return Err(BoardError::NoRevision(revision.to_owned()));
    };
    let [todo, state] = places.lists();
    let todo = list(repository, revision, &todo)?;
    let state = list(repository, revision, &state)?;
    if todo.is_none() && state.is_none() {
        return Err(BoardError::Revision {
            revision: revision.to_owned(),
            reason: format!("it has neither {} nor {}", places.todo, places.state),
        });
    }
    let archive = file(repository, revision, &places.archive)?;
    let archive = archive.and_then(|bytes| state_file::archive::parse(&bytes).ok());
    let (todo, state) = (todo.unwrap_or_default(), state.unwrap_or_default());
    let adopted = adopt(&Found {
        board: &places.board,
        todo: &todo.facts,
        todo_next: todo.next_number,
        state: &state.facts,
        state_next: state.next_number,
        archive: &archive.map(|file| file.tasks).unwrap_or_default(),
        evidence: &BTreeMap::new(),
        prefer: None,
        chosen: &Chosen::new(),
        now: clock::now(),
    });
    let mut board = Board::default();
    for operation in &adopted.operations {
        board.apply(board.sequence + 1, OperationId::default(), operation);
    }
    Ok(board)
}

fn list(
    repository: &Repository,
    revision: &str,
    item: &PublishItem,
) -> Result<Option<Parsed>, BoardError> {
    let bytes = file(repository, revision, &item.path)?;
    let (Some(bytes), Some(list)) = (bytes, ListFile::of(&item.kind)) else {
        return Ok(None);
    };
    match (list.parse)(&bytes) {
        Ok(parsed) => Ok(Some(parsed)),
        Err(error) => Err(BoardError::Revision {
            revision: revision.to_owned(),
            reason: format!("its {} cannot be read: {error}", item.path),
        }),
    }
}

fn file(
    repository: &Repository,
    revision: &str,
    path: &RepoPath,
) -> Result<Option<Vec<u8>>, BoardError> {
    match repository.revision_file(revision, path) {
        Err(GitError::Unreadable { reason, .. }) if reason.contains("is no revision") => {
            Err(BoardError::NoRevision(revision.to_owned()))
        }
        found => Ok(found?),
    }
}
