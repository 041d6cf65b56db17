//! The past of a board, from its log and the register of what was published.

use std::collections::{BTreeMap, BTreeSet};

use crate::board::change::{Field, TaskChange};
use crate::board::compare;
use crate::board::operation::BoardOperation;
use crate::board::task::Task;
use crate::id::{OperationId, TaskId};

/// What the log and the register of renderings know.
pub trait History {
    /// The operation up to which the rendering with this hash was published in this file, the
    /// first time that it was.
    fn section(&self, hash: &str) -> Option<u64>;
    /// The place of an operation in the log.
    fn operation(&self, id: OperationId) -> Option<u64>;
    /// The fields of a task that operations after this one changed.
    fn changed_since(&self, task: TaskId, sequence: u64) -> Vec<Field>;
    /// Whether a task ever was as a change would make it.
    fn had(&self, task: TaskId, change: &TaskChange) -> bool;
    /// Whether a task was as `shown` says after one of the operations that came after this one; it
    /// is also told the fields that were changed until then. Only what may have been the newest
    /// when the file was written counts.
    fn was(
        &self,
        task: TaskId,
        after: u64,
        shown: &dyn Fn(&Task, &BTreeSet<Field>) -> bool,
    ) -> bool;
}

/// A [`History`] in memory.
#[derive(Clone, Debug, Default)]
pub struct Past {
    sections: BTreeMap<String, u64>,
    operations: BTreeMap<OperationId, u64>,
    /// With the operation that it began with.
    beginnings: BTreeMap<TaskId, (u64, Task)>,
    changes: BTreeMap<TaskId, Vec<(u64, TaskChange)>>,
    /// See [`Past::know_long`].
    long_known: BTreeMap<TaskId, u64>,
}

impl Past {
    /// Takes in the next operation of the board.
    pub fn record(&mut self, sequence: u64, id: OperationId, operation: &BoardOperation) {
        self.operations.insert(id, sequence);
        match operation {
            BoardOperation::TaskAdopted { task } | BoardOperation::TaskAdded { task, .. } => {
                if let Some(operation) = task.operation {
                    // What it was adopted with is known, too: it is as old as the adoption.
                    self.operations.entry(operation).or_insert(sequence);
                }
                self.beginnings
                    .insert(task.id, (sequence, (**task).clone()));
            }
            BoardOperation::TaskChanged { task, changes, .. } => {
                let known = self.changes.entry(*task).or_default();
                known.extend(changes.iter().map(|change| (sequence, change.clone())));
            }
            _ => {}
        }
    }

    /// Remembers the newest operation of a task that was stored long before the file in hand was
    /// written: whoever wrote it for the board knew that one.
    pub fn know_long(&mut self, task: TaskId, sequence: u64) {
        self.long_known.insert(task, sequence);
    }

    /// Remembers that a section was published, the first time.
    pub fn publish(&mut self, hash: &str, sequence: u64) {
        self.sections.entry(hash.to_owned()).or_insert(sequence);
    }
}

impl History for Past {
    fn section(&self, hash: &str) -> Option<u64> {
        self.sections.get(hash).copied()
    }

    fn operation(&self, id: OperationId) -> Option<u64> {
        self.operations.get(&id).copied()
    }

    fn changed_since(&self, task: TaskId, sequence: u64) -> Vec<Field> {
        let changes = self.changes.get(&task).into_iter().flatten();
        let newer = changes.filter(|(at, _)| *at > sequence);
        newer.map(|(_, change)| change.field()).collect()
    }

    fn was(
        &self,
        task: TaskId,
        after: u64,
        shown: &dyn Fn(&Task, &BTreeSet<Field>) -> bool,
    ) -> bool {
        let Some((began, mut then)) = self.beginnings.get(&task).cloned() else {
            return false;
        };
        let long_known = self.long_known.get(&task).copied().unwrap_or(0);
        let changes = self.changes.get(&task).map_or(&[][..], Vec::as_slice);
        let changes = changes.chunk_by(|one, next| one.0 == next.0);
        let mut changed = BTreeSet::new();
        let mut groups = changes.filter(|group| group[0].0 > began);
        groups.any(|group| {
            let sequence = group[0].0;
            for (_, change) in group {
                change.apply(&mut then);
                changed.extend((sequence > after).then(|| change.field()));
            }
            sequence >= long_known && !changed.is_empty() && shown(&then, &changed)
        })
    }

    fn had(&self, task: TaskId, change: &TaskChange) -> bool {
        let began = self.beginnings.get(&task);
        began.is_some_and(|(_, task)| compare::is_so(change, task))
            || self
                .changes
                .get(&task)
                .is_some_and(|changes| changes.iter().any(|(_, old)| compare::alike(old, change)))
    }
}
