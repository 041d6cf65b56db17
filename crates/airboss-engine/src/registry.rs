//! Making a plan known to the store, and again when its file has changed.

use airboss_core::id::{OperationId, StepId};
use airboss_core::operation::{Actor, Operation, PlanKey, StepRecord, StepStatus, StoredOperation};
use airboss_core::plan::{Phase, PhaseStatus, Plan, plan_hash, schedule};
use airboss_core::status_file::StatusFile;
use airboss_core::status_file::import::import;
use airboss_core::time::Timestamp;
use airboss_core::view::View;

use crate::store::{Commit, Committed, Expected, Store, StoreError};
use crate::workspace::PlanFile;

/// What registering did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Registered {
    /// It was known, and its text is as it was.
    Unchanged,
    /// It was known, and its text is another one now.
    Updated,
    /// It was not known.
    Fresh,
}

/// Registers a plan with its steps. A plan with errors can be registered: they stop a run,
/// not a look.
///
/// # Errors
/// When the store fails.
pub fn register(store: &mut dyn Store, file: &PlanFile) -> Result<Registered, StoreError> {
    register_with(store, file, None)
}

/// As [`register`]; what a status.json says is taken over when the plan was not known.
///
/// # Errors
/// When the store fails, or others change the plan all the time.
pub fn register_with(
    store: &mut dyn Store,
    file: &PlanFile,
    status: Option<&StatusFile>,
) -> Result<Registered, StoreError> {
    // Two processes may find the same new plan; the second then finds it known.
    const TRIES_MAX: usize = 16;
    let hash = plan_hash(&file.bytes);
    for _ in 0..TRIES_MAX {
        let view = store.view(&file.key)?;
        if view.as_ref().is_some_and(|view| view.hash == hash) {
            return Ok(Registered::Unchanged);
        }
        let operations = match &view {
            None => initial_operations(file, status),
            Some(view) => {
                let steps = records(&file.plan);
                vec![Operation::PlanRegistered {
                    name: file.name.clone(),
                    hash: hash.clone(),
                    renamed: renamed(view, &steps),
                    steps,
                }]
            }
        };
        let mut commit = Commit::new(file.key.clone(), operations);
        commit.expected = Expected::Plan(view.as_ref().map_or(0, |view| view.sequence));
        if !matches!(store.commit(&commit)?, Committed::Conflict) {
            return Ok(if view.is_none() {
                Registered::Fresh
            } else {
                Registered::Updated
            });
        }
    }
    Err(StoreError::Bug {
        message: format!(
            "{} changed {TRIES_MAX} times while it was registered",
            file.key
        ),
    })
}

/// The operations that make a plan known which was not.
#[must_use]
pub fn initial_operations(file: &PlanFile, status: Option<&StatusFile>) -> Vec<Operation> {
    let steps = records(&file.plan);
    // A status file knows each step; markers know phases only.
    let settled = match status.filter(|status| status.damage.is_none()) {
        Some(status) => import(status, &steps),
        None => settled_by_markers(&file.plan),
    };
    let mut operations = vec![Operation::PlanRegistered {
        name: file.name.clone(),
        hash: plan_hash(&file.bytes),
        steps,
        renamed: Vec::new(),
    }];
    operations.extend(settled);
    operations
}

/// The view of a plan that the store does not know, computed and not stored.
#[must_use]
pub fn preview(file: &PlanFile, status: Option<&StatusFile>, now: Timestamp) -> View {
    let mut view = View::default();
    apply_unstored(&mut view, &file.key, initial_operations(file, status), now);
    view
}

/// Applies operations about steps that are not stored.
pub(crate) fn apply_unstored(
    view: &mut View,
    plan: &PlanKey,
    operations: Vec<Operation>,
    now: Timestamp,
) {
    for operation in operations {
        let stored = StoredOperation {
            sequence: view.sequence,
            id: OperationId::from_uuid(uuid::Uuid::nil()),
            plan: plan.clone(),
            at: now,
            operation,
        };
        // Attempts alone can refuse one.
        view.apply(&stored).ok();
    }
}

/// What the store has to know of each step.
#[must_use]
pub fn records(plan: &Plan) -> Vec<StepRecord> {
    // Dependencies that make no sense stop a run; here they are merely not known.
    let schedule = schedule(plan, false).ok();
    plan.phases
        .iter()
        .flat_map(|phase| phase.steps.iter().map(move |step| (phase, step)))
        .enumerate()
        .map(|(place, (phase, step))| StepRecord {
            id: step.id.clone(),
            phase: phase.key.clone(),
            phase_title: phase.title.clone(),
            description: step.text.clone(),
            dependencies: schedule
                .as_ref()
                .map(|schedule| {
                    schedule
                        .waits_for_parts(place)
                        .0
                        .into_iter()
                        .cloned()
                        .collect()
                })
                .unwrap_or_default(),
        })
        .collect()
}

/// Steps with a made-up id whose text was edited: one vanished and one appeared at its place.
fn renamed(view: &View, steps: &[StepRecord]) -> Vec<(StepId, StepId)> {
    let known: Vec<StepRecord> = view
        .steps
        .iter()
        .filter(|step| !step.state.vanished)
        .map(|step| step.record.clone())
        .collect();
    airboss_core::plan::aliases(&known, steps)
        .into_iter()
        .map(|(old, new)| (new, old))
        .collect()
}

/// A plan that was worked on before Airboss came: its markers are a person's word.
fn settled_by_markers(plan: &Plan) -> Vec<Operation> {
    settled_phases(plan, |phase| phase.status)
}

/// Marks every step of the phases that are settled, as a person would.
pub(crate) fn settled_phases(
    plan: &Plan,
    status: impl Fn(&Phase) -> PhaseStatus,
) -> Vec<Operation> {
    let mut operations = Vec::new();
    for phase in &plan.phases {
        let found = status(phase);
        let status = match found {
            PhaseStatus::Completed => StepStatus::Completed,
            PhaseStatus::Skipped | PhaseStatus::Abandoned | PhaseStatus::Deferred => {
                StepStatus::Skipped
            }
            PhaseStatus::NotStarted
            | PhaseStatus::InProgress
            | PhaseStatus::Partial
            | PhaseStatus::Blocked => continue,
        };
        let words = format!("the plan's marker says {}", found.marker());
        operations.extend(phase.steps.iter().map(|step| Operation::StepMarked {
            step: step.id.clone(),
            status,
            actor: Actor::Person,
            text: Some(words.clone()),
            forced: false,
            stuck: false,
        }));
    }
    operations
}
