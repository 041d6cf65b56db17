//! The decisions of a run, as one pure function.
//!
//! ```text
//! world ──Input──▶ dispatch ──operations──▶ one store transaction
//!                           └──effects────▶ carried out after it ──▶ Input
//! ```
//!
//! [`dispatch`] looks at the plan's [`Flight`], the [`View`] and the run's own
//! [`Control`], and answers with what to store and what to do. It is called
//! again from the start when another writer was faster, so it changes nothing
//! itself. Retries, waits, blocking and the end of a run are decided here and
//! nowhere else (invariants 3, 4 and 9 of `ARCHITECTURE.md`).

mod standing;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use self::standing::Unsettled;
pub use self::standing::{Standing, standings};
use crate::attempt::{Attempt, AttemptEnd, AttemptStatus, StreamReport};
use crate::id::{AttemptId, RunId, StepId};
use crate::operation::{Actor, Operation, RunEnding, RunStop, StepStatus};
use crate::plan::{Schedule, ScheduledStep};
use crate::process::{ProcessIdentity, StopReason};
use crate::step::{STUCK_AFTER, StepState};
use crate::time::Timestamp;
use crate::verdict::{ChangedFile, Evidence, Judgement, RetryRules, Verdict, judge};
use crate::view::{Run, View};

/// The number of SIGINT: a run that was asked to end by a command ends as by Ctrl-C.
const INTERRUPT: i32 = 2;

/// One step as the schedule of its plan has it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unit {
    /// The step, and beside which others it may run.
    pub step: ScheduledStep,
    /// The steps that have to be settled first.
    pub waits_for: Vec<StepId>,
    /// The phases whose every step has to be settled first.
    pub after_phases: Vec<String>,
}

impl Unit {
    /// The schedule as the dispatcher looks at it.
    #[must_use]
    pub fn all(schedule: &Schedule) -> Vec<Self> {
        schedule
            .steps
            .iter()
            .enumerate()
            .map(|(place, step)| {
                let (steps, phases) = schedule.waits_for_parts(place);
                Self {
                    step: step.clone(),
                    waits_for: steps.into_iter().cloned().collect(),
                    after_phases: phases.into_iter().map(str::to_owned).collect(),
                }
            })
            .collect()
    }
}

/// Limits of a run, all enforced here.
#[derive(Clone, PartialEq, Debug)]
pub struct Policy {
    /// Attempts at the same time.
    pub jobs: usize,
    /// Steps given to one agent at once.
    pub batch: usize,
    /// The agent's name in the configuration.
    pub agent: String,
    /// Retries and waits.
    pub rules: RetryRules,
    /// Attempts in a row that may fail for lack of something before the run gives up.
    pub infra_max: u32,
    /// Attempts of the whole run; `None` is bounded by steps and retries alone.
    pub attempts_max: Option<u32>,
}

/// What is flown, and how.
#[derive(Clone, PartialEq, Debug)]
pub struct Flight {
    /// The plan's steps in plan order.
    pub units: Vec<Unit>,
    /// The limits.
    pub policy: Policy,
}

/// What a run remembers between two decisions and does not store.
#[derive(Clone, PartialEq, Debug)]
pub struct Control {
    /// The run.
    pub run: RunId,
    /// The signal that asked for a drain.
    pub draining: Option<i32>,
    /// Infra verdicts since the last attempt that got further.
    pub infra_in_a_row: u32,
    /// Attempts dispatched so far.
    pub dispatched: u32,
    /// How a person wanted the run to end, as far as it was heeded.
    pub heeded: Option<RunStop>,
    /// The agent's service refuses to serve until then, whichever step asks.
    pub limited_until: Option<Timestamp>,
}

impl Control {
    /// The control state of a run that begins.
    #[must_use]
    pub fn new(run: RunId) -> Self {
        Self {
            run,
            draining: None,
            infra_in_a_row: 0,
            dispatched: 0,
            heeded: None,
            limited_until: None,
        }
    }
}

/// What happened.
#[derive(Clone, PartialEq, Debug)]
pub enum Input {
    /// Time went by, or somebody else changed the store.
    Tick,
    /// A supervisor reported itself.
    Spawned {
        /// Its attempt.
        attempt: AttemptId,
        /// The supervisor.
        supervisor: ProcessIdentity,
    },
    /// An attempt's process came to its end, or was found to have.
    Ended {
        /// The attempt.
        attempt: AttemptId,
        /// How.
        end: AttemptEnd,
        /// What its stream told.
        report: Box<StreamReport>,
    },
    /// The evidence of an ended attempt, a piece for each of its steps.
    Gathered {
        /// The attempt.
        attempt: AttemptId,
        /// Step by step.
        evidence: Vec<(StepId, Evidence)>,
    },
    /// End after what is running; the second time, end it.
    Stop {
        /// The signal that asked.
        signal: i32,
    },
}

/// An attempt to start. It is started only after its dispatch is durable.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SpawnOrder {
    /// The attempt.
    pub attempt: AttemptId,
    /// Its steps.
    pub steps: Vec<StepId>,
    /// The agent's name.
    pub agent: String,
    /// The fencing token.
    pub fence: u64,
    /// Which attempt of its first step this is, from 1.
    pub number: u32,
    /// The session to resume.
    pub resume: Option<String>,
    /// Why the attempt before it was not enough.
    pub previous: Option<String>,
    /// The output of the gate that was red then.
    pub gate_output: Option<String>,
    /// A person's answer to what it asked.
    pub answer: Option<String>,
}

/// Something to do. Each can be done again without harm, or be probed.
#[derive(Clone, PartialEq, Debug)]
pub enum Effect {
    /// Start an agent.
    Spawn(SpawnOrder),
    /// Gather the evidence of an ended attempt.
    Gather(AttemptId),
    /// Ask an attempt to stop; at once when `now` is set.
    Terminate {
        /// The attempt.
        attempt: AttemptId,
        /// Skip the grace period.
        now: bool,
    },
    /// Nothing will change before this instant unless something happens.
    Wake(Timestamp),
    /// The run is over.
    Finish(RunEnding),
}

/// Files to commit for verified steps.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CommitIntent {
    /// The steps whose work it is.
    pub steps: Vec<StepId>,
    /// The files.
    pub changes: Vec<ChangedFile>,
}

/// What to store and what to do after it.
#[derive(Clone, PartialEq, Debug)]
pub struct Decision {
    /// To be stored in one transaction.
    pub operations: Vec<Operation>,
    /// To be queued in the same transaction.
    pub commit: Option<CommitIntent>,
    /// To be done after it.
    pub effects: Vec<Effect>,
    /// The run's control state once it is stored.
    pub control: Control,
}

/// Decides. `fresh` gives ids for new attempts.
pub fn dispatch(
    flight: &Flight,
    view: &View,
    control: &Control,
    input: &Input,
    now: Timestamp,
    fresh: &mut dyn FnMut() -> AttemptId,
) -> Decision {
    let mut decision = Decision {
        operations: Vec::new(),
        commit: None,
        effects: Vec::new(),
        control: control.clone(),
    };
    match input {
        Input::Tick => tick(flight, view, now, fresh, &mut decision),
        Input::Spawned {
            attempt,
            supervisor,
        } => {
            if live(view, *attempt).is_some_and(|known| known.supervisor.is_none()) {
                decision.operations.push(Operation::AttemptSpawned {
                    attempt: *attempt,
                    supervisor: supervisor.clone(),
                });
            }
        }
        Input::Ended {
            attempt,
            end,
            report,
        } => {
            // A second report of the same end changes nothing.
            if live(view, *attempt).is_some() {
                decision.operations.push(Operation::AttemptEnded {
                    attempt: *attempt,
                    end: end.clone(),
                    report: (**report).clone(),
                });
                decision.effects.push(Effect::Gather(*attempt));
            }
        }
        Input::Gathered { attempt, evidence } => {
            gathered(flight, view, *attempt, evidence, now, &mut decision);
        }
        Input::Stop { signal } => stop(view, *signal, &mut decision),
    }
    decision
}

fn live(view: &View, attempt: AttemptId) -> Option<&Attempt> {
    view.attempts
        .get(&attempt)
        .filter(|known| known.status.is_live())
}

fn stop(view: &View, signal: i32, decision: &mut Decision) {
    let second = decision.control.draining.is_some();
    decision.control.draining = Some(signal);
    if second {
        end_all(view, "the run was told twice to end", false, decision);
    }
}

/// What a person asked of the whole run by a command, heeded once; whether there was anything.
fn heed(view: &View, decision: &mut Decision) -> bool {
    let asked = own_run(view, &decision.control).and_then(|run| run.stop.as_ref());
    let Some((how, asked)) = asked.filter(|(how, _)| decision.control.heeded < Some(*how)) else {
        return false;
    };
    decision.control.heeded = Some(*how);
    decision.control.draining.get_or_insert(INTERRUPT);
    if *how > RunStop::Drain {
        let reason = format!("its run was ended by {}", asked.name());
        end_all(view, &reason, *how == RunStop::Kill, decision);
    }
    true
}

fn own_run<'view>(view: &'view View, control: &Control) -> Option<&'view Run> {
    view.run(control.run)
}

/// Asks every live attempt to stop; one that was asked before is killed.
fn end_all(view: &View, reason: &str, now: bool, decision: &mut Decision) {
    for attempt in view.open_attempts() {
        if !attempt.status.is_live() {
            continue;
        }
        let again = attempt.status == AttemptStatus::Stopping;
        if !again {
            decision.operations.push(Operation::AttemptStopRequested {
                attempt: attempt.id,
                reason: reason.to_owned(),
            });
        }
        decision.effects.push(Effect::Terminate {
            attempt: attempt.id,
            now: now || again,
        });
    }
}

/// Weighs the evidence of an attempt, step by step.
fn gathered(
    flight: &Flight,
    view: &View,
    id: AttemptId,
    evidence: &[(StepId, Evidence)],
    now: Timestamp,
    decision: &mut Decision,
) {
    let Some(attempt) = view
        .attempts
        .get(&id)
        .filter(|a| a.status == AttemptStatus::Ended)
    else {
        return;
    };
    let (Some(end), Some(report)) = (&attempt.end, &attempt.report) else {
        return;
    };
    let mut verified = Vec::new();
    let mut changes: Vec<ChangedFile> = Vec::new();
    let mut infra = false;
    for (step_id, evidence) in evidence {
        let Some(step) = view.step(step_id) else {
            continue;
        };
        let judgement = bounded(
            judge(end, &with_question(report, &step.state, id), evidence),
            &step.state,
            &flight.policy.rules,
        );
        let judgement = told_who(judgement, attempt, end);
        infra |= judgement.verdict == Verdict::Infra;
        if judgement.verdict == Verdict::Verified && step.state.attempt == Some(id) {
            verified.push(step_id.clone());
            for change in &evidence.changes {
                if !changes.contains(change) {
                    changes.push(change.clone());
                }
            }
        }
        // What a person ended waits for a person.
        let wake_at = wake_after(&judgement, &step.state, &flight.policy.rules, now)
            .filter(|_| attempt.killed.is_none());
        if judgement.verdict == Verdict::Limited {
            decision.control.limited_until = decision.control.limited_until.max(wake_at);
        }
        decision.operations.push(Operation::StepJudged {
            step: step_id.clone(),
            attempt: id,
            judgement,
            evidence: evidence.clone(),
            wake_at,
        });
    }
    decision
        .operations
        .push(Operation::AttemptJudged { attempt: id });
    decision.control.infra_in_a_row = if infra {
        decision.control.infra_in_a_row + 1
    } else {
        0
    };
    if !verified.is_empty() && !changes.is_empty() {
        decision.commit = Some(CommitIntent {
            steps: verified,
            changes,
        });
    }
}

/// Names the person who ended the attempt, where its process was ended for that.
fn told_who(judgement: Judgement, attempt: &Attempt, end: &AttemptEnd) -> Judgement {
    let stopped = matches!(end, AttemptEnd::Seen { outcome }
        if outcome.stopped == Some(StopReason::Requested));
    match &attempt.killed {
        Some(asked) if stopped && judgement.verdict == Verdict::Interrupted => Judgement {
            reason: format!("ended by {}", asked.name()),
            ..judgement
        },
        _ => judgement,
    }
}

/// What the stream told, and the question that its agent put by a report instead.
fn with_question<'r>(
    report: &'r StreamReport,
    state: &StepState,
    attempt: AttemptId,
) -> Cow<'r, StreamReport> {
    match &state.asked {
        Some(asked) if report.question.is_none() && state.attempt == Some(attempt) => {
            Cow::Owned(StreamReport {
                question: Some(asked.clone()),
                ..report.clone()
            })
        }
        _ => Cow::Borrowed(report),
    }
}

/// Turns an endless series of interruptions into a failure.
fn bounded(judgement: Judgement, state: &StepState, rules: &RetryRules) -> Judgement {
    let too_often = judgement.verdict == Verdict::Interrupted
        && !judgement.blameless
        && state.interruptions >= rules.interruptions_max;
    if !too_often {
        return judgement;
    }
    let reason = format!(
        "interrupted {} times; {}",
        state.interruptions + 1,
        judgement.reason
    );
    Judgement {
        verdict: Verdict::Failed,
        reason,
        ..judgement
    }
}

/// When a step may be dispatched again after this judgement.
fn wake_after(
    judgement: &Judgement,
    state: &StepState,
    rules: &RetryRules,
    now: Timestamp,
) -> Option<Timestamp> {
    match judgement.verdict {
        Verdict::Verified | Verdict::Waiting => None,
        Verdict::Failed | Verdict::Unverified => (state.retry_count < rules.retries_max)
            .then(|| now.after(rules.backoff_before(state.retry_count + 1))),
        Verdict::Limited => {
            let reset = judgement.limit.as_ref().and_then(|limit| limit.resets_at);
            Some(reset.unwrap_or_else(|| now.after(rules.parking_after(state.parkings + 1))))
        }
        Verdict::Infra => Some(now.after(rules.backoff)),
        Verdict::Interrupted if judgement.blameless => None,
        Verdict::Interrupted => Some(now.after(rules.backoff_before(state.interruptions + 1))),
    }
}

fn tick(
    flight: &Flight,
    view: &View,
    now: Timestamp,
    fresh: &mut dyn FnMut() -> AttemptId,
    decision: &mut Decision,
) {
    release_stuck(view, now, decision);
    if !decision.operations.is_empty() {
        // The next tick sees them released.
        decision.effects.push(Effect::Wake(now));
        return;
    }
    if heed(view, decision) {
        decision.effects.push(Effect::Wake(now));
        return;
    }
    let open = view.open_attempts();
    end_unwanted(view, &open, decision);
    let standings = standings(flight, view, now);
    let draining = decision.control.draining.is_some();
    // A paused run waits for the person, who may also end it.
    let paused =
        !draining && own_run(view, &decision.control).is_some_and(|run| run.paused.is_some());
    let may_dispatch = !draining
        && !paused
        && attempts_left(flight, &decision.control) > 0
        && decision.control.infra_in_a_row < flight.policy.infra_max;
    // Other steps would only run into the same limit, and the time that takes would use up
    // the wait of the first: the run would go round for ever.
    let limited = decision.control.limited_until.is_some_and(|at| at > now);
    if may_dispatch && !limited {
        dispatch_ready(flight, view, &standings, &open, fresh, decision);
    }
    let wake = standings.iter().filter_map(|standing| match standing {
        Standing::Parked { until, .. } => Some(*until),
        _ => None,
    });
    if may_dispatch && let Some(at) = wake.min() {
        decision.effects.push(Effect::Wake(at));
    }
    if open.is_empty() && decision.effects.is_empty() && !paused {
        let ending = ending(flight, &decision.control, &standings);
        decision.effects.push(Effect::Finish(ending));
    }
}

/// Attempts that a person ended by a command, or whose steps were all taken away from them by one.
fn end_unwanted(view: &View, open: &[&Attempt], decision: &mut Decision) {
    for attempt in open {
        let current = |id: &StepId| {
            view.step(id)
                .is_some_and(|step| step.state.attempt == Some(attempt.id))
        };
        let running = matches!(
            attempt.status,
            AttemptStatus::Dispatched | AttemptStatus::Running
        );
        let reason = match &attempt.killed {
            _ if !running => continue,
            Some(asked) => format!("ended by {}", asked.name()),
            None if attempt.steps.iter().any(current) => continue,
            None => "its steps were marked by hand".to_owned(),
        };
        decision.operations.push(Operation::AttemptStopRequested {
            attempt: attempt.id,
            reason,
        });
        decision.effects.push(Effect::Terminate {
            attempt: attempt.id,
            now: false,
        });
    }
}

/// Steps in progress that nobody works on: begun by hand and not touched for too long, or left
/// by an attempt that was judged without them because the plan was edited meanwhile.
fn release_stuck(view: &View, now: Timestamp, decision: &mut Decision) {
    for step in &view.steps {
        let state = &step.state;
        if state.status != StepStatus::InProgress || state.vanished {
            continue;
        }
        let started = state.started_at.unwrap_or_default();
        let (status, text) = match state.attempt {
            None if now.since(started) > STUCK_AFTER => (
                StepStatus::Failed,
                format!("stuck: in progress since {started} with no live run behind it"),
            ),
            Some(id) if !is_open(view, id) => (
                StepStatus::Pending,
                "its attempt ended without it".to_owned(),
            ),
            _ => continue,
        };
        decision.operations.push(Operation::StepMarked {
            step: step.record.id.clone(),
            status,
            actor: Actor::Airboss,
            text: Some(text),
            forced: false,
            stuck: status == StepStatus::Failed,
        });
    }
}

fn is_open(view: &View, attempt: AttemptId) -> bool {
    view.attempts
        .get(&attempt)
        .is_some_and(|attempt| attempt.status != AttemptStatus::Judged)
}

fn attempts_left(flight: &Flight, control: &Control) -> u32 {
    flight
        .policy
        .attempts_max
        .map_or(u32::MAX, |max| max.saturating_sub(control.dispatched))
}

/// How a run ends in which nothing is running and nothing can be dispatched.
fn ending(flight: &Flight, control: &Control, standings: &[Standing]) -> RunEnding {
    let any = |wanted: fn(&Standing) -> bool| standings.iter().any(wanted);
    if standings
        .iter()
        .all(|standing| *standing == Standing::Settled)
    {
        // Nothing to fly is not a success that anybody asked for.
        return if standings.is_empty() {
            RunEnding::Blocked
        } else {
            RunEnding::Complete
        };
    }
    if let Some(signal) = control.draining {
        return RunEnding::Drained { signal };
    }
    let more = any(|standing| matches!(standing, Standing::Ready { .. } | Standing::Parked { .. }));
    if more && attempts_left(flight, control) == 0 {
        RunEnding::Exhausted
    } else if any(|standing| *standing == Standing::Exhausted) {
        RunEnding::Failed
    } else if any(|standing| matches!(standing, Standing::Limited { .. })) {
        RunEnding::Limited
    } else {
        RunEnding::Blocked
    }
}

/// Steps that share an attempt, or run beside each other.
fn dispatch_ready(
    flight: &Flight,
    view: &View,
    standings: &[Standing],
    open: &[&Attempt],
    fresh: &mut dyn FnMut() -> AttemptId,
    decision: &mut Decision,
) {
    let mut running: Vec<&Unit> = flight
        .units
        .iter()
        .filter(|unit| {
            open.iter()
                .any(|attempt| attempt.steps.contains(&unit.step.id))
        })
        .collect();
    let mut attempts = open.len();
    let fresh_first = |retry_wanted: bool| {
        flight.units.iter().zip(standings).filter(move |(_, standing)| {
            matches!(standing, Standing::Ready { retry } if *retry == retry_wanted)
        })
    };
    // A failed step never displaces a ready one, so the retries come last.
    for (unit, standing) in fresh_first(false).chain(fresh_first(true)) {
        if attempts >= flight.policy.jobs || attempts_left(flight, &decision.control) == 0 {
            return;
        }
        if running.iter().any(|other| other.step.id == unit.step.id) {
            continue;
        }
        if running
            .iter()
            .any(|other| !unit.step.may_overlap(&other.step))
        {
            // One that needs the tree alone is not overtaken by later ones for ever.
            if unit.step.parallel {
                continue;
            }
            return;
        }
        let retry = matches!(standing, Standing::Ready { retry: true });
        let members = batch(flight, view, unit, retry);
        order(flight, view, &members, retry, fresh(), decision);
        running.extend(members);
        attempts += 1;
    }
}

/// The steps that one agent gets: the first and, in a batch, those right behind it.
fn batch<'flight>(
    flight: &'flight Flight,
    view: &View,
    first: &'flight Unit,
    retry: bool,
) -> Vec<&'flight Unit> {
    let mut members = vec![first];
    if retry {
        return members; // A retry carries its own reason, so it goes alone.
    }
    let unsettled = Unsettled::new(flight, view);
    let behind = flight
        .units
        .iter()
        .skip_while(|unit| unit.step.id != first.step.id)
        .skip(1);
    for unit in behind {
        let fits = members.len() < flight.policy.batch
            && unit.step.phase == first.step.phase
            && unit.step.parallel == first.step.parallel
            && view.step(&unit.step.id).is_some_and(|step| {
                step.state.status == StepStatus::Pending
                    && step.state.wake_at.is_none()
                    && !step.state.is_waiting()
            })
            && unsettled
                .before(unit)
                .all(|open| members.iter().any(|member| member.step.id == *open));
        if !fits {
            break;
        }
        members.push(unit);
    }
    members
}

fn order(
    flight: &Flight,
    view: &View,
    members: &[&Unit],
    retry: bool,
    attempt: AttemptId,
    decision: &mut Decision,
) {
    let Some(first) = view.step(&members[0].step.id) else {
        return;
    };
    let steps: Vec<StepId> = members.iter().map(|unit| unit.step.id.clone()).collect();
    let number = first.state.attempts + 1;
    let fence = u64::from(number);
    decision.operations.push(Operation::AttemptDispatched {
        attempt,
        run: decision.control.run,
        steps: steps.clone(),
        agent: flight.policy.agent.clone(),
        fence,
        number,
        retry,
    });
    decision.control.dispatched += 1;
    let previous = first
        .state
        .judgement
        .as_ref()
        .filter(|j| j.verdict != Verdict::Verified);
    decision.effects.push(Effect::Spawn(SpawnOrder {
        attempt,
        steps,
        agent: flight.policy.agent.clone(),
        fence,
        number,
        resume: first.state.session.clone(),
        previous: previous.map(|j| format!("{}: {}", j.verdict.word(), j.reason)),
        gate_output: first.state.gate_output.clone(),
        answer: first.state.answer.clone(),
    }));
}

#[cfg(test)]
mod tests;
