//! `airboss runs`: every run with its beginning, its end and what came of it.

use std::collections::HashMap;

use airboss_core::exit::ExitCode;
use airboss_core::id::RunId;
use airboss_core::operation::{Operation, PlanKey, RunEnding};
use airboss_core::view::Run;
use airboss_engine::store::Store as _;
use airboss_engine::supervise;
use owo_colors::Style;
use serde_json::json;

use crate::context::Context;
use crate::error::CliError;
use crate::lookup;
use crate::page::{self, Table};
use crate::words;

/// Show the runs: when they began and ended, how, and what they completed.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct RunsArguments {}

/// Shows the runs, the newest last.
///
/// # Errors
/// When there is no store or it cannot be read.
pub fn runs(context: &Context, _arguments: &RunsArguments) -> Result<ExitCode, CliError> {
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
        (None, Some(runner)) if supervise::is_alive(runner) => ("running", Style::new().cyan()),
        (None, Some(_)) => ("its process is gone", Style::new().yellow()),
        (None, None) => ("by hand", Style::new().cyan()),
    }
}

fn as_json((plan, run, attempts): &(PlanKey, Run, u32)) -> serde_json::Value {
    json!({
        "id": run.id,
        "plan": plan,
        "words": run.words,
        "started_at": run.started_at,
        "ended_at": run.ended.map(|(at, _)| at),
        "ending": run.ended.map(|(_, ending)| ending),
        "state": ending(run).0,
        "completed": run.completed,
        "failed": run.failed,
        "attempts": attempts,
    })
}
