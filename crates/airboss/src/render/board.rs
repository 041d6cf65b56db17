//! Boards in words: what an operation changed, in one line.

use airboss_core::board::{BoardOperation, Cause, TaskChange};
use airboss_core::operation::Actor;

/// What an operation says, for a line of the log.
#[must_use]
pub fn essence(operation: &BoardOperation) -> String {
    match operation {
        BoardOperation::Adopted {
            tasks,
            disagreements,
            ..
        } => format!("{tasks} tasks, {disagreements} disagreements settled"),
        BoardOperation::TaskAdopted { task } => format!("{} ({})", task.title, task.status),
        BoardOperation::TaskAdded { task, cause } => {
            format!("{} {}: {}", task.number, task.title, why(cause))
        }
        BoardOperation::TaskChanged {
            changes,
            undo,
            cause,
            forced,
            ..
        } => {
            let changes: Vec<_> = changes.iter().map(|change| one(change, undo)).collect();
            let forced = if *forced { ", forced" } else { "" };
            format!("{}: {}{forced}", changes.join(", "), why(cause))
        }
        BoardOperation::TaskMoved { .. } => "its place in TODO.md".to_owned(),
        BoardOperation::NextNumberSet { next } => format!("the next task is {next}"),
        BoardOperation::ConflictFound { path, other, .. } => {
            let other: Vec<_> = other.iter().map(|change| one(change, &[])).collect();
            format!("{path} says {}", other.join(", "))
        }
        BoardOperation::ConflictResolved { taken, .. } => if *taken {
            "the other side was taken"
        } else {
            "the board's side was kept"
        }
        .to_owned(),
        BoardOperation::Quarantined {
            path,
            kept_as,
            reason,
        } => format!("{path}: {reason}; kept as {kept_as}"),
        BoardOperation::ErrorRecorded { entry } => format!("{}: {}", entry.code, entry.message),
        BoardOperation::ErrorResolved { id, .. } => id.clone(),
    }
}

/// A change as `field old → new` where that is short, else as the field alone.
fn one(change: &TaskChange, undo: &[TaskChange]) -> String {
    match change {
        TaskChange::Status(status) => {
            let old = undo.iter().find_map(|change| match change {
                TaskChange::Status(old) => Some(old),
                _ => None,
            });
            old.map_or_else(|| status.to_string(), |old| format!("{old} → {status}"))
        }
        TaskChange::Number(number) => format!("number {number}"),
        TaskChange::Title(title) => format!("title \"{title}\""),
        TaskChange::Slug(_) => "slug".to_owned(),
        TaskChange::StatusBefore(_) => "status before".to_owned(),
        TaskChange::Place(place) => format!("{place:?}").to_lowercase(),
        TaskChange::Priority(value) => named("priority", value.as_deref()),
        TaskChange::Language(value) => named("language", value.as_deref()),
        TaskChange::Effort(value) => named("effort", value.as_deref()),
        TaskChange::Description(_) => "description".to_owned(),
        TaskChange::Dependencies(_) => "dependencies".to_owned(),
        TaskChange::Parent(_) => "parent".to_owned(),
        TaskChange::Subtasks(_) => "subtasks".to_owned(),
        TaskChange::Time(key, _) => key.key().to_owned(),
        TaskChange::BlockedReason(value) | TaskChange::AbandonedReason(value) => {
            named("reason", value.as_deref())
        }
        TaskChange::Artifact(artifact) => format!("{} {}", artifact.kind, artifact.path),
        TaskChange::ArtifactRemoved(path) => format!("without {path}"),
        TaskChange::Plan(value) => named("plan", value.as_deref()),
        TaskChange::Phase(key, state) => match state {
            Some(state) => format!("phase {key} {}", state.status.marker()),
            None => format!("phase {key}"),
        },
    }
}

fn named(field: &str, value: Option<&str>) -> String {
    format!("{field} {}", value.unwrap_or("none"))
}

fn why(cause: &Cause) -> String {
    match cause {
        Cause::Command { actor } => match actor {
            Actor::Person => "by a person".to_owned(),
            Actor::Airboss => "by airboss".to_owned(),
        },
        Cause::Reconciled { rule } => format!("reconciled, {rule}"),
        Cause::HandEdit { path } => format!("edited by hand in {path}"),
        Cause::Foreign { path, .. } => format!("made elsewhere, came with {path}"),
        Cause::Undo { operation } => format!("undo of {}", operation.short()),
        Cause::Restored { revision } => format!("restored from {revision}"),
        Cause::Resolved { conflict } => format!("conflict {} settled", conflict.short()),
        Cause::Doctor => "by the doctor".to_owned(),
    }
}
