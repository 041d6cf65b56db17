//! Changes of a board, and the board as their fold.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::change::TaskChange;
use super::edit::Position;
use super::error::{ErrorEntry, FixStatus};
use super::task::{Place, Task};
use crate::id::{OperationId, TaskId};
use crate::operation::{Actor, PlanKey};
use crate::path::{RepoPath, RepoPathError};

/// What names a board at the top of the repository.
const TOP: &str = "TODO.md";

/// Which board: the path of its specs root. A board at the top of the repository, where older
/// ones are, is named by its TODO.md, because the top has no path of its own.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BoardKey(RepoPath);

impl BoardKey {
    /// The board in this directory.
    #[must_use]
    pub fn new(root: RepoPath) -> Self {
        Self(root)
    }

    /// The board whose files lie in the top of the repository.
    ///
    /// # Errors
    /// Never; the path is a constant.
    pub fn at_top() -> Result<Self, RepoPathError> {
        RepoPath::new(TOP).map(Self)
    }

    /// Its specs root; `None` for a board at the top of the repository.
    #[must_use]
    pub fn root(&self) -> Option<&RepoPath> {
        (self.0.as_str() != TOP).then_some(&self.0)
    }

    /// The path of something in its specs root.
    ///
    /// # Errors
    /// When the name leads elsewhere.
    pub fn file(&self, name: &str) -> Result<RepoPath, RepoPathError> {
        match self.root() {
            // Only the whole is checked: the name may be absolute or lead out of the root.
            Some(root) => RepoPath::new(name).and(RepoPath::new(&format!("{root}/{name}"))),
            None => RepoPath::new(name),
        }
    }

    /// The key under which its operations stand in the log.
    #[must_use]
    pub fn log(&self) -> PlanKey {
        PlanKey::new(self.0.clone())
    }
}

impl std::fmt::Display for BoardKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(formatter)
    }
}

/// Why a task changed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "why")]
pub enum Cause {
    /// A command.
    Command {
        /// Who gave it.
        actor: Actor,
    },
    /// The two files disagreed when the board was adopted.
    Reconciled {
        /// The rule that decided, in words.
        rule: String,
    },
    /// Somebody edited a file.
    HandEdit {
        /// The file.
        path: RepoPath,
    },
    /// A file came with an operation that another clone made.
    Foreign {
        /// The file.
        path: RepoPath,
        /// That operation.
        operation: Option<OperationId>,
    },
    /// An earlier operation was undone.
    Undo {
        /// Which.
        operation: OperationId,
    },
    /// It was brought back from a revision.
    Restored {
        /// The revision, as it was named.
        revision: String,
    },
    /// The other side of a conflict was taken.
    Resolved {
        /// The operation that recorded the conflict.
        conflict: OperationId,
    },
    /// The doctor's fix.
    Doctor,
}

/// One change of a board.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "what")]
pub enum BoardOperation {
    /// The board was taken as it was found, or begun.
    Adopted {
        /// The next number, where a file told it.
        next_number: Option<u32>,
        /// Tasks that both files agreed on, or that were reconciled afterwards.
        tasks: u32,
        /// How many disagreements there were.
        disagreements: u32,
    },
    /// A task was found in the files.
    TaskAdopted {
        /// As the files have it.
        task: Box<Task>,
    },
    /// A task was created.
    TaskAdded {
        /// The task.
        task: Box<Task>,
        /// Why.
        cause: Cause,
    },
    /// Fields of a task changed.
    TaskChanged {
        /// The task.
        task: TaskId,
        /// The new values.
        changes: Vec<TaskChange>,
        /// What gives them their old values again.
        undo: Vec<TaskChange>,
        /// Why.
        cause: Cause,
        /// The transition was not allowed, and was forced.
        forced: bool,
    },
    /// A task's entry was put elsewhere in TODO.md.
    TaskMoved {
        /// The task.
        task: TaskId,
        /// Where.
        to: Position,
    },
    /// The next task gets this number.
    NextNumberSet {
        /// The number.
        next: u32,
    },
    /// Two sides changed the same field, or a file's version could not be kept in place.
    ConflictFound {
        /// The task.
        task: TaskId,
        /// The file with the other side.
        path: RepoPath,
        /// What the board keeps.
        kept: Vec<TaskChange>,
        /// What the file said.
        other: Vec<TaskChange>,
        /// The git blob with the whole file, where there is a repository.
        blob: Option<String>,
    },
    /// A person settled a conflict.
    ConflictResolved {
        /// The operation that recorded it.
        conflict: OperationId,
        /// Whether the other side was taken.
        taken: bool,
    },
    /// Text that cannot be read, or that goes in a merge, was set aside.
    Quarantined {
        /// The file.
        path: RepoPath,
        /// The git blob with its bytes, or the file that holds them where there is no repository.
        kept_as: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Something failed.
    ErrorRecorded {
        /// What.
        entry: Box<ErrorEntry>,
    },
    /// A person worked on an error.
    ErrorResolved {
        /// Its id.
        id: String,
        /// How far.
        status: FixStatus,
    },
}

impl BoardOperation {
    /// The word for logs: the variant's name in snake case.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Adopted { .. } => "board_adopted",
            Self::TaskAdopted { .. } => "task_adopted",
            Self::TaskAdded { .. } => "task_added",
            Self::TaskChanged { .. } => "task_changed",
            Self::TaskMoved { .. } => "task_moved",
            Self::NextNumberSet { .. } => "next_number_set",
            Self::ConflictFound { .. } => "conflict_found",
            Self::ConflictResolved { .. } => "conflict_resolved",
            Self::Quarantined { .. } => "quarantined",
            Self::ErrorRecorded { .. } => "error_recorded",
            Self::ErrorResolved { .. } => "error_resolved",
        }
    }

    /// The task that it is about.
    #[must_use]
    pub fn task(&self) -> Option<TaskId> {
        match self {
            Self::TaskAdopted { task } | Self::TaskAdded { task, .. } => Some(task.id),
            Self::TaskChanged { task, .. }
            | Self::TaskMoved { task, .. }
            | Self::ConflictFound { task, .. } => Some(*task),
            _ => None,
        }
    }

    /// A change of a task by these values, with its inverse; `None` when nothing would change.
    #[must_use]
    pub fn change(
        before: &Task,
        changes: Vec<TaskChange>,
        cause: Cause,
        forced: bool,
    ) -> Option<Self> {
        let mut after = before.clone();
        let mut undo = Vec::with_capacity(changes.len());
        let mut effective = Vec::with_capacity(changes.len());
        for change in changes {
            if !change.is_vacuous(&after) {
                undo.push(change.inverse(&after));
                change.apply(&mut after);
                effective.push(change);
            }
        }
        undo.reverse();
        (!effective.is_empty()).then_some(Self::TaskChanged {
            task: before.id,
            changes: effective,
            undo,
            cause,
            forced,
        })
    }
}

/// A conflict that nobody has settled.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Conflict {
    /// The operation that recorded it, which names it.
    pub id: OperationId,
    /// The task.
    pub task: TaskId,
    /// The file with the other side.
    pub path: RepoPath,
    /// What the board keeps.
    pub kept: Vec<TaskChange>,
    /// What the file said.
    pub other: Vec<TaskChange>,
    /// The git blob with the whole file.
    pub blob: Option<String>,
}

/// A board: the fold of its operations.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Board {
    /// The number that the next task gets, unless it is taken.
    pub next_number: Option<u32>,
    /// Every task that it ever had.
    pub tasks: BTreeMap<TaskId, Task>,
    /// The conflicts that stand.
    pub conflicts: Vec<Conflict>,
    /// The errors that were recorded.
    pub errors: Vec<ErrorEntry>,
    /// The sequence number of its newest operation.
    pub sequence: u64,
}

impl Board {
    /// Takes in one operation. Pure and total: a change of a task that is not there is nothing.
    pub fn apply(&mut self, sequence: u64, id: OperationId, operation: &BoardOperation) {
        self.sequence = sequence;
        match operation {
            BoardOperation::Adopted { next_number, .. } => self.next_number = *next_number,
            BoardOperation::TaskAdopted { task } => {
                self.tasks.insert(task.id, (**task).clone());
            }
            BoardOperation::TaskAdded { task, .. } => {
                let mut task = (**task).clone();
                task.operation = Some(id);
                self.tasks.insert(task.id, task);
            }
            BoardOperation::TaskChanged { task, changes, .. } => {
                if let Some(task) = self.tasks.get_mut(task) {
                    for change in changes {
                        change.apply(task);
                    }
                    task.operation = Some(id);
                }
            }
            BoardOperation::NextNumberSet { next } => self.next_number = Some(*next),
            BoardOperation::ConflictFound {
                task,
                path,
                kept,
                other,
                blob,
            } => self.conflicts.push(Conflict {
                id,
                task: *task,
                path: path.clone(),
                kept: kept.clone(),
                other: other.clone(),
                blob: blob.clone(),
            }),
            BoardOperation::ConflictResolved { conflict, .. } => {
                self.conflicts.retain(|known| known.id != *conflict);
            }
            BoardOperation::ErrorRecorded { entry } => self.errors.push((**entry).clone()),
            BoardOperation::ErrorResolved { id, status } => {
                for entry in self.errors.iter_mut().filter(|entry| entry.id == *id) {
                    entry.fix_status = *status;
                }
            }
            BoardOperation::TaskMoved { .. } | BoardOperation::Quarantined { .. } => {}
        }
    }

    /// The tasks that stand on the board, by number.
    pub fn active(&self) -> impl Iterator<Item = &Task> {
        let mut tasks: Vec<_> = self
            .tasks
            .values()
            .filter(|task| task.place == Place::Active)
            .collect();
        tasks.sort_by_key(|task| (task.number, task.id));
        tasks.into_iter()
    }

    /// The task with this number: one that has it now, else one that had it; active ones first.
    #[must_use]
    pub fn find(&self, number: u32) -> Option<&Task> {
        let standing = self
            .tasks
            .values()
            .filter(|task| task.place != Place::Removed);
        let rank = |task: &&Task| {
            let has = task.number == number;
            let had = task.former_numbers.contains(&number);
            let active = task.place == Place::Active;
            match (has, had, active) {
                (true, _, true) => Some(0),
                (true, _, false) => Some(1),
                (false, true, true) => Some(2),
                (false, true, false) => Some(3),
                (false, false, _) => None,
            }
        };
        standing
            .filter_map(|task| Some((rank(&task)?, task)))
            .min_by_key(|(rank, task)| (*rank, task.id))
            .map(|(_, task)| task)
    }
}
