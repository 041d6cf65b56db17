//! From a decision to the commit it asks for: whose steps, which files, what it says.

use airboss_core::attempt::Attempt;
use airboss_core::dispatch::{CommitIntent, Decision};
use airboss_core::id::StepId;
use airboss_core::operation::{Operation, PlanKey};
use airboss_core::plan::PhaseStatus;
use airboss_core::time::Timestamp;
use airboss_core::verdict::{ChangedFile, Evidence, Verdict};
use airboss_core::view::View;

use super::attempt_files::{AttemptFiles, directory};
use super::commits::{CommitWish, MarkerChange};
use super::markers::PhaseMark;
use super::tree::Tree;
use super::{CommitMode, RunError, RunRequest};
use crate::git::{Oid, step_subject};
use crate::store::{GitWish, OperationQuery, Store, StoreError};

/// How far back a step's own verdicts are looked for: its attempts are bounded far below this.
const HISTORY_MAX: usize = 100;

/// The commit that a decision asks for, by the run's commit mode.
pub(super) fn wish(
    request: &RunRequest,
    store: &dyn Store,
    view: &View,
    decision: &Decision,
    now: Timestamp,
) -> Result<Option<GitWish>, RunError> {
    let Some(intent) = &decision.commit else {
        return Ok(None);
    };
    if request.repository.is_none() {
        return Ok(None);
    }
    let mark = phase_mark(view, &intent.steps, now);
    let ends = mark.status == PhaseStatus::Completed;
    let (intent, mut sessions) = match request.commit {
        CommitMode::Off => return Ok(None),
        CommitMode::Step => (intent.clone(), Vec::new()),
        CommitMode::Phase if ends => whole_phase(request, store, view, intent, &mark.phase)?,
        CommitMode::Phase => return Ok(None),
    };
    let judged = decision.operations.iter().enumerate();
    let mut judged = judged.filter_map(|(place, operation)| match operation {
        Operation::StepJudged { step, attempt, .. } => {
            intent.steps.contains(step).then_some((place, attempt))
        }
        _ => None,
    });
    let Some((operation, attempt)) = judged.next() else {
        return Ok(None);
    };
    sessions.extend(view.attempts.get(attempt).and_then(session));
    let wish = CommitWish {
        subject: subject(request, &intent.steps),
        body: body(request, &intent.steps),
        time: now,
        since: head_before(request, &decision.operations),
        sessions,
        markers: request.markers.then(|| MarkerChange {
            path: request.plan.path().clone(),
            phases: vec![mark],
        }),
        intent,
    };
    // A wish is plain data, so it always has a JSON form.
    let payload = serde_json::to_value(&wish).unwrap_or_default();
    Ok(Some(GitWish {
        operation,
        steps: wish.intent.steps,
        payload,
    }))
}

/// What the marker of the steps' phase says once these steps are completed.
fn phase_mark(view: &View, steps: &[StepId], now: Timestamp) -> PhaseMark {
    let phase = steps
        .first()
        .and_then(|id| view.step(id))
        .map(|step| step.record.phase.clone());
    let phase = phase.unwrap_or_default();
    let members: Vec<_> = view
        .steps
        .iter()
        .filter(|step| step.record.phase == phase && !step.state.vanished)
        .collect();
    let ends = members
        .iter()
        .all(|step| step.state.status.is_settled() || steps.contains(&step.record.id));
    PhaseMark {
        status: if ends {
            PhaseStatus::Completed
        } else {
            PhaseStatus::InProgress
        },
        started: members
            .iter()
            .filter_map(|step| step.state.started_at)
            .min(),
        completed: ends.then_some(now),
        phase,
    }
}

/// Everything that the verified steps of a phase changed, first version to last, and the sessions
/// it comes from.
fn whole_phase(
    request: &RunRequest,
    store: &dyn Store,
    view: &View,
    newest: &CommitIntent,
    phase: &str,
) -> Result<(CommitIntent, Vec<String>), RunError> {
    let (mut steps, mut sessions) = (Vec::new(), Vec::new());
    let mut changes: Vec<ChangedFile> = Vec::new();
    for step in view.steps.iter().filter(|step| step.record.phase == phase) {
        let id = &step.record.id;
        if newest.steps.contains(id) {
            continue; // The newest come last, whatever their place in the plan.
        }
        let own = verified_work(store, &request.plan, id)?;
        if step.state.commit.is_none() && !own.evidence.changes.is_empty() {
            steps.push(id.clone());
            merge(&mut changes, &own.evidence.changes);
            sessions.extend(own.session);
        }
    }
    steps.extend(newest.steps.iter().cloned());
    merge(&mut changes, &newest.changes);
    Ok((CommitIntent { steps, changes }, sessions))
}

/// What the newest verified attempt at a step came to.
#[derive(Debug, Default)]
pub(crate) struct VerifiedWork {
    /// What its verdict rests on.
    pub(crate) evidence: Evidence,
    /// The agent's own conversation.
    pub(crate) session: Option<String>,
}

/// What the newest verified attempt at a step changed.
pub(crate) fn verified_changes(
    store: &dyn Store,
    plan: &PlanKey,
    step: &StepId,
) -> Result<Vec<ChangedFile>, StoreError> {
    verified_work(store, plan, step).map(|work| work.evidence.changes)
}

/// What the newest verified attempt at a step came to; nothing when there is none.
pub(crate) fn verified_work(
    store: &dyn Store,
    plan: &PlanKey,
    step: &StepId,
) -> Result<VerifiedWork, StoreError> {
    let query = OperationQuery {
        plan: Some(plan.clone()),
        step: Some(step.clone()),
        limit: HISTORY_MAX,
        newest_first: true,
        ..OperationQuery::default()
    };
    let found = store
        .operations(&query)?
        .into_iter()
        .find_map(|stored| match stored.operation {
            Operation::StepJudged {
                step: judged,
                attempt,
                judgement,
                evidence,
                ..
            } if judged == *step && judgement.verdict == Verdict::Verified => {
                Some((attempt, evidence))
            }
            _ => None,
        });
    let Some((attempt, evidence)) = found else {
        return Ok(VerifiedWork::default());
    };
    let known = store.attempt(attempt)?;
    Ok(VerifiedWork {
        evidence,
        session: known.and_then(|known| session(&known.attempt)),
    })
}

fn session(attempt: &Attempt) -> Option<String> {
    attempt.report.as_ref()?.session.clone()
}

fn merge(changes: &mut Vec<ChangedFile>, newer: &[ChangedFile]) {
    for change in newer {
        match changes.iter_mut().find(|known| known.path == change.path) {
            Some(known) => known.after.clone_from(&change.after),
            None => changes.push(change.clone()),
        }
    }
}

fn subject(request: &RunRequest, steps: &[StepId]) -> String {
    let Some(first) = steps.first() else {
        return request.facts.name.clone();
    };
    let text = request
        .facts
        .steps
        .get(first)
        .map_or("", |facts| facts.text.as_str());
    step_subject(&request.facts.name, first, text)
}

fn body(request: &RunRequest, steps: &[StepId]) -> String {
    if steps.len() < 2 {
        return String::new();
    }
    let lines: Vec<String> = steps
        .iter()
        .filter_map(|id| Some(format!("- {id}: {}", request.facts.steps.get(id)?.text)))
        .collect();
    lines.join("\n")
}

/// HEAD when the attempt began: the commit cannot be behind it.
fn head_before(request: &RunRequest, operations: &[Operation]) -> Option<Oid> {
    let attempt = operations.iter().find_map(Operation::attempt)?;
    let files = AttemptFiles::read(&directory(&request.state, attempt))?;
    match files.before {
        Tree::Git(snapshot) => snapshot.head,
        Tree::Plain(_) => None,
    }
}

/// The beginning of the step's first attempt whose work nobody could look at. What it left in
/// the tree is weighed with the next attempt, which therefore begins where that one began.
pub(super) fn unread(
    request: &RunRequest,
    store: &dyn Store,
    steps: &[StepId],
) -> Option<AttemptFiles> {
    let [step] = steps else {
        return None;
    };
    let query = OperationQuery {
        plan: Some(request.plan.clone()),
        step: Some(step.clone()),
        limit: HISTORY_MAX,
        newest_first: true,
        ..OperationQuery::default()
    };
    let judged = store.operations(&query).ok()?.into_iter();
    let judged = judged.filter_map(|stored| match stored.operation {
        Operation::StepJudged {
            attempt,
            judgement,
            evidence,
            ..
        } => Some((attempt, judgement.verdict, evidence.trouble.is_some())),
        _ => None,
    });
    let unread = judged.take_while(|(_, verdict, _)| *verdict == Verdict::Infra);
    let (first, ..) = unread.filter(|(_, _, trouble)| *trouble).last()?;
    AttemptFiles::read(&directory(&request.state, first))
}
