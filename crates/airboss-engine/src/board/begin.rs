//! A board that is begun with given operations, where there is none yet.

use airboss_core::board::{BoardKey, BoardOperation};
use airboss_core::operation::Operation;

use super::adopt::Survey;
use super::desk::{BoardError, Desk, Done};
use crate::store::{Change, Decided, Store as _, Wanted};
use crate::workspace::Workspace;

/// Begins a board and writes its files; the first operation is [`BoardOperation::Adopted`].
///
/// # Errors
/// When there is a board already, in the store or in files, or when the store fails.
pub fn begin(
    workspace: Workspace,
    board: &BoardKey,
    operations: Vec<BoardOperation>,
) -> Result<(Desk, Done), BoardError> {
    let survey = Survey::take(&workspace, board, None)?;
    let facts = [&survey.todo, &survey.state].into_iter().flatten();
    if facts.map(|read| read.parsed.facts.len()).sum::<usize>() > 0 {
        let refusal = format!("{board} has tasks already; only an empty board is begun so");
        return Err(BoardError::Refused(refusal.into()));
    }
    let places = survey.places;
    let mut publish = places.lists().to_vec();
    publish.extend(places.stale(&operations, &|_| None));
    let mut seen = std::collections::BTreeSet::new();
    publish.retain(|item| seen.insert(item.path.clone()));
    let mut store = workspace.open_store()?;
    let none = Wanted::Ids(Vec::new());
    let decided = store.decide_board(board, None, &none, &mut |standing| {
        if standing.board.sequence > 0 {
            return Err("there is a board already; only an empty one is begun so".into());
        }
        let operations = operations.iter().cloned();
        let board = |operation| Operation::Board { operation };
        Ok(Change {
            operations: operations.map(board).collect(),
            publish: publish.clone(),
            ..Change::default()
        })
    })?;
    drop(store);
    let operations = match decided {
        Decided::Applied { operations, .. } => operations,
        Decided::Refused(refusal) => return Err(BoardError::Refused(refusal)),
        Decided::Duplicate { .. } | Decided::UnknownStep => Vec::new(),
    };
    let mut desk = Desk::open(workspace, board)?;
    let mut done = Done {
        operations,
        ..Done::default()
    };
    desk.finish(&mut done);
    if desk.commits {
        desk.commit_new_files(&mut done)?;
    }
    Ok((desk, done))
}
