//! `airboss rebuild`: what is stored of a board, made anew from its files alone.

use airboss_core::exit::ExitCode;
use airboss_engine::board::{BoardError, Survey, register_merge_driver};
use airboss_engine::store::{SqliteStore, Store as _, StoreError};
use airboss_engine::workspace::{Workspace, WorkspaceError};
use serde_json::json;

use crate::context::Context;
use crate::error::CliError;
use crate::words;

/// After a loss of the store.
#[derive(clap::Args, Clone, Copy, Debug)]
pub struct RebuildArguments {
    /// Do it although the store is sound and knows the board: the files count.
    #[arg(long)]
    force: bool,
}

/// Rebuilds the board. Ids of tasks and of their newest operations come from state.json.
///
/// # Errors
/// When a sound store knows the board, a file is damaged, or the new store cannot be written.
pub fn rebuild(context: &Context, arguments: &RebuildArguments) -> Result<ExitCode, CliError> {
    let (workspace, places) = crate::board::known(context)?;
    // The files first: nothing is moved while they cannot be built upon.
    let survey = Survey::take(&workspace, &places.board, None)?;
    if survey.is_new() {
        return Err(BoardError::NoBoard.into());
    }
    let known = sound_store(context, &workspace)?.board_head(&places.board)?;
    if known.is_some() && !arguments.force {
        let message = format!("the store is sound and knows {}", places.board);
        return Err(CliError::refused(message)
            .hint("`airboss verify` compares it with the files; `airboss sync` makes them equal")
            .hint("`--force` takes the files' word for everything"));
    }
    let (desk, done) = survey.rebuild(workspace)?;
    register_merge_driver(&desk.workspace, &desk.places)?;
    let view = desk.view()?;
    let tasks = view.active().count();
    let answer = json!({
        "board": desk.board(),
        "tasks": tasks,
        "next_number": view.next_number,
        "operations": done.operations.len(),
    });
    context.answer(&answer, |_| {
        let tasks = words::count(tasks, "task");
        format!("{}: rebuilt with {tasks}", desk.board())
    });
    Ok(crate::board::outcome(context, &done))
}

/// The store; a damaged one is moved aside, and a new one begun.
///
/// # Errors
/// When it cannot be opened for another reason.
pub(super) fn sound_store(
    context: &Context,
    workspace: &Workspace,
) -> Result<SqliteStore, CliError> {
    let damaged = match opened(workspace) {
        Err(WorkspaceError::Store(error @ StoreError::Corrupt { .. })) => error,
        other => return Ok(other?),
    };
    context.printer.warning(&damaged.to_string());
    Ok(opened(workspace)?)
}

/// The store, read once: damage need not be on the first page.
fn opened(workspace: &Workspace) -> Result<SqliteStore, WorkspaceError> {
    let store = workspace.open_store()?;
    for board in store.boards()? {
        store.board(&board)?;
    }
    Ok(store)
}
