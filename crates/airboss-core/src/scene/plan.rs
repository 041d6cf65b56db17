//! One plan, or one stage of a task: its steps, where each stands, and the run that flies it.
//!
//! A change of a step costs as much as the step, not as the plan. Only what blocks whom is
//! found out for the whole plan, and only when something that blocks begins or ceases to.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::flight_log::FlightLog;
use super::tally::{Stand, Tally};
use crate::attempt::AttemptStatus;
use crate::dispatch::Unit;
use crate::id::{RunId, StepId};
use crate::operation::{Operation, PlanKey, StoredOperation};
use crate::step::Step;
use crate::view::{Run, View};

/// Runs of a plan that are kept; a person looks at the newest.
const RUNS_MAX: usize = 50;

/// Which phases have to be settled before a step. The log knows only which steps have to be; the
/// plan file has both.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PhaseWaits(pub(super) HashMap<StepId, Vec<String>>);

impl PhaseWaits {
    /// Those of a schedule.
    #[must_use]
    pub fn of(units: &[Unit]) -> Self {
        let waits = units.iter().filter(|unit| !unit.after_phases.is_empty());
        Self(
            waits
                .map(|unit| (unit.step.id.clone(), unit.after_phases.clone()))
                .collect(),
        )
    }
}

/// A plan as it was read from a store, at one operation of its log.
#[derive(Clone, PartialEq, Debug)]
pub struct LoadedPlan {
    /// Which plan.
    pub key: PlanKey,
    /// Its state.
    pub view: View,
    /// The operations since its newest run began, up to the view's.
    pub log: FlightLog,
    /// What its file says of phases; empty when the file is not the one that is stored.
    pub waits: PhaseWaits,
}

/// A phase and its steps.
#[derive(Clone, PartialEq, Debug)]
pub struct PhaseScene {
    /// Its key in the plan.
    pub key: String,
    /// Its title, as the plan has it: not made safe to show.
    pub title: String,
    /// Its steps, counted.
    pub tally: Tally,
    steps: Vec<usize>,
}

/// A plan, or a stage of a task.
#[derive(Clone, PartialEq, Debug)]
pub struct PlanScene {
    key: PlanKey,
    view: View,
    log: FlightLog,
    waits: PhaseWaits,
    retries_max: u32,
    /// Where each step of the view stands by itself; `None` for those that the plan lost.
    own: Vec<Option<Stand>>,
    blocked: Vec<bool>,
    phase_of: Vec<usize>,
    phases: Vec<PhaseScene>,
    tally: Tally,
    /// The steps that stand otherwise than done, skipped, pending or in progress, or that asked.
    notable: BTreeSet<usize>,
    /// Steps that others may be blocked by.
    stuck: usize,
}

impl PlanScene {
    pub(super) fn new(loaded: LoadedPlan, retries_max: u32) -> Self {
        let mut scene = Self {
            key: loaded.key,
            view: loaded.view,
            log: loaded.log,
            waits: loaded.waits,
            retries_max,
            own: Vec::new(),
            blocked: Vec::new(),
            phase_of: Vec::new(),
            phases: Vec::new(),
            tally: Tally::default(),
            notable: BTreeSet::new(),
            stuck: 0,
        };
        let is_open = |status| status != AttemptStatus::Judged;
        scene.view.attempts.retain(|_, it| is_open(it.status));
        scene.trim_runs();
        scene.refold();
        scene
    }

    /// Takes the next operation of the plan. One that the view shows already changes nothing.
    pub(super) fn apply(&mut self, stored: &StoredOperation) {
        if stored.sequence <= self.view.sequence {
            return;
        }
        // A store has no illegal operation; should one come, the view stays as it was.
        self.view.apply(stored).ok();
        self.view.sequence = stored.sequence;
        self.log.apply(stored);
        match &stored.operation {
            Operation::PlanRegistered { .. } => self.refold(),
            Operation::RunStarted { .. } => self.trim_runs(),
            Operation::AttemptJudged { attempt } => {
                // What was judged cost memory, and the step has what is needed of it.
                self.view.attempts.remove(attempt);
            }
            _ => {}
        }
        let mut unblocks = false;
        for id in stored.operation.steps() {
            if let Some(position) = self.view.position(id) {
                unblocks |= self.refresh(position);
            }
        }
        if unblocks {
            self.spread();
        }
    }

    pub(super) fn set_waits(&mut self, waits: PhaseWaits) {
        self.waits = waits;
        self.spread();
    }

    fn trim_runs(&mut self) {
        let surplus = self.view.runs.len().saturating_sub(RUNS_MAX);
        self.view.runs.drain(..surplus);
    }

    /// Everything that is derived of the steps, made anew.
    fn refold(&mut self) {
        let count = self.view.steps.len();
        self.own = vec![None; count];
        self.blocked = vec![false; count];
        self.phase_of = vec![0; count];
        self.tally = Tally::default();
        self.notable.clear();
        self.stuck = 0;
        self.phases.clear();
        let mut places: HashMap<String, usize> = HashMap::new();
        for position in 0..count {
            let step = &self.view.steps[position];
            if step.state.vanished {
                continue;
            }
            let place = places.get(&step.record.phase).copied();
            let place = place.unwrap_or_else(|| {
                places.insert(step.record.phase.clone(), self.phases.len());
                self.phases.push(PhaseScene {
                    key: step.record.phase.clone(),
                    title: step.record.phase_title.clone(),
                    tally: Tally::default(),
                    steps: Vec::new(),
                });
                self.phases.len() - 1
            });
            self.phases[place].steps.push(position);
            self.phase_of[position] = place;
            self.refresh(position);
        }
        self.spread();
    }

    /// Brings what is derived of one step up to date; whether others may be blocked otherwise.
    fn refresh(&mut self, position: usize) -> bool {
        let step = &self.view.steps[position];
        if step.state.vanished {
            return false;
        }
        let new = Stand::own(&step.state, self.retries_max);
        let asks = step.state.asked.is_some() && new == Stand::InProgress;
        let held = self.view.steps[position].state.held.is_some();
        if asks || held || is_notable(new) {
            self.notable.insert(position);
        } else {
            self.notable.remove(&position);
        }
        let before = self.own[position];
        if before == Some(new) {
            return false;
        }
        if let Some(before) = before {
            let shown = shown(before, self.blocked[position]);
            self.tally.take(shown);
            self.phases[self.phase_of[position]].tally.take(shown);
        }
        self.own[position] = Some(new);
        let now_shown = shown(new, self.blocked[position]);
        self.tally.add(now_shown);
        self.phases[self.phase_of[position]].tally.add(now_shown);
        let was_stuck = before.is_some_and(Stand::is_stuck);
        self.stuck += usize::from(new.is_stuck());
        self.stuck -= usize::from(was_stuck);
        let settled = |stand: Stand| stand.status().is_settled();
        was_stuck != new.is_stuck()
            || (self.stuck > 0 && before.is_some_and(settled) != settled(new))
    }

    /// Finds the steps that wait for one that needs a person, over any number of others.
    fn spread(&mut self) {
        let blocked = if self.stuck == 0 {
            vec![false; self.view.steps.len()]
        } else {
            self.blocked_now()
        };
        for (position, is_blocked) in blocked.into_iter().enumerate() {
            let was_blocked = std::mem::replace(&mut self.blocked[position], is_blocked);
            let Some(own) = self.own[position].filter(|_| was_blocked != is_blocked) else {
                continue;
            };
            for tally in [
                &mut self.tally,
                &mut self.phases[self.phase_of[position]].tally,
            ] {
                tally.take(shown(own, was_blocked));
                tally.add(shown(own, is_blocked));
            }
        }
    }

    fn blocked_now(&self) -> Vec<bool> {
        let count = self.view.steps.len();
        let mut dependents: Vec<Vec<usize>> = vec![Vec::new(); count];
        let mut of_phase: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (position, step) in self.view.steps.iter().enumerate() {
            let before = step.record.dependencies.iter();
            for before in before.filter_map(|id| self.view.position(id)) {
                dependents[before].push(position);
            }
            for phase in self.waits.0.get(&step.record.id).into_iter().flatten() {
                of_phase.entry(phase).or_default().push(position);
            }
        }
        let mut reached = vec![false; count];
        let mut blocked = vec![false; count];
        let mut queue: Vec<usize> = (0..count)
            .filter(|position| self.own[*position].is_some_and(Stand::is_stuck))
            .collect();
        for position in &queue {
            reached[*position] = true;
        }
        while let Some(position) = queue.pop() {
            let phase = self.view.steps[position].record.phase.as_str();
            // A phase is behind its first stuck step as much as behind all of them.
            let after_phase = of_phase.remove(phase).unwrap_or_default();
            for next in dependents[position].iter().copied().chain(after_phase) {
                let open = self.own[next].is_some_and(|own| !own.status().is_settled());
                if open {
                    blocked[next] = true;
                    if !std::mem::replace(&mut reached[next], true) {
                        queue.push(next);
                    }
                }
            }
        }
        blocked
    }

    /// Which plan: its path, or that of the stage of a task.
    #[must_use]
    pub fn key(&self) -> &PlanKey {
        &self.key
    }

    /// Its state: what [`View::apply`] makes of the log up to [`Scene::as_of`](super::Scene::as_of),
    /// without the attempts that were judged. Its texts are not made safe to show.
    #[must_use]
    pub fn view(&self) -> &View {
        &self.view
    }

    /// What the log tells of its newest run: attempts, money, landings.
    #[must_use]
    pub fn log(&self) -> &FlightLog {
        &self.log
    }

    /// Its steps, counted: they add up, and an empty plan is 0 of 0.
    #[must_use]
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Its phases in plan order.
    #[must_use]
    pub fn phases(&self) -> &[PhaseScene] {
        &self.phases
    }

    /// The steps of a phase in plan order, and where each stands.
    pub fn steps<'scene>(
        &'scene self,
        phase: &'scene PhaseScene,
    ) -> impl ExactSizeIterator<Item = (&'scene Step, Stand)> {
        phase.steps.iter().map(|position| self.at(*position))
    }

    /// A step and where it stands; `None` for one that the plan does not have.
    #[must_use]
    pub fn step(&self, id: &StepId) -> Option<(&Step, Stand)> {
        let position = self.view.position(id)?;
        self.own[position].map(|_| self.at(position))
    }

    /// The steps that a person may have to look at, in plan order: failed, limited, parked,
    /// asking, ended by a person.
    pub fn notable(&self) -> impl Iterator<Item = (&Step, Stand)> {
        self.notable.iter().map(|position| self.at(*position))
    }

    /// The first phase with a step that is neither done nor skipped.
    #[must_use]
    pub fn current_phase(&self) -> Option<&PhaseScene> {
        let is_open = |phase: &&PhaseScene| phase.tally.settled() < phase.tally.total();
        self.phases.iter().find(is_open)
    }

    /// The newest run.
    #[must_use]
    pub fn run(&self) -> Option<&Run> {
        self.view.runs.last()
    }

    /// The newest run, unless it has ended.
    #[must_use]
    pub fn running(&self) -> Option<RunId> {
        let run = self.run().filter(|run| run.ended.is_none());
        run.map(|run| run.id)
    }

    fn at(&self, position: usize) -> (&Step, Stand) {
        let own = self.own[position].unwrap_or(Stand::Pending);
        (
            &self.view.steps[position],
            shown(own, self.blocked[position]),
        )
    }
}

/// Only what nobody has begun and nothing else holds back is called blocked.
fn shown(own: Stand, blocked: bool) -> Stand {
    match own {
        Stand::Pending if blocked => Stand::Blocked,
        own => own,
    }
}

fn is_notable(stand: Stand) -> bool {
    !matches!(
        stand,
        Stand::Done | Stand::Skipped | Stand::Pending | Stand::InProgress | Stand::Blocked
    )
}
