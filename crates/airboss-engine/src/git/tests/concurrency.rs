//! Many committers at once, with and without the gate, and beside a person's git.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use super::*;

const WORKERS: usize = 8;
const COMMITS: usize = 25;
const FILES: usize = 3;

/// A worker's request: three files of its own, from its last content to the next.
fn request(bench: &Bench, worker: usize, round: usize) -> CommitRequest {
    let entry = |round: usize, file: usize| {
        let blob = store(bench, &format!("{worker} {file} {round}\n"));
        Entry {
            mode: FileMode::Regular,
            blob,
        }
    };
    let delta = |file: usize| Delta {
        path: path(&format!("work/w{worker}/f{file}")),
        before: round.checked_sub(1).map(|last| entry(last, file)),
        after: Some(entry(round, file)),
    };
    CommitRequest {
        operation: OperationId::from_uuid(fresh_uuid()),
        deltas: (0..FILES).map(delta).collect(),
        message: Message {
            subject: format!("worker {worker} round {round}"),
            ..Message::default()
        },
        time: Timestamp::from_millis(1_772_442_900_000),
        since: None,
    }
}

fn store(bench: &Bench, text: &str) -> Oid {
    let git = bench.repository.open().unwrap();
    Oid::from_gix(git.write_blob(text).unwrap().detach())
}

/// Commits all rounds of one worker; returns how often it was deferred.
fn work(bench: &Bench, worker: usize, rounds: usize, settings: CommitSettings) -> u32 {
    let mut deferred = 0;
    for round in 0..rounds {
        let request = request(bench, worker, round);
        let deadline = Instant::now() + Duration::from_secs(60);
        let mut last_reason = None;
        loop {
            match scoped_commit(&bench.repository, &request, &settings).unwrap() {
                CommitOutcome::Committed { paths, .. } => {
                    assert_eq!(paths.len(), FILES);
                    break;
                }
                CommitOutcome::Deferred { reason } if Instant::now() < deadline => {
                    deferred += 1;
                    last_reason = Some(reason);
                }
                other => panic!("worker {worker} round {round}: {last_reason:?}, {other:?}"),
            }
        }
    }
    deferred
}

/// Each commit of a worker holds its three files and nothing else; none is missing.
fn check_history(bench: &Bench, workers: usize, rounds: usize) {
    let log = bench.git(&[
        "log",
        "--reverse",
        "--no-renames",
        "--name-only",
        "--format=>%s",
    ]);
    let (mut commits, mut contaminated) = (0, 0);
    for commit in log
        .split('>')
        .filter(|commit| commit.starts_with("worker "))
    {
        let mut found = commit.lines().filter(|line| !line.is_empty());
        let worker = found.next().unwrap().split(' ').nth(1).unwrap().to_owned();
        let expected: Vec<_> = (0..FILES)
            .map(|file| format!("work/w{worker}/f{file}"))
            .collect();
        commits += 1;
        contaminated += u32::from(found.collect::<Vec<_>>() != expected);
    }
    let lost = workers * rounds - commits;
    println!("{commits} commits, {lost} lost, {contaminated} contaminated");
    assert_eq!((commits, contaminated), (workers * rounds, 0));
    for (worker, file) in (0..workers).flat_map(|worker| (0..FILES).map(move |file| (worker, file)))
    {
        let content = bench.git(&["show", &format!("HEAD:work/w{worker}/f{file}")]);
        assert_eq!(content, format!("{worker} {file} {}\n", rounds - 1));
    }
}

fn run_workers(settings: CommitSettings) {
    let bench = Bench::new();
    bench.write("README.md", "staged by hand\n");
    bench.git(&["add", "README.md"]);
    let start = Instant::now();
    let bench = &bench;
    let deferred: u32 = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..WORKERS)
            .map(|worker| scope.spawn(move || work(bench, worker, COMMITS, settings)))
            .collect();
        workers
            .into_iter()
            .map(|worker| worker.join().unwrap())
            .sum()
    });
    println!(
        "gate {}: {deferred} deferred, {:?}",
        settings.gate,
        start.elapsed()
    );
    assert_eq!(deferred, 0);
    check_history(bench, WORKERS, COMMITS);
    let staged = bench.git(&["diff", "--cached", "--name-only"]);
    assert_eq!(staged, "README.md\n", "the index follows every commit");
    bench.check();
}

#[test]
fn eight_committers_with_the_gate() {
    run_workers(CommitSettings::default());
}

#[test]
fn eight_committers_without_the_gate() {
    run_workers(CommitSettings {
        gate: false,
        ..CommitSettings::default()
    });
}

#[test]
fn committers_beside_a_person() {
    const ROUNDS: usize = 8;
    let bench = &Bench::new();
    let (is_done, by_hand) = (AtomicBool::new(false), AtomicU32::new(0));
    let tries = std::thread::scope(|scope| {
        let person = scope.spawn(|| {
            let mut tries = 0;
            // He ends with a commit that succeeds, so that nothing of his is half-way.
            let mut last = false;
            while !is_done.load(Ordering::Relaxed) || !last {
                tries += 1;
                bench.write("by-hand", &format!("{tries}\n"));
                let add = git_command(bench.top(), &["add", "by-hand"])
                    .output()
                    .unwrap();
                let commit = ["commit", "-qm", "by hand"];
                let commit = git_command(bench.top(), &commit).output().unwrap();
                last = add.status.success() && commit.status.success();
                by_hand.fetch_add(u32::from(last), Ordering::Relaxed);
            }
            tries
        });
        let workers: Vec<_> = (0..3)
            .map(|worker| {
                scope.spawn(move || work(bench, worker, ROUNDS, CommitSettings::default()))
            })
            .collect();
        let results: Vec<_> = workers
            .into_iter()
            .map(std::thread::ScopedJoinHandle::join)
            .collect();
        is_done.store(true, Ordering::Relaxed);
        let deferred: u32 = results.into_iter().map(Result::unwrap).sum();
        println!("{deferred} deferred and made later");
        person.join().unwrap()
    });
    println!(
        "the person committed {} of {tries} times",
        by_hand.load(Ordering::Relaxed)
    );
    check_history(bench, 3, ROUNDS);
    let hand = bench.git(&[
        "log",
        "--author=person",
        "--grep=^by hand",
        "--name-only",
        "--format=",
    ]);
    let foreign = hand.lines().filter(|line| *line != "by-hand").count();
    assert_eq!(foreign, 0, "a person's commits hold only his file");
    assert_eq!(bench.git(&["diff", "--cached", "--name-only"]), "");
    bench.check();
}

#[test]
fn what_a_person_stages_is_never_lost() {
    const ROUNDS: usize = 10;
    let bench = &Bench::new();
    let is_done = AtomicBool::new(false);
    let staged = std::thread::scope(|scope| {
        let person = scope.spawn(|| {
            let mut staged = Vec::new();
            for number in 0.. {
                let name = format!("staged/{number}");
                bench.write(&name, "1\n");
                let add = git_command(bench.top(), &["add", &name]).output().unwrap();
                if add.status.success() {
                    staged.push(name);
                }
                if is_done.load(Ordering::Relaxed) {
                    break;
                }
            }
            staged
        });
        let settings = CommitSettings {
            gate: false,
            ..CommitSettings::default()
        };
        let workers: Vec<_> = (0..3)
            .map(|worker| scope.spawn(move || work(bench, worker, ROUNDS, settings)))
            .collect();
        let results: Vec<_> = workers
            .into_iter()
            .map(std::thread::ScopedJoinHandle::join)
            .collect();
        is_done.store(true, Ordering::Relaxed);
        results
            .into_iter()
            .for_each(|result| assert_eq!(result.unwrap(), 0));
        person.join().unwrap()
    });
    println!(
        "{} files staged beside {} commits",
        staged.len(),
        3 * ROUNDS
    );
    check_history(bench, 3, ROUNDS);
    let shown = bench.git(&["diff", "--cached", "--name-only"]);
    let shown: std::collections::BTreeSet<_> = shown.lines().map(str::to_owned).collect();
    assert_eq!(shown, staged.into_iter().collect());
    bench.check();
}
