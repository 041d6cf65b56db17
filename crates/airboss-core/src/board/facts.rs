//! What one file says of one task.
//!
//! Both parsers produce these, so that comparing, importing and adopting know nothing of formats.
//! `None` means that the file says nothing, which is never the same as saying "none".

use std::collections::BTreeMap;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::status::TaskStatus;
use super::task::{Artifact, TimeKey};
use crate::id::{OperationId, TaskId};
use crate::time::Timestamp;

/// What a task waits for.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Dependencies {
    /// The numbers of the tasks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub numbers: Vec<u32>,
    /// Words that could not be read as numbers; such a task is not started by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prose: Option<String>,
}

/// What one file says of one task.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct TaskFacts {
    /// Its number.
    pub number: u32,
    /// Its identity; only state.json has it, and only of tasks that Airboss created.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<TaskId>,
    /// The newest operation that the file knows of; only state.json has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<OperationId>,
    /// Which list it stands in.
    #[serde(default)]
    pub list: List,
    /// Its title (TODO.md).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Its slug (state.json).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slug: Option<String>,
    /// Its status, normalised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<TaskStatus>,
    /// Its status as it is spelt there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_text: Option<String>,
    /// Its priority as it is spelt there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<String>,
    /// Its language or task type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Its effort.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effort: Option<String>,
    /// Its description.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What it waits for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dependencies: Option<Dependencies>,
    /// Its parent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<u32>,
    /// Its subtasks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subtasks: Vec<u32>,
    /// Its times, as far as they could be read; a date alone is its midnight UTC.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub times: BTreeMap<TimeKey, Timestamp>,
    /// Why it is blocked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocked_reason: Option<String>,
    /// Why it was abandoned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub abandoned_reason: Option<String>,
    /// What it links.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub artifacts: Vec<Artifact>,
    /// The path of its current plan (state.json: `plan_path`; TODO.md: the Plan link).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    /// Words that people sort it by: its labels and its topic. They are the file's alone; Airboss
    /// never writes them.
    #[serde(skip)]
    pub labels: Vec<String>,
    /// The line of its heading, or of its object's first byte, from 1.
    #[serde(skip)]
    pub line: usize,
    /// The bytes of its entry or object.
    #[serde(skip)]
    pub span: Range<usize>,
}

/// The list of a file that a task stands in, in the order in which lists are looked up.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum List {
    /// TODO.md itself, or `active_projects`.
    #[default]
    Active,
    /// `pending_tasks`.
    Pending,
    /// The legacy `tasks` map.
    Legacy,
    /// `completed_projects`.
    Completed,
    /// The state.json of the archive.
    Archive,
}
