//! Lets exactly one actor run between two operations, in an order that a seed decides.

use std::collections::BTreeMap;
use std::panic::resume_unwind;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::vfs::simulated::{Crash, Disk, Random, Scheduler};

pub(super) struct Turnstile {
    disk: Arc<Disk>,
    // The token that is passed from thread to thread.
    state: Mutex<State>,
    /// Called when an operation is over and before the next one begins.
    check: Box<dyn Fn() + Send + Sync>,
}

struct State {
    random: Random,
    actors: BTreeMap<u32, Actor>,
    current: Option<u32>,
    steps: u64,
    power_cut_at: Option<u64>,
    dark: bool,
}

struct Actor {
    until_ns: u64,
    bell: Arc<Condvar>,
}

impl std::fmt::Debug for Turnstile {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Turnstile")
    }
}

impl Turnstile {
    pub(super) fn new(
        disk: &Arc<Disk>,
        random: Random,
        actors: &[u32],
        power_cut_at: Option<u64>,
        check: Box<dyn Fn() + Send + Sync>,
    ) -> Self {
        let actor = |pid: &u32| {
            let bell = Arc::new(Condvar::new());
            (*pid, Actor { until_ns: 0, bell })
        };
        let mut state = State {
            random,
            actors: actors.iter().map(actor).collect(),
            current: None,
            steps: 0,
            power_cut_at,
            dark: false,
        };
        state.choose(disk);
        Self {
            disk: Arc::clone(disk),
            state: Mutex::new(state),
            check,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_dark(&self) -> bool {
        self.lock().dark
    }

    /// Waits for the first turn.
    pub(super) fn enter(&self, pid: u32) {
        self.wait(self.lock(), pid);
    }

    /// The actor is through, or crashed.
    pub(super) fn leave(&self, pid: u32) {
        (self.check)();
        let mut state = self.lock();
        state.actors.remove(&pid);
        state.choose(&self.disk);
        state.ring();
    }

    fn wait(&self, mut state: MutexGuard<'_, State>, pid: u32) {
        while state.current != Some(pid) && !state.dark {
            let Some(bell) = state.actors.get(&pid).map(|actor| Arc::clone(&actor.bell)) else {
                return;
            };
            state = bell.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let dark = state.dark;
        drop(state);
        if dark && !std::thread::panicking() {
            resume_unwind(Box::new(Crash));
        }
    }
}

impl State {
    fn choose(&mut self, disk: &Disk) {
        loop {
            let now_ns = disk.now_ns();
            let ready = |actor: &&Actor| actor.until_ns <= now_ns;
            // Changing the thread takes most of the time, and few orders need it each time.
            let current = self.current.and_then(|pid| self.actors.get(&pid));
            if current.as_ref().is_some_and(ready) && self.random.below(3) != 0 {
                return;
            }
            let candidates = self.actors.iter().filter(|(_, actor)| ready(actor));
            let candidates: Vec<u32> = candidates.map(|(pid, _)| *pid).collect();
            if !candidates.is_empty() {
                self.current = Some(candidates[self.random.below(candidates.len())]);
                return;
            }
            let Some(first) = self.actors.values().map(|actor| actor.until_ns).min() else {
                self.current = None;
                return;
            };
            disk.advance(Duration::from_nanos(first - now_ns));
        }
    }

    fn ring(&self) {
        for (pid, actor) in &self.actors {
            if self.dark || self.current == Some(*pid) {
                actor.bell.notify_one();
            }
        }
    }
}

impl Scheduler for Turnstile {
    fn turn(&self, pid: u32) {
        if std::thread::panicking() {
            return;
        }
        (self.check)();
        let mut state = self.lock();
        state.steps += 1;
        if state.power_cut_at.is_some_and(|at| state.steps >= at) {
            state.dark = true;
        } else {
            state.choose(&self.disk);
        }
        if state.dark || state.current != Some(pid) {
            state.ring();
        }
        self.wait(state, pid);
    }

    fn pause(&self, pid: u32, until_ns: u64) {
        if let Some(actor) = self.lock().actors.get_mut(&pid) {
            actor.until_ns = until_ns;
        }
        self.turn(pid);
    }
}
