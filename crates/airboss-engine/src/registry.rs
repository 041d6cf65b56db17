//! Making a plan known to the store, and again when its file has changed.

use airboss_core::id::StepId;
use airboss_core::operation::{Actor, Operation, StepRecord, StepStatus};
use airboss_core::plan::{PhaseStatus, Plan, plan_hash, schedule};
use airboss_core::view::View;

use crate::store::{Commit, Store, StoreError};
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
    let view = store.view(&file.key)?;
    let hash = plan_hash(&file.bytes);
    if view.as_ref().is_some_and(|view| view.hash == hash) {
        return Ok(Registered::Unchanged);
    }
    let steps = records(&file.plan);
    let renamed = view
        .as_ref()
        .map(|view| renamed(view, &steps))
        .unwrap_or_default();
    let fresh = view.is_none();
    let mut operations = vec![Operation::PlanRegistered {
        name: file.name.clone(),
        hash,
        steps,
        renamed,
    }];
    if fresh {
        operations.extend(settled_by_markers(&file.plan));
    }
    store.commit(&Commit::new(file.key.clone(), operations))?;
    Ok(if fresh {
        Registered::Fresh
    } else {
        Registered::Updated
    })
}

/// What the store has to know of each step.
#[must_use]
pub fn records(plan: &Plan) -> Vec<StepRecord> {
    let schedule = schedule(plan, true).ok();
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
    let mut operations = Vec::new();
    for phase in &plan.phases {
        let status = match phase.status {
            PhaseStatus::Completed => StepStatus::Completed,
            PhaseStatus::Skipped | PhaseStatus::Abandoned | PhaseStatus::Deferred => {
                StepStatus::Skipped
            }
            PhaseStatus::NotStarted
            | PhaseStatus::InProgress
            | PhaseStatus::Partial
            | PhaseStatus::Blocked => continue,
        };
        let words = format!("the plan's marker says {}", phase.status.marker());
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
