//! From operations to what they ask of the files: one list of edits for publishing and commits.

use airboss_core::board::{
    BoardOperation, Edit, Field, Place, Position, Task, TaskChange, TimeKey,
};
use airboss_core::id::TaskId;
use airboss_core::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::store::{Appeared, BoardChanges, TaskDelta};

/// What operations ask of the entry of one task.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TaskEdit {
    /// The task as the operations left it.
    pub task: Task,
    /// The fields that they changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<Field>,
    /// Whether it was created.
    #[serde(default)]
    pub added: bool,
    /// The number that it had before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number_before: Option<u32>,
    /// Where its entry was put last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved: Option<Position>,
    /// How many operations of the same change came after the last one of this task.
    #[serde(default)]
    pub operations_after: u64,
}

/// What operations ask of the files of a board.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct BoardEdits {
    /// By task, in the order of their first change.
    pub tasks: Vec<TaskEdit>,
    /// The next number, when it was set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_number: Option<u32>,
    /// The instant of the newest operation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
}

impl From<BoardChanges> for BoardEdits {
    fn from(changes: BoardChanges) -> Self {
        Self {
            tasks: changes.tasks.into_iter().map(TaskEdit::from).collect(),
            next_number: changes.next_number,
            at: Some(changes.updated_at),
        }
    }
}

impl From<TaskDelta> for TaskEdit {
    fn from(delta: TaskDelta) -> Self {
        let mut edit = Self {
            task: delta.task,
            fields: delta.fields,
            added: delta.appeared == Some(Appeared::Added),
            number_before: delta.number_before,
            moved: delta.moved,
            operations_after: 0,
        };
        edit.touch();
        edit
    }
}

impl BoardEdits {
    /// What these operations ask for, which are about to be stored at `at`.
    ///
    /// `task` tells how a task was before them; one that they create needs no answer.
    pub fn of_operations<'a>(
        operations: impl IntoIterator<Item = &'a BoardOperation>,
        at: Timestamp,
        task: impl Fn(TaskId) -> Option<Task>,
    ) -> Self {
        let mut edits = Self {
            at: Some(at),
            ..Self::default()
        };
        for operation in operations {
            for edit in &mut edits.tasks {
                edit.operations_after += 1;
            }
            match operation {
                BoardOperation::NextNumberSet { next } => edits.next_number = Some(*next),
                BoardOperation::TaskAdded { task, .. } => {
                    let mut edit = TaskEdit::new((**task).clone());
                    edit.added = true;
                    edits.tasks.push(edit);
                }
                BoardOperation::TaskChanged { task: id, .. }
                | BoardOperation::TaskMoved { task: id, .. } => {
                    let known = edits.tasks.iter().position(|edit| edit.task.id == *id);
                    let place = known.or_else(|| {
                        edits.tasks.push(TaskEdit::new(task(*id)?));
                        Some(edits.tasks.len() - 1)
                    });
                    if let Some(edit) = place.and_then(|place| edits.tasks.get_mut(place)) {
                        edit.take_in(operation);
                        edit.operations_after = 0;
                    }
                }
                _ => {}
            }
        }
        edits
    }

    /// Adds what is asked of one task to what is asked of it already.
    pub(super) fn add(&mut self, edit: TaskEdit) {
        let mut known = self.tasks.iter_mut();
        let Some(known) = known.find(|known| known.task.id == edit.task.id) else {
            self.tasks.push(edit);
            return;
        };
        known.added |= edit.added;
        known.number_before = known.number_before.or(edit.number_before);
        for field in edit.fields {
            if !known.fields.contains(&field) {
                known.fields.push(field);
            }
        }
    }

    /// As edits of TODO.md or of the state.json of the board.
    #[must_use]
    pub fn for_file(&self) -> Vec<Edit<'_>> {
        let mut edits: Vec<_> = self.tasks.iter().flat_map(TaskEdit::for_file).collect();
        // Without a change of a task the file is as old as it was.
        if !edits.is_empty() {
            edits.extend(self.at.map(Edit::LastUpdated));
        }
        edits.extend(self.next_number.map(Edit::NextNumber));
        edits
    }
}

impl TaskEdit {
    /// Nothing is asked for yet.
    #[must_use]
    pub fn new(task: Task) -> Self {
        Self {
            task,
            fields: Vec::new(),
            added: false,
            number_before: None,
            moved: None,
            operations_after: 0,
        }
    }

    /// Whatever changes, changes the instant of the last change with it.
    fn touch(&mut self) {
        let touched = Field::Time(TimeKey::LastUpdated);
        if !self.fields.is_empty() && !self.fields.contains(&touched) {
            self.fields.push(touched);
        }
    }

    fn take_in(&mut self, operation: &BoardOperation) {
        match operation {
            BoardOperation::TaskMoved { to, .. } => self.moved = Some(to.clone()),
            BoardOperation::TaskChanged { changes, .. } => {
                let number = self.task.number;
                for change in changes {
                    change.apply(&mut self.task);
                    if let TaskChange::Number(_) = change {
                        self.number_before.get_or_insert(number);
                    }
                }
                // In the order of the changes, as the store has them for publishing: members that
                // are new in state.json stand in this order, in the file and in the commit.
                for field in changes.iter().map(TaskChange::field) {
                    if !self.fields.contains(&field) {
                        self.fields.push(field);
                    }
                }
                self.touch();
            }
            _ => {}
        }
    }

    /// The number under which the files have it before this edit.
    #[must_use]
    pub fn number_in_file(&self) -> u32 {
        self.number_before.unwrap_or(self.task.number)
    }

    /// As edits of TODO.md or of the state.json of the board.
    #[must_use]
    pub fn for_file(&self) -> Vec<Edit<'_>> {
        let task = &self.task;
        if task.place != Place::Active {
            let number = self.number_in_file();
            // One that was found in the archive stands where it stood.
            let moved = self.fields.contains(&Field::Place);
            return moved
                .then_some(Edit::Remove { number })
                .into_iter()
                .collect();
        }
        let mut edits = Vec::new();
        if let Some(from) = self.number_before.filter(|from| *from != task.number) {
            edits.push(Edit::Renumber { from, task });
        }
        if self.added || self.fields.contains(&Field::Place) {
            edits.push(Edit::Add { task });
        }
        if !self.fields.is_empty() {
            let fields = &self.fields;
            edits.push(Edit::Change { task, fields });
        }
        if let Some(to) = &self.moved {
            let number = task.number;
            edits.push(Edit::Move { number, to });
        }
        edits
    }
}
