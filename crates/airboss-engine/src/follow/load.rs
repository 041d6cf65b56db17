//! Reading plans and boards as a whole, where a scene begins to show them.

use std::path::Path;

use airboss_core::board::BoardKey;
use airboss_core::dispatch::Unit;
use airboss_core::id::RunId;
use airboss_core::operation::{Operation, PlanKey};
use airboss_core::plan::{MAX_PLAN_BYTES, Plan, plan_hash, schedule};
use airboss_core::scene::{FlightLog, LoadedPlan, PhaseWaits};
use airboss_core::time::Timestamp;
use airboss_core::view::View;

use crate::store::{OperationQuery, SqliteStore, Store as _, StoreError};

/// Operations that are read at once.
const PAGE: usize = 500;

/// Which plans and boards are followed.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Subject {
    /// Only this plan.
    pub plan: Option<PlanKey>,
    /// Only this board and the stages of its tasks.
    pub board: Option<BoardKey>,
}

impl Subject {
    /// Whether a log belongs to it.
    #[must_use]
    pub fn covers(&self, key: &PlanKey) -> bool {
        if let Some(plan) = &self.plan {
            return plan == key;
        }
        let Some(board) = &self.board else {
            return true;
        };
        // The stages of a board's tasks lie in its tasks' directories.
        board.log() == *key
            || board.root().is_none_or(|root| {
                let inside = key.path().as_str().strip_prefix(root.as_str());
                inside.is_some_and(|rest| rest.starts_with('/'))
            })
    }
}

/// The plans that a scene shows at its beginning: those that are flown, and the one that was
/// flown last; where none was ever flown, the one that was changed last.
pub(super) fn shown(store: &SqliteStore, subject: &Subject) -> Result<Vec<PlanKey>, StoreError> {
    if let Some(plan) = &subject.plan {
        return Ok(vec![plan.clone()]);
    }
    let mut shown: Vec<PlanKey> = Vec::new();
    let open = store.open_attempts()?;
    shown.extend(open.into_iter().map(|stored| stored.plan));
    let mut last: Option<(Timestamp, PlanKey)> = None;
    for plan in store.plans()? {
        let run = store.runs(&plan)?.pop();
        let Some(run) = run.filter(|_| subject.covers(&plan)) else {
            continue;
        };
        if run.ended.is_none() {
            shown.push(plan);
        } else if last.as_ref().is_none_or(|(at, _)| *at < run.started_at) {
            last = Some((run.started_at, plan));
        }
    }
    shown.extend(last.map(|(_, plan)| plan));
    shown.retain(|plan| subject.covers(plan));
    if shown.is_empty() {
        shown.extend(touched_last(store, subject)?);
    }
    shown.sort();
    shown.dedup();
    Ok(shown)
}

/// The plan that the newest operations are about.
fn touched_last(store: &SqliteStore, subject: &Subject) -> Result<Option<PlanKey>, StoreError> {
    let newest = store.operations(&OperationQuery {
        limit: PAGE,
        newest_first: true,
        ..OperationQuery::default()
    })?;
    let known = store.plans()?;
    let touched = newest.into_iter().map(|stored| stored.plan);
    let mut covered = touched.filter(|plan| subject.covers(plan));
    Ok(covered.find(|plan| known.contains(plan)))
}

/// A plan, at the newest operation of its log.
pub(super) fn plan(
    store: &SqliteStore,
    top: &Path,
    key: &PlanKey,
) -> Result<Option<LoadedPlan>, StoreError> {
    let Some(view) = store.view(key)? else {
        return Ok(None);
    };
    Ok(Some(LoadedPlan {
        key: key.clone(),
        log: log(store, key, &view)?,
        waits: waits(top, key, &view.hash),
        view,
    }))
}

/// The fold of the newest run's operations, up to those that the view shows.
fn log(store: &SqliteStore, key: &PlanKey, view: &View) -> Result<FlightLog, StoreError> {
    let mut log = FlightLog::default();
    let Some(run) = view.runs.last() else {
        return Ok(log);
    };
    let begin = begin_of(store, key, view.sequence, run.id, run.started_at)?;
    let mut after = begin.saturating_sub(1);
    while after < view.sequence {
        let page = store.operations(&OperationQuery {
            plan: Some(key.clone()),
            after,
            limit: PAGE,
            ..OperationQuery::default()
        })?;
        let Some(last) = page.last() else { break };
        after = last.sequence;
        let shown = page.iter().filter(|it| it.sequence <= view.sequence);
        shown.for_each(|stored| log.apply(stored));
    }
    Ok(log)
}

/// The operation with which a run began, found by its time; 1 when the clock was set back
/// meanwhile and it is not where it should be.
fn begin_of(
    store: &SqliteStore,
    key: &PlanKey,
    newest: u64,
    run: RunId,
    started_at: Timestamp,
) -> Result<u64, StoreError> {
    let first_after = |after| -> Result<_, StoreError> {
        let page = store.operations(&OperationQuery {
            plan: Some(key.clone()),
            after,
            limit: 1,
            ..OperationQuery::default()
        })?;
        Ok(page.into_iter().next())
    };
    // The first operation behind `low` that is not older than the run lies behind `low` and at
    // or before `high`.
    let (mut low, mut high) = (0, newest);
    while low < high {
        let middle = low + (high - low) / 2;
        match first_after(middle)? {
            Some(stored) if stored.at < started_at => low = stored.sequence.max(middle + 1),
            _ => high = middle,
        }
    }
    // Operations of one transaction share an instant: the run began at one of the next.
    let mut after = low;
    while let Some(stored) = first_after(after)? {
        match &stored.operation {
            Operation::RunStarted { run: found, .. } if *found == run => {
                return Ok(stored.sequence);
            }
            _ if stored.at > started_at => break,
            _ => after = stored.sequence,
        }
    }
    Ok(1)
}

/// What the plan's file says of phases, when it is the one that is stored.
#[must_use]
pub fn waits(top: &Path, key: &PlanKey, hash: &str) -> PhaseWaits {
    let path = key.path().as_str();
    // A stage that carries a plan out is named by the plan without its ending; its units are
    // the phases.
    let (file, by_phase) = match path.strip_suffix(".md") {
        Some(_) => (top.join(path), false),
        None => (top.join(format!("{path}.md")), true),
    };
    let is_readable = fs_err::metadata(&file)
        .is_ok_and(|facts| facts.is_file() && facts.len() <= MAX_PLAN_BYTES as u64);
    let Some(bytes) = fs_err::read(&file).ok().filter(|_| is_readable) else {
        return PhaseWaits::default();
    };
    if plan_hash(&bytes) != hash {
        return PhaseWaits::default();
    }
    let plan = Plan::parse(&bytes);
    let plan = if by_phase { plan.by_phase() } else { plan };
    match schedule(&plan, false) {
        Ok(schedule) => PhaseWaits::of(&Unit::all(&schedule)),
        Err(_) => PhaseWaits::default(),
    }
}
