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
    // Another user's, of which nobody may know where it runs, might still share the tree.
    let mut running = running(repository.top(), b"commit", true);
    let start = Instant::now();
    while !running.is_empty() && start.elapsed() < WAIT_MAX {
        pause();
        running.retain(|process| is_git(process, b"commit"));
    }
}

/// Whether a `git rebase` runs, also one that has left no mark yet. One of another user, of whom
/// nobody may know where it runs, would be waited for without end.
pub(crate) fn is_rebasing(repository: &Repository) -> bool {
    !running(repository.top(), b"rebase", false).is_empty()
}

/// The `/proc` directories of all processes of this git command in a work tree, with those whose
/// place may not be looked at or without them.
fn running(top: &Path, command: &[u8], with_hidden: bool) -> Vec<PathBuf> {
    let Ok(processes) = fs_err::read_dir("/proc") else {
        return Vec::new();
    };
    let is_here = |process: &PathBuf| {
        fs_err::read_link(process.join("cwd")).map_or(with_hidden, |cwd| is_in(&cwd, top))
    };
    let is_numbered = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().as_encoded_bytes();
        name.iter().all(u8::is_ascii_digit)
    };
    let paths = processes.filter_map(|entry| Some(entry.ok()?.path()));
    paths
        .filter(is_numbered)
        .filter(|path| is_git(path, command) && is_here(path))
        .collect()
}

/// Whether a directory is of this work tree, and not of another one that lies in it.
fn is_in(directory: &Path, top: &Path) -> bool {
    let mut above = directory.ancestors();
    above.find(|directory| directory.join(".git").exists()) == Some(top)
}

/// A process that ended, even if nobody has waited for it yet, has no command line.
fn is_git(process: &Path, command: &[u8]) -> bool {
    let is_git = fs_err::read(process.join("comm")).is_ok_and(|name| name == b"git\n");
    let line = || fs_err::read(process.join("cmdline")).unwrap_or_default();
    is_git && command_of(&line()) == Some(command)
}

/// The command of a git's command line: the first word that is no option and no option's value.
fn command_of(line: &[u8]) -> Option<&[u8]> {
    let mut words = line.split(|byte| *byte == 0).skip(1);
    while let Some(word) = words.next() {
        match word {
            b"-c" | b"-C" | b"--git-dir" | b"--work-tree" | b"--namespace" => {
                words.next();
            }
            option if option.starts_with(b"-") => {}
            command => return Some(command),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_no_option_and_no_other_word() {
        let command = |line: &str| {
            let line = line.replace(' ', "\0");
            command_of(line.as_bytes()).map(|word| String::from_utf8_lossy(word).into_owned())
        };
        for line in ["git rebase -i", "git -c a.b=c -C .. --no-pager rebase main"] {
            assert_eq!(command(line).as_deref(), Some("rebase"), "{line}");
        }
        assert_eq!(command("git log rebase").as_deref(), Some("log"));
        assert_eq!(command("git --version"), None);
    }
}
