//! `start-run`, `complete-run` and `runs`: runs counted by hand, and all runs listed.

use std::collections::HashMap;

use airboss_core::exit::ExitCode;
use airboss_core::id::RunId;
use airboss_core::operation::{Operation, PlanKey, RunEnding};
use airboss_core::status_file::run_id_text;
use airboss_core::view::Run;
use airboss_engine::clock;
use airboss_engine::store::Store as _;
use airboss_engine::supervise::is_alive;
use owo_colors::Style;
use serde_json::json;

use crate::context::Context;
use crate::desk::{WriteOptions, Writing};
use crate::error::CliError;
use crate::page::{self, Table};
use crate::{lookup, words};

/// Begin to count a run by hand.
#[derive(clap::Args, Clone, Debug)]
pub struct StartArguments {
    #[command(flatten)]
    options: WriteOptions,
}

/// Begins a run that a person, or a program outside, counts by hand.
///
/// # Errors
/// When the plan cannot be changed.
pub fn start(context: &Context, arguments: &StartArguments) -> Result<ExitCode, CliError> {
    let mut writing = Writing::open(context, &arguments.options)?;
    let run = RunId::from_uuid(clock::fresh_uuid());
    let words = "counted by hand".to_owned();
    let started = Operation::RunStarted {
        run,
        runner: None,
        words,
    };
    let stored = writing.commit(vec![started], json!({ "run": run }))?;
    // The id in words is made of the instant that the store gave it.
    let runs = writing.store.runs(&writing.key)?;
    let known = runs.iter().find(|run| json!(run.id) == stored["run"]);
    let answer = json!({ "success": true, "runId": known.map(run_id_text) });
    writing.finish(context, &answer, |answer| {
        answer["runId"].as_str().unwrap_or("").to_owned()
    })
}

/// End a run that was counted by hand.
#[derive(clap::Args, Clone, Debug)]
pub struct CompleteArguments {
    /// The run's id.
    #[arg(value_name = "RUN")]
    run: String,
    /// Steps completed in it.
    #[arg(long, value_name = "N", default_value_t = 0)]
    completed: u32,
    /// Steps failed in it.
    #[arg(long, value_name = "N", default_value_t = 0)]
    failed: u32,
    #[command(flatten)]
    options: WriteOptions,
}

/// Ends a run that was counted by hand.
///
/// # Errors
/// When there is no such run, or a program flies it.
pub fn complete(context: &Context, arguments: &CompleteArguments) -> Result<ExitCode, CliError> {
    let mut writing = Writing::open(context, &arguments.options)?;
    let runs = writing.store.runs(&writing.key)?;
    let run = find(&runs, &arguments.run)?;
    if run.runner.as_ref().is_some_and(is_alive) && run.ended.is_none() {
        let message = format!("run {} is being flown", arguments.run);
        return Err(CliError::refused(message).hint("`airboss stop` ends it"));
    }
    let (completed, failed) = (arguments.completed, arguments.failed);
    let answer = json!({
        "success": true,
        "runId": run_id_text(run),
        "completed": completed,
        "failed": failed,
    });
    let ending = if failed > 0 {
        RunEnding::Failed
    } else {
        RunEnding::Complete
    };
    let ended = Operation::RunEnded {
        run: run.id,
        ending,
        completed,
        failed,
    };
    let answer = writing.commit(vec![ended], answer)?;
    writing.finish(context, &answer, |answer| {
        format!("{} ended", answer["runId"].as_str().unwrap_or(""))
    })
}

/// The newest run with this id: `run-<ms>`, or the beginning of the store's own id.
fn find<'run>(runs: &'run [Run], id: &str) -> Result<&'run Run, CliError> {
    // Fewer digits than this could mean anything.
    const PREFIX_MIN: usize = 6;
    let own = |run: &&Run| id.len() >= PREFIX_MIN && run.id.to_string().starts_with(id);
    runs.iter()
        .rev()
        .find(|run| run_id_text(run) == id)
        .or_else(|| runs.iter().rev().find(own))
        .ok_or_else(|| {
            CliError::refused(format!("the plan has no run `{id}`"))
                .hint("`airboss runs` lists them")
        })
}

/// Shows the runs, the newest last.
///
/// # Errors
/// When there is no store or it cannot be read.
pub fn list(context: &Context) -> Result<ExitCode, CliError> {
    let (workspace, store) = context.reader()?;
    let mut all: Vec<(PlanKey, Run, u32)> = Vec::new();
    for plan in context.plans(&workspace, &store)? {
        let mut attempts: HashMap<RunId, u32> = HashMap::new();
        for stored in lookup::history(&store, &plan, None)? {
            if let Operation::AttemptDispatched { run, .. } = stored.operation {
                *attempts.entry(run).or_default() += 1;
            }
        }
        for run in store.runs(&plan)? {
            let attempts = attempts.get(&run.id).copied().unwrap_or_default();
            all.push((plan.clone(), run, attempts));
        }
    }
    all.sort_by_key(|(_, run, _)| run.started_at);
    if context.json {
        let runs: Vec<serde_json::Value> = all.iter().map(as_json).collect();
        context.printer.json(&json!({ "runs": runs }));
        return Ok(ExitCode::Success);
    }
    if all.is_empty() {
        context.printer.note("no run was started yet");
        return Ok(ExitCode::Success);
    }
    let mut table = Table::new(page::edge());
    table.row(
        [
            "run", "started", "took", "ending", "done", "failed", "attempts", "asked to",
        ],
        Style::new().dimmed(),
    );
    for (_, run, attempts) in &all {
        let (ending, style) = ending(run);
        let now = airboss_engine::clock::now();
        let end = run.ended.map_or(now, |(at, _)| at);
        table.row(
            [
                &run.id.short(),
                &words::instant(run.started_at),
                &words::duration(end.since(run.started_at)),
                ending,
                &run.completed.to_string(),
                &run.failed.to_string(),
                &attempts.to_string(),
                &run.words,
            ],
            style,
        );
    }
    context.printer.data(&table.finish());
    Ok(ExitCode::Success)
}

/// How a run stands: its ending, or whether its process is still there.
fn ending(run: &Run) -> (&'static str, Style) {
    match (&run.ended, &run.runner) {
        (Some((_, ending)), _) => {
            let style = match ending {
                RunEnding::Complete => Style::new().green(),
                RunEnding::Failed => Style::new().red(),
                _ => Style::new().yellow(),
            };
            (words::ending(*ending), style)
        }
        (None, Some(runner)) if is_alive(runner) => {
            let word = match (&run.stop, &run.paused) {
                (Some(_), _) => "ending",
                (None, Some(_)) => "paused",
                (None, None) => "running",
            };
            (word, Style::new().cyan())
        }
        (None, Some(_)) => ("its process is gone", Style::new().yellow()),
        (None, None) => ("by hand", Style::new().cyan()),
    }
}

fn as_json((plan, run, attempts): &(PlanKey, Run, u32)) -> serde_json::Value {
    json!({
        "id": run.id,
        "run_id": run_id_text(run),
        "plan": plan,
        "words": run.words,
        "started_at": run.started_at,
        "ended_at": run.ended.map(|(at, _)| at),
        "ending": run.ended.map(|(_, ending)| ending),
        "state": ending(run).0,
        "paused": run.paused,
        "completed": run.completed,
        "failed": run.failed,
        "attempts": attempts,
    })
}
