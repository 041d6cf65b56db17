//! The schedule of a plan: what each step waits for, and what may run beside it.

use std::ops::Range;

use super::footprint::overlap;
use crate::id::StepId;

/// The steps of a plan with what each waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// In plan order.
    pub steps: Vec<ScheduledStep>,
    /// For each phase the steps that are its own.
    pub(super) phases: Vec<Range<usize>>,
    pub(super) order: Vec<usize>,
}

/// One step of a [`Schedule`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduledStep {
    /// Its id.
    pub id: StepId,
    /// The key of its phase.
    pub phase: String,
    /// Whether the plan lets it run at the same time as some other step. Whether it may run
    /// beside a given one says [`Schedule::may_overlap`].
    pub parallel: bool,
    /// How many steps must at least have run before it.
    pub level: usize,
    /// Another step that it is part of.
    pub parent: Option<StepId>,
    /// The paths that it names, or those of its phase when it names none.
    pub footprint: Vec<String>,
    /// The paths that it and its phase name.
    pub wide_footprint: Vec<String>,
    pub(super) waits: Vec<usize>,
    pub(super) phase_index: usize,
    /// It may run beside other steps of its phase that may, too.
    pub(super) beside_steps: bool,
    /// It may run beside steps of other phases that may, too.
    pub(super) beside_phases: bool,
    pub(super) group: Option<usize>,
}

impl ScheduledStep {
    /// Whether two steps collide: one is part of the other, or both may change the same file.
    #[must_use]
    pub fn conflicts(&self, other: &Self) -> bool {
        let related =
            self.parent.as_ref() == Some(&other.id) || other.parent.as_ref() == Some(&self.id);
        related
            || if self.phase_index == other.phase_index {
                overlap(&self.footprint, &other.footprint)
            } else {
                overlap(&self.wide_footprint, &other.wide_footprint)
            }
    }

    /// Whether the plan allows both at the same time, and nothing makes them collide.
    ///
    /// Dependencies are not looked at: both must be ready.
    #[must_use]
    pub fn may_overlap(&self, other: &Self) -> bool {
        let allowed = if self.phase_index == other.phase_index {
            self.beside_steps && other.beside_steps
        } else {
            let grouped = self.group.is_some() && self.group == other.group;
            grouped || (self.beside_phases && other.beside_phases)
        };
        self.id != other.id && allowed && !self.conflicts(other)
    }

    /// A step of no plan, in a phase of its own or beside others; `footprint` are the paths that
    /// it changes.
    #[must_use]
    pub fn of_no_plan(id: StepId, phase: &str, parallel: bool, footprint: Vec<String>) -> Self {
        Self {
            id,
            phase: phase.to_owned(),
            parallel,
            level: 0,
            parent: None,
            wide_footprint: footprint.clone(),
            footprint,
            waits: Vec::new(),
            phase_index: 0,
            beside_steps: parallel,
            beside_phases: parallel,
            group: None,
        }
    }
}

impl Schedule {
    /// The steps that one waits for, by its place in [`Schedule::steps`].
    pub fn waits_for(&self, step: usize) -> impl Iterator<Item = &StepId> {
        self.waits_for_indices(step)
            .map(|index| &self.steps[index].id)
    }

    /// The places of the steps that one waits for.
    pub fn waits_for_indices(&self, step: usize) -> impl Iterator<Item = usize> {
        let count = self.steps.len();
        let waits = self.steps.get(step).map_or(&[][..], |step| &step.waits);
        waits
            .iter()
            .flat_map(move |&node| match node.checked_sub(count) {
                None => node..node + 1,
                Some(phase) => self.phases[phase].clone(),
            })
    }

    /// The place of a step.
    #[must_use]
    pub fn position(&self, id: &StepId) -> Option<usize> {
        self.steps.iter().position(|step| step.id == *id)
    }

    /// The places of the steps in an order that respects every dependency; plan order where
    /// nothing speaks against it.
    #[must_use]
    pub fn order(&self) -> &[usize] {
        &self.order
    }

    /// The steps that one waits for by themselves, and the keys of the phases it waits for
    /// as a whole: [`Schedule::waits_for`] without spelling every phase out.
    #[must_use]
    pub fn waits_for_parts(&self, step: usize) -> (Vec<&StepId>, Vec<&str>) {
        let count = self.steps.len();
        let (mut steps, mut phases) = (Vec::new(), Vec::new());
        for &node in self.steps.get(step).map_or(&[][..], |step| &step.waits) {
            match node.checked_sub(count) {
                None => steps.push(&self.steps[node].id),
                Some(phase) => {
                    let first = self.phases[phase].clone().next();
                    phases.extend(first.map(|first| self.steps[first].phase.as_str()));
                }
            }
        }
        (steps, phases)
    }

    /// [`ScheduledStep::conflicts`] by place; a place that the schedule does not have
    /// collides with everything.
    #[must_use]
    pub fn conflicts(&self, left: usize, right: usize) -> bool {
        match (self.steps.get(left), self.steps.get(right)) {
            (Some(one), Some(other)) => one.conflicts(other),
            _ => true,
        }
    }

    /// [`ScheduledStep::may_overlap`] by place.
    #[must_use]
    pub fn may_overlap(&self, left: usize, right: usize) -> bool {
        match (self.steps.get(left), self.steps.get(right)) {
            (Some(one), Some(other)) => left != right && one.may_overlap(other),
            _ => false,
        }
    }

    /// Whether some other step that becomes ready with this one may run beside it.
    #[must_use]
    pub fn has_company(&self, place: usize) -> bool {
        let Some(step) = self.steps.get(place).filter(|step| step.parallel) else {
            return false;
        };
        self.steps
            .iter()
            .any(|other| other.level == step.level && step.may_overlap(other))
    }

    /// Steps that may run together, wave after wave, at most `limit` at once.
    #[must_use]
    pub fn waves(&self, limit: usize) -> Vec<Vec<StepId>> {
        let mut by_level: Vec<Vec<usize>> = Vec::new();
        for (index, step) in self.steps.iter().enumerate() {
            if by_level.len() <= step.level {
                by_level.resize_with(step.level + 1, Vec::new);
            }
            by_level[step.level].push(index);
        }
        let mut waves = Vec::new();
        for level in by_level {
            let mut of_level: Vec<Vec<usize>> = Vec::new();
            for step in level {
                let fits = |wave: &&mut Vec<usize>| {
                    wave.len() < limit && wave.iter().all(|&other| self.may_overlap(step, other))
                };
                match of_level.iter_mut().find(fits) {
                    Some(wave) => wave.push(step),
                    None => of_level.push(vec![step]),
                }
            }
            waves.extend(of_level);
        }
        let id = |index: usize| self.steps[index].id.clone();
        waves
            .into_iter()
            .map(|wave| wave.into_iter().map(id).collect())
            .collect()
    }
}
