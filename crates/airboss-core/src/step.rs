//! The state of one step, and the operations that change it.
//!
//! [`StepState::apply`] is the fold of every store and of the in-memory view, so they
//! cannot disagree. [`mark`] decides what a status command may do.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::attempt::Attempt;
use crate::id::{AttemptId, StepId};
use crate::operation::{Actor, Asked, Operation, StepRecord, StepStatus};
use crate::path::RepoPath;
use crate::prompt;
use crate::report::ReportKind;
use crate::time::Timestamp;
use crate::verdict::{ChangedFile, Judgement, Verdict};

/// In progress for this long without a live run means stuck.
pub const STUCK_AFTER: Duration = Duration::from_secs(30 * 60);

/// Bytes of the newest claim that a step keeps; the log has the whole of it.
const CLAIM_MAX: usize = 1 << 10;

/// A step and where it stands.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Step {
    /// What the plan says of it.
    #[serde(flatten)]
    pub record: StepRecord,
    /// Its state.
    pub state: StepState,
}

const fn is_zero(count: &u32) -> bool {
    *count == 0
}

/// Where a step stands.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct StepState {
    /// Its status.
    pub status: StepStatus,
    /// How often it changed: what an optimistic writer compares.
    pub version: u64,
    /// When the newest work on it began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<Timestamp>,
    /// What was noted on completion.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Why it was skipped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skip_reason: Option<String>,
    /// Retries granted.
    pub retry_count: u32,
    /// The newest error, kept through retries.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
    /// When that was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error_at: Option<Timestamp>,
    /// It was once ended because nothing moved.
    pub stuck_detected: bool,
    /// When it was taken back after that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recovered_at: Option<Timestamp>,
    /// Where its findings are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub findings: Option<RepoPath>,
    /// Attempts dispatched so far; also the newest fencing token.
    pub attempts: u32,
    /// The attempt whose result is accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempt: Option<AttemptId>,
    /// The newest attempt, also after a mark took the step away from it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_attempt: Option<AttemptId>,
    /// Re-dispatches after interruptions, since a person last touched it.
    pub interruptions: u32,
    /// Parkings without a reset time, since it last worked.
    pub parkings: u32,
    /// Not to be dispatched before this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wake_at: Option<Timestamp>,
    /// The newest judgement.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub judgement: Option<Judgement>,
    /// The output of the gate that was red in the newest judgement, for the next prompt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gate_output: Option<String>,
    /// What earlier attempts that did not succeed left in the work tree.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub leftover: Vec<ChangedFile>,
    /// The answer to what it asked, for the next prompt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
    /// A person declared it done; no verdict was needed.
    pub overridden: bool,
    /// The session to resume after an interruption.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// The commit that holds its work.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// What its agent claimed; shown, never believed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claim: Option<String>,
    /// What its newest attempt asked a person by a report; it waits once the attempt has ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asked: Option<String>,
    /// Reports of its newest attempt.
    #[serde(skip_serializing_if = "is_zero")]
    pub reports: u32,
    /// The person who ended its newest attempt. It waits until a person gives it back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held: Option<Asked>,
    /// The plan no longer has it.
    pub vanished: bool,
}

impl StepStatus {
    /// The word of status.json.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::InProgress => "in_progress",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }

    /// Reads the word of status.json.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [
            Self::Pending,
            Self::InProgress,
            Self::Completed,
            Self::Failed,
            Self::Skipped,
        ]
        .into_iter()
        .find(|status| status.word() == word)
    }

    /// Completed or skipped: what waits for it may go on.
    #[must_use]
    pub fn is_settled(self) -> bool {
        matches!(self, Self::Completed | Self::Skipped)
    }
}

impl StepState {
    /// Whether a person has to answer before it can go on.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        self.status == StepStatus::Pending
            && self.answer.is_none()
            && self
                .judgement
                .as_ref()
                .is_some_and(|j| j.verdict == Verdict::Waiting)
    }

    /// Whether it is parked behind a limit of the agent's service.
    #[must_use]
    pub fn is_limited(&self) -> bool {
        self.status == StepStatus::Pending
            && self.wake_at.is_some()
            && self
                .judgement
                .as_ref()
                .is_some_and(|j| j.verdict == Verdict::Limited)
    }

    /// Applies an operation that names this step. `session` is the attempt's, where one is.
    pub fn apply(&mut self, at: Timestamp, operation: &Operation, attempt: Option<&Attempt>) {
        self.version += 1;
        match operation {
            Operation::AttemptDispatched { attempt, retry, .. } => {
                self.begin(at);
                self.attempts += 1;
                self.attempt = Some(*attempt);
                self.last_attempt = Some(*attempt);
                if *retry {
                    self.retry_count += 1;
                }
            }
            Operation::StepJudged {
                judgement,
                evidence,
                wake_at,
                attempt: id,
                ..
            } => {
                // A late verdict of a superseded attempt is history, never status.
                if self.attempt != Some(*id) {
                    return;
                }
                self.apply_judgement(at, judgement, *wake_at);
                // What was verified all the same is done, and a question is answered first.
                let killed = attempt.and_then(|attempt| attempt.killed.clone());
                self.held = killed
                    .filter(|_| !matches!(judgement.verdict, Verdict::Verified | Verdict::Waiting));
                self.gate_output = evidence
                    .gates
                    .iter()
                    .find(|gate| !gate.is_green())
                    .map(|gate| gate.output_tail.clone());
                self.leftover = match judgement.verdict {
                    Verdict::Verified => Vec::new(),
                    _ => evidence.changes.clone(),
                };
                self.session = match judgement.verdict {
                    Verdict::Interrupted | Verdict::Waiting | Verdict::Limited => attempt
                        .and_then(|a| a.report.as_ref())
                        .and_then(|r| r.session.clone()),
                    _ => None,
                };
            }
            Operation::StepMarked {
                status,
                text,
                actor,
                stuck,
                ..
            } => {
                self.apply_mark(at, *status, text.clone(), *actor, *stuck);
            }
            Operation::StepImported { state, .. } => self.import(state),
            Operation::StepClaimed { claim, about, .. } => {
                self.apply_claim(claim, *about);
            }
            Operation::RetryGranted { error, .. } => self.grant_retry(at, error.as_deref()),
            Operation::StepAnswered { answer, .. } => {
                self.answer = Some(answer.clone());
                self.wake_at = None;
            }
            Operation::FindingsWritten { path, .. } => self.findings = Some(path.clone()),
            Operation::CommitMade {
                commit: Some(commit),
                ..
            } => {
                self.commit = Some(commit.clone());
            }
            _ => {}
        }
    }

    fn grant_retry(&mut self, at: Timestamp, error: Option<&str>) {
        self.retry_count += 1;
        if let Some(error) = error {
            self.last_error = Some(error.to_owned());
            self.last_error_at = Some(at);
        }
    }

    fn apply_claim(&mut self, claim: &str, about: ReportKind) {
        self.reports += 1;
        self.claim = Some(prompt::head(&about.told(claim), CLAIM_MAX));
        if about == ReportKind::Ask {
            self.asked = Some(claim.to_owned());
        }
    }

    fn import(&mut self, state: &Self) {
        let version = self.version;
        self.clone_from(state);
        self.version = version;
    }

    fn begin(&mut self, at: Timestamp) {
        if self.stuck_detected {
            self.recovered_at = Some(at);
        }
        self.keep_error(at);
        self.status = StepStatus::InProgress;
        self.started_at = Some(at);
        self.completed_at = None;
        self.stuck_detected = false;
        self.wake_at = None;
        self.skip_reason = None;
        self.overridden = false;
        self.claim = None;
        self.asked = None;
        self.held = None;
        self.reports = 0;
    }

    fn keep_error(&mut self, at: Timestamp) {
        if let Some(error) = self.error.take() {
            self.last_error = Some(error);
            self.last_error_at.get_or_insert(at);
        }
    }

    fn fail(&mut self, at: Timestamp, error: String) {
        self.status = StepStatus::Failed;
        self.completed_at = Some(at);
        self.last_error = Some(error.clone());
        self.last_error_at = Some(at);
        self.error = Some(error);
    }

    fn apply_judgement(
        &mut self,
        at: Timestamp,
        judgement: &Judgement,
        wake_at: Option<Timestamp>,
    ) {
        self.wake_at = wake_at;
        self.answer = None;
        self.asked = None;
        match judgement.verdict {
            Verdict::Verified => {
                self.status = StepStatus::Completed;
                self.completed_at = Some(at);
                self.notes = Some(judgement.reason.clone());
                self.error = None;
                self.parkings = 0;
            }
            Verdict::Unverified | Verdict::Failed => {
                let error = format!("{}: {}", judgement.verdict.word(), judgement.reason);
                self.fail(at, error);
                self.stuck_detected = judgement.stuck;
            }
            Verdict::Limited => {
                self.status = StepStatus::Pending;
                if judgement
                    .limit
                    .as_ref()
                    .is_some_and(|limit| limit.resets_at.is_none())
                {
                    self.parkings += 1;
                }
            }
            Verdict::Interrupted => {
                self.status = StepStatus::Pending;
                if !judgement.blameless {
                    self.interruptions += 1;
                }
            }
            Verdict::Infra | Verdict::Waiting => self.status = StepStatus::Pending,
        }
        self.judgement = Some(judgement.clone());
    }

    fn apply_mark(
        &mut self,
        at: Timestamp,
        status: StepStatus,
        text: Option<String>,
        actor: Actor,
        stuck: bool,
    ) {
        // Whoever marks a step by hand takes it away from the attempt that had it.
        self.attempt = None;
        self.held = None;
        if actor == Actor::Person {
            self.interruptions = 0;
            self.parkings = 0;
        }
        match status {
            StepStatus::InProgress => self.begin(at),
            StepStatus::Pending => {
                self.keep_error(at);
                self.status = status;
                self.completed_at = None;
                self.wake_at = None;
                self.overridden = false;
                self.retry_count = 0;
            }
            StepStatus::Completed => {
                self.status = status;
                self.completed_at = Some(at);
                self.notes = text;
                self.error = None;
                self.overridden = actor == Actor::Person;
            }
            StepStatus::Failed => {
                self.fail(at, text.unwrap_or_else(|| "no reason was given".to_owned()));
                self.stuck_detected = stuck;
                self.wake_at = None;
            }
            StepStatus::Skipped => {
                self.status = status;
                self.completed_at = Some(at);
                self.skip_reason = text;
                self.error = None;
            }
        }
    }
}

/// Why a status command was refused. Nothing is written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MarkRefused {
    /// The transition is not in the table, [`StepStatus::targets`].
    #[error("step {step} is {from}; it cannot become {to} (allowed: {allowed})")]
    Transition {
        /// The step.
        step: StepId,
        /// Its status.
        from: &'static str,
        /// The status asked for.
        to: &'static str,
        /// What would be allowed.
        allowed: String,
    },
    /// An attempt of a live run works on it.
    #[error("step {step} is being worked on by attempt {attempt} of a live run")]
    Busy {
        /// The step.
        step: StepId,
        /// The attempt.
        attempt: String,
    },
    /// The plan no longer has it.
    #[error("step {step} is no longer in the plan")]
    Vanished {
        /// The step.
        step: StepId,
    },
}

/// What a status command asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MarkRequest {
    /// The status to reach.
    pub status: StepStatus,
    /// Notes, error or reason.
    pub text: Option<String>,
    /// Go outside the table, recorded as such.
    pub force: bool,
}

impl StepStatus {
    /// The table of transitions: the statuses that a command may set next.
    #[must_use]
    pub fn targets(self) -> &'static [Self] {
        match self {
            Self::Pending => &[
                Self::InProgress,
                Self::Completed,
                Self::Skipped,
                Self::Failed,
            ],
            Self::InProgress => &[Self::Completed, Self::Failed, Self::Skipped, Self::Pending],
            Self::Failed => &[Self::InProgress, Self::Pending, Self::Skipped],
            Self::Completed | Self::Skipped => &[],
        }
    }
}

/// Decides a status command; `None` means that it is so already.
///
/// # Errors
/// When the transition is not allowed.
pub fn mark(step: &Step, request: &MarkRequest) -> Result<Option<Operation>, MarkRefused> {
    let from = step.state.status;
    // A second start is a new attempt by hand, and what is held or parked can be given back;
    // every other repetition changes nothing.
    let again = from == request.status
        && match from {
            StepStatus::InProgress => true,
            StepStatus::Pending => step.state.held.is_some() || step.state.wake_at.is_some(),
            _ => false,
        };
    if from == request.status && !again {
        return Ok(None);
    }
    let allowed = again || from.targets().contains(&request.status);
    if step.state.vanished && !request.force {
        return Err(MarkRefused::Vanished {
            step: step.record.id.clone(),
        });
    }
    if !allowed && !request.force {
        let allowed: Vec<&str> = from.targets().iter().map(|status| status.word()).collect();
        return Err(MarkRefused::Transition {
            step: step.record.id.clone(),
            from: from.word(),
            to: request.status.word(),
            allowed: if allowed.is_empty() {
                "nothing without --force".to_owned()
            } else {
                allowed.join(", ")
            },
        });
    }
    Ok(Some(Operation::StepMarked {
        step: step.record.id.clone(),
        status: request.status,
        actor: Actor::Person,
        text: request.text.clone(),
        forced: !allowed,
        stuck: false,
    }))
}
