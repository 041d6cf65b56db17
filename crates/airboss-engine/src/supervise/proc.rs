//! What `/proc` says about processes, and signals that cannot hit the wrong one.
//!
//! A pid is reused; every process here is meant together with its start time.

use std::collections::{HashMap, VecDeque};
use std::sync::OnceLock;
use std::time::Duration;

use airboss_core::process::ProcessIdentity;
use airboss_core::scene::Vitality;
use fs_err as fs;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

/// The unit of processor times in `/proc/PID/stat`: `USER_HZ` is 100 wherever Rust has a tier 1 Linux.
pub(super) const TICK: Duration = Duration::from_millis(10);

/// One process, as `/proc/PID/stat` describes it (proc_pid_stat(5)).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Stat {
    pub(super) pid: u32,
    pub(super) parent: u32,
    pub(super) state: u8,
    pub(super) threads: u32,
    pub(super) start_ticks: u64,
    /// Processor time of its own threads, in [`TICK`]s.
    pub(super) own_ticks: u64,
    /// Processor time of the children it has waited for, in [`TICK`]s.
    pub(super) reaped_ticks: u64,
}

impl Stat {
    /// Reads the process `pid`; `None` when there is none.
    pub(super) fn read(pid: u32) -> Option<Self> {
        Self::parse(pid, &fs::read(format!("/proc/{pid}/stat")).ok()?)
    }

    /// The command's name may hold anything, also spaces and parentheses: count from its end.
    fn parse(pid: u32, text: &[u8]) -> Option<Self> {
        let end_of_name = text.iter().rposition(|&byte| byte == b')')?;
        let fields = std::str::from_utf8(text.get(end_of_name + 1..)?).ok()?;
        let fields: Vec<&str> = fields.split_ascii_whitespace().collect();
        // The first one here is field 3 of the manual page.
        let field = |number: usize| fields.get(number - 3).copied();
        let ticks = |number: usize| field(number)?.parse::<u64>().ok();
        Some(Self {
            pid,
            parent: field(4)?.parse().ok()?,
            state: *field(3)?.as_bytes().first()?,
            threads: field(20)?.parse().ok()?,
            start_ticks: ticks(22)?,
            own_ticks: ticks(14)? + ticks(15)?,
            reaped_ticks: ticks(16)? + ticks(17)?,
        })
    }

    /// Whether it still runs code; a zombie does not, unless only its first thread has ended.
    pub(super) fn is_alive(&self) -> bool {
        !matches!(self.state, b'Z' | b'X' | b'x') || self.threads > 1
    }

    /// Whether a signal or a debugger has stopped it.
    pub(super) fn is_stopped(&self) -> bool {
        matches!(self.state, b'T' | b't')
    }

    /// What tells it from a later process with the same pid.
    pub(super) fn key(&self) -> (u32, u64) {
        (self.pid, self.start_ticks)
    }

    /// Sends SIGKILL to this very process; one that is gone, or another's, is left alone.
    pub(super) fn kill(&self) {
        let Some(pid) = pid_of(self.pid) else { return };
        let Ok(pidfd) = pidfd_open(pid, PidfdFlags::empty()) else {
            return;
        };
        // Compared after the pidfd was opened: from here on the pid cannot be another's.
        if Self::read(self.pid).is_some_and(|now| now.key() == self.key()) {
            // A refusal shows itself: the process is still there in the next walk.
            pidfd_send_signal(&pidfd, Signal::KILL).ok();
        }
    }
}

/// The pid as the type that signals want; 0 and what exceeds an `i32` name no process.
pub(super) fn pid_of(pid: u32) -> Option<Pid> {
    i32::try_from(pid).ok().and_then(Pid::from_raw)
}

/// Every process that can be seen now.
pub(super) fn snapshot() -> Vec<Stat> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter_map(Stat::read)
        .collect()
}

/// Everything below `roots`, parents before children, without the roots themselves.
pub(super) fn descendants(processes: &[Stat], roots: impl IntoIterator<Item = u32>) -> Vec<Stat> {
    let mut children: HashMap<u32, Vec<&Stat>> = HashMap::new();
    for process in processes {
        children.entry(process.parent).or_default().push(process);
    }
    let mut queue: VecDeque<u32> = roots.into_iter().collect();
    let mut found = Vec::new();
    while let Some(parent) = queue.pop_front() {
        // Removed: a snapshot is not taken at one instant, and may show a circle.
        for child in children.remove(&parent).unwrap_or_default() {
            queue.push_back(child.pid);
            found.push(*child);
        }
    }
    found
}

/// Whether the environment that `pid` was started with holds exactly this entry.
pub(super) fn has_environment(pid: u32, entry: &str) -> bool {
    // Of another user's process nothing is shown; it is none of ours.
    let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    environment
        .split(|&byte| byte == 0)
        .any(|found| found == entry.as_bytes())
}

/// This boot of this machine.
pub(crate) fn boot_id() -> &'static str {
    static BOOT_ID: OnceLock<String> = OnceLock::new();
    BOOT_ID.get_or_init(|| {
        // Without it, pid and start time must do: they repeat only after a restart.
        let text = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        text.trim().to_owned()
    })
}

/// The identity of the process that has this pid now; `None` when there is none.
#[must_use]
pub fn identity_of(pid: u32) -> Option<ProcessIdentity> {
    let stat = Stat::read(pid)?;
    Some(ProcessIdentity {
        pid,
        start_ticks: stat.start_ticks,
        boot_id: boot_id().to_owned(),
    })
}

/// The identity of this process; `None` only where `/proc` is not mounted.
#[must_use]
pub fn self_identity() -> Option<ProcessIdentity> {
    identity_of(std::process::id())
}

/// Whether exactly this process still runs; a zombie does not.
#[must_use]
pub fn is_alive(identity: &ProcessIdentity) -> bool {
    identity.boot_id == boot_id()
        && Stat::read(identity.pid)
            .is_some_and(|stat| stat.start_ticks == identity.start_ticks && stat.is_alive())
}

/// What a process is now: it counts as frozen, too, when a child of its first thread is stopped,
/// as the agent below its supervisor is.
#[must_use]
pub fn vitality(identity: &ProcessIdentity) -> Vitality {
    let own = Stat::read(identity.pid).filter(|stat| stat.start_ticks == identity.start_ticks);
    let Some(own) = own.filter(|stat| identity.boot_id == boot_id() && stat.is_alive()) else {
        return Vitality::Gone;
    };
    // Where the kernel does not list children (CONFIG_PROC_CHILDREN) only itself is seen.
    let pid = identity.pid;
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
    let children = children.unwrap_or_default();
    let mut children = children
        .split_ascii_whitespace()
        .filter_map(|pid| Stat::read(pid.parse().ok()?));
    if own.is_stopped() || children.any(|child| child.is_stopped()) {
        return Vitality::Frozen;
    }
    Vitality::Alive
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_forge_fields() {
        let text = b"7 (a) Z 1 (b c)) S 3 7 7 0 -1 4194560 1 2 3 4 50 6 70 8 20 0 1 0 999 1 1";
        let stat = Stat::parse(7, text).unwrap();
        assert_eq!(
            (stat.state, stat.parent, stat.threads, stat.start_ticks),
            (b'S', 3, 1, 999)
        );
        assert_eq!((stat.own_ticks, stat.reaped_ticks), (56, 78));
    }

    #[test]
    fn descendants_come_parents_first_and_circles_end() {
        let stat = |pid, parent| Stat {
            pid,
            parent,
            state: b'S',
            threads: 1,
            start_ticks: 1,
            own_ticks: 0,
            reaped_ticks: 0,
        };
        let all = [
            stat(5, 4),
            stat(4, 2),
            stat(2, 1),
            stat(3, 2),
            stat(9, 1),
            stat(1, 5),
        ];
        let found: Vec<u32> = descendants(&all, [2]).iter().map(|stat| stat.pid).collect();
        assert_eq!(found, [4, 3, 5, 1, 2, 9]);
    }

    #[test]
    fn this_process_is_alive_and_another_start_time_is_not() {
        let mut identity = self_identity().unwrap();
        assert!(is_alive(&identity));
        identity.start_ticks += 1;
        assert!(!is_alive(&identity));
    }
}
