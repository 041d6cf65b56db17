//! From what a person types to what it means: a step, an attempt, or both told apart.
//!
//! Steps are named by their id in the plan, attempts by their id, a unique prefix of it,
//! or `STEP#N`: the step's Nth attempt.

use airboss_core::id::{AttemptId, StepId};
use airboss_core::nearest::nearest;
use airboss_core::operation::{Operation, PlanKey, StoredOperation};
use airboss_engine::store::{OperationQuery, SqliteStore, Store as _, StoreError};
use airboss_engine::workspace::Workspace;

use crate::context::Context;
use crate::error::CliError;

/// What an id names.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Named {
    /// A step of a plan.
    Step(PlanKey, StepId),
    /// An attempt, and the first step that it works on.
    Attempt(PlanKey, StepId, AttemptId),
}

impl Named {
    /// The plan.
    #[must_use]
    pub fn plan(&self) -> &PlanKey {
        match self {
            Self::Step(plan, _) | Self::Attempt(plan, ..) => plan,
        }
    }

    /// The step, or the first step of the attempt.
    #[must_use]
    pub fn step(&self) -> &StepId {
        match self {
            Self::Step(_, step) | Self::Attempt(_, step, _) => step,
        }
    }
}

/// Finds what an id names.
///
/// # Errors
/// When it names nothing, or several things; the words say which.
pub fn find(
    context: &Context,
    workspace: &Workspace,
    store: &SqliteStore,
    text: &str,
) -> Result<Named, CliError> {
    let plans = context.plans(workspace, store)?;
    let (name, number) = match text.rsplit_once('#') {
        Some((name, number)) => (name, Some(attempt_number(text, number)?)),
        None => (text, None),
    };
    let step = StepId::from(name);
    let mut holders = Vec::new();
    for plan in &plans {
        if store.step(plan, &step)?.is_some() {
            holders.push(plan);
        }
    }
    match (holders.as_slice(), number) {
        ([plan], None) => Ok(Named::Step((*plan).clone(), step)),
        ([plan], Some(number)) => nth_attempt(store, plan, &step, number),
        ([], None) => by_prefix(store, &plans, name),
        ([], Some(_)) => Err(unknown(store, &plans, name)?),
        (several, _) => {
            let names: Vec<String> = several.iter().map(ToString::to_string).collect();
            Err(
                CliError::refused(format!("several plans have a step {name}"))
                    .hint(format!("choose one with --plan: {}", names.join(", "))),
            )
        }
    }
}

/// The newest attempt of what an id names.
///
/// # Errors
/// When nothing was ever attempted.
pub fn newest_attempt(store: &SqliteStore, named: &Named) -> Result<AttemptId, CliError> {
    let (plan, step) = match named {
        Named::Attempt(_, _, attempt) => return Ok(*attempt),
        Named::Step(plan, step) => (plan, step),
    };
    let known = store.step(plan, step)?;
    known
        .and_then(|step| step.state.last_attempt)
        .ok_or_else(|| {
            CliError::refused(format!("step {step} was never attempted"))
                .hint(format!("`airboss why {step}` says why not"))
        })
}

/// The operations that concern a step, oldest first.
///
/// # Errors
/// When the store cannot be read.
pub fn history(
    store: &SqliteStore,
    plan: &PlanKey,
    step: Option<&StepId>,
) -> Result<Vec<StoredOperation>, StoreError> {
    let mut query = OperationQuery {
        plan: Some(plan.clone()),
        step: step.cloned(),
        ..OperationQuery::default()
    };
    let mut all = Vec::new();
    // Each page begins behind the one before it, so this ends with the log.
    loop {
        let page = store.operations(&query)?;
        let Some(last) = page.last() else {
            return Ok(all);
        };
        query.after = last.sequence;
        all.extend(page);
    }
}

fn attempt_number(text: &str, number: &str) -> Result<usize, CliError> {
    let parsed = number.parse().ok().filter(|number| *number > 0);
    parsed.ok_or_else(|| {
        CliError::refused(format!("`{text}` names no attempt"))
            .hint("`2.3#1` is the first attempt at step 2.3")
    })
}

fn nth_attempt(
    store: &SqliteStore,
    plan: &PlanKey,
    step: &StepId,
    number: usize,
) -> Result<Named, CliError> {
    let attempts: Vec<AttemptId> = history(store, plan, Some(step))?
        .iter()
        .filter_map(|stored| match &stored.operation {
            Operation::AttemptDispatched { attempt, .. } => Some(*attempt),
            _ => None,
        })
        .collect();
    let found = attempts.get(number - 1).copied().ok_or_else(|| {
        let had = crate::words::count(attempts.len(), "attempt");
        CliError::refused(format!("step {step} had {had} so far, not {number}"))
            .hint(format!("`airboss why {step}` lists them"))
    })?;
    Ok(Named::Attempt(plan.clone(), step.clone(), found))
}

fn by_prefix(store: &SqliteStore, plans: &[PlanKey], prefix: &str) -> Result<Named, CliError> {
    let mut found = if prefix.is_empty() {
        Vec::new()
    } else {
        store.find_attempt(prefix)?
    };
    found.retain(|attempt| plans.contains(&attempt.plan));
    match found.as_slice() {
        [] => Err(unknown(store, plans, prefix)?),
        [only] => {
            let step = only.steps.first().cloned().unwrap_or_else(|| "".into());
            Ok(Named::Attempt(only.plan.clone(), step, only.id))
        }
        several => {
            let mut refused =
                CliError::refused(format!("`{prefix}` begins the ids of several attempts"));
            for attempt in several {
                let steps: Vec<&str> = attempt.steps.iter().map(StepId::as_str).collect();
                refused = refused.hint(format!(
                    "{} ({} of step {}, {})",
                    attempt.id,
                    attempt.agent,
                    steps.join(","),
                    attempt.dispatched_at
                ));
            }
            Err(refused)
        }
    }
}

fn unknown(store: &SqliteStore, plans: &[PlanKey], name: &str) -> Result<CliError, StoreError> {
    let mut ids: Vec<StepId> = Vec::new();
    for plan in plans {
        let view = store.view(plan)?;
        ids.extend(view.into_iter().flat_map(|view| {
            let steps = view.steps.into_iter();
            steps.map(|step| step.record.id)
        }));
    }
    let refused = CliError::refused(format!(
        "`{name}` is neither a step nor the beginning of an attempt's id"
    ));
    Ok(match nearest(name, ids.iter().map(StepId::as_str)) {
        Some(near) => refused.hint(format!("is `{near}` meant?")),
        None => refused.hint("`airboss status` lists the steps, `airboss log` what happened"),
    })
}
