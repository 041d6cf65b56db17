//! What every store does in the same way, whatever it keeps its rows in.

use std::collections::HashSet;

use airboss_core::attempt::Attempt;
use airboss_core::id::StepId;
use airboss_core::operation::{Operation, PlanKey};
use airboss_core::step::Step;
use airboss_core::view::Counts;

use super::{AttemptSummary, Change, Overview, PhaseCounts};

/// The steps under which an operation is found again: those it names, those it renames, and
/// those that its attempt works on.
pub(super) fn concerned(operation: &Operation, attempt: Option<&Attempt>) -> Vec<StepId> {
    let mut steps = operation.steps().to_vec();
    if steps.is_empty()
        && let Some(attempt) = attempt
    {
        steps.extend_from_slice(&attempt.steps);
    }
    if let Operation::PlanRegistered { renamed, .. } = operation {
        steps.extend(renamed.iter().flat_map(|(new, old)| [new, old]).cloned());
    }
    steps.sort();
    steps.dedup();
    steps
}

/// The phases of the steps that the plan has now, in plan order: key and title.
pub(super) fn phases_of(steps: &[Step]) -> Vec<(&str, &str)> {
    let mut known = HashSet::new();
    steps
        .iter()
        .filter(|step| !step.state.vanished)
        .map(|step| (step.record.phase.as_str(), step.record.phase_title.as_str()))
        .filter(|(key, _)| known.insert(*key))
        .collect()
}

/// Puts an overview together from its counted phases.
pub(super) fn overview_of(
    name: String,
    hash: String,
    sequence: u64,
    phases: Vec<PhaseCounts>,
) -> Overview {
    let mut counts = Counts::default();
    for phase in &phases {
        for (status, count) in phase.counts.by_status() {
            counts.add(status, count);
        }
    }
    let current_phase = phases
        .iter()
        .find(|phase| !phase.counts.is_complete())
        .map(|phase| phase.key.clone());
    Overview {
        name,
        hash,
        counts,
        phases,
        current_phase,
        sequence,
    }
}

/// Refuses a change whose git wishes do not belong to one operation each.
pub(super) fn check_change(change: &Change) -> Result<(), String> {
    let mut named = HashSet::new();
    for wish in &change.git {
        if wish.operation >= change.operations.len() || !named.insert(wish.operation) {
            return Err(format!(
                "git wish {} does not have an operation of its own",
                wish.operation
            ));
        }
    }
    Ok(())
}

pub(super) fn summary_of(plan: PlanKey, attempt: Attempt) -> AttemptSummary {
    AttemptSummary {
        id: attempt.id,
        plan,
        run: attempt.run,
        steps: attempt.steps,
        agent: attempt.agent,
        status: attempt.status,
        dispatched_at: attempt.dispatched_at,
    }
}

/// The prefix as ids are written, or nothing when no id can begin so.
pub(super) fn id_prefix(text: &str) -> Option<String> {
    let prefix = text.trim().to_ascii_lowercase().replace('-', "");
    prefix
        .bytes()
        .all(|byte| byte.is_ascii_hexdigit())
        .then_some(prefix)
}
