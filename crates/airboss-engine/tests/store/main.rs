//! The SQLite store against the world: many real processes, kills, damage, full disks.
//!
//! The processes are this very test program, started again with what to do in a variable.

#![cfg(test)]

mod damage;
mod reading;
mod size;

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use airboss_core::board::{BoardKey, BoardOperation, Cause, Task, TaskChange, TaskFacts};
use airboss_core::operation::{Actor, Operation, PlanKey, StepRecord, StepStatus};
use airboss_core::path::RepoPath;
use airboss_core::view::View;
use airboss_engine::store::{
    BoardStanding, Change, CommandId, Commit, Committed, Decided, FoundSections, OperationQuery,
    Options, Section, SqliteStore, Store, StoreError, Wanted,
};
use rusqlite::Connection;

const TASK: &str = "AIRBOSS_TEST_STORE_TASK";

/// The user and group `nobody`, who owns nothing.
const NOBODY: u32 = 65_534;

fn plan() -> PlanKey {
    PlanKey::new(RepoPath::new("plans/one.md").unwrap())
}

fn registered(count: usize) -> Operation {
    let steps = (0..count)
        .map(|number| StepRecord {
            id: format!("1.{number}").as_str().into(),
            phase: "1".to_owned(),
            phase_title: "One".to_owned(),
            description: format!("do the work of step {number}"),
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

fn with_steps(directory: &Path, count: usize) -> SqliteStore {
    let mut store = SqliteStore::open(directory).unwrap();
    let commit = Commit::new(plan(), vec![registered(count)]);
    let committed = store.commit(&commit).unwrap();
    assert!(matches!(committed, Committed::Applied { .. }));
    store
}

/// Marks one step and returns the sequence number of the operation.
fn mark_once(store: &mut SqliteStore, step: &str) -> Result<u64, StoreError> {
    let decided = store.decide(&plan(), None, &step.into(), &mut |standing| {
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
    })?;
    match decided {
        Decided::Applied { operations, .. } => Ok(operations[0].sequence),
        other => panic!("{other:?}"),
    }
}

fn assert_is_fold(store: &SqliteStore) {
    let query = OperationQuery {
        limit: usize::MAX,
        ..OperationQuery::default()
    };
    let mut fold = View::default();
    for (number, stored) in (1..).zip(store.operations(&query).unwrap()) {
        assert_eq!(stored.sequence, number, "the log has no gap");
        fold.apply(&stored).unwrap();
    }
    assert_eq!(store.view(&plan()).unwrap().unwrap(), fold);
}

/// This program as a process that does one task: a word, the directory, and arguments.
fn process(words: &[&str]) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "task", "--ignored", "--nocapture", "--quiet"])
        .env(TASK, words.join("\n"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    command
}

fn say(line: &str) {
    let mut output = std::io::stdout().lock();
    writeln!(output, "\n: {line}").unwrap();
    output.flush().unwrap();
}

/// The next line that the process says, `None` when it has ended.
fn hear(lines: &mut impl Iterator<Item = std::io::Result<String>>) -> Option<String> {
    lines.find_map(|line| line.ok()?.strip_prefix(": ").map(str::to_owned))
}

fn lines_of(child: &mut Child) -> impl Iterator<Item = std::io::Result<String>> + use<> {
    BufReader::new(child.stdout.take().unwrap()).lines()
}

/// The only line that the process says, when it has ended.
fn last_words(child: &mut Child) -> Option<String> {
    let mut lines = lines_of(child);
    let said = hear(&mut lines);
    lines.for_each(drop);
    said
}

/// Name, content and everything that a write would change, of every file.
fn files(directory: &Path) -> BTreeMap<String, (u64, (i64, i64), u64, u32)> {
    fs_err::read_dir(directory)
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let facts = entry.metadata().unwrap();
            let mut hasher = DefaultHasher::new();
            if facts.is_file() {
                fs_err::read(entry.path()).unwrap().hash(&mut hasher);
            }
            let content = hasher.finish();
            let changed = (facts.mtime(), facts.mtime_nsec());
            let name = entry.file_name().into_string().unwrap();
            (name, (content, changed, facts.ino(), facts.mode()))
        })
        .collect()
}

/// Empties the log into the database and removes both of SQLite's other files.
fn put_away(directory: &Path) {
    let connection = Connection::open(directory.join("state.db")).unwrap();
    connection
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        .unwrap();
    drop(connection);
    assert!(!directory.join("state.db-wal").exists());
}

fn read_everything(directory: &Path) -> u64 {
    let mut store = SqliteStore::open_reader(directory).unwrap().unwrap();
    store.view(&plan()).unwrap().unwrap();
    store.overview(&plan()).unwrap().unwrap();
    store.operations(&OperationQuery::default()).unwrap();
    store.find_attempt("a").unwrap();
    store.leases().unwrap();
    let refused = mark_once(&mut store, "1.0").unwrap_err();
    assert!(matches!(refused, StoreError::ReadOnly { .. }));
    store.sequence().unwrap()
}

#[test]
#[ignore = "a process that the other tests start"]
fn task() {
    let Ok(words) = std::env::var(TASK) else {
        return;
    };
    let words: Vec<&str> = words.lines().collect();
    let directory = Path::new(words[1]);
    match words[0] {
        "count" => count(
            directory,
            words[2],
            words[3].parse().unwrap(),
            words[4] == "gate",
        ),
        "create" => {
            let command = Some(CommandId::new(words[2]));
            let mut commit = Commit::new(plan(), vec![registered(3)]);
            commit.command = command;
            SqliteStore::open(directory)
                .unwrap()
                .commit(&commit)
                .unwrap();
        }
        "forever" => {
            let mut store = SqliteStore::open(directory).unwrap();
            loop {
                say(&mark_once(&mut store, "1.0").unwrap().to_string());
            }
        }
        "obey" => {
            let mut store = SqliteStore::open(directory).unwrap();
            store.sequence().unwrap();
            say("open");
            for _ in std::io::stdin().lines() {
                say(&mark_once(&mut store, "1.0").unwrap().to_string());
            }
        }
        "hold" => {
            let connection = Connection::open(directory.join("state.db")).unwrap();
            connection.execute_batch("BEGIN IMMEDIATE").unwrap();
            say("held");
            std::io::stdin().read_line(&mut String::new()).unwrap();
        }
        "read" => match SqliteStore::open_reader(directory) {
            Ok(store) => say(&store.unwrap().sequence().unwrap().to_string()),
            Err(error) => say(&format!("{} {error}", error.exit_code())),
        },
        "write" => match SqliteStore::open(directory).map(|mut store| mark_once(&mut store, "1.0"))
        {
            Ok(Ok(sequence)) => say(&sequence.to_string()),
            Ok(Err(error)) | Err(error) => say(&format!("{} {error}", error.exit_code())),
        },
        "fill" => fill(directory),
        other => panic!("unknown task {other}"),
    }
}

/// Changes one step so often, and opens the store for every change as a command does.
fn count(directory: &Path, step: &str, rounds: u64, gate: bool) {
    let mut slowest = Duration::ZERO;
    for _ in 0..rounds {
        let began = Instant::now();
        let options = Options {
            gate,
            ..Options::default()
        };
        let mut store = SqliteStore::open_with(directory, options).unwrap();
        mark_once(&mut store, step).unwrap();
        slowest = slowest.max(began.elapsed());
    }
    say(&slowest.as_millis().to_string());
}

/// Writes until the disk is full, then makes room and looks at what is there.
fn fill(directory: &Path) {
    let ballast = directory.join("ballast");
    fs_err::write(&ballast, vec![1; 200_000]).unwrap();
    let mut store = with_steps(&directory.join("store"), 3);
    let mut acknowledged = 1;
    let error = loop {
        match mark_once(&mut store, "1.0") {
            Ok(sequence) => acknowledged = sequence,
            Err(error) => break error,
        }
    };
    drop(store);
    fs_err::remove_file(ballast).unwrap();
    let mut store = SqliteStore::open(&directory.join("store")).unwrap();
    assert_is_fold(&store);
    let found = store.sequence().unwrap();
    mark_once(&mut store, "1.0").unwrap();
    say(&format!(
        "{} {acknowledged} {found} {error}",
        error.exit_code()
    ));
}

fn many_processes(processes: u64, gate: &str) {
    const ROUNDS: u64 = 50;
    let directory = tempfile::tempdir().unwrap();
    let home = directory.path().to_str().unwrap();
    drop(with_steps(
        directory.path(),
        usize::try_from(processes).unwrap(),
    ));
    let began = Instant::now();
    let children: Vec<Child> = (0..processes)
        .map(|number| {
            let step = format!("1.{number}");
            let rounds = ROUNDS.to_string();
            process(&["count", home, &step, &rounds, gate])
                .spawn()
                .unwrap()
        })
        .collect();
    let mut slowest = 0;
    for mut child in children {
        let said = last_words(&mut child).expect("a writer failed");
        slowest = slowest.max(said.parse::<u64>().unwrap());
        assert!(child.wait().unwrap().success());
    }
    let elapsed = began.elapsed();
    let store = SqliteStore::open_reader(directory.path()).unwrap().unwrap();
    let view = store.view(&plan()).unwrap().unwrap();
    let lost: u64 = view
        .steps
        .iter()
        .map(|step| 1 + ROUNDS - step.state.version)
        .sum();
    let total = processes * ROUNDS;
    println(&format!(
        "{processes} processes x {ROUNDS} ({gate}): {lost} lost, {:.0}/s, slowest {slowest} ms",
        total as f64 / elapsed.as_secs_f64()
    ));
    assert_eq!(lost, 0);
    assert_eq!(store.sequence().unwrap(), 1 + total);
    assert_is_fold(&store);
}

fn println(line: &str) {
    writeln!(std::io::stderr(), "{line}").unwrap();
}

#[test]
fn twenty_processes_lose_nothing() {
    many_processes(20, "gate");
}

#[test]
fn sixty_four_processes_lose_nothing() {
    many_processes(64, "gate");
}

#[test]
fn eight_processes_lose_nothing_without_the_gate() {
    many_processes(8, "no gate");
}

#[test]
fn sixty_four_processes_create_one_database() {
    let directory = tempfile::tempdir().unwrap();
    let home = directory.path().join("new/state");
    let children: Vec<Child> = (0..64)
        .map(|number| {
            let words = ["create", home.to_str().unwrap(), &number.to_string()];
            process(&words).spawn().unwrap()
        })
        .collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let store = SqliteStore::open_reader(&home).unwrap().unwrap();
    assert_eq!(store.sequence().unwrap(), 64);
    assert_is_fold(&store);
    let names: Vec<String> = files(&home).into_keys().collect();
    assert_eq!(
        names,
        ["gate.writer", "state.db", "state.db-shm", "state.db-wal"]
    );
}

#[test]
fn what_was_acknowledged_survives_a_kill() {
    const KILLS: u64 = 20;
    let directory = tempfile::tempdir().unwrap();
    drop(with_steps(directory.path(), 3));
    let mut acknowledged = 1;
    for kill in 1..=KILLS {
        let words = ["forever", directory.path().to_str().unwrap()];
        let mut child = process(&words).spawn().unwrap();
        let mut lines = lines_of(&mut child);
        for _ in 0..kill * 3 {
            acknowledged = hear(&mut lines).unwrap().parse().unwrap();
        }
        child.kill().unwrap();
        // What it said before it died counts as well.
        while let Some(sequence) = hear(&mut lines) {
            acknowledged = sequence.parse().unwrap();
        }
        child.wait().unwrap();
        let store = SqliteStore::open(directory.path()).unwrap();
        let found = store.sequence().unwrap();
        assert!(
            found == acknowledged || found == acknowledged + 1,
            "kill {kill}: {acknowledged} acknowledged, {found} found"
        );
        assert_is_fold(&store);
    }
    println(&format!(
        "{KILLS} kills, {acknowledged} acknowledged, 0 lost"
    ));
}

/// What a process says that may not write in the directory.
fn as_nobody(words: &[&str]) -> Option<String> {
    let mut command = process(words);
    if rustix::process::geteuid().is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    let mut child = command.spawn().ok()?;
    let said = last_words(&mut child);
    child.wait().unwrap();
    said
}

#[test]
fn a_read_only_directory_can_be_read() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let home = directory.to_str().unwrap();
    drop(with_steps(directory, 3));
    let lock = |directory_mode, file_mode| {
        for name in files(directory).into_keys() {
            let mode = std::fs::Permissions::from_mode(file_mode);
            fs_err::set_permissions(directory.join(name), mode).unwrap();
        }
        let mode = std::fs::Permissions::from_mode(directory_mode);
        fs_err::set_permissions(directory, mode).unwrap();
    };
    lock(0o555, 0o444);
    let before = files(directory);
    let Some(said) = as_nobody(&["read", home]) else {
        println("skipped: this program cannot be started by another user");
        return;
    };
    assert_eq!(said, "1", "with a log");
    let said = as_nobody(&["write", home]).unwrap();
    assert!(
        said.starts_with("74 ") && said.contains("state.db"),
        "{said}"
    );
    assert_eq!(files(directory), before);
    lock(0o755, 0o644);
    put_away(directory);
    lock(0o555, 0o444);
    assert_eq!(as_nobody(&["read", home]).unwrap(), "1", "without a log");
    let nothing = directory.join("k-none");
    let said = as_nobody(&["write", nothing.to_str().unwrap()]).unwrap();
    assert!(said.starts_with("74 "), "{said}");
    lock(0o755, 0o644);
}

#[test]
fn a_full_disk_loses_nothing_that_was_acknowledged() {
    let directory = tempfile::tempdir().unwrap();
    let home = directory.path().to_str().unwrap();
    // A mount of its own, in a name space of its own that ends with the process.
    let task = process(&["fill", home]);
    let mut command = Command::new("unshare");
    command
        .args(["--user", "--map-root-user", "--mount", "sh", "-c"])
        .arg("mount -t tmpfs -o size=1m none \"$1\" && shift && exec \"$@\"")
        .args(["sh", home])
        .arg(task.get_program())
        .args(task.get_args())
        .envs(
            task.get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        )
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    let said = command.spawn().ok().and_then(|mut child| {
        let said = last_words(&mut child);
        child.wait().unwrap();
        said
    });
    let Some(said) = said else {
        println("skipped: a small disk cannot be mounted here");
        return;
    };
    let words: Vec<&str> = said.split(' ').collect();
    println(&format!("full disk: {said}"));
    assert_eq!(words[0], "74", "{said}");
    assert_eq!(words[1], words[2], "acknowledged and found: {said}");
}

#[test]
fn a_writer_that_holds_the_lock_for_too_long_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = with_steps(directory.path(), 1);
    let words = ["hold", directory.path().to_str().unwrap()];
    let mut holder = process(&words).spawn().unwrap();
    let mut lines = lines_of(&mut holder);
    assert_eq!(hear(&mut lines).as_deref(), Some("held"));
    let options = Options {
        patience: Duration::from_millis(50),
        ..Options::default()
    };
    let mut hasty = SqliteStore::open_with(directory.path(), options).unwrap();
    let error = mark_once(&mut hasty, "1.0").unwrap_err();
    assert_eq!(error.exit_code(), 75, "{error}");
    let words = format!("process {}", holder.id());
    assert!(error.to_string().contains(&words), "{error}");
    assert_eq!(store.sequence().unwrap(), 1, "readers do not wait");
    holder.kill().unwrap();
    holder.wait().unwrap();
    assert_eq!(
        mark_once(&mut store, "1.0").unwrap(),
        2,
        "the lock died with it"
    );
    assert_eq!(mark_once(&mut hasty, "1.0").unwrap(), 3);
}
