//! One run: the loop that flies a plan until there is nothing left to dispatch.
//!
//! ```text
//!  signals ─┐                      ┌─▶ supervisors (one per attempt, own processes)
//!  gatherer ┼─▶ Message ─▶ Runner ─┼─▶ gatherer thread (evidence, gates)
//!  committer┘      │   ▲           └─▶ committer thread (git)
//!                  ▼   │
//!               dispatch(view, input)  ──operations──▶ store
//! ```
//!
//! The runner alone owns the view and the run's control state; everything else
//! reaches it as a message. It decides nothing: it asks `dispatch`, stores the
//! answer, and carries out its effects. It may be killed at any instant; the next
//! run of the same plan finds its attempts and goes on.

pub mod attempt_files;
pub mod commits;
pub mod events;
pub mod evidence;
pub mod flight;
pub mod gates;
mod gatherer;
pub mod hooks;
pub mod lock;
pub mod markers;
mod recovery;
mod runner;
mod salvage;
pub mod tree;
pub mod watch;
pub(crate) mod wishes;

use std::collections::HashMap;
use std::path::PathBuf;

use airboss_core::attempt::Spending;
pub use airboss_core::config::CommitMode;
use airboss_core::dispatch::{Flight, SpawnOrder};
use airboss_core::id::{RunId, StepId};
use airboss_core::operation::{PlanKey, RunEnding};
use airboss_core::path::RepoPath;
use airboss_core::prompt;
use airboss_core::stage::prompt::{Parts, Template};
use airboss_core::verdict::Verdict;
use airboss_core::view::Counts;

use self::flight::PlanFacts;
use self::gates::Gate;
use self::hooks::Hooks;
pub use self::runner::fly;
use crate::agents::Agent;
use crate::git::Repository;
use crate::store::{Store, StoreError};

/// Everything a run needs to know; nothing in it changes while it flies.
#[derive(Clone, Debug)]
pub struct RunRequest {
    /// This program, which also is supervisor and scripted agent.
    pub airboss: PathBuf,
    /// Airboss's own directory.
    pub state: PathBuf,
    /// The top of the work tree.
    pub top: PathBuf,
    /// The repository, if there is one.
    pub repository: Option<Repository>,
    /// The plan.
    pub plan: PlanKey,
    /// Its schedule and the limits.
    pub flight: Flight,
    /// What prompts and evidence need of the plan.
    pub facts: PlanFacts,
    /// How its agents are told what to do.
    pub brief: Brief,
    /// Whether status.json and the records of runs are kept: a plan has them, a stage of a task
    /// has the board.
    pub plan_files: bool,
    /// The agent.
    pub agent: Agent,
    /// Every gate, those of the plan's criteria included.
    pub gates: Vec<Gate>,
    /// When to commit.
    pub commit: CommitMode,
    /// Whether phase markers are written into the plan.
    pub markers: bool,
    /// The plan's output directory: status.json, findings, run records.
    pub output: RepoPath,
    /// Airboss's own files, which are nobody's work.
    pub excluded: Vec<RepoPath>,
    /// Airboss's environment, of which agents and gates get their share.
    pub environment: Vec<(String, String)>,
    /// What was asked for, in one line, for the run's record.
    pub words: String,
}

/// How an order becomes the text that its agent gets.
#[derive(Clone, PartialEq, Debug)]
pub enum Brief {
    /// From the steps of the plan.
    Steps,
    /// From a template, for each unit of a stage.
    Stage {
        /// The template.
        template: Template,
        /// What fills it in, but for what earlier attempts left.
        parts: HashMap<StepId, Parts>,
    },
}

impl RunRequest {
    /// The prompt for what the dispatcher ordered.
    #[must_use]
    pub fn prompt(&self, order: &SpawnOrder) -> String {
        let gates: Vec<String> = self.gates.iter().map(|gate| gate.command.clone()).collect();
        match &self.brief {
            Brief::Steps => {
                let (top, plan) = (self.top.display().to_string(), self.plan.to_string());
                prompt::render(&self.facts.prompt(order, &top, &plan, &gates))
            }
            Brief::Stage { template, parts } => {
                let parts = order.steps.iter().find_map(|unit| parts.get(unit)).cloned();
                let parts = parts.unwrap_or_default();
                template.render(&Parts {
                    gates,
                    previous: order.previous.clone(),
                    gate_output: order.gate_output.clone().or(parts.gate_output.clone()),
                    answer: order.answer.clone(),
                    ..parts
                })
            }
        }
    }
}

/// Setbacks kept for the summary: more than a screen is not read, the log has them all.
pub const SETBACKS_MAX: usize = 40;

/// How a run went.
#[derive(Clone, PartialEq, Debug)]
pub struct RunSummary {
    /// The run.
    pub run: RunId,
    /// How it ended.
    pub ending: RunEnding,
    /// Where the plan's steps stand.
    pub counts: Counts,
    /// Steps verified in this run.
    pub completed: u32,
    /// Steps that failed for good in this run.
    pub failed: u32,
    /// Attempts dispatched in this run.
    pub attempts: u32,
    /// Those of them that are retries and count.
    pub retries: u32,
    /// What its agents spent, as far as they tell.
    pub spending: Option<Spending>,
    /// Verdicts that did not accept an attempt, in the order they came, the first
    /// [`SETBACKS_MAX`] of them.
    pub setbacks: Vec<(StepId, Verdict, String)>,
    /// Steps that are not settled, in plan order, and why.
    pub open: Vec<(StepId, String, airboss_core::dispatch::Standing)>,
    /// Commits that wait, and why the first does.
    pub commits_pending: Option<(usize, String)>,
    /// Files that could not be published, with the reason.
    pub publish_pending: Vec<String>,
}

/// Why a run could not go on. What was stored before stays true.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file of Airboss's own could not be read or written.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// An attempt could not be followed.
    #[error(transparent)]
    Supervise(#[from] crate::supervise::SuperviseError),
    /// Other writers were faster too often.
    #[error("other processes change this plan all the time; try again")]
    Contended,
    /// The plan is not registered.
    #[error("the plan `{0}` is not registered")]
    Unregistered(PlanKey),
}

/// Opens another connection to the store.
pub type OpenStore = Box<dyn Fn() -> Result<Box<dyn Store>, StoreError> + Send>;

/// Brings the projections up to date; returns what could not be, in words.
pub type Publish<'means> = Box<dyn FnMut(&mut dyn Store) -> Vec<String> + 'means>;

/// What a run needs besides its request: things with a life of their own.
pub struct RunMeans<'means> {
    /// The runner's store.
    pub store: Box<dyn Store>,
    /// Opens another connection, for the committer.
    pub open_store: OpenStore,
    /// Brings the projections up to date; returns what could not be, in words.
    pub publish: Publish<'means>,
    /// Who is told what happened.
    pub hooks: &'means mut Hooks,
    /// Where events go.
    pub reporter: &'means mut dyn events::Reporter,
    /// Signals of the person, by number.
    pub signals: std::sync::mpsc::Receiver<i32>,
}
