//! Looking at the world for `doctor`: programs asked for their version, processes, locks.
//!
//! Everything here is bounded in time and changes nothing.

use std::fs::TryLockError;
use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use airboss_core::id::AttemptId;
use airboss_core::text::sanitize;
use airboss_engine::supervise::ATTEMPT_VARIABLE;

use crate::words;

/// Programs that start a whole runtime to print their version take a second or two.
const VERSION_WITHIN: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(10);
/// A version is a line, not a book.
const VERSION_BYTES: u64 = 4 * 1024;
const VERSION_CHARACTERS: usize = 60;

/// The first line that a program prints when it is asked for its version.
pub(super) fn version(program: &Path) -> Result<String, String> {
    let mut child = Command::new(program)
        .arg("--version")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("cannot be started: {error}"))?;
    let begin = Instant::now();
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if begin.elapsed() < VERSION_WITHIN => thread::sleep(POLL),
            _ => {
                // One that has ended in this instant cannot be killed, which is as well.
                child.kill().ok();
                child.wait().ok();
                let limit = words::duration(VERSION_WITHIN);
                return Err(format!("did not answer within {limit}"));
            }
        }
    };
    if !status.success() {
        return Err(format!("ended with {status}"));
    }
    let mut bytes = Vec::new();
    if let Some(output) = child.stdout.take() {
        output.take(VERSION_BYTES).read_to_end(&mut bytes).ok();
    }
    let text = sanitize(&String::from_utf8_lossy(&bytes));
    let line = text.lines().find(|line| !line.trim().is_empty());
    line.map(|line| words::cut(line.trim(), VERSION_CHARACTERS))
        .ok_or_else(|| "printed nothing".to_owned())
}

/// A process that was started for an attempt.
pub(super) struct AttemptProcess {
    pub(super) pid: u32,
    pub(super) name: String,
    pub(super) attempt: AttemptId,
}

/// Every process whose environment names an attempt, but for this one and those above it.
pub(super) fn attempt_processes() -> Vec<AttemptProcess> {
    let own = ancestry();
    let Ok(entries) = fs_err::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
        .filter(|pid| !own.contains(pid))
        .filter_map(|pid| {
            // Another user's process, or one that has just ended, cannot be looked at.
            let environment = fs_err::read(format!("/proc/{pid}/environ")).ok()?;
            let prefix = format!("{ATTEMPT_VARIABLE}=");
            let value = environment
                .split(|&byte| byte == 0)
                .find_map(|entry| entry.strip_prefix(prefix.as_bytes()))?;
            let attempt = std::str::from_utf8(value).ok()?.parse().ok()?;
            let name = fs_err::read_to_string(format!("/proc/{pid}/comm")).ok()?;
            let name = sanitize(name.trim());
            Some(AttemptProcess { pid, name, attempt })
        })
        .collect()
}

/// This process and all above it: an agent may ask the doctor, too.
fn ancestry() -> Vec<u32> {
    let mut found = Vec::new();
    let mut next = Some(std::process::id());
    while let Some(pid) = next.filter(|pid| *pid > 0 && !found.contains(pid)) {
        found.push(pid);
        let stat = fs_err::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        // The name may hold spaces and parentheses; the parent is the second field behind it.
        next = stat
            .rsplit_once(')')
            .and_then(|(_, rest)| rest.split_whitespace().nth(1)?.parse().ok());
    }
    found
}

/// The names of commit claims whose process has died: the kernel has freed their lock.
pub(super) fn dead_claims(directory: &Path) -> Vec<String> {
    let Ok(entries) = fs_err::read_dir(directory) else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter(|entry| {
            let Ok(file) = fs_err::File::open(entry.path()) else {
                return false;
            };
            // Asked for and given back at once; whoever recovers it meanwhile tries again.
            !matches!(file.file().try_lock_shared(), Err(TryLockError::WouldBlock))
        })
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect()
}

/// The name of the file system that a directory is on, by `statfs(2)` and `linux/magic.h`.
pub(super) fn file_system(directory: &Path) -> String {
    let Ok(facts) = rustix::fs::statfs(directory) else {
        return "an unknown file system".to_owned();
    };
    let known = [
        (0xEF53, "ext4"),
        (0x9123_683E, "btrfs"),
        (0x5846_5342, "xfs"),
        (0x0102_1994, "tmpfs"),
        (0x794C_7630, "overlayfs"),
        (0x2FC1_2FC1, "zfs"),
        (0xF2F5_2010, "f2fs"),
        (0xCA45_1A4E, "bcachefs"),
    ];
    let magic = facts.f_type & 0xFFFF_FFFF;
    match known.iter().find(|(known, _)| *known == magic) {
        Some((_, name)) => (*name).to_owned(),
        None => format!("file system {magic:#x}"),
    }
}
