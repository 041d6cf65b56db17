//! What an earlier runner left: its attempts, found again and taken over.

use std::path::Path;
use std::thread;
use std::time::Duration;

use airboss_core::attempt::{Attempt, AttemptEnd};

use super::attempt_files::{AttemptFiles, directory};
use super::watch::Watch;
use crate::supervise;

/// A supervisor that was being started when its runner died reports within this time, or never.
const LATE_REPORT: Duration = Duration::from_secs(3);
const POLL: Duration = Duration::from_millis(20);

/// What was found of an attempt.
pub(super) enum Found {
    /// It runs, or has ended and its outcome is there: it is followed like a fresh one.
    Watch(Box<Watch>),
    /// Nothing of it runs and nobody saw its end.
    End(AttemptEnd, Option<Box<Watch>>),
}

/// Looks for an attempt that the store calls live.
pub(super) fn find(state: &Path, top: &Path, attempt: &Attempt) -> Found {
    let directory = directory(state, attempt.id);
    let Some(files) = AttemptFiles::read(&directory) else {
        return Found::End(AttemptEnd::NeverStarted, None);
    };
    if directory.join("spec.json").exists() {
        await_supervisor(&directory);
    }
    if supervise::supervisor(&directory).is_none() && supervise::outcome(&directory).is_none() {
        supervise::sweep(attempt.id);
        return Found::End(AttemptEnd::NeverStarted, None);
    }
    let watch = Watch::new(&directory, top, files.format, None);
    Found::Watch(Box::new(watch.resuming(files.resume.is_some())))
}

fn await_supervisor(directory: &Path) {
    let rounds = LATE_REPORT.as_millis() / POLL.as_millis();
    for _ in 0..rounds {
        if supervise::supervisor(directory).is_some() {
            return;
        }
        thread::sleep(POLL);
    }
}
