//! `airboss undo`: takes a change of the board back, by a change of its own.

use std::collections::BTreeSet;

use airboss_core::board::command::{self, Logged, Standing};
use airboss_core::board::{BoardOperation, Cause};
use airboss_core::exit::ExitCode;
use airboss_core::id::OperationId;
use airboss_core::operation::{Operation, StoredOperation};
use airboss_engine::store::Wanted;

use crate::board::{BoardWriting, Planned, changes_of};
use crate::context::Context;
use crate::desk::WriteOptions;
use crate::error::{CliError, ErrorKind};
use crate::render::board as render;

/// Operations that are named where several are meant: a screen shows them.
const NAMED_MAX: usize = 5;

/// Somebody else may change the board between looking and undoing, but not for ever.
const TRIES_MAX: usize = 5;

/// An operation to take back.
#[derive(clap::Args, Clone, Debug)]
pub struct UndoArguments {
    /// Its id or the beginning of it, as `airboss blame` shows it; else the newest that can be
    /// undone. What was changed together is undone together.
    operation: Option<String>,
    /// Undo it although the same fields were changed since; recorded as such.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    options: WriteOptions,
}

/// Undoes a change.
///
/// # Errors
/// When there is none, something changed the same fields since, or the board cannot be changed.
pub fn undo(context: &Context, arguments: &UndoArguments) -> Result<ExitCode, CliError> {
    let mut writing = BoardWriting::open(context, &arguments.options)?;
    let mut tries = 0;
    loop {
        tries += 1;
        let log = history(&writing)?;
        let seen = log.last().map_or(0, |stored| stored.sequence);
        // Refused inside: the same command again is answered before it is asked.
        let target = match &arguments.operation {
            Some(prefix) => named(&log, prefix),
            None => newest(&log),
        };
        let named = (&[][..], arguments.force);
        let result = writing.change(context, &Wanted::All, named, &mut |standing, given| {
            if given.board.sequence != seen {
                return Err(CliError::new(ErrorKind::Busy, "the board is being changed"));
            }
            let target = target.clone()?;
            let mut changes = changes_of(&log).into_iter();
            let own = changes.find(|ids| ids.contains(&target));
            planned(standing, &log, &own.unwrap_or_else(|| vec![target]))
        });
        match result {
            Err(error) if error.kind == ErrorKind::Busy && tries < TRIES_MAX => {}
            result => return result,
        }
    }
}

/// All operations of the board's log, oldest first.
fn history(writing: &BoardWriting) -> Result<Vec<StoredOperation>, CliError> {
    let log = writing.desk.board().log();
    Ok(crate::lookup::history(&writing.desk.store, &log, None)?)
}

fn board_operation(stored: &StoredOperation) -> Option<&BoardOperation> {
    match &stored.operation {
        Operation::Board { operation } => Some(operation),
        _ => None,
    }
}

/// The operation whose id begins so.
fn named(log: &[StoredOperation], prefix: &str) -> Result<OperationId, CliError> {
    let begins = |stored: &&StoredOperation| {
        !prefix.is_empty() && stored.id.to_string().starts_with(&prefix.to_lowercase())
    };
    let found: Vec<_> = log.iter().filter(begins).collect();
    match found.as_slice() {
        [] => Err(
            CliError::refused(format!("no operation of the board begins with `{prefix}`"))
                .hint("`airboss blame N` shows the operations behind a task"),
        ),
        [only] => match board_operation(only) {
            Some(_) => Ok(only.id),
            None => Err(CliError::refused(format!(
                "`{prefix}` is a commit of airboss ({}); undo the change that it holds",
                only.operation.word()
            ))),
        },
        several => {
            let mut refused =
                CliError::refused(format!("`{prefix}` begins the ids of several operations"));
            for stored in several.iter().take(NAMED_MAX) {
                let word = stored.operation.word();
                refused = refused.hint(format!("{} ({word}, {})", stored.id, stored.at));
            }
            let more = several.len().saturating_sub(NAMED_MAX);
            if more > 0 {
                refused = refused.hint(format!("and {more} more; give more of the id"));
            }
            Err(refused)
        }
    }
}

/// The newest operation that stands and that there is a way back from.
fn newest(log: &[StoredOperation]) -> Result<OperationId, CliError> {
    let mut undone: BTreeSet<OperationId> = BTreeSet::new();
    for stored in log.iter().rev() {
        let Some(operation) = board_operation(stored) else {
            continue;
        };
        let (BoardOperation::TaskAdded { cause, .. } | BoardOperation::TaskChanged { cause, .. }) =
            operation
        else {
            continue;
        };
        match cause {
            _ if undone.contains(&stored.id) => {}
            Cause::Undo { operation } => {
                undone.insert(*operation);
            }
            _ => return Ok(stored.id),
        }
    }
    Err(CliError::refused(
        "nothing was changed that could be undone",
    ))
}

/// Takes the operations of one change back, the last one first.
fn planned(
    standing: &Standing<'_>,
    log: &[StoredOperation],
    own: &[OperationId],
) -> Result<Planned, CliError> {
    let logged: Vec<_> = log
        .iter()
        .filter_map(|stored| {
            let operation = board_operation(stored)?;
            Some(Logged {
                id: stored.id,
                operation,
            })
        })
        .collect();
    let last = logged.iter().rposition(|logged| own.contains(&logged.id));
    let later = last.map_or(&[][..], |last| &logged[last + 1..]);
    let is_own = |logged: &&Logged<'_>| own.contains(&logged.id);
    let undoable = |logged: &&Logged<'_>| {
        own.len() == 1
            || matches!(
                logged.operation,
                BoardOperation::TaskAdded { .. } | BoardOperation::TaskChanged { .. }
            )
    };
    let mut board = standing.board.clone();
    let mut operations = Vec::new();
    let mut subject = String::new();
    for one in logged.iter().rev().filter(is_own).filter(undoable) {
        let given = Standing {
            board: &board,
            ..*standing
        };
        let back = command::undo(&given, *one, later)?;
        let task = one.operation.task().and_then(|task| board.tasks.get(&task));
        if let (Some(task), Some(deed)) = (task, render::deed(one.operation)) {
            subject = format!("task {}: undo {deed}", task.number);
        }
        for operation in &back {
            board.apply(board.sequence, OperationId::default(), operation);
        }
        operations.extend(back);
    }
    Ok(Planned::new(operations, subject))
}
