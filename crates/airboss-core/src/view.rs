//! The current state of one plan: the fold of its operations.
//!
//! The view never changes but through [`View::apply`]. It knows nothing of where
//! operations are kept.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use crate::attempt::{Attempt, AttemptEvent, AttemptStatus, IllegalEvent};
use crate::id::{AttemptId, RunId, StepId};
use crate::operation::{
    Asked, Operation, RunEnding, RunStop, StepRecord, StepStatus, StoredOperation,
};
use crate::process::ProcessIdentity;
use crate::step::{Step, StepState};
use crate::time::Timestamp;

/// A run as the view holds it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Run {
    /// Its id.
    pub id: RunId,
    /// When it began.
    pub started_at: Timestamp,
    /// Its process, while it is a real one.
    pub runner: Option<ProcessIdentity>,
    /// What it was asked to do.
    pub words: String,
    /// When and how it ended.
    pub ended: Option<(Timestamp, RunEnding)>,
    /// Steps completed in it.
    pub completed: u32,
    /// Steps failed in it.
    pub failed: u32,
    /// Who paused its dispatch, and when, for as long as it is paused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<Asked>,
    /// How a person wants it to end, and who asked for that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop: Option<(RunStop, Asked)>,
}

/// Steps counted by status; always counted, never incremented.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Counts {
    /// All of them.
    pub total: usize,
    /// Completed.
    pub completed: usize,
    /// Pending.
    pub pending: usize,
    /// In progress.
    pub in_progress: usize,
    /// Failed.
    pub failed: usize,
    /// Skipped.
    pub skipped: usize,
}

impl Counts {
    /// Counts one more step of this status.
    pub fn add(&mut self, status: StepStatus, count: usize) {
        self.total += count;
        match status {
            StepStatus::Pending => self.pending += count,
            StepStatus::InProgress => self.in_progress += count,
            StepStatus::Completed => self.completed += count,
            StepStatus::Failed => self.failed += count,
            StepStatus::Skipped => self.skipped += count,
        }
    }

    /// Every status and how many steps have it.
    #[must_use]
    pub fn by_status(&self) -> [(StepStatus, usize); 5] {
        [
            (StepStatus::Pending, self.pending),
            (StepStatus::InProgress, self.in_progress),
            (StepStatus::Completed, self.completed),
            (StepStatus::Failed, self.failed),
            (StepStatus::Skipped, self.skipped),
        ]
    }

    /// `floor(100 · completed / total)`, 0 of nothing: 100 only when all are completed.
    #[must_use]
    pub fn percentage(&self) -> usize {
        (100 * self.completed).checked_div(self.total).unwrap_or(0)
    }

    /// At least one step, and every one completed or skipped (invariant 4 of `ARCHITECTURE.md`).
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.total > 0 && self.completed + self.skipped == self.total
    }
}

/// The state of one plan.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct View {
    /// The plan's name, once it is registered.
    pub name: String,
    /// The normalised hash of the plan file that was read last.
    pub hash: String,
    /// Its steps in plan order; vanished ones at the end.
    pub steps: Vec<Step>,
    index: HashMap<StepId, usize>,
    /// Attempts that are not judged, and judged ones as far as they were loaded.
    pub attempts: HashMap<AttemptId, Attempt>,
    /// Runs, oldest first.
    pub runs: Vec<Run>,
    /// The sequence number of the newest operation in it.
    pub sequence: u64,
}

impl View {
    /// Puts a view together from stored parts.
    #[must_use]
    pub fn from_parts(
        name: String,
        hash: String,
        steps: Vec<Step>,
        attempts: Vec<Attempt>,
        runs: Vec<Run>,
        sequence: u64,
    ) -> Self {
        let index = index_of(&steps);
        let attempts = attempts
            .into_iter()
            .map(|attempt| (attempt.id, attempt))
            .collect();
        Self {
            name,
            hash,
            steps,
            index,
            attempts,
            runs,
            sequence,
        }
    }

    /// The step with this id.
    #[must_use]
    pub fn step(&self, id: &StepId) -> Option<&Step> {
        self.index.get(id).map(|position| &self.steps[*position])
    }

    /// The place of a step in [`View::steps`].
    #[must_use]
    pub fn position(&self, id: &StepId) -> Option<usize> {
        self.index.get(id).copied()
    }

    /// The run with this id.
    #[must_use]
    pub fn run(&self, id: RunId) -> Option<&Run> {
        // The one that is asked for is nearly always the newest.
        self.runs.iter().rev().find(|run| run.id == id)
    }

    /// The attempts that are not judged yet, oldest first.
    #[must_use]
    pub fn open_attempts(&self) -> Vec<&Attempt> {
        let mut open: Vec<&Attempt> = self
            .attempts
            .values()
            .filter(|attempt| attempt.status != AttemptStatus::Judged)
            .collect();
        open.sort_by_key(|attempt| attempt.id);
        open
    }

    /// Counts the steps that the plan has now.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for step in self.steps.iter().filter(|step| !step.state.vanished) {
            counts.add(step.state.status, 1);
        }
        counts
    }

    /// Applies one stored operation.
    ///
    /// # Errors
    /// When the operation is illegal for the state of its attempt; the view is unchanged then.
    pub fn apply(&mut self, stored: &StoredOperation) -> Result<(), IllegalEvent> {
        let operation = &stored.operation;
        if let Some(id) = operation.attempt() {
            let attempt = apply_attempt(self.attempts.get(&id).cloned(), stored.at, operation)?;
            if let Some(attempt) = attempt {
                self.attempts.insert(id, attempt);
            }
        }
        if let Operation::PlanRegistered {
            name,
            hash,
            steps,
            renamed,
        } = operation
        {
            self.name.clone_from(name);
            self.hash.clone_from(hash);
            self.steps = register(std::mem::take(&mut self.steps), steps, renamed);
            self.index = index_of(&self.steps);
        }
        for id in operation.steps() {
            let attempt = match operation {
                Operation::StepJudged { attempt, .. } => self.attempts.get(attempt),
                _ => None,
            };
            if let Some(position) = self.index.get(id) {
                self.steps[*position]
                    .state
                    .apply(stored.at, operation, attempt);
            }
        }
        apply_run(&mut self.runs, stored.at, operation);
        self.sequence = stored.sequence;
        Ok(())
    }
}

fn index_of(steps: &[Step]) -> HashMap<StepId, usize> {
    steps
        .iter()
        .enumerate()
        .map(|(position, step)| (step.record.id.clone(), position))
        .collect()
}

/// The attempt after an operation that names it; used by every store.
///
/// # Errors
/// When the operation is illegal in the attempt's status.
pub fn apply_attempt(
    attempt: Option<Attempt>,
    at: Timestamp,
    operation: &Operation,
) -> Result<Option<Attempt>, IllegalEvent> {
    if let Operation::AttemptDispatched {
        attempt: id,
        run,
        steps,
        agent,
        fence,
        number,
        ..
    } = operation
    {
        return Ok(Some(Attempt {
            id: *id,
            run: *run,
            steps: steps.clone(),
            agent: agent.clone(),
            fence: *fence,
            number: *number,
            status: AttemptStatus::Dispatched,
            dispatched_at: at,
            supervisor: None,
            end: None,
            report: None,
            ended_at: None,
            killed: None,
        }));
    }
    // An operation on an attempt that was not loaded concerns nobody here.
    let Some(mut attempt) = attempt else {
        return Ok(None);
    };
    let event = match operation {
        Operation::AttemptKillRequested { by, .. } => {
            // One that has ended by itself is judged by what it did.
            if attempt.status.is_live() {
                attempt.killed.get_or_insert_with(|| asked(at, by.as_ref()));
            }
            return Ok(Some(attempt));
        }
        Operation::AttemptSpawned { .. } => AttemptEvent::Spawned,
        Operation::AttemptStopRequested { .. } => AttemptEvent::StopRequested,
        Operation::AttemptEnded { end, .. } => match end {
            crate::attempt::AttemptEnd::Seen { .. } => AttemptEvent::ProcessEnded,
            crate::attempt::AttemptEnd::NotStarted { .. }
            | crate::attempt::AttemptEnd::NeverStarted => AttemptEvent::SpawnFailed,
            crate::attempt::AttemptEnd::Lost { .. } => AttemptEvent::Lost,
        },
        Operation::AttemptJudged { .. } => AttemptEvent::Judged,
        _ => return Ok(Some(attempt)),
    };
    attempt.status = attempt.status.next(event)?;
    match operation {
        Operation::AttemptSpawned { supervisor, .. } => {
            attempt.supervisor = Some(supervisor.clone());
        }
        Operation::AttemptEnded { end, report, .. } => {
            attempt.end = Some(end.clone());
            attempt.report = Some(report.clone());
            attempt.ended_at = Some(at);
        }
        _ => {}
    }
    Ok(Some(attempt))
}

/// Brings the runs up to date with one operation; used by every store.
pub fn apply_run(runs: &mut Vec<Run>, at: Timestamp, operation: &Operation) {
    match operation {
        // A run begins once; saying so again changes nothing.
        Operation::RunStarted { run, runner, words }
            if runs.iter().all(|known| known.id != *run) =>
        {
            runs.push(Run {
                id: *run,
                started_at: at,
                runner: runner.clone(),
                words: words.clone(),
                ended: None,
                completed: 0,
                failed: 0,
                paused: None,
                stop: None,
            });
        }
        Operation::RunEnded {
            run,
            ending,
            completed,
            failed,
        } => {
            if let Some(run) = runs.iter_mut().find(|known| known.id == *run) {
                run.ended = Some((at, *ending));
                run.completed = *completed;
                run.failed = *failed;
                run.paused = None;
            }
        }
        Operation::RunPaused { run, by } => {
            if let Some(run) = going_on(runs, *run) {
                run.paused.get_or_insert_with(|| asked(at, by.as_ref()));
            }
        }
        Operation::RunResumed { run, .. } => {
            if let Some(run) = going_on(runs, *run) {
                run.paused = None;
            }
        }
        Operation::RunStopRequested { run, by, how } => {
            if let Some(run) = going_on(runs, *run)
                && run.stop.as_ref().is_none_or(|(known, _)| known < how)
            {
                run.stop = Some((*how, asked(at, by.as_ref())));
            }
        }
        _ => {}
    }
}

/// The run of this id; a wish about one that is over comes too late and changes nothing.
fn going_on(runs: &mut [Run], id: RunId) -> Option<&mut Run> {
    runs.iter_mut()
        .find(|run| run.id == id && run.ended.is_none())
}

fn asked(at: Timestamp, by: Option<&String>) -> Asked {
    Asked {
        by: by.cloned(),
        at,
    }
}

/// The steps after a plan was read: states follow their ids, and renamed steps their new id.
///
/// A step that the plan no longer has stays at the end, marked as vanished: what happened to
/// it is never forgotten. Of records with the same id only the first counts.
#[must_use]
pub fn register(
    known: Vec<Step>,
    records: &[StepRecord],
    renamed: &[(StepId, StepId)],
) -> Vec<Step> {
    let mut states: HashMap<StepId, Step> = known
        .iter()
        .map(|step| (step.record.id.clone(), step.clone()))
        .collect();
    let mut listed = HashSet::new();
    let records: Vec<&StepRecord> = records
        .iter()
        .filter(|record| listed.insert(&record.id))
        .collect();
    // All are taken before any is put back, so that two steps may swap their ids.
    let moved: Vec<(StepId, Step)> = renamed
        .iter()
        .filter(|(new, _)| listed.contains(new))
        .filter_map(|(new, old)| states.remove(old).map(|step| (new.clone(), step)))
        .collect();
    states.extend(moved);
    let mut steps: Vec<Step> = records
        .into_iter()
        .map(|record| {
            let mut state = states
                .remove(&record.id)
                .map_or_else(StepState::default, |step| step.state);
            state.vanished = false;
            state.version += 1;
            Step {
                record: record.clone(),
                state,
            }
        })
        .collect();
    for old in known {
        if let Some(mut step) = states.remove(&old.record.id) {
            step.state.vanished = true;
            step.state.version += 1;
            steps.push(step);
        }
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::OperationId;
    use crate::operation::PlanKey;
    use crate::path::RepoPath;

    fn record(id: &str) -> StepRecord {
        StepRecord {
            id: id.into(),
            phase: "1".to_owned(),
            phase_title: "One".to_owned(),
            description: format!("Step {id}"),
            dependencies: Vec::new(),
        }
    }

    fn registered(ids: &[&str]) -> Vec<Step> {
        let records: Vec<StepRecord> = ids.iter().map(|id| record(id)).collect();
        let mut steps = register(Vec::new(), &records, &[]);
        for step in &mut steps {
            step.state.notes = Some(format!("was {}", step.record.id));
        }
        steps
    }

    fn notes(steps: &[Step]) -> Vec<String> {
        steps
            .iter()
            .map(|step| {
                let gone = if step.state.vanished { "-" } else { "" };
                let notes = step.state.notes.as_deref().unwrap_or("new");
                format!("{gone}{}: {notes}", step.record.id)
            })
            .collect()
    }

    #[test]
    fn states_follow_their_steps() {
        let check = |ids: &[&str], renamed: &[(&str, &str)], expected: &[&str]| {
            let records: Vec<StepRecord> = ids.iter().map(|id| record(id)).collect();
            let renamed: Vec<(StepId, StepId)> = renamed
                .iter()
                .map(|(new, old)| ((*new).into(), (*old).into()))
                .collect();
            let steps = register(registered(&["a", "b"]), &records, &renamed);
            assert_eq!(notes(&steps), expected);
        };
        check(&["b", "a"], &[], &["b: was b", "a: was a"]);
        check(&["a"], &[], &["a: was a", "-b: was b"]);
        check(&["a", "c"], &[("c", "b")], &["a: was a", "c: was b"]);
        check(
            &["a", "b"],
            &[("a", "b"), ("b", "a")],
            &["a: was b", "b: was a"],
        );
        // A rename to a step that the plan does not have loses nothing.
        check(&["a"], &[("x", "b")], &["a: was a", "-b: was b"]);
        check(&["a", "a", "b"], &[], &["a: was a", "b: was b"]);
    }

    #[test]
    fn rows_of_an_older_store_are_read() {
        let run = r#"{"id":"00000000000000000000000000000000","started_at":1,
            "runner":null,"words":"","ended":null,"completed":0,"failed":0}"#;
        let run: Run = serde_json::from_str(run).unwrap();
        assert_eq!((&run.paused, &run.stop), (&None, &None));
        let told = serde_json::to_string(&run).unwrap();
        assert!(!told.contains("paused") && !told.contains("stop"), "{told}");
        let state: StepState = serde_json::from_str(r#"{"status":"pending"}"#).unwrap();
        assert_eq!(state.held, None);
    }

    #[test]
    fn an_illegal_event_changes_nothing() {
        let stored = |sequence, operation| StoredOperation {
            sequence,
            id: OperationId::from_uuid(uuid::Uuid::nil()),
            plan: PlanKey::new(RepoPath::new("plan.md").unwrap()),
            at: Timestamp::from_millis(1),
            operation,
        };
        let attempt = AttemptId::from_uuid(uuid::Uuid::nil());
        let mut view = View::default();
        view.apply(&stored(
            1,
            Operation::AttemptDispatched {
                attempt,
                run: RunId::from_uuid(uuid::Uuid::nil()),
                steps: vec!["a".into()],
                agent: "scripted".to_owned(),
                fence: 1,
                number: 1,
                retry: false,
            },
        ))
        .unwrap();
        let before = view.clone();
        view.apply(&stored(2, Operation::AttemptJudged { attempt }))
            .unwrap_err();
        assert_eq!(view, before);
    }
}
