//! Committers that die at any instant, and what the next one finds.

use std::process::Stdio;
use std::time::{Duration, Instant};

use super::*;
use crate::git::claim::{Claim, Record};
use crate::projection::digest;

const CHILD: &str = "AIRBOSS_TEST_COMMITTER";

/// Not a test of its own: the program that the other test runs and kills.
#[test]
fn committer() {
    let Some(top) = std::env::var_os(CHILD) else {
        return;
    };
    let repository = Repository::discover(Path::new(&top)).unwrap().unwrap();
    let git = repository.open().unwrap();
    loop {
        let number = fs_err::read_dir(Path::new(&top).join("../requests"))
            .unwrap()
            .count();
        let text = format!("{number}\n");
        let blob = Oid::from_gix(git.write_blob(&text).unwrap().detach());
        let name = path(&format!("work/{}/{number}", number % 5));
        // Written before the commit, so that whoever comes next can ask for the same.
        let request = std::path::absolute(Path::new(&top).join("../requests")).unwrap();
        let operation = OperationId::from_uuid(fresh_uuid());
        let hidden = request.with_file_name(format!("{number}.new"));
        fs_err::write(&hidden, format!("{operation} {name} {blob}")).unwrap();
        fs_err::rename(&hidden, request.join(number.to_string())).unwrap();
        let request = creation(operation, name, blob);
        scoped_commit(&repository, &request, &CommitSettings::default()).unwrap();
    }
}

fn creation(operation: OperationId, path: RepoPath, blob: Oid) -> CommitRequest {
    let after = Some(Entry {
        mode: FileMode::Regular,
        blob,
    });
    let deltas = vec![Delta {
        path,
        before: None,
        after,
    }];
    let message = Message {
        subject: "a step".to_owned(),
        ..Message::default()
    };
    let time = Timestamp::from_millis(1_772_442_900_000);
    CommitRequest {
        operation,
        deltas,
        message,
        time,
        since: None,
    }
}

/// When a committer is killed.
enum Death {
    /// So long after it began a commit.
    After(Duration),
    /// At the first sight of its lock on the index.
    Locked,
}

/// Runs a committer, kills it, and returns whether it left locks.
fn run_and_kill(bench: &Bench, death: Death) -> bool {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "git::tests::crashes::committer", "--quiet"])
        .env(CHILD, bench.top())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let requests = bench.directory.path().join("requests");
    let count = || fs_err::read_dir(&requests).unwrap().count();
    let before = count();
    let deadline = Instant::now() + Duration::from_secs(20);
    while count() == before {
        assert!(Instant::now() < deadline, "the committer does not commit");
        std::thread::sleep(Duration::from_micros(200));
    }
    let lock = bench.repository.git_dir().join("index.lock");
    match death {
        // Not a wait for something to happen: the instant of the death is what is varied.
        Death::After(life) => std::thread::sleep(life),
        Death::Locked => while !lock.exists() && Instant::now() < deadline {},
    }
    child.kill().unwrap();
    child.wait().unwrap();
    lock.exists()
        || bench
            .repository
            .git_dir()
            .join("refs/heads/main.lock")
            .exists()
}

#[test]
fn a_killed_committer_leaves_nothing_that_is_not_recovered() {
    let bench = Bench::new();
    let requests = bench.directory.path().join("requests");
    fs_err::create_dir(&requests).unwrap();
    bench.write("README.md", "staged by hand\n");
    bench.git(&["add", "README.md"]);
    let start = bench.git(&["rev-parse", "HEAD"]).trim().parse().unwrap();
    let (mut kills, mut locked, mut recovered) = (0_u32, 0, Recovered::default());
    let end = Instant::now() + Duration::from_secs(3);
    while Instant::now() < end {
        // 0 to 30 ms in uneven steps, which is about the time of a commit.
        let life = Duration::from_micros(u64::from(kills) * 7_919 % 30_000);
        let death = if kills % 2 == 0 {
            Death::After(life)
        } else {
            Death::Locked
        };
        locked += u32::from(run_and_kill(&bench, death));
        kills += 1;
        let found = recover(&bench.repository).unwrap();
        recovered.finished += found.finished;
        recovered.undone += found.undone;
        assert_eq!(recover(&bench.repository).unwrap(), Recovered::default());
        let staged = bench.git(&["diff", "--cached", "--name-only"]);
        assert_eq!(staged, "README.md\n", "after {kills} kills");
        assert!(!bench.repository.git_dir().join("index.lock").exists());
        assert!(
            !bench
                .repository
                .git_dir()
                .join("refs/heads/main.lock")
                .exists()
        );
    }
    // Whoever has the requests asks for all of them again: each becomes one commit.
    let mut count = 0;
    for item in fs_err::read_dir(&requests).unwrap() {
        let text = fs_err::read_to_string(item.unwrap().path()).unwrap();
        let fields: Vec<_> = text.split(' ').collect();
        let operation = fields[0].parse().unwrap();
        let mut request = creation(operation, path(fields[1]), fields[2].parse().unwrap());
        request.since = Some(start);
        let outcome = bench.commit(&request);
        assert!(
            matches!(outcome, CommitOutcome::Committed { .. }),
            "{outcome:?}"
        );
        count += 1;
    }
    let log = bench.git(&[
        "log",
        "--format=%(trailers:key=Airboss-Operation,valueonly,separator=)",
    ]);
    let mut operations: Vec<_> = log.lines().filter(|line| !line.is_empty()).collect();
    let commits = operations.len();
    operations.sort_unstable();
    operations.dedup();
    println!(
        "{kills} kills, {locked} left locks, {recovered:?}; {count} operations, {commits} commits"
    );
    assert_eq!((commits, operations.len()), (count, count));
    assert!(
        locked > 0 || recovered != Recovered::default(),
        "no kill struck a commit"
    );
    let garbage = bench.repository.state_dir().unwrap().join("tmp");
    fs_err::remove_dir_all(garbage).unwrap();
    bench.check();
}

/// What could not be removed when a commit was done goes with the next recovery, and nothing that
/// somebody works with.
#[test]
fn files_without_a_claim_go() {
    let bench = Bench::new();
    let claim = Claim::create(&bench.repository).unwrap();
    let left = claim.lock_file().with_file_name("0".repeat(32) + ".lock");
    let other = claim.lock_file().with_file_name("notes.lock");
    for path in [&left, &other] {
        fs_err::write(path, "x").unwrap();
    }
    recover(&bench.repository).unwrap();
    let there = [&claim.lock_file(), &left, &other].map(|path| path.exists());
    assert_eq!(there, [true, false, true]);
}

/// A committer that died between moving the branch and publishing the index.
struct Dead {
    bench: Bench,
    stale: Vec<u8>,
    patched: Vec<u8>,
}

impl Dead {
    fn new(bench: Bench) -> Self {
        let index = bench.repository.git_dir().join("index");
        bench.write("README.md", "staged by hand\n");
        bench.git(&["add", "README.md"]);
        let stale = fs_err::read(&index).unwrap();
        bench.committed(|| bench.write("src/lib.rs", &lines(&[(1, "one")])));
        let patched = fs_err::read(&index).unwrap();
        fs_err::write(&index, &stale).unwrap();

        let repository = &bench.repository;
        let git_dir = repository
            .git_dir()
            .strip_prefix(repository.common_dir())
            .unwrap();
        let mut claim = Claim::create(repository).unwrap();
        fs_err::write(claim.index_file(), &patched).unwrap();
        fs_err::hard_link(claim.lock_file(), index.with_extension("lock")).unwrap();
        let record = Record {
            commit: bench.git(&["rev-parse", "HEAD"]).trim().parse().unwrap(),
            branch: bench.git(&["symbolic-ref", "HEAD"]).trim().to_owned(),
            git_dir: git_dir.to_owned(),
            index_before: Some(digest(&stale)),
            index_after: digest(&patched),
        };
        claim.write(record).unwrap();
        assert_eq!(
            recover(repository).unwrap(),
            Recovered::default(),
            "its owner lives"
        );
        claim.branch_is_published();
        drop(claim);
        Self {
            bench,
            stale,
            patched,
        }
    }

    fn index(&self) -> std::path::PathBuf {
        self.bench.repository.git_dir().join("index")
    }

    fn lock(&self) -> std::path::PathBuf {
        self.index().with_extension("lock")
    }

    #[track_caller]
    fn check(&self, repository: &Repository, staged: &str) {
        let expected = Recovered {
            finished: 1,
            undone: 0,
        };
        assert_eq!(recovered(repository), expected);
        assert_eq!(self.bench.git(&["diff", "--cached", "--name-only"]), staged);
        self.bench.check();
    }
}

/// What recovery does as soon as it can have the claim of the dead: a program that another test
/// starts in this moment holds the lock of the claim until it has become itself.
fn recovered(repository: &Repository) -> Recovered {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let recovered = recover(repository).unwrap();
        if recovered != Recovered::default() || Instant::now() > deadline {
            return recovered;
        }
        std::thread::yield_now();
    }
}

#[test]
fn a_published_commit_gets_its_index() {
    let dead = Dead::new(Bench::new());
    dead.check(&dead.bench.repository, "README.md\n");
    assert_eq!(fs_err::read(dead.index()).unwrap(), dead.patched);
}

#[test]
fn a_published_commit_gets_its_index_in_a_linked_work_tree() {
    let main = Bench::new();
    let linked = main.directory.path().join("linked");
    main.git(&[
        "worktree",
        "add",
        "-q",
        "-b",
        "feature/x",
        linked.to_str().unwrap(),
    ]);
    let repository = Repository::discover(&linked).unwrap().unwrap();
    let dead = Dead::new(Bench {
        repository,
        directory: tempfile::tempdir().unwrap(),
    });
    // Removed by a person; found from another work tree.
    fs_err::remove_file(dead.lock()).unwrap();
    dead.check(&main.repository, "README.md\n");
    assert_eq!(main.git(&["status", "--porcelain"]), "");
}

#[test]
fn the_index_follows_although_a_person_removed_the_lock_and_went_on() {
    let dead = Dead::new(Bench::new());
    fs_err::remove_file(dead.lock()).unwrap();
    dead.bench.write("another", "1\n");
    dead.bench.git(&["add", "another"]);
    dead.check(&dead.bench.repository, "README.md\nanother\n");
}

#[test]
fn a_lock_that_only_looks_like_ours_is_not_touched() {
    let dead = Dead::new(Bench::new());
    fs_err::remove_file(dead.lock()).unwrap();
    for foreign in [&dead.patched, &dead.stale] {
        fs_err::write(dead.lock(), foreign).unwrap();
        assert_eq!(
            recover(&dead.bench.repository).unwrap(),
            Recovered::default()
        );
        assert_eq!(&fs_err::read(dead.lock()).unwrap(), foreign);
        fs_err::remove_file(dead.lock()).unwrap();
    }
    dead.check(&dead.bench.repository, "README.md\n");
}

#[test]
fn an_unpublished_commit_is_undone() {
    let dead = Dead::new(Bench::new());
    dead.bench.git(&["update-ref", "refs/heads/main", "HEAD~1"]);
    let expected = Recovered {
        finished: 0,
        undone: 1,
    };
    assert_eq!(recovered(&dead.bench.repository), expected);
    assert_eq!(fs_err::read(dead.index()).unwrap(), dead.stale);
    dead.bench.check();
}
