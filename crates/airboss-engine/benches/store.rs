//! One durable change of a step, in process, beside a bare durable write of 5 kB.
//!
//! Each change opens the store as a fresh command does. The whole process is what
//! `cargo xtask bench` times; this tells how much of it is the store's.

use fs_err::File;
use std::io::Write as _;
use std::path::Path;

use airboss_core::id::StepId;
use airboss_core::operation::{Actor, Operation, PlanKey, StepRecord, StepStatus};
use airboss_core::path::RepoPath;
use airboss_engine::store::{Change, Commit, Decided, Refusal, SqliteStore, Standing, Store as _};
use criterion::{Criterion, criterion_group, criterion_main};

fn change(criterion: &mut Criterion) {
    let key = PlanKey::new(RepoPath::new("plans/one.md").expect("a plain path is one"));
    for steps in [10, 1_000, 10_000] {
        let directory = tempfile::tempdir().expect("a temporary directory can be made");
        let home = directory.path();
        let commit = Commit::new(key.clone(), vec![registered(steps)]);
        let mut store = SqliteStore::open(home).expect("a new store opens");
        store.commit(&commit).expect("a plan can be registered");
        drop(store);

        let mut group = criterion.benchmark_group(format!("store-{steps}"));
        let mut number = 0;
        group.bench_function("airboss", |bencher| {
            bencher.iter(|| {
                number += 1;
                mark(home, &key, &StepId::new((number % steps).to_string()));
            });
        });
        group.bench_function("bare", |bencher| {
            bencher.iter(|| bare_write(home).expect("a file can be written"));
        });
        group.finish();

        // What was measured is right: no change is lost. Each is one operation.
        let store = SqliteStore::open_reader(home)
            .expect("it opens")
            .expect("it is there");
        let sequence = store.sequence().expect("it can be read");
        assert_eq!(sequence, 1 + number as u64, "operations with {steps} steps");
    }
}

fn registered(count: usize) -> Operation {
    let steps = (0..count)
        .map(|number| StepRecord {
            id: StepId::new(number.to_string()),
            phase: (number / 20).to_string(),
            phase_title: format!("Phase {}", number / 20),
            description: format!("Do the work of step {number} and show that it is done"),
            dependencies: Vec::new(),
        })
        .collect();
    Operation::PlanRegistered {
        name: "one".to_owned(),
        hash: "0".to_owned(),
        steps,
        renamed: Vec::new(),
    }
}

fn mark(home: &Path, key: &PlanKey, step: &StepId) {
    let mut started = |standing: &Standing| -> Result<Change, Refusal> {
        Ok(Change {
            operations: vec![Operation::StepMarked {
                step: standing.step.record.id.clone(),
                status: StepStatus::InProgress,
                actor: Actor::Person,
                text: None,
                forced: false,
                stuck: false,
            }],
            ..Change::default()
        })
    };
    let mut store = SqliteStore::open(home).expect("the store opens");
    let decided = store.decide(key, None, step, &mut started);
    assert!(
        matches!(decided, Ok(Decided::Applied { .. })),
        "{decided:?}"
    );
}

fn bare_write(directory: &Path) -> std::io::Result<()> {
    let (temporary, target) = (directory.join("bare.new"), directory.join("bare"));
    let mut file = File::create(&temporary)?;
    file.write_all(&[b'x'; 5_000])?;
    file.sync_all()?;
    fs_err::rename(&temporary, &target)?;
    File::open(directory)?.sync_all()
}

criterion_group!(benches, change);
criterion_main!(benches);
