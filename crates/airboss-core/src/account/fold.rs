//! From the operations of plans to attempts, steps and commits.

use std::collections::HashMap;

use super::{
    AttemptLine, CommitLine, Facts, GateLine, Group, MarkLine, OpenItem, OpenKind, Outcome, Part,
    RunLine, StepLine, shown,
};
use crate::attempt::StreamReport;
use crate::id::{AttemptId, RunId, StepId, TaskId};
use crate::operation::{Operation, PlanKey, StoredOperation};
use crate::scene::{Change, FlightLog, LoadedPlan, Scene, Spent, Stand, Stored};
use crate::status_file::phase_text;
use crate::step::Step;
use crate::text::shell_word;
use crate::time::Timestamp;
use crate::verdict::{Judgement, Verdict};
use crate::view::View;

/// The log of a plan as far as it tells of a run: up to where the next run begins. The second
/// value is false when nothing had to be left out, so that the run is still the newest.
#[must_use]
pub fn until_next_run(log: &[StoredOperation], run: RunId) -> (&[StoredOperation], bool) {
    let (mut begun, mut over) = (false, false);
    let next = log.iter().position(|stored| match &stored.operation {
        Operation::RunStarted { run: id, .. } if *id == run => {
            begun = true;
            false
        }
        // One that a person counts by hand may lie inside a flight.
        Operation::RunStarted { runner, .. } => begun && (over || runner.is_some()),
        Operation::RunEnded { run: id, .. } => {
            over |= *id == run;
            false
        }
        _ => false,
    });
    next.map_or((log, false), |place| (&log[..place], true))
}

/// Everything that is told of one or several plans.
#[derive(Default)]
pub(super) struct Folded {
    pub(super) name: String,
    pub(super) runs: Vec<RunLine>,
    pub(super) groups: Vec<Group>,
    pub(super) attempts: Vec<AttemptLine>,
    pub(super) reports: Vec<(AttemptId, StreamReport)>,
    pub(super) commits: Vec<CommitLine>,
    pub(super) open: Vec<OpenItem>,
}

/// Time that a step lost to something.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pause {
    Parked(Timestamp, Timestamp),
    Asked(Timestamp),
}

/// What is collected of a step while its log is read.
#[derive(Default)]
struct Told {
    attempts: Vec<usize>,
    retries: u32,
    parked_ms: u64,
    waited_ms: u64,
    pause: Option<Pause>,
    marks: Vec<MarkLine>,
}

impl Told {
    /// Whatever it waited for is over.
    fn resume(&mut self, at: Timestamp) {
        match self.pause.take() {
            Some(Pause::Parked(since, until)) => self.parked_ms += millis(at.min(until), since),
            Some(Pause::Asked(since)) => self.waited_ms += millis(at, since),
            None => {}
        }
    }
}

pub(super) fn millis(end: Timestamp, begin: Timestamp) -> u64 {
    u64::try_from(end.since(begin).as_millis()).unwrap_or(u64::MAX)
}

impl Folded {
    pub(super) fn of(facts: &Facts, parts: Vec<Part>) -> Self {
        let mut folded = Self::default();
        let several = parts.len() > 1;
        for part in parts {
            PartFold::new(facts, &mut folded, part, several).finish();
        }
        folded
    }
}

struct PartFold<'a> {
    facts: &'a Facts,
    folded: &'a mut Folded,
    part: Part,
    several: bool,
    view: View,
    told: HashMap<StepId, Told>,
    places: HashMap<AttemptId, usize>,
    /// Commits that were put off, and why, by the operation that they are for.
    deferred: Vec<(u64, String)>,
    /// The tasks that operations of a board are about.
    tasks: HashMap<u64, TaskId>,
    /// The run that is told of has begun.
    begun: bool,
}

impl<'a> PartFold<'a> {
    fn new(facts: &'a Facts, folded: &'a mut Folded, part: Part, several: bool) -> Self {
        let begun = part.run.is_none();
        Self {
            facts,
            folded,
            part,
            several,
            view: View::default(),
            told: HashMap::new(),
            places: HashMap::new(),
            deferred: Vec::new(),
            tasks: HashMap::new(),
            begun,
        }
    }

    fn finish(mut self) {
        for stored in std::mem::take(&mut self.part.operations) {
            // A store has no illegal operation; should one come, the view stays as it was.
            self.view.apply(&stored).ok();
            self.apply(&stored);
        }
        if self.folded.name.is_empty() {
            self.folded.name = shown(&self.view.name);
        }
        let deferred = std::mem::take(&mut self.deferred);
        for (_, reason) in deferred {
            self.folded.open.push(OpenItem {
                kind: OpenKind::Commit,
                plan: self.part.plan.clone(),
                step: None,
                text: reason,
                until: None,
                command: None,
            });
        }
        self.groups();
    }

    fn is_told(&self, run: RunId) -> bool {
        self.part.run.is_none_or(|only| only == run)
    }

    fn told(&mut self, step: &StepId) -> &mut Told {
        self.told.entry(step.clone()).or_default()
    }

    fn apply(&mut self, stored: &StoredOperation) {
        let at = stored.at;
        match &stored.operation {
            Operation::PlanRegistered { renamed, .. } => self.rename(renamed),
            Operation::RunStarted { run, words, .. } if self.is_told(*run) => {
                self.begun = true;
                self.folded.runs.push(RunLine {
                    id: *run,
                    plan: self.part.plan.clone(),
                    asked: shown(words),
                    began: at,
                    ended: None,
                    ending: None,
                    attempts: 0,
                });
            }
            Operation::RunEnded { run, ending, .. } => {
                let mut runs = self.folded.runs.iter_mut();
                if let Some(run) = runs.find(|known| known.id == *run) {
                    (run.ended, run.ending) = (Some(at), Some(*ending));
                }
            }
            Operation::AttemptDispatched { steps, .. } => {
                for step in steps {
                    self.told(step).resume(at);
                }
                self.dispatched(stored);
            }
            Operation::AttemptEnded {
                attempt, report, ..
            } => {
                if let Some(line) = self.attempt(*attempt) {
                    (line.landed, line.ended) = (Some(at), Some(at));
                    line.tools = report.tools;
                    line.spending = report.spending;
                    self.folded.reports.push((*attempt, report.clone()));
                }
            }
            Operation::StepJudged { .. } => self.judged(stored),
            Operation::StepMarked { .. }
            | Operation::StepAnswered { .. }
            | Operation::RetryGranted { .. } => self.marked(stored),
            Operation::Board { operation } => {
                let task = operation.task().map(|task| (stored.sequence, task));
                self.tasks.extend(task);
            }
            Operation::CommitMade { .. } => self.committed(stored),
            Operation::CommitDeferred { sequence, reason } if self.begun => {
                self.deferred.retain(|(known, _)| known != sequence);
                self.deferred.push((*sequence, shown(reason)));
            }
            _ => {}
        }
    }

    /// What was told of a step stays with it when the plan calls it otherwise.
    fn rename(&mut self, renamed: &[(StepId, StepId)]) {
        let moved: Vec<_> = renamed
            .iter()
            .filter_map(|(new, old)| Some((new.clone(), self.told.remove(old)?)))
            .collect();
        self.told.extend(moved);
    }

    fn dispatched(&mut self, stored: &StoredOperation) {
        let Operation::AttemptDispatched {
            attempt,
            run,
            steps,
            agent,
            number,
            retry,
            ..
        } = &stored.operation
        else {
            return;
        };
        if !self.is_told(*run) {
            return;
        }
        let mut runs = self.folded.runs.iter_mut();
        if let Some(run) = runs.find(|known| known.id == *run) {
            run.attempts += 1;
        }
        let place = self.folded.attempts.len();
        self.places.insert(*attempt, place);
        for step in steps {
            let told = self.told(step);
            told.attempts.push(place);
            told.retries += u32::from(*retry);
        }
        let first = steps.first().map(StepId::as_str).unwrap_or_default();
        let name = match self.several {
            true => format!("{} {first}#{number}", self.part.name),
            false => format!("{first}#{number}"),
        };
        self.folded.attempts.push(AttemptLine {
            name: shown(&name),
            id: *attempt,
            plan: self.part.plan.clone(),
            run: *run,
            group: None,
            steps: steps.clone(),
            agent: shown(agent),
            model: self.facts.models.get(attempt).map(|model| shown(model)),
            number: *number,
            retry: *retry,
            began: stored.at,
            landed: None,
            ended: None,
            duration_ms: millis(self.facts.as_of, stored.at),
            verdict: None,
            outcomes: Vec::new(),
            tools: 0,
            spending: None,
        });
    }

    fn attempt(&mut self, id: AttemptId) -> Option<&mut AttemptLine> {
        let place = *self.places.get(&id)?;
        self.folded.attempts.get_mut(place)
    }

    fn judged(&mut self, stored: &StoredOperation) {
        let Operation::StepJudged {
            step,
            attempt,
            judgement,
            evidence,
            wake_at,
        } = &stored.operation
        else {
            return;
        };
        let Some(line) = self.attempt(*attempt) else {
            return;
        };
        line.ended = Some(stored.at);
        line.duration_ms = millis(stored.at, line.began);
        line.verdict = line.verdict.map_or(Some(judgement.verdict), |known| {
            Some(worse(known, judgement.verdict))
        });
        let gates = evidence.gates.iter().map(|gate| GateLine {
            name: shown(&gate.name),
            green: gate.is_green(),
        });
        line.outcomes.push(Outcome {
            step: step.clone(),
            verdict: judgement.verdict,
            reason: shown(&judgement.reason),
            wake_at: *wake_at,
            files: evidence.changes.len(),
            gates: gates.collect(),
            commit: None,
        });
        self.told(step).pause = pause(judgement, stored.at, *wake_at);
    }

    fn marked(&mut self, stored: &StoredOperation) {
        let (step, what, text) = match &stored.operation {
            Operation::StepMarked {
                step, status, text, ..
            } => {
                let word = status.word().replace('_', " ");
                (step, format!("marked {word}"), text.as_ref())
            }
            Operation::StepAnswered { step, answer } => (step, "answered".to_owned(), Some(answer)),
            Operation::RetryGranted { step, error } => {
                (step, "granted a retry".to_owned(), error.as_ref())
            }
            _ => return,
        };
        let mark = MarkLine {
            at: stored.at,
            what,
            text: text.map(|text| shown(text)),
        };
        let begun = self.begun;
        let told = self.told(step);
        told.resume(stored.at);
        if begun {
            told.marks.push(mark);
        }
    }

    /// A commit belongs to the newest verdict on each step that it holds.
    fn committed(&mut self, stored: &StoredOperation) {
        let Operation::CommitMade {
            sequence,
            steps,
            commit,
            left_out,
        } = &stored.operation
        else {
            return;
        };
        self.deferred.retain(|(known, _)| known != sequence);
        let Some(commit) = commit.as_deref().map(shown).filter(|_| self.begun) else {
            return;
        };
        for step in steps {
            let last = self.told.get(step).and_then(|told| told.attempts.last());
            let line = last.and_then(|place| self.folded.attempts.get_mut(*place));
            let outcomes = line.into_iter().flat_map(|line| &mut line.outcomes);
            for outcome in outcomes.filter(|outcome| outcome.step == *step) {
                outcome.commit = Some(commit.clone());
            }
        }
        self.folded.commits.push(CommitLine {
            at: stored.at,
            commit,
            plan: self.part.plan.clone(),
            steps: steps.clone(),
            task: self
                .tasks
                .get(sequence)
                .and_then(|task| self.facts.numbers.get(task).copied()),
            left_out: left_out.len(),
        });
    }

    /// The steps where they stand at the end of the log.
    fn groups(&mut self) {
        let plan = self.part.plan.clone();
        let mut scene = Scene::new(self.facts.retries_max);
        scene.apply(Change::Stored(Box::new(Stored {
            plans: vec![LoadedPlan {
                key: plan.clone(),
                view: std::mem::take(&mut self.view),
                log: FlightLog::default(),
                waits: std::mem::take(&mut self.part.waits),
            }],
            ..Stored::default()
        })));
        let Some(known) = scene.plan(&plan) else {
            return;
        };
        for phase in known.phases() {
            let place = self.folded.groups.len();
            let own = phase_text(&phase.key, &phase.title);
            let title = match (self.several, known.phases().len()) {
                (false, _) => own,
                (true, 1) => self.part.name.clone(),
                (true, _) => format!("{}, {own}", self.part.name),
            };
            let mut steps = Vec::new();
            for (step, stand) in known.steps(phase) {
                self.open(step, stand);
                let line = self.step(step, stand);
                for attempt in &line.attempts {
                    if let Some(attempt) = self.folded.attempts.get_mut(*attempt) {
                        attempt.group.get_or_insert(place);
                    }
                }
                steps.push(line);
            }
            self.folded.groups.push(Group {
                plan: plan.clone(),
                title: shown(&title),
                settled: phase.tally.settled(),
                steps,
            });
        }
    }

    fn step(&mut self, step: &Step, stand: Stand) -> StepLine {
        let mut told = self.told.remove(&step.record.id).unwrap_or_default();
        told.resume(self.facts.as_of);
        let state = &step.state;
        let is = |verdict| {
            state
                .judgement
                .as_ref()
                .is_some_and(|j| j.verdict == verdict)
        };
        let attempts = || {
            told.attempts
                .iter()
                .map(|place| &self.folded.attempts[*place])
        };
        let own = attempts().filter(|line| line.steps.first() == Some(&step.record.id));
        let costs = own.filter_map(|line| line.spending?.cost_usd);
        StepLine {
            id: step.record.id.clone(),
            text: shown(&step.record.description),
            stand,
            verified: stand == Stand::Done && !state.overridden && is(Verdict::Verified),
            reason: reason(step, stand),
            after: step.record.dependencies.clone(),
            retries: told.retries,
            parked_ms: told.parked_ms,
            waited_ms: told.waited_ms,
            worked_ms: attempts().map(|line| line.duration_ms).sum(),
            cost_usd: costs.reduce(|sum, cost| sum + cost),
            commit: state.commit.as_deref().map(shown),
            attempts: told.attempts,
            marks: told.marks,
        }
    }

    fn open(&mut self, step: &Step, stand: Stand) {
        let id = &step.record.id;
        let word = shell_word(id.as_str());
        let (kind, command) = match stand {
            Stand::NeedsAnswer => (
                OpenKind::Question,
                Some(format!("airboss answer {word} TEXT")),
            ),
            Stand::Failed => (OpenKind::Failed, Some(format!("airboss why {word}"))),
            Stand::Retried => (OpenKind::Retried, None),
            Stand::Limited => (OpenKind::Limited, None),
            Stand::Parked => (OpenKind::Parked, None),
            Stand::InProgress => (OpenKind::InProgress, None),
            _ => return,
        };
        self.folded.open.push(OpenItem {
            kind,
            plan: self.part.plan.clone(),
            step: Some(id.clone()),
            text: reason(step, stand).unwrap_or_else(|| shown(&step.record.description)),
            until: step.state.wake_at,
            command,
        });
    }
}

fn pause(judgement: &Judgement, at: Timestamp, wake_at: Option<Timestamp>) -> Option<Pause> {
    match (judgement.verdict, wake_at) {
        (Verdict::Waiting, _) => Some(Pause::Asked(at)),
        (_, Some(wake)) => Some(Pause::Parked(at, wake)),
        _ => None,
    }
}

/// Why a step stands where it stands, as far as that is a matter of words.
fn reason(step: &Step, stand: Stand) -> Option<String> {
    let state = &step.state;
    let judged = || state.judgement.as_ref().map(|judgement| &judgement.reason);
    let reason = match stand {
        Stand::Done => state.notes.as_ref().or_else(judged),
        Stand::Skipped => state.skip_reason.as_ref(),
        Stand::Failed | Stand::Retried => state.error.as_ref(),
        Stand::NeedsAnswer | Stand::Limited | Stand::Parked => judged(),
        Stand::InProgress => state.asked.as_ref(),
        Stand::Blocked | Stand::Pending => None,
    };
    reason.map(|text| shown(text))
}

/// The verdict that a person should see of two: what failed before what may still come well.
fn worse(left: Verdict, right: Verdict) -> Verdict {
    let rank = |verdict| match verdict {
        Verdict::Failed => 0,
        Verdict::Unverified => 1,
        Verdict::Waiting => 2,
        Verdict::Infra => 3,
        Verdict::Interrupted => 4,
        Verdict::Limited => 5,
        Verdict::Verified => 6,
    };
    if rank(right) < rank(left) {
        right
    } else {
        left
    }
}

impl super::AttemptLine {
    /// Tokens and money of several attempts.
    pub(super) fn spent<'a>(
        ids: impl Iterator<Item = &'a AttemptId>,
        reports: &HashMap<AttemptId, &StreamReport>,
    ) -> Spent {
        let mut spent = Spent::default();
        for report in ids.filter_map(|id| reports.get(id)) {
            spent.add_report(report);
        }
        spent
    }
}

/// The plan that something belongs to, for the order of runs.
pub(super) fn by_time(run: &RunLine) -> (Timestamp, &PlanKey) {
    (run.began, &run.plan)
}
