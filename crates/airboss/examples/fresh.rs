//! One piece of the engine's work in a fresh process, for `cargo xtask bench` to time.
//!
//! `prepare DIRECTORY STEPS` makes a store with one plan; `mark DIRECTORY STEP` stores one
//! durable change of a step; `count DIRECTORY` prints how many steps were changed;
//! `commit TOP OPERATION PATH...` commits exactly these paths of a repository.

use std::path::Path;

use airboss_core::id::{OperationId, StepId};
use airboss_core::operation::{Actor, Operation, PlanKey, StepRecord, StepStatus};
use airboss_core::path::RepoPath;
use airboss_engine::clock;
use airboss_engine::git::{
    CommitOutcome, CommitRequest, CommitSettings, Delta, Entry, FileMode, Message, Repository,
    scoped_commit,
};
use airboss_engine::store::{
    Change, Commit, Decided, Refusal, SqliteStore, Standing, Store, StoreError,
};

type Problem = Box<dyn std::error::Error>;

fn main() -> Result<(), Problem> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["prepare", directory, steps] => prepare(Path::new(directory), steps.parse()?),
        ["mark", directory, step] => mark(Path::new(directory), &StepId::new(*step)),
        ["count", directory] => count(Path::new(directory)),
        ["commit", top, operation, paths @ ..] => commit(Path::new(top), operation.parse()?, paths),
        _ => Err("see the top of this file".into()),
    }
}

fn plan() -> Result<PlanKey, Problem> {
    Ok(PlanKey::new(RepoPath::new("plans/one.md")?))
}

fn prepare(directory: &Path, count: usize) -> Result<(), Problem> {
    let steps = (0..count)
        .map(|number| StepRecord {
            id: StepId::new(number.to_string()),
            phase: (number / 20).to_string(),
            phase_title: format!("Phase {}", number / 20),
            description: format!("Do the work of step {number} and show that it is done"),
            dependencies: Vec::new(),
        })
        .collect();
    let registered = Operation::PlanRegistered {
        name: "one".to_owned(),
        hash: "0".to_owned(),
        steps,
        renamed: Vec::new(),
    };
    SqliteStore::open(directory)?.commit(&Commit::new(plan()?, vec![registered]))?;
    Ok(())
}

fn mark(directory: &Path, step: &StepId) -> Result<(), Problem> {
    let mut store = SqliteStore::open(directory)?;
    match decide(&mut store, step)? {
        Decided::Applied { .. } => Ok(()),
        other => Err(format!("{other:?}").into()),
    }
}

fn decide(store: &mut SqliteStore, step: &StepId) -> Result<Decided, Problem> {
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
    let decided: Result<Decided, StoreError> = store.decide(&plan()?, None, step, &mut started);
    Ok(decided?)
}

#[expect(clippy::print_stdout, reason = "the number is what is asked for")]
fn count(directory: &Path) -> Result<(), Problem> {
    let store = SqliteStore::open_reader(directory)?.ok_or("there is no store")?;
    let overview = store.overview(&plan()?)?.ok_or("there is no plan")?;
    println!("{}", overview.counts.in_progress);
    Ok(())
}

fn commit(top: &Path, operation: OperationId, paths: &[&str]) -> Result<(), Problem> {
    let repository = Repository::discover(top)?.ok_or("there is no repository")?;
    let delta = |path: &&str| -> Result<Delta, Problem> {
        let file = repository.top().join(path);
        let path = RepoPath::new(path)?;
        let after = Entry {
            mode: FileMode::Regular,
            blob: repository.write_blob(&fs_err::read(file)?)?,
        };
        Ok(Delta {
            before: repository.head_file(&path)?.map(|(entry, _)| entry),
            after: Some(after),
            path,
        })
    };
    let request = CommitRequest {
        operation,
        deltas: paths.iter().map(delta).collect::<Result<_, _>>()?,
        message: Message {
            subject: "Sort the letters".to_owned(),
            ..Message::default()
        },
        time: clock::now(),
        since: None,
    };
    match scoped_commit(&repository, &request, &CommitSettings::default())? {
        CommitOutcome::Committed { paths: done, .. } if done.len() == paths.len() => Ok(()),
        other => Err(format!("{other:?}").into()),
    }
}
