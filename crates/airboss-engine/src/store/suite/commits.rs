//! What a commit promises: once, whole, against the right version, from the right attempt.

use airboss_core::report::ReportKind;
use airboss_core::step::{MarkRefused, MarkRequest, mark};
use serde_json::json;

use super::*;

for_every_store! {
    a_command_counts_once
    a_command_counts_once_among_many_that_repeat_it
    a_command_counts_in_its_plan
    an_outdated_decision_is_a_conflict
    a_superseded_attempt_is_fenced
    a_commit_is_stored_whole_or_not_at_all
    a_decision_sees_its_step_and_nothing_is_stored_when_it_refuses
    twenty_writers_lose_nothing
    optimistic_writers_lose_nothing
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
            about: ReportKind::Status,
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
            found: Vec::new(),
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
