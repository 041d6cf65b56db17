//! A task as the store knows it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::facts::Dependencies;
use super::status::TaskStatus;
use crate::artifact::salvage::SALVAGED;
use crate::id::{OperationId, TaskId};
use crate::plan::PhaseStatus;
use crate::stage::workflow::Workflow;
use crate::time::Timestamp;

/// One task.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Task {
    /// What stays the same when its number changes.
    pub id: TaskId,
    /// Its number: a name, unique among the tasks that stand on the board.
    pub number: u32,
    /// Numbers that it had before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub former_numbers: Vec<u32>,
    /// Its title, as TODO.md has it.
    pub title: String,
    /// Its slug, as state.json and its directory have it.
    pub slug: String,
    /// Where it stands.
    pub status: TaskStatus,
    /// Where it stood before work began, to go back to when the work comes to nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_before: Option<TaskStatus>,
    /// Which list it is in.
    pub place: Place,
    /// High, Medium, Low or Critical, in the spelling of the board.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<String>,
    /// Its language, which newer boards call its task type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// An estimate in free words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effort: Option<String>,
    /// One paragraph.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The tasks it waits for.
    #[serde(default)]
    pub dependencies: Dependencies,
    /// The task that it was split from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<u32>,
    /// The tasks that it was split into.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subtasks: Vec<u32>,
    /// When it came to which status.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub times: BTreeMap<TimeKey, Timestamp>,
    /// Why it is, or was last, blocked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocked_reason: Option<String>,
    /// Why it was abandoned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub abandoned_reason: Option<String>,
    /// What was made for it, in the order of linking. Plans are among them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub artifacts: Vec<Artifact>,
    /// The path of its current plan, in the spelling of its board.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    /// The phases of the current plan whose markers were set for this task, by key.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub phases: BTreeMap<String, PhaseState>,
    /// What the project's checks said when they were run for it last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checked: Option<Checked>,
    /// Its way through several stages, while it is on one, and where that ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workflow: Option<Workflow>,
    /// The newest operation that changed it; `None` while it is as it was adopted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<OperationId>,
}

impl Task {
    /// Where a phase of its current plan stands. What was set for the task counts before what
    /// the file says: the file may not be written yet.
    #[must_use]
    pub fn phase(&self, key: &str, in_file: PhaseStatus) -> PhaseStatus {
        self.phases.get(key).map_or(in_file, |state| state.status)
    }
}

/// What the checks of the project said.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Checked {
    /// When.
    pub at: Timestamp,
    /// Each check and how it ended, in words, in the order they ran.
    pub checks: Vec<String>,
    /// The end of what the first red one printed; `None` when all are green.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

/// Which list of the board a task is in.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// The board itself.
    #[default]
    Active,
    /// The archive.
    Archived,
    /// Nowhere: its creation was undone.
    Removed,
}

/// The instants that a task keeps, by their keys in state.json.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeKey {
    /// It was created.
    Created,
    /// Work on it began; set once.
    Started,
    /// Its newest report was accepted.
    Researched,
    /// Its first plan was accepted.
    Planned,
    /// Its newest revision was accepted.
    Revised,
    /// It was completed.
    Completed,
    /// It was blocked.
    Blocked,
    /// It was abandoned.
    Abandoned,
    /// It was archived.
    Archived,
    /// Anything of it changed.
    LastUpdated,
}

impl TimeKey {
    /// The key in state.json.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Started => "started",
            Self::Researched => "researched",
            Self::Planned => "planned",
            Self::Revised => "revised",
            Self::Completed => "completed",
            Self::Blocked => "blocked",
            Self::Abandoned => "abandoned",
            Self::Archived => "archived",
            Self::LastUpdated => "last_updated",
        }
    }

    /// The name of the date line in TODO.md, for those that have one.
    #[must_use]
    pub fn line(self) -> Option<&'static str> {
        match self {
            Self::Started => Some("Started"),
            Self::Researched => Some("Researched"),
            Self::Planned => Some("Planned"),
            Self::Revised => Some("Revised"),
            Self::Completed => Some("Completed"),
            Self::Blocked => Some("Blocked"),
            Self::Abandoned => Some("Abandoned"),
            Self::Created | Self::Archived | Self::LastUpdated => None,
        }
    }
}

/// Something that was made for a task.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Artifact {
    /// Where it is, as the file spells it.
    pub path: String,
    /// `research`, `plan`, `summary`, `debug`, or another word.
    pub kind: String,
    /// What it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
}

impl Artifact {
    /// Whether Airboss wrote it from its agent's answer. Its summary says so, for the files of
    /// the board hold that, and a clone has nothing but the files.
    #[must_use]
    pub fn is_salvaged(&self) -> bool {
        self.summary.as_deref() == Some(SALVAGED)
    }
}

/// The marker of one phase and its times.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PhaseState {
    /// The marker.
    pub status: PhaseStatus,
    /// When it was begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<Timestamp>,
    /// When it was finished.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed: Option<Timestamp>,
}
