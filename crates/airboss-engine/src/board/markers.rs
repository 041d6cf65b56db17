//! The phase markers of a task's plan on their way to the store.
//!
//! The plan is its author's, and only the markers in it are a board's: a person may set them, git
//! may bring them from another clone or another time, and both sides of a merge may stand there.

use airboss_core::board::{BoardKey, BoardOperation, Cause, Field, Task, TaskChange};
use airboss_core::id::TaskId;
use airboss_core::plan::PhaseStatus;

use super::files::{BoardFiles, pending, task_of};
use super::past::past_of;
use super::single;
use crate::projection::Found;
use crate::store::{Change, CommandId, Decided, PublishRow, Store, StoreError, Wanted};

/// A text of a plan, and the fields of its task that nothing is taken of from it.
struct Side<'a> {
    text: &'a [u8],
    silent: Vec<Field>,
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
        let settled = single::settled(found.text, &task);
        // Nothing was ever published to it: what it says was read from it, or is its author's.
        if since > 0 {
            let pending = pending(store, &board, task.id, since)?;
            // What is kept is nobody's but ours from then on, so that this is asked before.
            let is_git = self.writer(row, found).is_git();
            let differing = settled.as_ref().map(single::differing_markers);
            let texts = match &settled {
                None => vec![&**found.text],
                Some(settled) => vec![&*settled.ours, &*settled.theirs],
            };
            let sides = texts.into_iter().map(|text| {
                let mut silent = pending.clone();
                if is_git || differing.is_some() {
                    let mut older = markers_before(store, &board, &task, text)?;
                    // What is the same on both sides somebody may have typed beside them.
                    let is_merged =
                        |field: &Field| differing.iter().flatten().any(|it| it == field);
                    older.retain(|field| is_git || is_merged(field));
                    silent.extend(older);
                }
                Ok(Side { text, silent })
            });
            let sides: Vec<Side<'_>> = sides.collect::<Result<_, StoreError>>()?;
            let key = CommandId::new(key.to_owned());
            self.import_markers(store, row, (&board, &task), &sides, &key, notes)?;
        }
        if settled.is_some() {
            let reason = "git left both sides of a phase's marker there, and they were merged";
            let kept = CommandId::new(format!("{key} merged"));
            self.quarantine(store, &board, row, found.text, &reason, &kept, notes)?;
        }
        Ok(())
    }

    fn import_markers(
        &self,
        store: &mut dyn Store,
        row: &PublishRow,
        (board, known): (&BoardKey, &Task),
        sides: &[Side<'_>],
        key: &CommandId,
        notes: &mut Vec<String>,
    ) -> Result<(), StoreError> {
        let wanted = Wanted::Ids(vec![known.id]);
        let (mut late, mut both) = (Vec::new(), Vec::new());
        let decided = store.decide_board(board, Some(key), &wanted, &mut |standing| {
            let Some(task) = standing.board.tasks.get(&known.id) else {
                return Ok(Change::default());
            };
            let cause = Cause::HandEdit {
                path: row.path.clone(),
            };
            let mut changes: Vec<TaskChange> = Vec::new();
            (late, both) = (Vec::new(), Vec::new());
            for side in sides {
                let (typed, too_late) = single::typed_markers(side.text, known, task, &side.silent);
                late.extend(too_late.into_iter().map(|change| (change, side.text)));
                for change in typed {
                    match changes.iter().find(|it| it.field() == change.field()) {
                        None => changes.push(change),
                        Some(ours) if *ours == change => {}
                        Some(_) => both.push(change.field()),
                    }
                }
            }
            let operation = BoardOperation::change(task, changes, cause, false);
            Ok(self.change_of(board, &standing.board, operation.into_iter().collect())?)
        })?;
        let decided = self.looked(decided)?;
        if let (Some((change, text)), Some(repository)) = (late.first(), &self.repository) {
            let kept = repository.keep("conflict", text);
            let kept_as = kept.map_err(|error| self.not_kept(&error))?;
            notes.push(format!(
                "{}: {} was set by a command in the moment when somebody typed it; the command \
                 counts, and the text is kept as git blob {kept_as}",
                row.path,
                change.field()
            ));
        }
        if let Decided::Applied { .. } = decided {
            let path = &row.path;
            let told = both.iter();
            notes.extend(told.map(|field| format!("{path}: both sides set {field}; ours counts")));
        }
        Ok(())
    }
}

/// The phases whose markers in a text are those of an earlier time.
fn markers_before(
    store: &dyn Store,
    board: &BoardKey,
    task: &Task,
    text: &[u8],
) -> Result<Vec<Field>, StoreError> {
    let past = past_of(store, board, task.id)?;
    let changes = single::marker_changes(text, task, &[]);
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
