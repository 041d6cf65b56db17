//! What is read is what was written.

use airboss_core::operation::RunEnding;

use super::*;

for_every_store! {
    the_log_is_read_by_cursor_plan_and_step
    plans_are_registered_renamed_and_their_steps_vanish
    an_overview_is_the_view_counted
    attempts_are_found_by_prefix
    runs_are_kept_in_order
    an_interrupted_step_keeps_the_session_of_its_attempt
    an_empty_store_knows_nothing
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
