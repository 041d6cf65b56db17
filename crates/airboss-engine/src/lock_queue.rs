//! The queue before a kernel lock on a file.
//!
//! Who asks again and again for a lock that others hold takes processor time from those who
//! work, and gets it by chance. The kernel has a queue, in order and without waking anybody but
//! the next; but it knows no time limit. So a thread stands in it, and who waits for the thread
//! may go away: the lock is free again at once when the thread gets it then.

use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use fs_err::File;

/// Waits in the queue for an exclusive lock on this file, which must be a descriptor of its own:
/// the lock goes with it.
///
/// `go_on` is asked every so often; `None` when it says no.
///
/// # Errors
/// When there are no such locks here, or no thread can be had.
pub(crate) fn wait_for_lock(
    file: File,
    every: Duration,
    go_on: &mut dyn FnMut() -> bool,
) -> io::Result<Option<File>> {
    let (sender, receiver) = sync_channel(1);
    thread::Builder::new()
        .name("queue".to_owned())
        .spawn(move || {
            let locked = loop {
                match file.lock() {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    locked => break locked.map(|()| file),
                }
            };
            // When nobody waits any more the file is closed, and the lock goes with it.
            drop(sender.send(locked));
        })?;
    loop {
        match receive(&receiver, every) {
            Some(locked) => return locked.map(Some),
            None if go_on() => {}
            None => return Ok(None),
        }
    }
}

/// The same for no longer than this.
///
/// # Errors
/// As for [`wait_for_lock`].
pub(crate) fn lock_within(file: File, patience: Duration) -> io::Result<Option<File>> {
    let deadline = Instant::now() + patience;
    wait_for_lock(file, patience, &mut || Instant::now() < deadline)
}

fn receive(receiver: &Receiver<io::Result<File>>, patience: Duration) -> Option<io::Result<File>> {
    match receiver.recv_timeout(patience) {
        Ok(locked) => Some(locked),
        Err(RecvTimeoutError::Timeout) => None,
        Err(RecvTimeoutError::Disconnected) => {
            Some(Err(io::Error::other("the thread that waited is gone")))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    fn open(directory: &tempfile::TempDir) -> File {
        let path = directory.path().join("gate");
        let mut options = File::options();
        options.create(true).truncate(false).write(true);
        options.open(path).unwrap()
    }

    #[test]
    fn a_lock_comes_to_who_waits_for_it() {
        let directory = tempfile::tempdir().unwrap();
        let holder = open(&directory);
        holder.lock().unwrap();
        let is_freed = AtomicBool::new(false);
        let got = wait_for_lock(open(&directory), Duration::from_millis(5), &mut || {
            is_freed.store(true, Ordering::Relaxed);
            holder.unlock().unwrap();
            true
        });
        assert!(got.unwrap().is_some() && is_freed.into_inner());
    }

    #[test]
    fn a_lock_that_nobody_waits_for_any_more_is_free() {
        let directory = tempfile::tempdir().unwrap();
        let holder = open(&directory);
        holder.lock().unwrap();
        let short = Duration::from_millis(5);
        assert!(lock_within(open(&directory), short).unwrap().is_none());
        holder.unlock().unwrap();
        // The thread gets it first, and lets it go.
        let long = Duration::from_secs(60);
        let got = lock_within(open(&directory), long).unwrap();
        assert!(got.is_some());
    }
}
