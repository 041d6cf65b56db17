//! `answer`: what a waiting step asked.

use airboss_core::exit::ExitCode;
use airboss_core::id::StepId;
use airboss_core::operation::{Operation, PlanKey};
use airboss_core::step::Step;
use airboss_engine::store::{
    Change, CommandId, Decided, PublishItem, Refusal, SqliteStore, Standing, Store as _,
};
use airboss_engine::workspace::Workspace;
use serde_json::{Value, json};

use super::report::own_attempt;
use crate::context::Context;
use crate::desk::{WriteOptions, Writing, refused, unknown_step};
use crate::error::CliError;
use crate::lookup;

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
    let answered = Operation::StepAnswered {
        step: id.clone(),
        answer: arguments.text.clone(),
    };
    let decide = |standing: &Standing, publish: &[PublishItem]| {
        if !standing.step.state.is_waiting() {
            return Err(Refusal::from(not_waiting(&standing.step)));
        }
        Ok(Change {
            operations: vec![answered.clone()],
            publish: publish.to_vec(),
            result: json!({ "success": true, "taskId": id }),
            ..Change::default()
        })
    };
    let told = |_: &Value| "answered; the next run goes on with it".to_owned();
    if let Some((mut store, stage)) = of_stage(context, &arguments.step)? {
        let command = arguments.options.command_id.as_deref().map(CommandId::new);
        let decide = &mut |standing: &Standing| decide(standing, &[]);
        let answer = decided(store.decide(&stage, command.as_ref(), &id, decide)?, &id)?;
        context.answer(&answer, told);
        return Ok(ExitCode::Success);
    }
    let mut writing = Writing::open(context, &arguments.options)?;
    let publish = writing.stale(std::slice::from_ref(&answered));
    let answer = writing.decide(&id, &mut |standing| decide(standing, &publish))?;
    writing.finish(context, &answer, told)
}

/// The stage of a task that has the step: it is flown without a plan file, and publishes none.
pub(super) fn of_stage(
    context: &Context,
    step: &str,
) -> Result<Option<(SqliteStore, PlanKey)>, CliError> {
    let workspace = Workspace::open(&context.directory)?;
    let Some(store) = workspace.open_reader()? else {
        return Ok(None);
    };
    // What is not found is told in the words of plans.
    let named = lookup::find(context, &workspace, &store, step).ok();
    let plan = named.map(|named| named.plan().clone());
    let stage = plan.filter(|plan| !workspace.top.join(plan.path()).is_file());
    // Beside a reader in the same process SQLite lets nobody write.
    drop(store);
    let opened = stage.map(|stage| Ok((workspace.open_store()?, stage)));
    opened.transpose()
}

pub(super) fn decided(decided: Decided, step: &StepId) -> Result<Value, CliError> {
    match decided {
        Decided::Applied { result, .. } | Decided::Duplicate { result } => Ok(result),
        Decided::Refused(refusal) => Err(refused(refusal)),
        Decided::UnknownStep => Err(unknown_step(step, None)),
    }
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
