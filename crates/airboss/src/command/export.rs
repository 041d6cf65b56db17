//! `airboss export` and `airboss import`: a whole board as one JSON object, and back.

use std::path::PathBuf;

use airboss_core::board::operation::Conflict;
use airboss_core::board::{Board, BoardOperation};
use airboss_core::exit::ExitCode;
use airboss_engine::board::{begin, key};
use airboss_engine::workspace::Workspace;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::errors::known_errors;
use crate::board::BoardReading;
use crate::context::Context;
use crate::error::CliError;
use crate::words;

/// What is printed.
#[derive(clap::Args, Clone, Copy, Debug)]
pub struct ExportArguments {
    /// Print every operation instead, one JSON object a line.
    #[arg(long)]
    history: bool,
}

/// What is read.
#[derive(clap::Args, Clone, Debug)]
pub struct ImportArguments {
    /// A file with what `airboss export` printed.
    file: PathBuf,
}

/// The word by which an export is known.
const KIND: &str = "airboss_board";

#[derive(Serialize, Deserialize)]
struct Export {
    kind: String,
    /// How many operations made it.
    operations: u64,
    /// The board, with its tasks, conflicts and errors.
    board: Board,
}

/// Prints the board or its history, in one snapshot.
///
/// # Errors
/// When there is no board, or the store cannot be read.
pub fn export(context: &Context, arguments: &ExportArguments) -> Result<ExitCode, CliError> {
    let reading = BoardReading::open(context)?;
    let log = crate::lookup::history(&reading.store, &reading.places.board.log(), None)?;
    // What was stored after the board was read is not of this snapshot.
    let own = log
        .iter()
        .filter(|stored| stored.sequence <= reading.board.sequence);
    if arguments.history {
        for stored in own {
            context.printer.json_line(stored);
        }
        return Ok(ExitCode::Success);
    }
    let operations = own.count() as u64;
    let mut board = reading.board;
    (board.errors, _) = known_errors(&reading.places, &board.errors)?;
    let export = Export {
        kind: KIND.to_owned(),
        operations,
        board,
    };
    context.printer.json(&json!(export));
    Ok(ExitCode::Success)
}

/// Begins a board with an export.
///
/// # Errors
/// When the file is none, or there is a board already.
pub fn import(context: &Context, arguments: &ImportArguments) -> Result<ExitCode, CliError> {
    let workspace = Workspace::open(&context.directory)?;
    let named = crate::board::explicit_root(context, &workspace)?;
    let board_key = key(named.as_deref().unwrap_or("specs"))?;
    let path = context.directory.join(&arguments.file);
    let export = read(&path)?;
    let operations = operations(export.board);
    let (desk, done) = begin(workspace, &board_key, operations)?;
    let view = desk.view()?;
    let tasks = view.tasks.len();
    let answer = json!({
        "board": desk.board(),
        "tasks": tasks,
        "conflicts": view.conflicts.len(),
        "errors": view.errors.len(),
    });
    context.answer(&answer, |_| {
        let tasks = words::count(tasks, "task");
        format!("{}: begun with {tasks}", desk.board())
    });
    Ok(crate::board::outcome(context, &done))
}

fn read(path: &std::path::Path) -> Result<Export, CliError> {
    let bytes = fs_err::read(path)?;
    let shown = path.display();
    let refused = |why: &str| {
        CliError::refused(format!("{shown} is no export of a board: {why}"))
            .hint("`airboss export > FILE` writes one")
    };
    let mut value: Value =
        serde_json::from_slice(&bytes).map_err(|error| refused(&error.to_string()))?;
    if value["schema_version"] != 1 {
        return Err(refused("its `schema_version` is not 1"));
    }
    let export: Export = serde_json::from_value(value["data"].take())
        .map_err(|error| refused(&error.to_string()))?;
    match export.kind == KIND {
        true => Ok(export),
        false => Err(refused("its `kind` is another")),
    }
}

/// What makes this board of nothing.
fn operations(board: Board) -> Vec<BoardOperation> {
    let tasks = u32::try_from(board.tasks.len()).unwrap_or(u32::MAX);
    let mut operations = vec![BoardOperation::Adopted {
        next_number: board.next_number,
        tasks,
        disagreements: 0,
    }];
    let task = |task| BoardOperation::TaskAdopted {
        task: Box::new(task),
    };
    operations.extend(board.tasks.into_values().map(task));
    let conflict = |conflict: Conflict| BoardOperation::ConflictFound {
        task: conflict.task,
        path: conflict.path,
        kept: conflict.kept,
        other: conflict.other,
        blob: conflict.blob,
    };
    operations.extend(board.conflicts.into_iter().map(conflict));
    operations.extend(
        board
            .errors
            .into_iter()
            .map(|entry| BoardOperation::ErrorRecorded {
                entry: Box::new(entry),
            }),
    );
    operations
}
