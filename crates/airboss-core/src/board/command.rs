//! What the task commands decide: a board and a wish become operations, or a refusal.
//!
//! Every function here is pure. Numbers, ids and instants are given; which directories and files
//! exist is for the caller to know. No operation at all means that the board is already as wished.

mod conflict;
mod relation;
mod restore;
mod undo;

use super::change::TaskChange;
use super::edit::Position;
use super::facts::Dependencies;
use super::name;
use super::operation::{Board, BoardOperation, Cause};
use super::status::{Class, Status, TaskStatus};
use super::task::{Artifact, PhaseState, Place, Task, TimeKey};
use super::transition::{self, Context, Mode, Outcome, Refused};
use crate::id::{OperationId, TaskId};
use crate::operation::Actor;
use crate::plan::PhaseStatus;
use crate::time::Timestamp;

pub use self::conflict::settle;
pub use self::relation::{cycle, expand, renumber};
pub(super) use self::relation::{cycle_in, follow};
pub use self::restore::restore;
pub use self::undo::{Logged, undo};

/// The longest title of a task, in characters; the format's limit.
pub const TITLE_LIMIT: usize = 200;

/// What a command stands on.
#[derive(Clone, Copy, Debug)]
pub struct Standing<'a> {
    /// The board.
    pub board: &'a Board,
    /// Who gives the command.
    pub actor: Actor,
    /// How much the board allows.
    pub mode: Mode,
    /// Whether the person insists.
    pub force: bool,
    /// The time.
    pub now: Timestamp,
}

/// Why a command changes nothing.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refusal {
    /// The board has no such task.
    #[error("there is no task {0}")]
    NoTask(u32),
    /// The task is in the archive.
    #[error("task {0} is archived")]
    Archived(u32),
    /// The transition is not allowed.
    #[error(transparent)]
    Transition(#[from] Refused),
    /// Another task has the number.
    #[error("the number {number} is taken by the task `{title}`")]
    NumberTaken {
        /// The number.
        number: u32,
        /// Whose it is.
        title: String,
    },
    /// The title is empty, too long, or more than one line.
    #[error("a title is one line of 1 to {TITLE_LIMIT} characters")]
    Title,
    /// A dependency names no task.
    #[error("task {task} cannot wait for task {missing}: there is no such task")]
    NoDependency {
        /// The task that should wait.
        task: u32,
        /// The number that names nothing.
        missing: u32,
    },
    /// Tasks would wait for each other.
    #[error("these tasks would wait for each other: {}", path(numbers))]
    Cycle {
        /// The way round, the first one again at the end.
        numbers: Vec<u32>,
    },
    /// A task would be below itself.
    #[error("task {0} cannot be its own parent, at any distance")]
    OwnParent(u32),
    /// Only blocked tasks are unblocked.
    #[error("task {task} is {status}, not blocked")]
    NotBlocked {
        /// The task.
        task: u32,
        /// What it is.
        status: TaskStatus,
    },
    /// Work that is not finished does not go to the archive.
    #[error("task {task} is {status}; only finished tasks are archived")]
    NotTerminal {
        /// The task.
        task: u32,
        /// What it is.
        status: TaskStatus,
    },
    /// A split gives at least one subtask.
    #[error("task {0} is not split: no subtasks are named")]
    NoSubtasks(u32),
    /// The plan has no such phase.
    #[error("the plan of task {task} has no phase {phase}; it has {}", known.join(", "))]
    NoPhase {
        /// The task.
        task: u32,
        /// The phase.
        phase: String,
        /// Those that it has.
        known: Vec<String>,
    },
    /// The phase cannot change so.
    #[error(
        "phase {phase} of task {task} cannot go from {} to {}; --force does it",
        from.as_str(),
        to.as_str()
    )]
    PhaseTransition {
        /// The task.
        task: u32,
        /// The phase.
        phase: String,
        /// What it is.
        from: PhaseStatus,
        /// What it should become.
        to: PhaseStatus,
    },
    /// Another operation changed the same field afterwards.
    #[error("{field} was changed again by operation {}; --force undoes it all the same", by.short())]
    ChangedSince {
        /// The field, in words.
        field: String,
        /// The newer operation.
        by: OperationId,
    },
    /// No conflict stands under this id.
    #[error("there is no open conflict {}", .0.short())]
    NoConflict(OperationId),
    /// An older version of the board has no such task.
    #[error("{revision} has no task {number}")]
    NotThen {
        /// The task.
        number: u32,
        /// The version.
        revision: String,
    },
    /// There is no way back from such an operation.
    #[error("an operation of the kind {0} cannot be undone")]
    NotUndoable(&'static str),
}

fn path(numbers: &[u32]) -> String {
    let numbers: Vec<_> = numbers.iter().map(ToString::to_string).collect();
    numbers.join(" → ")
}

/// What a command gives.
pub type Decision = Result<Vec<BoardOperation>, Refusal>;

impl<'a> Standing<'a> {
    /// The task with this number, unless it is gone or in the archive.
    ///
    /// # Errors
    /// When there is none.
    pub fn task(&self, number: u32) -> Result<&'a Task, Refusal> {
        let task = self.board.find(number).ok_or(Refusal::NoTask(number))?;
        match task.place {
            Place::Active => Ok(task),
            Place::Archived => Err(Refusal::Archived(number)),
            Place::Removed => Err(Refusal::NoTask(number)),
        }
    }

    /// Gives fields of a task these values, whatever they say of its way through the statuses.
    ///
    /// # Errors
    /// When the task is not there.
    pub fn set(&self, number: u32, changes: Vec<TaskChange>) -> Decision {
        let task = self.task(number)?;
        Ok(self.change(task, changes, false))
    }

    fn cause(&self) -> Cause {
        Cause::Command { actor: self.actor }
    }

    /// A change of a task with its instant; nothing when nothing would change.
    pub(crate) fn change(
        &self,
        task: &Task,
        changes: Vec<TaskChange>,
        forced: bool,
    ) -> Vec<BoardOperation> {
        self.change_because(task, changes, self.cause(), forced)
    }

    fn change_because(
        &self,
        task: &Task,
        mut changes: Vec<TaskChange>,
        cause: Cause,
        forced: bool,
    ) -> Vec<BoardOperation> {
        changes.retain(|change| !change.is_vacuous(task));
        if changes.is_empty() {
            return Vec::new();
        }
        let stamped =
            |change: &TaskChange| matches!(change, TaskChange::Time(TimeKey::LastUpdated, Some(_)));
        if !changes.iter().any(stamped) {
            changes.push(TaskChange::Time(TimeKey::LastUpdated, Some(self.now)));
        }
        BoardOperation::change(task, changes, cause, forced)
            .into_iter()
            .collect()
    }
}

/// A task that does not exist yet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewTask {
    /// Its identity.
    pub id: TaskId,
    /// Its number, as it was allocated.
    pub number: u32,
    /// Its title.
    pub title: String,
    /// Its priority.
    pub priority: Option<String>,
    /// Its language.
    pub language: Option<String>,
    /// Its effort.
    pub effort: Option<String>,
    /// Its description.
    pub description: Option<String>,
    /// What it waits for.
    pub dependencies: Vec<u32>,
    /// The task that it belongs to.
    pub parent: Option<u32>,
    /// What it links from the beginning.
    pub artifacts: Vec<Artifact>,
}

impl NewTask {
    /// A task with a title alone.
    #[must_use]
    pub fn new(id: TaskId, number: u32, title: impl Into<String>) -> Self {
        Self {
            id,
            number,
            title: title.into(),
            priority: None,
            language: None,
            effort: None,
            description: None,
            dependencies: Vec::new(),
            parent: None,
            artifacts: Vec::new(),
        }
    }

    fn into_task(self, now: Timestamp) -> Task {
        Task {
            id: self.id,
            number: self.number,
            former_numbers: Vec::new(),
            slug: name::slug(&self.title),
            title: self.title.trim().to_owned(),
            status: Status::NotStarted.into(),
            status_before: None,
            place: Place::Active,
            priority: self.priority,
            language: self.language,
            effort: self.effort,
            description: self.description,
            dependencies: Dependencies {
                numbers: self.dependencies,
                prose: None,
            },
            parent: self.parent,
            subtasks: Vec::new(),
            times: [(TimeKey::Created, now), (TimeKey::LastUpdated, now)].into(),
            blocked_reason: None,
            abandoned_reason: None,
            artifacts: self.artifacts,
            plan: None,
            phases: std::collections::BTreeMap::new(),
            checked: None,
            workflow: None,
            operation: None,
        }
    }
}

/// Creates a task; `next` becomes the board's next number.
///
/// # Errors
/// When its title, its number or what it waits for is not possible.
pub fn add(standing: &Standing<'_>, new: NewTask, next: u32) -> Decision {
    checked_title(&new.title)?;
    if let Some(taken) = holder(standing.board, new.number) {
        return Err(Refusal::NumberTaken {
            number: new.number,
            title: taken.title.clone(),
        });
    }
    relation::check_dependencies(standing.board, new.number, &new.dependencies)?;
    let parent = new.parent.map(|number| standing.task(number)).transpose()?;
    let task = new.into_task(standing.now);
    let mut operations = Vec::new();
    if let Some(parent) = parent {
        let mut subtasks = parent.subtasks.clone();
        subtasks.push(task.number);
        operations = standing.change(parent, vec![TaskChange::Subtasks(subtasks)], false);
    }
    let added = BoardOperation::TaskAdded {
        task: Box::new(task),
        cause: standing.cause(),
    };
    operations.insert(0, added);
    if standing.board.next_number != Some(next) {
        operations.push(BoardOperation::NextNumberSet { next });
    }
    Ok(operations)
}

/// The task that has a number now.
fn holder(board: &Board, number: u32) -> Option<&Task> {
    board
        .find(number)
        .filter(|task| task.number == number && task.place != Place::Removed)
}

fn checked_title(title: &str) -> Result<(), Refusal> {
    let title = title.trim();
    let fits = (1..=TITLE_LIMIT).contains(&title.chars().count());
    if fits && !title.contains(char::is_control) {
        Ok(())
    } else {
        Err(Refusal::Title)
    }
}

/// New values of a task's fields; `None` leaves a field as it is, `Some(None)` empties it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Revision {
    /// Its title. The slug, which its directory has, stays.
    pub title: Option<String>,
    /// Its description.
    pub description: Option<Option<String>>,
    /// Its priority.
    pub priority: Option<Option<String>>,
    /// Its language.
    pub language: Option<Option<String>>,
    /// Its effort.
    pub effort: Option<Option<String>>,
    /// What it waits for; words that stood there go.
    pub dependencies: Option<Vec<u32>>,
    /// Its parent.
    pub parent: Option<Option<u32>>,
}

/// Changes what is said of a task.
///
/// # Errors
/// When the task is not there, or what it should say is not possible.
pub fn edit(standing: &Standing<'_>, number: u32, revision: Revision) -> Decision {
    let task = standing.task(number)?;
    let mut changes = Vec::new();
    if let Some(title) = revision.title {
        checked_title(&title)?;
        changes.push(TaskChange::Title(title.trim().to_owned()));
    }
    changes.extend(revision.description.map(TaskChange::Description));
    changes.extend(revision.priority.map(TaskChange::Priority));
    changes.extend(revision.language.map(TaskChange::Language));
    changes.extend(revision.effort.map(TaskChange::Effort));
    if let Some(numbers) = revision.dependencies {
        relation::check_dependencies(standing.board, task.number, &numbers)?;
        let prose = None;
        changes.push(TaskChange::Dependencies(Dependencies { numbers, prose }));
    }
    let mut others = Vec::new();
    if let Some(parent) = revision.parent {
        others = relation::move_below(standing, task, parent)?;
        changes.push(TaskChange::Parent(parent));
    }
    let mut operations = standing.change(task, changes, false);
    operations.extend(others);
    Ok(operations)
}

/// Gives a task a status. `phases` are those of its current plan, as its file has them.
///
/// # Errors
/// When the board does not allow the transition.
pub fn set_status(
    standing: &Standing<'_>,
    number: u32,
    to: &TaskStatus,
    reason: Option<&str>,
    phases: &[(String, PhaseStatus)],
) -> Decision {
    let task = standing.task(number)?;
    let reason = reason.map(str::trim).filter(|reason| !reason.is_empty());
    let context = Context {
        force: standing.force,
        phases_settled: settled(task, phases),
        has_reason: reason.is_some(),
        is_expanding: false,
    };
    transition_to(standing, task, to, reason, context)
}

fn transition_to(
    standing: &Standing<'_>,
    task: &Task,
    to: &TaskStatus,
    reason: Option<&str>,
    context: Context,
) -> Decision {
    let outcome = transition::check(task, to, standing.mode, context)?;
    let changes = transition::changes(task, to, standing.now, reason);
    Ok(standing.change(task, changes, outcome == Outcome::Forced))
}

/// Whether every phase is completed or skipped.
#[must_use]
pub fn settled(task: &Task, phases: &[(String, PhaseStatus)]) -> bool {
    let mut phases = phases.iter();
    phases.all(|(key, in_file)| task.phase(key, *in_file).is_settled())
}

/// Says that a task waits for something outside. A new reason for a blocked task replaces the old.
///
/// # Errors
/// When the board does not allow it.
pub fn block(standing: &Standing<'_>, number: u32, reason: &str) -> Decision {
    let task = standing.task(number)?;
    if task.status.is(Status::Blocked) && !reason.trim().is_empty() {
        let reason = TaskChange::BlockedReason(Some(reason.trim().to_owned()));
        return Ok(standing.change(task, vec![reason], false));
    }
    set_status(standing, number, &Status::Blocked.into(), Some(reason), &[])
}

/// Takes a task back to where it stood, or to where its artifacts say that it stands.
///
/// # Errors
/// When it is not blocked.
pub fn unblock(standing: &Standing<'_>, number: u32) -> Decision {
    let task = standing.task(number)?;
    if !task.status.is(Status::Blocked) {
        return Err(Refusal::NotBlocked {
            task: number,
            status: task.status.clone(),
        });
    }
    let before = task
        .status_before
        .clone()
        .filter(|before| before.class() == Class::Open && !before.is(Status::Blocked));
    let to = before.unwrap_or_else(|| shown_by_artifacts(task).into());
    // Strict boards go on from blocked by beginning work; ending the wait is no step of its own.
    let changes = transition::changes(task, &to, standing.now, None);
    let changes = changes.into_iter().filter(|change| {
        // It comes back to a status; it did not reach it now.
        matches!(
            change,
            TaskChange::Status(_)
                | TaskChange::StatusBefore(_)
                | TaskChange::Time(TimeKey::LastUpdated, _)
        )
    });
    Ok(standing.change(task, changes.collect(), false))
}

/// How far a task has come, by what is linked.
fn shown_by_artifacts(task: &Task) -> Status {
    let has = |kind: &str| task.artifacts.iter().any(|artifact| artifact.kind == kind);
    if task.plan.is_some() || has("plan") {
        Status::Planned
    } else if has("research") {
        Status::Researched
    } else {
        Status::NotStarted
    }
}

/// Gives a task up.
///
/// # Errors
/// When the board does not allow it, or no reason is given.
pub fn abandon(standing: &Standing<'_>, number: u32, reason: &str) -> Decision {
    let to = Status::Abandoned.into();
    set_status(standing, number, &to, Some(reason), &[])
}

/// Puts a task's entry elsewhere in TODO.md.
///
/// # Errors
/// When one of the two tasks is not there.
pub fn reorder(standing: &Standing<'_>, number: u32, to: Position) -> Decision {
    let task = standing.task(number)?;
    if let Position::Before { number: other } | Position::After { number: other } = to
        && standing.task(other)?.id == task.id
    {
        return Ok(Vec::new());
    }
    Ok(vec![BoardOperation::TaskMoved { task: task.id, to }])
}

/// Puts finished tasks into the archive: all of them, or none.
///
/// # Errors
/// When one of them is not finished.
pub fn archive(standing: &Standing<'_>, numbers: &[u32]) -> Decision {
    let mut operations = Vec::new();
    for number in numbers {
        let task = standing
            .board
            .find(*number)
            .ok_or(Refusal::NoTask(*number))?;
        if task.place == Place::Archived {
            continue;
        }
        if task.status.class() != Class::Terminal {
            return Err(Refusal::NotTerminal {
                task: *number,
                status: task.status.clone(),
            });
        }
        let changes = vec![
            TaskChange::Place(Place::Archived),
            TaskChange::Time(TimeKey::Archived, Some(standing.now)),
        ];
        operations.extend(standing.change(task, changes, false));
    }
    // The same number twice is the same wish twice.
    operations.dedup();
    Ok(operations)
}

/// Links an artifact to a task, or changes what is said of one that is linked.
///
/// # Errors
/// When the task is not there.
pub fn link(standing: &Standing<'_>, number: u32, artifact: Artifact) -> Decision {
    let task = standing.task(number)?;
    Ok(standing.change(task, vec![TaskChange::Artifact(artifact)], false))
}

/// Takes a link away. The file stays.
///
/// # Errors
/// When the task is not there.
pub fn unlink(standing: &Standing<'_>, number: u32, path: &str) -> Decision {
    let task = standing.task(number)?;
    let mut changes = vec![TaskChange::ArtifactRemoved(path.to_owned())];
    if task.plan.as_deref() == Some(path) {
        changes.push(TaskChange::Plan(None));
    }
    Ok(standing.change(task, changes, false))
}

/// Makes a plan the current one and links it. Markers that were set belong to the plan before.
///
/// # Errors
/// When the task is not there.
pub fn set_plan(standing: &Standing<'_>, number: u32, plan: Artifact) -> Decision {
    let task = standing.task(number)?;
    let mut changes = vec![TaskChange::Plan(Some(plan.path.clone()))];
    if task.plan.as_deref() != Some(plan.path.as_str()) {
        let keys = task.phases.keys().cloned();
        changes.extend(keys.map(|key| TaskChange::Phase(key, None)));
    }
    let known = task.artifacts.iter().any(|known| known.path == plan.path);
    // What is already said of the plan is not unsaid by naming it again.
    if !known || plan.summary.is_some() {
        changes.push(TaskChange::Artifact(plan));
    }
    Ok(standing.change(task, changes, false))
}

/// Marks phases of a task's current plan: `phases` are those of the file, `marks` what they become.
///
/// # Errors
/// When a phase is not there or cannot change so; then none does.
pub fn mark_phases(
    standing: &Standing<'_>,
    number: u32,
    phases: &[(String, PhaseStatus)],
    marks: &[(String, PhaseStatus)],
) -> Decision {
    let task = standing.task(number)?;
    let mut after = task.clone();
    let mut changes = Vec::new();
    let mut forced = false;
    for (key, to) in marks {
        let Some((_, in_file)) = phases.iter().find(|(known, _)| known == key) else {
            return Err(Refusal::NoPhase {
                task: number,
                phase: key.clone(),
                known: phases.iter().map(|(known, _)| known.clone()).collect(),
            });
        };
        let before = after.phases.get(key).copied();
        let from = before.map_or(*in_file, |state| state.status);
        if from == *to {
            continue;
        }
        if !from.may_become(*to) {
            if !standing.force {
                return Err(Refusal::PhaseTransition {
                    task: number,
                    phase: key.clone(),
                    from,
                    to: *to,
                });
            }
            forced = true;
        }
        let change = TaskChange::Phase(key.clone(), Some(marked(before, *to, standing.now)));
        change.apply(&mut after);
        changes.push(change);
    }
    Ok(standing.change(task, changes, forced))
}

/// A phase's new state: begun once, and never finished before it was begun.
fn marked(before: Option<PhaseState>, to: PhaseStatus, now: Timestamp) -> PhaseState {
    let started = before.and_then(|state| state.started);
    let started = match to {
        PhaseStatus::InProgress => started.or(Some(now)),
        PhaseStatus::NotStarted => None,
        _ => started,
    };
    let completed =
        (to == PhaseStatus::Completed).then(|| started.map_or(now, |started| started.max(now)));
    PhaseState {
        status: to,
        started,
        completed,
    }
}

#[cfg(test)]
mod tests;
