//! The postflight: what was verified is linked and committed, and the task gets its status.

use airboss_core::board::{Artifact, Field, TaskChange, TimeKey};
use airboss_core::id::TaskId;
use airboss_core::operation::StepStatus;
use airboss_core::path::RepoPath;
use airboss_core::stage::{self, Closing, End, Stage};
use airboss_core::time::Timestamp;
use airboss_core::verdict::ChangedFile;
use airboss_core::view::View;

use super::{Prepared, Request, StageError};
use crate::board::{Decision, Desk, Done};
use crate::git::Delta;
use crate::run::evidence::entry;
use crate::run::wishes::verified_changes;
use crate::store::Store;

/// How a stage was left.
#[derive(Debug)]
pub struct Left {
    /// How much of it was done.
    pub end: End,
    /// The artifacts that were verified.
    pub artifacts: Vec<RepoPath>,
    /// Units that were not.
    pub missing: Vec<(String, String)>,
    /// What became of the change.
    pub done: Done,
}

/// Files as a commit takes them. What did not come from git stays out.
pub(super) fn deltas(changes: &[ChangedFile]) -> Vec<Delta> {
    let changes = changes.iter().map(|change| Delta {
        path: change.path.clone(),
        before: change.before.as_ref().and_then(entry),
        after: change.after.as_ref().and_then(entry),
    });
    changes.collect()
}

/// Ends the stage by what the flight has come to. `besides` are changes of the task that belong
/// to this end and are stored with it.
///
/// # Errors
/// When the store fails; the stage is as it was then, and can be left again.
pub fn leave(
    desk: &mut Desk,
    request: &Request,
    prepared: &Prepared,
    besides: &dyn Fn(End, Timestamp) -> Vec<TaskChange>,
) -> Result<Left, StageError> {
    let view = desk.store.view(&prepared.key)?.unwrap_or_default();
    let end = end(&view);
    let mut artifacts = Vec::new();
    let mut files = Vec::new();
    let mut missing = Vec::new();
    for (id, due) in prepared.due() {
        let Some(step) = view.step(id) else { continue };
        if step.state.status != StepStatus::Completed {
            let why = step.state.judgement.as_ref();
            let why = why.map_or_else(|| "not tried".to_owned(), |why| why.reason.clone());
            missing.push((due.path.to_string(), why));
            continue;
        }
        let changes = verified_changes(&desk.store, &prepared.key, id)?;
        // An agent that was to write a report changed nothing else that counts.
        let counts = |path: &RepoPath| *path == due.path || changes_files(request.stage);
        let own = changes.into_iter().filter(|change| counts(&change.path));
        files.extend(deltas(&own.collect::<Vec<_>>()));
        artifacts.push(due.path.clone());
    }
    let board = desk.view()?;
    let links: Vec<Artifact> = artifacts
        .iter()
        .map(|path| Artifact {
            path: desk.places.spell(&board, &prepared.task, path),
            kind: request.stage.kind().to_owned(),
            summary: None,
        })
        .collect();
    let phases = prepared.phases();
    let subject = subject(request, prepared, end);
    let carried = carried(prepared.task.id);
    let done = desk.change(None, &request.wanted(), &mut |given| {
        let standing = request.standing(given);
        let number = request.number;
        let besides = besides(end, given.now);
        let closing = Closing {
            stage: request.stage,
            end,
            artifacts: &links,
            phases: &phases,
            besides: &besides,
        };
        let operations = stage::finish(&standing, number, &closing)?;
        Ok(Decision {
            operations,
            subject: subject.clone(),
            files: files.clone(),
            carried: carried.clone(),
            ..Decision::default()
        })
    })?;
    Ok(Left {
        end,
        artifacts,
        missing,
        done,
    })
}

/// Whether a stage is there to change files besides its artifact.
fn changes_files(stage: Stage) -> bool {
    matches!(stage, Stage::Debug | Stage::Document)
}

/// How much of a flight is done.
fn end(view: &View) -> End {
    let counts = view.counts();
    if counts.is_complete() {
        End::Done
    } else if counts.completed > 0 {
        End::Partial
    } else {
        End::Nothing
    }
}

/// What the preflight set, which had no commit of its own.
fn carried(task: TaskId) -> Vec<(TaskId, Field)> {
    [
        Field::Status,
        Field::StatusBefore,
        Field::Time(TimeKey::Started),
        Field::Time(TimeKey::LastUpdated),
    ]
    .map(|field| (task, field))
    .into()
}

/// The first line of the commit, in the words of the format.
fn subject(request: &Request, prepared: &Prepared, end: End) -> String {
    let number = request.number;
    match (request.stage, end) {
        (_, End::Nothing) => String::new(),
        (Stage::Research, End::Partial) => format!("task {number}: partial research"),
        (Stage::Research, End::Done) => format!("task {number}: complete research"),
        (Stage::Revise, _) => format!("task {number}: revise plan ({})", version(prepared)),
        (Stage::Implement, End::Done) => format!("task {number}: complete implementation"),
        (Stage::Implement, End::Partial) => {
            format!("task {number}: partial implementation")
        }
        (Stage::Plan, _) => format!("task {number}: create implementation plan"),
        (Stage::Test, _) => format!("task {number}: record test result"),
        (Stage::Debug, _) => format!("task {number}: complete debugging"),
        (Stage::Document, _) => format!("task {number}: update documentation"),
    }
}

/// `v2` of `implementation-002.md`.
fn version(prepared: &Prepared) -> String {
    let path = prepared.due().next().map(|(_, due)| due.path.to_string());
    let name = path.unwrap_or_default();
    let digits: String = name
        .chars()
        .rev()
        .skip_while(|c| !c.is_ascii_digit())
        .take_while(char::is_ascii_digit)
        .collect();
    let number: String = digits.chars().rev().collect();
    format!("v{}", number.trim_start_matches('0'))
}
