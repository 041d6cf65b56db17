//! One suite for every store, and the property that all of them are the same fold.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use airboss_core::attempt::{AttemptEnd, StreamReport};
use airboss_core::operation::{Actor, RunEnding, StepRecord, StepStatus};
use airboss_core::step::{MarkRefused, MarkRequest, mark};
use airboss_core::verdict::{Evidence, Judgement, Verdict};
use proptest::prelude::*;
use serde_json::json;
use uuid::Uuid;

use super::*;

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

for_every_store! {
    a_command_counts_once
    a_command_counts_once_among_many_that_repeat_it
    a_command_counts_in_its_plan
    an_outdated_decision_is_a_conflict
    a_superseded_attempt_is_fenced
    a_commit_is_stored_whole_or_not_at_all
    the_log_is_read_by_cursor_plan_and_step
    plans_are_registered_renamed_and_their_steps_vanish
    a_decision_sees_its_step_and_nothing_is_stored_when_it_refuses
    an_overview_is_the_view_counted
    attempts_are_found_by_prefix
    runs_are_kept_in_order
    an_interrupted_step_keeps_the_session_of_its_attempt
    files_stay_pending_until_their_newest_operation_is_published
    wishes_stand_in_the_order_of_their_operations
    leases_are_granted_kept_lost_and_never_reuse_an_epoch
    an_empty_store_knows_nothing
    twenty_writers_lose_nothing
    optimistic_writers_lose_nothing
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
    (
        views,
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

fn a_command_counts_once(bench: &Bench) {
    let mut store = with_plan(bench);
    let mut commit = Commit::new(home(), vec![marked("1.1", StepStatus::Completed)]);
    commit.command = Some(CommandId::new("c1"));
    commit.change.result = json!({"answer": 42});
    applied(store.commit(&commit).unwrap());
    let before = everything(&*store);
    let result = json!({"answer": 42});
    // Whatever the repetition says: the first one happened.
    commit.change.operations.clear();
    commit.expected = Expected::Plan(77);
    let duplicate = Committed::Duplicate {
        result: result.clone(),
    };
    assert_eq!(store.commit(&commit).unwrap(), duplicate);
    assert_eq!(bench.open().commit(&commit).unwrap(), duplicate);
    let command = commit.command.as_ref();
    let decided = store
        .decide(&home(), command, &"1.1".into(), &mut |_| {
            panic!("asked again")
        })
        .unwrap();
    assert!(matches!(decided, Decided::Duplicate { result: found } if found == result));
    assert_eq!(everything(&*store), before);
}

fn a_command_counts_once_among_many_that_repeat_it(bench: &Bench) {
    with_plan(bench);
    let answers: Vec<Committed> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..8)
            .map(|worker| {
                let mut store = bench.open();
                let mut commit = Commit::new(home(), vec![marked("1.2", StepStatus::InProgress)]);
                commit.command = Some(CommandId::new("same"));
                commit.change.result = json!(worker);
                scope.spawn(move || store.commit(&commit).unwrap())
            })
            .collect();
        workers
            .into_iter()
            .map(|worker| worker.join().unwrap())
            .collect()
    });
    let winners: Vec<usize> = (0..8)
        .filter(|worker| matches!(answers[*worker], Committed::Applied { .. }))
        .collect();
    assert_eq!(winners.len(), 1);
    let told = Committed::Duplicate {
        result: json!(winners[0]),
    };
    assert_eq!(answers.iter().filter(|answer| **answer == told).count(), 7);
    assert_eq!(bench.open().sequence().unwrap(), 2);
}

fn a_command_counts_in_its_plan(bench: &Bench) {
    let mut store = with_plan(bench);
    for key in ["plans/one.md", "plans/two.md"] {
        let mut commit = Commit::new(plan(key), vec![marked("1.1", StepStatus::Completed)]);
        commit.command = Some(CommandId::new("c1"));
        applied(store.commit(&commit).unwrap());
    }
}

fn an_outdated_decision_is_a_conflict(bench: &Bench) {
    let mut store = with_plan(bench);
    let check = |store: &mut dyn Store, expected: Expected, right: bool| {
        let mut commit = Commit::new(home(), Vec::new());
        commit.expected = expected.clone();
        let committed = store.commit(&commit).unwrap();
        assert_eq!(committed != Committed::Conflict, right, "{expected:?}");
    };
    let steps = |versions: &[(&str, u64)]| {
        Expected::Steps(
            versions
                .iter()
                .map(|(id, version)| ((*id).into(), *version))
                .collect(),
        )
    };
    store_all(&mut *store, vec![marked("1.1", StepStatus::Completed)]);
    check(&mut *store, Expected::Any, true);
    check(&mut *store, Expected::Plan(2), true);
    check(&mut *store, Expected::Plan(1), false);
    check(&mut *store, steps(&[("1.1", 2), ("1.2", 1)]), true);
    check(&mut *store, steps(&[("1.1", 1), ("1.2", 1)]), false);
    check(&mut *store, steps(&[("none", 0)]), true);
    check(&mut *store, steps(&[("none", 1)]), false);
    // Another plan's operations are no conflict.
    let other = Commit {
        plan: plan("plans/two.md"),
        ..Commit::new(home(), vec![registered(&[("1", "1")], &[])])
    };
    applied(store.commit(&other).unwrap());
    check(&mut *store, Expected::Plan(2), true);
}

fn a_superseded_attempt_is_fenced(bench: &Bench) {
    let mut store = with_plan(bench);
    store_all(&mut *store, vec![dispatched(1, &["1.1", "1.2"])]);
    let mut commit = Commit::new(
        home(),
        vec![Operation::StepClaimed {
            step: "1.1".into(),
            attempt: attempt_id(1),
            claim: "done".to_owned(),
        }],
    );
    commit.fence = Some(Fence {
        attempt: attempt_id(1),
        step: "1.1".into(),
    });
    applied(store.commit(&commit).unwrap());
    store_all(&mut *store, vec![dispatched(2, &["1.1"])]);
    let before = everything(&*store);
    let current = Some(attempt_id(2));
    // The fence comes before the version: whoever is fenced must not try again.
    commit.expected = Expected::Plan(1);
    assert_eq!(
        store.commit(&commit).unwrap(),
        Committed::Fenced { current }
    );
    commit.fence = Some(Fence {
        attempt: attempt_id(1),
        step: "none".into(),
    });
    let current = None;
    assert_eq!(
        store.commit(&commit).unwrap(),
        Committed::Fenced { current }
    );
    assert_eq!(everything(&*store), before);
}

fn a_commit_is_stored_whole_or_not_at_all(bench: &Bench) {
    let mut store = with_plan(bench);
    let whole = Commit {
        command: Some(CommandId::new("whole")),
        change: Change {
            operations: vec![
                marked("1.1", StepStatus::Completed),
                dispatched(1, &["1.2"]),
            ],
            publish: vec![PublishItem {
                path: path("status.json"),
                kind: PublishKind::StatusJson,
            }],
            git: vec![GitWish {
                operation: 1,
                steps: vec!["1.2".into()],
                payload: json!({"message": "two"}),
            }],
            close_git: Vec::new(),
            result: json!("yes"),
        },
        ..Commit::new(home(), Vec::new())
    };
    let before = everything(&*store);
    let mut illegal = whole.clone();
    illegal.change.operations.push(Operation::AttemptJudged {
        attempt: attempt_id(1),
    });
    let error = store.commit(&illegal).unwrap_err();
    assert!(matches!(error, StoreError::Illegal(_)), "{error}");
    assert_eq!(error.exit_code(), 4);
    let mut orphan = whole.clone();
    orphan.change.git[0].operation = 2;
    store.commit(&orphan).unwrap_err();
    let mut conflict = whole.clone();
    conflict.expected = Expected::Plan(0);
    assert_eq!(store.commit(&conflict).unwrap(), Committed::Conflict);
    assert_eq!(everything(&*store), before);
    // The command was never acknowledged, so it still counts.
    let stored = applied(store.commit(&whole).unwrap());
    let reader = bench.open();
    assert_eq!(reader.sequence().unwrap(), 3);
    assert_eq!(stored[1].sequence, 3);
    assert_eq!(reader.to_publish(None).unwrap()[0].sequence, 3);
    let wish = &reader.git_wishes().unwrap()[0];
    assert_eq!((wish.sequence, wish.operation), (3, stored[1].id));
    assert_eq!(wish.payload, json!({"message": "two"}));
    assert_is_fold(&*reader, &home());
}

fn the_log_is_read_by_cursor_plan_and_step(bench: &Bench) {
    let mut store = with_plan(bench);
    store_all(&mut *store, vec![dispatched(1, &["1.1"])]);
    let ended = ended(attempt_id(1), None);
    let other = Commit {
        plan: plan("plans/two.md"),
        ..Commit::new(home(), vec![marked("1.1", StepStatus::Failed)])
    };
    applied(store.commit(&other).unwrap());
    store_all(&mut *store, vec![ended, marked("1.2", StepStatus::Skipped)]);
    let check = |query: OperationQuery, expected: &[u64]| {
        let found = store.operations(&query).unwrap();
        let sequences: Vec<u64> = found.iter().map(|stored| stored.sequence).collect();
        assert_eq!(sequences, expected, "{query:?}");
    };
    let all = OperationQuery::default;
    let step = || OperationQuery {
        step: Some("1.1".into()),
        ..all()
    };
    check(all(), &[1, 2, 3, 4, 5]);
    check(OperationQuery { after: 3, ..all() }, &[4, 5]);
    check(OperationQuery { after: 5, ..all() }, &[]);
    check(
        OperationQuery {
            after: u64::MAX,
            ..all()
        },
        &[],
    );
    check(OperationQuery { limit: 2, ..all() }, &[1, 2]);
    let newest_first = true;
    check(
        OperationQuery {
            limit: 2,
            newest_first,
            ..all()
        },
        &[5, 4],
    );
    let two = Some(plan("plans/two.md"));
    check(OperationQuery { plan: two, ..all() }, &[3]);
    let one = Some(home());
    check(
        OperationQuery {
            plan: one.clone(),
            newest_first,
            ..all()
        },
        &[5, 4, 2, 1],
    );
    // What happened to an attempt happened to its step.
    check(step(), &[2, 3, 4]);
    check(
        OperationQuery {
            plan: one,
            ..step()
        },
        &[2, 4],
    );
    let nowhere = Some(plan("plans/none.md"));
    check(
        OperationQuery {
            plan: nowhere,
            ..all()
        },
        &[],
    );
}

fn plans_are_registered_renamed_and_their_steps_vanish(bench: &Bench) {
    let mut store = with_plan(bench);
    store_all(
        &mut *store,
        vec![
            marked("1.1", StepStatus::Completed),
            marked("1.2", StepStatus::Skipped),
            dispatched(1, &["2.1"]),
        ],
    );
    let edited = registered(&[("2.1", "2"), ("1.9", "1")], &[("1.9", "1.2")]);
    store_all(&mut *store, vec![edited]);
    let view = bench.open().view(&home()).unwrap().unwrap();
    let ids: Vec<&str> = view
        .steps
        .iter()
        .map(|step| step.record.id.as_str())
        .collect();
    assert_eq!(ids, ["2.1", "1.9", "1.1"]);
    assert_eq!(step_of(&*store, "1.9").state.status, StepStatus::Skipped);
    assert!(step_of(&*store, "1.1").state.vanished);
    assert_eq!(view.counts().total, 2);
    assert_eq!(view.hash, "hash of 2");
    assert_eq!(store.step(&home(), &"1.2".into()).unwrap(), None);
    let overview = store.overview(&home()).unwrap().unwrap();
    let phases: Vec<&str> = overview
        .phases
        .iter()
        .map(|phase| phase.key.as_str())
        .collect();
    assert_eq!(phases, ["2", "1"]);
    // What vanished comes back with its state.
    store_all(&mut *store, vec![registered(&[("1.1", "1")], &[])]);
    let back = step_of(&*store, "1.1").state;
    assert_eq!((back.vanished, back.status), (false, StepStatus::Completed));
    assert_is_fold(&*store, &home());
}

fn a_decision_sees_its_step_and_nothing_is_stored_when_it_refuses(bench: &Bench) {
    let mut store = with_plan(bench);
    let request = |status| MarkRequest {
        status,
        text: None,
        force: false,
    };
    let decide = |store: &mut dyn Store, id: &str, status, command: Option<&CommandId>| {
        let decided = store.decide(&home(), command, &id.into(), &mut |standing| {
            let operation = mark(&standing.step, &request(status))?;
            Ok(Change {
                result: json!(operation.is_some()),
                operations: operation.into_iter().collect(),
                ..Change::default()
            })
        });
        decided.unwrap()
    };
    let decided = decide(&mut *store, "1.1", StepStatus::Completed, None);
    assert!(matches!(decided, Decided::Applied { operations, .. } if operations.len() == 1));
    assert_eq!(step_of(&*store, "1.1").state.status, StepStatus::Completed);
    let before = everything(&*store);
    let decided = decide(&mut *store, "1.1", StepStatus::Failed, None);
    let Decided::Refused(refusal) = decided else {
        panic!("{decided:?}");
    };
    assert!(refusal.downcast_ref::<MarkRefused>().is_some());
    let decided = decide(&mut *store, "none", StepStatus::Failed, None);
    assert!(matches!(decided, Decided::UnknownStep));
    let nothing = decide(&mut *store, "1.1", StepStatus::Completed, None);
    assert!(matches!(nothing, Decided::Applied { result, .. } if result == json!(false)));
    assert_eq!(everything(&*store), before);
    // With an id even the answer that nothing was to do is kept.
    let command = CommandId::new("again");
    decide(&mut *store, "1.1", StepStatus::Completed, Some(&command));
    store_all(&mut *store, vec![marked("1.1", StepStatus::Pending)]);
    let decided = decide(&mut *store, "1.1", StepStatus::Completed, Some(&command));
    assert!(matches!(decided, Decided::Duplicate { result } if result == json!(false)));
    let run = Operation::RunStarted {
        run: run_id(1),
        runner: None,
        words: "all".to_owned(),
    };
    store_all(&mut *store, vec![run, dispatched(1, &["1.2"])]);
    bench.pass(1);
    let mut seen = None;
    store
        .decide(&home(), None, &"1.2".into(), &mut |standing| {
            seen = Some(standing.clone());
            Err("no".into())
        })
        .unwrap();
    let seen = seen.unwrap();
    assert_eq!(seen.step, step_of(&*store, "1.2"));
    assert_eq!(seen.attempt.unwrap().id, attempt_id(1));
    assert_eq!(seen.run.unwrap().id, run_id(1));
    assert_eq!(seen.now, store.now());
}

fn an_overview_is_the_view_counted(bench: &Bench) {
    let mut store = with_plan(bench);
    let current = |store: &dyn Store| {
        let overview = store.overview(&home()).unwrap().unwrap();
        let view = store.view(&home()).unwrap().unwrap();
        assert_eq!(overview.counts, view.counts());
        assert_eq!(overview.sequence, view.sequence);
        overview.current_phase
    };
    assert_eq!(current(&*store).as_deref(), Some("1"));
    store_all(&mut *store, vec![marked("1.1", StepStatus::Completed)]);
    assert_eq!(current(&*store).as_deref(), Some("1"));
    store_all(&mut *store, vec![marked("1.2", StepStatus::Skipped)]);
    assert_eq!(current(&*store).as_deref(), Some("2"));
    store_all(&mut *store, vec![marked("2.1", StepStatus::Failed)]);
    assert_eq!(current(&*store).as_deref(), Some("2"));
    store_all(&mut *store, vec![marked("2.1", StepStatus::Completed)]);
    assert_eq!(current(&*store), None);
    assert!(store.overview(&plan("none.md")).unwrap().is_none());
}

fn attempts_are_found_by_prefix(bench: &Bench) {
    let mut store = with_plan(bench);
    let numbers = [0xab << 120, (0xab << 120) + 1, 0xac << 120];
    let operations = numbers.map(|number| dispatched(number, &["1.1"]));
    store_all(&mut *store, operations.into());
    let check = |prefix: &str, expected: usize| {
        let found = store.find_attempt(prefix).unwrap();
        assert_eq!(found.len(), expected, "{prefix:?}");
    };
    check("ab", 2);
    check("AB", 2);
    check("ac", 1);
    check("a", 3);
    check("ad", 0);
    check("ab%", 0);
    check("x'", 0);
    check(&attempt_id(0xab << 120).to_string(), 1);
    let stored = store.attempt(attempt_id(0xac << 120)).unwrap().unwrap();
    assert_eq!(stored.plan, home());
    assert_eq!(store.attempt(attempt_id(9)).unwrap(), None);
    let many = (0..40).map(|number| dispatched((0xf << 124) + number, &["1.1"]));
    store_all(&mut *store, many.collect());
    assert_eq!(store.find_attempt("f").unwrap().len(), FOUND_MAX);
}

fn runs_are_kept_in_order(bench: &Bench) {
    let mut store = with_plan(bench);
    let start = |run| Operation::RunStarted {
        run: run_id(run),
        runner: None,
        words: format!("run {run}"),
    };
    let end = Operation::RunEnded {
        run: run_id(7),
        ending: RunEnding::Drained { signal: 15 },
        completed: 3,
        failed: 1,
    };
    store_all(&mut *store, vec![start(7), start(3), start(7), end]);
    let runs = bench.open().runs(&home()).unwrap();
    let words: Vec<&str> = runs.iter().map(|run| run.words.as_str()).collect();
    assert_eq!(words, ["run 7", "run 3"]);
    let ending = RunEnding::Drained { signal: 15 };
    assert_eq!(runs[0].ended, Some((store.now(), ending)));
    assert_eq!(store.runs(&plan("none.md")).unwrap(), []);
    assert_is_fold(&*store, &home());
}

fn an_interrupted_step_keeps_the_session_of_its_attempt(bench: &Bench) {
    let mut store = with_plan(bench);
    let attempt = attempt_id(1);
    store_all(&mut *store, vec![dispatched(1, &["1.1"])]);
    store_all(&mut *store, vec![ended(attempt, Some("s1"))]);
    let verdict = judged("1.1", attempt, Verdict::Interrupted);
    store_all(
        &mut *store,
        vec![verdict, Operation::AttemptJudged { attempt }],
    );
    let state = step_of(&*store, "1.1").state;
    assert_eq!(state.session.as_deref(), Some("s1"));
    let view = store.view(&home()).unwrap().unwrap();
    assert!(view.open_attempts().is_empty());
    assert!(
        view.attempts.contains_key(&attempt),
        "the newest attempt stays in sight"
    );
    // A newer one takes its place.
    store_all(&mut *store, vec![dispatched(2, &["1.1"])]);
    let view = store.view(&home()).unwrap().unwrap();
    assert!(!view.attempts.contains_key(&attempt));
    assert_is_fold(&*store, &home());
}

fn files_stay_pending_until_their_newest_operation_is_published(bench: &Bench) {
    let mut store = with_plan(bench);
    let file = path("plans/status.json");
    let touch = |store: &mut dyn Store, kind: PublishKind| {
        let mut commit = Commit::new(home(), vec![marked("1.1", StepStatus::InProgress)]);
        commit.change.publish.push(PublishItem {
            path: path("plans/status.json"),
            kind,
        });
        applied(store.commit(&commit).unwrap());
    };
    touch(&mut *store, PublishKind::StatusJson);
    touch(&mut *store, PublishKind::RunRecord { run: run_id(1) });
    let rows = store.to_publish(Some(&home())).unwrap();
    assert_eq!(rows.len(), 1, "one row for each file");
    assert_eq!(rows[0].sequence, 3);
    assert_eq!(rows[0].kind, PublishKind::RunRecord { run: run_id(1) });
    assert_eq!(store.to_publish(Some(&plan("none.md"))).unwrap(), []);
    let log = store.sequence().unwrap();
    assert!(!store.published(&home(), &file, 2, "old").unwrap());
    assert_eq!(store.to_publish(None).unwrap(), rows);
    assert!(store.published(&home(), &file, 3, "new").unwrap());
    assert_eq!(store.to_publish(None).unwrap(), []);
    // A slow publisher that reports late does not make the file look older.
    assert!(store.published(&home(), &file, 2, "late").unwrap());
    let publication = store.publication(&home(), &file).unwrap().unwrap();
    assert_eq!(
        (publication.sequence, publication.hash.as_str()),
        (3, "new")
    );
    assert_eq!(
        store.sequence().unwrap(),
        log,
        "publishing is not an operation"
    );
    assert!(store.published(&plan("none.md"), &file, 1, "x").unwrap());
    assert_eq!(store.publication(&plan("none.md"), &file).unwrap(), None);
    // A commit without operations may ask for a file again.
    let mut again = Commit::new(home(), Vec::new());
    again.change.publish.push(PublishItem {
        path: file,
        kind: PublishKind::StatusJson,
    });
    applied(store.commit(&again).unwrap());
    assert_eq!(store.to_publish(None).unwrap()[0].sequence, 3);
}

fn wishes_stand_in_the_order_of_their_operations(bench: &Bench) {
    let mut store = with_plan(bench);
    let wish = |operation, payload| GitWish {
        operation,
        steps: vec!["1.1".into()],
        payload,
    };
    let mut commit = Commit::new(
        home(),
        vec![
            marked("1.1", StepStatus::InProgress),
            marked("1.1", StepStatus::Completed),
        ],
    );
    commit.change.git = vec![wish(1, json!("b")), wish(0, json!("a"))];
    applied(store.commit(&commit).unwrap());
    let payloads = |store: &dyn Store| -> Vec<(u64, Value)> {
        let wishes = store.git_wishes().unwrap();
        wishes
            .into_iter()
            .map(|wish| (wish.sequence, wish.payload))
            .collect()
    };
    assert_eq!(payloads(&*store), [(2, json!("a")), (3, json!("b"))]);
    let made = Operation::CommitMade {
        sequence: 2,
        steps: vec!["1.1".into()],
        commit: Some("0123".to_owned()),
        left_out: Vec::new(),
    };
    let mut close = Commit::new(home(), vec![made]);
    close.change.close_git = vec![2, 99];
    applied(store.commit(&close).unwrap());
    assert_eq!(payloads(&*bench.open()), [(3, json!("b"))]);
    assert_eq!(
        step_of(&*store, "1.1").state.commit.as_deref(),
        Some("0123")
    );
    let mut twice = Commit::new(home(), vec![marked("1.2", StepStatus::Skipped)]);
    twice.change.git = vec![wish(0, json!("c")), wish(0, json!("d"))];
    store.commit(&twice).unwrap_err();
}

fn leases_are_granted_kept_lost_and_never_reuse_an_epoch(bench: &Bench) {
    let mut store = bench.open();
    let mut other = bench.open();
    let process = |pid| ProcessIdentity {
        pid,
        start_ticks: 7,
        boot_id: "boot".to_owned(),
    };
    let key = LeaseKey::new("run:plans/one.md");
    let ttl = Duration::from_secs(10);
    let granted = |epoch| Claim::Granted { epoch };
    assert_eq!(store.claim(&key, &process(1), ttl).unwrap(), granted(1));
    let Claim::Held { lease } = other.claim(&key, &process(2), ttl).unwrap() else {
        panic!("granted twice");
    };
    assert_eq!((lease.epoch, lease.holder.pid), (1, 1));
    bench.pass(9);
    assert!(store.heartbeat(&key, 1, 5).unwrap());
    bench.pass(9);
    assert!(store.heartbeat(&key, 1, 5).unwrap());
    let lease = &other.leases().unwrap()[0];
    assert_eq!(lease.progress, 5);
    let silence = Duration::from_secs(9);
    assert_eq!(
        lease.beat_at.since(lease.progress_at),
        silence,
        "alive, but not getting on"
    );
    assert_eq!(other.expired(other.now()).unwrap(), []);
    bench.pass(10);
    assert_eq!(other.expired(other.now()).unwrap().len(), 1);
    assert_eq!(other.claim(&key, &process(2), ttl).unwrap(), granted(2));
    assert!(
        !store.heartbeat(&key, 1, 6).unwrap(),
        "the late holder is told"
    );
    assert!(!store.release(&key, 1).unwrap());
    assert!(other.release(&key, 2).unwrap());
    assert!(!other.release(&key, 2).unwrap());
    assert_eq!(store.leases().unwrap(), []);
    assert_eq!(store.claim(&key, &process(1), ttl).unwrap(), granted(3));
    assert!(!store.heartbeat(&LeaseKey::new("none"), 1, 0).unwrap());
    assert_eq!(
        store.sequence().unwrap(),
        0,
        "heartbeats are not operations"
    );
}

fn an_empty_store_knows_nothing(bench: &Bench) {
    let mut store = bench.open();
    assert_eq!(store.sequence().unwrap(), 0);
    assert_eq!(store.plans().unwrap(), []);
    assert_eq!(store.view(&home()).unwrap(), None);
    assert_eq!(store.overview(&home()).unwrap(), None);
    assert_eq!(store.step(&home(), &"1".into()).unwrap(), None);
    let mut commit = Commit::new(home(), vec![dispatched(1, &["1"])]);
    commit.expected = Expected::Plan(1);
    assert_eq!(store.commit(&commit).unwrap(), Committed::Conflict);
    assert_eq!(store.plans().unwrap(), []);
    commit.expected = Expected::Plan(0);
    applied(store.commit(&commit).unwrap());
    assert_eq!(store.plans().unwrap(), [home()]);
    assert_is_fold(&*store, &home());
}

const WRITERS: usize = 20;
const ROUNDS: u64 = 10;

fn many_steps(bench: &Bench) -> Vec<String> {
    let ids: Vec<String> = (0..WRITERS).map(|number| format!("1.{number}")).collect();
    let steps: Vec<(&str, &str)> = ids.iter().map(|id| (id.as_str(), "1")).collect();
    store_all(&mut *bench.open(), vec![registered(&steps, &[])]);
    ids
}

fn twenty_writers_lose_nothing(bench: &Bench) {
    let ids = many_steps(bench);
    std::thread::scope(|scope| {
        for id in &ids {
            let mut store = bench.open();
            scope.spawn(move || {
                for _ in 0..ROUNDS {
                    let step = id.as_str().into();
                    let mut decide = |_: &Standing| {
                        Ok(Change {
                            operations: vec![marked(id, StepStatus::InProgress)],
                            ..Change::default()
                        })
                    };
                    let decided = store.decide(&home(), None, &step, &mut decide).unwrap();
                    assert!(matches!(decided, Decided::Applied { .. }));
                }
            });
        }
    });
    let store = bench.open();
    for id in &ids {
        assert_eq!(step_of(&*store, id).state.version, 1 + ROUNDS);
    }
    assert_eq!(store.sequence().unwrap(), 1 + WRITERS as u64 * ROUNDS);
    assert_is_fold(&*store, &home());
}

/// Everybody changes the same step against the version he saw, and tries again.
fn optimistic_writers_lose_nothing(bench: &Bench) {
    let ids = many_steps(bench);
    let step: StepId = ids[0].as_str().into();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            let mut store = bench.open();
            let step = step.clone();
            scope.spawn(move || {
                let mut left = ROUNDS;
                while left > 0 {
                    let seen = store.step(&home(), &step).unwrap().unwrap();
                    let grant = Operation::RetryGranted {
                        step: step.clone(),
                        error: None,
                    };
                    let mut commit = Commit::new(home(), vec![grant]);
                    commit.expected = Expected::Steps(vec![(step.clone(), seen.state.version)]);
                    match store.commit(&commit).unwrap() {
                        Committed::Applied { .. } => left -= 1,
                        other => assert_eq!(other, Committed::Conflict),
                    }
                }
            });
        }
    });
    let counted = step_of(&*bench.open(), step.as_str()).state.retry_count;
    assert_eq!(u64::from(counted), 4 * ROUNDS);
}

fn any_step() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["a", "b", "c", "d", "gone"])
}

fn any_registration() -> impl Strategy<Value = Operation> {
    let steps = prop::collection::vec(
        (any_step(), prop::sample::select(vec!["1", "2", "3"])),
        0..6,
    );
    let renamed = prop::collection::vec((any_step(), any_step()), 0..3);
    (steps, renamed).prop_map(|(steps, renamed)| registered(&steps, &renamed))
}

fn any_verdict() -> impl Strategy<Value = Verdict> {
    prop::sample::select(vec![
        Verdict::Verified,
        Verdict::Unverified,
        Verdict::Failed,
        Verdict::Limited,
        Verdict::Infra,
        Verdict::Interrupted,
        Verdict::Waiting,
    ])
}

fn any_status() -> impl Strategy<Value = StepStatus> {
    prop::sample::select(vec![
        StepStatus::Pending,
        StepStatus::InProgress,
        StepStatus::Completed,
        StepStatus::Failed,
        StepStatus::Skipped,
    ])
}

fn any_attempt_operation() -> impl Strategy<Value = Operation> {
    let attempt = (1..5_u128).prop_map(attempt_id);
    let steps = prop::collection::vec(any_step().prop_map(StepId::from), 1..3);
    (attempt, steps, any::<bool>(), 0..5_u8).prop_map(|(attempt, steps, flag, which)| match which {
        0 => Operation::AttemptDispatched {
            attempt,
            run: run_id(1),
            steps,
            agent: "scripted".to_owned(),
            fence: 3,
            number: 2,
            retry: flag,
        },
        1 => Operation::AttemptSpawned {
            attempt,
            supervisor: ProcessIdentity {
                pid: 5,
                start_ticks: 6,
                boot_id: "boot".to_owned(),
            },
        },
        2 => Operation::AttemptStopRequested {
            attempt,
            reason: "asked".to_owned(),
        },
        3 => ended(attempt, flag.then_some("session")),
        _ => Operation::AttemptJudged { attempt },
    })
}

fn any_step_operation() -> impl Strategy<Value = Operation> {
    let attempt = (1..5_u128).prop_map(attempt_id);
    let parts = (
        any_step(),
        attempt,
        any_verdict(),
        any_status(),
        any::<bool>(),
        0..6_u8,
    );
    parts.prop_map(|(step, attempt, verdict, status, flag, which)| {
        let step: StepId = step.into();
        match which {
            0 | 1 => Operation::StepJudged {
                step,
                attempt,
                judgement: Judgement {
                    verdict,
                    reason: "because".to_owned(),
                    limit: None,
                    stuck: flag,
                    blameless: false,
                },
                evidence: Evidence::default(),
                wake_at: flag.then(|| Timestamp::from_millis(9)),
            },
            2 => Operation::StepClaimed {
                step,
                attempt,
                claim: "done".to_owned(),
            },
            3 => Operation::RetryGranted {
                step,
                error: flag.then(|| "error".to_owned()),
            },
            4 => Operation::StepAnswered {
                step,
                answer: "42".to_owned(),
            },
            _ => Operation::StepMarked {
                step,
                status,
                actor: if flag { Actor::Person } else { Actor::Airboss },
                text: flag.then(|| "text".to_owned()),
                forced: false,
                stuck: flag,
            },
        }
    })
}

fn any_run_operation() -> impl Strategy<Value = Operation> {
    (1..4_u128, any::<bool>()).prop_map(|(run, start)| {
        if start {
            Operation::RunStarted {
                run: run_id(run),
                runner: None,
                words: "go".to_owned(),
            }
        } else {
            Operation::RunEnded {
                run: run_id(run),
                ending: RunEnding::Complete,
                completed: 1,
                failed: 0,
            }
        }
    })
}

fn any_operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        1 => any_registration(),
        4 => any_attempt_operation(),
        5 => any_step_operation(),
        1 => any_run_operation(),
    ]
}

/// An attempt from its beginning to its verdict, which single operations hardly ever make.
fn any_attempt() -> impl Strategy<Value = Vec<Operation>> {
    (1..5_u128, any_step(), any_verdict()).prop_map(|(number, step, verdict)| {
        let attempt = attempt_id(number);
        vec![
            dispatched(number, &[step]),
            ended(attempt, Some("session")),
            judged(step, attempt, verdict),
            Operation::AttemptJudged { attempt },
        ]
    })
}

fn any_commits() -> impl Strategy<Value = Vec<(bool, Vec<Operation>)>> {
    let operations = prop_oneof![
        4 => prop::collection::vec(any_operation(), 0..5),
        1 => any_attempt(),
    ];
    let commit = (any::<bool>(), operations);
    prop::collection::vec(commit, 1..25)
}

/// The log without the ids, which every store makes for itself.
fn log_of(store: &dyn Store) -> Vec<(u64, PlanKey, Timestamp, Operation)> {
    let log = store.operations(&OperationQuery::default()).unwrap();
    log.into_iter()
        .map(|stored| (stored.sequence, stored.plan, stored.at, stored.operation))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig {
        // Each case writes a database; more cases run in the long suite.
        cases: 64,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn every_store_is_the_same_fold(commits in any_commits()) {
        let benches = [Bench::memory(), Bench::sqlite(true)];
        let mut stores = benches.each_ref().map(Bench::open);
        for (second, operations) in commits {
            let key = plan(if second { "plans/two.md" } else { "plans/one.md" });
            let commit = Commit::new(key, operations);
            let answers: Vec<Result<usize, String>> = stores
                .iter_mut()
                .map(|store| match store.commit(&commit) {
                    Ok(committed) => Ok(applied(committed).len()),
                    Err(error) => Err(error.to_string()),
                })
                .collect();
            prop_assert_eq!(&answers[0], &answers[1]);
            benches.iter().for_each(|bench| bench.pass(1));
        }
        let [memory, sqlite] = &stores;
        prop_assert_eq!(log_of(&**memory), log_of(&**sqlite));
        prop_assert_eq!(memory.plans().unwrap(), sqlite.plans().unwrap());
        for key in memory.plans().unwrap() {
            let view = memory.view(&key).unwrap().unwrap();
            prop_assert_eq!(&view, &sqlite.view(&key).unwrap().unwrap());
            let overview = sqlite.overview(&key).unwrap();
            prop_assert_eq!(overview.as_ref().map(|overview| overview.counts), Some(view.counts()));
            prop_assert_eq!(memory.overview(&key).unwrap(), overview);
            for step in ["a", "gone"] {
                let query = OperationQuery {
                    step: Some(step.into()),
                    ..OperationQuery::default()
                };
                let found = stores.each_ref().map(|store| {
                    let log = store.operations(&query).unwrap();
                    log.iter().map(|stored| stored.sequence).collect::<Vec<u64>>()
                });
                prop_assert_eq!(&found[0], &found[1]);
            }
            stores.iter().for_each(|store| assert_is_fold(&**store, &key));
        }
    }
}
