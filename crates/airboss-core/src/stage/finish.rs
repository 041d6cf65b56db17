//! The postflight of a stage: what its verdicts mean for the task.

use super::Stage;
use crate::board::command::{self, Decision, Standing};
use crate::board::{Artifact, Class, Status, Task, TaskChange, TaskStatus, transition};
use crate::plan::PhaseStatus;

/// How a stage ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    /// Everything that was due is verified.
    Done,
    /// Some of it is, and stands.
    Partial,
    /// Nothing of it is.
    Nothing,
}

/// What a stage's end rests on.
#[derive(Clone, Copy, Debug)]
pub struct Closing<'a> {
    /// The stage.
    pub stage: Stage,
    /// How it ended.
    pub end: End,
    /// The artifacts that were verified.
    pub artifacts: &'a [Artifact],
    /// The phases of the plan, as its file has them: a task with open ones is never completed.
    pub phases: &'a [(String, PhaseStatus)],
    /// Other changes that belong to it.
    pub besides: &'a [TaskChange],
}

/// The changes that a stage's end makes: links, the current plan and the status, all at once.
///
/// # Errors
/// When the task is gone.
pub fn finish(standing: &Standing<'_>, number: u32, closing: &Closing<'_>) -> Decision {
    let task = standing.task(number)?;
    let mut after = task.clone();
    let mut changes: Vec<TaskChange> = Vec::new();
    let mut take = |after: &mut Task, change: TaskChange| {
        change.apply(after);
        changes.push(change);
    };
    let is_plan = matches!(closing.stage, Stage::Plan | Stage::Revise);
    for artifact in closing.artifacts {
        if closing.end == End::Done && is_plan {
            take(&mut after, TaskChange::Plan(Some(artifact.path.clone())));
            // Markers that were set belong to the version before.
            for key in after.phases.keys().cloned().collect::<Vec<_>>() {
                take(&mut after, TaskChange::Phase(key, None));
            }
        }
        take(&mut after, TaskChange::Artifact(artifact.clone()));
    }
    if let Some(to) = status_after(&after, closing.stage, closing.end, closing.phases) {
        for change in transition::changes(&after, &to, standing.now, None) {
            take(&mut after, change);
        }
    }
    for change in closing.besides {
        take(&mut after, change.clone());
    }
    Ok(standing.change(task, changes, false))
}

/// `None` when the stage says nothing about the status, or somebody else has set another since.
fn status_after(
    task: &Task,
    stage: Stage,
    end: End,
    phases: &[(String, PhaseStatus)],
) -> Option<TaskStatus> {
    let in_flight = stage.in_flight()?;
    if !task.status.is(in_flight) {
        return None;
    }
    let done = end == End::Done && (stage != Stage::Implement || command::settled(task, phases));
    if done {
        return stage.success().map(TaskStatus::from);
    }
    if stage == Stage::Implement && end != End::Nothing {
        return Some(Status::Partial.into());
    }
    let before = task.status_before.clone();
    // A status that is under way is nothing to go back to.
    let before = before.filter(|before| before.class() == Class::Open);
    Some(before.unwrap_or_else(|| Status::NotStarted.into()))
}
