//! What is known of one step, put together from its operations: plain values, no words yet.

use std::time::Duration;

use airboss_core::attempt::{AttemptEnd, AttemptStatus, SessionEnd, Spending};
use airboss_core::dispatch::Standing;
use airboss_core::id::{AttemptId, RunId, StepId};
use airboss_core::operation::{Actor, Operation, PlanKey, StepStatus, StoredOperation};
use airboss_core::step::StepState;
use airboss_core::time::Timestamp;
use airboss_core::verdict::{Evidence, Judgement, UnownedFile};
use airboss_engine::run::attempt_files::{AttemptFiles, directory};
use airboss_engine::run::watch::Watch;
use airboss_engine::store::{OperationQuery, SqliteStore, Store as _, StoreError};
use airboss_engine::supervise;
use airboss_engine::workspace::Workspace;
use serde::Serialize;

use super::{Knowledge, retries_max, roots};
use crate::command::log::AttemptNames;
use crate::error::CliError;
use crate::{lookup, words};

/// Everything that is known of a step.
#[derive(Debug, Serialize)]
pub(super) struct Story {
    pub(super) plan: PlanKey,
    pub(super) id: StepId,
    pub(super) description: String,
    pub(super) phase: String,
    pub(super) phase_title: String,
    /// The step as the store has it.
    pub(super) state: StepState,
    /// Where the dispatcher sees it, in one word; `None` when the plan cannot be read.
    pub(super) standing: Option<&'static str>,
    /// Why the dispatcher's view is not known.
    pub(super) plan_problem: Option<String>,
    /// The steps that hold it back, and why they are not done themselves.
    pub(super) held_back_by: Vec<Neighbour>,
    /// When it is dispatched next, where that is a matter of time.
    pub(super) wakes_at: Option<Timestamp>,
    /// What it asks a person.
    pub(super) question: Option<String>,
    pub(super) retries: Retries,
    pub(super) attempts: Vec<AttemptStory>,
    /// What was done by commands, in order.
    pub(super) marks: Vec<Mark>,
    pub(super) commit: CommitStory,
    /// Asked for one attempt only.
    #[serde(skip)]
    pub(super) only: Option<AttemptId>,
}

/// How many retries were used, and how many there are.
#[derive(Debug, Serialize)]
pub(super) struct Retries {
    pub(super) used: u32,
    pub(super) max: Option<u32>,
}

/// Another step, and why it is not done.
#[derive(Debug, Serialize)]
pub(crate) struct Neighbour {
    pub(super) id: StepId,
    pub(super) description: String,
    /// The rest of a sentence about it.
    pub(super) why: String,
}

impl Neighbour {
    pub(super) fn of(known: &Knowledge, id: &StepId, standing: Option<&Standing>) -> Option<Self> {
        let step = known.view.step(id)?;
        let mut why = match standing {
            Some(standing) => words::standing(standing, known.now),
            None => format!("is {}", step.state.status.word().replace('_', " ")),
        };
        let reason = super::tell::reason(&step.state).filter(|_| !step.state.status.is_settled());
        if let Some(reason) = reason {
            why = format!("{why}: {reason}");
        }
        Some(Self {
            id: id.clone(),
            description: step.record.description.clone(),
            why,
        })
    }
}

/// One attempt at the step.
#[derive(Debug, Serialize)]
pub(super) struct AttemptStory {
    pub(super) id: AttemptId,
    /// Which attempt at this step it is, from 1.
    pub(super) number: usize,
    pub(super) run: RunId,
    pub(super) agent: String,
    /// A retry that counts.
    pub(super) retry: bool,
    /// All its steps, when it was given several at once.
    pub(super) batch: Vec<StepId>,
    pub(super) dispatched_at: Timestamp,
    pub(super) status: AttemptStatus,
    pub(super) duration_ms: Option<u64>,
    /// What it is seen doing, while it runs.
    pub(super) doing: Option<String>,
    pub(super) stop_requested: Option<String>,
    pub(super) end: Option<AttemptEnd>,
    pub(super) judgement: Option<Judgement>,
    pub(super) evidence: Option<Evidence>,
    /// When the step could be dispatched again after it.
    pub(super) wake_at: Option<Timestamp>,
    pub(super) claimed: Claimed,
    /// Tools that were refused.
    pub(super) denied: Vec<String>,
    pub(super) tools: u32,
    pub(super) spending: Option<Spending>,
    /// The end of its standard error.
    pub(super) error_tail: String,
}

/// What the agent said of its own work. Shown, never believed.
#[derive(Debug, Default, Serialize)]
pub(super) struct Claimed {
    /// How it says that it ended.
    pub(super) end: Option<SessionEnd>,
    /// Files that its tools say they wrote.
    pub(super) files: Vec<String>,
    /// The end of what it said.
    pub(super) last_text: String,
    /// What it reported by a command.
    pub(super) reports: Vec<String>,
}

/// Something that was done by a command.
#[derive(Debug, Serialize)]
pub(super) struct Mark {
    pub(super) at: Timestamp,
    /// By a person, as opposed to Airboss itself.
    pub(super) person: bool,
    pub(super) what: String,
    pub(super) text: Option<String>,
    pub(super) forced: bool,
}

/// The git commit of the step's work.
#[derive(Debug, Default, Serialize)]
pub(super) struct CommitStory {
    pub(super) commit: Option<String>,
    /// It turned out that there was nothing to commit.
    pub(super) nothing: bool,
    /// Why it is not made yet.
    pub(super) pending: Option<String>,
    pub(super) left_out: Vec<UnownedFile>,
}

impl Story {
    /// Reads it from the store.
    pub(super) fn of(
        workspace: &Workspace,
        store: &SqliteStore,
        known: &Knowledge,
        plan: &PlanKey,
        id: &StepId,
    ) -> Result<Self, CliError> {
        let Some(step) = known.view.step(id) else {
            return Err(CliError::refused(format!(
                "nothing is recorded of step {id}"
            )));
        };
        let standing = known.standing(id).filter(|_| !step.state.vanished);
        let mut story = Self {
            plan: plan.clone(),
            id: id.clone(),
            description: step.record.description.clone(),
            phase: step.record.phase.clone(),
            phase_title: step.record.phase_title.clone(),
            standing: standing.map(standing_word),
            plan_problem: known.flight.as_ref().err().cloned(),
            held_back_by: held_back_by(known, id, standing),
            wakes_at: match standing {
                Some(Standing::Parked { until, .. } | Standing::Limited { until }) => Some(*until),
                _ => step.state.wake_at.filter(|at| *at > known.now),
            },
            question: question(&step.state),
            retries: Retries {
                used: step.state.retry_count,
                max: retries_max(known),
            },
            state: step.state.clone(),
            attempts: Vec::new(),
            marks: Vec::new(),
            commit: CommitStory::default(),
            only: None,
        };
        for stored in lookup::history(store, plan, Some(id))? {
            story.apply(&stored);
        }
        story.commit.pending = commit_pending(store, plan, id)?;
        let mut names = AttemptNames::new(store);
        for attempt in &mut story.attempts {
            attempt.observe(workspace, known.now);
            let unowned = attempt.evidence.iter_mut().flat_map(|e| &mut e.unowned);
            for file in unowned {
                file.why = with_names(&file.why, &mut names)?;
            }
        }
        Ok(story)
    }

    fn apply(&mut self, stored: &StoredOperation) {
        let at = stored.at;
        if let Some(attempt) = stored.operation.attempt() {
            self.apply_attempt(attempt, stored);
            return;
        }
        match &stored.operation {
            Operation::StepJudged {
                step,
                attempt,
                judgement,
                evidence,
                wake_at,
            } if *step == self.id => {
                if let Some(told) = self.attempt(*attempt) {
                    told.judgement = Some(judgement.clone());
                    told.evidence = Some(evidence.clone());
                    told.wake_at = *wake_at;
                }
            }
            Operation::StepClaimed {
                attempt,
                claim,
                about,
                ..
            } => {
                if let Some(told) = self.attempt(*attempt) {
                    told.claimed.reports.push(about.told(claim));
                }
            }
            Operation::StepMarked {
                status,
                actor,
                text,
                forced,
                ..
            } => self.marks.push(Mark {
                at,
                person: *actor == Actor::Person,
                what: format!("marked {}", status.word().replace('_', " ")),
                text: text.clone(),
                forced: *forced,
            }),
            Operation::StepAnswered { answer, .. } => {
                self.mark(at, "answered", Some(answer.clone()));
            }
            Operation::RetryGranted { error, .. } => {
                self.mark(at, "granted a retry", error.clone());
            }
            Operation::CommitMade {
                commit, left_out, ..
            } => {
                self.commit.nothing = commit.is_none();
                self.commit.commit.clone_from(commit);
                self.commit.left_out.clone_from(left_out);
            }
            _ => {}
        }
    }

    fn mark(&mut self, at: Timestamp, what: &str, text: Option<String>) {
        self.marks.push(Mark {
            at,
            person: true,
            what: what.to_owned(),
            text,
            forced: false,
        });
    }

    fn attempt(&mut self, id: AttemptId) -> Option<&mut AttemptStory> {
        self.attempts.iter_mut().find(|told| told.id == id)
    }

    fn apply_attempt(&mut self, id: AttemptId, stored: &StoredOperation) {
        if let Operation::AttemptDispatched {
            run,
            steps,
            agent,
            retry,
            ..
        } = &stored.operation
        {
            let number = self.attempts.len() + 1;
            let told = AttemptStory::new(id, number, *run, agent, stored.at);
            self.attempts.push(AttemptStory {
                retry: *retry,
                batch: if steps.len() > 1 {
                    steps.clone()
                } else {
                    Vec::new()
                },
                ..told
            });
            return;
        }
        let Some(told) = self.attempt(id) else {
            return;
        };
        match &stored.operation {
            Operation::AttemptSpawned { .. } => told.status = AttemptStatus::Running,
            Operation::AttemptStopRequested { reason, .. } => {
                told.status = AttemptStatus::Stopping;
                told.stop_requested = Some(reason.clone());
            }
            Operation::AttemptEnded { end, report, .. } => {
                told.status = AttemptStatus::Ended;
                told.duration_ms = Some(ran_for(end, told.dispatched_at, stored.at));
                told.end = Some(end.clone());
                told.claimed.end.clone_from(&report.end);
                told.claimed.files.clone_from(&report.claimed_paths);
                told.claimed.last_text.clone_from(&report.last_text);
                told.denied.clone_from(&report.denied);
                told.tools = report.tools;
                told.spending = report.spending;
                told.error_tail.clone_from(&report.error_tail);
            }
            Operation::AttemptJudged { .. } => told.status = AttemptStatus::Judged,
            _ => {}
        }
    }
}

impl AttemptStory {
    fn new(id: AttemptId, number: usize, run: RunId, agent: &str, at: Timestamp) -> Self {
        Self {
            id,
            number,
            run,
            agent: agent.to_owned(),
            retry: false,
            batch: Vec::new(),
            dispatched_at: at,
            status: AttemptStatus::Dispatched,
            duration_ms: None,
            doing: None,
            stop_requested: None,
            end: None,
            judgement: None,
            evidence: None,
            wake_at: None,
            claimed: Claimed::default(),
            denied: Vec::new(),
            tools: 0,
            spending: None,
            error_tail: String::new(),
        }
    }

    /// How long it ran, or has been running.
    pub(super) fn duration(&self) -> Option<Duration> {
        self.duration_ms.map(Duration::from_millis)
    }

    /// Looks at an attempt that is not over: what it does now, or that nobody watches it.
    fn observe(&mut self, workspace: &Workspace, now: Timestamp) {
        if !self.status.is_live() {
            return;
        }
        let ran = now.since(self.dispatched_at);
        self.duration_ms = Some(u64::try_from(ran.as_millis()).unwrap_or(u64::MAX));
        let directory = directory(&workspace.state, self.id);
        if supervise::outcome(&directory).is_some() {
            self.doing = Some("its process has ended; a run has yet to look at it".to_owned());
            return;
        }
        let alive = supervise::supervisor(&directory)
            .as_ref()
            .is_some_and(supervise::is_alive);
        if !alive {
            self.doing = Some("its supervisor is gone; the next run takes note".to_owned());
            return;
        }
        let Some(files) = AttemptFiles::read(&directory) else {
            return;
        };
        let mut watch = Watch::new(&directory, &workspace.top, files.format, None);
        // What cannot be read of it now is not known; the rest of the story is.
        while watch.poll().is_ok_and(|news| !news.is_empty()) {}
        self.doing = Some(match watch.running_tool() {
            Some((tool, since)) => format!("{tool} for {}", words::duration(now.since(since))),
            None => format!("{:?}", watch.transcript.activity()).to_lowercase(),
        });
    }
}

/// What a person has to answer: now, or as soon as the attempt has ended.
fn question(state: &StepState) -> Option<String> {
    if state.is_waiting() {
        return state.judgement.as_ref().map(|j| j.reason.clone());
    }
    let asks = state.status == StepStatus::InProgress;
    state.asked.clone().filter(|_| asks)
}

/// The reason with `2.3#1` in place of the attempt's id, which nobody can read.
fn with_names(why: &str, names: &mut AttemptNames<'_>) -> Result<String, StoreError> {
    let id = why
        .split(' ')
        .find_map(|word| word.parse::<AttemptId>().ok());
    Ok(match id {
        Some(id) => why.replace(&id.to_string(), &names.name(id)?),
        None => why.to_owned(),
    })
}

/// How long the agent's process was there; for one that never was, the time until that was known.
fn ran_for(end: &AttemptEnd, dispatched_at: Timestamp, ended_at: Timestamp) -> u64 {
    let ran = match end {
        AttemptEnd::Seen { outcome } => outcome.ended_at.since(outcome.started_at),
        _ => ended_at.since(dispatched_at),
    };
    u64::try_from(ran.as_millis()).unwrap_or(u64::MAX)
}

/// What holds a step back: as the dispatcher sees it, else as the plan was read last.
fn held_back_by(known: &Knowledge, id: &StepId, standing: Option<&Standing>) -> Vec<Neighbour> {
    if standing.is_some() {
        return roots(known, standing, &mut Vec::new());
    }
    let Some(step) = known.view.step(id) else {
        return Vec::new();
    };
    if step.state.status.is_settled() || step.state.vanished {
        return Vec::new();
    }
    let dependencies = step.record.dependencies.iter();
    dependencies
        .filter(|id| {
            let before = known.view.step(id);
            before.is_some_and(|step| !step.state.status.is_settled())
        })
        .filter_map(|id| Neighbour::of(known, id, None))
        .collect()
}

/// Why the commit of a step's work waits; `None` when none does.
fn commit_pending(
    store: &SqliteStore,
    plan: &PlanKey,
    id: &StepId,
) -> Result<Option<String>, StoreError> {
    let wishes = store.git_wishes()?;
    let Some(wish) = wishes
        .iter()
        .find(|wish| wish.plan == *plan && wish.steps.contains(id))
    else {
        return Ok(None);
    };
    // Commits keep their order, so the first one's reason is the reason of all.
    let first = wishes.first().unwrap_or(wish);
    Ok(Some(deferral(store, first.sequence)?.unwrap_or_else(
        || "it is to be made by the run, or by the next command that writes".to_owned(),
    )))
}

/// Why the commit for an operation was put off last.
pub(crate) fn deferral(store: &SqliteStore, wanted: u64) -> Result<Option<String>, StoreError> {
    let later = store.operations(&OperationQuery {
        after: wanted,
        newest_first: true,
        ..OperationQuery::default()
    })?;
    Ok(later.into_iter().find_map(|stored| match stored.operation {
        Operation::CommitDeferred { sequence, reason } if sequence == wanted => Some(reason),
        _ => None,
    }))
}

/// The stable word of a standing.
fn standing_word(standing: &Standing) -> &'static str {
    match standing {
        Standing::Settled => "settled",
        Standing::InProgress => "in_progress",
        Standing::Ready { .. } => "ready",
        Standing::Parked { .. } => "parked",
        Standing::Limited { .. } => "limited",
        Standing::WaitsFor(_) => "waits_for",
        Standing::Blocked(_) => "blocked",
        Standing::NeedsAnswer => "needs_answer",
        Standing::Held => "held",
        Standing::Exhausted => "exhausted",
    }
}
