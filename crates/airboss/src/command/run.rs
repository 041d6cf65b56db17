//! `airboss run`: flies a plan until nothing is left to dispatch.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::time::Instant;

use airboss_core::agent::StreamFormat;
use airboss_core::config::{self, Config};
use airboss_core::dispatch::{Flight, Policy, SpawnOrder, Unit};
use airboss_core::id::{AttemptId, StepId};
use airboss_core::operation::{Actor, Operation, RunEnding, StepStatus};
use airboss_core::path::RepoPath;
use airboss_core::plan::schedule;
use airboss_core::prompt;
use airboss_core::exit::ExitCode;
use airboss_engine::agents::{Agent, Backend};
use airboss_engine::registry::register;
use airboss_engine::run::flight::{PlanFacts, criterion_gates};
use airboss_engine::run::gates::Gate;
use airboss_engine::run::lock::{RunLocked, lock};
use airboss_engine::run::{RunMeans, RunRequest, RunSummary, fly};
use airboss_engine::settings::{Places, Settings};
use airboss_engine::store::{Commit, Store};
use airboss_engine::supervise::Limits;
use airboss_engine::workspace::{PlanFile, Workspace};

use crate::error::CliError;
use crate::report;

/// Fly a plan: every step is done and shown to be done, or it says which is not and why.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct RunArguments {
    /// The plan's Markdown file; without it the current plan.
    pub file: Option<PathBuf>,
    /// The agent to fly it with, as named in the configuration.
    #[arg(long, value_name = "NAME")]
    pub agent: Option<String>,
    /// Attempts at the same time, where the plan says that steps are independent.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=64))]
    pub jobs: Option<u8>,
    /// Steps given to one agent at once.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=5))]
    pub batch: Option<u8>,
    /// Give steps whose retries are used up a fresh start.
    #[arg(long)]
    pub retry_failed: bool,
    /// Fly in plan order, whatever its dependencies say.
    #[arg(long)]
    pub sequential: bool,
    /// Print the order and the prompts, and start nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// End after so many attempts.
    #[arg(long, value_name = "N")]
    pub max_attempts: Option<u32>,
}
