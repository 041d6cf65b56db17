//! `answer`: what a waiting step asked.

use airboss_core::exit::ExitCode;
use airboss_core::id::StepId;
use airboss_core::operation::Operation;
use airboss_engine::store::{Change, Refusal};
use serde_json::json;

use super::mark::own_attempt;
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
        return Err(CliError::refused("only a person answers what an agent asked"));
    }
    let id = StepId::new(&arguments.step);
    let mut writing = Writing::open(context, &arguments.options)?;
    let answered = Operation::StepAnswered { step: id.clone(), answer: arguments.text.clone() };
    let publish = writing.stale(std::slice::from_ref(&answered));
    let answer = writing.decide(&id, &mut |standing| {
        if !standing.step.state.is_waiting() {
            return Err(Refusal::from(
                CliError::refused(format!("step {id} asked nothing"))
                    .hint("`airboss log` shows what it did last"),
            ));
        }
        Ok(Change {
            operations: vec![answered.clone()],
            publish: publish.clone(),
            result: json!({ "success": true, "taskId": id }),
            ..Change::default()
        })
    })?;
    writing.finish(context, &answer, |_| "answered; the next run goes on with it".to_owned())
}
