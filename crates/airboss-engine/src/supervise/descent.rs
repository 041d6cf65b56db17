//! Ending everything that descends from an attempt.
//!
//! Two ways to find it: from inside, as the subreaper that every orphan comes to
//! ([`Descent`]), and from outside, by the environment, when the supervisor
//! itself was killed ([`sweep`]). Neither loops without a bound.

use std::collections::HashSet;
use std::thread;
use std::time::{Duration, Instant};

use airboss_core::id::AttemptId;
use rustix::process::{Pid, WaitOptions, WaitStatus, wait};

use super::ATTEMPT_VARIABLE;
use super::proc::{self, Stat};

/// Killing all takes milliseconds; what is left after this is stuck in the kernel.
const KILL_WITHIN: Duration = Duration::from_secs(5);

/// A pause between two walks through `/proc`, so that the killed can end.
const WALK_PAUSE: Duration = Duration::from_millis(10);

/// What processes that already die, or only now read their end of file, need to be gone.
/// What is alive longer than that after the agent has leaked.
const SETTLE: Duration = Duration::from_millis(250);

/// The children of this process, which is their subreaper, and theirs.
pub(super) struct Descent {
    agent: Pid,
    /// How the agent ended, once it has been reaped.
    pub(super) status: Option<WaitStatus>,
    /// No child is left, hence no descendant: a subreaper inherits every orphan.
    empty: bool,
}

/// What [`Descent::end`] had to do.
pub(super) struct Ended {
    pub(super) leaked: u32,
    pub(super) survivors: u32,
}

impl Descent {
    pub(super) fn new(agent: Pid) -> Self {
        Self {
            agent,
            status: None,
            empty: false,
        }
    }

    /// Reaps all that have ended; never blocks.
    pub(super) fn reap(&mut self) {
        loop {
            match wait(WaitOptions::NOHANG) {
                Ok(Some((pid, status))) if pid == self.agent => self.status = Some(status),
                Ok(Some(_)) | Err(rustix::io::Errno::INTR) => {}
                Ok(None) => return,
                Err(_) => {
                    self.empty = true; // ECHILD, the only other answer to this call.
                    return;
                }
            }
        }
    }

    /// Processor time used so far by all of it, also by its members that have ended.
    pub(super) fn ticks(&self) -> u64 {
        let own = std::process::id();
        let processes = proc::snapshot();
        let inherited = processes.iter().find(|process| process.pid == own);
        let inherited = inherited.map_or(0, |process| process.reaped_ticks);
        let living = proc::descendants(&processes, [own]);
        living
            .iter()
            .map(|process| process.own_ticks + process.reaped_ticks)
            .sum::<u64>()
            + inherited
    }

    /// Ends all of it, the agent too if it still runs. `pause` waits a moment.
    pub(super) fn end(&mut self, mut pause: impl FnMut(Duration)) -> Ended {
        let begin = Instant::now();
        let mut agent_gone: Option<Instant> = None;
        let mut leaked = HashSet::new();
        loop {
            self.reap();
            if self.empty {
                return Ended {
                    leaked: count(leaked.len()),
                    survivors: 0,
                };
            }
            if self.status.is_some() && agent_gone.is_none() {
                agent_gone = Some(Instant::now());
            }
            // The time to settle starts with the agent's end, or with ours if it does not end.
            if agent_gone.unwrap_or(begin).elapsed() >= SETTLE {
                let living = Self::living();
                if begin.elapsed() > KILL_WITHIN + SETTLE {
                    let survivors = count(living.len());
                    return Ended {
                        leaked: count(leaked.len()),
                        survivors,
                    };
                }
                living.iter().for_each(Stat::kill);
                if agent_gone.is_some() {
                    leaked.extend(living.iter().map(Stat::key));
                }
            }
            pause(WALK_PAUSE);
        }
    }

    fn living() -> Vec<Stat> {
        let mut found = proc::descendants(&proc::snapshot(), [std::process::id()]);
        found.retain(Stat::is_alive);
        found
    }
}

/// What [`sweep`] found and left.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Swept {
    /// Processes that were killed.
    pub killed: u32,
    /// Processes that could not be killed within five seconds; anything but 0 is an error to report.
    pub survivors: u32,
}

/// Ends what is left of an attempt whose supervisor was killed.
///
/// It finds every process that was started with the attempt's `AIRBOSS_ATTEMPT`,
/// and everything below one. A process that emptied its environment *and* lost
/// its parent cannot be found this way; only the supervisor can.
/// This process and those above it are spared.
pub fn sweep(attempt: AttemptId) -> Swept {
    let entry = format!("{ATTEMPT_VARIABLE}={attempt}");
    let begin = Instant::now();
    let mut killed = HashSet::new();
    let mut quiet_before = false;
    loop {
        let living = members(&entry);
        if living.is_empty() {
            // Twice: a process in the middle of exec shows no environment for an instant.
            if quiet_before {
                return Swept {
                    killed: count(killed.len()),
                    survivors: 0,
                };
            }
        } else if begin.elapsed() > KILL_WITHIN {
            let survivors = count(living.len());
            let gone = killed.len() - living.iter().filter(|p| killed.contains(&p.key())).count();
            return Swept {
                killed: count(gone),
                survivors,
            };
        }
        quiet_before = living.is_empty();
        living.iter().for_each(Stat::kill);
        killed.extend(living.iter().map(Stat::key));
        thread::sleep(WALK_PAUSE);
    }
}

/// The living processes with this environment entry and all below them, parents first.
fn members(entry: &str) -> Vec<Stat> {
    let processes = proc::snapshot();
    let spared = ancestry(&processes);
    let mut roots: Vec<Stat> = processes
        .iter()
        .filter(|process| !spared.contains(&process.pid))
        .filter(|process| proc::has_environment(process.pid, entry))
        .copied()
        .collect();
    let below = proc::descendants(&processes, roots.iter().map(|process| process.pid));
    let mut seen = HashSet::new();
    roots.extend(below);
    roots.retain(|process| process.is_alive() && seen.insert(process.pid));
    roots
}

/// This process and all above it.
fn ancestry(processes: &[Stat]) -> HashSet<u32> {
    let mut found = HashSet::new();
    let mut next = Some(std::process::id());
    while let Some(pid) = next.filter(|&pid| found.insert(pid)) {
        next = processes
            .iter()
            .find(|process| process.pid == pid)
            .map(|process| process.parent);
    }
    found
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
