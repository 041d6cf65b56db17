//! Why each step is where it is: one answer for the dispatcher and for `why`.

use std::collections::{HashMap, HashSet};

use super::{Flight, Unit};
use crate::id::StepId;
use crate::operation::StepStatus;
use crate::step::Step;
use crate::time::Timestamp;
use crate::verdict::RetryRules;
use crate::view::View;

/// Dependencies named in a standing: more than these nobody reads, and a phase may have thousands.
const NAMED_MAX: usize = 5;

/// Why a step is where it is; `why` prints it, the dispatcher acts on it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Standing {
    /// Completed or skipped.
    Settled,
    /// An attempt or a person works on it.
    InProgress,
    /// It can be dispatched now.
    Ready {
        /// It is a counted retry.
        retry: bool,
    },
    /// It is parked until this instant.
    Parked {
        /// When it wakes.
        until: Timestamp,
        /// It will be a counted retry.
        retry: bool,
    },
    /// Its agent's service refuses to serve, longer than this run waits.
    Limited {
        /// When it would wake.
        until: Timestamp,
    },
    /// It waits for these steps, which can still be settled.
    WaitsFor(Vec<StepId>),
    /// It waits for these steps, which will not be settled without a person.
    Blocked(Vec<StepId>),
    /// A person has to answer.
    NeedsAnswer,
    /// A person ended its newest attempt, and has to give it back.
    Held,
    /// All its retries are used up.
    Exhausted,
}

/// The unsettled steps of a plan, by phase: built once for a decision, so that a
/// dependency on a whole phase costs nothing per step.
pub(super) struct Unsettled<'view> {
    view: &'view View,
    by_phase: HashMap<&'view str, Vec<&'view StepId>>,
}

impl<'view> Unsettled<'view> {
    pub(super) fn new(flight: &'view Flight, view: &'view View) -> Self {
        let mut by_phase: HashMap<&str, Vec<&StepId>> = HashMap::new();
        for unit in &flight.units {
            if view
                .step(&unit.step.id)
                .is_some_and(|step| !step.state.status.is_settled())
            {
                by_phase
                    .entry(&unit.step.phase)
                    .or_default()
                    .push(&unit.step.id);
            }
        }
        Self { view, by_phase }
    }

    /// The unsettled steps that a unit waits for.
    pub(super) fn before<'unit>(
        &'unit self,
        unit: &'unit Unit,
    ) -> impl Iterator<Item = &'unit StepId> {
        let steps = unit.waits_for.iter().filter(|id| {
            self.view
                .step(id)
                .is_some_and(|step| !step.state.status.is_settled())
        });
        let phases = unit
            .after_phases
            .iter()
            .filter_map(|phase| self.by_phase.get(phase.as_str()))
            .flat_map(|steps| steps.iter().copied());
        steps.chain(phases)
    }
}

/// The standing of every unit, in plan order.
#[must_use]
pub fn standings(flight: &Flight, view: &View, now: Timestamp) -> Vec<Standing> {
    let unsettled = Unsettled::new(flight, view);
    let own: Vec<Standing> = flight
        .units
        .iter()
        .map(|unit| {
            own_standing(view.step(&unit.step.id), &flight.policy.rules, now)
                .unwrap_or(Standing::Settled)
        })
        .collect();
    let stuck = spread_blocking(flight, &unsettled, &own);
    let waits =
        |standing: &Standing| matches!(standing, Standing::Ready { .. } | Standing::Parked { .. });
    flight
        .units
        .iter()
        .zip(own)
        .map(|(unit, standing)| {
            if !waits(&standing) || unsettled.before(unit).next().is_none() {
                return standing;
            }
            let blocking: Vec<StepId> = unsettled
                .before(unit)
                .filter(|id| stuck.contains(id))
                .take(NAMED_MAX)
                .cloned()
                .collect();
            if blocking.is_empty() {
                Standing::WaitsFor(unsettled.before(unit).take(NAMED_MAX).cloned().collect())
            } else {
                Standing::Blocked(blocking)
            }
        })
        .collect()
}

/// The steps that will not be settled without a person, and all that wait for them.
fn spread_blocking<'flight>(
    flight: &'flight Flight,
    unsettled: &Unsettled<'_>,
    own: &[Standing],
) -> HashSet<&'flight StepId> {
    let mut stuck: HashSet<&StepId> = flight
        .units
        .iter()
        .zip(own)
        .filter(|(_, standing)| {
            matches!(
                standing,
                Standing::Exhausted | Standing::NeedsAnswer | Standing::Held
            )
        })
        .map(|(unit, _)| &unit.step.id)
        .collect();
    if stuck.is_empty() {
        return stuck;
    }
    // Each round adds at least one step or is the last, so this ends. Dependencies mostly
    // point backwards, which one round in plan order covers.
    loop {
        let before = stuck.len();
        for (unit, standing) in flight.units.iter().zip(own) {
            if *standing != Standing::Settled
                && !stuck.contains(&unit.step.id)
                && unsettled
                    .before(unit)
                    .any(|dependency| stuck.contains(dependency))
            {
                stuck.insert(&unit.step.id);
            }
        }
        if stuck.len() == before {
            return stuck;
        }
    }
}

/// The standing of a step without its dependencies; `None` when the view does not know it.
fn own_standing(step: Option<&Step>, rules: &RetryRules, now: Timestamp) -> Option<Standing> {
    let state = &step?.state;
    let waiting = state.wake_at.filter(|at| *at > now);
    Some(match state.status {
        StepStatus::Completed | StepStatus::Skipped => Standing::Settled,
        StepStatus::InProgress => Standing::InProgress,
        StepStatus::Failed | StepStatus::Pending if state.held.is_some() => Standing::Held,
        StepStatus::Failed if state.retry_count >= rules.retries_max => Standing::Exhausted,
        StepStatus::Failed => match waiting {
            Some(until) => Standing::Parked { until, retry: true },
            None => Standing::Ready { retry: true },
        },
        StepStatus::Pending if state.is_waiting() => Standing::NeedsAnswer,
        StepStatus::Pending => match waiting {
            Some(until)
                if state.is_limited()
                    && (state.parkings > rules.parkings_max
                        || until.since(now) > rules.limit_wait_max) =>
            {
                Standing::Limited { until }
            }
            Some(until) => Standing::Parked {
                until,
                retry: false,
            },
            None => Standing::Ready { retry: false },
        },
    })
}
