//! The store in memory: the reference that every other store is compared with, and the store
//! of tests. It forgets everything when its last handle is dropped.

mod part;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use airboss_core::attempt::{Attempt, AttemptStatus};
use airboss_core::board::outline::Listing;
use airboss_core::board::{Board, BoardKey, Place};
use airboss_core::id::{AttemptId, OperationId, StepId, TaskId};
use airboss_core::operation::{PlanKey, StoredOperation};
use airboss_core::path::RepoPath;
use airboss_core::process::ProcessIdentity;
use airboss_core::step::Step;
use airboss_core::time::Timestamp;
use airboss_core::view::{Counts, Run, View};
use serde_json::Value;

use self::part::{part_of, standing_of};
use super::board::{Concern, Deltas, begins_board, check_stream, concern, fold};
use super::lease::Slot;
use super::rules::{check_change, concerned, id_prefix, overview_of, phases_of, summary_of};
use super::{
    AttemptSummary, BoardChanges, BoardHead, BoardPublication, Change, Claim, Clock, CommandId,
    Commit, Committed, Decide, DecideBoard, Decided, Expected, FOUND_MAX, GitWishRow, Lease,
    LeaseKey, OperationQuery, Overview, PhaseCounts, Publication, PublishRow, Section, Standing,
    Store, StoreError, StoredAttempt, Wanted,
};
use crate::clock;

/// A store without a file. Its clones are handles on the same store.
#[derive(Clone)]
pub struct MemoryStore {
    // Several handles stand for several connections to one database; the lock is its
    // transaction, and nothing waits while it is held.
    inner: Arc<Mutex<Inner>>,
}

struct Inner {
    clock: Clock,
    /// Of every log; of a board's only its runs and attempts.
    views: BTreeMap<PlanKey, View>,
    boards: BTreeMap<PlanKey, Board>,
    log: Vec<Entry>,
    outbox: BTreeMap<(PlanKey, RepoPath), PublishRow>,
    publications: HashMap<(PlanKey, RepoPath), Publication>,
    wishes: BTreeMap<u64, GitWishRow>,
    commands: HashMap<(PlanKey, CommandId), Value>,
    leases: BTreeMap<LeaseKey, Slot>,
    sections: HashMap<(PlanKey, RepoPath), BTreeMap<TaskId, Section>>,
    known_sections: HashMap<(PlanKey, RepoPath, String), u64>,
    boot: Option<String>,
}

/// An operation, and under what it is found again.
struct Entry {
    stored: StoredOperation,
    steps: Vec<StepId>,
    task: Option<TaskId>,
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new(Box::new(clock::now))
    }
}

impl MemoryStore {
    /// An empty store with this clock.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self {
            inner: Arc::new(Mutex::new(Inner {
                clock,
                views: BTreeMap::new(),
                boards: BTreeMap::new(),
                log: Vec::new(),
                outbox: BTreeMap::new(),
                publications: HashMap::new(),
                wishes: BTreeMap::new(),
                commands: HashMap::new(),
                leases: BTreeMap::new(),
                sections: HashMap::new(),
                known_sections: HashMap::new(),
                boot: None,
            })),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A commit changes the maps only after everything fallible, so a panic leaves them whole.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn duplicate(&self, plan: &PlanKey, command: Option<&CommandId>) -> Option<Value> {
        let command = command?;
        self.commands.get(&(plan.clone(), command.clone())).cloned()
    }

    fn is_expected(&self, plan: &PlanKey, expected: &Expected) -> bool {
        let view = self.views.get(plan);
        match expected {
            Expected::Any => true,
            Expected::Plan(sequence) => view.map_or(0, |view| view.sequence) == *sequence,
            Expected::Steps(versions) => versions.iter().all(|(id, version)| {
                let step = view.and_then(|view| view.step(id));
                step.map_or(0, |step| step.state.version) == *version
            }),
        }
    }

    fn append(
        &mut self,
        plan: &PlanKey,
        command: Option<&CommandId>,
        change: &Change,
    ) -> Result<Vec<StoredOperation>, StoreError> {
        let bug = |message| StoreError::Bug { message };
        let known = self
            .views
            .contains_key(plan)
            .then(|| self.boards.contains_key(plan));
        let is_board = check_stream(known, change).map_err(bug)?;
        check_change(change).map_err(bug)?;
        let at = (self.clock)();
        let mut board = is_board.then(|| self.boards.get(plan).cloned().unwrap_or_default());
        let mut view = self.views.get(plan).cloned().unwrap_or_default();
        let mut appended: Vec<Entry> = Vec::new();
        for operation in &change.operations {
            let stored = StoredOperation {
                sequence: (self.log.len() + appended.len() + 1) as u64,
                id: OperationId::from_uuid(clock::fresh_uuid()),
                plan: plan.clone(),
                at,
                operation: operation.clone(),
            };
            let task = board.as_mut().and_then(|board| {
                let task = self.concerned_task(board, &appended, &stored);
                fold(board, &stored);
                task
            });
            view.apply(&stored)?;
            let attempt = operation.attempt().and_then(|id| view.attempts.get(&id));
            let steps = concerned(operation, attempt);
            appended.push(Entry {
                stored,
                steps,
                task,
            });
        }
        let sequence = view.sequence;
        if let Some(board) = board {
            self.boards.insert(plan.clone(), board);
        }
        self.views.insert(plan.clone(), view);
        self.enqueue(plan, change, &appended, sequence);
        if let Some(command) = command {
            let key = (plan.clone(), command.clone());
            self.commands.insert(key, change.result.clone());
        }
        let operations = appended.iter().map(|entry| entry.stored.clone()).collect();
        self.log.extend(appended);
        Ok(operations)
    }

    /// Writes down what follows from a change, up to the log's newest operation.
    fn enqueue(&mut self, plan: &PlanKey, change: &Change, appended: &[Entry], sequence: u64) {
        for item in &change.publish {
            let row = PublishRow {
                plan: plan.clone(),
                path: item.path.clone(),
                kind: item.kind.clone(),
                sequence,
            };
            self.outbox.insert((plan.clone(), item.path.clone()), row);
        }
        for wish in &change.git {
            let stored = &appended[wish.operation].stored;
            let row = GitWishRow {
                sequence: stored.sequence,
                operation: stored.id,
                plan: plan.clone(),
                steps: wish.steps.clone(),
                payload: wish.payload.clone(),
            };
            self.wishes.insert(stored.sequence, row);
        }
        for sequence in &change.close_git {
            self.wishes.remove(sequence);
        }
        for found in &change.found {
            let mut sections = found.sections.clone();
            for section in &mut sections {
                section.sequence = section.sequence_or(Some(sequence));
            }
            self.remember(plan, &found.path, &sections);
            self.save_sections(plan, &found.path, &sections);
        }
    }

    /// The task under which an operation of a board is found again.
    fn concerned_task(
        &self,
        board: &Board,
        appended: &[Entry],
        stored: &StoredOperation,
    ) -> Option<TaskId> {
        match concern(&stored.operation) {
            Concern::Task(task) => task,
            Concern::Operation(sequence) => {
                let mut entries = self.log.iter().chain(appended);
                let is_it = |entry: &&Entry| {
                    entry.stored.sequence == sequence && entry.stored.plan == stored.plan
                };
                entries.find(is_it)?.task
            }
            Concern::Conflict(id) => {
                let mut conflicts = board.conflicts.iter();
                Some(conflicts.find(|conflict| conflict.id == id)?.task)
            }
            Concern::Number(number) => Some(board.find(number)?.id),
        }
    }

    /// Remembers that this text was in a file.
    fn remember(&mut self, log: &PlanKey, path: &RepoPath, sections: &[Section]) {
        for section in sections {
            let key = (log.clone(), path.clone(), section.hash.clone());
            let known = self.known_sections.entry(key).or_insert(section.sequence);
            *known = section.sequence.min(*known);
        }
    }

    /// Keeps this text as the newest of its tasks.
    fn save_sections(&mut self, log: &PlanKey, path: &RepoPath, sections: &[Section]) {
        let key = (log.clone(), path.clone());
        let known = self.sections.entry(key).or_default();
        for section in sections {
            let mut section = section.clone();
            (section.facts.line, section.facts.span) = (0, 0..0);
            known.insert(section.task, section);
        }
    }

    fn is_plan(&self, key: &PlanKey) -> bool {
        self.views.contains_key(key) && !self.boards.contains_key(key)
    }

    fn plans(&self) -> impl Iterator<Item = &PlanKey> {
        self.views
            .keys()
            .filter(|key| !self.boards.contains_key(*key))
    }

    /// When an operation was stored; the epoch when there is none.
    fn stored_at(&self, sequence: u64) -> Timestamp {
        let mut log = self.log.iter().map(|entry| &entry.stored);
        let stored = log.find(|stored| stored.sequence == sequence);
        stored.map(|stored| stored.at).unwrap_or_default()
    }

    /// Records what a file shows. Tells whether nothing newer was known of it, and whether it is
    /// clean.
    fn record_publication(
        &mut self,
        plan: &PlanKey,
        path: &RepoPath,
        publication: Publication,
    ) -> (bool, bool) {
        let up_to = publication.sequence;
        let key = (plan.clone(), path.clone());
        let known = self.publications.get(&key).map(|known| known.sequence);
        let is_newest = known.is_none_or(|known| known <= up_to);
        if is_newest {
            self.publications.insert(key.clone(), publication);
        }
        let pending = self.outbox.get(&key).map(|row| row.sequence);
        let is_clean = pending.is_none_or(|sequence| sequence <= up_to);
        if is_clean {
            self.outbox.remove(&key);
        }
        (is_newest, is_clean)
    }
}

impl Store for MemoryStore {
    fn now(&self) -> Timestamp {
        (self.lock().clock)()
    }

    fn commit(&mut self, commit: &Commit) -> Result<Committed, StoreError> {
        let mut inner = self.lock();
        if let Some(result) = inner.duplicate(&commit.plan, commit.command.as_ref()) {
            return Ok(Committed::Duplicate { result });
        }
        if let Some(fence) = &commit.fence {
            let step = inner.views.get(&commit.plan);
            let step = step.and_then(|view| view.step(&fence.step));
            let current = step.and_then(|step| step.state.attempt);
            if current != Some(fence.attempt) {
                return Ok(Committed::Fenced { current });
            }
        }
        if !inner.is_expected(&commit.plan, &commit.expected) {
            return Ok(Committed::Conflict);
        }
        let operations = inner.append(&commit.plan, commit.command.as_ref(), &commit.change)?;
        Ok(Committed::Applied { operations })
    }

    fn boards(&self) -> Result<Vec<BoardKey>, StoreError> {
        let inner = self.lock();
        let boards = inner.boards.keys();
        Ok(boards
            .map(|key| BoardKey::new(key.path().clone()))
            .collect())
    }

    fn board_part(&self, board: &BoardKey, wanted: &Wanted) -> Result<Option<Board>, StoreError> {
        let inner = self.lock();
        let board = inner.boards.get(&board.log());
        Ok(board.map(|board| part_of(board, wanted)))
    }

    fn board_head(&self, board: &BoardKey) -> Result<Option<BoardHead>, StoreError> {
        let inner = self.lock();
        let Some(board) = inner.boards.get(&board.log()) else {
            return Ok(None);
        };
        let mut active = BTreeMap::new();
        for task in board.active() {
            *active.entry(task.status.clone()).or_default() += 1;
        }
        Ok(Some(BoardHead {
            next_number: board.next_number,
            sequence: board.sequence,
            updated_at: inner.stored_at(board.sequence),
            active,
        }))
    }

    fn listing(&self, board: &BoardKey, places: &[Place]) -> Result<Option<Listing>, StoreError> {
        let inner = self.lock();
        let board = inner.boards.get(&board.log());
        Ok(board.map(|board| Listing::of(board, places)))
    }

    fn decide_board(
        &mut self,
        board: &BoardKey,
        command: Option<&CommandId>,
        wanted: &Wanted,
        decide: &mut DecideBoard<'_>,
    ) -> Result<Decided, StoreError> {
        let log = board.log();
        let bug = |message| StoreError::Bug { message };
        let mut inner = self.lock();
        if inner.is_plan(&log) {
            return Err(bug(format!("{board} is a plan, not a board")));
        }
        if let Some(result) = inner.duplicate(&log, command) {
            return Ok(Decided::Duplicate { result });
        }
        let known = inner.boards.get(&log);
        let is_new = known.is_none();
        let now = (inner.clock)();
        let standing = standing_of(known.unwrap_or(&Board::default()), wanted, now);
        let change = match decide(&standing) {
            Ok(change) => change,
            Err(refusal) => return Ok(Decided::Refused(refusal)),
        };
        let operations = if is_new && !begins_board(&change).map_err(bug)? {
            Vec::new()
        } else {
            inner.append(&log, command, &change)?
        };
        let result = change.result;
        Ok(Decided::Applied { operations, result })
    }

    fn changed_since(
        &self,
        board: &BoardKey,
        sequence: u64,
    ) -> Result<Option<BoardChanges>, StoreError> {
        let (inner, log) = (self.lock(), board.log());
        let Some(board) = inner.boards.get(&log) else {
            return Ok(None);
        };
        let mut deltas = Deltas::default();
        for Entry { stored, .. } in &inner.log {
            if stored.plan == log && stored.sequence > sequence {
                deltas.note(stored.sequence, &stored.operation);
            }
        }
        Ok(Some(BoardChanges {
            next_number: board.next_number,
            sequence: board.sequence,
            updated_at: inner.stored_at(board.sequence),
            tasks: deltas.with(board.tasks.clone()),
        }))
    }

    fn sections(
        &self,
        board: &BoardKey,
        path: &RepoPath,
        tasks: Option<&[TaskId]>,
    ) -> Result<Vec<Section>, StoreError> {
        let inner = self.lock();
        let known = inner.sections.get(&(board.log(), path.clone()));
        let sections = known.into_iter().flat_map(BTreeMap::values);
        let wanted = sections.filter(|section| tasks.is_none_or(|ids| ids.contains(&section.task)));
        Ok(wanted.cloned().collect())
    }

    fn known_section(
        &self,
        board: &BoardKey,
        path: &RepoPath,
        hash: &str,
    ) -> Result<Option<u64>, StoreError> {
        let key = (board.log(), path.clone(), hash.to_owned());
        Ok(self.lock().known_sections.get(&key).copied())
    }

    fn publish_board(
        &mut self,
        board: &BoardKey,
        publications: &[BoardPublication],
    ) -> Result<bool, StoreError> {
        let mut inner = self.lock();
        let log = board.log();
        if !inner.boards.contains_key(&log) {
            return Ok(true);
        }
        let mut all_clean = true;
        for publication in publications {
            let path = &publication.path;
            inner.remember(&log, path, &publication.sections);
            let (is_newest, is_clean) = inner.record_publication(&log, path, publication.shown());
            if is_newest {
                inner.save_sections(&log, path, &publication.sections);
                let sections = inner.sections.entry((log.clone(), path.clone()));
                let sections = sections.or_default();
                sections.retain(|task, _| !publication.forget.contains(task));
            }
            all_clean &= is_clean;
        }
        Ok(all_clean)
    }

    fn operation(&self, sequence: u64) -> Result<Option<StoredOperation>, StoreError> {
        let inner = self.lock();
        let mut log = inner.log.iter().map(|entry| &entry.stored);
        Ok(log.find(|stored| stored.sequence == sequence).cloned())
    }

    fn find_operation(&self, prefix: &str) -> Result<Vec<StoredOperation>, StoreError> {
        let Some(prefix) = id_prefix(prefix) else {
            return Ok(Vec::new());
        };
        let inner = self.lock();
        let log = inner.log.iter().map(|entry| &entry.stored);
        let mut found: Vec<StoredOperation> = log
            .filter(|stored| stored.id.to_string().starts_with(&prefix))
            .cloned()
            .collect();
        found.sort_by_key(|stored| stored.id);
        found.truncate(FOUND_MAX);
        Ok(found)
    }

    fn known_operation(&self, id: OperationId) -> Result<Option<u64>, StoreError> {
        let inner = self.lock();
        let mut log = inner.log.iter().map(|entry| &entry.stored);
        Ok(log
            .find(|stored| stored.id == id)
            .map(|stored| stored.sequence))
    }

    fn boot(&self) -> Result<Option<String>, StoreError> {
        Ok(self.lock().boot.clone())
    }

    fn set_boot(&mut self, boot: &str) -> Result<(), StoreError> {
        self.lock().boot = Some(boot.to_owned());
        Ok(())
    }

    fn decide(
        &mut self,
        plan: &PlanKey,
        command: Option<&CommandId>,
        step: &StepId,
        decide: &mut Decide<'_>,
    ) -> Result<Decided, StoreError> {
        let mut inner = self.lock();
        if let Some(result) = inner.duplicate(plan, command) {
            return Ok(Decided::Duplicate { result });
        }
        let Some(view) = inner.views.get(plan) else {
            return Ok(Decided::UnknownStep);
        };
        let Some(step) = view.step(step) else {
            return Ok(Decided::UnknownStep);
        };
        let attempt = step.state.attempt.and_then(|id| view.attempts.get(&id));
        let standing = Standing {
            step: step.clone(),
            attempt: attempt.cloned(),
            run: view.runs.last().cloned(),
            now: (inner.clock)(),
        };
        let change = match decide(&standing) {
            Ok(change) => change,
            Err(refusal) => return Ok(Decided::Refused(refusal)),
        };
        let operations = inner.append(plan, command, &change)?;
        Ok(Decided::Applied {
            operations,
            result: change.result,
        })
    }

    fn view(&self, plan: &PlanKey) -> Result<Option<View>, StoreError> {
        let inner = self.lock();
        let view = inner.views.get(plan).filter(|_| inner.is_plan(plan));
        let Some(mut view) = view.cloned() else {
            return Ok(None);
        };
        let newest: HashSet<AttemptId> = view
            .steps
            .iter()
            .filter_map(|step| step.state.last_attempt)
            .collect();
        view.attempts
            .retain(|id, attempt| attempt.status != AttemptStatus::Judged || newest.contains(id));
        Ok(Some(view))
    }

    fn step(&self, plan: &PlanKey, id: &StepId) -> Result<Option<Step>, StoreError> {
        let inner = self.lock();
        let view = inner.views.get(plan);
        Ok(view.and_then(|view| view.step(id)).cloned())
    }

    fn attempt(&self, id: AttemptId) -> Result<Option<StoredAttempt>, StoreError> {
        let inner = self.lock();
        let found = inner.views.iter().find_map(|(plan, view)| {
            let attempt = view.attempts.get(&id)?.clone();
            let plan = plan.clone();
            Some(StoredAttempt { plan, attempt })
        });
        Ok(found)
    }

    fn find_attempt(&self, prefix: &str) -> Result<Vec<AttemptSummary>, StoreError> {
        let Some(prefix) = id_prefix(prefix) else {
            return Ok(Vec::new());
        };
        let inner = self.lock();
        let mut found: Vec<AttemptSummary> = inner
            .views
            .iter()
            .flat_map(|(plan, view)| view.attempts.values().map(move |attempt| (plan, attempt)))
            .filter(|(_, attempt)| attempt.id.to_string().starts_with(&prefix))
            .map(|(plan, attempt)| summary_of(plan.clone(), attempt.clone()))
            .collect();
        found.sort_by_key(|summary| summary.id);
        found.truncate(FOUND_MAX);
        Ok(found)
    }

    fn open_attempts(&self) -> Result<Vec<StoredAttempt>, StoreError> {
        let inner = self.lock();
        let mut open: Vec<StoredAttempt> = inner
            .views
            .iter()
            .flat_map(|(plan, view)| {
                let stored = |attempt: &Attempt| StoredAttempt {
                    plan: plan.clone(),
                    attempt: attempt.clone(),
                };
                view.open_attempts()
                    .into_iter()
                    .map(stored)
                    .collect::<Vec<_>>()
            })
            .collect();
        open.sort_by_key(|stored| stored.attempt.id);
        Ok(open)
    }

    fn overview(&self, plan: &PlanKey) -> Result<Option<Overview>, StoreError> {
        let inner = self.lock();
        let Some(view) = inner.views.get(plan).filter(|_| inner.is_plan(plan)) else {
            return Ok(None);
        };
        let phases = phases_of(&view.steps)
            .into_iter()
            .map(|(key, title)| {
                let mut counts = Counts::default();
                for step in &view.steps {
                    if !step.state.vanished && step.record.phase == key {
                        counts.add(step.state.status, 1);
                    }
                }
                PhaseCounts {
                    key: key.to_owned(),
                    title: title.to_owned(),
                    counts,
                }
            })
            .collect();
        let (name, hash) = (view.name.clone(), view.hash.clone());
        Ok(Some(overview_of(name, hash, view.sequence, phases)))
    }

    fn plans(&self) -> Result<Vec<PlanKey>, StoreError> {
        Ok(self.lock().plans().cloned().collect())
    }

    fn runs(&self, plan: &PlanKey) -> Result<Vec<Run>, StoreError> {
        let inner = self.lock();
        let view = inner.views.get(plan);
        Ok(view.map(|view| view.runs.clone()).unwrap_or_default())
    }

    fn operations(&self, query: &OperationQuery) -> Result<Vec<StoredOperation>, StoreError> {
        let inner = self.lock();
        let mut found: Vec<&StoredOperation> = inner
            .log
            .iter()
            .filter(|entry| {
                let (plan, step) = (query.plan.as_ref(), query.step.as_ref());
                entry.stored.sequence > query.after
                    && plan.is_none_or(|plan| entry.stored.plan == *plan)
                    && step.is_none_or(|step| entry.steps.contains(step))
                    && query.task.is_none_or(|task| entry.task == Some(task))
            })
            .map(|entry| &entry.stored)
            .collect();
        if query.newest_first {
            found.reverse();
        }
        found.truncate(query.limit);
        Ok(found.into_iter().cloned().collect())
    }

    fn sequence(&self) -> Result<u64, StoreError> {
        Ok(self.lock().log.len() as u64)
    }

    fn to_publish(&self, plan: Option<&PlanKey>) -> Result<Vec<PublishRow>, StoreError> {
        let inner = self.lock();
        let rows = inner.outbox.values();
        let rows = rows.filter(|row| plan.is_none_or(|plan| row.plan == *plan));
        Ok(rows.cloned().collect())
    }

    fn publication(
        &self,
        plan: &PlanKey,
        path: &RepoPath,
    ) -> Result<Option<Publication>, StoreError> {
        let key = (plan.clone(), path.clone());
        Ok(self.lock().publications.get(&key).cloned())
    }

    fn own_files(&self) -> Result<BTreeSet<RepoPath>, StoreError> {
        let inner = self.lock();
        let plans = inner.plans().map(|plan| plan.path().clone());
        let published = inner.publications.keys().map(|(_, path)| path.clone());
        let stale = inner.outbox.keys().map(|(_, path)| path.clone());
        Ok(plans.chain(published).chain(stale).collect())
    }

    fn published(
        &mut self,
        plan: &PlanKey,
        path: &RepoPath,
        up_to: u64,
        hash: &str,
    ) -> Result<bool, StoreError> {
        let mut inner = self.lock();
        if !inner.views.contains_key(plan) {
            return Ok(true);
        }
        let (_, is_clean) = inner.record_publication(plan, path, Publication::of(up_to, hash));
        Ok(is_clean)
    }

    fn git_wishes(&self) -> Result<Vec<GitWishRow>, StoreError> {
        Ok(self.lock().wishes.values().cloned().collect())
    }

    fn claim(
        &mut self,
        key: &LeaseKey,
        holder: &ProcessIdentity,
        ttl: Duration,
    ) -> Result<Claim, StoreError> {
        let mut inner = self.lock();
        let now = (inner.clock)();
        let slot = inner.leases.entry(key.clone()).or_default();
        Ok(slot.claim(key, holder, ttl, now))
    }

    fn heartbeat(&mut self, key: &LeaseKey, epoch: u64, progress: u64) -> Result<bool, StoreError> {
        let mut inner = self.lock();
        let now = (inner.clock)();
        let slot = inner.leases.get_mut(key);
        Ok(slot.is_some_and(|slot| slot.heartbeat(epoch, progress, now)))
    }

    fn release(&mut self, key: &LeaseKey, epoch: u64) -> Result<bool, StoreError> {
        let mut inner = self.lock();
        let slot = inner.leases.get_mut(key);
        Ok(slot.is_some_and(|slot| slot.release(epoch)))
    }

    fn leases(&self) -> Result<Vec<Lease>, StoreError> {
        let inner = self.lock();
        let leases = inner.leases.values();
        Ok(leases.filter_map(|slot| slot.lease.clone()).collect())
    }
}
