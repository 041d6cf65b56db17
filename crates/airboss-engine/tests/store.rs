//! The SQLite store against the world: many real processes, kills, damage, full disks.
//!
//! The processes are this very test program, started again with what to do in a variable.

#![cfg(test)]

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

/// A process that keeps the store open and changes it when it is told to.
struct Writer {
    child: Child,
    said: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Writer {
    fn start(directory: &Path) -> Self {
        let words = ["obey", directory.to_str().unwrap()];
        let mut child = process(&words).spawn().unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
        assert_eq!(hear(&mut said).as_deref(), Some("open"));
        Self { child, said }
    }

    fn mark(&mut self) -> u64 {
        writeln!(self.child.stdin.as_mut().unwrap(), "mark").unwrap();
        hear(&mut self.said).unwrap().parse().unwrap()
    }

    fn stop(mut self) {
        drop(self.child.stdin.take());
        self.said.for_each(drop);
        assert!(self.child.wait().unwrap().success());
    }
}

#[test]
fn a_reader_in_the_way_of_a_writer_is_named() {
    let directory = tempfile::tempdir().unwrap();
    drop(with_steps(directory.path(), 3));
    let reader = SqliteStore::open_reader(directory.path()).unwrap().unwrap();
    assert_eq!(reader.sequence().unwrap(), 1);
    let mut store = SqliteStore::open(directory.path()).unwrap();
    let error = mark_once(&mut store, "1.0").unwrap_err();
    assert!(error.to_string().contains("a reader"), "{error}");
    drop((store, reader));
    let mut store = SqliteStore::open(directory.path()).unwrap();
    let reader = SqliteStore::open_reader(directory.path()).unwrap().unwrap();
    mark_once(&mut store, "1.0").unwrap();
    assert_eq!(reader.sequence().unwrap(), 2);
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

#[test]
fn reading_writes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    assert!(SqliteStore::open_reader(directory).unwrap().is_none());
    assert!(
        SqliteStore::open_reader(&directory.join("none"))
            .unwrap()
            .is_none()
    );
    assert!(files(directory).is_empty());
    let check = |what: &str, expected: u64| {
        let before = files(directory);
        assert_eq!(read_everything(directory), expected, "{what}");
        assert_eq!(files(directory), before, "{what}");
    };
    drop(with_steps(directory, 3));
    // Connections of one process share the lock table, so the writer is another process.
    let mut writer = Writer::start(directory);
    check("while a writer is there", 1);
    assert_eq!(writer.mark(), 2);
    check("while the log grows", 2);
    writer.stop();
    assert!(directory.join("state.db-wal").exists(), "the log is kept");
    check("after the writer has gone", 2);
    put_away(directory);
    check("without a log", 2);
}

#[test]
fn a_reader_that_stays_sees_what_is_committed() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    drop(with_steps(directory, 3));
    let check = |reader: &SqliteStore| {
        let before = reader.sequence().unwrap();
        let mut writer = Writer::start(directory);
        writer.mark();
        assert_eq!(reader.sequence().unwrap(), before + 1, "beside a writer");
        writer.mark();
        writer.stop();
        assert_eq!(reader.sequence().unwrap(), before + 2, "after it");
    };
    let reader = SqliteStore::open_reader(directory).unwrap().unwrap();
    check(&reader);
    check(&reader);
    drop(reader);
    put_away(directory);
    let reader = SqliteStore::open_reader(directory).unwrap().unwrap();
    check(&reader);
    check(&reader);
}

#[test]
fn a_log_without_its_lock_table_is_left_to_writers() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    drop(with_steps(directory, 3));
    fs_err::remove_file(directory.join("state.db-shm")).unwrap();
    let before = files(directory);
    let error = SqliteStore::open_reader(directory).err().unwrap();
    assert!(
        error.to_string().contains("run any command that writes"),
        "{error}"
    );
    assert_eq!(files(directory), before);
    SqliteStore::open(directory).unwrap().sequence().unwrap();
    assert_eq!(read_everything(directory), 1);
}

#[test]
fn only_the_owner_can_read_it() {
    let directory = tempfile::tempdir().unwrap();
    let home = directory.path().join("a/b");
    drop(with_steps(&home, 1));
    let mode = |path: &Path| fs_err::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&home), 0o700);
    assert_eq!(files(&home).len(), 4);
    for name in files(&home).into_keys() {
        assert_eq!(mode(&home.join(&name)), 0o600, "{name}");
    }
}

fn outcome(directory: &Path) -> (StoreError, StoreError) {
    let writer = SqliteStore::open(directory).err().expect("opened");
    let reader = SqliteStore::open_reader(directory).err().expect("opened");
    (writer, reader)
}

#[test]
fn a_newer_database_is_refused_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    drop(with_steps(directory, 1));
    put_away(directory);
    let connection = Connection::open(directory.join("state.db")).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    drop(connection);
    put_away(directory);
    let before = fs_err::read(directory.join("state.db")).unwrap();
    let (writer, reader) = outcome(directory);
    for error in [writer, reader] {
        assert!(
            matches!(error, StoreError::Newer { found: 99, .. }),
            "{error}"
        );
        assert!(error.to_string().contains("update airboss"));
        assert_eq!(error.exit_code(), 74);
    }
    assert_eq!(fs_err::read(directory.join("state.db")).unwrap(), before);
}

fn aside(directory: &Path) -> Option<PathBuf> {
    let is_database = |name: &String| {
        name.contains(".damaged-") && !name.ends_with("-wal") && !name.ends_with("-shm")
    };
    let name = files(directory).into_keys().find(is_database)?;
    Some(directory.join(name))
}

#[test]
fn what_is_not_a_database_is_moved_aside_unchanged() {
    for garbage in ["hello", &"no database at all\n".repeat(1_000)] {
        let directory = tempfile::tempdir().unwrap();
        let directory = directory.path();
        fs_err::write(directory.join("state.db"), garbage).unwrap();
        let before = files(directory);
        let error = SqliteStore::open_reader(directory).err().unwrap();
        assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
        assert_eq!(files(directory), before, "a reader moves nothing");
        let error = SqliteStore::open(directory).err().unwrap();
        let aside = aside(directory).unwrap();
        assert!(
            error.to_string().contains(aside.to_str().unwrap()),
            "{error}"
        );
        assert_eq!(fs_err::read_to_string(aside).unwrap(), garbage);
        drop(with_steps(directory, 1));
    }
}

#[test]
fn a_damaged_database_is_moved_aside_unchanged() {
    let empty = tempfile::tempdir().unwrap();
    drop(SqliteStore::open(empty.path()).unwrap());
    put_away(empty.path());
    let schema = length_of(&empty.path().join("state.db"));
    // The schema with everything that follows, found at once; and only what follows it, found
    // by the first command that needs it.
    for intact in [4_096, schema] {
        let directory = tempfile::tempdir().unwrap();
        let directory = directory.path();
        drop(with_steps(directory, 200));
        put_away(directory);
        let path = directory.join("state.db");
        let mut content = fs_err::read(&path).unwrap();
        content[intact..].fill(0xA5);
        fs_err::write(&path, &content).unwrap();
        let opened = SqliteStore::open(directory);
        assert_eq!(opened.is_ok(), intact == schema);
        let error = opened.and_then(|mut store| mark_once(&mut store, "1.0"));
        let error = error.unwrap_err();
        assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
        assert!(!path.exists());
        let aside = aside(directory).unwrap();
        assert!(
            error.to_string().contains(aside.to_str().unwrap()),
            "{error}"
        );
        assert_eq!(fs_err::read(aside).unwrap(), content);
        drop(with_steps(directory, 1));
        assert_eq!(read_everything(directory), 1);
    }
}

fn length_of(path: &Path) -> usize {
    usize::try_from(fs_err::metadata(path).unwrap().len()).unwrap()
}

#[test]
fn an_empty_file_is_a_new_database() {
    let directory = tempfile::tempdir().unwrap();
    fs_err::write(directory.path().join("state.db"), "").unwrap();
    assert!(
        SqliteStore::open_reader(directory.path())
            .unwrap()
            .is_none()
    );
    drop(with_steps(directory.path(), 1));
    assert_eq!(read_everything(directory.path()), 1);
}

#[test]
fn a_directory_or_a_link_in_its_place_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state.db");
    fs_err::create_dir(&path).unwrap();
    let (writer, reader) = outcome(directory.path());
    assert!(matches!(writer, StoreError::Io { .. }), "{writer}");
    assert!(matches!(reader, StoreError::Io { .. }), "{reader}");
    fs_err::remove_dir(&path).unwrap();
    std::os::unix::fs::symlink("/nowhere/else", &path).unwrap();
    let error = SqliteStore::open(directory.path()).err().unwrap();
    assert!(error.to_string().contains("not a regular file"), "{error}");
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

#[test]
fn one_change_costs_the_same_in_a_plan_of_any_size() {
    let pages = |count: usize| {
        let directory = tempfile::tempdir().unwrap();
        let mut store = with_steps(directory.path(), count);
        mark_once(&mut store, "1.0").unwrap();
        put_away_log(directory.path());
        let log = || {
            fs_err::metadata(directory.path().join("state.db-wal"))
                .unwrap()
                .len()
        };
        mark_once(&mut store, "1.1").unwrap();
        let before = log();
        mark_once(&mut store, "1.1").unwrap();
        (log() - before) / 4_096
    };
    let (small, large) = (pages(10), pages(5_000));
    println(&format!(
        "pages written by one change: {small} of 10 steps, {large} of 5,000"
    ));
    assert!(large <= small + 2, "{small} pages, then {large}");
}

fn adoption(count: u32) -> Change {
    let ids = 1..=count;
    let task = |number: u32| -> Task {
        // As it stands in the database; every second one waits for the one before it.
        let waits: Vec<u32> = number
            .is_multiple_of(2)
            .then(|| number - 1)
            .into_iter()
            .collect();
        let facts = serde_json::json!({
            "id": format!("{number:032x}"), "number": number, "place": "active",
            "title": format!("Make part {number} of the work and show that it is done"),
            "slug": format!("make_part_{number}"), "status": "not_started",
            "dependencies": {"numbers": waits}, "priority": "Medium", "language": "rust",
            "description": "One paragraph that says what is to be done, and how it is seen.",
        });
        serde_json::from_value(facts).unwrap()
    };
    let begin = BoardOperation::Adopted {
        next_number: Some(count + 1),
        tasks: count,
        disagreements: 0,
    };
    let tasks = ids.clone().map(|number| BoardOperation::TaskAdopted {
        task: Box::new(task(number)),
    });
    let operations = [begin].into_iter().chain(tasks);
    let found = ["specs/TODO.md", "specs/state.json"].map(|path| FoundSections {
        path: RepoPath::new(path).unwrap(),
        sections: ids
            .clone()
            .map(|number| Section {
                task: task(number).id,
                hash: format!("{number:064x}"),
                sequence: 0,
                facts: TaskFacts {
                    number,
                    title: Some(task(number).title),
                    ..TaskFacts::default()
                },
            })
            .collect(),
    });
    Change {
        operations: operations
            .map(|operation| Operation::Board { operation })
            .collect(),
        found: found.into(),
        ..Change::default()
    }
}

/// Changes the title of one task.
fn rename(store: &mut SqliteStore, board: &BoardKey, number: u32) {
    let mut decide = |standing: &BoardStanding| {
        assert!(standing.board.tasks.len() <= 2, "only what is wanted");
        let before = standing.board.find(number).unwrap();
        let title = TaskChange::Title(format!("{} again", before.title));
        let actor = Actor::Person;
        let change = BoardOperation::change(before, vec![title], Cause::Command { actor }, false);
        Ok(Change {
            operations: change
                .map(|operation| Operation::Board { operation })
                .into_iter()
                .collect(),
            ..Change::default()
        })
    };
    let wanted = Wanted::Tasks(vec![number]);
    let decided = store.decide_board(board, None, &wanted, &mut decide);
    assert!(matches!(decided.unwrap(), Decided::Applied { .. }));
}

#[test]
fn one_change_costs_the_same_on_a_board_of_any_size() {
    let board = BoardKey::new(RepoPath::new("specs").unwrap());
    let measure = |count: u32| {
        let directory = tempfile::tempdir().unwrap();
        let mut store = SqliteStore::open(directory.path()).unwrap();
        let change = adoption(count);
        let began = Instant::now();
        store
            .decide_board(&board, None, &Wanted::All, &mut |_| Ok(change.clone()))
            .unwrap();
        let adopted = began.elapsed();
        let began = Instant::now();
        let whole = store.board(&board).unwrap().unwrap();
        assert_eq!(whole.tasks.len(), count as usize);
        let read = began.elapsed();
        rename(&mut store, &board, 1);
        put_away_log(directory.path());
        let log = || {
            fs_err::metadata(directory.path().join("state.db-wal"))
                .unwrap()
                .len()
        };
        rename(&mut store, &board, count);
        let before = log();
        let began = Instant::now();
        rename(&mut store, &board, count);
        let changed = began.elapsed();
        println(&format!(
            "{count} tasks: adopted in {adopted:?}, read in {read:?}, one changed in {changed:?}"
        ));
        (log() - before) / 4_096
    };
    let (small, large) = (measure(10), measure(10_000));
    println(&format!(
        "pages written by one change: {small} of 10 tasks, {large} of 10,000"
    ));
    assert!(large <= small + 5, "{small} pages, then {large}");
}

/// Starts the log anew, so that it grows by what is written.
fn put_away_log(directory: &Path) {
    let connection = Connection::open(directory.join("state.db")).unwrap();
    connection
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        .unwrap();
}

#[test]
fn the_log_does_not_grow_without_bound() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = with_steps(directory.path(), 5_000);
    for _ in 0..200 {
        mark_once(&mut store, "1.0").unwrap();
    }
    drop(store);
    // Nobody remembers anything from one of these to the next.
    for _ in 0..200 {
        let mut store = SqliteStore::open(directory.path()).unwrap();
        mark_once(&mut store, "1.0").unwrap();
    }
    let log = fs_err::metadata(directory.path().join("state.db-wal"))
        .unwrap()
        .len();
    assert!(log < 600 << 10, "{log} bytes");
    let path = directory.path().join("state.db");
    let database = fs_err::metadata(path).unwrap().len();
    println(&format!(
        "400 changes: log of {log} bytes, database of {database}"
    ));
}
