//! What a person sees of a board and its flights: the model that front ends draw.
//!
//! ```text
//! store ──operations──┐
//!                     ├──▶ Change ──▶ Scene::apply ──▶ what is in progress, counts, needs, …
//! recordings ──lines──┘
//! ```
//!
//! A [`Scene`] is a fold of [`Change`]s and nothing else; `now` is given to those questions whose
//! answer depends on it. It is true to the store at the operation that [`Scene::as_of`] names:
//! what it shows of plans and boards is what [`View::apply`](crate::view::View::apply) and
//! [`Board::apply`] make of the log up to there. What agents do between two operations comes from
//! their recordings, with the parser and the [`Transcript`](crate::agent::Transcript) that the
//! runner uses.
//!
//! An update of an attempt costs the same whatever else is shown, and so does an operation on a
//! step, see [`PlanScene`]. Every list is bounded and says how many it left out.

mod board;
mod feed;
mod flight_log;
mod flying;
mod needs;
mod plan;
mod tally;

use std::collections::{BTreeMap, HashMap};

pub use self::board::{BoardChange, BoardScene, TaskCounts};
pub use self::feed::{Act, Deed, Feed, ToolOutcome};
pub use self::flight_log::{FlightLog, LANDINGS_MAX, Landing, LandingCommit, Spent};
pub use self::flying::{Flying, Liveness, SILENT_AFTER, Tools, Vitality};
pub use self::needs::{NEEDS_MAX, Need, Needs, PENDING_AFTER, Pending, PendingCommits};
pub use self::plan::{LoadedPlan, PhaseScene, PhaseWaits, PlanScene};
pub use self::tally::{Stand, Tally};
use crate::agent::{SessionUpdate, StreamFormat};
use crate::attempt::Attempt;
use crate::board::{Board, BoardKey};
use crate::id::{AttemptId, RunId, StepId};
use crate::operation::{Operation, PlanKey, RunEnding, StoredOperation};
use crate::time::Timestamp;
use crate::view::Counts;

/// Acts that are kept: some screens to scroll through; the recordings have them all.
pub const ACTIVITY_MAX: usize = 500;

/// One step forward of what is shown.
#[derive(Clone, PartialEq, Debug)]
pub enum Change {
    /// The store went on.
    Stored(Box<Stored>),
    /// The recording of an attempt was found; it is heard from its beginning.
    Opened {
        /// The attempt.
        attempt: AttemptId,
        /// Its language.
        format: StreamFormat,
        /// The top of the work tree that it works in.
        top: String,
    },
    /// Lines of an attempt's recording, parsed, each with the time of its end.
    Heard {
        /// The attempt.
        attempt: AttemptId,
        /// What they say.
        updates: Vec<(Timestamp, SessionUpdate)>,
    },
    /// The processes were looked at.
    Looked {
        /// When.
        at: Timestamp,
        /// The supervisors of attempts, and the agents below them.
        attempts: Vec<(AttemptId, Vitality)>,
        /// The processes of runs that have not ended.
        runs: Vec<(RunId, Vitality)>,
    },
    /// What waits to be published and committed is this now.
    Pending(Pending),
    /// The store cannot be read now, and why; `None`: it can again.
    Trouble(Option<String>),
}

/// A piece of the log, and what is needed to fold it.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Stored {
    /// What was shown before is forgotten: this is the beginning, or another store.
    pub anew: bool,
    /// Plans that are shown from here on, each at an operation up to `as_of`.
    pub plans: Vec<LoadedPlan>,
    /// Boards likewise.
    pub boards: Vec<(BoardKey, Board)>,
    /// Operations in the order of the log. Of a plan that was loaded those that its view shows
    /// already are skipped.
    pub operations: Vec<StoredOperation>,
    /// What plan files that were read again say of phases.
    pub waits: Vec<(PlanKey, PhaseWaits)>,
    /// Plans that are shown no more.
    pub dropped: Vec<PlanKey>,
    /// The newest operation that is shown afterwards.
    pub as_of: u64,
}

/// How a run stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RunStanding {
    /// It ended.
    Ended(Timestamp, RunEnding),
    /// Its process runs.
    Flying,
    /// Its process was stopped by a signal, since when it was seen to be.
    Frozen(Timestamp),
    /// Its process is gone without an end, since when it was seen to be.
    Gone(Timestamp),
    /// A person counts it by hand; it has no process.
    ByHand,
    /// Nobody has looked at its process yet.
    NotKnown,
}

/// The first line of a screen, for one plan.
#[derive(Clone, PartialEq, Debug)]
pub struct Header<'scene> {
    /// The plan, or the stage of a task.
    pub plan: &'scene PlanKey,
    /// Its name, not made safe to show: that of its file, or `task 58 research`.
    pub name: &'scene str,
    /// The newest run: its id, what it was asked to do, when it began.
    pub run: Option<&'scene crate::view::Run>,
    /// How that stands.
    pub standing: Option<RunStanding>,
    /// The agents that it used so far.
    pub agents: Vec<&'scene str>,
    /// Attempts in progress now.
    pub in_progress: usize,
    /// The most that there were at once in this run.
    pub most_at_once: usize,
    /// Attempts dispatched in this run.
    pub attempts: u32,
    /// What the run spent so far, attempts in progress included.
    pub spent: Spent,
    /// The plan's steps, counted.
    pub tally: Tally,
}

/// The model.
#[derive(Clone, PartialEq, Debug)]
pub struct Scene {
    retries_max: u32,
    as_of: u64,
    newest_at: Option<Timestamp>,
    plans: BTreeMap<PlanKey, PlanScene>,
    boards: BTreeMap<BoardKey, BoardScene>,
    flying: BTreeMap<AttemptId, Flying>,
    runners: HashMap<RunId, (Vitality, Timestamp)>,
    activity: Feed<Act>,
    pending: Pending,
    trouble: Option<String>,
}

impl Scene {
    /// An empty scene. `retries_max` is the setting of the runs that are shown: a step that
    /// failed more often is not tried again.
    #[must_use]
    pub fn new(retries_max: u32) -> Self {
        Self {
            retries_max,
            as_of: 0,
            newest_at: None,
            plans: BTreeMap::new(),
            boards: BTreeMap::new(),
            flying: BTreeMap::new(),
            runners: HashMap::new(),
            activity: Feed::new(ACTIVITY_MAX),
            pending: Pending::default(),
            trouble: None,
        }
    }

    /// Takes one step forward.
    pub fn apply(&mut self, change: Change) {
        match change {
            Change::Stored(stored) => self.stored(*stored),
            Change::Opened {
                attempt,
                format,
                top,
            } => {
                if let Some(flying) = self.flying.get_mut(&attempt) {
                    flying.open(format, &top);
                }
            }
            Change::Heard { attempt, updates } => self.heard(attempt, &updates),
            Change::Looked { at, attempts, runs } => {
                for (attempt, vitality) in attempts {
                    if let Some(flying) = self.flying.get_mut(&attempt) {
                        flying.look(at, vitality);
                    }
                }
                self.look_at_runs(at, &runs);
            }
            Change::Pending(pending) => self.pending = pending,
            Change::Trouble(trouble) => self.trouble = trouble,
        }
    }

    fn stored(&mut self, stored: Stored) {
        if stored.anew {
            *self = Self::new(self.retries_max);
        }
        for loaded in stored.plans {
            let plan = PlanScene::new(loaded, self.retries_max);
            for act in plan.log().reports().iter() {
                self.activity.push(act.clone());
            }
            for attempt in plan.view().open_attempts() {
                let flying = flying(&plan, attempt);
                self.flying.entry(attempt.id).or_insert(flying);
            }
            self.plans.insert(plan.key().clone(), plan);
        }
        for (key, board) in stored.boards {
            self.boards.insert(key.clone(), BoardScene::new(key, board));
        }
        for operation in &stored.operations {
            self.operation(operation);
        }
        for (key, waits) in stored.waits {
            if let Some(plan) = self.plans.get_mut(&key) {
                plan.set_waits(waits);
            }
        }
        for key in &stored.dropped {
            self.plans.remove(key);
            self.flying.retain(|_, flying| flying.plan() != key);
        }
        self.as_of = self.as_of.max(stored.as_of);
    }

    fn operation(&mut self, stored: &StoredOperation) {
        self.as_of = self.as_of.max(stored.sequence);
        self.newest_at = Some(stored.at);
        let key = BoardKey::new(stored.plan.path().clone());
        if let Some(board) = self.boards.get_mut(&key) {
            board.apply(stored);
            return;
        }
        let Some(plan) = self.plans.get_mut(&stored.plan) else {
            return;
        };
        if stored.sequence <= plan.view().sequence {
            return;
        }
        plan.apply(stored);
        self.activity_of(stored);
        let Some(id) = stored.operation.attempt() else {
            return;
        };
        let Some(plan) = self.plans.get(&stored.plan) else {
            return;
        };
        match plan.view().attempts.get(&id) {
            None => {
                self.flying.remove(&id);
            }
            Some(attempt) => {
                let known = self.flying.entry(id);
                let known = known.or_insert_with(|| flying(plan, attempt));
                known.set(attempt, stored.at);
            }
        }
    }

    fn activity_of(&mut self, stored: &StoredOperation) {
        if let Operation::StepClaimed { .. } = &stored.operation
            && let Some(act) = flight_log::claim(stored)
        {
            self.activity.push(act);
        }
    }

    fn heard(&mut self, attempt: AttemptId, updates: &[(Timestamp, SessionUpdate)]) {
        let Some(flying) = self.flying.get_mut(&attempt) else {
            return;
        };
        for (at, update) in updates {
            let Some(deed) = flying.hear(*at, update) else {
                continue;
            };
            self.activity.push(Act {
                at: *at,
                plan: flying.plan().clone(),
                attempt,
                step: flying.step().cloned().unwrap_or_else(no_step),
                deed,
            });
        }
    }

    fn look_at_runs(&mut self, at: Timestamp, runs: &[(RunId, Vitality)]) {
        for (run, vitality) in runs {
            let known = self.runners.entry(*run).or_insert((*vitality, at));
            if known.0 != *vitality {
                *known = (*vitality, at);
            }
        }
        // Only runs that have not ended are looked at, so these are few.
        self.runners
            .retain(|run, _| runs.iter().any(|(looked, _)| looked == run));
    }

    /// The newest operation that is shown; 0 before the first.
    #[must_use]
    pub fn as_of(&self) -> u64 {
        self.as_of
    }

    /// When the newest operation that was seen to come was stored.
    #[must_use]
    pub fn newest_at(&self) -> Option<Timestamp> {
        self.newest_at
    }

    /// The plans and stages that are shown, by path.
    pub fn plans(&self) -> impl Iterator<Item = &PlanScene> {
        self.plans.values()
    }

    /// One plan.
    #[must_use]
    pub fn plan(&self, key: &PlanKey) -> Option<&PlanScene> {
        self.plans.get(key)
    }

    /// The plan that is flown, else the one that was flown last: what a screen shows first.
    #[must_use]
    pub fn foremost(&self) -> Option<&PlanScene> {
        self.plans.values().max_by_key(|plan| {
            let begun = plan.run().map(|run| run.started_at);
            (plan.running().is_some(), begun, plan.view().sequence)
        })
    }

    /// The boards that are shown.
    pub fn boards(&self) -> impl Iterator<Item = &BoardScene> {
        self.boards.values()
    }

    /// The attempts in progress, the oldest first: exactly those that the store has as not judged.
    pub fn in_progress(&self) -> impl ExactSizeIterator<Item = &Flying> {
        self.flying.values()
    }

    /// An attempt in progress.
    #[must_use]
    pub fn flying(&self, attempt: AttemptId) -> Option<&Flying> {
        self.flying.get(&attempt)
    }

    /// What agents did, the oldest first: since the scene began, and of attempts that were in
    /// progress then from their beginning.
    #[must_use]
    pub fn activity(&self) -> &Feed<Act> {
        &self.activity
    }

    /// The newest landings of all plans, the newest first, at most `limit`.
    #[must_use]
    pub fn landings(&self, limit: usize) -> Vec<&Landing> {
        let all = self.plans.values();
        let mut landings: Vec<&Landing> = all
            .flat_map(|plan| plan.log().landings().iter().rev().take(limit))
            .collect();
        landings.sort_by_key(|landing| std::cmp::Reverse(landing.sequence));
        landings.truncate(limit);
        landings
    }

    /// What is stored and waits to be published or committed.
    #[must_use]
    pub fn pending(&self) -> &Pending {
        &self.pending
    }

    /// Why the store cannot be read now; what is shown is then older than it seems.
    #[must_use]
    pub fn trouble(&self) -> Option<&str> {
        self.trouble.as_deref()
    }

    /// What the process of a run that has not ended is, and since when it was seen to be.
    #[must_use]
    pub fn runner(&self, run: RunId) -> Option<(Vitality, Timestamp)> {
        self.runners.get(&run).copied()
    }

    /// The steps of all plans by stored status.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let mut sum = Counts::default();
        for plan in self.plans.values() {
            for (status, count) in plan.tally().counts().by_status() {
                sum.add(status, count);
            }
        }
        sum
    }

    /// The first line for a plan.
    #[must_use]
    pub fn header<'scene>(&'scene self, plan: &'scene PlanScene) -> Header<'scene> {
        let log = plan.log();
        let own = || self.flying.values().filter(|it| it.plan() == plan.key());
        let mut spent = log.spent();
        // An attempt that ended is in the log's sum, whether it was judged or not.
        for flying in own().filter(|flying| flying.attempt().report.is_none()) {
            spent.add_usage(flying.usage());
        }
        Header {
            plan: plan.key(),
            name: &plan.view().name,
            run: plan.run(),
            standing: plan.run().map(|run| self.standing(run)),
            agents: log.agents().collect(),
            in_progress: own().count(),
            most_at_once: log.most_at_once(),
            attempts: log.attempts(),
            spent,
            tally: *plan.tally(),
        }
    }

    fn standing(&self, run: &crate::view::Run) -> RunStanding {
        if let Some((at, ending)) = run.ended {
            return RunStanding::Ended(at, ending);
        }
        if run.runner.is_none() {
            return RunStanding::ByHand;
        }
        match self.runner(run.id) {
            None => RunStanding::NotKnown,
            Some((Vitality::Alive, _)) => RunStanding::Flying,
            Some((Vitality::Frozen, at)) => RunStanding::Frozen(at),
            Some((Vitality::Ended | Vitality::Gone, at)) => RunStanding::Gone(at),
        }
    }
}

fn flying(plan: &PlanScene, attempt: &Attempt) -> Flying {
    let step = attempt.steps.first();
    let step = step.and_then(|step| plan.view().step(step));
    let text = step.map_or("", |step| step.record.description.as_str());
    Flying::new(plan.key().clone(), attempt.clone(), text)
}

/// An attempt without a step is none that a run ever dispatched.
fn no_step() -> StepId {
    StepId::new("")
}

#[cfg(test)]
mod tests;
