//! The stage that needs no agent: the project's checks, run now, and what they said.

use std::path::Path;

use airboss_core::board::{Checked, TaskChange};
use airboss_core::id::AttemptId;
use airboss_core::stage::{self, Closing, End, Stage};
use airboss_core::text::tail;
use airboss_core::time::Timestamp;
use airboss_core::verdict::GateResult;

use super::{Request, StageError};
use crate::board::{Decision, Desk, Done};
use crate::clock;
use crate::run::attempt_files::directory;
use crate::run::gates::{Gate, GateRun};
use crate::run::tree::Tree;

/// How much of a failing check's output the task keeps: what the next agent reads.
const FAILURE_BYTES: usize = 2 * 1024;

/// What came of the checks.
#[derive(Debug)]
pub struct Tested {
    /// Each of them, in the order they ran; none is run behind a red one.
    pub results: Vec<GateResult>,
    /// What became of the change.
    pub done: Done,
}

impl Tested {
    /// Whether there are checks and all are green.
    #[must_use]
    pub fn is_green(&self) -> bool {
        !self.results.is_empty() && self.results.iter().all(GateResult::is_green)
    }
}

/// Runs the checks on the tree as it is, and stores what they said with the task.
///
/// `besides` are changes of the task that belong to it.
///
/// # Errors
/// When a check cannot be run at all, or the store fails.
pub fn test(
    desk: &mut Desk,
    request: &Request,
    gates: &[Gate],
    (airboss, environment): (&Path, &[(String, String)]),
    besides: &dyn Fn(&[GateResult], Timestamp) -> Vec<TaskChange>,
) -> Result<Tested, StageError> {
    let workspace = &desk.workspace;
    let attempt = AttemptId::from_uuid(clock::fresh_uuid());
    let directory = directory(&workspace.state, attempt);
    fs_err::create_dir_all(&directory)?;
    let tree = Tree::take(workspace.repository.as_ref(), &workspace.top, &[], None);
    let tree = tree.map_err(std::io::Error::other)?.fingerprint();
    let run = GateRun {
        airboss,
        directory: &directory,
        attempt,
        fence: 1,
        top: &workspace.top,
        environment,
        tree: &tree,
    };
    let results = run.run_all(gates.iter()).map_err(std::io::Error::other)?;
    let red = results.iter().find(|result| !result.is_green());
    let failure = red.map(|result| tail(&result.output_tail, FAILURE_BYTES).to_owned());
    let is_green = red.is_none() && !results.is_empty();
    let checks: Vec<String> = results.iter().map(GateResult::summary).collect();
    let number = request.number;
    let verdict = if is_green { "green" } else { "red" };
    let done = desk.change(None, &request.wanted(), &mut |given| {
        let checked = Checked {
            at: given.now,
            checks: checks.clone(),
            failure: failure.clone(),
        };
        let mut changes = vec![TaskChange::Checked(Some(checked))];
        changes.extend(besides(&results, given.now));
        let closing = Closing {
            stage: Stage::Test,
            end: End::Done,
            artifacts: &[],
            phases: &[],
            besides: &changes,
        };
        let operations = stage::finish(&request.standing(given), number, &closing)?;
        Ok(Decision {
            operations,
            subject: format!("task {number}: tests {verdict}"),
            ..Decision::default()
        })
    })?;
    Ok(Tested { results, done })
}
