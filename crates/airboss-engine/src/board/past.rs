//! What the log of a board says of one task's past.

use airboss_core::board::{Board, BoardKey, BoardOperation, Task, TaskChange};
use airboss_core::id::TaskId;
use airboss_core::operation::Operation;

use crate::store::{OperationQuery, Store, StoreError};

/// So many operations of one task are looked through for what it once was.
const HISTORY_MAX: usize = 10_000;

/// The operations of one task, from the first.
pub(super) fn log_of(board: &BoardKey, task: TaskId) -> OperationQuery {
    OperationQuery {
        plan: Some(board.log()),
        task: Some(task),
        limit: HISTORY_MAX,
        ..OperationQuery::default()
    }
}

/// A task as it was after an operation, from its log; `None` when that says nothing of it, or
/// more than is looked through.
pub(super) fn task_at(
    store: &dyn Store,
    board: &BoardKey,
    task: TaskId,
    sequence: u64,
) -> Result<Option<Task>, StoreError> {
    let mut then = Board::default();
    let log = store.operations(&log_of(board, task))?;
    if log.len() == HISTORY_MAX {
        return Ok(None);
    }
    for stored in log.iter().filter(|stored| stored.sequence <= sequence) {
        if let Operation::Board { operation } = &stored.operation {
            then.apply(stored.sequence, stored.id, operation);
        }
    }
    Ok(then.tasks.remove(&task))
}

/// Every change of a task that the log has.
pub(super) fn past_of(
    store: &dyn Store,
    board: &BoardKey,
    task: TaskId,
) -> Result<Vec<TaskChange>, StoreError> {
    let mut past = Vec::new();
    for stored in store.operations(&log_of(board, task))? {
        if let Operation::Board {
            operation: BoardOperation::TaskChanged { changes, .. },
        } = stored.operation
        {
            past.extend(changes);
        }
    }
    Ok(past)
}
