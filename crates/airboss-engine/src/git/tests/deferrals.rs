//! When a commit waits: every state is made by git itself.

use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;
use std::time::{Duration, Instant};

use super::*;
use crate::clock;

/// Two branches that conflict in `src/lib.rs`.
fn conflicting() -> Bench {
    let bench = Bench::new();
    bench.git(&["checkout", "-q", "-b", "other"]);
    bench.write("src/lib.rs", &lines(&[(1, "other")]));
    bench.git(&["commit", "-qam", "other"]);
    bench.git(&["checkout", "-q", "main"]);
    bench.write("src/lib.rs", &lines(&[(1, "main")]));
    bench.git(&["commit", "-qam", "main"]);
    bench
}

#[track_caller]
fn check(bench: &Bench, expected: DeferReason) {
    let head = bench.git(&["rev-parse", "HEAD"]);
    let request = bench.request(bench.attempt(|| bench.write("new", "1\n")));
    assert_eq!(
        bench.commit(&request),
        CommitOutcome::Deferred { reason: expected }
    );
    assert_eq!(bench.git(&["rev-parse", "HEAD"]), head);
    bench.check();
}

#[test]
fn during_a_merge() {
    let bench = conflicting();
    run_git_that_stops(bench.top(), &["merge", "other"]);
    check(&bench, DeferReason::Merge);
    let unmerged = Unattributable {
        path: "src/lib.rs".to_owned(),
        reason: UnattributableReason::Unmerged,
    };
    assert!(bench.snapshot(None).unattributable.contains(&unmerged));
}

#[test]
fn during_a_rebase() {
    let bench = conflicting();
    run_git_that_stops(bench.top(), &["rebase", "other"]);
    check(&bench, DeferReason::Rebase);
}

/// A hook runs between git's look at the branch and its first mark of the rebase.
#[test]
fn before_a_rebase_leaves_a_mark() {
    let bench = Bench::new();
    bench.git(&["checkout", "-q", "-b", "other"]);
    bench.git(&["commit", "-q", "--allow-empty", "-m", "other"]);
    bench.git(&["checkout", "-q", "main"]);
    bench.write("src/lib.rs", &lines(&[(1, "main")]));
    bench.git(&["commit", "-qam", "main"]);
    let (begun, go_on) = (bench.top().join("../begun"), bench.top().join("../go-on"));
    let script = "#!/bin/sh\ntouch ../begun\nuntil [ -e ../go-on ]; do sleep 0.01; done\n";
    bench.write(".git/hooks/pre-rebase", script);
    let hook = bench.top().join(".git/hooks/pre-rebase");
    fs_err::set_permissions(hook, std::fs::Permissions::from_mode(0o755)).unwrap();
    thread::scope(|scope| {
        let rebase = scope.spawn(|| bench.git(&["rebase", "-q", "other"]));
        let deadline = Instant::now() + Duration::from_secs(20);
        while !begun.exists() && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(5));
        }
        let checked = catch_unwind(AssertUnwindSafe(|| check(&bench, DeferReason::Rebase)));
        fs_err::write(go_on, "").unwrap();
        rebase.join().unwrap();
        checked.unwrap();
    });
}

#[test]
fn during_a_cherry_pick() {
    let bench = conflicting();
    run_git_that_stops(bench.top(), &["cherry-pick", "other"]);
    check(&bench, DeferReason::CherryPick);
}

#[test]
fn during_a_revert() {
    let bench = conflicting();
    bench.write("src/lib.rs", &lines(&[(1, "again")]));
    bench.git(&["commit", "-qam", "again"]);
    run_git_that_stops(bench.top(), &["revert", "HEAD~1"]);
    check(&bench, DeferReason::Revert);
}

#[test]
fn during_a_bisect() {
    let bench = conflicting();
    bench.git(&["bisect", "start"]);
    check(&bench, DeferReason::Bisect);
}

#[test]
fn on_a_detached_head() {
    let bench = conflicting();
    bench.git(&["checkout", "-q", "--detach"]);
    check(&bench, DeferReason::DetachedHead);
}

#[test]
fn before_the_first_commit() {
    let bench = Bench::unborn();
    let deltas = bench.attempt(|| bench.write("new", "1\n"));
    let time = Timestamp::from_millis(0);
    let operation = OperationId::from_uuid(fresh_uuid());
    let message = Message::default();
    let request = CommitRequest {
        operation,
        deltas,
        message,
        time,
        since: None,
    };
    let reason = DeferReason::UnbornHead;
    assert_eq!(bench.commit(&request), CommitOutcome::Deferred { reason });
}

#[test]
fn under_a_foreign_index_lock() {
    let bench = Bench::new();
    let request = bench.request(bench.attempt(|| bench.write("new", "1\n")));
    let lock = bench.repository.git_dir().join("index.lock");
    fs_err::write(&lock, "").unwrap();
    let start = Instant::now();
    let reason = DeferReason::IndexLocked;
    assert_eq!(bench.commit(&request), CommitOutcome::Deferred { reason });
    assert!(start.elapsed() >= Duration::from_secs(2), "it waits first");
    assert!(lock.exists(), "a foreign lock is not touched");
    fs_err::remove_file(lock).unwrap();
    assert!(matches!(
        bench.commit(&request),
        CommitOutcome::Committed { .. }
    ));
    bench.check();
}

#[test]
fn under_a_foreign_branch_lock() {
    let bench = Bench::new();
    let request = bench.request(bench.attempt(|| bench.write("new", "1\n")));
    let lock = bench.repository.git_dir().join("refs/heads/main.lock");
    fs_err::write(&lock, "").unwrap();
    let reason = DeferReason::BranchLocked;
    assert_eq!(bench.commit(&request), CommitOutcome::Deferred { reason });
    assert!(lock.exists(), "a foreign lock is not touched");
    fs_err::remove_file(lock).unwrap();
    assert!(matches!(
        bench.commit(&request),
        CommitOutcome::Committed { .. }
    ));
    bench.check();
}

#[test]
fn while_a_person_writes_his_commit_message() {
    let bench = Bench::new();
    bench.write("README.md", "by hand\n");
    bench.git(&["add", "README.md"]);
    let request = bench.request(bench.attempt(|| bench.write("new", "1\n")));
    // The editor says that it is open, and waits to be told to end.
    let (open, end) = (
        bench.directory.path().join("open"),
        bench.directory.path().join("end"),
    );
    let (open_text, end_text) = (open.display(), end.display());
    let editor = format!(
        "sh -c 'echo by hand > \"$1\"; : > {open_text}; while ! test -e {end_text}; do sleep 0.01; done' x"
    );
    let mut person = git_command(bench.top(), &["commit"])
        .env("GIT_EDITOR", editor)
        .spawn()
        .unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    while !open.exists() {
        assert!(Instant::now() < deadline, "the editor did not open");
        std::thread::yield_now();
    }
    let reason = DeferReason::CommitEditor;
    assert_eq!(bench.commit(&request), CommitOutcome::Deferred { reason });
    fs_err::write(end, "").unwrap();
    assert!(
        person.wait().unwrap().success(),
        "his commit is not disturbed"
    );
    let outcome = bench.commit(&request);
    assert!(
        matches!(outcome, CommitOutcome::Committed { .. }),
        "{outcome:?}"
    );
    bench.check();
}

#[test]
fn an_old_or_finished_commit_message_does_not_count() {
    let bench = Bench::new();
    let message = bench.repository.git_dir().join("COMMIT_EDITMSG");
    assert_eq!(
        deferral(&bench.repository).unwrap(),
        None,
        "a finished commit"
    );
    let mut file = fs_err::File::options().append(true).open(message).unwrap();
    let log = fs_err::File::options()
        .append(true)
        .open(bench.repository.git_dir().join("logs/HEAD"))
        .unwrap();
    let branch = bench.repository.git_dir().join("refs/heads/main");
    let branch = fs_err::File::options().append(true).open(branch).unwrap();
    let ago = |minutes: u64| clock::wall() - Duration::from_secs(minutes * 60);
    log.set_modified(ago(30)).unwrap();
    branch.set_modified(ago(30)).unwrap();
    file.set_modified(ago(1)).unwrap();
    assert_eq!(
        deferral(&bench.repository).unwrap(),
        None,
        "`git commit -m` found nothing to commit"
    );
    file.write_all(b"# Please enter the commit message\n")
        .unwrap();
    file.set_modified(ago(11)).unwrap();
    assert_eq!(
        deferral(&bench.repository).unwrap(),
        None,
        "an abandoned message"
    );
    file.set_modified(ago(9)).unwrap();
    assert_eq!(
        deferral(&bench.repository).unwrap(),
        Some(DeferReason::CommitEditor)
    );
    branch.set_modified(ago(8)).unwrap();
    assert_eq!(
        deferral(&bench.repository).unwrap(),
        None,
        "the branch has moved since"
    );
}
