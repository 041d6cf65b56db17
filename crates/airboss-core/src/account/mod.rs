//! The account of a run, a plan or a board: what was flown, what came of it, what is open.
//!
//! It is made of operations that are stored, and of nothing else; reports for people (a page, a
//! picture, Markdown, words) are drawn from it. What an account of a run says ends where the next
//! run of the plan begins, so that it says the same however often it is asked for.
//!
//! Every text in it is safe to show on a terminal: one line, bounded, without control characters.
//! It is data nevertheless, and escaped by whoever puts it into markup.

mod fold;
mod sum;

use serde::{Serialize, Serializer};

use crate::attempt::Spending;
use crate::board::BoardKey;
use crate::id::{AttemptId, RunId, StepId, TaskId};
use crate::operation::{PlanKey, RunEnding, StoredOperation};
use crate::scene::{PhaseWaits, Spent, Stand};
use crate::text::{head, sanitize};
use crate::time::Timestamp;
use crate::verdict::Verdict;

pub use self::fold::until_next_run;

/// The version of the JSON form: fields are added within one, never changed.
pub const FORMAT: u32 = 1;

/// Bytes of a text that an account keeps: a paragraph; `airboss why` has the whole of it.
const TEXT_MAX: usize = 1000;

/// What an account is about.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case", tag = "of")]
pub enum Subject {
    /// A plan, over all its runs.
    Plan {
        /// Which.
        plan: PlanKey,
    },
    /// One run of a plan.
    Run {
        /// The plan.
        plan: PlanKey,
        /// The run.
        run: RunId,
    },
    /// The stages of a board's tasks.
    Board {
        /// Which.
        board: BoardKey,
    },
}

/// One plan, one stage of a task, or the log of a board itself, from which an account is made.
#[derive(Clone, PartialEq, Debug)]
pub struct Part {
    /// Which.
    pub plan: PlanKey,
    /// What its steps are called by beside those of other parts; empty when it is the only one.
    pub name: String,
    /// Its log from the beginning, the oldest first; later ones than it tells of left out.
    pub operations: Vec<StoredOperation>,
    /// Only attempts of this run are told of.
    pub run: Option<RunId>,
    /// What its file says of phases.
    pub waits: PhaseWaits,
}

/// What the account is not made of operations for.
#[derive(Clone, PartialEq, Debug)]
pub struct Facts {
    /// What it is about.
    pub subject: Subject,
    /// Its heading; the plan's own name when this is empty.
    pub title: String,
    /// The instant at which the log was read.
    pub as_of: Timestamp,
    /// A step that failed more often than this is not tried again.
    pub retries_max: u32,
    /// The models of attempts, as their recordings tell.
    pub models: std::collections::HashMap<AttemptId, String>,
    /// Tasks of the board, where it is about one.
    pub tasks: Vec<TaskLine>,
    /// The numbers of tasks, those that are no longer on the board included.
    pub numbers: std::collections::HashMap<TaskId, u32>,
}

/// The whole of it.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Account {
    /// [`FORMAT`].
    pub format: u32,
    /// What it is about.
    pub subject: Subject,
    /// Its heading.
    pub title: String,
    /// The one sentence that matters.
    pub sentence: String,
    /// The instant that it tells of.
    pub as_of: Timestamp,
    /// When the first run of it began.
    pub began: Option<Timestamp>,
    /// When the last run of it ended; `None` while one has not.
    pub ended: Option<Timestamp>,
    /// How the last run ended.
    pub ending: Option<RunEnding>,
    /// Its runs, the oldest first.
    pub runs: Vec<RunLine>,
    /// Steps by where they stand, those that none stands at left out.
    pub counts: Vec<Count>,
    /// Steps whose verdict is `verified`.
    pub verified: usize,
    /// Steps that a person, or a file that was taken over, declared done.
    pub declared: usize,
    /// Sums over everything.
    pub totals: Totals,
    /// Phases, in plan order, with their steps.
    pub groups: Vec<Group>,
    /// Attempts in the order in which they began.
    pub attempts: Vec<AttemptLine>,
    /// What each agent made of its attempts.
    pub agents: Vec<AgentLine>,
    /// Commits in the order in which they were made.
    pub commits: Vec<CommitLine>,
    /// What needs a person, or has not come to its end.
    pub open: Vec<OpenItem>,
    /// The tasks of a board.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tasks: Vec<TaskLine>,
}

/// One run.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct RunLine {
    /// Its id.
    pub id: RunId,
    /// The plan.
    pub plan: PlanKey,
    /// What it was asked to do.
    pub asked: String,
    /// When it began.
    pub began: Timestamp,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// How.
    pub ending: Option<RunEnding>,
    /// Attempts dispatched in it.
    pub attempts: usize,
}

/// How many steps stand so.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Count {
    /// Where.
    #[serde(serialize_with = "stand_word")]
    pub stand: Stand,
    /// How many.
    pub steps: usize,
}

fn stand_word<S: Serializer>(stand: &Stand, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(stand.word())
}

/// Sums.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize)]
pub struct Totals {
    /// Steps.
    pub steps: usize,
    /// Attempts.
    pub attempts: usize,
    /// Attempts that were retries which count.
    pub retries: usize,
    /// The most attempts that were in the air at once.
    pub most_at_once: usize,
    /// Milliseconds of the clock in which at least one attempt was in the air.
    pub flown_ms: u64,
    /// Milliseconds of all attempts together.
    pub worked_ms: u64,
    /// Milliseconds for which steps were parked, all steps together.
    pub parked_ms: u64,
    /// Milliseconds for which steps waited for an answer, all steps together.
    pub waited_ms: u64,
    /// Tokens and money.
    pub spent: Spent,
}

/// A phase, or a stage of a task.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Group {
    /// The plan.
    pub plan: PlanKey,
    /// Its heading: `Phase 1: Chapters`.
    pub title: String,
    /// Steps that are done or skipped.
    pub settled: usize,
    /// Its steps in plan order.
    pub steps: Vec<StepLine>,
}

/// A step.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct StepLine {
    /// Its id in its plan.
    pub id: StepId,
    /// What it says.
    pub text: String,
    /// Where it stands.
    #[serde(serialize_with = "stand_word")]
    pub stand: Stand,
    /// Its verdict is `verified`, and no person's word is in its place.
    pub verified: bool,
    /// Why it stands there.
    pub reason: Option<String>,
    /// The steps that it waits for.
    pub after: Vec<StepId>,
    /// Its attempts, as places in [`Account::attempts`].
    pub attempts: Vec<usize>,
    /// Retries that count.
    pub retries: u32,
    /// Milliseconds for which it was parked.
    pub parked_ms: u64,
    /// Milliseconds for which it waited for an answer.
    pub waited_ms: u64,
    /// Milliseconds of its attempts together.
    pub worked_ms: u64,
    /// United States dollars of its attempts, where one told; a batch counts for its first step.
    pub cost_usd: Option<f64>,
    /// The commit that holds its work.
    pub commit: Option<String>,
    /// What people did to it by commands.
    pub marks: Vec<MarkLine>,
}

/// What somebody did by a command.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct MarkLine {
    /// When.
    pub at: Timestamp,
    /// `marked skipped`, `answered`, `granted a retry`.
    pub what: String,
    /// What was said with it.
    pub text: Option<String>,
}

/// An attempt.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct AttemptLine {
    /// `2.3#1`: the first attempt at step 2.3.
    pub name: String,
    /// Its id.
    pub id: AttemptId,
    /// The plan.
    pub plan: PlanKey,
    /// The run.
    pub run: RunId,
    /// The group that its first step is in, as a place in [`Account::groups`].
    pub group: Option<usize>,
    /// Its steps.
    pub steps: Vec<StepId>,
    /// The agent.
    pub agent: String,
    /// The agent's model, where its recording tells.
    pub model: Option<String>,
    /// Which attempt of its first step it is, from 1.
    pub number: u32,
    /// A retry that counts.
    pub retry: bool,
    /// When it was dispatched.
    pub began: Timestamp,
    /// When its process had ended; `None` while it is in the air.
    pub landed: Option<Timestamp>,
    /// When it was judged, or else landed.
    pub ended: Option<Timestamp>,
    /// Milliseconds from its beginning to its end, or so far.
    pub duration_ms: u64,
    /// What the evidence says, the worst of its steps first; `None` while it has no verdict.
    pub verdict: Option<Verdict>,
    /// The verdict of each step.
    pub outcomes: Vec<Outcome>,
    /// Tools that it started.
    pub tools: u32,
    /// What it spent, where it told.
    pub spending: Option<Spending>,
}

/// The verdict on one step of an attempt.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Outcome {
    /// The step.
    pub step: StepId,
    /// The verdict.
    pub verdict: Verdict,
    /// Why.
    pub reason: String,
    /// When the step may be dispatched again.
    pub wake_at: Option<Timestamp>,
    /// Files that it changed.
    pub files: usize,
    /// The checks that were run, and which were green.
    pub gates: Vec<GateLine>,
    /// The commit of its work.
    pub commit: Option<String>,
}

/// A check of the project.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct GateLine {
    /// Its name.
    pub name: String,
    /// Whether it was green.
    pub green: bool,
}

/// What an agent made of its attempts.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct AgentLine {
    /// The agent.
    pub agent: String,
    /// Its model, where it is known.
    pub model: Option<String>,
    /// Attempts.
    pub attempts: usize,
    /// Of these verified.
    pub verified: usize,
    /// Of these failed or unverified: those that count against it.
    pub failed: usize,
    /// Of these limited, interrupted, waiting, infra.
    pub other: usize,
    /// Of these in the air.
    pub open: usize,
    /// The median of the durations of those that ended, in milliseconds.
    pub median_ms: Option<u64>,
    /// What they spent.
    pub spent: Spent,
}

impl AgentLine {
    /// Verified of those that came to a verdict for or against the agent, in percent; `None` of
    /// none.
    #[must_use]
    pub fn success(&self) -> Option<usize> {
        (100 * self.verified).checked_div(self.verified + self.failed)
    }
}

/// A commit.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct CommitLine {
    /// When it was recorded.
    pub at: Timestamp,
    /// Its id.
    pub commit: String,
    /// The plan.
    pub plan: PlanKey,
    /// The steps that it holds.
    pub steps: Vec<StepId>,
    /// The task that it is about, for a commit of a board.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task: Option<u32>,
    /// Files that could not be committed.
    pub left_out: usize,
}

/// Why something is open.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OpenKind {
    /// A step asked; a person has to answer.
    Question,
    /// A step failed, and its retries are used up.
    Failed,
    /// A commit waits.
    Commit,
    /// A step failed and is tried again.
    Retried,
    /// A service refuses to serve until an instant.
    Limited,
    /// A step is tried again at an instant.
    Parked,
    /// An attempt works on it.
    InProgress,
}

impl OpenKind {
    /// Whether a person has to act.
    #[must_use]
    pub const fn needs_person(self) -> bool {
        matches!(self, Self::Question | Self::Failed)
    }
}

/// Something that is open.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct OpenItem {
    /// Why.
    pub kind: OpenKind,
    /// The plan.
    pub plan: PlanKey,
    /// The step, where it is about one.
    pub step: Option<StepId>,
    /// The question, the error, the reason.
    pub text: String,
    /// When it goes on by itself.
    pub until: Option<Timestamp>,
    /// The command to do something about it.
    pub command: Option<String>,
}

/// A task of a board.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct TaskLine {
    /// Its number.
    pub number: u32,
    /// Its title.
    pub title: String,
    /// Its status, in the words of the board.
    pub status: String,
    /// Nothing is left to do.
    pub finished: bool,
}

impl Account {
    /// Makes it.
    #[must_use]
    pub fn of(facts: Facts, parts: Vec<Part>) -> Self {
        let told = fold::Folded::of(&facts, parts);
        sum::account(facts, told)
    }

    /// The attempt at a place that a step names.
    pub fn attempts_of<'a>(&'a self, step: &'a StepLine) -> impl Iterator<Item = &'a AttemptLine> {
        step.attempts
            .iter()
            .filter_map(|place| self.attempts.get(*place))
    }

    /// Every step, in plan order.
    pub fn steps(&self) -> impl Iterator<Item = &StepLine> {
        self.groups.iter().flat_map(|group| &group.steps)
    }

    /// How many steps stand so.
    #[must_use]
    pub fn count(&self, stand: Stand) -> usize {
        let found = self.counts.iter().find(|count| count.stand == stand);
        found.map_or(0, |count| count.steps)
    }
}

/// A text as one line that is safe to show, bounded.
#[must_use]
pub fn shown(text: &str) -> String {
    let clean = sanitize(text);
    let line = clean.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.len() <= TEXT_MAX {
        return line;
    }
    format!("{}…", head(&line, TEXT_MAX).trim_end())
}

#[cfg(test)]
mod tests;
