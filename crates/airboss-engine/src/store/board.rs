//! Boards in the store: what is asked, what is answered, and the rules that all stores share.
//!
//! A board's operations stand in the same log as those of plans. Everything about a board but
//! its sequence number is `Board::apply`.

use std::collections::{BTreeMap, BTreeSet};

use airboss_core::board::{
    Board, BoardOperation, Field, Position, Task, TaskChange, TaskFacts, TaskStatus,
};
use airboss_core::id::{OperationId, TaskId};
use airboss_core::operation::{Operation, StoredOperation};
use airboss_core::path::RepoPath;
use airboss_core::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Change, Publication, Refusal};

/// Which part of a board is read. Its next number, its conflicts and its sequence number always
/// are; its errors only where it is said.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Wanted {
    /// The tasks that have or had these numbers, and those that they wait for. On this part
    /// [`Board::find`] answers for these numbers as on the whole board.
    Tasks(Vec<u32>),
    /// As [`Wanted::Tasks`], and the tasks that wait for them.
    TasksAndDependents(Vec<u32>),
    /// The tasks with these ids, and those that they wait for.
    Ids(Vec<TaskId>),
    /// No tasks, but the errors.
    Errors,
    /// The whole board.
    All,
}

/// What a decision about a board sees, inside its transaction.
#[derive(Clone, PartialEq, Debug)]
pub struct BoardStanding {
    /// The wanted part of the board; empty, with the sequence number 0, before there is one.
    pub board: Board,
    /// The board's next number, or else one after the highest that a standing task has or had.
    pub next_number: u32,
    /// The numbers from `next_number` on that standing tasks have or had.
    pub taken: BTreeSet<u32>,
    /// The store's clock: the instant that the operations will carry.
    pub now: Timestamp,
}

impl BoardStanding {
    /// The numbers for new tasks, in order.
    pub fn free_numbers(&self) -> impl Iterator<Item = u32> {
        (self.next_number..=u32::MAX).filter(|number| !self.taken.contains(number))
    }
}

/// Decides about a board. It may be asked more than once and must not act.
pub type DecideBoard<'a> = dyn FnMut(&BoardStanding) -> Result<Change, Refusal> + 'a;

/// A board without its tasks.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct BoardHead {
    /// The number that the next task gets, unless it is taken.
    pub next_number: Option<u32>,
    /// The sequence number of its newest operation.
    pub sequence: u64,
    /// When that was stored.
    pub updated_at: Timestamp,
    /// The active tasks counted by status.
    pub active: BTreeMap<TaskStatus, usize>,
}

/// What changed on a board after an operation.
#[derive(Clone, PartialEq, Debug)]
pub struct BoardChanges {
    /// The number that the next task gets, unless it is taken.
    pub next_number: Option<u32>,
    /// The sequence number of the board's newest operation: up to which this is everything.
    pub sequence: u64,
    /// When that was stored.
    pub updated_at: Timestamp,
    /// The tasks that changed, in the order of their newest change.
    pub tasks: Vec<TaskDelta>,
}

/// What changed about one task.
#[derive(Clone, PartialEq, Debug)]
pub struct TaskDelta {
    /// The task as it is now.
    pub task: Task,
    /// Whether it was not on the board before.
    pub appeared: Option<Appeared>,
    /// The fields that were changed, each once, in the order of their first change. When the
    /// list that it stands in is another one, [`Field::Place`] is among them.
    pub fields: Vec<Field>,
    /// The number that it had before, when it was changed.
    pub number_before: Option<u32>,
    /// Where it was moved to last.
    pub moved: Option<Position>,
    /// The sequence number of its newest change.
    pub sequence: u64,
}

/// How a task came to the board.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Appeared {
    /// It was found in the files.
    Adopted,
    /// It was created.
    Added,
}

/// What the file system said of a file, to see that nobody touched it since.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FileStamp {
    /// Its length in bytes.
    pub size: u64,
    /// When its content was changed, in nanoseconds since 1970.
    pub mtime_ns: i64,
    /// Its inode.
    pub ino: u64,
    /// When anything of it was changed, in nanoseconds since 1970.
    pub ctime_ns: i64,
}

/// What was published of one task to one file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Section {
    /// The task.
    pub task: TaskId,
    /// The hash of its text in the file.
    pub hash: String,
    /// The newest operation that the text shows.
    pub sequence: u64,
    /// What the text says. Where it stands in the file is not kept.
    pub facts: TaskFacts,
}

/// The text of tasks that a file was found to hold.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FoundSections {
    /// The file.
    pub path: RepoPath,
    /// The text. With the sequence number 0 it counts as showing the board's newest operation,
    /// that of the change itself.
    pub sections: Vec<Section>,
}

impl Section {
    /// Its sequence number, or the common one when it has none of its own.
    pub(super) fn sequence_or(&self, common: Option<u64>) -> u64 {
        common
            .filter(|_| self.sequence == 0)
            .unwrap_or(self.sequence)
    }
}

/// What a file of a board shows now.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BoardPublication {
    /// The file.
    pub path: RepoPath,
    /// The newest operation that it shows.
    pub up_to: u64,
    /// The hash of its content.
    pub hash: String,
    /// What the file system says of it.
    pub stamp: Option<FileStamp>,
    /// Whether every text in it is the one that is remembered of its task, with `sections`, and no
    /// number stands in it twice.
    pub is_current: bool,
    /// The text of tasks that is new or was not known; the other tasks' stays as recorded.
    pub sections: Vec<Section>,
    /// The tasks that are not in this file any more.
    pub forget: Vec<TaskId>,
}

impl BoardPublication {
    /// What is kept of the file as a whole.
    pub(super) fn shown(&self) -> Publication {
        Publication {
            sequence: self.up_to,
            hash: self.hash.clone(),
            stamp: self.stamp,
            is_current: self.is_current,
        }
    }
}

/// Takes in one operation from the log of a board.
pub(super) fn fold(board: &mut Board, stored: &StoredOperation) {
    match &stored.operation {
        Operation::Board { operation } => board.apply(stored.sequence, stored.id, operation),
        // The commits of a board's changes, for example, are on its log and not of its state.
        _ => board.sequence = stored.sequence,
    }
}

/// Whether a change can be stored in the log of a plan or a board, or begin one.
///
/// `is_board` is `None` when there is no such log; the answer says which it is or becomes.
pub(super) fn check_stream(is_board: Option<bool>, change: &Change) -> Result<bool, String> {
    let of_board = |operation: &Operation| matches!(operation, Operation::Board { .. });
    let is_board = match (is_board, change.operations.first()) {
        (Some(is_board), _) => is_board,
        (
            None,
            Some(Operation::Board {
                operation: BoardOperation::Adopted { .. },
            }),
        ) => true,
        (None, Some(Operation::Board { .. })) => {
            return Err("a board is changed that was not adopted".to_owned());
        }
        (None, _) => false,
    };
    if !is_board && (change.operations.iter().any(of_board) || !change.found.is_empty()) {
        return Err("a plan is changed as if it were a board".to_owned());
    }
    let of_plan = |operation: &Operation| matches!(operation, Operation::PlanRegistered { .. });
    if is_board && change.operations.iter().any(of_plan) {
        return Err("a board is registered as if it were a plan".to_owned());
    }
    Ok(is_board)
}

/// Whether a change begins a board; `false` when it is nothing but an answer.
pub(super) fn begins_board(change: &Change) -> Result<bool, String> {
    if *change == Change::answer(change.result.clone()) {
        return Ok(false);
    }
    match check_stream(None, change)? {
        true => Ok(true),
        false => Err("a board is changed that was not adopted".to_owned()),
    }
}

/// What the operations of a log did to tasks, without the tasks.
#[derive(Default)]
pub(super) struct Deltas(BTreeMap<TaskId, Delta>);

#[derive(Default)]
struct Delta {
    appeared: Option<Appeared>,
    fields: Vec<Field>,
    number_before: Option<u32>,
    moved: Option<Position>,
    sequence: u64,
}

impl Deltas {
    /// Takes in the next operation of a board's log.
    pub(super) fn note(&mut self, sequence: u64, operation: &Operation) {
        let Operation::Board { operation } = operation else {
            return;
        };
        let Some(task) = operation.task() else {
            return;
        };
        if matches!(operation, BoardOperation::ConflictFound { .. }) {
            return; // The board keeps what it has.
        }
        let delta = self.0.entry(task).or_default();
        delta.sequence = sequence;
        match operation {
            BoardOperation::TaskAdopted { .. } => delta.appeared = Some(Appeared::Adopted),
            BoardOperation::TaskAdded { .. } => delta.appeared = Some(Appeared::Added),
            BoardOperation::TaskMoved { to, .. } => delta.moved = Some(to.clone()),
            BoardOperation::TaskChanged { changes, undo, .. } => {
                for field in changes.iter().map(TaskChange::field) {
                    if !delta.fields.contains(&field) {
                        delta.fields.push(field);
                    }
                }
                // The inverse is in reverse order, so that its last number was the first.
                let before = undo.iter().rev().find_map(|change| match change {
                    TaskChange::Number(number) => Some(*number),
                    _ => None,
                });
                delta.number_before = delta.number_before.or(before);
            }
            _ => {}
        }
    }

    /// The tasks that were named.
    pub(super) fn tasks(&self) -> impl Iterator<Item = TaskId> {
        self.0.keys().copied()
    }

    /// Puts the tasks to what happened to them; one that the board does not know is left out.
    pub(super) fn with(self, mut tasks: BTreeMap<TaskId, Task>) -> Vec<TaskDelta> {
        let mut deltas: Vec<TaskDelta> = self
            .0
            .into_iter()
            .filter_map(|(id, delta)| {
                Some(TaskDelta {
                    task: tasks.remove(&id)?,
                    appeared: delta.appeared,
                    fields: delta.fields,
                    number_before: delta.number_before,
                    moved: delta.moved,
                    sequence: delta.sequence,
                })
            })
            .collect();
        deltas.sort_by_key(|delta| delta.sequence);
        deltas
    }
}

/// How the task is found that an operation concerns, beside those that it names itself.
pub(super) enum Concern {
    /// Nothing else.
    Task(Option<TaskId>),
    /// The task of this conflict.
    Conflict(OperationId),
    /// The task with this number.
    Number(u32),
    /// The task of this earlier operation.
    Operation(u64),
}

/// Under which task an operation is found again.
pub(super) fn concern(operation: &Operation) -> Concern {
    match operation {
        Operation::CommitMade { sequence, .. } | Operation::CommitDeferred { sequence, .. } => {
            Concern::Operation(*sequence)
        }
        Operation::Board { operation } => match operation {
            BoardOperation::ConflictResolved { conflict, .. } => Concern::Conflict(*conflict),
            BoardOperation::ErrorRecorded { entry } => match entry.context.task {
                Some(number) => Concern::Number(number),
                None => Concern::Task(None),
            },
            other => Concern::Task(other.task()),
        },
        _ => Concern::Task(None),
    }
}
