//! How long the store takes, with plans of 10, 1,000 and 10,000 steps, on this machine.
//!
//! `cargo run --release -p airboss-engine --example store_times`. Every round opens the store
//! as a fresh command does; the numbers are medians in microseconds, and the first column is a
//! bare durable write of 5 KB for comparison.

use std::io::Write;
use std::path::Path;
use std::time::Instant;

use airboss_core::operation::{Actor, Operation, PlanKey, StepRecord, StepStatus};
use airboss_core::path::RepoPath;
use airboss_engine::store::{Change, Commit, Refusal, SqliteStore, Standing, Store, StoreError};
use fs_err::File;

const ROUNDS: usize = 201;

type Problem = Box<dyn std::error::Error>;

fn main() -> Result<(), Problem> {
    let mut output = std::io::stdout();
    writeln!(
        output,
        "{:>6} {:>8} {:>8} {:>12} {:>8} {:>14} {:>8} {:>8}",
        "steps", "bare", "open", "open+decide", "decide", "reader+counts", "view", "database"
    )?;
    for steps in [10, 1_000, 10_000] {
        let directory = tempfile::tempdir()?;
        let key = PlanKey::new(RepoPath::new("plans/one.md")?);
        let commit = Commit::new(key.clone(), vec![registered(steps)]);
        SqliteStore::open(directory.path())?.commit(&commit)?;
        let home = directory.path();
        let bare = median(|_| Ok(bare_write(home)?))?;
        let open = median(|_| Ok(SqliteStore::open(home).map(drop)?))?;
        let command =
            median(|round| Ok(decide(&mut SqliteStore::open(home)?, &key, round % steps)?))?;
        let mut store = SqliteStore::open(home)?;
        let warm = median(|round| Ok(decide(&mut store, &key, round % steps)?))?;
        drop(store);
        let counts = median(|_| {
            let store = SqliteStore::open_reader(home)?.ok_or("no store")?;
            store.overview(&key)?.ok_or("no plan")?;
            Ok(())
        })?;
        let store = SqliteStore::open_reader(home)?.ok_or("no store")?;
        let view = median(|_| Ok(store.view(&key).map(drop)?))?;
        let size = fs_err::metadata(home.join("state.db"))?.len() / 1_024;
        writeln!(
            output,
            "{steps:>6} {bare:>8} {open:>8} {command:>12} {warm:>8} {counts:>14} {view:>8} {size:>5} KB"
        )?;
    }
    Ok(())
}

fn registered(count: usize) -> Operation {
    let steps = (0..count)
        .map(|number| StepRecord {
            id: format!("{}.{}", number / 20, number % 20).as_str().into(),
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

fn decide(store: &mut SqliteStore, key: &PlanKey, number: usize) -> Result<(), StoreError> {
    let step = format!("{}.{}", number / 20, number % 20).as_str().into();
    let mut mark = |standing: &Standing| -> Result<Change, Refusal> {
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
    store.decide(key, None, &step, &mut mark).map(drop)
}

fn bare_write(directory: &Path) -> std::io::Result<()> {
    let (temporary, target) = (directory.join("bare.new"), directory.join("bare"));
    let mut file = File::create(&temporary)?;
    file.write_all(&[b'x'; 5_000])?;
    file.sync_all()?;
    fs_err::rename(&temporary, &target)?;
    File::open(directory)?.sync_all()
}

/// The median of all rounds, in microseconds.
fn median(mut round: impl FnMut(usize) -> Result<(), Problem>) -> Result<u128, Problem> {
    let mut times = Vec::with_capacity(ROUNDS);
    for number in 0..ROUNDS {
        let began = Instant::now();
        round(number)?;
        times.push(began.elapsed().as_micros());
    }
    times.sort_unstable();
    Ok(times[ROUNDS / 2])
}
