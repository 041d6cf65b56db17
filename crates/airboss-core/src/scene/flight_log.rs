//! What the log tells of a plan's newest run beyond where its steps stand.
//!
//! The view forgets what an attempt cost once the next one began; this fold does not. It is
//! made from the operations since the run began, the same way live and from the stored log.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use super::feed::{Act, Deed, Feed, shown};
use crate::agent::Usage;
use crate::attempt::{Spending, StreamReport};
use crate::id::{AttemptId, RunId, StepId};
use crate::operation::{Operation, PlanKey, StoredOperation};
use crate::time::Timestamp;
use crate::verdict::Verdict;

/// Landings that are kept: several screens; `airboss log` has them all.
pub const LANDINGS_MAX: usize = 200;
/// Reports that are kept for whoever opens the view late: a screen or two.
const REPORTS_MAX: usize = 100;

/// Tokens and money, summed over attempts.
#[derive(Clone, Copy, PartialEq, Debug, Default, serde::Serialize)]
pub struct Spent {
    /// Tokens read, cached ones included.
    pub input_tokens: u64,
    /// Tokens read from a cache.
    pub cached_tokens: u64,
    /// Tokens written.
    pub output_tokens: u64,
    /// United States dollars, of those attempts that tell.
    pub cost_usd: f64,
    /// Attempts that do not tell their tokens: the sum is at least this, not exactly.
    pub tokens_untold: u32,
    /// Attempts that do not tell their cost.
    pub cost_untold: u32,
}

impl Spent {
    pub(crate) fn add_report(&mut self, report: &StreamReport) {
        let Some(spending) = &report.spending else {
            self.tokens_untold += 1;
            self.cost_untold += 1;
            return;
        };
        let Spending {
            input_tokens,
            cached_tokens,
            output_tokens,
            cost_usd,
        } = *spending;
        self.add(input_tokens, cached_tokens, output_tokens, cost_usd);
    }

    pub(super) fn add_usage(&mut self, usage: Option<Usage>) {
        let Some(usage) = usage else {
            self.tokens_untold += 1;
            self.cost_untold += 1;
            return;
        };
        let input = usage
            .input
            .saturating_add(usage.cached)
            .saturating_add(usage.cache_write);
        self.add(input, usage.cached, usage.output, usage.cost_usd);
    }

    fn add(&mut self, input: u64, cached: u64, output: u64, cost: Option<f64>) {
        self.input_tokens = self.input_tokens.saturating_add(input);
        self.cached_tokens = self.cached_tokens.saturating_add(cached);
        self.output_tokens = self.output_tokens.saturating_add(output);
        match cost {
            Some(cost) => self.cost_usd += cost,
            None => self.cost_untold += 1,
        }
    }
}

/// An attempt at a step that was judged. Its texts are safe to show.
#[derive(Clone, PartialEq, Debug)]
pub struct Landing {
    /// When it was judged.
    pub at: Timestamp,
    /// The operation that says so.
    pub sequence: u64,
    /// The plan, or the stage of a task.
    pub plan: PlanKey,
    /// The step.
    pub step: StepId,
    /// The attempt.
    pub attempt: AttemptId,
    /// Which attempt of its first step it was; `None` when it began before what was read.
    pub number: Option<u32>,
    /// The agent.
    pub agent: Option<String>,
    /// What the evidence says.
    pub verdict: Verdict,
    /// Why.
    pub reason: String,
    /// From its dispatch to its verdict, gates included.
    pub duration: Option<Duration>,
    /// When it is dispatched again.
    pub wake_at: Option<Timestamp>,
    /// The git commit of its work.
    pub commit: LandingCommit,
}

/// The git commit of a landing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LandingCommit {
    /// None was made, or not yet.
    None,
    /// It was made.
    Made(String),
    /// It was put off, and waits.
    Deferred(String),
    /// There was nothing to commit.
    Nothing,
}

#[derive(Clone, PartialEq, Debug)]
struct Begun {
    at: Timestamp,
    number: u32,
    agent: String,
    ended: bool,
}

/// The fold of a run's operations.
#[derive(Clone, PartialEq, Debug)]
pub struct FlightLog {
    run: Option<RunId>,
    begun: HashMap<AttemptId, Begun>,
    attempts: u32,
    most_at_once: usize,
    agents: BTreeSet<String>,
    spent: Spent,
    landings: Feed<Landing>,
    reports: Feed<Act>,
}

impl Default for FlightLog {
    fn default() -> Self {
        Self {
            run: None,
            begun: HashMap::new(),
            attempts: 0,
            most_at_once: 0,
            agents: BTreeSet::new(),
            spent: Spent::default(),
            landings: Feed::new(LANDINGS_MAX),
            reports: Feed::new(REPORTS_MAX),
        }
    }
}

impl FlightLog {
    /// Takes the next operation of the plan.
    pub fn apply(&mut self, stored: &StoredOperation) {
        match &stored.operation {
            Operation::RunStarted { run, .. } => {
                // What landed stays to be seen; what is counted is the new run's.
                self.run = Some(*run);
                self.attempts = 0;
                self.most_at_once = self.in_the_air();
                self.agents.clear();
                self.spent = Spent::default();
            }
            Operation::AttemptDispatched {
                attempt,
                agent,
                number,
                ..
            } => {
                self.attempts += 1;
                self.agents.insert(agent.clone());
                let begun = Begun {
                    at: stored.at,
                    number: *number,
                    agent: agent.clone(),
                    ended: false,
                };
                self.begun.insert(*attempt, begun);
                self.most_at_once = self.most_at_once.max(self.in_the_air());
            }
            Operation::AttemptEnded {
                attempt, report, ..
            } => {
                self.spent.add_report(report);
                if let Some(begun) = self.begun.get_mut(attempt) {
                    begun.ended = true;
                }
            }
            Operation::AttemptJudged { attempt } => {
                self.begun.remove(attempt);
            }
            Operation::StepJudged { .. } => self.land(stored),
            Operation::StepClaimed { .. } => {
                if let Some(act) = claim(stored) {
                    self.reports.push(act);
                }
            }
            Operation::CommitMade {
                sequence,
                steps,
                commit,
                ..
            } => {
                let commit = match commit {
                    Some(commit) => LandingCommit::Made(shown(commit)),
                    None => LandingCommit::Nothing,
                };
                self.committed(*sequence, steps, &commit);
            }
            Operation::CommitDeferred { sequence, reason } => {
                self.committed(*sequence, &[], &LandingCommit::Deferred(shown(reason)));
            }
            _ => {}
        }
    }

    fn in_the_air(&self) -> usize {
        self.begun.values().filter(|begun| !begun.ended).count()
    }

    fn land(&mut self, stored: &StoredOperation) {
        let Operation::StepJudged {
            step,
            attempt,
            judgement,
            wake_at,
            ..
        } = &stored.operation
        else {
            return;
        };
        let begun = self.begun.get(attempt);
        self.landings.push(Landing {
            at: stored.at,
            sequence: stored.sequence,
            plan: stored.plan.clone(),
            step: step.clone(),
            attempt: *attempt,
            number: begun.map(|begun| begun.number),
            agent: begun.map(|begun| begun.agent.clone()),
            verdict: judgement.verdict,
            reason: shown(&judgement.reason),
            duration: begun.map(|begun| stored.at.since(begun.at)),
            wake_at: *wake_at,
            commit: LandingCommit::None,
        });
    }

    /// The wish of a commit belongs to the newest verdict; it may hold the work of a batch.
    fn committed(&mut self, sequence: u64, steps: &[StepId], commit: &LandingCommit) {
        let waits = |landing: &Landing| {
            landing.verdict == Verdict::Verified
                && !matches!(
                    landing.commit,
                    LandingCommit::Made(_) | LandingCommit::Nothing
                )
        };
        for landing in self.landings.iter_mut().rev() {
            let meant = landing.sequence == sequence || steps.contains(&landing.step);
            if meant && waits(landing) {
                landing.commit = commit.clone();
            }
        }
    }

    /// The run that is counted; `None` when it began before what was read.
    #[must_use]
    pub fn run(&self) -> Option<RunId> {
        self.run
    }

    /// Attempts dispatched in the run.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// The most attempts that were in the air at once. How many a run may start is no part of
    /// the store.
    #[must_use]
    pub fn most_at_once(&self) -> usize {
        self.most_at_once
    }

    /// The agents that the run used, by name.
    pub fn agents(&self) -> impl Iterator<Item = &str> {
        self.agents.iter().map(String::as_str)
    }

    /// What the run's ended attempts spent.
    #[must_use]
    pub fn spent(&self) -> Spent {
        self.spent
    }

    /// The newest landings, of earlier runs too when they were seen.
    #[must_use]
    pub fn landings(&self) -> &Feed<Landing> {
        &self.landings
    }

    /// The newest reports by agents.
    #[must_use]
    pub fn reports(&self) -> &Feed<Act> {
        &self.reports
    }
}

/// An agent's report as an act.
pub(super) fn claim(stored: &StoredOperation) -> Option<Act> {
    let Operation::StepClaimed {
        step,
        attempt,
        claim,
        about,
    } = &stored.operation
    else {
        return None;
    };
    Some(Act {
        at: stored.at,
        plan: stored.plan.clone(),
        attempt: *attempt,
        step: step.clone(),
        deed: Deed::Claimed {
            kind: *about,
            text: shown(claim),
        },
    })
}
