//! The writers' gate: a kernel lock that puts writers in a queue before SQLite's own lock.
//!
//! It only saves them from waking each other up. Whoever cannot get it in time goes on without
//! it, and nothing is wrong then. The kernel frees it when its holder dies.

use std::collections::BTreeSet;
use std::fs::TryLockError;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use fs_err::File;
use fs_err::os::unix::fs::OpenOptionsExt;

use crate::lock_queue;

/// Far longer than a queue of 64 writers takes.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);

/// How often the kernel's list of locks is looked through for one that is there. It is read page by
/// page, and a lock that goes meanwhile hides another.
const LOOKS: usize = 5;

/// The gate of one store.
#[derive(Debug)]
pub(super) struct Gate {
    path: PathBuf,
    file: Option<File>,
    patience: Duration,
}

/// A passage through the gate, until it is dropped.
#[derive(Debug)]
pub(super) struct Passage<'a>(Option<&'a File>);

impl Passage<'_> {
    /// Whether the lock is really held.
    pub(super) fn is_locked(&self) -> bool {
        self.0.is_some()
    }
}

impl Drop for Passage<'_> {
    fn drop(&mut self) {
        if let Some(file) = self.0 {
            // The lock goes with the file at the latest.
            file.unlock().ok();
        }
    }
}

impl Gate {
    /// The gate of the store in this directory, for a writer who waits no longer than this.
    pub(super) fn new(directory: &Path, patience: Duration) -> Self {
        Self {
            path: directory.join("gate.writer"),
            file: None,
            patience: patience.min(PATIENCE),
        }
    }

    /// Waits for the lock, but not for long.
    pub(super) fn enter(&mut self) -> Passage<'_> {
        if self.file.is_none() {
            self.file = self.open().ok();
        }
        let Some(file) = &self.file else {
            return Passage(None);
        };
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => match self.wait() {
                Ok(Some(file)) => self.file = Some(file),
                _ => return Passage(None),
            },
            Err(TryLockError::Error(_)) => return Passage(None),
        }
        Passage(self.file.as_ref())
    }

    /// Waits with another descriptor: who waited in vain must not get the lock later, with the
    /// one that is kept.
    fn wait(&self) -> io::Result<Option<File>> {
        lock_queue::lock_within(self.open()?, self.patience)
    }

    fn open(&self) -> io::Result<File> {
        File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&self.path)
    }
}

/// Who holds a write lock beside this database, as the end of a sentence; empty if unknown.
pub(super) fn holders(database: &Path) -> String {
    let files =
        ["gate.writer", "state.db-shm", "state.db"].map(|name| database.with_file_name(name));
    let inodes: Vec<u64> = files
        .iter()
        .filter_map(|path| Some(fs_err::metadata(path).ok()?.ino()))
        .collect();
    let writers = || {
        let locks = fs_err::read_to_string("/proc/locks").unwrap_or_default();
        let pids = locks.lines().filter_map(|line| writer_of(line, &inodes));
        let others = pids.filter(|pid| *pid != std::process::id());
        others.collect::<BTreeSet<u32>>()
    };
    let found = (0..LOOKS).map(|_| writers()).find(|pids| !pids.is_empty());
    let pids: Vec<u32> = found.into_iter().flatten().collect();
    match pids.as_slice() {
        [] => String::new(),
        pids => {
            let pids: Vec<String> = pids.iter().map(u32::to_string).collect();
            format!(" (it may be process {})", pids.join(" or "))
        }
    }
}

/// The pid of a line of `/proc/locks`, when it is a write lock on one of these inodes.
fn writer_of(line: &str, inodes: &[u64]) -> Option<u32> {
    // `1: POSIX  ADVISORY  WRITE 1234 fd:00:5678 0 EOF`; a waiter has `->` after the number.
    let words: Vec<&str> = line.split_whitespace().collect();
    let [_, _, _, "WRITE", pid, file, ..] = words.as_slice() else {
        return None;
    };
    let inode: u64 = file.rsplit(':').next()?.parse().ok()?;
    inodes.contains(&inode).then(|| pid.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_holder_of_a_write_lock_is_named() {
        let check = |line: &str, expected: Option<u32>| {
            assert_eq!(writer_of(line, &[5678]), expected, "{line}");
        };
        check(
            "1: POSIX  ADVISORY  WRITE 1234 fd:00:5678 120 120",
            Some(1234),
        );
        check("2: FLOCK  ADVISORY  WRITE 77 00:1b:5678 0 EOF", Some(77));
        check("2: -> FLOCK  ADVISORY  WRITE 78 00:1b:5678 0 EOF", None);
        check("3: POSIX  ADVISORY  READ 1234 fd:00:5678 123 123", None);
        check("4: POSIX  ADVISORY  WRITE 1234 fd:00:5679 0 EOF", None);
        check("", None);
    }

    #[test]
    fn a_gate_that_cannot_be_opened_is_no_obstacle() {
        let mut gate = Gate::new(Path::new("/proc/no/such/directory"), PATIENCE);
        assert!(!gate.enter().is_locked());
    }
}
