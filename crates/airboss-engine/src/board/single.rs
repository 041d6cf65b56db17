//! The files beside the two lists: a task's state.json and plan, the archive, errors.json.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use airboss_core::board::error::ErrorEntry;
use airboss_core::board::errors_file;
use airboss_core::board::project_state;
use airboss_core::board::state_file::archive::{self, ArchiveEdit};
use airboss_core::board::{BoardKey, Field, PhaseState, Place, Task, TaskChange, TimeKey};
use airboss_core::plan::{self, Plan, Settled, Stamps, set_phase_cell, set_phase_status};
use airboss_core::time::Timestamp;

use super::edits::{BoardEdits, TaskEdit};
use super::places::Places;
use crate::projection::Content;
use crate::store::{PublishRow, Store, StoreError};

fn written(base: Option<&[u8]>, new: Vec<u8>) -> Content {
    if base == Some(&new) {
        Content::UpToDate
    } else {
        Content::Write(new.into())
    }
}

/// The plan's text with the markers that were set for the task. A phase that is not there, or
/// there twice, is left alone: the plan is its author's.
///
/// Where git left both sides of such a marker, one of them goes.
pub(super) fn phase_markers(base: &[u8], task: &Task) -> Vec<u8> {
    let (mut bytes, merged) = match settled(base, task) {
        Some(settled) => (settled.ours, settled.phases),
        None => (base.to_vec(), BTreeSet::new()),
    };
    let plan = Plan::parse(&bytes);
    for (key, state) in &task.phases {
        let Ok(known) = plan.phase(key) else {
            continue;
        };
        let edited = if known.status != state.status {
            let text = |at: Option<Timestamp>| at.map(Timestamp::seconds_text);
            let (started, completed) = (text(state.started), text(state.completed));
            let stamps = Stamps {
                started: started.as_deref(),
                completed: completed.as_deref(),
            };
            set_phase_status(&bytes, key, state.status, stamps)
        } else if merged.contains(key) {
            // The side that stays may have another's cell.
            set_phase_cell(&bytes, key, state.status)
        } else {
            continue;
        };
        if let Ok(edited) = edited {
            bytes = edited;
        }
    }
    bytes
}

/// The plan without what git left in it of both sides of a merge, where these differ only in what
/// was set for the task; `None` where there is nothing of that kind.
pub(super) fn settled(base: &[u8], task: &Task) -> Option<Settled> {
    plan::settled(base, &|phase| task.phases.contains_key(phase))
}

/// The phases that the two sides have with different markers.
pub(super) fn differing_markers(settled: &Settled) -> Vec<Field> {
    let plans = [&settled.ours, &settled.theirs].map(|text| Plan::parse(text));
    let [one, other] = &plans;
    let status = |plan: &Plan, key: &str| plan.phase(key).ok().map(|phase| phase.status);
    let keys = settled.phases.iter();
    let keys = keys.filter(|key| status(one, key) != status(other, key));
    keys.map(|key| Field::Phase(key.clone())).collect()
}

pub(super) fn phase_markers_content(base: &[u8], task: &Task) -> Content {
    written(Some(base), phase_markers(base, task))
}

/// What somebody changed about the markers that were set for the task. `pending` are the fields
/// that the file does not show yet.
pub(super) fn marker_changes(base: &[u8], task: &Task, pending: &[Field]) -> Vec<TaskChange> {
    let plan = Plan::parse(base);
    let changed = task.phases.iter().filter_map(|(key, state)| {
        let phase = plan.phase(key).ok()?;
        if phase.status == state.status || pending.contains(&Field::Phase(key.clone())) {
            return None;
        }
        let state = PhaseState {
            status: phase.status,
            ..*state
        };
        Some(TaskChange::Phase(key.clone(), Some(state)))
    });
    changed.collect()
}

/// The same of a task that was `known` when what is pending was asked for. What another process
/// has set since is newer than the file, and nobody typed what was there before. The second are
/// those that somebody typed in the same moment: they come too late.
pub(super) fn typed_markers(
    base: &[u8],
    known: &Task,
    task: &Task,
    pending: &[Field],
) -> (Vec<TaskChange>, Vec<TaskChange>) {
    let before = marker_changes(base, known, pending);
    let was_typed = |change: &TaskChange| before.iter().any(|it| it.field() == change.field());
    let changes = marker_changes(base, task, pending).into_iter();
    let is_as_known = |change: &TaskChange| change.inverse(known) == change.inverse(task);
    let (typed, mut late): (Vec<_>, Vec<_>) = changes.partition(is_as_known);
    late.retain(was_typed);
    (typed, late)
}

/// The task's own state.json; `None` when it cannot be edited.
pub(super) fn project_state(base: &[u8], task: &Task) -> Option<Vec<u8>> {
    project_state::edit(base, task).ok()
}

pub(super) fn project_state_content(base: Option<&[u8]>, task: &Task) -> Content {
    match base {
        None => Content::Write(project_state::new_file(task).into()),
        Some(bytes) => match project_state::edit(bytes, task) {
            Ok(new) => written(base, new),
            Err(error) => Content::Refused(error.to_string()),
        },
    }
}

/// The state.json of the archive with the tasks that came and went; `None` when it is damaged.
/// `paths` are [`base_paths`].
pub(super) fn archive(base: &[u8], edits: &BoardEdits, paths: &[String]) -> Option<Vec<u8>> {
    let mut list = Vec::new();
    for (edit, directory) in moved(edits).zip(paths) {
        let task = &edit.task;
        list.push(match task.place {
            Place::Archived => ArchiveEdit::Add {
                task,
                base_path: directory,
            },
            Place::Active | Place::Removed => ArchiveEdit::Remove { task },
        });
    }
    Some(archive::edit(base, &list).ok()?.bytes)
}

/// What the state.json of the archive has to say now.
pub(super) fn archive_row(
    store: &dyn Store,
    top: &Path,
    board: &BoardKey,
    row: &PublishRow,
    base: Option<&[u8]>,
) -> Result<(Content, u64), StoreError> {
    let since = store.publication(&row.plan, &row.path)?;
    let since = since.map_or(0, |published| published.sequence);
    let Some(changes) = store.changed_since(board, since)? else {
        return Ok((Content::Gone, row.sequence));
    };
    let (up_to, edits) = (changes.sequence, BoardEdits::from(changes));
    let places = Places::new(top, board).map_err(io::Error::other);
    let paths = places.and_then(|places| base_paths(&edits, &places));
    let content = match paths {
        Ok(paths) => archive_content(base, &edits, &paths),
        Err(error) => Content::Refused(error.to_string()),
    };
    Ok((content, up_to))
}

/// The tasks that came into the archive or went out of it.
fn moved(edits: &BoardEdits) -> impl Iterator<Item = &TaskEdit> {
    let edits = edits.tasks.iter();
    edits.filter(|edit| edit.fields.contains(&Field::Place))
}

/// Where the archive says that the directory of each task is that came or went: under the name that
/// it has already.
///
/// # Errors
/// When the directories cannot be read: what is said of them stays said.
pub(super) fn base_paths(edits: &BoardEdits, places: &Places) -> io::Result<Vec<String>> {
    let path = |edit: &TaskEdit| {
        let task = &edit.task;
        let directory = places.look_for_directory(task)?;
        let name = directory.as_ref().and_then(|path| path.rsplit('/').next());
        Ok(match name {
            Some(name) => format!("archive/{name}/"),
            None => format!("archive/{:03}_{}/", task.number, task.slug),
        })
    };
    moved(edits).map(path).collect()
}

pub(super) fn archive_content(
    base: Option<&[u8]>,
    edits: &BoardEdits,
    paths: &[String],
) -> Content {
    let fresh;
    let is_archived = |edit: &TaskEdit| edit.task.place == Place::Archived;
    let from = match base {
        Some(base) => base,
        // A task that leaves the board for good begins no archive.
        None if !edits.tasks.iter().any(is_archived) => return Content::Gone,
        None => {
            // The instant of the change, so that the file and the commit say the same whenever
            // each of them is made.
            let archived = edits.tasks.iter().filter(|edit| is_archived(edit));
            let times = archived.filter_map(|edit| edit.task.times.get(&TimeKey::Archived));
            let begun = times.min().copied().or(edits.at);
            fresh = archive::new_archive(begun.unwrap_or_default());
            &fresh
        }
    };
    match archive(from, edits, paths) {
        Some(new) => written(base, new),
        None => Content::Refused("it cannot be read as the state of an archive".to_owned()),
    }
}

pub(super) fn errors_content(base: Option<&[u8]>, errors: &[ErrorEntry]) -> Content {
    match errors_file::update(base, errors) {
        Ok(new) => written(base, new),
        Err(error) => Content::Refused(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use airboss_core::plan::PhaseStatus;

    use super::*;
    use crate::store::suite::boards::task;

    #[test]
    fn what_another_process_sets_while_a_plan_is_looked_at_is_no_edit() {
        let plan = b"# Plan\n\n### Phase 1: A [IN PROGRESS]\n\n### Phase 2: B [COMPLETED]\n";
        let with = |one, two| {
            let state = |status| PhaseState {
                status,
                started: None,
                completed: None,
            };
            let phases = [("1".to_owned(), state(one)), ("2".to_owned(), state(two))];
            Task {
                phases: phases.into(),
                ..task(1)
            }
        };
        use PhaseStatus::{Completed, InProgress, NotStarted};
        // Somebody typed that phase 2 is done, and phase 1 was stopped a moment later.
        let known = with(InProgress, NotStarted);
        let task = with(NotStarted, NotStarted);
        let fields = |changes: Vec<TaskChange>| {
            let fields: Vec<_> = changes.iter().map(TaskChange::field).collect();
            fields
        };
        let phase = |key: &str| Field::Phase(key.to_owned());
        let (typed, late) = typed_markers(plan, &known, &task, &[]);
        assert_eq!((fields(typed), fields(late)), (vec![phase("2")], vec![]));
        assert_eq!(marker_changes(plan, &task, &[]).len(), 2);
        // Phase 2 was begun a moment later, too.
        let begun = with(InProgress, InProgress);
        let (typed, late) = typed_markers(plan, &known, &begun, &[]);
        assert_eq!((fields(typed), fields(late)), (vec![], vec![phase("2")]));
        let same = with(NotStarted, Completed);
        let (typed, late) = typed_markers(plan, &known, &same, &[]);
        assert_eq!((fields(typed), fields(late)), (vec![], vec![]));
    }
}
