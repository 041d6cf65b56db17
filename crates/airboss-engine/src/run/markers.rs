//! The markers of phases in a plan file: what they should say, and their part in a commit.

use std::collections::{BTreeMap, HashMap};

use airboss_core::plan::{PhaseStatus, Plan, Stamps, set_phase_status};
use airboss_core::time::Timestamp;
use airboss_core::view::{Counts, View};
use serde::{Deserialize, Serialize};

use super::commits::MarkerChange;
use crate::git::{Delta, GitError, Repository};

/// One phase's marker and stamps.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PhaseMark {
    /// The phase's key.
    pub phase: String,
    /// What its marker should say.
    pub status: PhaseStatus,
    /// When its first step began.
    pub started: Option<Timestamp>,
    /// When its last step was settled.
    pub completed: Option<Timestamp>,
}

/// What the markers should say, for the phases that were touched at all.
///
/// `flying` is whether a run is under way: then a phase with some work done goes on,
/// otherwise it stands still.
#[must_use]
pub fn desired(view: &View, flying: bool) -> Vec<PhaseMark> {
    let mut phases: BTreeMap<usize, (String, Vec<usize>)> = BTreeMap::new();
    let mut first: BTreeMap<&str, usize> = BTreeMap::new();
    for (position, step) in view
        .steps
        .iter()
        .enumerate()
        .filter(|(_, s)| !s.state.vanished)
    {
        let at = *first.entry(&step.record.phase).or_insert(position);
        let entry = phases
            .entry(at)
            .or_insert_with(|| (step.record.phase.clone(), Vec::new()));
        entry.1.push(position);
    }
    phases
        .into_values()
        .filter_map(|(phase, positions)| {
            let states: Vec<_> = positions.iter().map(|p| &view.steps[*p].state).collect();
            let mut counts = Counts::default();
            for state in &states {
                counts.add(state.status, 1);
            }
            let status = status_of(&counts, flying)?;
            let completed = states.iter().filter_map(|state| state.completed_at).max();
            Some(PhaseMark {
                phase,
                status,
                started: states.iter().filter_map(|state| state.started_at).min(),
                completed: completed.filter(|_| status == PhaseStatus::Completed),
            })
        })
        .collect()
}

/// What the marker of a phase with these steps should say; `None` when nothing was touched.
#[must_use]
pub fn status_of(counts: &Counts, flying: bool) -> Option<PhaseStatus> {
    let settled = counts.completed + counts.skipped;
    let touched = settled > 0 || counts.failed > 0;
    Some(
        if settled == counts.total && counts.skipped == counts.total {
            PhaseStatus::Skipped
        } else if settled == counts.total {
            PhaseStatus::Completed
        } else if counts.in_progress > 0 || (flying && touched) {
            PhaseStatus::InProgress
        } else if counts.failed > 0 {
            PhaseStatus::Blocked
        } else if settled > 0 {
            PhaseStatus::Partial
        } else {
            return None;
        },
    )
}

/// The plan's text with these marks; marks that cannot be placed are left out.
///
/// A plan whose dialect is read-only comes back as it was.
#[must_use]
pub fn apply(plan: &[u8], marks: &[PhaseMark]) -> Vec<u8> {
    let known = Plan::parse(plan);
    let known: HashMap<&str, PhaseStatus> = known
        .phases
        .iter()
        .map(|phase| (phase.key.as_str(), phase.status))
        .collect();
    let mut bytes = plan.to_owned();
    for mark in marks {
        // An edit changes the marker of its own phase alone, so one reading serves them all.
        if known
            .get(mark.phase.as_str())
            .is_none_or(|status| *status == mark.status)
        {
            continue;
        }
        let started = mark.started.map(Timestamp::seconds_text);
        let completed = mark.completed.map(Timestamp::seconds_text);
        let stamps = Stamps {
            started: started.as_deref(),
            completed: completed.as_deref(),
        };
        if let Ok(edited) = set_phase_status(&bytes, &mark.phase, mark.status, stamps) {
            bytes = edited;
        }
    }
    bytes
}

/// The plan's change relative to the branch; nothing where the branch does not hold the plan.
///
/// # Errors
/// When git cannot be read or written.
pub fn delta(repository: &Repository, change: &MarkerChange) -> Result<Option<Delta>, GitError> {
    let Some((before, content)) = repository.head_file(&change.path)? else {
        return Ok(None);
    };
    let edited = apply(&content, &change.phases);
    if edited == content {
        return Ok(None);
    }
    let blob = repository.write_blob(&edited)?;
    let after = crate::git::Entry { blob, ..before };
    Ok(Some(Delta {
        path: change.path.clone(),
        before: Some(before),
        after: Some(after),
    }))
}
