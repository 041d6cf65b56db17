//! The one race that git leaves open: `git commit` reads the index before it locks it.
//!
//! A person's `git commit` that read the index just before we published ours would
//! write the old one back as soon as `index.lock` is free. Its own commit then fails,
//! because HEAD has moved, but the next one made from that index would revert ours. So
//! the lock is kept until every `git commit` that was running at that moment has
//! ended; it ends at once when it meets the lock. Most often there is none.
//!
//! Processes are found in `/proc`. Where there is none, the race stays as git left it.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::publish::pause;
use super::repository::Repository;

/// From reading the index to locking it git takes a few milliseconds, on a machine with ten
/// times its load some hundred; a commit that lives longer than this has done both, and its
/// editor or a hook is running.
const WAIT_MAX: Duration = Duration::from_secs(2);

/// Waits, while `index.lock` is held, until no `git commit` of this moment is left that
/// could write an older index back.
pub(crate) fn wait_for_commits(repository: &Repository) {
    let mut running = commits_in(repository.top());
    let start = Instant::now();
    while !running.is_empty() && start.elapsed() < WAIT_MAX {
        pause();
        running.retain(|process| is_commit(process));
    }
}

/// The `/proc` directories of all `git commit` processes in a work tree.
fn commits_in(top: &Path) -> Vec<PathBuf> {
    let Ok(processes) = fs_err::read_dir("/proc") else {
        return Vec::new();
    };
    let is_here = |process: &PathBuf| {
        // What may not be looked at belongs to another user, who might still share the tree.
        fs_err::read_link(process.join("cwd")).map_or(true, |cwd| cwd.starts_with(top))
    };
    let is_numbered = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().as_encoded_bytes();
        name.iter().all(u8::is_ascii_digit)
    };
    let paths = processes.filter_map(|entry| Some(entry.ok()?.path()));
    paths
        .filter(is_numbered)
        .filter(|path| is_commit(path) && is_here(path))
        .collect()
}

/// A process that ended, even if nobody has waited for it yet, has no command line.
fn is_commit(process: &Path) -> bool {
    let is_git = fs_err::read(process.join("comm")).is_ok_and(|name| name == b"git\n");
    is_git
        && fs_err::read(process.join("cmdline"))
            .is_ok_and(|line| line.split(|byte| *byte == 0).any(|word| word == b"commit"))
}
