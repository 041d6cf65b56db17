//! The preflight of a stage: whether a task may enter it, and what changes when it does.

use super::Stage;
use crate::board::command::{self, Standing};
use crate::board::ready::Wait;
use crate::board::transition::{Context, Outcome};
use crate::board::{BoardOperation, Class, Status, Task, TaskStatus, transition};

/// The task's current plan, as its file is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum PlanAtHand<'p> {
    /// The task has none.
    #[default]
    None,
    /// The task names one that is not there.
    Gone(&'p str),
    /// It is there.
    There,
}

/// What a stage is entered with.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'p> {
    /// The stage.
    pub stage: Stage,
    /// What the task waits for.
    pub waits: &'p [Wait],
    /// Its plan.
    pub plan: PlanAtHand<'p>,
    /// Go on with what was begun and has no run behind it any more.
    pub resume: bool,
}

/// Why a stage is not entered. Nothing was changed.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refusal {
    /// The board does not allow it.
    #[error(transparent)]
    Board(#[from] command::Refusal),
    /// It is finished.
    #[error("task {task} is {status}; --force begins it again")]
    Terminal {
        /// The task.
        task: u32,
        /// What it is.
        status: TaskStatus,
    },
    /// It was begun and nobody ended it.
    #[error("task {task} is {status} and no run is behind it; --resume goes on with it")]
    Stale {
        /// The task.
        task: u32,
        /// What it is.
        status: TaskStatus,
    },
    /// It is blocked.
    #[error(
        "task {task} is blocked{}; `airboss task unblock {task}` ends that",
        because(reason.as_deref())
    )]
    Blocked {
        /// The task.
        task: u32,
        /// Why.
        reason: Option<String>,
    },
    /// It waits for other tasks.
    #[error("task {task} {}; --force begins it all the same", words(waits))]
    Waits {
        /// The task.
        task: u32,
        /// For what.
        waits: Vec<Wait>,
    },
    /// There is a plan already.
    #[error("task {task} has a plan; `airboss revise {task}` writes its next version")]
    Planned {
        /// The task.
        task: u32,
    },
    /// There is no plan.
    #[error("task {task} has no plan; `airboss plan {task}` writes one")]
    NoPlan {
        /// The task.
        task: u32,
    },
    /// The plan is not where the task says.
    #[error(
        "the plan of task {task} is not there: {path}; `airboss task plan {task} PATH` names another"
    )]
    PlanGone {
        /// The task.
        task: u32,
        /// Where it should be.
        path: String,
    },
}

fn because(reason: Option<&str>) -> String {
    reason.map_or_else(String::new, |reason| format!(": {reason}"))
}

fn words(waits: &[Wait]) -> String {
    let words: Vec<String> = waits.iter().map(ToString::to_string).collect();
    words.join("; ")
}

/// The change that makes the task enter the stage; none when the stage says nothing about it, or
/// the task is in it already and is resumed.
///
/// # Errors
/// When it may not.
pub fn begin(
    standing: &Standing<'_>,
    number: u32,
    entry: &Entry<'_>,
) -> Result<Vec<BoardOperation>, Refusal> {
    let task = standing.task(number)?;
    if !standing.force {
        allowed(task, entry)?;
    }
    plan_is_there(task, entry)?;
    let Some(to) = entry.stage.in_flight() else {
        return Ok(Vec::new());
    };
    let to = TaskStatus::from(to);
    let context = Context {
        force: standing.force,
        ..Context::default()
    };
    let outcome = transition::check(task, &to, standing.mode, context)
        .map_err(command::Refusal::Transition)?;
    let forced = outcome == Outcome::Forced;
    let changes = transition::changes(task, &to, standing.now, None);
    Ok(standing.change(task, changes, forced))
}

fn allowed(task: &Task, entry: &Entry<'_>) -> Result<(), Refusal> {
    let number = task.number;
    let status = task.status.clone();
    let begun = entry.stage.in_flight().map(TaskStatus::from);
    // Who tests, mends and describes what was made comes after its completion.
    let afterwards = begun.is_none() && status.is(Status::Completed);
    if status.class() == Class::Terminal && !afterwards {
        return Err(Refusal::Terminal {
            task: number,
            status,
        });
    }
    if begun.as_ref() == Some(&status) && !entry.resume {
        return Err(Refusal::Stale {
            task: number,
            status,
        });
    }
    if status.is(Status::Blocked) && !entry.resume {
        return Err(Refusal::Blocked {
            task: number,
            reason: task.blocked_reason.clone(),
        });
    }
    if entry.stage == Stage::Plan && status.is(Status::Planned) && entry.plan == PlanAtHand::There {
        return Err(Refusal::Planned { task: number });
    }
    let unmet =
        |wait: &&Wait| !matches!(wait, Wait::InFlight(_) | Wait::Blocked(_) | Wait::Status(_));
    let waits: Vec<Wait> = entry.waits.iter().filter(unmet).cloned().collect();
    if waits.is_empty() {
        Ok(())
    } else {
        Err(Refusal::Waits {
            task: number,
            waits,
        })
    }
}

/// Force makes no plan.
fn plan_is_there(task: &Task, entry: &Entry<'_>) -> Result<(), Refusal> {
    let needed = matches!(entry.stage, Stage::Implement | Stage::Revise);
    match entry.plan {
        PlanAtHand::Gone(path) if needed => Err(Refusal::PlanGone {
            task: task.number,
            path: path.to_owned(),
        }),
        PlanAtHand::None if needed => Err(Refusal::NoPlan { task: task.number }),
        _ => Ok(()),
    }
}
