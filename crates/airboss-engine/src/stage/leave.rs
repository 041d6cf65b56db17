//! The postflight: what was verified is linked and committed, and the task gets its status.

use airboss_core::artifact::salvage::SALVAGED;
use airboss_core::board::{Artifact, Board, BoardOperation, Field, TaskChange, artifact_name};
use airboss_core::id::TaskId;
use airboss_core::operation::{Operation, StepStatus};
use airboss_core::path::RepoPath;
use airboss_core::stage::summary::{PhaseLine, Summary};
use airboss_core::stage::{self, Closing, End, Stage};
use airboss_core::time::Timestamp;
use airboss_core::view::{Counts, View};

use super::paths::Paths;
use super::{Prepared, Request, StageError};
use crate::board::{BoardError, Decision, Desk, Done};
use crate::clock;
use crate::git::{Delta, Entry, FileMode};
use crate::own_file;
use crate::run::commits::deltas;
use crate::run::wishes::{verified_changes, verified_work};
use crate::store::{OperationQuery, Store};

/// Operations of a task that are looked through for the one that began its stage: one for each phase
/// that was marked since, and what a person did beside it.
const RECENT: usize = 500;

/// How a stage was left.
#[derive(Debug)]
pub struct Left {
    /// How much of it was done.
    pub end: End,
    /// What failed for good.
    pub failed: Vec<FailedUnit>,
    /// The artifacts that were verified.
    pub artifacts: Vec<RepoPath>,
    /// Those of them that Airboss wrote from an agent's answer.
    pub salvaged: Vec<RepoPath>,
    /// Units that were not.
    pub missing: Vec<(String, String)>,
    /// What became of the change.
    pub done: Done,
}

/// What the units of a stage came to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ended {
    /// How much of it is done.
    pub end: End,
    /// What failed for good, in the order of the plan.
    pub failed: Vec<FailedUnit>,
    /// Where its units stand.
    pub counts: Counts,
    /// The artifacts that were verified.
    pub made: Vec<RepoPath>,
    /// Those of them that Airboss wrote itself, from what their agents said.
    pub salvaged: Vec<RepoPath>,
    /// Artifacts that were not, and why.
    pub missing: Vec<(String, String)>,
}

/// A phase of a plan, or a unit of another stage, that failed for good.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FailedUnit {
    /// The key of its phase.
    pub phase: String,
    /// Its text.
    pub description: String,
    /// How often it was tried.
    pub tries: u32,
    /// What was wrong last.
    pub reason: String,
}

impl Ended {
    fn of(view: &View) -> Self {
        let failed = view
            .steps
            .iter()
            .filter(|step| !step.state.vanished && step.state.status == StepStatus::Failed);
        let failed = failed.map(|step| FailedUnit {
            phase: step.record.phase.clone(),
            description: step.record.description.clone(),
            tries: step.state.retry_count + 1,
            reason: step
                .state
                .judgement
                .as_ref()
                .map_or_else(String::new, |judgement| judgement.reason.clone()),
        });
        Self {
            end: end(view),
            failed: failed.collect(),
            counts: view.counts(),
            made: Vec::new(),
            salvaged: Vec::new(),
            missing: Vec::new(),
        }
    }
}

/// What belongs to the end of a stage.
pub type Besides<'a> = dyn Fn(&Ended, Timestamp) -> Vec<TaskChange> + 'a;

/// Ends the stage by what the flight has come to. `besides` are changes of the task that belong
/// to this end and are stored with it.
///
/// # Errors
/// When the store fails; the stage is as it was then, and can be left again.
pub fn leave(
    desk: &mut Desk,
    request: &Request,
    prepared: &Prepared,
    besides: &Besides<'_>,
) -> Result<Left, StageError> {
    let view = desk.store.view(&prepared.key)?.unwrap_or_default();
    let mut ended = Ended::of(&view);
    let end = ended.end;
    let Work {
        mut files,
        sessions,
    } = verified(desk, request, prepared, &view, &mut ended)?;
    let board = desk.view()?;
    if request.stage == Stage::Implement && end != End::Nothing {
        let (path, delta) = summarised(desk, &board, prepared, &view)?;
        ended.made.push(path);
        files.extend(delta);
    }
    let link = |path: &RepoPath| Artifact {
        path: desk.places.spell(&board, &prepared.task, path),
        kind: request.stage.kind().to_owned(),
        summary: ended.salvaged.contains(path).then(|| SALVAGED.to_owned()),
    };
    let links: Vec<Artifact> = ended.made.iter().map(link).collect();
    let phases = prepared.phases();
    let subject = subject(request, prepared, end);
    let body = body(&ended.salvaged);
    let carried = carried(desk, request, prepared.task.id)?;
    let done = desk.change(None, &request.wanted(), &mut |given| {
        let standing = request.standing(given);
        let number = request.number;
        let besides = besides(&ended, given.now);
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
            body: body.clone(),
            files: files.clone(),
            sessions: sessions.clone(),
            carried: carried.clone(),
            ..Decision::default()
        })
    })?;
    Ok(Left {
        end,
        failed: ended.failed,
        artifacts: ended.made,
        salvaged: ended.salvaged,
        missing: ended.missing,
        done,
    })
}

/// What goes into the commit of a stage.
struct Work {
    files: Vec<Delta>,
    /// The agents' own conversations.
    sessions: Vec<String>,
}

/// What was verified of the artifacts that were due, and what was not.
fn verified(
    desk: &Desk,
    request: &Request,
    prepared: &Prepared,
    view: &View,
    ended: &mut Ended,
) -> Result<Work, StageError> {
    let (mut files, mut sessions) = (Vec::new(), Vec::new());
    for (id, due) in prepared.due() {
        let Some(step) = view.step(id) else { continue };
        if step.state.status != StepStatus::Completed {
            let why = step.state.judgement.as_ref();
            let why = why.map_or_else(|| "not tried".to_owned(), |why| why.reason.clone());
            ended.missing.push((due.path.to_string(), why));
            continue;
        }
        let work = verified_work(&desk.store, &prepared.key, id)?;
        sessions.extend(work.session);
        let own = work.evidence.salvaged().filter(|it| **it == due.path);
        ended.salvaged.extend(own.cloned());
        // An agent that was to write a report changed nothing else that counts.
        let counts = |path: &RepoPath| *path == due.path || changes_files(request.stage);
        let own = work.evidence.changes.into_iter();
        let own = own.filter(|change| counts(&change.path));
        files.extend(deltas(&own.collect::<Vec<_>>()));
        ended.made.push(due.path.clone());
    }
    Ok(Work { files, sessions })
}

/// What the commit says besides its subject.
fn body(salvaged: &[RepoPath]) -> String {
    let lines: Vec<String> = salvaged.iter().map(salvaged_words).collect();
    lines.join("\n")
}

/// `reports/research-001.md (salvaged from the agent's answer)`.
fn salvaged_words(path: &RepoPath) -> String {
    format!("{path} ({SALVAGED})")
}

impl Left {
    /// The artifacts that were verified, in words that say which of them were salvaged.
    #[must_use]
    pub fn made(&self) -> Vec<String> {
        let words = |path| match self.salvaged.contains(path) {
            true => salvaged_words(path),
            false => path.to_string(),
        };
        self.artifacts.iter().map(words).collect()
    }
}

/// Writes what the implementation came to, from what was verified.
fn summarised(
    desk: &Desk,
    board: &Board,
    prepared: &Prepared,
    view: &View,
) -> Result<(RepoPath, Option<Delta>), StageError> {
    let mut phases = Vec::new();
    let mut files: Vec<RepoPath> = Vec::new();
    for step in view.steps.iter().filter(|step| !step.state.vanished) {
        let changes = verified_changes(&desk.store, &prepared.key, &step.record.id)?;
        for change in changes {
            if !files.contains(&change.path) {
                files.push(change.path);
            }
        }
        let reason = step
            .state
            .judgement
            .as_ref()
            .map(|judgement| &judgement.reason);
        let reason = reason.map_or_else(|| "not tried".to_owned(), ToString::to_string);
        phases.push(PhaseLine {
            key: step.record.phase.clone(),
            title: step.record.description.clone(),
            open: (!step.state.status.is_settled()).then(|| reason.clone()),
            proof: match step.state.judgement {
                Some(_) => reason,
                None => "as its marker says".to_owned(),
            },
        });
    }
    let day = clock::now().day_text();
    let plan = desk
        .places
        .plan(&prepared.task)
        .map(|path| path.to_string());
    let summary = Summary {
        number: prepared.task.number,
        title: &prepared.task.title,
        plan: plan.as_deref().unwrap_or_default(),
        day: &day,
        phases: &phases,
        files: &files,
    };
    let path = Paths::of(&desk.places, board, &prepared.task)?.summary(&day.replace('-', ""))?;
    let text = match fs_err::read_to_string(desk.workspace.top.join(&path)) {
        Ok(known) if known.contains(&summary.section()) => known,
        Ok(known) => format!("{}\n\n{}", known.trim_end(), summary.section()),
        Err(_) => summary.render(),
    };
    let delta = written(desk, &path, text.as_bytes())?;
    Ok((path, delta))
}

/// Writes a file that is Airboss's own work, whole or not at all, and as its commit takes it.
fn written(desk: &Desk, path: &RepoPath, bytes: &[u8]) -> Result<Option<Delta>, StageError> {
    let full = desk.workspace.top.join(path);
    own_file::replace(&desk.workspace.state, &full, bytes)?;
    let Some(repository) = &desk.workspace.repository else {
        return Ok(None);
    };
    let git = |error| StageError::Board(BoardError::Git(error));
    let before = repository
        .head_file(path)
        .map_err(git)?
        .map(|(entry, _)| entry);
    let after = Entry {
        mode: FileMode::Regular,
        blob: repository.write_blob(bytes).map_err(git)?,
    };
    Ok(Some(Delta {
        path: path.clone(),
        before,
        after: Some(after),
    }))
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

/// What the preflight set, which had no commit of its own: no more, for a line that is not in the
/// files must not come into them with the commit.
fn carried(
    desk: &Desk,
    request: &Request,
    task: TaskId,
) -> Result<Vec<(TaskId, Field)>, StageError> {
    let Some(in_flight) = request.stage.in_flight() else {
        return Ok(Vec::new());
    };
    let newest = desk.store.operations(&OperationQuery {
        plan: Some(desk.board().log()),
        task: Some(task),
        newest_first: true,
        limit: RECENT,
        ..OperationQuery::default()
    })?;
    let entered = newest.iter().find_map(|stored| match &stored.operation {
        Operation::Board {
            operation: BoardOperation::TaskChanged { changes, .. },
        } => changes
            .contains(&TaskChange::Status(in_flight.into()))
            .then_some(changes),
        _ => None,
    });
    let fields = entered.into_iter().flatten().map(TaskChange::field);
    Ok(fields.map(|field| (task, field)).collect())
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
    let name = prepared.due().next().map(|(_, due)| due.path.file_name());
    format!("v{}", artifact_name::number_in(name.unwrap_or_default()))
}
