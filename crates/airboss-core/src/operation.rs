//! One stored change of state; the log of operations is the history.
//!
//! Every change of a plan's state is one of these, appended in one transaction
//! with everything it causes. The view is their fold (`view.rs`), and nothing
//! else ever changes it.

use serde::{Deserialize, Serialize};

use crate::attempt::{AttemptEnd, StreamReport};
use crate::board::BoardOperation;
use crate::id::{AttemptId, RunId, StepId};
use crate::path::RepoPath;
use crate::process::ProcessIdentity;
use crate::report::ReportKind;
use crate::time::Timestamp;
use crate::verdict::{Evidence, Judgement};

/// What a plan file says of one step, as far as the store has to know it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct StepRecord {
    /// The step's id in its plan.
    pub id: StepId,
    /// The key of its phase.
    pub phase: String,
    /// The title of its phase.
    pub phase_title: String,
    /// The step's text.
    pub description: String,
    /// The steps it waits for.
    pub dependencies: Vec<StepId>,
}

/// Who did it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    /// Airboss itself.
    Airboss,
    /// A person, by a command.
    Person,
}

/// A person's wish about a run or an attempt, as the view keeps it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Asked {
    /// Who, by the name of the login, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// When it was stored.
    pub at: Timestamp,
}

impl Asked {
    /// Who, in words.
    #[must_use]
    pub fn name(&self) -> &str {
        self.by.as_deref().unwrap_or("a person")
    }
}

/// How a person wants a run to end; each is harder than the one before.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunStop {
    /// After what is running: one Ctrl-C.
    Drain,
    /// What is running is asked to end, and after its grace killed: a second Ctrl-C.
    End,
    /// What is running is killed at once: a third.
    Kill,
}

/// The states of a step, by the names that status.json has for them.
#[derive(
    Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize, PartialOrd, Ord,
)]
#[serde(rename_all = "snake_case")]
pub enum StepStatus {
    /// Not begun, or given back.
    #[default]
    Pending,
    /// An attempt works on it, or a person says so.
    InProgress,
    /// Done: verified, or declared so by a person.
    Completed,
    /// The newest attempt failed.
    Failed,
    /// Left out by a person.
    Skipped,
}

/// How a run ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunEnding {
    /// Every step is terminal and none failed.
    Complete,
    /// At least one step failed for good.
    Failed,
    /// Nothing can be dispatched: blocked, or waiting for a person.
    Blocked,
    /// Only limited work is left.
    Limited,
    /// A bound of the run itself was reached.
    Exhausted,
    /// Ended by a signal after a clean drain; carries the signal's number.
    Drained {
        /// 2 for SIGINT, 15 for SIGTERM.
        signal: i32,
    },
    /// Its process was gone when the next run began.
    Interrupted,
}

/// One change.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Operation {
    /// A plan file was read for the first time, or again with other content.
    PlanRegistered {
        /// The plan's name: its file name without `.md`.
        name: String,
        /// The hash of its content, as [`plan_hash`](crate::plan::plan_hash) takes it.
        hash: String,
        /// Its steps in plan order. Steps that vanished stay known, but are not listed here.
        steps: Vec<StepRecord>,
        /// Steps whose text was edited: new id, old id.
        renamed: Vec<(StepId, StepId)>,
    },
    /// A run began.
    RunStarted {
        /// Its id.
        run: RunId,
        /// Its process; `None` for a run that a person counts by hand.
        runner: Option<ProcessIdentity>,
        /// What it was asked to do, in one line.
        words: String,
    },
    /// A run ended.
    RunEnded {
        /// Its id.
        run: RunId,
        /// How.
        ending: RunEnding,
        /// Steps completed in it.
        completed: u32,
        /// Steps failed in it.
        failed: u32,
    },
    /// A person paused the dispatch of a run: what flies goes on, nothing new is sent.
    RunPaused {
        /// The run.
        run: RunId,
        /// Who, where it is known.
        by: Option<String>,
    },
    /// A person let a paused run go on.
    RunResumed {
        /// The run.
        run: RunId,
        /// Who, where it is known.
        by: Option<String>,
    },
    /// A person wants a run to end; its own process does it.
    RunStopRequested {
        /// The run.
        run: RunId,
        /// Who, where it is known.
        by: Option<String>,
        /// How.
        how: RunStop,
    },
    /// An attempt was decided. Its process is started after this is durable.
    AttemptDispatched {
        /// Its id.
        attempt: AttemptId,
        /// The run it belongs to.
        run: RunId,
        /// The steps it works on.
        steps: Vec<StepId>,
        /// The agent's name in the configuration.
        agent: String,
        /// The fencing token.
        fence: u64,
        /// Which attempt of its first step this is, from 1.
        number: u32,
        /// Whether it is a retry that counts.
        retry: bool,
    },
    /// Its supervisor reported itself.
    AttemptSpawned {
        /// The attempt.
        attempt: AttemptId,
        /// Its supervisor.
        supervisor: ProcessIdentity,
    },
    /// It was asked to stop.
    AttemptStopRequested {
        /// The attempt.
        attempt: AttemptId,
        /// Why, in words.
        reason: String,
    },
    /// A person wants it to end; the run that flies it asks it to stop.
    AttemptKillRequested {
        /// The attempt.
        attempt: AttemptId,
        /// Who, where it is known.
        by: Option<String>,
    },
    /// Nothing of it runs any more.
    AttemptEnded {
        /// The attempt.
        attempt: AttemptId,
        /// How its process ended.
        end: AttemptEnd,
        /// What its stream told.
        report: StreamReport,
    },
    /// The evidence for one of its steps was weighed.
    StepJudged {
        /// The step.
        step: StepId,
        /// The attempt.
        attempt: AttemptId,
        /// The verdict and its reason.
        judgement: Judgement,
        /// What it rests on.
        evidence: Evidence,
        /// When the step may be dispatched again, if it may.
        wake_at: Option<Timestamp>,
    },
    /// A verdict exists for every step of the attempt.
    AttemptJudged {
        /// The attempt.
        attempt: AttemptId,
    },
    /// A step's status was set by a command.
    StepMarked {
        /// The step.
        step: StepId,
        /// Its new status.
        status: StepStatus,
        /// Who did it.
        actor: Actor,
        /// Notes, error or reason, whichever the status calls for.
        text: Option<String>,
        /// The transition was not allowed and was forced.
        forced: bool,
        /// It was found in progress for too long without a live run.
        stuck: bool,
    },
    /// A step's state was taken over from a status file when its plan was registered: a
    /// person's override with the times that the file holds, never a verdict.
    StepImported {
        /// The step.
        step: StepId,
        /// What the file says.
        state: Box<crate::step::StepState>,
    },
    /// An agent reported on its own step. It changes no status.
    StepClaimed {
        /// The step.
        step: StepId,
        /// The agent's attempt.
        attempt: AttemptId,
        /// What it claims.
        claim: String,
        /// What it is about.
        #[serde(default)]
        about: ReportKind,
    },
    /// A retry was granted by a command (`increment-retry`).
    RetryGranted {
        /// The step.
        step: StepId,
        /// The error to keep.
        error: Option<String>,
    },
    /// A person answered what a waiting step asked.
    StepAnswered {
        /// The step.
        step: StepId,
        /// The answer.
        answer: String,
    },
    /// Findings were written for a step.
    FindingsWritten {
        /// The step.
        step: StepId,
        /// Where they are.
        path: RepoPath,
    },
    /// A git commit for an earlier operation was made, or turned out not to be needed.
    CommitMade {
        /// The operation it belongs to.
        sequence: u64,
        /// The steps it holds.
        steps: Vec<StepId>,
        /// The commit's id; `None` when there was nothing to commit.
        commit: Option<String>,
        /// Files that could not be committed, and why.
        left_out: Vec<crate::verdict::UnownedFile>,
    },
    /// A git commit had to be put off; the wish stays queued.
    CommitDeferred {
        /// The operation it belongs to.
        sequence: u64,
        /// Why.
        reason: String,
    },
    /// A board changed.
    Board {
        /// How.
        operation: BoardOperation,
    },
}

impl Operation {
    /// The word for logs: the variant's name in snake case.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::PlanRegistered { .. } => "plan_registered",
            Self::RunStarted { .. } => "run_started",
            Self::RunEnded { .. } => "run_ended",
            Self::RunPaused { .. } => "run_paused",
            Self::RunResumed { .. } => "run_resumed",
            Self::RunStopRequested { .. } => "run_stop_requested",
            Self::AttemptDispatched { .. } => "attempt_dispatched",
            Self::AttemptSpawned { .. } => "attempt_spawned",
            Self::AttemptStopRequested { .. } => "attempt_stop_requested",
            Self::AttemptKillRequested { .. } => "attempt_kill_requested",
            Self::AttemptEnded { .. } => "attempt_ended",
            Self::StepJudged { .. } => "step_judged",
            Self::AttemptJudged { .. } => "attempt_judged",
            Self::StepMarked { .. } => "step_marked",
            Self::StepImported { .. } => "step_imported",
            Self::StepClaimed { .. } => "step_claimed",
            Self::RetryGranted { .. } => "retry_granted",
            Self::StepAnswered { .. } => "step_answered",
            Self::FindingsWritten { .. } => "findings_written",
            Self::CommitMade { .. } => "commit_made",
            Self::CommitDeferred { .. } => "commit_deferred",
            Self::Board { operation } => operation.word(),
        }
    }

    /// The steps whose state this changes, except for `PlanRegistered`, which may change all.
    #[must_use]
    pub fn steps(&self) -> &[StepId] {
        match self {
            Self::AttemptDispatched { steps, .. } | Self::CommitMade { steps, .. } => steps,
            Self::StepJudged { step, .. }
            | Self::StepMarked { step, .. }
            | Self::StepImported { step, .. }
            | Self::StepClaimed { step, .. }
            | Self::RetryGranted { step, .. }
            | Self::StepAnswered { step, .. }
            | Self::FindingsWritten { step, .. } => std::slice::from_ref(step),
            Self::PlanRegistered { .. }
            | Self::RunStarted { .. }
            | Self::RunEnded { .. }
            | Self::RunPaused { .. }
            | Self::RunResumed { .. }
            | Self::RunStopRequested { .. }
            | Self::AttemptSpawned { .. }
            | Self::AttemptStopRequested { .. }
            | Self::AttemptKillRequested { .. }
            | Self::AttemptEnded { .. }
            | Self::AttemptJudged { .. }
            | Self::CommitDeferred { .. }
            | Self::Board { .. } => &[],
        }
    }

    /// The attempt whose state this changes.
    #[must_use]
    pub fn attempt(&self) -> Option<AttemptId> {
        match self {
            Self::AttemptDispatched { attempt, .. }
            | Self::AttemptSpawned { attempt, .. }
            | Self::AttemptStopRequested { attempt, .. }
            | Self::AttemptKillRequested { attempt, .. }
            | Self::AttemptEnded { attempt, .. }
            | Self::AttemptJudged { attempt } => Some(*attempt),
            _ => None,
        }
    }

    /// The run whose state this changes.
    #[must_use]
    pub fn run(&self) -> Option<RunId> {
        match self {
            Self::RunStarted { run, .. }
            | Self::RunEnded { run, .. }
            | Self::RunPaused { run, .. }
            | Self::RunResumed { run, .. }
            | Self::RunStopRequested { run, .. } => Some(*run),
            _ => None,
        }
    }
}

/// An operation as it stands in the log.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct StoredOperation {
    /// Its place in the log of the whole store, from 1, without meaning beyond order.
    pub sequence: u64,
    /// Its id, which git trailers carry.
    pub id: crate::id::OperationId,
    /// The plan it belongs to.
    pub plan: PlanKey,
    /// When it was stored, by the store's clock.
    pub at: Timestamp,
    /// What changed.
    pub operation: Operation,
}

/// Which log: that of a plan, by its path relative to the top of the repository, or that of a
/// board, by the path of its specs root (`board::BoardKey`).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PlanKey(RepoPath);

impl PlanKey {
    /// The key of the plan at this path.
    #[must_use]
    pub fn new(path: RepoPath) -> Self {
        Self(path)
    }

    /// The plan's path.
    #[must_use]
    pub fn path(&self) -> &RepoPath {
        &self.0
    }
}

impl std::fmt::Display for PlanKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(formatter)
    }
}
