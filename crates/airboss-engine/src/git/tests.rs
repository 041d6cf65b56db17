//! Tests against real git repositories, each in a directory of its own.
#![expect(clippy::print_stdout, reason = "the stress tests print their counts")]

mod commits;
mod concurrency;
mod contents;
mod crashes;
mod deferrals;
mod indexes;
mod origins;
mod snapshots;

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use airboss_core::id::OperationId;
use airboss_core::path::RepoPath;
use airboss_core::time::Timestamp;
use tempfile::TempDir;

use super::*;
use crate::clock::fresh_uuid;

/// A work tree with one commit, and everything a test does in it.
struct Bench {
    directory: TempDir,
    repository: Repository,
}

impl Bench {
    fn new() -> Self {
        Self::with_files(&[("README.md", "one\ntwo\nthree\n"), ("src/lib.rs", LINES)])
    }

    fn with_files(files: &[(&str, &str)]) -> Self {
        let bench = Self::unborn();
        files
            .iter()
            .for_each(|(path, text)| bench.write(path, text));
        bench.git(&["add", "-A"]);
        bench.git(&["commit", "-qm", "start"]);
        bench
    }

    fn unborn() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let top = directory.path().join("repository");
        fs_err::create_dir_all(&top).unwrap();
        fs_err::create_dir(directory.path().join("home")).unwrap();
        run_git(&top, &["init", "-q", "-b", "main"]);
        for (key, value) in [
            ("user.name", "A Person"),
            ("user.email", "person@localhost"),
            // Behind a large commit git packs objects on its own, while a test looks at them.
            ("gc.auto", "0"),
        ] {
            run_git(&top, &["config", key, value]);
        }
        let repository = Repository::discover(&top).unwrap().unwrap();
        Self {
            directory,
            repository,
        }
    }

    fn top(&self) -> &Path {
        self.repository.top()
    }

    fn git(&self, arguments: &[&str]) -> String {
        run_git(self.top(), arguments)
    }

    fn write(&self, path: &str, text: &str) {
        let file = self.top().join(path);
        fs_err::create_dir_all(file.parent().unwrap()).unwrap();
        fs_err::write(file, text).unwrap();
    }

    fn read(&self, path: &str) -> String {
        fs_err::read_to_string(self.top().join(path)).unwrap()
    }

    fn remove(&self, path: &str) {
        fs_err::remove_file(self.top().join(path)).unwrap();
    }

    fn make_executable(&self, path: &str) {
        let mode = std::fs::Permissions::from_mode(0o755);
        fs_err::set_permissions(self.top().join(path), mode).unwrap();
    }

    fn snapshot(&self, baseline: Option<&Snapshot>) -> Snapshot {
        let options = SnapshotOptions {
            baseline,
            excluded: &[],
        };
        Snapshot::take(&self.repository, &options).unwrap()
    }

    /// What `work` changed, as an attempt would be seen to change it.
    fn attempt(&self, work: impl FnOnce()) -> Vec<Delta> {
        let before = self.snapshot(None);
        work();
        let after = self.snapshot(Some(&before));
        let found = changes(&before, &after, &self.repository).unwrap();
        found
            .into_iter()
            .map(
                |Change {
                     path,
                     before,
                     after,
                     ..
                 }| Delta {
                    path,
                    before,
                    after,
                },
            )
            .collect()
    }

    fn request(&self, deltas: Vec<Delta>) -> CommitRequest {
        let operation = OperationId::from_uuid(fresh_uuid());
        let subject = step_subject("width", &"1.1".into(), "read the size");
        let message = Message {
            subject,
            ..Message::default()
        };
        let since = self.git(&["rev-parse", "HEAD"]).trim().parse().ok();
        let time = Timestamp::from_millis(1_772_442_900_000);
        CommitRequest {
            operation,
            deltas,
            message,
            time,
            since,
        }
    }

    fn commit(&self, request: &CommitRequest) -> CommitOutcome {
        scoped_commit(&self.repository, request, &CommitSettings::default()).unwrap()
    }

    /// Commits what `work` changes and returns the paths in the commit.
    #[track_caller]
    fn committed(&self, work: impl FnOnce()) -> Vec<String> {
        let request = self.request(self.attempt(work));
        let outcome = self.commit(&request);
        let CommitOutcome::Committed {
            oid,
            paths,
            left_out,
            index_left,
        } = outcome
        else {
            panic!("not committed: {outcome:?}");
        };
        assert_eq!((left_out, index_left), (vec![], vec![]));
        assert_eq!(self.git(&["rev-parse", "HEAD"]).trim(), oid.to_string());
        let shown = self.git(&[
            "show",
            "--name-only",
            "--no-renames",
            "--format=",
            "-z",
            "HEAD",
        ]);
        let shown: Vec<_> = shown.split_terminator('\0').map(str::to_owned).collect();
        assert_eq!(
            shown,
            paths.iter().map(RepoPath::to_string).collect::<Vec<_>>()
        );
        self.check();
        shown
    }

    /// What must hold after everything: sound objects, no locks, no claims.
    #[track_caller]
    fn check(&self) {
        let fsck = self.git(&["fsck", "--full", "--strict", "--no-dangling"]);
        assert_eq!(fsck, "", "fsck");
        let git_dir = self.repository.git_dir();
        for lock in ["index.lock", "HEAD.lock", "refs/heads/main.lock"] {
            assert!(!git_dir.join(lock).exists(), "{lock} was left");
        }
        for directory in ["claims", "tmp"] {
            let path = self.repository.state_dir().unwrap().join(directory);
            let left = fs_err::read_dir(path).map_or(0, Iterator::count);
            assert_eq!(left, 0, "files left in {directory}");
        }
    }
}

/// Ten lines, so that edits at both ends do not touch.
const LINES: &str = "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n";

/// `LINES` with some of its lines replaced.
fn lines(edits: &[(usize, &str)]) -> String {
    let mut all: Vec<_> = LINES.lines().collect();
    edits
        .iter()
        .for_each(|(number, text)| all[number - 1] = text);
    all.join("\n") + "\n"
}

fn path(text: &str) -> RepoPath {
    RepoPath::new(text).unwrap()
}

/// Git as a person runs it, with no configuration but the repository's.
fn git_command(top: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("git");
    for (name, _) in std::env::vars_os() {
        if name.as_encoded_bytes().starts_with(b"GIT_") {
            command.env_remove(name);
        }
    }
    command
        .current_dir(top)
        .args(arguments)
        .env("HOME", top.parent().unwrap().join("home"))
        .env_remove("XDG_CONFIG_HOME")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_EDITOR", "true")
        .env("LC_ALL", "C");
    command
}

#[track_caller]
fn run_git(top: &Path, arguments: &[&str]) -> String {
    let output = git_command(top, arguments).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "git {arguments:?}: {errors}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Runs git where it is expected to stop half-way.
fn run_git_that_stops(top: &Path, arguments: &[&str]) {
    assert!(
        !git_command(top, arguments)
            .output()
            .unwrap()
            .status
            .success()
    );
}
