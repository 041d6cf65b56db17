//! `pause`, `resume`, `stop` and `kill`: what a person has over a run that flies elsewhere.
//!
//! Each stores a wish, and nothing else: the process that flies the run reads the log and heeds
//! it, so that one process decides whatever is asked at the same time. Only where that process is
//! gone does `kill` turn to the attempt's supervisor itself.

use std::thread;
use std::time::{Duration, Instant};

use airboss_core::attempt::{Attempt, AttemptStatus};
use airboss_core::board::{BoardKey, Task};
use airboss_core::exit::ExitCode;
use airboss_core::id::RunId;
use airboss_core::operation::{Asked, Operation, PlanKey, RunStop};
use airboss_core::status_file::run_id_text;
use airboss_core::text::sanitize;
use airboss_core::view::Run;
use airboss_engine::clock;
use airboss_engine::run::attempt_files::directory;
use airboss_engine::run::lock::RunLocked;
use airboss_engine::store::{Commit, SqliteStore, Store as _};
use airboss_engine::supervise::{self, Stop, is_alive};
use airboss_engine::workspace::Workspace;
use serde_json::{Value, json};

use super::log::attempt_name;
use super::report::require_person;
use super::stage::task_lock;
use crate::board::BoardReading;
use crate::context::Context;
use crate::error::CliError;
use crate::{lookup, words};

/// Characters of a login's name: more is nobody's name.
const NAME_MAX: usize = 64;
/// Longer than a workflow takes from the end of a stage to the run of the next one.
const BETWEEN_MAX: Duration = Duration::from_secs(2);
/// How often is looked for that run.
const LOOK: Duration = Duration::from_millis(20);

/// Which run.
#[derive(clap::Args, Clone, Debug)]
pub struct RunArgument {
    /// The run, as `airboss runs` names it; without it the one that flies now.
    #[arg(value_name = "RUN")]
    run: Option<String>,
}

/// Pause a run: what flies goes on and is verified and committed, nothing new is sent.
#[derive(clap::Args, Clone, Debug)]
pub struct PauseArguments {
    #[command(flatten)]
    run: RunArgument,
    /// Go on with it, as `airboss resume` does.
    #[arg(long)]
    off: bool,
}

/// Let a paused run go on.
#[derive(clap::Args, Clone, Debug)]
pub struct ResumeArguments {
    #[command(flatten)]
    run: RunArgument,
}

/// Pauses a run.
///
/// # Errors
/// When no run flies, or several do and none was named.
pub fn pause(context: &Context, arguments: &PauseArguments) -> Result<ExitCode, CliError> {
    set_paused(context, &arguments.run, !arguments.off)
}

/// Lets a paused run go on.
///
/// # Errors
/// As for [`pause`].
pub fn resume(context: &Context, arguments: &ResumeArguments) -> Result<ExitCode, CliError> {
    set_paused(context, &arguments.run, false)
}

fn set_paused(context: &Context, which: &RunArgument, paused: bool) -> Result<ExitCode, CliError> {
    require_person(if paused { "pause runs" } else { "resume runs" })?;
    let Flying {
        workspace,
        plan,
        run,
        live,
    } = flying(context, which)?;
    let mut known = run.clone();
    if run.paused.is_some() != paused {
        let by = person();
        let operation = if paused {
            Operation::RunPaused { run: run.id, by }
        } else {
            Operation::RunResumed { run: run.id, by }
        };
        known = wish(&workspace, &plan, &run, operation)?;
    }
    let answer = json!({
        "run": run.id,
        "plan": plan,
        "paused": known.paused.as_ref().map(asked_json),
        "changed": run.paused.is_some() != paused,
        "running": live,
    });
    context.tell(&answer, |_| {
        let name = format!("run {} of {plan}", run.id.short());
        let running = words::count(live, "attempt");
        sanitize(&match (&known.paused, &run.paused) {
            (Some(_), Some(before)) => format!("{name} is paused already, by {}", before.name()),
            (Some(_), None) => format!(
                "{name} is paused: {running} running, nothing new is sent; `airboss resume` goes on"
            ),
            (None, Some(_)) => format!("{name} goes on"),
            (None, None) => format!("{name} is not paused"),
        })
    });
    Ok(ExitCode::Success)
}

/// End a run from elsewhere.
#[derive(clap::Args, Clone, Debug)]
pub struct StopArguments {
    #[command(flatten)]
    run: RunArgument,
    /// End what is running, too, as a second Ctrl-C does; asked again, kill it at once.
    #[arg(long)]
    now: bool,
}

/// Ends a run: after what is running, or at once.
///
/// # Errors
/// As for [`pause`].
pub fn stop(context: &Context, arguments: &StopArguments) -> Result<ExitCode, CliError> {
    require_person("end runs")?;
    let Flying {
        workspace,
        plan,
        run,
        live,
    } = flying(context, &arguments.run)?;
    let asked = run.stop.as_ref().map(|(how, _)| *how);
    let how = match (arguments.now, asked) {
        (false, known) => known.unwrap_or(RunStop::Drain),
        (true, None | Some(RunStop::Drain)) => RunStop::End,
        (true, Some(RunStop::End | RunStop::Kill)) => RunStop::Kill,
    };
    if asked != Some(how) {
        let operation = Operation::RunStopRequested {
            run: run.id,
            by: person(),
            how,
        };
        wish(&workspace, &plan, &run, operation)?;
    }
    let answer = json!({ "run": run.id, "plan": plan, "stop": how, "running": live });
    context.tell(&answer, |_| {
        let name = format!("run {} of {plan}", run.id.short());
        let running = words::count(live, "attempt");
        match how {
            RunStop::Drain => format!(
                "{name} ends after what is running ({running}); `airboss stop --now` ends that, too"
            ),
            RunStop::End => format!("{name} ends, and what is running is asked to end ({running})"),
            RunStop::Kill => format!("{name} ends, and what is running is killed ({running})"),
        }
    });
    Ok(ExitCode::Success)
}

/// End one attempt that is in flight.
#[derive(clap::Args, Clone, Debug)]
pub struct KillArguments {
    /// The attempt: `2.3#1`, the beginning of its id, or a step for its newest attempt.
    #[arg(value_name = "ATTEMPT")]
    id: String,
    /// Do not ask.
    #[arg(long)]
    yes: bool,
}

/// Ends an attempt: it is interrupted, after a grace period terminated, then killed with all that
/// it started. Its step waits for `airboss retry`.
///
/// # Errors
/// When the attempt is over, nobody flies it, or nobody can be asked.
pub fn kill(context: &Context, arguments: &KillArguments) -> Result<ExitCode, CliError> {
    require_person("end attempts")?;
    let (workspace, store) = context.reader()?;
    let named = lookup::find(context, &workspace, &store, &arguments.id)?;
    let id = lookup::newest_attempt(&store, &named)?;
    let known = store.attempt(id)?;
    let known =
        known.ok_or_else(|| CliError::refused(format!("nothing is recorded of attempt {id}")))?;
    let (plan, attempt) = (known.plan, known.attempt);
    let name = attempt_name(&attempt.steps, attempt.number);
    if !attempt.status.is_live() {
        return Err(over(&name, &attempt));
    }
    let flown = store.runs(&plan)?.iter().any(is_flown);
    let supervisor = supervise::supervisor(&directory(&workspace.state, id));
    let supervisor = supervisor.filter(is_alive);
    if !flown && supervisor.is_none() {
        return Err(
            CliError::refused(format!("nobody flies attempt {name}: its process is gone"))
                .hint("the next `airboss run` sees what it left"),
        );
    }
    // Beside a reader in the same process SQLite lets nobody write.
    drop(store);
    let step = attempt.steps.first();
    let step = step.map_or_else(String::new, ToString::to_string);
    let told = if attempt.killed.is_some() {
        format!("attempt {name} is being ended already")
    } else {
        if !arguments.yes && !confirmed(context, &name, &attempt)? {
            context
                .printer
                .note("nothing was ended; the attempt goes on");
            return Ok(ExitCode::Refused);
        }
        let by = person();
        let operation = Operation::AttemptKillRequested { attempt: id, by };
        let commit = Commit::new(plan.clone(), vec![operation]);
        let mut store = workspace.open_store()?;
        store.commit(&commit)?;
        let after = store.attempt(id)?.map(|known| known.attempt);
        if let Some(after) = after.filter(|after| after.killed.is_none()) {
            return Err(over(&name, &after));
        }
        format!("attempt {name} is being ended; its step then waits for `airboss retry {step}`")
    };
    // Its supervisor climbs the same ladder, whoever asks.
    if let Some(supervisor) = supervisor.filter(|_| !flown) {
        supervise::request_stop(&supervisor, Stop::Interrupt)?;
    }
    let answer = json!({
        "attempt": id,
        "plan": plan,
        "steps": attempt.steps,
        "number": attempt.number,
        "by_run": flown,
        "changed": attempt.killed.is_none(),
    });
    context.tell(&answer, |_| sanitize(&told));
    Ok(ExitCode::Success)
}

fn over(name: &str, attempt: &Attempt) -> CliError {
    let message = match attempt.status {
        AttemptStatus::Judged => format!("attempt {name} is over"),
        _ => format!("attempt {name} has ended, and what it left is being checked"),
    };
    CliError::refused(message).hint(format!("`airboss why {name}` tells what came of it"))
}

/// Asks on a terminal; refuses where there is none.
fn confirmed(context: &Context, name: &str, attempt: &Attempt) -> Result<bool, CliError> {
    if !context.is_asked() {
        return Err(CliError::refused(format!(
            "a person has to confirm that attempt {name} is ended"
        ))
        .hint("run it on a terminal, or with --yes"));
    }
    let since = words::duration(clock::now().since(attempt.dispatched_at));
    let question = format!("End attempt {name} ({}, {since})? [y/N]", attempt.agent);
    Ok(context.confirm(&sanitize(&question))?)
}

/// A run that a living process flies.
struct Flying {
    workspace: Workspace,
    plan: PlanKey,
    run: Run,
    /// Its live attempts, and those that it took over.
    live: usize,
}

/// Whether a living process flies it: known by pid, start time and boot, never by the pid alone.
pub(super) fn is_flown(run: &Run) -> bool {
    run.ended.is_none() && run.runner.as_ref().is_some_and(is_alive)
}

/// The run that was named, or the only one that flies. Where a workflow is between two stages, the
/// run of its next one is waited for.
fn flying(context: &Context, which: &RunArgument) -> Result<Flying, CliError> {
    let found = found(context, which)?;
    if let Some(found) = found {
        return Ok(found);
    }
    let none = || {
        CliError::refused("no run flies now").hint("`airboss runs` tells how the last ones ended")
    };
    let tasks = on_their_way(context);
    let deadline = Instant::now() + BETWEEN_MAX;
    loop {
        let Some((number, pid)) = tasks.iter().find_map(|task| task.worked_on()) else {
            return Err(none());
        };
        if let Some(found) = self::found(context, which)? {
            return Ok(found);
        }
        if Instant::now() > deadline {
            let message = format!(
                "no run flies now: process {pid} runs the checks of task {number}, or is between \
                 two of its stages"
            );
            return Err(CliError::refused(message)
                .hint("say it again when the next stage has begun; `airboss watch` tells"));
        }
        thread::sleep(LOOK);
    }
}

/// A task whose workflow was begun.
struct OnItsWay {
    workspace: Workspace,
    board: BoardKey,
    number: u32,
}

impl OnItsWay {
    /// The task and the process that works on it, where one does.
    fn worked_on(&self) -> Option<(u32, String)> {
        match task_lock(&self.workspace, &self.board, self.number) {
            Ok(RunLocked::Held(pid)) => Some((self.number, pid)),
            Ok(RunLocked::Taken(_)) | Err(_) => None,
        }
    }
}

/// The tasks of the board whose workflows are not over; none where there is no board.
fn on_their_way(context: &Context) -> Vec<OnItsWay> {
    let Ok(reading) = BoardReading::open(context) else {
        return Vec::new();
    };
    let begun = |task: &&Task| {
        let workflow = task.workflow.as_ref();
        workflow.is_some_and(|workflow| !workflow.state.is_terminal())
    };
    let tasks = reading.board.tasks.values().filter(begun);
    let told = tasks.map(|task| OnItsWay {
        workspace: reading.workspace.clone(),
        board: reading.places.board.clone(),
        number: task.number,
    });
    told.collect()
}

/// The run that was named, or the only one that flies.
fn found(context: &Context, which: &RunArgument) -> Result<Option<Flying>, CliError> {
    let (workspace, store) = context.reader()?;
    let mut all: Vec<(PlanKey, Run)> = Vec::new();
    for plan in context.plans(&workspace, &store)? {
        let runs = store.runs(&plan)?.into_iter();
        all.extend(runs.map(|run| (plan.clone(), run)));
    }
    let (plan, run) = match &which.run {
        Some(name) => named(all, name)?,
        None => match only(all)? {
            Some(flown) => flown,
            None => return Ok(None),
        },
    };
    let live = live(&store, &plan)?;
    Ok(Some(Flying {
        workspace,
        plan,
        run,
        live,
    }))
}

fn named(all: Vec<(PlanKey, Run)>, name: &str) -> Result<(PlanKey, Run), CliError> {
    let called = |run: &Run| {
        run_id_text(run) == name || (!name.is_empty() && run.id.to_string().starts_with(name))
    };
    let mut found = all.into_iter().filter(|(_, run)| called(run));
    let unknown = || {
        CliError::refused(format!("no run is called `{name}`")).hint("`airboss runs` lists them")
    };
    let (plan, run) = found.next().ok_or_else(unknown)?;
    if let Some((_, other)) = found.next() {
        let message = format!("`{name}` begins the ids of several runs");
        return Err(CliError::refused(message).hint(format!("{} and {}", run.id, other.id)));
    }
    match (&run.ended, &run.runner) {
        _ if is_flown(&run) => Ok((plan, run)),
        (Some((_, ending)), _) => {
            let message = format!("run {name} is over: {}", words::ending(*ending));
            Err(CliError::refused(message).hint("`airboss runs` tells which one flies"))
        }
        (None, None) => Err(CliError::refused(format!(
            "run {name} is counted by hand; no process flies it"
        ))
        .hint("`airboss complete-run` ends it")),
        (None, Some(_)) => Err(CliError::refused(format!(
            "nobody flies run {name}: its process is gone"
        ))
        .hint(format!("`airboss run {plan}` goes on from there"))),
    }
}

fn only(all: Vec<(PlanKey, Run)>) -> Result<Option<(PlanKey, Run)>, CliError> {
    let mut flown: Vec<_> = all.into_iter().filter(|(_, run)| is_flown(run)).collect();
    if flown.len() > 1 {
        let mut refused = CliError::refused("several runs fly now; name one");
        for (plan, run) in &flown {
            refused = refused.hint(format!("{} flies {plan}", run.id.short()));
        }
        return Err(refused);
    }
    Ok(flown.pop())
}

fn live(store: &SqliteStore, plan: &PlanKey) -> Result<usize, CliError> {
    let open = store.open_attempts()?;
    let live = open
        .iter()
        .filter(|known| known.plan == *plan && known.attempt.status.is_live());
    Ok(live.count())
}

/// Stores a wish about a run, and answers the run as it is with it.
fn wish(
    workspace: &Workspace,
    plan: &PlanKey,
    run: &Run,
    operation: Operation,
) -> Result<Run, CliError> {
    let mut store = workspace.open_store()?;
    store.commit(&Commit::new(plan.clone(), vec![operation]))?;
    let known = find(&store, plan, run.id)?;
    match known {
        Some(known) if known.ended.is_none() => Ok(known),
        _ => {
            let message = format!("run {} ended before it could heed that", run.id.short());
            Err(CliError::refused(message).hint("`airboss runs` tells how"))
        }
    }
}

fn find(store: &SqliteStore, plan: &PlanKey, id: RunId) -> Result<Option<Run>, CliError> {
    let runs = store.runs(plan)?;
    Ok(runs.into_iter().find(|run| run.id == id))
}

/// Who asks: the name of the login, where there is one.
fn person() -> Option<String> {
    let name = ["USER", "LOGNAME"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok().filter(|name| !name.is_empty()))?;
    Some(sanitize(&name).chars().take(NAME_MAX).collect())
}

/// Who paused the run that flies, where somebody did.
pub(super) fn paused(runs: &[Run]) -> Option<&Asked> {
    let run = runs.iter().rev().find(|run| is_flown(run))?;
    run.paused.as_ref()
}

/// Who and when, as data.
pub(super) fn asked_json(asked: &Asked) -> Value {
    json!({ "by": asked.by, "at": asked.at.millis_text() })
}
