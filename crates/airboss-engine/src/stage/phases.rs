//! What the flight of a plan has come to, phase by phase, as the board and git have it.
//!
//! It is called after everything that the run stores, and again when a stage is resumed: what is
//! already as it should be is left alone, so a crash between the two stores is mended by the next
//! call.

use airboss_core::board::{Task, command};
use airboss_core::id::StepId;
use airboss_core::operation::{PlanKey, StepStatus};
use airboss_core::plan::PhaseStatus;
use airboss_core::step::Step;

use super::Request;
use crate::board::{BoardError, Decision, Desk, Done};
use crate::git::first_line;
use crate::run::commits::deltas;
use crate::run::wishes::{VerifiedWork, verified_work};
use crate::store::{CommandId, Store};

/// Keeps the phases of a task in step with the flight of its plan.
pub struct PhaseKeeper {
    desk: Desk,
    request: Request,
    key: PlanKey,
    phases: Vec<(String, PhaseStatus)>,
}

impl PhaseKeeper {
    /// A keeper with a desk of its own. `phases` are those of the plan, as its file has them.
    #[must_use]
    pub fn new(
        desk: Desk,
        request: Request,
        key: PlanKey,
        phases: Vec<(String, PhaseStatus)>,
    ) -> Self {
        Self {
            desk,
            request,
            key,
            phases,
        }
    }

    /// Brings the markers in line, and commits what was verified; says what could not be done.
    pub fn keep(&mut self, store: &dyn Store) -> Vec<String> {
        match self.try_keep(store) {
            Ok(unfinished) => unfinished,
            // The next call, or the stage's end, tries again.
            Err(error) => vec![error.after_storing()],
        }
    }

    fn try_keep(&mut self, store: &dyn Store) -> Result<Vec<String>, BoardError> {
        let Some(view) = store.view(&self.key)? else {
            return Ok(Vec::new());
        };
        let board = self.desk.board().clone();
        let Some(task) = self.desk.store.task(&board, self.request.number)? else {
            return Ok(Vec::new());
        };
        let mut unfinished = Vec::new();
        for step in view.steps.iter().filter(|step| !step.state.vanished) {
            let marks = marks(&task, &self.phases, step);
            if !marks.is_empty() {
                let done = self.mark(store, &task, step, &marks)?;
                let pending = done.settled.pending.iter();
                unfinished.extend(pending.map(|row| format!("{}: {}", row.path, row.reason)));
                unfinished.extend(done.unfinished);
            }
        }
        Ok(unfinished)
    }

    fn mark(
        &mut self,
        store: &dyn Store,
        task: &Task,
        step: &Step,
        marks: &[(String, PhaseStatus)],
    ) -> Result<Done, BoardError> {
        let phase = &step.record.phase;
        let is_done = step.state.status == StepStatus::Completed;
        let work = match is_done {
            true => verified_work(store, &self.key, &step.record.id)?,
            false => VerifiedWork::default(),
        };
        let (files, sessions) = (deltas(&work.evidence.changes), Vec::from_iter(work.session));
        let subject = match is_done {
            true => {
                let number = task.number;
                first_line(&format!(
                    "task {number} phase {phase}: {}",
                    step.record.description
                ))
            }
            false => String::new(),
        };
        let command = command_id(&self.key, &step.record.id, step);
        let (request, phases) = (&self.request, &self.phases);
        self.desk
            .change(Some(&command), &request.wanted(), &mut |given| {
                let standing = request.standing(given);
                let operations = command::mark_phases(&standing, request.number, phases, marks)?;
                Ok(Decision {
                    operations,
                    subject: subject.clone(),
                    files: files.clone(),
                    sessions: sessions.clone(),
                    ..Decision::default()
                })
            })
    }
}

/// Each state of a step is told to the board once, whoever tells it.
fn command_id(key: &PlanKey, id: &StepId, step: &Step) -> CommandId {
    let status = step.state.status;
    CommandId::new(format!("{key}#{id}@{}={status:?}", step.state.version))
}

/// What becomes of the phase's marker; nothing when it is as it should be.
fn marks(task: &Task, phases: &[(String, PhaseStatus)], step: &Step) -> Vec<(String, PhaseStatus)> {
    let key = &step.record.phase;
    let Some((_, in_file)) = phases.iter().find(|(known, _)| known == key) else {
        return Vec::new();
    };
    let now = task.phase(key, *in_file);
    let wanted = match step.state.status {
        StepStatus::InProgress => PhaseStatus::InProgress,
        StepStatus::Completed => PhaseStatus::Completed,
        // What an attempt left is there, and is not all of it.
        StepStatus::Failed => PhaseStatus::Partial,
        StepStatus::Pending | StepStatus::Skipped => return Vec::new(),
    };
    if now == wanted || now.is_terminal() {
        return Vec::new();
    }
    let way = [PhaseStatus::InProgress, wanted];
    let begin = usize::from(now == PhaseStatus::InProgress || wanted == PhaseStatus::InProgress);
    way[begin..].iter().map(|to| (key.clone(), *to)).collect()
}
