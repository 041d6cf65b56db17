//! `airboss answer`: what a person says to a step that asks.

use airboss_core::exit::ExitCode;
use airboss_core::operation::Operation;
use airboss_engine::store::{Change, CommandId, Decided, Refusal, Standing, Store as _};
use serde_json::json;

use super::why::question_of;
use crate::context::Context;
use crate::error::CliError;
use crate::lookup;

/// The longest answer: it becomes part of a prompt, which has to stay small.
const ANSWER_BYTES_MAX: usize = 16 * 1024;

/// Answer what a waiting step asks; the next run tells its agent.
#[derive(clap::Args, Clone, Debug)]
pub struct AnswerArguments {
    /// The step.
    pub id: String,
    /// The answer.
    #[arg(allow_hyphen_values = true)]
    pub text: String,
    /// A name for this command, chosen by the caller: given twice, it is carried out once.
    #[arg(long = "id", value_name = "KEY")]
    pub key: Option<String>,
}

/// Stores an answer.
///
/// # Errors
/// When the step does not wait for one; nothing is changed then.
pub fn answer(context: &Context, arguments: &AnswerArguments) -> Result<ExitCode, CliError> {
    let text = arguments.text.trim();
    if text.is_empty() {
        return Err(CliError::refused("the answer is empty"));
    }
    if text.len() > ANSWER_BYTES_MAX {
        let message = format!(
            "the answer has {} bytes; at most {ANSWER_BYTES_MAX} fit into a prompt",
            text.len()
        );
        return Err(CliError::refused(message).hint("put it into a file and name that"));
    }
    let (workspace, reader) = context.reader()?;
    let named = lookup::find(context, &workspace, &reader, &arguments.id)?;
    let question = question_of(&reader, &named)?;
    let (plan, step) = (named.plan(), named.step());
    drop(reader);
    let mut store = workspace.open_store()?;
    let command = arguments.key.as_ref().map(CommandId::new);
    let mut decide = |standing: &Standing| {
        if !standing.step.state.is_waiting() {
            return Err(Refusal::from(not_waiting(standing)));
        }
        Ok(Change {
            operations: vec![Operation::StepAnswered {
                step: step.clone(),
                answer: text.to_owned(),
            }],
            result: json!({ "step": step, "answer": text }),
            ..Change::default()
        })
    };
    let duplicate = match store.decide(plan, command.as_ref(), step, &mut decide)? {
        Decided::Applied { .. } => false,
        Decided::Duplicate { .. } => true,
        Decided::Refused(refusal) => {
            return Err(CliError::refused(refusal.to_string())
                .hint(format!("`airboss why {step}` says where it stands")));
        }
        Decided::UnknownStep => {
            return Err(CliError::refused(format!("the plan has no step {step}")));
        }
    };
    if context.json {
        let data = json!({
            "plan": plan, "step": step, "question": question, "answer": text,
            "duplicate": duplicate,
        });
        context.printer.json(&data);
    } else if !context.quiet {
        let words = if duplicate {
            format!("{step} was answered by this command before; nothing changed")
        } else {
            format!("{step} is answered; `airboss run` goes on with it")
        };
        context.printer.note(&words);
    }
    Ok(ExitCode::Success)
}

fn not_waiting(standing: &Standing) -> String {
    let step = &standing.step;
    let id = &step.record.id;
    match &step.state.answer {
        Some(_) => format!("step {id} was answered already, and no run has looked at it yet"),
        None => format!(
            "step {id} does not wait for an answer: it is {}",
            step.state.status.word().replace('_', " ")
        ),
    }
}
