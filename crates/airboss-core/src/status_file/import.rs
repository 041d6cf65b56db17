//! Takes over what a status.json says when its plan is first registered.
//!
//! There is no verdict behind such a status, so it counts as a person's recorded override,
//! with the times that the file holds.

use std::collections::HashMap;

use super::StatusFile;
use crate::id::StepId;
use crate::operation::{Operation, StepRecord, StepStatus};
use crate::step::StepState;

/// The operations that bring freshly registered steps to where the file says they are.
///
/// Tasks that the plan does not have, and statuses that are not known, are left out.
#[must_use]
pub fn import(file: &StatusFile, steps: &[StepRecord]) -> Vec<Operation> {
    let known: HashMap<&StepId, &StepRecord> = steps.iter().map(|step| (&step.id, step)).collect();
    let mut imported = std::collections::HashSet::new();
    file.tasks
        .iter()
        .filter(|task| task.status.is_some() && known.contains_key(&task.id))
        .filter(|task| task.state != StepState::default() && imported.insert(&task.id))
        .map(|task| {
            let mut state = task.state.clone();
            state.overridden = state.status == StepStatus::Completed;
            Operation::StepImported {
                step: task.id.clone(),
                state: Box::new(state),
            }
        })
        .collect()
}
