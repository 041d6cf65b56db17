//! A board that is begun with given operations, where there is none yet.

use airboss_core::board::{BoardKey, BoardOperation};

use super::adopt::Survey;
use super::desk::{BoardError, Desk, Done};
use super::places::each_once;
use crate::store::{Change, Store as _, Wanted};
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
    publish.extend(places.stale(&operations, &|_| None)?);
    let publish = each_once(publish);
    let mut store = workspace.open_store()?;
    let none = Wanted::Ids(Vec::new());
    let decided = store.decide_board(board, None, &none, &mut |standing| {
        if standing.board.sequence > 0 {
            return Err("there is a board already; only an empty one is begun so".into());
        }
        Ok(Change {
            publish: publish.clone(),
            ..Change::of_board(operations.clone())
        })
    })?;
    drop(store);
    let mut done = Done::of(decided, board)?;
    let mut desk = Desk::open(workspace, board)?;
    desk.finish(&mut done);
    desk.take_new_files(&mut done)?;
    desk.remember_first_boot(&done)?;
    Ok((desk, done))
}
