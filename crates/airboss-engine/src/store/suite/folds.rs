//! The property that all stores are the same fold of any operations.

use airboss_core::operation::{RunEnding, RunStop};
use airboss_core::report::ReportKind;
use proptest::prelude::*;

use super::*;

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
    (attempt, steps, any::<bool>(), 0..6_u8).prop_map(|(attempt, steps, flag, which)| match which {
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
        4 => Operation::AttemptKillRequested {
            attempt,
            by: flag.then(|| "ann".to_owned()),
        },
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
                about: ReportKind::Ask,
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
    (1..4_u128, 0..5_u8, any::<bool>()).prop_map(|(run, which, flag)| {
        let (run, by) = (run_id(run), flag.then(|| "ann".to_owned()));
        match which {
            0 => Operation::RunStarted {
                run,
                runner: None,
                words: "go".to_owned(),
            },
            1 => Operation::RunPaused { run, by },
            2 => Operation::RunResumed { run, by },
            3 => Operation::RunStopRequested {
                run,
                by,
                how: if flag { RunStop::Drain } else { RunStop::End },
            },
            _ => Operation::RunEnded {
                run,
                ending: RunEnding::Complete,
                completed: 1,
                failed: 0,
            },
        }
    })
}

fn any_operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        1 => any_registration(),
        4 => any_attempt_operation(),
        5 => any_step_operation(),
        2 => any_run_operation(),
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
