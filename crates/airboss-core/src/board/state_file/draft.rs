//! The object of a task that the file does not have yet.

use super::{artifacts, dependencies, keys};
use crate::board::task::{Task, TimeKey};
use crate::json::Draft;

/// A whole new object. `language` is the key that the board uses for it.
pub(super) fn task(task: &Task, language: &str) -> Draft {
    let mut members: Vec<(&str, Draft)> = vec![
        (keys::NUMBER, task.number.into()),
        (keys::NAME, task.slug.as_str().into()),
        (keys::STATUS, task.status.value().into()),
    ];
    let mut text = |key, value: Option<&str>| {
        if let Some(value) = value {
            members.push((key, value.into()));
        }
    };
    text(language, task.language.as_deref());
    let priority = task
        .priority
        .as_ref()
        .map(|priority| priority.to_lowercase());
    text(keys::PRIORITY, priority.as_deref());
    text(keys::EFFORT, task.effort.as_deref());
    for key in keys::TIMES {
        text(key.key(), time(task, key).as_deref());
    }
    let dependencies = dependencies::draft(&task.dependencies);
    members.push((keys::DEPENDENCIES[0], dependencies));
    if let Some(parent) = task.parent {
        members.push((keys::PARENT[0], parent.into()));
    }
    if !task.subtasks.is_empty() {
        let subtasks = Draft::array(task.subtasks.iter().copied());
        members.push((keys::SUBTASKS, subtasks));
    }
    let mut text = |key, value: Option<&str>| {
        if let Some(value) = value {
            members.push((key, value.into()));
        }
    };
    text(keys::BLOCKED_REASON[0], task.blocked_reason.as_deref());
    text(keys::ABANDONED_REASON[0], task.abandoned_reason.as_deref());
    text(keys::DESCRIPTION, task.description.as_deref());
    text(keys::PLAN, task.plan.as_deref());
    let artifacts = task.artifacts.iter().map(artifacts::draft);
    members.push((keys::ARTIFACTS, Draft::Array(artifacts.collect())));
    causal(&mut members, task);
    Draft::object(members)
}

/// An element of the archive.
pub(super) fn archived(task: &Task, base_path: &str) -> Draft {
    let mut members: Vec<(&str, Draft)> = vec![
        (keys::NUMBER, task.number.into()),
        (keys::NAME, task.slug.as_str().into()),
        ("type", task.language.as_deref().unwrap_or("general").into()),
        (keys::STATUS, task.status.value().into()),
    ];
    let times = [
        TimeKey::Created,
        TimeKey::Completed,
        TimeKey::Abandoned,
        TimeKey::Archived,
    ];
    for key in times {
        if let Some(at) = time(task, key) {
            members.push((key.key(), at.into()));
        }
    }
    let mut summaries = task.artifacts.iter().rev();
    let summary = summaries
        .find(|artifact| artifact.kind == "summary")
        .and_then(|artifact| artifact.summary.as_deref());
    let summary = summary.unwrap_or(&task.title);
    members.push(("summary", summary.into()));
    let artifacts = Draft::object([("base_path", Draft::from(base_path))]);
    members.push((keys::ARTIFACTS, artifacts));
    causal(&mut members, task);
    Draft::object(members)
}

/// Who the task is, and the newest operation that the file knows of.
fn causal(members: &mut Vec<(&str, Draft)>, task: &Task) {
    members.push((keys::TASK, task.id.to_string().into()));
    if let Some(operation) = task.operation {
        members.push((keys::OPERATION, operation.to_string().into()));
    }
}

fn time(task: &Task, key: TimeKey) -> Option<String> {
    task.times.get(&key).map(|at| at.seconds_text())
}
