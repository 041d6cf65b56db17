//! One suite for every store, and the property that all of them are the same fold.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use airboss_core::attempt::{AttemptEnd, StreamReport};
use airboss_core::operation::{Actor, StepRecord, StepStatus};
use airboss_core::verdict::{Evidence, Judgement, Verdict};
use uuid::Uuid;

use super::*;

/// Instantiates every test of the suite for every store.
macro_rules! for_every_store {
    ($($test:ident)*) => {
        mod memory {
            $(#[test] fn $test() { super::$test(&super::Bench::memory()); })*
        }
        mod sqlite {
            $(#[test] fn $test() { super::$test(&super::Bench::sqlite(true)); })*
        }
        mod sqlite_without_gate {
            $(#[test] fn $test() { super::$test(&super::Bench::sqlite(false)); })*
        }
    };
}

mod board_files;
mod board_folds;
pub(crate) mod boards;
mod commits;
mod folds;
mod leases;
mod outbox;
mod reads;

/// A store that any number of handles can be opened on.
struct Bench {
    /// Kept for its `Drop`; `None` for the store in memory.
    directory: Option<tempfile::TempDir>,
    memory: MemoryStore,
    gate: bool,
    clock: Arc<AtomicI64>,
}

impl Bench {
    fn new(directory: Option<tempfile::TempDir>, gate: bool) -> Self {
        let clock = Arc::new(AtomicI64::new(1_000));
        Self {
            directory,
            memory: MemoryStore::new(Self::clock_of(&clock)),
            gate,
            clock,
        }
    }

    fn memory() -> Self {
        Self::new(None, false)
    }

    fn sqlite(gate: bool) -> Self {
        Self::new(Some(tempfile::tempdir().unwrap()), gate)
    }

    fn clock_of(clock: &Arc<AtomicI64>) -> Clock {
        let clock = Arc::clone(clock);
        Box::new(move || Timestamp::from_millis(clock.load(Ordering::SeqCst)))
    }

    /// Another handle: for a database another connection.
    fn open(&self) -> Box<dyn Store> {
        match &self.directory {
            None => Box::new(self.memory.clone()),
            Some(directory) => {
                let options = Options {
                    gate: self.gate,
                    clock: Self::clock_of(&self.clock),
                    ..Options::default()
                };
                Box::new(SqliteStore::open_with(directory.path(), options).unwrap())
            }
        }
    }

    fn pass(&self, seconds: i64) {
        self.clock.fetch_add(seconds * 1_000, Ordering::SeqCst);
    }
}

fn plan(name: &str) -> PlanKey {
    PlanKey::new(RepoPath::new(name).unwrap())
}

fn home() -> PlanKey {
    plan("plans/one.md")
}

fn path(text: &str) -> RepoPath {
    RepoPath::new(text).unwrap()
}

fn attempt_id(number: u128) -> AttemptId {
    AttemptId::from_uuid(Uuid::from_u128(number))
}

fn run_id(number: u128) -> RunId {
    RunId::from_uuid(Uuid::from_u128(number))
}

fn record(id: &str, phase: &str) -> StepRecord {
    StepRecord {
        id: id.into(),
        phase: phase.to_owned(),
        phase_title: format!("Phase {phase}"),
        description: format!("do {id}"),
        dependencies: Vec::new(),
    }
}

fn registered(steps: &[(&str, &str)], renamed: &[(&str, &str)]) -> Operation {
    Operation::PlanRegistered {
        name: "one".to_owned(),
        hash: format!("hash of {}", steps.len()),
        steps: steps.iter().map(|(id, phase)| record(id, phase)).collect(),
        renamed: renamed
            .iter()
            .map(|(new, old)| ((*new).into(), (*old).into()))
            .collect(),
    }
}

fn marked(step: &str, status: StepStatus) -> Operation {
    Operation::StepMarked {
        step: step.into(),
        status,
        actor: Actor::Person,
        text: Some("by hand".to_owned()),
        forced: false,
        stuck: false,
    }
}

fn dispatched(number: u128, steps: &[&str]) -> Operation {
    Operation::AttemptDispatched {
        attempt: attempt_id(number),
        run: run_id(1),
        steps: steps.iter().map(|step| (*step).into()).collect(),
        agent: "scripted".to_owned(),
        fence: 1,
        number: 1,
        retry: false,
    }
}

fn ended(attempt: AttemptId, session: Option<&str>) -> Operation {
    Operation::AttemptEnded {
        attempt,
        end: AttemptEnd::Lost { swept: 1 },
        report: StreamReport {
            session: session.map(str::to_owned),
            ..StreamReport::default()
        },
    }
}

fn judged(step: &str, attempt: AttemptId, verdict: Verdict) -> Operation {
    Operation::StepJudged {
        step: step.into(),
        attempt,
        judgement: Judgement {
            verdict,
            reason: "because".to_owned(),
            limit: None,
            stuck: false,
            blameless: false,
        },
        evidence: Evidence::default(),
        wake_at: None,
    }
}

fn applied(committed: Committed) -> Vec<StoredOperation> {
    match committed {
        Committed::Applied { operations } => operations,
        other => panic!("not applied: {other:?}"),
    }
}

fn store_all(store: &mut dyn Store, operations: Vec<Operation>) -> Vec<StoredOperation> {
    applied(store.commit(&Commit::new(home(), operations)).unwrap())
}

/// A handle on a store with a plan of two phases.
fn with_plan(bench: &Bench) -> Box<dyn Store> {
    let mut store = bench.open();
    let steps = [("1.1", "1"), ("1.2", "1"), ("2.1", "2")];
    store_all(&mut *store, vec![registered(&steps, &[])]);
    store
}

fn step_of(store: &dyn Store, id: &str) -> Step {
    store.step(&home(), &id.into()).unwrap().unwrap()
}

/// Everything that can be read, to compare before and after.
fn everything(store: &dyn Store) -> impl PartialEq + std::fmt::Debug + use<> {
    let plans = store.plans().unwrap();
    let views: Vec<View> = plans
        .iter()
        .map(|plan| store.view(plan).unwrap().unwrap())
        .collect();
    let boards = store.boards().unwrap();
    let boards: Vec<Board> = boards
        .iter()
        .map(|board| store.board(board).unwrap().unwrap())
        .collect();
    (
        views,
        boards,
        store.operations(&OperationQuery::default()).unwrap(),
        store.to_publish(None).unwrap(),
        store.git_wishes().unwrap(),
        store.leases().unwrap(),
    )
}

/// The view is the fold of the log, as far as its attempts were loaded.
fn assert_is_fold(store: &dyn Store, plan: &PlanKey) {
    let view = store.view(plan).unwrap().unwrap();
    let query = OperationQuery {
        plan: Some(plan.clone()),
        limit: usize::MAX,
        ..OperationQuery::default()
    };
    let mut fold = View::default();
    for stored in store.operations(&query).unwrap() {
        fold.apply(&stored).unwrap();
    }
    let newest: BTreeSet<AttemptId> = fold
        .steps
        .iter()
        .filter_map(|step| step.state.last_attempt)
        .collect();
    fold.attempts
        .retain(|id, attempt| attempt.status != AttemptStatus::Judged || newest.contains(id));
    assert_eq!(view, fold);
}

/// The log without the ids, which every store makes for itself.
fn log_of(store: &dyn Store) -> Vec<(u64, PlanKey, Timestamp, Operation)> {
    let log = store.operations(&OperationQuery::default()).unwrap();
    log.into_iter()
        .map(|stored| (stored.sequence, stored.plan, stored.at, stored.operation))
        .collect()
}
