//! Tasks for the tests of this module.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::facts::{Dependencies, TaskFacts};
use super::operation::{Board, BoardOperation};
use super::status::TaskStatus;
use super::task::{Place, Task};
use crate::id::{OperationId, TaskId};
use crate::time::Timestamp;

/// An instant some minutes after the beginning of the tests.
pub(crate) fn at(minutes: i64) -> Timestamp {
    Timestamp::from_millis(1_772_442_900_000 + minutes * 60_000)
}

/// A task's id; as ids of tasks that commands made, they sort by their number.
pub(crate) fn id(number: u128) -> TaskId {
    TaskId::from_uuid(Uuid::from_u128((number << 80) | (7 << 76) | (8 << 60)))
}

/// An operation's id; they sort by their number.
pub(crate) fn operation(number: u128) -> OperationId {
    OperationId::from_uuid(Uuid::from_u128((number << 80) | (7 << 76) | (8 << 60)))
}

/// A task with this number and status.
pub(crate) fn task(number: u32, status: &str) -> Task {
    Task {
        id: id(u128::from(number)),
        number,
        former_numbers: Vec::new(),
        title: format!("Task number {number}"),
        slug: format!("task_number_{number}"),
        status: TaskStatus::read(status),
        status_before: None,
        place: Place::Active,
        priority: None,
        language: None,
        effort: None,
        description: None,
        dependencies: Dependencies::default(),
        parent: None,
        subtasks: Vec::new(),
        times: BTreeMap::new(),
        blocked_reason: None,
        abandoned_reason: None,
        artifacts: Vec::new(),
        plan: None,
        phases: BTreeMap::new(),
        checked: None,
        workflow: None,
        operation: None,
    }
}

/// A task that waits for others.
pub(crate) fn waiting(number: u32, status: &str, numbers: &[u32]) -> Task {
    let mut task = task(number, status);
    task.dependencies.numbers = numbers.to_vec();
    task
}

/// A board with these tasks, as if they had been adopted.
pub(crate) fn board(tasks: impl IntoIterator<Item = Task>) -> Board {
    let mut board = Board::default();
    for (sequence, task) in (1..).zip(tasks) {
        let task = Box::new(task);
        board.apply(
            sequence,
            operation(u128::from(sequence)),
            &BoardOperation::TaskAdopted { task },
        );
    }
    board
}

/// The board after these operations.
pub(crate) fn after(board: &Board, operations: &[BoardOperation]) -> Board {
    let mut board = board.clone();
    for change in operations {
        let sequence = board.sequence + 1;
        board.apply(sequence, operation(u128::from(sequence)), change);
    }
    board
}
/// What a file says of a task: a number and a status.
pub(crate) fn facts(number: u32, status: &str) -> TaskFacts {
    TaskFacts {
        number,
        status: (!status.is_empty()).then(|| TaskStatus::read(status)),
        status_text: (!status.is_empty()).then(|| status.to_owned()),
        line: number as usize * 10,
        ..TaskFacts::default()
    }
}

/// How many cases a property is tried with: so many in an ordinary run, or as many as
/// `PROPTEST_CASES` asks for, which proptest reads.
pub(crate) fn cases(usual: u32) -> u32 {
    /// What proptest tries when nothing is asked for.
    const DEFAULT: u32 = 256;
    match proptest::test_runner::Config::default().cases {
        DEFAULT => usual,
        wanted => wanted,
    }
}
