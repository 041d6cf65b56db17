//! One runner per plan: a kernel lock, which dies with its process.

use std::fs::TryLockError;
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::Path;

use airboss_core::operation::PlanKey;
use fs_err::File;

use crate::projection::digest;

/// The right to run a plan, until it is dropped.
#[derive(Debug)]
pub struct RunLock(#[expect(dead_code, reason = "the open file is the lock")] File);

/// What came of asking for the lock.
#[derive(Debug)]
pub enum RunLocked {
    /// It is the caller's.
    Taken(RunLock),
    /// Another process has it; its pid as it wrote it, for words only.
    Held(String),
}

/// Asks for the lock of a plan.
///
/// # Errors
/// When the lock file cannot be opened.
pub fn lock(state: &Path, plan: &PlanKey) -> io::Result<RunLocked> {
    let name = digest(plan.path().as_str().as_bytes());
    let directory = state.join("runs");
    fs_err::create_dir_all(&directory)?;
    let path = directory.join(format!("{}.lock", &name[..16]));
    let mut file = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)?;
    match file.try_lock() {
        Ok(()) => {
            // The pid is for people; the lock itself is the kernel's.
            file.set_len(0)?;
            file.rewind()?;
            write!(file, "{}", std::process::id())?;
            Ok(RunLocked::Taken(RunLock(file)))
        }
        Err(TryLockError::WouldBlock) => {
            let mut pid = String::new();
            file.read_to_string(&mut pid)?;
            Ok(RunLocked::Held(pid.trim().to_owned()))
        }
        Err(TryLockError::Error(error)) => Err(error),
    }
}
