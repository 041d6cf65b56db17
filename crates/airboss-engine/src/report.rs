//! Taking in what an agent reports of its own work.
//!
//! The command line, the MCP server and the inbox all end in [`report()`]: it knows the agent by
//! its token, lets [`airboss_core::report::claim`] decide, and stores the claim. A report
//! touches one step of the agent's own attempt and nothing else; no file is published for it.

use std::path::Path;

use airboss_core::id::{AttemptId, StepId};
use airboss_core::report::{self, Report, ReportRefused};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::inbox;
use crate::run::attempt_files::directory;
use crate::store::{Change, CommandId, Decided, Refusal, Store, StoreError, StoredAttempt};
use crate::supervise::fits_token;
use crate::workspace::{Workspace, WorkspaceError};

/// Who reports, and the proof of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Credentials {
    /// The attempt.
    pub attempt: AttemptId,
    /// Its token.
    pub token: String,
}

/// A report with all that is needed to take it in; the form of a file in the inbox.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Letter {
    /// The attempt that reports.
    pub attempt: AttemptId,
    /// Its token.
    pub token: String,
    /// The step that it is about; the attempt's first when there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<StepId>,
    /// What it reports.
    pub report: Report,
}

/// Why a report was not taken in. Nothing is recorded.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The work tree or its store cannot be used.
    #[error(transparent)]
    Workspace(#[from] WorkspaceError),
    /// The report may not be made.
    #[error(transparent)]
    Refused(#[from] ReportRefused),
    /// Nobody knows the attempt.
    #[error("attempt {} is not known here", .0.short())]
    Unknown(AttemptId),
    /// The token is another's, or none.
    #[error("the token is not that of attempt {}", .0.short())]
    WrongToken(AttemptId),
}

impl ReportError {
    /// Whether trying again could end otherwise: the world failed, not the report.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Store(error) => !matches!(error, StoreError::Bug { .. } | StoreError::Illegal(_)),
            Self::Workspace(_) => true,
            Self::Refused(_) | Self::Unknown(_) | Self::WrongToken(_) => false,
        }
    }
}

/// What became of a report.
#[derive(Clone, PartialEq, Debug)]
pub enum Delivered {
    /// It is durable; this is the answer.
    Recorded(Value),
    /// The store cannot be written from here; it lies in the inbox.
    Left,
}

/// The attempt that these credentials prove.
///
/// # Errors
/// When there is no such attempt, or the token is not its own.
pub fn identify(
    store: &dyn Store,
    state: &Path,
    given: &Credentials,
) -> Result<StoredAttempt, ReportError> {
    let known = store.attempt(given.attempt)?;
    let known = known.ok_or(ReportError::Unknown(given.attempt))?;
    if fits_token(&directory(state, given.attempt), &given.token) {
        Ok(known)
    } else {
        Err(ReportError::WrongToken(given.attempt))
    }
}

/// Records a report; a repetition with the same command id answers what it answered first.
///
/// # Errors
/// When the report is refused or the store fails; nothing was changed then.
pub fn report(
    store: &mut dyn Store,
    state: &Path,
    letter: &Letter,
    command: Option<&CommandId>,
) -> Result<Value, ReportError> {
    let given = Credentials {
        attempt: letter.attempt,
        token: letter.token.clone(),
    };
    let known = identify(store, state, &given)?;
    let not_its_step = |step: &StepId| ReportRefused::NotItsStep {
        step: step.clone(),
        attempt: given.attempt,
    };
    let step = match &letter.step {
        Some(step) if !known.attempt.steps.contains(step) => Err(not_its_step(step))?,
        Some(step) => step.clone(),
        None => known
            .attempt
            .steps
            .first()
            .cloned()
            .unwrap_or_else(|| "".into()),
    };
    let answer = json!({
        "success": true,
        "taskId": step,
        "status": "claimed",
        "claim": letter.report.word(),
    });
    let decided = store.decide(&known.plan, command, &step, &mut |standing| {
        // The step's own attempt is the one that reports, or the claim is refused.
        let current = standing.attempt.as_ref();
        let attempt = current.filter(|attempt| attempt.id == given.attempt);
        let attempt = attempt.unwrap_or(&known.attempt);
        let claim = report::claim(&standing.step, attempt, &letter.report);
        Ok(Change {
            operations: vec![claim.map_err(|refused| -> Refusal { Box::new(refused) })?],
            result: answer.clone(),
            ..Change::default()
        })
    })?;
    match decided {
        Decided::Applied { result, .. } | Decided::Duplicate { result } => Ok(result),
        Decided::UnknownStep => Err(not_its_step(&step).into()),
        Decided::Refused(refusal) => Err(match refusal.downcast::<ReportRefused>() {
            Ok(refused) => ReportError::Refused(*refused),
            Err(other) => ReportError::Store(StoreError::Bug {
                message: other.to_string(),
            }),
        }),
    }
}

/// Takes in a report of an agent that works in this work tree: into the store, or where a
/// sandbox forbids that, into the inbox, from which the run takes it.
///
/// # Errors
/// When the report is refused, or neither can be written.
pub fn deliver(workspace: &Workspace, letter: &Letter) -> Result<Delivered, ReportError> {
    // What is refused anyway is refused here, where the agent still hears it.
    letter.report.claim()?;
    if !workspace.state.exists() {
        return Err(ReportError::Unknown(letter.attempt));
    }
    let taken = workspace
        .open_store()
        .map_err(ReportError::from)
        .and_then(|mut store| report(&mut store, &workspace.state, letter, None));
    match taken {
        Ok(answer) => Ok(Delivered::Recorded(answer)),
        // It may have been stored: left in the inbox as well, it could be stored twice.
        Err(ReportError::Store(StoreError::Unsure { path, message })) => {
            Err(StoreError::Unsure { path, message }.into())
        }
        Err(error) if error.is_transient() && inbox::leave(&workspace.top, letter).is_ok() => {
            Ok(Delivered::Left)
        }
        Err(error) => Err(error),
    }
}
