//! The tasks of one board.

use super::feed::{Feed, shown};
use crate::board::{
    Board, BoardKey, BoardOperation, Class, Place, Task, TaskStatus,
};
use crate::board::error::{ErrorEntry, FixStatus};
use crate::board::operation::Conflict;
use crate::id::OperationId;
use crate::operation::{Operation, StoredOperation};
use crate::time::Timestamp;

/// Unsettled errors that are kept: more than anybody reads one by one; `airboss errors` groups
/// them all.
const ERRORS_MAX: usize = 200;
/// Changes that are kept: several screens; `airboss log` has them all.
const CHANGES_MAX: usize = 200;

/// Tasks counted by what their status means. They add up to the total.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct TaskCounts {
    /// All that stand on the board.
    pub total: usize,
    /// Nothing is left to do.
    pub terminal: usize,
    /// Work is said to be under way.
    pub in_flight: usize,
    /// Work may be begun or continued.
    pub open: usize,
}

/// A change of the board.
#[derive(Clone, PartialEq, Debug)]
pub struct BoardChange {
    /// When.
    pub at: Timestamp,
    /// The operation.
    pub sequence: u64,
    /// The stable word of `airboss log`.
    pub word: &'static str,
    /// The task's number then, where it is about one.
    pub task: Option<u32>,
    /// The task's title, safe to show.
    pub title: String,
    /// The status that it came to, when that changed.
    pub status: Option<TaskStatus>,
}

/// A board.
#[derive(Clone, PartialEq, Debug)]
pub struct BoardScene {
    key: BoardKey,
    board: Board,
    counts: TaskCounts,
    errors_left_out: usize,
    changes: Feed<BoardChange>,
}

impl BoardScene {
    pub(super) fn new(key: BoardKey, board: Board) -> Self {
        let mut scene = Self {
            key,
            board,
            counts: TaskCounts::default(),
            errors_left_out: 0,
            changes: Feed::new(CHANGES_MAX),
        };
        scene.settle();
        scene
    }

    /// Takes the next operation of the board. One that it shows already changes nothing.
    pub(super) fn apply(&mut self, stored: &StoredOperation) {
        if stored.sequence <= self.board.sequence {
            return;
        }
        let Operation::Board { operation } = &stored.operation else {
            self.board.sequence = stored.sequence;
            return;
        };
        let id: OperationId = stored.id;
        let before = operation.task().and_then(|id| self.status(id));
        self.board.apply(stored.sequence, id, operation);
        let task = operation.task().and_then(|id| self.board.tasks.get(&id));
        let status = task.map(|task| task.status.clone());
        self.changes.push(BoardChange {
            at: stored.at,
            sequence: stored.sequence,
            word: operation.word(),
            task: task.map(|task| task.number),
            title: task.map_or_else(String::new, |task| shown(&task.title)),
            status: status.filter(|status| before.as_ref() != Some(status)),
        });
        if let BoardOperation::ErrorResolved { .. } | BoardOperation::ErrorRecorded { .. } =
            operation
        {
            self.trim_errors();
        }
        self.count();
    }

    fn status(&self, task: crate::id::TaskId) -> Option<TaskStatus> {
        let task = self.board.tasks.get(&task);
        task.map(|task| task.status.clone())
    }

    fn settle(&mut self) {
        self.trim_errors();
        self.count();
    }

    /// Errors that are fixed concern nobody here, and the oldest of very many neither.
    fn trim_errors(&mut self) {
        let errors = &mut self.board.errors;
        errors.retain(|error| error.fix_status != FixStatus::Fixed);
        let surplus = errors.len().saturating_sub(ERRORS_MAX);
        errors.drain(..surplus);
        self.errors_left_out += surplus;
    }

    /// A board has hundreds of tasks, so that all are counted.
    fn count(&mut self) {
        let mut counts = TaskCounts::default();
        for task in self.active() {
            counts.total += 1;
            match task.status.class() {
                Class::Terminal => counts.terminal += 1,
                Class::InFlight => counts.in_flight += 1,
                Class::Open => counts.open += 1,
            }
        }
        self.counts = counts;
    }

    fn active(&self) -> impl Iterator<Item = &Task> {
        let tasks = self.board.tasks.values();
        tasks.filter(|task| task.place == Place::Active)
    }

    /// Which board.
    #[must_use]
    pub fn key(&self) -> &BoardKey {
        &self.key
    }

    /// The board: what [`Board::apply`] makes of its log, without the errors that are fixed. Its
    /// texts are not made safe to show.
    #[must_use]
    pub fn board(&self) -> &Board {
        &self.board
    }

    /// Its tasks, counted.
    #[must_use]
    pub fn counts(&self) -> TaskCounts {
        self.counts
    }

    /// The tasks that are said to be worked on, by number.
    #[must_use]
    pub fn in_flight(&self) -> Vec<&Task> {
        let flown = |task: &&Task| task.status.class() == Class::InFlight;
        let mut tasks: Vec<&Task> = self.active().filter(flown).collect();
        tasks.sort_by_key(|task| task.number);
        tasks
    }

    /// The conflicts that nobody has settled.
    #[must_use]
    pub fn conflicts(&self) -> &[Conflict] {
        &self.board.conflicts
    }

    /// The errors that nobody has settled, the oldest first.
    #[must_use]
    pub fn errors(&self) -> &[ErrorEntry] {
        &self.board.errors
    }

    /// How many older ones are no longer kept.
    #[must_use]
    pub fn errors_left_out(&self) -> usize {
        self.errors_left_out
    }

    /// The newest changes since the scene began.
    #[must_use]
    pub fn changes(&self) -> &Feed<BoardChange> {
        &self.changes
    }
}
