//! `mark-started` and its sisters: a person sets the status of a step.
//!
//! From inside an attempt the same commands are the agent's claim about its own step, which is
//! recorded and believed by nobody.

use airboss_core::exit::ExitCode;
use airboss_core::id::StepId;
use airboss_core::operation::{Operation, StepStatus};
use airboss_core::report::Report;
use airboss_core::step::{MarkRefused, MarkRequest, Step, mark};
use airboss_core::view::Counts;
use airboss_engine::run::markers::status_of;
use airboss_engine::store::{Change, PhaseCounts, Refusal, Standing};
use airboss_engine::supervise::is_alive;
use serde_json::{Value, json};

use super::report::{own_credentials, send};
use crate::context::Context;
use crate::desk::{WriteOptions, Writing};
use crate::error::CliError;

/// A step to mark.
#[derive(clap::Args, Clone, Debug)]
pub struct MarkArguments {
    /// The step's id in its plan.
    #[arg(value_name = "ID")]
    step: String,
    /// Go outside the table of transitions; recorded as such.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    options: WriteOptions,
}

/// A step to mark as completed.
#[derive(clap::Args, Clone, Debug)]
pub struct CompleteArguments {
    /// What was done.
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    notes: Option<String>,
    #[command(flatten)]
    mark: MarkArguments,
}

/// A step to mark as failed.
#[derive(clap::Args, Clone, Debug)]
pub struct FailArguments {
    /// Why it failed.
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    error: String,
    #[command(flatten)]
    mark: MarkArguments,
}

/// A step to leave out.
#[derive(clap::Args, Clone, Debug)]
pub struct SkipArguments {
    /// Why it is left out.
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    reason: String,
    #[command(flatten)]
    mark: MarkArguments,
}

/// Marks a step as started, anew with every call.
///
/// # Errors
/// When the transition is not allowed or the plan cannot be changed; nothing was changed then.
pub fn started(context: &Context, arguments: &MarkArguments) -> Result<ExitCode, CliError> {
    set(context, arguments, StepStatus::InProgress, None)
}

/// Gives a step back.
///
/// # Errors
/// As for [`started`].
pub fn pending(context: &Context, arguments: &MarkArguments) -> Result<ExitCode, CliError> {
    set(context, arguments, StepStatus::Pending, None)
}

/// Declares a step done: a person's override of any verdict.
///
/// # Errors
/// As for [`started`].
pub fn complete(context: &Context, arguments: &CompleteArguments) -> Result<ExitCode, CliError> {
    let text = arguments.notes.clone();
    set(context, &arguments.mark, StepStatus::Completed, text)
}

/// Marks a step as failed.
///
/// # Errors
/// As for [`started`].
pub fn failed(context: &Context, arguments: &FailArguments) -> Result<ExitCode, CliError> {
    let text = Some(arguments.error.clone());
    set(context, &arguments.mark, StepStatus::Failed, text)
}

/// Leaves a step out.
///
/// # Errors
/// As for [`started`].
pub fn skipped(context: &Context, arguments: &SkipArguments) -> Result<ExitCode, CliError> {
    let text = Some(arguments.reason.clone());
    set(context, &arguments.mark, StepStatus::Skipped, text)
}

fn set(
    context: &Context,
    arguments: &MarkArguments,
    status: StepStatus,
    text: Option<String>,
) -> Result<ExitCode, CliError> {
    let id = StepId::new(&arguments.step);
    if let Some(given) = own_credentials()? {
        return send(context, given, Some(id), Report::Status { status, text });
    }
    let mut writing = Writing::open(context, &arguments.options)?;
    let request = MarkRequest {
        status,
        text,
        force: arguments.force,
    };
    let mut unstarted = false;
    let phases = writing.marked_phases()?;
    let status_json = writing.stale(&[]);
    let markers = writing.markers_item();
    let mut caught = true;
    let answer = writing.decide(&id, &mut |standing| {
        refuse_if_busy(standing, request.force)?;
        unstarted = standing.step.state.status == StepStatus::Pending
            && request.status == StepStatus::Completed;
        let operation = mark(&standing.step, &request).map_err(explain)?;
        let operations: Vec<Operation> = operation.into_iter().collect();
        let mut publish = Vec::new();
        if !operations.is_empty() {
            publish.clone_from(&status_json);
            caught = false;
        }
        if !caught && turns_marker(&phases, &standing.step, request.status) {
            publish.push(markers.clone());
            caught = true;
        }
        Ok(Change {
            operations,
            publish,
            result: marked(&id, &request),
            ..Change::default()
        })
    })?;
    if !caught {
        writing.catch_up_markers(&phases);
    }
    if unstarted {
        let text = format!("step {id} was never started, so it has no start time");
        context.printer.warning(&text);
    }
    writing.finish(context, &answer, |answer| {
        let text = |key: &str| answer[key].as_str().unwrap_or("");
        format!("{} is {}", text("taskId"), text("status").replace('_', " "))
    })
}

/// Whether the marker of the step's phase says something else when the step changes.
fn turns_marker(phases: &[PhaseCounts], step: &Step, status: StepStatus) -> bool {
    let Some(phase) = phases.iter().find(|phase| phase.key == step.record.phase) else {
        return false;
    };
    let mut after = Counts::default();
    for (known, count) in [
        (StepStatus::Pending, phase.counts.pending),
        (StepStatus::InProgress, phase.counts.in_progress),
        (StepStatus::Completed, phase.counts.completed),
        (StepStatus::Failed, phase.counts.failed),
        (StepStatus::Skipped, phase.counts.skipped),
    ] {
        let leaves = usize::from(known == step.state.status);
        after.add(known, count.saturating_sub(leaves));
    }
    after.add(status, 1);
    status_of(&phase.counts, false) != status_of(&after, false)
}

/// A step that a live run works on is not taken away by accident.
pub(super) fn refuse_if_busy(standing: &Standing, force: bool) -> Result<(), Refusal> {
    let Some(attempt) = &standing.attempt else {
        return Ok(());
    };
    let alive = standing
        .run
        .as_ref()
        .is_some_and(|run| run.ended.is_none() && run.runner.as_ref().is_some_and(is_alive));
    if !attempt.status.is_live() || !alive || force {
        return Ok(());
    }
    let busy = MarkRefused::Busy {
        step: standing.step.record.id.clone(),
        attempt: attempt.id.short(),
    };
    Err(Box::new(explain(busy)))
}

pub(super) fn explain(refused: MarkRefused) -> CliError {
    let error = CliError::refused(refused.to_string());
    match refused {
        MarkRefused::Transition { .. } | MarkRefused::Vanished { .. } => {
            error.hint("`--force` does it all the same, and the log says so")
        }
        MarkRefused::Busy { step, .. } => error.hint(format!(
            "`airboss kill {step}` ends the attempt; `--force` of a `mark-…` command takes the \
             step from it"
        )),
    }
}

fn marked(id: &StepId, request: &MarkRequest) -> Value {
    let mut answer = json!({ "success": true, "taskId": id, "status": request.status.word() });
    let key = match request.status {
        StepStatus::Completed => "notes",
        StepStatus::Failed => "error",
        StepStatus::Skipped => "reason",
        StepStatus::Pending | StepStatus::InProgress => return answer,
    };
    answer[key] = json!(request.text);
    answer
}
