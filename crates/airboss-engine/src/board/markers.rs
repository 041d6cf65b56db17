//! The phase markers of a task's plan on their way to the store.
//!
//! The plan is its author's, and only the markers in it are a board's: a person may set them, git
//! may bring them from another clone or another time, and both sides of a merge may stand there.

use airboss_core::board::{BoardKey, BoardOperation, Cause, Field, Task, TaskChange};
use airboss_core::id::TaskId;
use airboss_core::plan::{PhaseStatus, settled};

use super::files::{BoardFiles, pending, task_of};
use super::past::past_of;
use super::single;
use crate::projection::Found;
use crate::store::{Change, CommandId, PublishRow, Store, StoreError, Wanted};

/// What is known of a task before a text of its plan is looked at.
struct Before<'a> {
    board: &'a BoardKey,
    task: &'a Task,
    /// What the file does not show yet.
    pending: Vec<Field>,
}

impl BoardFiles {
    /// Takes in the markers that somebody changed in a task's plan since an operation.
    ///
    /// Where git left both sides of a marker there, what either of them brings is taken in that the
    /// board never had.
    pub(super) fn take_in_plan(
        &self,
        store: &mut dyn Store,
        row: &PublishRow,
        (task, since): (TaskId, u64),
        found: Found<'_>,
        key: &str,
        notes: &mut Vec<String>,
    ) -> Result<(), StoreError> {
        let board = BoardKey::new(row.plan.path().clone());
        // Read before what is pending: what is stored from here on is seen by the difference.
        let Some(task) = task_of(store, &board, task)? else {
            return Ok(());
        };
        let mut before = Before {
            board: &board,
            task: &task,
            pending: pending(store, &board, task.id, since)?,
        };
        let Some(sides) = settled(found.text) else {
            if self.writer(row, found).is_git() {
                let older = markers_before(store, &before, found.text)?;
                before.pending.extend(older);
            }
            let key = CommandId::new(key.to_owned());
            return self.import_markers(store, row, &before, found.text, &key, notes);
        };
        let reason = "git left both sides of a phase's marker there, and nothing else differs";
        let kept = CommandId::new(key.to_owned());
        self.quarantine(store, &board, row, found.text, &reason, &kept, notes)?;
        for (side, text) in ["ours", "theirs"].into_iter().zip(&sides) {
            let mut pending = before.pending.clone();
            pending.extend(markers_before(store, &before, text)?);
            let before = Before { pending, ..before };
            let key = CommandId::new(format!("{key} {side}"));
            self.import_markers(store, row, &before, text, &key, notes)?;
        }
        Ok(())
    }

    fn import_markers(
        &self,
        store: &mut dyn Store,
        row: &PublishRow,
        before: &Before<'_>,
        text: &[u8],
        key: &CommandId,
        notes: &mut Vec<String>,
    ) -> Result<(), StoreError> {
        let (board, known) = (before.board, before.task);
        let wanted = Wanted::Ids(vec![known.id]);
        let mut late = Vec::new();
        let decided = store.decide_board(board, Some(key), &wanted, &mut |standing| {
            let Some(task) = standing.board.tasks.get(&known.id) else {
                return Ok(Change::default());
            };
            let cause = Cause::HandEdit {
                path: row.path.clone(),
            };
            let (changes, too_late) = single::typed_markers(text, known, task, &before.pending);
            late = too_late;
            let operation = BoardOperation::change(task, changes, cause, false);
            Ok(self.change_of(board, &standing.board, operation.into_iter().collect())?)
        })?;
        self.looked(decided)?;
        if let (Some(change), Some(repository)) = (late.first(), &self.repository) {
            let kept = repository.keep("conflict", text);
            let kept_as = kept.map_err(|error| self.not_kept(&error))?;
            notes.push(format!(
                "{}: {} was set by a command in the moment when somebody typed it; the command \
                 counts, and the text is kept as git blob {kept_as}",
                row.path,
                change.field()
            ));
        }
        Ok(())
    }
}

/// The phases whose markers in a text are those of an earlier time.
fn markers_before(
    store: &dyn Store,
    before: &Before<'_>,
    text: &[u8],
) -> Result<Vec<Field>, StoreError> {
    let past = past_of(store, before.board, before.task.id)?;
    let changes = single::marker_changes(text, before.task, &[]);
    let is_before = |change: &TaskChange| {
        let TaskChange::Phase(key, Some(state)) = change else {
            return false;
        };
        // What a plan begins with is no operation.
        state.status == PhaseStatus::NotStarted
            || past.iter().any(|old| {
                matches!(old, TaskChange::Phase(phase, Some(old))
                    if phase == key && old.status == state.status)
            })
    };
    let before = changes.iter().filter(|change| is_before(change));
    Ok(before.map(TaskChange::field).collect())
}
