//! `start-run`, `complete-run` and `runs`: runs counted by hand, and all runs listed.

use airboss_core::exit::ExitCode;
use airboss_core::id::RunId;
use airboss_core::operation::{Operation, RunEnding};
use airboss_core::status_file::run_id_text;
use airboss_core::view::Run;
use airboss_engine::clock;
use airboss_engine::store::Store as _;
use airboss_engine::supervise::is_alive;
use serde_json::{Value, json};

use crate::context::Context;
use crate::desk::{Reading, WriteOptions, Writing};
use crate::error::CliError;

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
        return Err(CliError::refused(message).hint("end it by ending its process (Ctrl-C)"));
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

/// Lists the runs of a plan, oldest first.
///
/// # Errors
/// When the plan cannot be read.
pub fn list(context: &Context) -> Result<ExitCode, CliError> {
    let reading = Reading::open(context)?;
    let runs: Vec<Value> = reading
        .view
        .runs
        .iter()
        .map(|run| {
            json!({
                "runId": run_id_text(run),
                "run": run.id,
                "words": run.words,
                "startedAt": run.started_at.millis_text(),
                "completedAt": run.ended.map(|(at, _)| at.millis_text()),
                "ending": run.ended.map(|(_, ending)| ending),
                "tasksCompleted": run.completed,
                "tasksFailed": run.failed,
            })
        })
        .collect();
    context.answer(&json!({ "count": runs.len(), "runs": runs }), |_| {
        let lines: Vec<String> = reading.view.runs.iter().map(line).collect();
        if lines.is_empty() {
            "no runs yet".to_owned()
        } else {
            lines.join("\n")
        }
    });
    Ok(ExitCode::Success)
}

fn line(run: &Run) -> String {
    let ending = match run.ended {
        Some((_, ending)) => json!(ending).as_str().unwrap_or("ended").to_owned(),
        None => "not ended".to_owned(),
    };
    format!(
        "{}  {}  {ending}, {} completed, {} failed",
        run_id_text(run),
        run.started_at,
        run.completed,
        run.failed
    )
}
