//! Which changes of a task's status are allowed, and what else changes with the status.
//!
//! One `match` holds both tables. It is asked by commands, and by whoever wants to show what a
//! task may become; what has already happened (a hand edit, another clone's operation) is taken
//! as it is and never asked here.
//!
//! Force opens what a table forbids: a terminal task, a step that strict boards leave out, a
//! completion with open phases. It does not replace what is missing: a reason, the subtasks of an
//! expansion, a word that the board knows.

use super::change::TaskChange;
use super::status::{Class, Status, TaskStatus};
use super::task::{Task, TimeKey};
use crate::time::Timestamp;

/// How much a board allows.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Mode {
    /// Every step between statuses that are not terminal.
    #[default]
    Permissive,
    /// Only the steps of the workflow.
    Strict,
}

impl std::fmt::Display for Mode {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Permissive => "permissive",
            Self::Strict => "strict",
        })
    }
}

/// What a transition depends on besides the two statuses.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Context {
    /// A person insists.
    pub force: bool,
    /// Every phase of the current plan is completed or skipped, or there is no phased plan.
    pub phases_settled: bool,
    /// A reason is given.
    pub has_reason: bool,
    /// The task is being split into subtasks.
    pub is_expanding: bool,
}

/// An allowed transition.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// The task has this status already.
    Unchanged,
    /// The board allows it.
    Allowed,
    /// The board does not allow it, and it is done all the same.
    Forced,
}

/// Why a transition is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Why {
    /// The task is finished.
    Terminal,
    /// The workflow of a strict board has no such step.
    NotAStep,
    /// Phases of the current plan are open.
    PhasesOpen,
    /// Nobody said why.
    NoReason,
    /// Only splitting a task into subtasks makes it so.
    OnlyByExpanding,
    /// The board has no such status.
    UnknownStatus,
}

impl Why {
    /// Whether force opens it.
    #[must_use]
    pub const fn yields_to_force(self) -> bool {
        matches!(self, Self::Terminal | Self::NotAStep | Self::PhasesOpen)
    }
}

impl std::fmt::Display for Why {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Terminal => "the task is finished",
            Self::NotAStep => "the workflow has no such step",
            Self::PhasesOpen => "phases of its plan are open",
            Self::NoReason => "a reason is needed",
            Self::OnlyByExpanding => "only splitting it into subtasks does that",
            Self::UnknownStatus => "there is no such status",
        })
    }
}

/// A refused transition; nothing is written.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "task {task} cannot go from {from} to {to}: {why} (transitions are {mode}; allowed now: {})",
    list(allowed)
)]
pub struct Refused {
    /// The task's number.
    pub task: u32,
    /// What it is.
    pub from: TaskStatus,
    /// What it should become.
    pub to: TaskStatus,
    /// What it may become without force, given a reason where one is needed.
    pub allowed: Vec<Status>,
    /// How much the board allows.
    pub mode: Mode,
    /// What stands in the way.
    pub why: Why,
}

fn list(allowed: &[Status]) -> String {
    let words: Vec<_> = allowed.iter().map(|status| status.value()).collect();
    if words.is_empty() {
        "nothing".to_owned()
    } else {
        words.join(", ")
    }
}

/// Decides whether a task may get a status.
///
/// # Errors
/// When the board does not allow it; the error names what it does allow.
pub fn check(
    task: &Task,
    to: &TaskStatus,
    mode: Mode,
    context: Context,
) -> Result<Outcome, Refused> {
    let from = &task.status;
    if from == to {
        return Ok(Outcome::Unchanged);
    }
    match obstacle(from, to, mode, context) {
        None => Ok(Outcome::Allowed),
        Some(why) if context.force && why.yields_to_force() => {
            // What force does not open is asked again: it may stand behind what it does.
            match unforceable(to, context) {
                None => Ok(Outcome::Forced),
                Some(why) => Err(refused(task, to, mode, context, why)),
            }
        }
        Some(why) => Err(refused(task, to, mode, context, why)),
    }
}

/// The statuses that a task may get without force, given a reason where one is needed.
#[must_use]
pub fn allowed(from: &TaskStatus, mode: Mode, context: Context) -> Vec<Status> {
    let context = Context {
        force: false,
        has_reason: true,
        ..context
    };
    let targets = Status::ALL.into_iter().filter(|to| {
        let to = TaskStatus::Known(*to);
        to != *from && obstacle(from, &to, mode, context).is_none()
    });
    targets.collect()
}

fn refused(task: &Task, to: &TaskStatus, mode: Mode, context: Context, why: Why) -> Refused {
    Refused {
        task: task.number,
        from: task.status.clone(),
        to: to.clone(),
        allowed: allowed(&task.status, mode, context),
        mode,
        why,
    }
}

/// What is missing, whoever asks.
fn unforceable(to: &TaskStatus, context: Context) -> Option<Why> {
    match to {
        TaskStatus::Other(_) => Some(Why::UnknownStatus),
        TaskStatus::Known(Status::Expanded) if !context.is_expanding => Some(Why::OnlyByExpanding),
        TaskStatus::Known(Status::Blocked | Status::Abandoned) if !context.has_reason => {
            Some(Why::NoReason)
        }
        TaskStatus::Known(_) => None,
    }
}

/// What stands between two statuses that differ.
fn obstacle(from: &TaskStatus, to: &TaskStatus, mode: Mode, context: Context) -> Option<Why> {
    let step = match (from, to) {
        (TaskStatus::Known(from), TaskStatus::Known(to)) => step(*from, *to, mode),
        _ if from.class() == Class::Terminal => Some(Why::Terminal),
        _ => None,
    };
    step.or_else(|| unforceable(to, context)).or_else(|| {
        (to.is(Status::Completed) && !context.phases_settled).then_some(Why::PhasesOpen)
    })
}

/// Both tables. Statuses outside the strict one follow the permissive rule, in both directions.
fn step(from: Status, to: Status, mode: Mode) -> Option<Why> {
    use Status::{
        Abandoned, Blocked, Completed, Expanded, Implementing, NotStarted, Partial, Planned,
        Planning, Researched, Researching, Revised, Revising,
    };
    let targets: &[Status] = match (mode, from) {
        (Mode::Strict, Abandoned) => &[NotStarted],
        (_, Completed | Abandoned | Expanded | Status::Superseded) => return Some(Why::Terminal),
        (Mode::Permissive, _)
        | (Mode::Strict, Status::PrReady | Status::OnHold | Status::Implemented) => return None,
        (Mode::Strict, NotStarted) => &[Researching, Planning, Implementing, Blocked],
        (Mode::Strict, Researching) => &[Researched, Blocked, Abandoned],
        (Mode::Strict, Researched) => &[Planning, Implementing, Blocked],
        (Mode::Strict, Planning) => &[Planned, Blocked, Abandoned],
        (Mode::Strict, Planned) => &[Revising, Implementing, Blocked],
        (Mode::Strict, Revising) => &[Revised, Blocked, Abandoned],
        (Mode::Strict, Revised) => &[Implementing, Revising, Blocked],
        (Mode::Strict, Implementing) => &[Completed, Partial, Blocked, Abandoned],
        (Mode::Strict, Partial) => &[Implementing, Completed, Abandoned],
        (Mode::Strict, Blocked) => &[Researching, Planning, Implementing, Abandoned],
    };
    let outside = matches!(
        to,
        Status::PrReady | Status::OnHold | Status::Implemented | Status::Superseded
    );
    // Splitting a task is no step of its workflow: it ends it, wherever it stands.
    let ends = to == Expanded && from != Abandoned;
    if targets.contains(&to) || ends || (outside && from != Abandoned) {
        None
    } else if from == Abandoned {
        Some(Why::Terminal)
    } else {
        Some(Why::NotAStep)
    }
}

/// What changes with the status: the status itself, its times, its reason, and the status to go
/// back to.
///
/// The finish of a task is never earlier than its start: when `now` is, the start is taken, and
/// [`clock_ran_back`] says so.
#[must_use]
pub fn changes(
    task: &Task,
    to: &TaskStatus,
    now: Timestamp,
    reason: Option<&str>,
) -> Vec<TaskChange> {
    if task.status == *to {
        return Vec::new();
    }
    let now = clock_ran_back(task, to, now).unwrap_or(now);
    let mut changes = vec![
        TaskChange::Status(to.clone()),
        TaskChange::StatusBefore(status_before(task, to)),
    ];
    let time = match to {
        TaskStatus::Known(Status::Implementing) => Some(TimeKey::Started),
        TaskStatus::Known(Status::Researched) => Some(TimeKey::Researched),
        TaskStatus::Known(Status::Planned) => Some(TimeKey::Planned),
        TaskStatus::Known(Status::Revised) => Some(TimeKey::Revised),
        TaskStatus::Known(Status::Completed) => Some(TimeKey::Completed),
        TaskStatus::Known(Status::Blocked) => Some(TimeKey::Blocked),
        TaskStatus::Known(Status::Abandoned) => Some(TimeKey::Abandoned),
        _ => None,
    };
    if let Some(key) = time {
        // These two tell of the first time, whatever comes later.
        let once = matches!(key, TimeKey::Started | TimeKey::Planned);
        if !(once && task.times.contains_key(&key)) {
            changes.push(TaskChange::Time(key, Some(now)));
        }
    }
    let reason = reason.map(ToOwned::to_owned);
    match to {
        TaskStatus::Known(Status::Blocked) => changes.push(TaskChange::BlockedReason(reason)),
        TaskStatus::Known(Status::Abandoned) => changes.push(TaskChange::AbandonedReason(reason)),
        _ => {}
    }
    changes.push(TaskChange::Time(TimeKey::LastUpdated, Some(now)));
    changes.retain(|change| !change.is_vacuous(task));
    changes
}

/// The instant that stands for `now` when the clock says that a task ended before it began.
#[must_use]
pub fn clock_ran_back(task: &Task, to: &TaskStatus, now: Timestamp) -> Option<Timestamp> {
    let ends = matches!(
        to,
        TaskStatus::Known(Status::Completed | Status::Abandoned | Status::Expanded)
    );
    let began = task.times.get(&TimeKey::Started).copied();
    began.filter(|began| ends && now < *began)
}

/// Where to go back to: where the task stood when work on it began, or when it was blocked.
fn status_before(task: &Task, to: &TaskStatus) -> Option<TaskStatus> {
    let waits =
        |status: &TaskStatus| status.class() == Class::InFlight || status.is(Status::Blocked);
    if !waits(to) {
        None
    } else if task.status.class() == Class::InFlight
        || (task.status.is(Status::Blocked) && task.status_before.is_some())
    {
        task.status_before.clone()
    } else {
        Some(task.status.clone())
    }
}

#[cfg(test)]
mod tests;
