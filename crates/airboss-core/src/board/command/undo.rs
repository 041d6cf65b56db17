//! Undoing one operation.

use super::{Decision, Refusal, Standing, holder};
use crate::board::change::{Field, TaskChange};
use crate::board::operation::{BoardOperation, Cause};
use crate::board::task::{Place, TimeKey};
use crate::id::{OperationId, TaskId};

/// An operation as the log has it.
#[derive(Clone, Copy, Debug)]
pub struct Logged<'a> {
    /// Its id.
    pub id: OperationId,
    /// What it did.
    pub operation: &'a BoardOperation,
}

/// Takes an operation back. `later` are the operations of the board after it, in their order.
///
/// # Errors
/// When something else changed the same fields since and nobody insists, or when there is no way
/// back from such an operation.
pub fn undo(standing: &Standing<'_>, logged: Logged<'_>, later: &[Logged<'_>]) -> Decision {
    let cause = Cause::Undo {
        operation: logged.id,
    };
    match logged.operation {
        BoardOperation::TaskAdded { task, .. } | BoardOperation::TaskAdopted { task } => {
            if matches!(logged.operation, BoardOperation::TaskAdopted { .. }) {
                return Err(Refusal::NotUndoable(logged.operation.word()));
            }
            let added = standing.board.tasks.get(&task.id);
            let added = added.ok_or(Refusal::NoTask(task.number))?;
            if let Some(newer) = later.iter().find(|newer| changed(newer, task.id).is_some())
                && !standing.force
            {
                return Err(Refusal::ChangedSince {
                    field: format!("task {}", added.number),
                    by: newer.id,
                });
            }
            let changes = vec![TaskChange::Place(Place::Removed)];
            Ok(standing.change_because(added, changes, cause, standing.force))
        }
        BoardOperation::TaskChanged { task, undo, .. } => {
            let known = standing.board.tasks.get(task);
            let known = known.ok_or(Refusal::NotUndoable(logged.operation.word()))?;
            // The instant of the change is not what anybody wants back.
            let stamp = Field::Time(TimeKey::LastUpdated);
            let changes: Vec<_> = undo
                .iter()
                .filter(|change| change.field() != stamp)
                .collect();
            if !standing.force {
                for newer in later {
                    let again = changed(newer, *task).into_iter().flatten();
                    for field in again.map(TaskChange::field) {
                        if changes.iter().any(|change| change.field() == field) {
                            return Err(Refusal::ChangedSince {
                                field: format!("{field} of task {}", known.number),
                                by: newer.id,
                            });
                        }
                    }
                }
            }
            for change in &changes {
                if let TaskChange::Number(number) = change
                    && let Some(taken) = holder(standing.board, *number)
                    && taken.id != *task
                {
                    return Err(Refusal::NumberTaken {
                        number: *number,
                        title: taken.title.clone(),
                    });
                }
            }
            let changes = changes.into_iter().cloned().collect();
            Ok(standing.change_because(known, changes, cause, standing.force))
        }
        other => Err(Refusal::NotUndoable(other.word())),
    }
}

/// The changes of this task that an operation makes.
fn changed<'a>(logged: &Logged<'a>, id: TaskId) -> Option<&'a [TaskChange]> {
    match logged.operation {
        BoardOperation::TaskChanged { task, changes, .. } if *task == id => Some(changes),
        _ => None,
    }
}
