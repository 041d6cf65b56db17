//! A change of one field of a task, and the difference of two tasks as such changes.

use serde::{Deserialize, Serialize};

use super::facts::Dependencies;
use super::status::TaskStatus;
use super::task::{Artifact, Checked, PhaseState, Place, Task, TimeKey};
use crate::stage::workflow::Workflow;
use crate::time::Timestamp;

/// One field of a task: what is edited in files and merged on its own.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// Its number.
    Number,
    /// Its title.
    Title,
    /// Its slug.
    Slug,
    /// Its status.
    Status,
    /// The status before the work in flight.
    StatusBefore,
    /// The list it is in.
    Place,
    /// Its priority.
    Priority,
    /// Its language.
    Language,
    /// Its effort.
    Effort,
    /// Its description.
    Description,
    /// What it waits for.
    Dependencies,
    /// Its parent.
    Parent,
    /// Its subtasks.
    Subtasks,
    /// One of its times.
    Time(TimeKey),
    /// Why it is blocked.
    BlockedReason,
    /// Why it was abandoned.
    AbandonedReason,
    /// One artifact, by its path.
    Artifact(String),
    /// The path of its plan.
    Plan,
    /// The marker of one phase, by its key.
    Phase(String),
    /// What the checks said.
    Checked,
    /// Its way through several stages.
    Workflow,
}

impl std::fmt::Display for Field {
    /// As a sentence names it.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Time(key) => write!(formatter, "the time `{}`", key.key()),
            Self::Artifact(path) => write!(formatter, "the artifact {path}"),
            Self::Phase(key) => write!(formatter, "phase {key}"),
            Self::Number => formatter.write_str("the number"),
            Self::Title => formatter.write_str("the title"),
            Self::Slug => formatter.write_str("the slug"),
            Self::Status => formatter.write_str("the status"),
            Self::StatusBefore => formatter.write_str("the status before"),
            Self::Place => formatter.write_str("the place"),
            Self::Priority => formatter.write_str("the priority"),
            Self::Language => formatter.write_str("the language"),
            Self::Effort => formatter.write_str("the effort"),
            Self::Description => formatter.write_str("the description"),
            Self::Dependencies => formatter.write_str("the dependencies"),
            Self::Parent => formatter.write_str("the parent"),
            Self::Subtasks => formatter.write_str("the subtasks"),
            Self::BlockedReason => formatter.write_str("the reason for being blocked"),
            Self::AbandonedReason => formatter.write_str("the reason for being abandoned"),
            Self::Plan => formatter.write_str("the plan"),
            Self::Checked => formatter.write_str("the result of the checks"),
            Self::Workflow => formatter.write_str("the workflow"),
        }
    }
}

/// A field's new value.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "field", content = "to")]
pub enum TaskChange {
    /// Another number; the one it had is kept as a former one.
    Number(u32),
    /// Another title.
    Title(String),
    /// Another slug.
    Slug(String),
    /// Another status.
    Status(TaskStatus),
    /// The status to go back to.
    StatusBefore(Option<TaskStatus>),
    /// Another list.
    Place(Place),
    /// Another priority.
    Priority(Option<String>),
    /// Another language.
    Language(Option<String>),
    /// Another effort.
    Effort(Option<String>),
    /// Another description.
    Description(Option<String>),
    /// Other dependencies.
    Dependencies(Dependencies),
    /// Another parent.
    Parent(Option<u32>),
    /// Other subtasks.
    Subtasks(Vec<u32>),
    /// A time, or none.
    Time(TimeKey, Option<Timestamp>),
    /// A reason for being blocked.
    BlockedReason(Option<String>),
    /// A reason for being abandoned.
    AbandonedReason(Option<String>),
    /// An artifact is linked, or what is said of it changes.
    Artifact(Artifact),
    /// The artifact at this path is not linked any more.
    ArtifactRemoved(String),
    /// Another current plan.
    Plan(Option<String>),
    /// The marker of a phase, or none that was set for this task.
    Phase(String, Option<PhaseState>),
    /// What the checks said.
    Checked(Option<Checked>),
    /// Where its way through several stages is.
    Workflow(Option<Box<Workflow>>),
}

impl Field {
    /// What it is called in words.
    #[must_use]
    pub fn word(&self) -> String {
        match self {
            Self::Number => "number".to_owned(),
            Self::Title => "title".to_owned(),
            Self::Slug => "slug".to_owned(),
            Self::Status => "status".to_owned(),
            Self::StatusBefore => "status before".to_owned(),
            Self::Place => "list".to_owned(),
            Self::Priority => "priority".to_owned(),
            Self::Language => "language".to_owned(),
            Self::Effort => "effort".to_owned(),
            Self::Description => "description".to_owned(),
            Self::Dependencies => "dependencies".to_owned(),
            Self::Parent => "parent".to_owned(),
            Self::Subtasks => "subtasks".to_owned(),
            Self::Time(key) => key.key().replace('_', " "),
            Self::BlockedReason | Self::AbandonedReason => "reason".to_owned(),
            Self::Artifact(path) => format!("link to {path}"),
            Self::Plan => "plan".to_owned(),
            Self::Phase(key) => format!("phase {key}"),
            Self::Checked => "checks".to_owned(),
            Self::Workflow => "workflow".to_owned(),
        }
    }
}

impl TaskChange {
    /// The field that it changes.
    #[must_use]
    pub fn field(&self) -> Field {
        match self {
            Self::Number(_) => Field::Number,
            Self::Title(_) => Field::Title,
            Self::Slug(_) => Field::Slug,
            Self::Status(_) => Field::Status,
            Self::StatusBefore(_) => Field::StatusBefore,
            Self::Place(_) => Field::Place,
            Self::Priority(_) => Field::Priority,
            Self::Language(_) => Field::Language,
            Self::Effort(_) => Field::Effort,
            Self::Description(_) => Field::Description,
            Self::Dependencies(_) => Field::Dependencies,
            Self::Parent(_) => Field::Parent,
            Self::Subtasks(_) => Field::Subtasks,
            Self::Time(key, _) => Field::Time(*key),
            Self::BlockedReason(_) => Field::BlockedReason,
            Self::AbandonedReason(_) => Field::AbandonedReason,
            Self::Artifact(artifact) => Field::Artifact(artifact.path.clone()),
            Self::ArtifactRemoved(path) => Field::Artifact(path.clone()),
            Self::Plan(_) => Field::Plan,
            Self::Phase(key, _) => Field::Phase(key.clone()),
            Self::Checked(_) => Field::Checked,
            Self::Workflow(_) => Field::Workflow,
        }
    }

    /// Carries it out.
    pub fn apply(&self, task: &mut Task) {
        match self {
            Self::Number(number) => {
                if *number != task.number {
                    task.former_numbers.retain(|former| former != number);
                    task.former_numbers.push(task.number);
                    task.number = *number;
                }
            }
            Self::Title(title) => task.title.clone_from(title),
            Self::Slug(slug) => task.slug.clone_from(slug),
            Self::Status(status) => task.status.clone_from(status),
            Self::StatusBefore(status) => task.status_before.clone_from(status),
            Self::Place(place) => task.place = *place,
            Self::Priority(value) => task.priority.clone_from(value),
            Self::Language(value) => task.language.clone_from(value),
            Self::Effort(value) => task.effort.clone_from(value),
            Self::Description(value) => task.description.clone_from(value),
            Self::Dependencies(value) => task.dependencies.clone_from(value),
            Self::Parent(value) => task.parent = *value,
            Self::Subtasks(value) => task.subtasks.clone_from(value),
            Self::Time(key, Some(at)) => {
                task.times.insert(*key, *at);
            }
            Self::Time(key, None) => {
                task.times.remove(key);
            }
            Self::BlockedReason(value) => task.blocked_reason.clone_from(value),
            Self::AbandonedReason(value) => task.abandoned_reason.clone_from(value),
            Self::Artifact(artifact) => {
                let known = task
                    .artifacts
                    .iter_mut()
                    .find(|known| known.path == artifact.path);
                match known {
                    Some(known) => known.clone_from(artifact),
                    None => task.artifacts.push(artifact.clone()),
                }
            }
            Self::ArtifactRemoved(path) => task.artifacts.retain(|known| known.path != *path),
            Self::Plan(value) => task.plan.clone_from(value),
            Self::Phase(key, Some(state)) => {
                task.phases.insert(key.clone(), *state);
            }
            Self::Phase(key, None) => {
                task.phases.remove(key);
            }
            Self::Checked(value) => task.checked.clone_from(value),
            Self::Workflow(value) => task.workflow = value.as_deref().cloned(),
        }
    }

    /// What gives this field the value that it has in `before`.
    #[must_use]
    pub fn inverse(&self, before: &Task) -> Self {
        match self {
            Self::Number(_) => Self::Number(before.number),
            Self::Title(_) => Self::Title(before.title.clone()),
            Self::Slug(_) => Self::Slug(before.slug.clone()),
            Self::Status(_) => Self::Status(before.status.clone()),
            Self::StatusBefore(_) => Self::StatusBefore(before.status_before.clone()),
            Self::Place(_) => Self::Place(before.place),
            Self::Priority(_) => Self::Priority(before.priority.clone()),
            Self::Language(_) => Self::Language(before.language.clone()),
            Self::Effort(_) => Self::Effort(before.effort.clone()),
            Self::Description(_) => Self::Description(before.description.clone()),
            Self::Dependencies(_) => Self::Dependencies(before.dependencies.clone()),
            Self::Parent(_) => Self::Parent(before.parent),
            Self::Subtasks(_) => Self::Subtasks(before.subtasks.clone()),
            Self::Time(key, _) => Self::Time(*key, before.times.get(key).copied()),
            Self::BlockedReason(_) => Self::BlockedReason(before.blocked_reason.clone()),
            Self::AbandonedReason(_) => Self::AbandonedReason(before.abandoned_reason.clone()),
            Self::Artifact(Artifact { path, .. }) | Self::ArtifactRemoved(path) => {
                let known = before.artifacts.iter().find(|known| known.path == *path);
                known.map_or_else(
                    || Self::ArtifactRemoved(path.clone()),
                    |known| Self::Artifact(known.clone()),
                )
            }
            Self::Plan(_) => Self::Plan(before.plan.clone()),
            Self::Phase(key, _) => Self::Phase(key.clone(), before.phases.get(key).copied()),
            Self::Checked(_) => Self::Checked(before.checked.clone()),
            Self::Workflow(_) => Self::Workflow(before.workflow.clone().map(Box::new)),
        }
    }

    /// Whether it changes nothing about `task`.
    #[must_use]
    pub fn is_vacuous(&self, task: &Task) -> bool {
        self.inverse(task) == *self
    }
}
