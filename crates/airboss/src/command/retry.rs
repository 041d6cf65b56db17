//! `retry`, `retryable`, `exhausted`, `increment-retry` and `detect-stuck`: failed steps and their
//! retries.

use airboss_core::exit::ExitCode;
use airboss_core::id::StepId;
use airboss_core::operation::{Actor, Operation, StepStatus};
use airboss_core::step::{MarkRequest, STUCK_AFTER, Step, mark as mark_step};
use airboss_core::text::sanitize;
use airboss_core::view::View;
use airboss_engine::clock;
use airboss_engine::store::{Change, CommandId, PublishItem, Refusal, Standing, Store as _};
use airboss_engine::supervise::is_alive;
use serde_json::{Value, json};

use super::answer::{decided, of_stage};
use super::control::is_flown;
use super::mark;
use super::report::{own_attempt, require_person};
use super::status::{phase_value, steps};
use crate::context::Context;
use crate::desk::{Reading, WriteOptions, Writing};
use crate::error::CliError;

/// Retries after the first attempt: a constant of these commands, whatever
/// a run is configured to grant.
const RETRIES_MAX: u32 = 2;

/// Lists failed steps that have retries left.
///
/// # Errors
/// When the plan cannot be read.
pub fn retryable(context: &Context) -> Result<ExitCode, CliError> {
    list(context, |step| step.state.retry_count < RETRIES_MAX)
}

/// Lists failed steps whose retries are used up.
///
/// # Errors
/// When the plan cannot be read.
pub fn exhausted(context: &Context) -> Result<ExitCode, CliError> {
    list(context, |step| step.state.retry_count >= RETRIES_MAX)
}

fn list(context: &Context, keep: impl Fn(&Step) -> bool) -> Result<ExitCode, CliError> {
    let reading = Reading::open(context)?;
    let found: Vec<&Step> = steps(&reading.view)
        .filter(|step| step.state.status == StepStatus::Failed && keep(step))
        .collect();
    let tasks: Vec<Value> = found
        .iter()
        .map(|step| {
            json!({
                "id": step.record.id,
                "description": step.record.description,
                "phase": phase_value(&step.record.phase),
                "retryCount": step.state.retry_count,
                "lastError": step.state.last_error,
                "lastErrorAt": step.state.last_error_at.map(|at| at.millis_text()),
            })
        })
        .collect();
    context.answer(&json!({ "count": tasks.len(), "tasks": tasks }), |_| {
        let lines: Vec<String> = found
            .iter()
            .map(|step| {
                let error = step
                    .state
                    .last_error
                    .as_deref()
                    .unwrap_or("no error was recorded");
                format!(
                    "{}  {} retries  {error}",
                    step.record.id, step.state.retry_count
                )
            })
            .collect();
        if lines.is_empty() {
            "none".to_owned()
        } else {
            sanitize(&lines.join("\n"))
        }
    });
    Ok(ExitCode::Success)
}

/// Count a retry of a failed step.
#[derive(clap::Args, Clone, Debug)]
pub struct IncrementArguments {
    /// The step's id in its plan.
    #[arg(value_name = "ID")]
    step: String,
    /// Why it is tried again.
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    error: Option<String>,
    #[command(flatten)]
    options: WriteOptions,
}

/// Counts a retry of a failed step, unless they are used up.
///
/// # Errors
/// When the step is not there or has not failed.
pub fn increment(context: &Context, arguments: &IncrementArguments) -> Result<ExitCode, CliError> {
    refuse_agents("count retries")?;
    let id = StepId::new(&arguments.step);
    let mut writing = Writing::open(context, &arguments.options)?;
    let operation = Operation::RetryGranted {
        step: id.clone(),
        error: arguments.error.clone(),
    };
    let publish = writing.stale(std::slice::from_ref(&operation));
    let answer = writing.decide(&id, &mut |standing| {
        let state = &standing.step.state;
        if !matches!(state.status, StepStatus::Failed | StepStatus::InProgress) {
            return Err(not_failed(standing));
        }
        let can_retry = state.retry_count < RETRIES_MAX;
        let answer = json!({
            "canRetry": can_retry,
            "retryCount": state.retry_count + u32::from(can_retry),
            "maxRetries": RETRIES_MAX,
            "taskId": id,
            "lastError": arguments.error.as_ref().or(state.last_error.as_ref()),
        });
        Ok(Change {
            operations: can_retry.then(|| operation.clone()).into_iter().collect(),
            publish: if can_retry {
                publish.clone()
            } else {
                Vec::new()
            },
            result: answer,
            ..Change::default()
        })
    })?;
    writing.finish(context, &answer, |answer| {
        format!(
            "{} of {} retries used{}",
            answer["retryCount"],
            answer["maxRetries"],
            if answer["canRetry"] == json!(true) {
                ""
            } else {
                "; no more are granted"
            }
        )
    })
}

/// Give a step back, to be tried again with all its retries.
#[derive(clap::Args, Clone, Debug)]
pub struct RetryArguments {
    /// The step's id in its plan.
    #[arg(value_name = "ID")]
    step: String,
    #[command(flatten)]
    options: WriteOptions,
}

/// Gives a step back: a person's decision, recorded as such. A run that flies tries it again at
/// once, else the next one does. What is known of the attempts before goes with it.
///
/// # Errors
/// When the step is not there, is done, waits for an answer, or is worked on.
pub fn give_back(context: &Context, arguments: &RetryArguments) -> Result<ExitCode, CliError> {
    require_person("give steps back")?;
    let id = StepId::new(&arguments.step);
    let request = MarkRequest {
        status: StepStatus::Pending,
        text: None,
        force: false,
    };
    let decide = |standing: &Standing, publish: &dyn Fn(&[Operation]) -> Vec<PublishItem>| {
        let state = &standing.step.state;
        if state.is_waiting() {
            let message = format!("step {id} waits for an answer, which no retry is");
            let refused = CliError::refused(message);
            return Err(Refusal::from(
                refused.hint(format!("`airboss answer {id} TEXT` answers")),
            ));
        }
        if state.status.is_settled() {
            let message = format!("step {id} is {}", state.status.word());
            let hint = format!("`airboss mark-pending {id} --force` gives it back all the same");
            return Err(Refusal::from(CliError::refused(message).hint(hint)));
        }
        mark::refuse_if_busy(standing, false)?;
        let operation = mark_step(&standing.step, &request).map_err(mark::explain)?;
        let operations: Vec<Operation> = operation.into_iter().collect();
        Ok(Change {
            publish: publish(&operations),
            result: json!({
                "success": true,
                "taskId": id,
                "status": "pending",
                "changed": !operations.is_empty(),
                "flying": standing.run.as_ref().is_some_and(is_flown),
            }),
            operations,
            ..Change::default()
        })
    };
    let told = |answer: &Value| {
        let when = match (answer["changed"] == true, answer["flying"] == true) {
            (false, _) => "is pending already",
            (true, true) => "is given back; the run that flies tries it again",
            (true, false) => "is given back; the next run tries it again",
        };
        format!("step {} {when}", answer["taskId"].as_str().unwrap_or(""))
    };
    if let Some((mut store, stage)) = of_stage(context, &arguments.step)? {
        let command = arguments.options.command_id.as_deref().map(CommandId::new);
        let decide = &mut |standing: &Standing| decide(standing, &|_| Vec::new());
        let answer = decided(store.decide(&stage, command.as_ref(), &id, decide)?, &id)?;
        context.answer(&answer, told);
        return Ok(ExitCode::Success);
    }
    let mut writing = Writing::open(context, &arguments.options)?;
    let publish = writing.stale(&[Operation::RetryGranted {
        step: id.clone(),
        error: None,
    }]);
    let answer = writing.decide(&id, &mut |standing| {
        decide(standing, &|operations| match operations {
            [] => Vec::new(),
            _ => publish.clone(),
        })
    })?;
    writing.finish(context, &answer, told)
}

fn not_failed(standing: &Standing) -> Refusal {
    let status = standing.step.state.status.word();
    let message = format!(
        "step {} is {status}; only failed steps are retried",
        standing.step.record.id
    );
    Box::new(CliError::refused(message).hint("`airboss retryable` lists those that are"))
}

fn refuse_agents(what: &str) -> Result<(), CliError> {
    match own_attempt()? {
        Some(_) => Err(CliError::refused(format!(
            "an agent does not {what}; airboss does"
        ))),
        None => Ok(()),
    }
}

/// Find steps that have been in progress for too long without a run.
#[derive(clap::Args, Clone, Debug)]
pub struct StuckArguments {
    /// Only list them; without it they are marked as failed.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    options: WriteOptions,
}

/// Finds stuck steps and marks them as failed.
///
/// # Errors
/// When the plan cannot be read or changed.
pub fn detect_stuck(context: &Context, arguments: &StuckArguments) -> Result<ExitCode, CliError> {
    let view = Reading::open(context)?.view;
    let stuck = stuck_steps(&view);
    let now = clock::now();
    let tasks: Vec<Value> = stuck
        .iter()
        .map(|step| {
            let started = step.state.started_at;
            json!({
                "id": step.record.id,
                "description": step.record.description,
                "phase": phase_value(&step.record.phase),
                "startedAt": started.map(|at| at.millis_text()),
                "elapsedMinutes": started.map(|at| now.since(at).as_secs() / 60),
            })
        })
        .collect();
    let answer = json!({
        "thresholdMinutes": STUCK_AFTER.as_secs() / 60,
        "stuckCount": tasks.len(),
        "stuckTasks": tasks,
    });
    let words = |answer: &Value| match answer["stuckCount"].as_u64() {
        Some(0) | None => "nothing is stuck".to_owned(),
        Some(count) => format!("{count} stuck"),
    };
    if arguments.dry_run || stuck.is_empty() {
        context.answer(&answer, words);
        return Ok(ExitCode::Success);
    }
    refuse_agents("end other steps")?;
    let mut writing = Writing::open(context, &WriteOptions::default())?;
    for step in stuck {
        let publish = writing.stale(&[Operation::RetryGranted {
            step: step.record.id.clone(),
            error: None,
        }]);
        writing.decide(&step.record.id, &mut |standing| {
            // It may have moved since it was looked at.
            let same = standing.step.state.status == StepStatus::InProgress
                && standing.step.state.started_at == step.state.started_at;
            let operations = if same {
                vec![failed_as_stuck(&standing.step)]
            } else {
                Vec::new()
            };
            let publish = if same { publish.clone() } else { Vec::new() };
            Ok(Change {
                operations,
                publish,
                ..Change::default()
            })
        })?;
    }
    writing.finish(context, &answer, words)
}

fn failed_as_stuck(step: &Step) -> Operation {
    Operation::StepMarked {
        step: step.record.id.clone(),
        status: StepStatus::Failed,
        actor: Actor::Airboss,
        text: Some(format!(
            "stuck: in progress for more than {} min without a run",
            STUCK_AFTER.as_secs() / 60
        )),
        forced: false,
        stuck: true,
    }
}

/// Steps in progress for more than [`STUCK_AFTER`] that no living run works on.
#[must_use]
pub fn stuck_steps(view: &View) -> Vec<&Step> {
    let now = clock::now();
    let flying = view
        .runs
        .iter()
        .any(|run| run.ended.is_none() && run.runner.as_ref().is_some_and(is_alive));
    steps(view)
        .filter(|step| step.state.status == StepStatus::InProgress)
        .filter(|step| !(flying && step.state.attempt.is_some()))
        .filter(|step| {
            step.state
                .started_at
                .is_some_and(|at| now.since(at) > STUCK_AFTER)
        })
        .collect()
}
