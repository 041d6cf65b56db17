//! Following a store and the recordings of its attempts, live, from any process.
//!
//! ```text
//! database's log (-wal) ──written to──▶ wait ──▶ operations behind the cursor ──┐
//! attempts/*/stream.*   ──written to──▶       ──▶ new lines, parsed ────────────┼─▶ Change
//! processes             ──every 2 s───▶       ──▶ alive, frozen, gone ──────────┘
//! ```
//!
//! One thread reads and sends [`Change`]s through a bounded channel; nothing is shared, and nothing
//! is ever written. It lives through whatever becomes of the store: one that is not there yet, is
//! busy, or is replaced. A [`Scene`](airboss_core::scene::Scene) that takes every change in order
//! shows at each moment what the store held at one of its operations; whoever only wants the
//! operations gets each exactly once and in order.
//!
//! A process that also writes to the store opens it for writing before it follows it, see
//! [`SqliteStore::open_reader`](crate::store::SqliteStore::open_reader).

mod load;
mod log;
mod recordings;
#[cfg(test)]
mod tests;
mod wake;

use std::collections::{BTreeSet, HashMap};
use std::io;
use std::os::fd::OwnedFd;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use airboss_core::board::BoardKey;
use airboss_core::id::RunId;
use airboss_core::operation::{Operation, PlanKey, StoredOperation};
use airboss_core::path::RepoPath;
use airboss_core::process::ProcessIdentity;
use airboss_core::scene::{Change, Pending, PendingCommits, Stored, Vitality};
use airboss_core::time::Timestamp;
use rustix::pipe::{PipeFlags, pipe_with};

pub use self::load::{Subject, waits};
use self::log::{Log, Look};
use self::recordings::Recordings;
use self::wake::{Stirred, Wake};
use crate::clock;
use crate::store::{SqliteStore, Store as _, StoreError};
use crate::supervise;
use crate::workspace::{Workspace, WorkspaceError};

/// Changes that wait for a slow reader. One holds at most about a megabyte of a recording.
const CHANGES_MAX: usize = 32;
/// Without any sign of a change the store is looked at this often: signs may get lost.
const IDLE: Duration = Duration::from_secs(1);
/// The pause before the first of the looks that follow a sign. The log is written to before the
/// commit is durable and can be seen, so that a look right after the sign is often too early.
const SETTLE_MIN: Duration = Duration::from_millis(2);
/// The longest pause between two such looks: well below a quarter of a second.
const SETTLE_MAX: Duration = Duration::from_millis(60);
/// How long after a sign it is looked so often: a disk that takes longer for an fsync is ill.
const SETTLED_AFTER: Duration = Duration::from_secs(3);
/// Signs that come this close are seen together.
const GATHER: Duration = Duration::from_millis(4);
/// How often processes are looked at. A run that was killed is seen to be gone after this.
const VITALS_EVERY: Duration = Duration::from_secs(2);
/// How often recordings that should be there are looked for: an agent starts within this.
const AWAIT_EVERY: Duration = Duration::from_millis(20);
/// How long they are looked for so often.
const AWAIT_MOST: Duration = Duration::from_secs(5);
/// Plans that a scene shows. Each costs memory with its steps; more than these nobody looks at.
const PLANS_MAX: usize = 32;

/// What a follower tells.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Wanted {
    /// Of which plans and boards.
    pub subject: Subject,
    /// Plans, boards and what is pending, for a scene; else only operations.
    pub scene: bool,
    /// What agents do.
    pub activity: bool,
    /// Without a scene: the operations behind this one; `None`: those that come from now on.
    pub since: Option<u64>,
}

impl Wanted {
    /// All that a scene shows.
    #[must_use]
    pub fn scene(subject: Subject) -> Self {
        Self {
            subject,
            scene: true,
            activity: true,
            since: None,
        }
    }
}

/// A store that is being followed.
#[derive(Debug)]
pub struct Follower {
    // Its end tells the thread that nobody listens, so it goes before the thread is waited for.
    changes: Option<Receiver<Change>>,
    quit: Option<OwnedFd>,
    thread: Option<JoinHandle<()>>,
}

impl Follower {
    /// Begins to follow the store of a work tree, whether there is one or not.
    ///
    /// # Errors
    /// When the thread or its pipe cannot be made.
    pub fn start(workspace: &Workspace, wanted: Wanted) -> io::Result<Self> {
        let (waits, quit) = pipe_with(PipeFlags::CLOEXEC)?;
        let (sender, changes) = sync_channel(CHANGES_MAX);
        let workspace = workspace.clone();
        let thread = thread::Builder::new()
            .name("follow".to_owned())
            .spawn(move || {
                let mut following = Following::new(workspace, wanted, waits, sender);
                // Its only end is that nobody listens.
                while following.round().is_ok() {}
            })?;
        Ok(Self {
            changes: Some(changes),
            quit: Some(quit),
            thread: Some(thread),
        })
    }

    /// The next change; `None` when none came before `deadline`.
    pub fn next(&mut self, deadline: Instant) -> Option<Change> {
        let left = deadline.saturating_duration_since(Instant::now());
        self.changes.as_ref()?.recv_timeout(left).ok()
    }

    /// The next change, if it is there already.
    pub fn try_next(&mut self) -> Option<Change> {
        self.changes.as_ref()?.try_recv().ok()
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        drop(self.changes.take());
        drop(self.quit.take());
        if let Some(thread) = self.thread.take() {
            // One that panicked has nothing to say here.
            thread.join().ok();
        }
    }
}

/// Nobody listens any more.
struct Unheard;

/// The thread's own state.
struct Following {
    workspace: Workspace,
    wanted: Wanted,
    out: SyncSender<Change>,
    wake: Wake,
    log: Log,
    recordings: Recordings,
    /// The plans that the scene shows, each with its newest operation.
    plans: HashMap<PlanKey, u64>,
    boards: BTreeSet<BoardKey>,
    /// The runs that have not ended, of the plans that are shown.
    runs: HashMap<RunId, (PlanKey, Option<ProcessIdentity>)>,
    /// A store has been told of, or there was none: all of the next one is new.
    begun: bool,
    trouble: Option<String>,
    pending: Pending,
    reasons: HashMap<PlanKey, String>,
    store_due: Instant,
    settle: Duration,
    stirred_at: Instant,
    vitals_due: Instant,
    awaiting_since: Option<Instant>,
}

impl Following {
    fn new(workspace: Workspace, wanted: Wanted, quit: OwnedFd, out: SyncSender<Change>) -> Self {
        let now = Instant::now();
        Self {
            log: Log::new(workspace.clone()),
            recordings: Recordings::new(workspace.state.clone(), wanted.activity),
            workspace,
            wanted,
            out,
            wake: Wake::new(quit),
            plans: HashMap::new(),
            boards: BTreeSet::new(),
            runs: HashMap::new(),
            begun: false,
            trouble: None,
            pending: Pending::default(),
            reasons: HashMap::new(),
            store_due: now,
            settle: SETTLE_MIN,
            stirred_at: now,
            vitals_due: now,
            awaiting_since: None,
        }
    }

    fn send(&self, change: Change) -> Result<(), Unheard> {
        self.out.send(change).map_err(|_| Unheard)
    }

    /// Waits, and tells what is new then.
    fn round(&mut self) -> Result<(), Unheard> {
        let stirred = self.wake.wait(self.pause());
        if stirred.quit {
            return Err(Unheard);
        }
        self.hear(&stirred)?;
        let now = Instant::now();
        if stirred.store {
            self.stirred_at = now;
            self.settle = SETTLE_MIN;
            self.store_due = now;
        }
        if now >= self.store_due {
            self.look()?;
        }
        if now >= self.vitals_due {
            self.vitals()?;
        }
        if stirred.store || stirred.all || !stirred.attempts.is_empty() {
            thread::sleep(GATHER);
        }
        Ok(())
    }

    fn pause(&self) -> Duration {
        let now = Instant::now();
        let mut until = self.store_due;
        if self.wanted.activity && !(self.recordings.is_empty() && self.runs.is_empty()) {
            until = until.min(self.vitals_due);
        }
        if self.is_awaiting(now) {
            until = until.min(now + AWAIT_EVERY);
        }
        until.saturating_duration_since(now)
    }

    fn is_awaiting(&self, now: Instant) -> bool {
        self.awaiting_since
            .is_some_and(|since| now.duration_since(since) < AWAIT_MOST)
    }

    /// Hears the recordings that were written to.
    fn hear(&mut self, stirred: &Stirred) -> Result<(), Unheard> {
        let mut heard = stirred.attempts.clone();
        if stirred.all {
            heard = self.recordings.all();
        }
        if self.recordings.awaits_any() {
            self.awaiting_since.get_or_insert_with(Instant::now);
            for change in self.recordings.find(&mut self.wake) {
                if let Change::Opened { attempt, .. } = &change {
                    heard.insert(*attempt);
                }
                self.send(change)?;
            }
        } else {
            self.awaiting_since = None;
        }
        for attempt in heard {
            while let Some(change) = self.recordings.hear(attempt) {
                self.send(change)?;
            }
        }
        Ok(())
    }

    /// Looks at the log until there is nothing new.
    fn look(&mut self) -> Result<(), Unheard> {
        if let Some(directory) = self.log.directory() {
            self.wake.watch_store(&directory);
        }
        let looked = self.look_on();
        let now = Instant::now();
        let told = match looked {
            Err(Stop::Unheard) => return Err(Unheard),
            Err(Stop::Store(error)) => {
                self.trouble(Some(error.to_string()))?;
                false
            }
            Ok(told) => {
                self.trouble(None)?;
                told
            }
        };
        if told {
            self.stirred_at = now;
            self.settle = SETTLE_MIN;
        }
        let is_settled = now.duration_since(self.stirred_at) >= SETTLED_AFTER;
        self.store_due = now + if is_settled { IDLE } else { self.settle };
        self.settle = (self.settle * 2).min(SETTLE_MAX);
        Ok(())
    }

    fn trouble(&mut self, trouble: Option<String>) -> Result<(), Unheard> {
        if self.trouble == trouble {
            return Ok(());
        }
        self.trouble.clone_from(&trouble);
        self.send(Change::Trouble(trouble))
    }

    /// Whether anything was told.
    fn look_on(&mut self) -> Result<bool, Stop> {
        let mut told = false;
        loop {
            let done = match self.log.look()? {
                Look::Nothing => {
                    self.begun = true;
                    return Ok(told);
                }
                Look::Other => self.begin(),
                Look::Page(page) if page.is_empty() => {
                    self.look_at_pending()?;
                    return Ok(told);
                }
                Look::Page(page) => self.page(page),
            };
            if done.is_err() {
                // What was read and not told is read once more.
                self.log.forget();
            }
            done?;
            told = true;
        }
    }

    /// Another store: everything begins anew.
    fn begin(&mut self) -> Result<(), Stop> {
        self.recordings.clear(&mut self.wake);
        self.plans.clear();
        self.boards.clear();
        self.runs.clear();
        self.pending = Pending::default();
        let mut stored = Stored {
            anew: true,
            ..Stored::default()
        };
        let Some(store) = self.log.store() else {
            return Ok(());
        };
        if !self.wanted.scene {
            // What a store that took another's place holds was never told.
            let since = match (self.begun, self.wanted.since) {
                (true, _) => 0,
                (false, Some(since)) => since,
                (false, None) => store.sequence()?,
            };
            let open = self.wanted.activity.then(|| store.open_attempts());
            let open = open.transpose()?.unwrap_or_default();
            for found in open {
                if self.wanted.subject.covers(&found.plan) {
                    let ended = found.attempt.ended_at.is_some();
                    let (id, supervisor) = (found.attempt.id, found.attempt.supervisor);
                    self.recordings.begin(id, &found.plan, supervisor, ended);
                }
            }
            self.log.go_to(since)?;
            stored.as_of = since;
            self.begun = true;
            return Ok(self.send(Change::Stored(Box::new(stored)))?);
        }
        let cursor = store.sequence()?;
        let shown = load::shown(store, &self.wanted.subject)?;
        let boards = store.boards()?;
        self.log.go_to(cursor)?;
        for plan in shown {
            self.load(&plan, &mut stored)?;
        }
        for board in boards {
            if self.wanted.subject.covers(&board.log()) {
                self.load_board(&board, &mut stored)?;
            }
        }
        stored.as_of = cursor;
        self.catch_up(stored)
    }

    fn load(&mut self, key: &PlanKey, stored: &mut Stored) -> Result<(), Stop> {
        let Some(store) = self.log.store() else {
            return Ok(());
        };
        let Some(loaded) = load::plan(store, &self.workspace.top, key)? else {
            return Ok(());
        };
        for attempt in loaded.view.open_attempts() {
            let ended = attempt.ended_at.is_some();
            let supervisor = attempt.supervisor.clone();
            self.recordings.begin(attempt.id, key, supervisor, ended);
        }
        let open = loaded.view.runs.iter().filter(|run| run.ended.is_none());
        for run in open {
            self.runs.insert(run.id, (key.clone(), run.runner.clone()));
        }
        self.plans.insert(key.clone(), loaded.view.sequence);
        stored.plans.push(loaded);
        Ok(())
    }

    fn load_board(&mut self, key: &BoardKey, stored: &mut Stored) -> Result<(), Stop> {
        let Some(store) = self.log.store() else {
            return Ok(());
        };
        if let Some(board) = store.board(key)? {
            self.boards.insert(key.clone());
            stored.boards.push((key.clone(), board));
        }
        Ok(())
    }

    /// Takes operations in, and sends them; the last words of an attempt go before its end.
    fn page(&mut self, page: Vec<StoredOperation>) -> Result<(), Stop> {
        let mut stored = Stored::default();
        for operation in page {
            if let Operation::AttemptEnded { attempt, .. } = &operation.operation
                && stored.plans.is_empty()
            {
                let attempt = *attempt;
                if !stored.operations.is_empty() {
                    let before = std::mem::take(&mut stored);
                    self.send(Change::Stored(Box::new(before)))?;
                }
                self.hear_all_of(attempt)?;
            }
            self.take(operation, &mut stored)?;
        }
        self.catch_up(stored)
    }

    fn hear_all_of(&mut self, attempt: airboss_core::id::AttemptId) -> Result<(), Unheard> {
        for change in self.recordings.find(&mut self.wake) {
            self.send(change)?;
        }
        while let Some(change) = self.recordings.hear(attempt) {
            self.send(change)?;
        }
        match self.recordings.last_words(attempt) {
            Some(change) => self.send(change),
            None => Ok(()),
        }
    }

    /// What was loaded may be newer than the rest: that is brought as far before it is told.
    fn catch_up(&mut self, mut stored: Stored) -> Result<(), Stop> {
        loop {
            let plans = stored.plans.iter().map(|plan| plan.view.sequence);
            let boards = stored.boards.iter().map(|(_, board)| board.sequence);
            let newest = plans.chain(boards).max().unwrap_or(0);
            if newest <= self.log.cursor() {
                break;
            }
            match self.log.look()? {
                Look::Page(page) if !page.is_empty() => {
                    for operation in page {
                        self.take(operation, &mut stored)?;
                    }
                }
                // Another store took its place: what was read is of no use.
                _ => return Ok(()),
            }
        }
        stored.as_of = stored.as_of.max(self.log.cursor());
        self.drop_plans(&mut stored);
        self.send(Change::Stored(Box::new(stored)))?;
        let opened = self.recordings.find(&mut self.wake);
        for change in opened {
            let attempt = match &change {
                Change::Opened { attempt, .. } => Some(*attempt),
                _ => None,
            };
            self.send(change)?;
            while let Some(change) = attempt.and_then(|it| self.recordings.hear(it)) {
                self.send(change)?;
            }
        }
        Ok(())
    }

    fn take(&mut self, operation: StoredOperation, stored: &mut Stored) -> Result<(), Stop> {
        stored.as_of = stored.as_of.max(operation.sequence);
        if !self.wanted.subject.covers(&operation.plan) {
            return Ok(());
        }
        let key = operation.plan.clone();
        if self.wanted.scene {
            self.take_for_scene(&operation, stored)?;
        }
        if self.wanted.activity {
            self.recordings.operation(&operation, &mut self.wake);
        }
        match &operation.operation {
            Operation::RunStarted { run, runner, .. } => {
                self.runs.insert(*run, (key, runner.clone()));
            }
            Operation::RunEnded { run, .. } => drop(self.runs.remove(run)),
            Operation::CommitDeferred { reason, .. } => {
                self.reasons.insert(key, reason.clone());
            }
            Operation::CommitMade { .. } => drop(self.reasons.remove(&key)),
            _ => {}
        }
        stored.operations.push(operation);
        Ok(())
    }

    fn take_for_scene(
        &mut self,
        operation: &StoredOperation,
        stored: &mut Stored,
    ) -> Result<(), Stop> {
        let key = &operation.plan;
        let board = BoardKey::new(key.path().clone());
        if self.boards.contains(&board) {
            return Ok(());
        }
        if let Operation::Board { .. } = &operation.operation {
            return self.load_board(&board, stored);
        }
        match self.plans.get_mut(key) {
            Some(newest) => {
                *newest = (*newest).max(operation.sequence);
                if let Operation::PlanRegistered { hash, .. } = &operation.operation {
                    let waits = load::waits(&self.workspace.top, key, hash);
                    stored.waits.push((key.clone(), waits));
                }
                Ok(())
            }
            None => self.load(key, stored),
        }
    }

    /// Of very many plans those go that nothing happened to for longest.
    fn drop_plans(&mut self, stored: &mut Stored) {
        while self.plans.len() > PLANS_MAX {
            let idle = self
                .plans
                .iter()
                .filter(|(key, _)| !self.recordings.has_of(key));
            let Some(oldest) = idle.min_by_key(|(_, newest)| **newest) else {
                return;
            };
            let oldest = oldest.0.clone();
            self.plans.remove(&oldest);
            self.runs.retain(|_, (plan, _)| *plan != oldest);
            stored.dropped.push(oldest);
        }
    }

    fn look_at_pending(&mut self) -> Result<(), Stop> {
        if !self.wanted.scene {
            return Ok(());
        }
        let Some(store) = self.log.store() else {
            return Ok(());
        };
        let found = self.pending_now(store)?;
        if found != self.pending {
            self.pending = found.clone();
            self.send(Change::Pending(found))?;
        }
        Ok(())
    }

    fn pending_now(&self, store: &SqliteStore) -> Result<Pending, StoreError> {
        let now = clock::now();
        let covers = |plan: &PlanKey| self.wanted.subject.covers(plan);
        let mut found = Pending::default();
        for row in store.to_publish(None)? {
            if covers(&row.plan) {
                let since = self.file_since(&row.plan, &row.path).unwrap_or(now);
                found.files.push((row.plan, row.path, since));
            }
        }
        for row in store.git_wishes()? {
            if !covers(&row.plan) {
                continue;
            }
            match found.commits.iter_mut().find(|it| it.plan == row.plan) {
                Some(commits) => commits.count += 1,
                None => {
                    let known = self.pending.commits.iter().find(|it| it.plan == row.plan);
                    found.commits.push(PendingCommits {
                        count: 1,
                        since: known.map_or(now, |known| known.since),
                        reason: self.reasons.get(&row.plan).cloned(),
                        plan: row.plan,
                    });
                }
            }
        }
        Ok(found)
    }

    fn file_since(&self, plan: &PlanKey, path: &RepoPath) -> Option<Timestamp> {
        let mut files = self.pending.files.iter();
        let known = files.find(|(of, file, _)| of == plan && file == path);
        known.map(|(.., since)| *since)
    }

    fn vitals(&mut self) -> Result<(), Unheard> {
        self.vitals_due = Instant::now() + VITALS_EVERY;
        if !self.wanted.activity {
            return Ok(());
        }
        let attempts = self.recordings.vitals();
        let runs: Vec<(RunId, Vitality)> = self
            .runs
            .iter()
            .filter_map(|(run, (_, runner))| Some((*run, supervise::vitality(runner.as_ref()?))))
            .collect();
        if attempts.is_empty() && runs.is_empty() {
            return Ok(());
        }
        self.send(Change::Looked {
            at: clock::now(),
            attempts,
            runs,
        })
    }
}

/// Why a look was not finished.
enum Stop {
    Unheard,
    Store(WorkspaceError),
}

impl From<Unheard> for Stop {
    fn from(_: Unheard) -> Self {
        Self::Unheard
    }
}

impl From<WorkspaceError> for Stop {
    fn from(error: WorkspaceError) -> Self {
        Self::Store(error)
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Store(error.into())
    }
}
