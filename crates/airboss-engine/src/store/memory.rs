//! The store in memory: the reference that every other store is compared with, and the store
//! of tests. It forgets everything when its last handle is dropped.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use airboss_core::attempt::{Attempt, AttemptStatus};
use airboss_core::id::{AttemptId, OperationId, StepId};
use airboss_core::operation::{PlanKey, StoredOperation};
use airboss_core::path::RepoPath;
use airboss_core::process::ProcessIdentity;
use airboss_core::step::Step;
use airboss_core::time::Timestamp;
use airboss_core::view::{Counts, Run, View};
use serde_json::Value;

use super::lease::Slot;
use super::{
    AttemptSummary, Change, Claim, Clock, CommandId, Commit, Committed, Decide, Decided, Expected,
    FOUND_MAX, GitWishRow, Lease, LeaseKey, OperationQuery, Overview, PhaseCounts, Publication,
    PublishRow, Standing, Store, StoreError, StoredAttempt, attempt_prefix, check_change,
    concerned, overview_of, phases_of, summary_of,
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
    plans: BTreeMap<PlanKey, View>,
    log: Vec<(StoredOperation, Vec<StepId>)>,
    outbox: BTreeMap<(PlanKey, RepoPath), PublishRow>,
    publications: HashMap<(PlanKey, RepoPath), Publication>,
    wishes: BTreeMap<u64, GitWishRow>,
    commands: HashMap<(PlanKey, CommandId), Value>,
    leases: BTreeMap<LeaseKey, Slot>,
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
                plans: BTreeMap::new(),
                log: Vec::new(),
                outbox: BTreeMap::new(),
                publications: HashMap::new(),
                wishes: BTreeMap::new(),
                commands: HashMap::new(),
                leases: BTreeMap::new(),
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
        let view = self.plans.get(plan);
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
        check_change(change).map_err(|message| StoreError::Bug { message })?;
        let at = (self.clock)();
        let mut view = self.plans.get(plan).cloned().unwrap_or_default();
        let mut appended = Vec::new();
        for operation in &change.operations {
            let stored = StoredOperation {
                sequence: (self.log.len() + appended.len() + 1) as u64,
                id: OperationId::from_uuid(clock::fresh_uuid()),
                plan: plan.clone(),
                at,
                operation: operation.clone(),
            };
            view.apply(&stored)?;
            let attempt = operation.attempt().and_then(|id| view.attempts.get(&id));
            let steps = concerned(operation, attempt);
            appended.push((stored, steps));
        }
        let sequence = view.sequence;
        self.plans.insert(plan.clone(), view);
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
            let stored = &appended[wish.operation].0;
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
        if let Some(command) = command {
            let key = (plan.clone(), command.clone());
            self.commands.insert(key, change.result.clone());
        }
        let operations = appended.iter().map(|(stored, _)| stored.clone()).collect();
        self.log.extend(appended);
        Ok(operations)
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
            let step = inner.plans.get(&commit.plan);
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
        let Some(view) = inner.plans.get(plan) else {
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
        let Some(mut view) = inner.plans.get(plan).cloned() else {
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
        let view = inner.plans.get(plan);
        Ok(view.and_then(|view| view.step(id)).cloned())
    }

    fn attempt(&self, id: AttemptId) -> Result<Option<StoredAttempt>, StoreError> {
        let inner = self.lock();
        let found = inner.plans.iter().find_map(|(plan, view)| {
            let attempt = view.attempts.get(&id)?.clone();
            let plan = plan.clone();
            Some(StoredAttempt { plan, attempt })
        });
        Ok(found)
    }

    fn find_attempt(&self, prefix: &str) -> Result<Vec<AttemptSummary>, StoreError> {
        let Some(prefix) = attempt_prefix(prefix) else {
            return Ok(Vec::new());
        };
        let inner = self.lock();
        let mut found: Vec<AttemptSummary> = inner
            .plans
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
            .plans
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
        let Some(view) = inner.plans.get(plan) else {
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
        Ok(self.lock().plans.keys().cloned().collect())
    }

    fn runs(&self, plan: &PlanKey) -> Result<Vec<Run>, StoreError> {
        let inner = self.lock();
        let view = inner.plans.get(plan);
        Ok(view.map(|view| view.runs.clone()).unwrap_or_default())
    }

    fn operations(&self, query: &OperationQuery) -> Result<Vec<StoredOperation>, StoreError> {
        let inner = self.lock();
        let mut found: Vec<&StoredOperation> = inner
            .log
            .iter()
            .filter(|(stored, steps)| {
                stored.sequence > query.after
                    && query.plan.as_ref().is_none_or(|plan| stored.plan == *plan)
                    && query.step.as_ref().is_none_or(|step| steps.contains(step))
            })
            .map(|(stored, _)| stored)
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
        let plans = inner.plans.keys().map(|plan| plan.path().clone());
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
        if !inner.plans.contains_key(plan) {
            return Ok(true);
        }
        let key = (plan.clone(), path.clone());
        let known = inner.publications.get(&key).map(|known| known.sequence);
        if known.is_none_or(|known| known <= up_to) {
            let publication = Publication {
                sequence: up_to,
                hash: hash.to_owned(),
            };
            inner.publications.insert(key.clone(), publication);
        }
        let pending = inner.outbox.get(&key).map(|row| row.sequence);
        let clean = pending.is_none_or(|sequence| sequence <= up_to);
        if clean {
            inner.outbox.remove(&key);
        }
        Ok(clean)
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
