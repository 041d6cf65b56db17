//! The two races that git leaves open: it looks before it locks.
//!
//! A person's `git commit` that read the index just before we published ours would
//! write the old one back as soon as `index.lock` is free. Its own commit then fails,
//! because HEAD has moved, but the next one made from that index would revert ours. So
//! the lock is kept until every `git commit` that was running at that moment has
//! ended; it ends at once when it meets the lock. Most often there is none.
//!
//! `git rebase` notes where the branch is, and only later leaves a mark that it is at work. A
//! commit in between is not among those that it puts on the new base; git then refuses to move the
//! branch, and `git rebase --abort` takes it back to where it was noted, without that commit. So
//! nothing is published while a `git rebase` runs.
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
    let mut running = running(repository.top(), b"commit");
    let start = Instant::now();
    while !running.is_empty() && start.elapsed() < WAIT_MAX {
        pause();
        running.retain(|process| is_git(process, b"commit"));
    }
}

/// Whether a `git rebase` runs, also one that has left no mark yet.
pub(crate) fn is_rebasing(repository: &Repository) -> bool {
    !running(repository.top(), b"rebase").is_empty()
}

/// The `/proc` directories of all git processes in a work tree that have this word.
fn running(top: &Path, word: &[u8]) -> Vec<PathBuf> {
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
        .filter(|path| is_git(path, word) && is_here(path))
        .collect()
}

/// A process that ended, even if nobody has waited for it yet, has no command line.
fn is_git(process: &Path, word: &[u8]) -> bool {
    let is_git = fs_err::read(process.join("comm")).is_ok_and(|name| name == b"git\n");
    let line = || fs_err::read(process.join("cmdline")).unwrap_or_default();
    is_git && line().split(|byte| *byte == 0).any(|found| found == word)
}
