//! Settling a conflict: the board's side stays, or the other one is taken.

use super::{Decision, Refusal, Standing};
use crate::board::operation::{BoardOperation, Cause};
use crate::id::OperationId;

/// Settles a conflict; `take` gives the task what the file said.
///
/// # Errors
/// When there is no such conflict, or its task is gone.
pub fn settle(standing: &Standing<'_>, conflict: OperationId, take: bool) -> Decision {
    let mut known = standing.board.conflicts.iter();
    let known = known.find(|known| known.id == conflict);
    let known = known.ok_or(Refusal::NoConflict(conflict))?;
    let mut operations = Vec::new();
    if take {
        let task = standing.board.tasks.get(&known.task);
        let task = task.ok_or(Refusal::NoConflict(conflict))?;
        let cause = Cause::Resolved { conflict };
        operations = standing.change_because(task, known.other.clone(), cause, false);
    }
    operations.push(BoardOperation::ConflictResolved {
        conflict,
        taken: take,
    });
    Ok(operations)
}
