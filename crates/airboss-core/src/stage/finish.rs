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

/// The changes that a stage's end makes: links, the current plan and the status, all at once.
///
/// `artifacts` are those that were verified. `phases` are the phases of the plan as its file has
/// them; a task with open phases is never completed by this.
///
/// # Errors
/// When the task is gone, or its plan has open phases and the end says that all is done.
pub fn finish(
    standing: &Standing<'_>,
    number: u32,
    stage: Stage,
    end: End,
    artifacts: &[Artifact],
    phases: &[(String, PhaseStatus)],
) -> Decision {
    let task = standing.task(number)?;
    let mut after = task.clone();
    let mut changes: Vec<TaskChange> = Vec::new();
    let mut take = |after: &mut Task, change: TaskChange| {
        change.apply(after);
        changes.push(change);
    };
    for artifact in artifacts {
        take(&mut after, TaskChange::Artifact(artifact.clone()));
        if end == End::Done && matches!(stage, Stage::Plan | Stage::Revise) {
            // Markers that were set belong to the version before.
            for key in after.phases.keys().cloned().collect::<Vec<_>>() {
                take(&mut after, TaskChange::Phase(key, None));
            }
            take(&mut after, TaskChange::Plan(Some(artifact.path.clone())));
        }
    }
    if let Some(to) = status_after(&after, stage, end, phases) {
        for change in transition::changes(&after, &to, standing.now, None) {
            take(&mut after, change);
        }
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
