//! `log`: what happened, newest last.

use airboss_core::exit::ExitCode;
use airboss_core::id::StepId;
use airboss_core::operation::{Operation, StoredOperation};
use airboss_core::text::sanitize;
use airboss_engine::store::{OperationQuery, Store as _};
use serde_json::{Value, json};

use crate::context::Context;
use crate::desk::Reading;
use crate::error::CliError;

/// Show what happened to a plan, or to one step.
#[derive(clap::Args, Clone, Debug)]
pub struct LogArguments {
    /// Only what concerns this step.
    #[arg(value_name = "ID")]
    step: Option<String>,
    /// The newest so many.
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: usize,
}

/// Shows the newest operations of a plan, in the order in which they happened.
///
/// # Errors
/// When the plan cannot be read or has no such step.
pub fn log(context: &Context, arguments: &LogArguments) -> Result<ExitCode, CliError> {
    let reading = Reading::open(context)?;
    let step = arguments.step.as_deref().map(StepId::new);
    if let Some(id) = &step {
        reading.step(id)?;
    }
    let query = OperationQuery {
        plan: Some(reading.key.clone()),
        step,
        limit: arguments.limit,
        newest_first: true,
        ..OperationQuery::default()
    };
    let mut operations = match &reading.store {
        Some(store) => store.operations(&query)?,
        None => Vec::new(),
    };
    operations.reverse();
    let list: Vec<Value> = operations
        .iter()
        .map(|stored| {
            json!({
                "sequence": stored.sequence,
                "id": stored.id,
                "at": stored.at.millis_text(),
                "operation": stored.operation,
            })
        })
        .collect();
    context.answer(&json!({ "count": list.len(), "operations": list }), |_| {
        let lines: Vec<String> = operations.iter().map(line).collect();
        if lines.is_empty() {
            "nothing yet".to_owned()
        } else {
            sanitize(&lines.join("\n"))
        }
    });
    Ok(ExitCode::Success)
}

fn line(stored: &StoredOperation) -> String {
    let word = stored.operation.word().replace('_', " ");
    let steps: Vec<&str> = stored
        .operation
        .steps()
        .iter()
        .map(StepId::as_str)
        .collect();
    let detail = match &stored.operation {
        Operation::PlanRegistered { steps, .. } => format!("{} steps", steps.len()),
        Operation::StepMarked {
            status,
            text,
            forced,
            ..
        } => {
            let forced = if *forced { ", forced" } else { "" };
            let text = text
                .as_deref()
                .map_or(String::new(), |text| format!(": {text}"));
            format!("{}{forced}{text}", status.word())
        }
        Operation::StepJudged { judgement, .. } => {
            format!("{}: {}", judgement.verdict.word(), judgement.reason)
        }
        Operation::StepClaimed { claim, .. } => claim.clone(),
        Operation::StepAnswered { answer, .. } => answer.clone(),
        Operation::FindingsWritten { path, .. } => path.to_string(),
        Operation::AttemptDispatched { agent, number, .. } => format!("{agent}, attempt {number}"),
        Operation::CommitDeferred { reason, .. } => reason.clone(),
        Operation::CommitMade { commit, .. } => commit.clone().unwrap_or_default(),
        _ => String::new(),
    };
    let text = format!(
        "{:>5}  {}  {word} {} {detail}",
        stored.sequence,
        stored.at,
        steps.join(" ")
    );
    // One operation, one line, whatever an agent wrote into it.
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
