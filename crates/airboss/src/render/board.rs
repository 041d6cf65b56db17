//! Boards in words: what an operation changed, in one line; why a task is not ready.

use airboss_core::board::ready::Wait;
use airboss_core::board::{
    Artifact, BoardOperation, Cause, Class, Field, Place, Position, Status, TaskChange, TaskStatus,
    TimeKey,
};
use airboss_core::operation::Actor;
use airboss_core::plan::PhaseStatus;
use airboss_core::stage::workflow::Workflow;
use owo_colors::Style;

use super::checkpoint;

/// A status as a sentence has it: `not started`.
#[must_use]
pub fn status(status: &TaskStatus) -> String {
    status.value().replace('_', " ")
}

/// A phase's status as a sentence has it.
#[must_use]
pub fn phase_status(status: PhaseStatus) -> String {
    status.as_str().replace('_', " ")
}

/// The colour that a status has.
#[must_use]
pub fn status_style(status: &TaskStatus) -> Style {
    match (status, status.class()) {
        (TaskStatus::Known(Status::Completed), _) => Style::new().green(),
        (TaskStatus::Known(Status::Blocked | Status::Partial), _) | (_, Class::InFlight) => {
            Style::new().yellow()
        }
        (_, Class::Terminal) => Style::new().dimmed(),
        (_, Class::Open) => Style::new(),
    }
}

/// Why a task is not ready, as the rest of a sentence about it.
#[must_use]
pub fn wait(wait: &Wait) -> String {
    match wait {
        Wait::InFlight(is) | Wait::Status(is) => format!("is {}", status(is)),
        Wait::Dependency { number, status: is } => {
            format!("waits for {number}, which is {}", status(is))
        }
        Wait::DependencyGone { number, status: is } => {
            format!("waits for {number}, which was left {}", status(is))
        }
        other => other.to_string(),
    }
}

/// What an operation says, for a line of the log.
#[must_use]
pub fn essence(operation: &BoardOperation) -> String {
    match operation {
        BoardOperation::Adopted {
            tasks,
            disagreements,
            ..
        } => format!("{tasks} tasks, {disagreements} disagreements settled"),
        BoardOperation::TaskAdopted { task } => {
            format!("{} ({})", task.title, status(&task.status))
        }
        BoardOperation::TaskAdded { task, cause } => {
            format!("{}: {}", task.title, why(cause))
        }
        BoardOperation::TaskChanged {
            changes,
            undo,
            cause,
            forced,
            ..
        } => {
            let forced = if *forced { ", forced" } else { "" };
            format!("{}: {}{forced}", changed(changes, undo), why(cause))
        }
        BoardOperation::TaskMoved { to, .. } => format!("{} in TODO.md", position(to)),
        BoardOperation::NextNumberSet { next } => format!("the next task is {next}"),
        BoardOperation::ConflictFound { path, other, .. } => {
            format!("{path} says {}", changed(other, &[]))
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

/// What an operation did to its task, without saying why; `None` when it is about no task.
#[must_use]
pub fn deed(operation: &BoardOperation) -> Option<String> {
    match operation {
        BoardOperation::TaskAdopted { .. } => Some("adopted".to_owned()),
        BoardOperation::TaskAdded { .. } => Some("created".to_owned()),
        BoardOperation::TaskChanged { changes, undo, .. } => Some(changed(changes, undo)),
        BoardOperation::TaskMoved { to, .. } => Some(format!("moved {}", position(to))),
        _ => None,
    }
}

/// A place in a list: `first`, `before 58`.
#[must_use]
pub fn position(position: &Position) -> String {
    match position {
        Position::First => "first".to_owned(),
        Position::Last => "last".to_owned(),
        Position::Before { number } => format!("before {number}"),
        Position::After { number } => format!("after {number}"),
    }
}

/// Changes of a task in words. What goes along with others, such as the instant, is left out
/// unless it is all there is.
#[must_use]
pub fn changed(changes: &[TaskChange], undo: &[TaskChange]) -> String {
    // The current plan is linked, too; once is enough.
    let plan = changes.iter().find_map(|change| match change {
        TaskChange::Plan(path) => path.as_deref(),
        _ => None,
    });
    let is_aside = |change: &&TaskChange| match change {
        TaskChange::Time(..) | TaskChange::StatusBefore(_) => true,
        TaskChange::Artifact(artifact) => Some(artifact.path.as_str()) == plan,
        _ => false,
    };
    let mut shown: Vec<_> = changes.iter().filter(|change| !is_aside(change)).collect();
    if shown.is_empty() {
        shown = changes.iter().collect();
    }
    let words: Vec<_> = shown.into_iter().map(|change| one(change, undo)).collect();
    words.join(", ")
}

/// A change as `old → new` where that is short, else as the field alone.
fn one(change: &TaskChange, undo: &[TaskChange]) -> String {
    let before = undo.iter().find(|old| old.field() == change.field());
    match change {
        TaskChange::Status(new) => match before {
            Some(TaskChange::Status(old)) => format!("{} → {}", status(old), status(new)),
            _ => status(new),
        },
        TaskChange::Number(new) => match before {
            Some(TaskChange::Number(old)) => format!("number {old} → {new}"),
            _ => format!("number {new}"),
        },
        TaskChange::Place(place) => match place {
            Place::Active => "back on the board",
            Place::Archived => "archived",
            Place::Removed => "removed",
        }
        .to_owned(),
        TaskChange::Dependencies(new) => match (list(&new.numbers), &new.prose) {
            (None, None) => "waits for nothing".to_owned(),
            (None, Some(words)) => format!("waits for “{words}”"),
            (Some(numbers), _) => format!("waits for {numbers}"),
        },
        TaskChange::Subtasks(numbers) => list(numbers).map_or_else(
            || "no subtasks".to_owned(),
            |numbers| format!("subtasks {numbers}"),
        ),
        TaskChange::Parent(parent) => parent.map_or_else(
            || "no parent".to_owned(),
            |parent| format!("parent {parent}"),
        ),
        TaskChange::BlockedReason(reason) | TaskChange::AbandonedReason(reason) => {
            reason.clone().unwrap_or_else(|| "no reason".to_owned())
        }
        TaskChange::Artifact(artifact) => linked(artifact),
        TaskChange::ArtifactRemoved(path) => format!("without {path}"),
        TaskChange::Phase(key, Some(state)) => {
            format!("phase {key} {}", phase_status(state.status))
        }
        TaskChange::Phase(key, None) => format!("phase {key} as its plan has it"),
        TaskChange::Checked(Some(checked)) => match &checked.failure {
            None => "checks green".to_owned(),
            Some(_) => "checks red".to_owned(),
        },
        TaskChange::Checked(None) => "checks not run".to_owned(),
        TaskChange::Workflow(Some(workflow)) => at_work(workflow, before),
        TaskChange::Workflow(None) => "no workflow".to_owned(),
        TaskChange::Title(title) => format!("title “{title}”"),
        TaskChange::Priority(value)
        | TaskChange::Language(value)
        | TaskChange::Effort(value)
        | TaskChange::Plan(value) => named(&field(&change.field()), value.as_deref()),
        TaskChange::Slug(_)
        | TaskChange::StatusBefore(_)
        | TaskChange::Description(_)
        | TaskChange::Time(..) => field(&change.field()),
    }
}

fn linked(artifact: &Artifact) -> String {
    let salvaged = artifact.is_salvaged();
    let salvaged = artifact.summary.as_deref().filter(|_| salvaged);
    let salvaged = salvaged.map_or_else(String::new, |words| format!(", {words}"));
    format!("{} {}{salvaged}", artifact.kind, artifact.path)
}

/// Where a workflow is, and the report of what it did. A report is news where it was stored, and no
/// more when the workflow changes again.
fn at_work(workflow: &Workflow, before: Option<&TaskChange>) -> String {
    let known = match before {
        Some(TaskChange::Workflow(Some(old))) => old.checkpoint.as_ref(),
        _ => None,
    };
    let report = workflow.checkpoint.as_ref();
    let report = report.filter(|report| known != Some(*report));
    let report = report.map(|report| format!("{}, ", checkpoint::line(report)));
    let (scope, state) = (workflow.scope.word(), workflow.state.word());
    format!("{}{scope} workflow at {state}", report.unwrap_or_default())
}

fn list(numbers: &[u32]) -> Option<String> {
    let numbers: Vec<_> = numbers.iter().map(ToString::to_string).collect();
    (!numbers.is_empty()).then(|| numbers.join(", "))
}

/// The name of a field in a table.
#[must_use]
pub fn field(field: &Field) -> String {
    match field {
        Field::Number => "number",
        Field::Title => "title",
        Field::Slug => "slug",
        Field::Status => "status",
        Field::StatusBefore => "status before",
        Field::Place => "place",
        Field::Priority => "priority",
        Field::Language => "language",
        Field::Effort => "effort",
        Field::Description => "description",
        Field::Dependencies => "waits for",
        Field::Parent => "parent",
        Field::Subtasks => "subtasks",
        Field::Time(TimeKey::LastUpdated) => "last change",
        Field::Time(key) => key.key(),
        Field::BlockedReason => "blocked because",
        Field::AbandonedReason => "abandoned because",
        Field::Plan => "plan",
        Field::Artifact(path) => return path.clone(),
        Field::Phase(key) => return format!("phase {key}"),
        Field::Checked => "checks",
        Field::Workflow => "workflow",
    }
    .to_owned()
}

fn named(field: &str, value: Option<&str>) -> String {
    format!("{field} {}", value.unwrap_or("none"))
}

/// Who or what made a change.
#[must_use]
pub fn why(cause: &Cause) -> String {
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
