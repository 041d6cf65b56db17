//! What waits for a person, and what a person should know of.

use std::time::Duration;

use super::Scene;
use super::feed::shown;
use super::flying::Vitality;
use super::plan::PlanScene;
use super::tally::Stand;
use crate::board::error::Severity;
use crate::id::{AttemptId, OperationId, RunId, StepId};
use crate::operation::PlanKey;
use crate::path::RepoPath;
use crate::step::Step;
use crate::time::Timestamp;

/// What is shown of each kind: a screen. More of one kind is one more reason for `airboss status`.
pub const NEEDS_MAX: usize = 50;

/// A publisher or committer at work needs about this long; only what waits longer is told.
pub const PENDING_AFTER: Duration = Duration::from_secs(3);

/// Something that needs a person, or that a person should know. Its texts are safe to show.
#[derive(Clone, PartialEq, Debug)]
pub enum Need {
    /// A step asked, and waits for an answer: `airboss answer`.
    Question {
        /// The plan.
        plan: PlanKey,
        /// The step.
        step: StepId,
        /// What it asks.
        text: String,
        /// Its agent still works; it waits once the attempt has ended.
        working: bool,
    },
    /// An agent waits for a permission.
    Permission {
        /// The plan.
        plan: PlanKey,
        /// The attempt.
        attempt: AttemptId,
        /// The id to answer with.
        request: String,
        /// The tool and what it is asked to do, on one line.
        tool: String,
    },
    /// A step failed, and its retries are used up; or a person ended its attempt.
    Failed {
        /// The plan.
        plan: PlanKey,
        /// The step.
        step: StepId,
        /// Why.
        error: String,
    },
    /// The agent's service refuses to serve these steps until an instant. It goes on by itself.
    Limited {
        /// The plan.
        plan: PlanKey,
        /// How many steps.
        steps: usize,
        /// The first instant at which one of them is tried again.
        until: Timestamp,
        /// In the service's words.
        kind: String,
    },
    /// The process of a run is gone without an end: `airboss run` goes on.
    RunGone {
        /// The plan.
        plan: PlanKey,
        /// The run.
        run: RunId,
        /// When that was seen.
        since: Timestamp,
    },
    /// A file and the board disagree: `airboss conflicts`.
    Conflict {
        /// The operation that names it.
        id: OperationId,
        /// The task's number.
        task: Option<u32>,
        /// The file.
        path: RepoPath,
    },
    /// Git commits wait.
    Commits {
        /// The plan or board.
        plan: PlanKey,
        /// How many.
        count: usize,
        /// Why, when that was told.
        reason: Option<String>,
        /// Since when.
        since: Timestamp,
    },
    /// A file waits to be published.
    Publish {
        /// The file.
        path: RepoPath,
        /// Since when.
        since: Timestamp,
    },
    /// A failure that nobody has settled: `airboss errors`.
    Error {
        /// Its id.
        id: String,
        /// When.
        at: Timestamp,
        /// How bad.
        severity: Severity,
        /// What happened.
        message: String,
        /// What to do.
        recommendation: String,
    },
}

/// What needs a person.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Needs {
    /// The most urgent first, at most [`NEEDS_MAX`] of each kind.
    pub shown: Vec<Need>,
    /// How many more there are.
    pub left_out: usize,
}

impl Needs {
    fn kind(&mut self, needs: impl Iterator<Item = Need>) {
        let before = self.shown.len();
        for need in needs {
            if self.shown.len() - before < NEEDS_MAX {
                self.shown.push(need);
            } else {
                self.left_out += 1;
            }
        }
    }
}

/// What is stored and not yet done: files to publish, commits to make. It is read beside the log
/// and may be newer than the operation that the scene shows.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Pending {
    /// Files, each with its plan or board and when it was first seen to wait.
    pub files: Vec<(PlanKey, RepoPath, Timestamp)>,
    /// Commits by plan or board: how many, since when, and why if that was told.
    pub commits: Vec<PendingCommits>,
}

/// The commits of one plan or board that wait.
#[derive(Clone, PartialEq, Debug)]
pub struct PendingCommits {
    /// The plan or board.
    pub plan: PlanKey,
    /// How many.
    pub count: usize,
    /// When the first was seen to wait.
    pub since: Timestamp,
    /// Why, in words.
    pub reason: Option<String>,
}

impl Scene {
    /// What needs a person now.
    #[must_use]
    pub fn needs(&self, now: Timestamp) -> Needs {
        let mut needs = Needs::default();
        needs.kind(self.plans().flat_map(questions));
        needs.kind(self.permissions());
        needs.kind(self.plans().flat_map(failures));
        needs.kind(self.runs_gone());
        needs.kind(self.conflicts());
        needs.kind(self.plans().filter_map(limits));
        self.pending_needs(now, &mut needs);
        needs.kind(self.errors());
        needs
    }

    fn permissions(&self) -> impl Iterator<Item = Need> {
        self.in_progress().flat_map(|flying| {
            flying.asked().map(|asked| Need::Permission {
                plan: flying.plan().clone(),
                attempt: flying.attempt().id,
                request: shown(&asked.request),
                tool: flying.line(&asked.tool, &asked.input),
            })
        })
    }

    fn runs_gone(&self) -> impl Iterator<Item = Need> {
        self.plans().filter_map(|plan| {
            let run = plan.running()?;
            let (vitality, since) = self.runner(run)?;
            (vitality == Vitality::Gone).then(|| Need::RunGone {
                plan: plan.key().clone(),
                run,
                since,
            })
        })
    }

    fn conflicts(&self) -> impl Iterator<Item = Need> {
        self.boards().flat_map(|board| {
            board.conflicts().iter().map(|conflict| Need::Conflict {
                id: conflict.id,
                task: board
                    .board()
                    .tasks
                    .get(&conflict.task)
                    .map(|task| task.number),
                path: conflict.path.clone(),
            })
        })
    }

    fn pending_needs(&self, now: Timestamp, needs: &mut Needs) {
        let waits = |since: Timestamp| now.since(since) >= PENDING_AFTER;
        let pending = self.pending();
        let commits = pending.commits.iter();
        needs.kind(
            commits
                .filter(|commits| waits(commits.since))
                .map(|commits| Need::Commits {
                    plan: commits.plan.clone(),
                    count: commits.count,
                    reason: commits.reason.as_deref().map(shown),
                    since: commits.since,
                }),
        );
        let files = pending.files.iter();
        needs.kind(
            files
                .filter(|(.., since)| waits(*since))
                .map(|(_, path, since)| Need::Publish {
                    path: path.clone(),
                    since: *since,
                }),
        );
    }

    fn errors(&self) -> impl Iterator<Item = Need> {
        self.boards().flat_map(|board| {
            board.errors().iter().rev().map(|error| Need::Error {
                id: shown(&error.id),
                at: error.at,
                severity: error.severity,
                message: shown(&error.message),
                recommendation: shown(&error.recommendation),
            })
        })
    }
}

fn questions(plan: &PlanScene) -> impl Iterator<Item = Need> {
    plan.notable()
        .filter_map(|(step, stand)| question(plan, step, stand))
}

fn question(plan: &PlanScene, step: &Step, stand: Stand) -> Option<Need> {
    let asked = step.state.asked.as_deref();
    let text = match stand {
        Stand::NeedsAnswer => {
            let judgement = step.state.judgement.as_ref();
            judgement.map(|judgement| judgement.reason.as_str())
        }
        Stand::InProgress => asked,
        _ => None,
    }?;
    Some(Need::Question {
        plan: plan.key().clone(),
        step: step.record.id.clone(),
        text: shown(text),
        working: stand == Stand::InProgress,
    })
}

fn failures(plan: &PlanScene) -> impl Iterator<Item = Need> {
    plan.notable().filter_map(|(step, stand)| {
        let error = match (&step.state.held, stand) {
            (Some(asked), _) => format!("ended by {}; it waits for `retry`", asked.name()),
            (None, Stand::Failed) => step
                .state
                .error
                .clone()
                .unwrap_or_else(|| "no reason was given".to_owned()),
            (None, _) => return None,
        };
        Some(Need::Failed {
            plan: plan.key().clone(),
            step: step.record.id.clone(),
            error: shown(&error),
        })
    })
}

fn limits(plan: &PlanScene) -> Option<Need> {
    let limited = || plan.notable().filter(|(_, stand)| *stand == Stand::Limited);
    let (first, _) = limited().min_by_key(|(step, _)| step.state.wake_at)?;
    let limit = first
        .state
        .judgement
        .as_ref()
        .and_then(|it| it.limit.as_ref());
    Some(Need::Limited {
        plan: plan.key().clone(),
        steps: limited().count(),
        until: first.state.wake_at?,
        kind: shown(limit.map_or("a usage limit", |limit| &limit.kind)),
    })
}
