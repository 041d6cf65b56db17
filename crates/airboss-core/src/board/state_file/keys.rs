//! The keys of state.json, and those that stand for the same thing.

use crate::board::task::TimeKey;

pub(super) const NUMBER: &str = "project_number";
pub(super) const NAME: &str = "project_name";
pub(super) const STATUS: &str = "status";
pub(super) const PRIORITY: &str = "priority";
pub(super) const EFFORT: &str = "effort";
pub(super) const DESCRIPTION: &str = "description";
pub(super) const SUBTASKS: &str = "subtasks";
pub(super) const ARTIFACTS: &str = "artifacts";
pub(super) const PLAN: &str = "plan_path";
/// The identity of a task that Airboss created.
pub(super) const TASK: &str = "airboss_task";
/// The newest operation that changed the task.
pub(super) const OPERATION: &str = "airboss_operation";

pub(super) const NEXT_NUMBER: &str = "next_project_number";
pub(super) const ACTIVE: &str = "active_projects";
pub(super) const PENDING: &str = "pending_tasks";
pub(super) const LEGACY: &str = "tasks";
pub(super) const COMPLETED: &str = "completed_projects";
pub(super) const ARCHIVED: &str = "archived_projects";
/// The instant of the last change of the whole board.
pub(super) const BOARD_UPDATED: [&str; 2] = ["last_updated", "_last_updated"];

// Of synonyms the one that is there is the one that is updated; the first is for new members.
pub(super) const LANGUAGE: [&str; 2] = ["language", "task_type"];
pub(super) const DEPENDENCIES: [&str; 2] = ["dependencies", "depends_on"];
pub(super) const PARENT: [&str; 2] = ["parent_task", "parent"];
/// What people sort tasks by; all that are there count.
pub(super) const LABELS: [&str; 3] = ["labels", "tags", "topic"];
pub(super) const BLOCKED_REASON: [&str; 6] = [
    "blocked_reason",
    "blocking_reason",
    "blocker",
    "blocked_by",
    "blocker_reason",
    "blocked_on",
];
pub(super) const ABANDONED_REASON: [&str; 2] = ["abandoned_reason", "abandonment_reason"];

/// Every time that a task may keep, in the order in which they are written.
pub(super) const TIMES: [TimeKey; 10] = [
    TimeKey::Created,
    TimeKey::LastUpdated,
    TimeKey::Started,
    TimeKey::Researched,
    TimeKey::Planned,
    TimeKey::Revised,
    TimeKey::Completed,
    TimeKey::Blocked,
    TimeKey::Abandoned,
    TimeKey::Archived,
];
