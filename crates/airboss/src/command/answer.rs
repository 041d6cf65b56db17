//! `answer`: what a waiting step asked.

use airboss_core::exit::ExitCode;
use airboss_core::id::StepId;
use airboss_core::operation::Operation;
use airboss_core::step::Step;
use airboss_engine::store::{Change, Refusal};
use serde_json::json;

use super::report::own_attempt;
use crate::context::Context;
use crate::desk::{WriteOptions, Writing};
use crate::error::CliError;

/// Answer what a waiting step asked.
#[derive(clap::Args, Clone, Debug)]
pub struct AnswerArguments {
    /// The step's id in its plan.
    #[arg(value_name = "ID")]
    step: String,
    /// The answer, which its agent is given.
    #[arg(value_name = "TEXT", allow_hyphen_values = true)]
    text: String,
    #[command(flatten)]
    options: WriteOptions,
}

/// Stores the answer; the next run goes on with it.
///
/// # Errors
/// When the step is not there or asked nothing.
pub fn answer(context: &Context, arguments: &AnswerArguments) -> Result<ExitCode, CliError> {
    if own_attempt()?.is_some() {
        return Err(CliError::refused(
            "only a person answers what an agent asked",
        ));
    }
    if arguments.text.trim().is_empty() {
        return Err(CliError::refused("the answer is empty"));
    }
    let id = StepId::new(&arguments.step);
    let mut writing = Writing::open(context, &arguments.options)?;
    let answered = Operation::StepAnswered {
        step: id.clone(),
        answer: arguments.text.clone(),
    };
    let publish = writing.stale(std::slice::from_ref(&answered));
    let answer = writing.decide(&id, &mut |standing| {
        if !standing.step.state.is_waiting() {
            return Err(Refusal::from(not_waiting(&standing.step)));
        }
        Ok(Change {
            operations: vec![answered.clone()],
            publish: publish.clone(),
            result: json!({ "success": true, "taskId": id }),
            ..Change::default()
        })
    })?;
    writing.finish(context, &answer, |_| {
        "answered; the next run goes on with it".to_owned()
    })
}

fn not_waiting(step: &Step) -> CliError {
    let id = &step.record.id;
    let message = match &step.state.answer {
        Some(_) => format!("step {id} was answered already, and no run has gone on with it yet"),
        None => {
            let status = step.state.status.word().replace('_', " ");
            format!("step {id} does not wait for an answer: it is {status}")
        }
    };
    CliError::refused(message).hint(format!("`airboss why {id}` says where it stands"))
}
