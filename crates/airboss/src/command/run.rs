//! `airboss run`: flies a plan until nothing is left to dispatch.

pub(crate) mod prepare;

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, channel};
use std::time::Instant;

use airboss_core::dispatch::{SpawnOrder, Standing, Unit, standings};
use airboss_core::exit::ExitCode;
use airboss_core::id::AttemptId;
use airboss_core::operation::{Actor, Operation, RunEnding, StepStatus};
use airboss_core::plan::plan_hash;
use airboss_core::prompt;
use airboss_core::view::View;
use airboss_engine::registry::register;
use airboss_engine::run::hooks::Hooks;
use airboss_engine::run::lock::{RunLock, RunLocked, lock};
use airboss_engine::run::{OpenStore, RunMeans, RunRequest, RunSummary, fly};
use airboss_engine::settings::{Places, Settings};
use airboss_engine::store::{Commit, Store, StoreError};
use airboss_engine::workspace::{PlanFile, Workspace, WorkspaceError};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::hooks;
use crate::context::Context;
use crate::error::{CliError, ErrorKind};
use crate::{desk, report, words};

/// A plan that is changed in every lap is written by its own agents; a person is done sooner.
const EDITS_MAX: u32 = 10;

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
    /// Give steps whose retries are used up, and those that a person ended, a fresh start.
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
    #[cfg(feature = "tui")]
    #[command(flatten)]
    pub(crate) seen: Seen,
}

/// How a run is shown.
#[cfg(feature = "tui")]
#[derive(clap::Args, Clone, Copy, Debug, Default)]
pub(crate) struct Seen {
    /// Show it in the terminal interface; that is how it is on a terminal.
    #[arg(long, overrides_with = "no_tui")]
    pub(crate) tui: bool,
    /// Print lines instead.
    #[arg(long, overrides_with = "tui")]
    pub(crate) no_tui: bool,
    #[command(flatten)]
    pub(crate) looks: crate::tui::Looks,
    /// Leave the terminal and its session; the terminal interface starts a run so.
    #[arg(long, hide = true)]
    pub(crate) detached: bool,
}

/// Flies a plan as a person asks for it: on a terminal it is shown there.
///
/// # Errors
/// As for [`run`].
pub fn command(context: &Context, arguments: &RunArguments) -> Result<ExitCode, CliError> {
    #[cfg(feature = "tui")]
    {
        if crate::tui::fly::is_wanted(context, arguments.seen) && !arguments.dry_run {
            return crate::tui::fly::fly(context, arguments);
        }
        if arguments.seen.detached {
            // It fails only for the leader of a group, which a child is not.
            rustix::process::setsid().ok();
        }
    }
    run(context, arguments)
}

/// Refuses what [`run`] would refuse before it begins, and changes nothing.
///
/// # Errors
/// As for [`run`].
#[cfg(feature = "tui")]
pub(crate) fn check(
    context: &Context,
    arguments: &RunArguments,
) -> Result<(Workspace, airboss_core::operation::PlanKey), CliError> {
    let workspace = Workspace::open(&context.directory)?;
    let path = context.plan_file_to_change(&workspace, arguments.file.as_deref())?;
    let file = workspace.read_plan(&path)?;
    let settings = load_settings(&workspace, arguments)?;
    let request = prepare::request(&workspace, &file, &settings.config, arguments)?;
    settings.require_trust()?;
    prepare::find_programs(&request)?;
    Ok((workspace, file.key))
}

/// Flies a plan and says what it came to.
///
/// # Errors
/// When the plan, the configuration or the agent cannot be used; nothing was changed then.
pub fn run(context: &Context, arguments: &RunArguments) -> Result<ExitCode, CliError> {
    let begin = Instant::now();
    let workspace = Workspace::open(&context.directory)?;
    let file = arguments.file.as_deref();
    let path = if arguments.dry_run {
        context.plan_file(&workspace, file)?
    } else {
        context.plan_file_to_change(&workspace, file)?
    };
    let mut file = workspace.read_plan(&path)?;
    let settings = load_settings(&workspace, arguments)?;
    for warning in &settings.warnings {
        context.printer.warning(warning);
    }
    let mut request = prepare::request(&workspace, &file, &settings.config, arguments)?;
    let doubts = file.plan.problems.len();
    if doubts > 0 {
        let named = path.display();
        let what = words::count(doubts, "warning");
        context.printer.warning(&format!(
            "{what} in {named}; `airboss plan check {named}` lists them"
        ));
    }
    if arguments.dry_run {
        let view = desk::view(&workspace, &file)?;
        context.printer.data(&dry_run(&request, &view));
        return Ok(ExitCode::Success);
    }
    settings.require_trust()?;
    prepare::find_programs(&request)?;
    workspace.prepare()?;
    let _lock = only_runner(&workspace, &file)?;
    let mut edits = 0;
    let mut hooks = hooks::hooks(&settings.config, &workspace, &file.key, None)?;
    let summary = loop {
        let summary = lap(context, arguments, &workspace, &file, &request, &mut hooks)?;
        let edited = edited_meanwhile(context, &workspace, &file, &summary);
        let Some(now) = edited.filter(|_| edits < EDITS_MAX) else {
            break summary;
        };
        edits += 1;
        let left = request.flight.policy.attempts_max;
        file = now;
        request = prepare::request(&workspace, &file, &settings.config, arguments)?;
        request.flight.policy.attempts_max = left.map(|max| max.saturating_sub(summary.attempts));
    };
    hooks::finish(context, &mut hooks, None);
    if context.json {
        context.printer.json(&summary_json(&summary));
    } else {
        let now = airboss_engine::clock::now();
        let words = report::summary(&summary, &file.name, begin.elapsed(), now);
        #[cfg(feature = "tui")]
        if arguments.seen.detached {
            context.printer.note(crate::tui::fly::NEW_PAGE);
        }
        context.printer.note(&words);
    }
    Ok(exit_code(&summary))
}

/// One flight of the plan as it was read.
fn lap(
    context: &Context,
    arguments: &RunArguments,
    workspace: &Workspace,
    file: &PlanFile,
    request: &RunRequest,
    hooks: &mut Hooks,
) -> Result<RunSummary, CliError> {
    let mut store = workspace.open_store()?;
    register(&mut store, file)?;
    if arguments.retry_failed {
        retry_failed(&mut store, request)?;
    }
    let mut reporter = report::reporter(context.quiet, context.verbose);
    let publisher = workspace.clone();
    let means = RunMeans {
        store: Box::new(store),
        open_store: another_store(workspace),
        publish: Box::new(move |store| airboss_engine::projection::settle(store, &publisher)),
        hooks,
        reporter: reporter.as_mut(),
        signals: catch_signals()?,
    };
    Ok(fly(request, means)?)
}

/// The plan as it is now, when it was flown to its end but is another one by now: what was
/// added to it is not done, so the run cannot be either.
fn edited_meanwhile(
    context: &Context,
    workspace: &Workspace,
    flown: &PlanFile,
    summary: &RunSummary,
) -> Option<PlanFile> {
    if summary.ending != RunEnding::Complete {
        return None;
    }
    match workspace.read_plan(&flown.path) {
        Ok(now) if plan_hash(&now.bytes) == plan_hash(&flown.bytes) => None,
        Ok(now) => {
            let words = format!(
                "{} was changed while it was flown; it is flown on as it is now",
                flown.key
            );
            context.printer.note(&words);
            Some(now)
        }
        Err(error) => {
            context.printer.warning(&error.to_string());
            None
        }
    }
}

/// The configuration with the command line's own layer on top.
pub(super) fn load_settings(
    workspace: &Workspace,
    arguments: &RunArguments,
) -> Result<Settings, CliError> {
    let texts: Vec<(&str, String, &str)> = [
        ("run.agent", arguments.agent.clone(), "--agent"),
        (
            "run.jobs",
            arguments.jobs.map(|jobs| jobs.to_string()),
            "--jobs",
        ),
        (
            "run.batch",
            arguments.batch.map(|batch| batch.to_string()),
            "--batch",
        ),
        (
            "limits.iterations",
            arguments.max_attempts.map(|max| max.to_string()),
            "--max-attempts",
        ),
    ]
    .into_iter()
    .filter_map(|(path, text, flag)| Some((path, text?, flag)))
    .collect();
    let flags: Vec<(&str, &str, &str)> = texts
        .iter()
        .map(|(path, text, flag)| (*path, text.as_str(), *flag))
        .collect();
    let places = Places::new(&workspace.top, Some(&workspace.state));
    Ok(Settings::load(&places, &flags)?)
}

fn only_runner(workspace: &Workspace, file: &PlanFile) -> Result<RunLock, CliError> {
    match lock(&workspace.state, &file.key)? {
        RunLocked::Taken(lock) => Ok(lock),
        RunLocked::Held(pid) => {
            let message = format!("{} is being flown by process {pid}", file.key);
            Err(CliError::new(ErrorKind::Busy, message)
                .hint("`airboss progress --watch` follows it"))
        }
    }
}

pub(super) fn another_store(workspace: &Workspace) -> OpenStore {
    let workspace = workspace.clone();
    Box::new(move || match workspace.open_store() {
        Ok(store) => Ok(Box::new(store)),
        Err(WorkspaceError::Store(error)) => Err(error),
        Err(other) => Err(StoreError::Bug {
            message: other.to_string(),
        }),
    })
}

/// SIGINT and SIGTERM as messages. It has to be called before the run starts.
pub(super) fn catch_signals() -> Result<Receiver<i32>, CliError> {
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    // Unbounded, but fed by a person's keyboard.
    let (out, receiver) = channel();
    std::thread::spawn(move || {
        for signal in signals.forever() {
            if out.send(signal).is_err() {
                return;
            }
        }
    });
    Ok(receiver)
}

/// Steps that a person ended, or whose retries are used up, begin anew: a person's decision, recorded as such.
pub(super) fn retry_failed(store: &mut dyn Store, request: &RunRequest) -> Result<(), CliError> {
    let Some(view) = store.view(&request.plan)? else {
        return Ok(());
    };
    let standings = standings(&request.flight, &view, store.now());
    let exhausted = request.flight.units.iter().zip(standings);
    let operations: Vec<Operation> = exhausted
        .filter(|(_, standing)| matches!(standing, Standing::Exhausted | Standing::Held))
        .map(|(unit, _)| Operation::StepMarked {
            step: unit.step.id.clone(),
            status: StepStatus::Pending,
            actor: Actor::Person,
            text: None,
            forced: false,
            stuck: false,
        })
        .collect();
    if !operations.is_empty() {
        store.commit(&Commit::new(request.plan.clone(), operations))?;
    }
    Ok(())
}

/// One unit and the prompt that it would be flown with.
struct Sent<'r> {
    unit: &'r Unit,
    words: &'r str,
    prompt: String,
}

/// How the step of a unit is settled, for which nobody is sent then.
fn settled(view: &View, unit: &Unit) -> Option<StepStatus> {
    let status = view.step(&unit.step.id)?.state.status;
    status.is_settled().then_some(status)
}

/// The order and the prompts, without a process.
fn sent<'r>(request: &'r RunRequest, view: &View) -> impl Iterator<Item = Sent<'r>> {
    let units = request.flight.units.iter();
    units
        .filter(|unit| settled(view, unit).is_none())
        .map(|unit| {
            let order = SpawnOrder {
                attempt: AttemptId::default(),
                steps: vec![unit.step.id.clone()],
                agent: request.agent.name.clone(),
                fence: 1,
                number: 1,
                resume: None,
                previous: None,
                gate_output: None,
                answer: None,
            };
            let known = request.facts.steps.get(&unit.step.id);
            Sent {
                unit,
                words: known.map_or("", |facts| facts.text.as_str()),
                prompt: request.prompt(&order),
            }
        })
}

/// What would be sent, for people; `view` tells what is settled.
pub(super) fn dry_run(request: &RunRequest, view: &View) -> String {
    let units = request.flight.units.iter();
    let settled = units.filter_map(|unit| {
        let (id, status) = (&unit.step.id, settled(view, unit)?.word());
        Some(format!("── step {id} is passed over: {status}"))
    });
    let texts = sent(request, view).enumerate().map(|(place, sent)| {
        let beside = if sent.unit.step.parallel {
            ", may run beside others"
        } else {
            ""
        };
        format!(
            "── {}. step {}: {} (about {} tokens{beside})\n{}",
            place + 1,
            sent.unit.step.id,
            sent.words,
            prompt::tokens(&sent.prompt),
            sent.prompt,
        )
    });
    settled.chain(texts).collect::<Vec<_>>().join("\n")
}

/// What would be sent, as data.
pub(super) fn dry_run_json(request: &RunRequest, view: &View) -> Vec<serde_json::Value> {
    let units = sent(request, view).map(|sent| {
        serde_json::json!({
            "id": sent.unit.step.id,
            "description": sent.words,
            "tokens": prompt::tokens(&sent.prompt),
            "prompt": sent.prompt,
        })
    });
    units.collect()
}

/// The documented exit code (README) for how a run went.
pub(super) fn exit_code(summary: &RunSummary) -> ExitCode {
    match summary.ending {
        RunEnding::Complete if !summary.publish_pending.is_empty() => ExitCode::PublishPending,
        RunEnding::Complete if summary.commits_pending.is_some() => ExitCode::CommitPending,
        RunEnding::Complete => ExitCode::Success,
        RunEnding::Failed => ExitCode::Failed,
        RunEnding::Blocked | RunEnding::Interrupted => ExitCode::Blocked,
        RunEnding::Limited => ExitCode::TryLater,
        RunEnding::Exhausted => ExitCode::Limit,
        RunEnding::Drained { signal: SIGTERM } => ExitCode::Terminated,
        RunEnding::Drained { .. } => ExitCode::Interrupted,
    }
}

fn summary_json(summary: &RunSummary) -> serde_json::Value {
    let open: Vec<serde_json::Value> = summary
        .open
        .iter()
        .map(|(step, text, standing)| {
            let now = airboss_engine::clock::now();
            let why = crate::words::standing(standing, now);
            serde_json::json!({ "id": step, "description": text, "standing": why })
        })
        .collect();
    serde_json::json!({
        "run": summary.run,
        "ending": summary.ending,
        "counts": summary.counts,
        "completed": summary.completed,
        "failed": summary.failed,
        "attempts": summary.attempts,
        "open": open,
        "commits_pending": summary.commits_pending.as_ref().map(|(count, _)| count),
        "publish_pending": summary.publish_pending,
    })
}
