//! The loop itself: inputs in, decisions stored, effects carried out.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use airboss_core::attempt::{Attempt, AttemptEnd, AttemptStatus, StreamReport};
use airboss_core::dispatch::{
    Control, Decision, Effect, Input, SpawnOrder, Standing, dispatch, standings,
};
use airboss_core::id::{AttemptId, RunId, StepId};
use airboss_core::operation::{Operation, RunEnding, StoredOperation};
use airboss_core::path::RepoPath;
use airboss_core::time::Timestamp;
use airboss_core::verdict::Evidence;
use airboss_core::view::View;

use super::attempt_files::{AttemptFiles, directory};
use super::commits::WishOutcome;
use super::events::RunEvent;
use super::evidence::{Gatherer, Job, StepDue};
use super::gatherer::{self, Message};
use super::recovery::{self, Found};
use super::tree::Tree;
use super::watch::Watch;
use super::{CommitMode, OpenStore, RunError, RunMeans, RunRequest, RunSummary, wishes};
use crate::agents::{Call, temporary};
use crate::clock;
use crate::store::{Commit, Committed, Expected, OperationQuery, PublishItem, PublishKind};
use crate::supervise::{self, Stop};

/// How often running attempts are looked at: a tool's start is told well within 100 ms.
const POLL: Duration = Duration::from_millis(40);
/// How often the store is looked at while nothing runs: a person's command is seen at once.
const IDLE_POLL: Duration = Duration::from_millis(200);
/// How often the reporter gets the state of all attempts.
const PROGRESS_EVERY: Duration = Duration::from_millis(200);
/// Decisions that lost against other writers before the run gives up; each try is milliseconds.
const CONFLICTS_MAX: u32 = 100;
/// Operations read at once.
const PAGE: usize = 500;
/// How long the end of a run waits for its commits.
const LAST_COMMITS: Duration = Duration::from_secs(40);

/// Flies the plan until nothing is left to dispatch.
///
/// # Errors
/// When the store or Airboss's own files fail; what was stored stays true and the same
/// call goes on from there.
pub fn fly<'run>(request: &'run RunRequest, means: RunMeans<'run>) -> Result<RunSummary, RunError> {
    let mut runner = Runner::new(request, means)?;
    runner.begin()?;
    while runner.finished.is_none() {
        runner.turn()?;
    }
    runner.end()
}

struct Runner<'run> {
    request: &'run RunRequest,
    means: RunMeans<'run>,
    view: View,
    control: Control,
    watches: HashMap<AttemptId, Watch>,
    queue: VecDeque<Input>,
    messages: Receiver<Message>,
    jobs: Sender<Job>,
    rounds: Option<Sender<u64>>,
    /// Rounds of commits asked for, and the newest that is over.
    rounds_asked: u64,
    rounds_over: u64,
    commits_pending: Option<String>,
    told_deferred: Option<String>,
    told_refused: HashSet<String>,
    wake_at: Option<Timestamp>,
    due: bool,
    finished: Option<RunEnding>,
    tally: tell::Tally,
    publish_pending: Vec<String>,
    last_progress: Instant,
}

impl<'run> Runner<'run> {
    fn new(request: &'run RunRequest, mut means: RunMeans<'run>) -> Result<Self, RunError> {
        let view = means
            .store
            .view(&request.plan)?
            .ok_or_else(|| RunError::Unregistered(request.plan.clone()))?;
        let (out, messages) = channel();
        let jobs = gatherer::start_gatherer(
            Gatherer {
                airboss: request.airboss.clone(),
                state: request.state.clone(),
                top: request.top.clone(),
                repository: request.repository.clone(),
                gates: request.gates.clone(),
                excluded: request.excluded.clone(),
                environment: request.environment.clone(),
            },
            out.clone(),
        );
        let commits = request.commit != CommitMode::Off;
        let rounds = request
            .repository
            .clone()
            .filter(|_| commits)
            .map(|repository| {
                let no_store: OpenStore = Box::new(|| {
                    Err(crate::store::StoreError::Bug {
                        message: String::new(),
                    })
                });
                let open_store = std::mem::replace(&mut means.open_store, no_store);
                gatherer::start_committer(repository, open_store, out.clone())
            });
        let (_, nobody) = channel();
        gatherer::forward_signals(std::mem::replace(&mut means.signals, nobody), out);
        Ok(Self {
            request,
            means,
            view,
            control: Control::new(RunId::from_uuid(clock::fresh_uuid())),
            watches: HashMap::new(),
            queue: VecDeque::new(),
            messages,
            jobs,
            rounds,
            rounds_asked: 0,
            rounds_over: 0,
            commits_pending: None,
            told_deferred: None,
            told_refused: HashSet::new(),
            wake_at: None,
            due: true,
            finished: None,
            tally: tell::Tally::default(),
            publish_pending: Vec::new(),
            last_progress: Instant::now(),
        })
    }

    /// Closes runs whose process is gone, opens this one and takes over their attempts.
    fn begin(&mut self) -> Result<(), RunError> {
        self.means
            .hooks
            .begin(self.means.store.as_ref(), &self.view, &self.request.plan);
        let mut operations: Vec<Operation> = self
            .view
            .runs
            .iter()
            .filter(|run| run.ended.is_none() && run.runner.is_some())
            .map(|run| Operation::RunEnded {
                run: run.id,
                ending: RunEnding::Interrupted,
                completed: 0,
                failed: 0,
            })
            .collect();
        operations.push(Operation::RunStarted {
            run: self.control.run,
            runner: supervise::self_identity(),
            words: self.request.words.clone(),
        });
        self.store(operations)?;
        let started = RunEvent::Started {
            run: self.control.run,
            plan: self.request.facts.name.clone(),
            counts: self.view.counts(),
        };
        self.tell(&started);
        self.recover()?;
        self.kick_commits();
        Ok(())
    }

    fn recover(&mut self) -> Result<(), RunError> {
        self.drain_inbox();
        let open: Vec<Attempt> = self.view.open_attempts().into_iter().cloned().collect();
        let (mut adopted, mut ended) = (0, 0);
        for attempt in &open {
            if attempt.status == AttemptStatus::Ended {
                self.gather(attempt.id);
                ended += 1;
                continue;
            }
            match recovery::find(&self.request.state, &self.request.top, attempt) {
                Found::Watch(watch) => {
                    adopted += 1;
                    self.follow(attempt.id, *watch);
                    if attempt.status == AttemptStatus::Stopping {
                        // Its runner may have been killed before it could ask.
                        self.terminate(attempt.id, false)?;
                    }
                }
                Found::End(end, watch) => {
                    ended += 1;
                    let report = watch.map(|watch| watch.report()).unwrap_or_default();
                    let report = Box::new(report);
                    self.queue.push_back(Input::Ended {
                        attempt: attempt.id,
                        end,
                        report,
                    });
                }
            }
        }
        if adopted + ended > 0 {
            self.tell(&RunEvent::Recovered { adopted, ended });
        }
        Ok(())
    }

    fn follow(&mut self, attempt: AttemptId, watch: Watch) {
        if let Some(supervisor) = watch.supervisor().cloned() {
            self.queue.push_back(Input::Spawned {
                attempt,
                supervisor,
            });
        }
        self.watches.insert(attempt, watch);
    }

    /// One turn of the loop.
    fn turn(&mut self) -> Result<(), RunError> {
        while let Some(input) = self.queue.pop_front() {
            self.decide(&input)?;
        }
        if self.finished.is_some() {
            return Ok(());
        }
        self.poll_watches()?;
        self.refresh()?;
        let now = self.means.store.now();
        if self.queue.is_empty() && (self.due || self.wake_at.is_some_and(|at| at <= now)) {
            self.due = false;
            self.wake_at = None;
            self.decide(&Input::Tick)?;
        }
        self.report_progress();
        if self.queue.is_empty() && self.finished.is_none() {
            self.wait()?;
        }
        Ok(())
    }

    fn wait(&mut self) -> Result<(), RunError> {
        let mut pause = if self.watches.is_empty() {
            IDLE_POLL
        } else {
            POLL
        };
        if let Some(at) = self.wake_at {
            pause = pause.min(at.since(self.means.store.now()));
        }
        if self.due {
            return Ok(());
        }
        match self.messages.recv_timeout(pause) {
            Ok(message) => self.receive(message)?,
            // The gatherer holds a sender for as long as the runner holds its own end.
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
        }
        while let Ok(message) = self.messages.try_recv() {
            self.receive(message)?;
        }
        Ok(())
    }

    fn receive(&mut self, message: Message) -> Result<(), RunError> {
        match message {
            Message::Signal(signal) => {
                self.queue.push_back(Input::Stop { signal });
                self.due = true;
            }
            Message::Gathered {
                attempt,
                mut evidence,
            } => {
                self.strip_own_files(&mut evidence)?;
                self.queue.push_back(Input::Gathered { attempt, evidence });
            }
            Message::Commits { round, outcomes } => self.commits_made(round, outcomes),
        }
        Ok(())
    }

    /// Takes out what Airboss wrote itself meanwhile, for this plan or another that is flown in
    /// the same tree. Asked after the tree was looked at: a file is in the store's list before
    /// it is written.
    fn strip_own_files(&self, evidence: &mut [(StepId, Evidence)]) -> Result<(), RunError> {
        let own = self.means.store.own_files()?;
        for (_, evidence) in evidence {
            evidence
                .changes
                .retain(|change| !own.contains(&change.path));
            evidence
                .unowned
                .retain(|file| !own.iter().any(|path| path.as_str() == file.path));
        }
        Ok(())
    }

    /// Asks `dispatch`, stores the answer, and carries out its effects.
    fn decide(&mut self, input: &Input) -> Result<(), RunError> {
        for _ in 0..CONFLICTS_MAX {
            let now = self.means.store.now();
            let decision = dispatch(
                &self.request.flight,
                &self.view,
                &self.control,
                input,
                now,
                &mut || AttemptId::from_uuid(clock::fresh_uuid()),
            );
            if decision.operations.is_empty() {
                return self.carry_out(decision);
            }
            let mut commit = Commit::new(self.request.plan.clone(), decision.operations.clone());
            commit.expected = Expected::Steps(self.versions(&decision.operations));
            commit.change.publish = self.stale_files(&decision.operations);
            commit.change.git = wishes::wish(
                self.request,
                self.means.store.as_ref(),
                &self.view,
                &decision,
                now,
            )?
            .into_iter()
            .collect();
            match self.means.store.commit(&commit)? {
                Committed::Applied { operations } => {
                    self.apply(&operations)?;
                    return self.carry_out(decision);
                }
                Committed::Duplicate { .. } => return Ok(()),
                Committed::Conflict | Committed::Fenced { .. } => self.reload()?,
            }
        }
        Err(RunError::Contended)
    }

    fn versions(&self, operations: &[Operation]) -> Vec<(StepId, u64)> {
        let mut versions: Vec<(StepId, u64)> = Vec::new();
        for id in operations.iter().flat_map(|operation| operation.steps()) {
            if let Some(step) = self.view.step(id)
                && !versions.iter().any(|(known, _)| known == id)
            {
                versions.push((id.clone(), step.state.version));
            }
        }
        versions
    }

    fn stale_files(&self, operations: &[Operation]) -> Vec<PublishItem> {
        if !self.request.plan_files {
            return Vec::new();
        }
        let touches = operations
            .iter()
            .any(|operation| !operation.steps().is_empty());
        let runs = operations.iter().filter_map(Operation::run);
        let mut items: Vec<PublishItem> = runs
            .map(|run| {
                let name = format!("timestamps/runs/run-{run}.json");
                self.item(&name, PublishKind::RunRecord { run })
            })
            .collect();
        if touches || !items.is_empty() {
            items.push(self.item("status.json", PublishKind::StatusJson));
            if self.request.markers {
                let path = self.request.plan.path().clone();
                items.push(PublishItem {
                    path,
                    kind: PublishKind::PlanMarkers,
                });
            }
        }
        items
    }

    fn item(&self, name: &str, kind: PublishKind) -> PublishItem {
        let text = format!("{}/{name}", self.request.output);
        let path = RepoPath::new(&text).unwrap_or_else(|_| self.request.output.clone());
        PublishItem { path, kind }
    }

    fn apply(&mut self, operations: &[StoredOperation]) -> Result<(), RunError> {
        if let Some(first) = operations.first() {
            // What others stored since the last look comes before it and would be passed over.
            self.take_in(first.sequence)?;
        }
        for stored in operations {
            if stored.sequence > self.view.sequence {
                self.view
                    .apply(stored)
                    .map_err(crate::store::StoreError::from)?;
            }
        }
        // Whatever changed, the next tick looks at it.
        self.due = true;
        self.publish();
        for stored in operations {
            self.tell_operation(&stored.operation);
            self.means.hooks.stored(stored, &self.view);
        }
        Ok(())
    }

    /// Stores operations that nobody can contest.
    fn store(&mut self, operations: Vec<Operation>) -> Result<(), RunError> {
        let mut commit = Commit::new(self.request.plan.clone(), operations);
        commit.change.publish = self.stale_files(&commit.change.operations);
        if let Committed::Applied { operations } = self.means.store.commit(&commit)? {
            self.apply(&operations)?;
        }
        Ok(())
    }

    fn reload(&mut self) -> Result<(), RunError> {
        self.view = self
            .means
            .store
            .view(&self.request.plan)?
            .ok_or_else(|| RunError::Unregistered(self.request.plan.clone()))?;
        self.due = true;
        Ok(())
    }

    fn publish(&mut self) {
        let pending = (self.means.publish)(self.means.store.as_mut());
        for message in &pending {
            if !self.publish_pending.contains(message) {
                self.tell(&RunEvent::Warning {
                    message: message.clone(),
                });
            }
        }
        self.publish_pending = pending;
    }

    fn carry_out(&mut self, decision: Decision) -> Result<(), RunError> {
        let drained = self.control.draining.is_none() && decision.control.draining.is_some();
        self.control = decision.control;
        if drained {
            let running = self.view.open_attempts().len();
            self.tell(&RunEvent::Draining { running });
        }
        if decision.commit.is_some() {
            self.kick_commits();
        }
        for effect in decision.effects {
            match effect {
                Effect::Spawn(order) => self.spawn(&order)?,
                Effect::Gather(attempt) => self.gather(attempt),
                Effect::Terminate { attempt, now } => self.terminate(attempt, now)?,
                Effect::Wake(at) => {
                    self.wake_at = Some(self.wake_at.map_or(at, |known| known.min(at)));
                }
                Effect::Finish(ending) => self.finished = Some(ending),
            }
        }
        Ok(())
    }

    fn spawn(&mut self, order: &SpawnOrder) -> Result<(), RunError> {
        match self.try_spawn(order) {
            Ok(watch) => self.follow(order.attempt, watch),
            // The reason is the attempt's end, judged like any other.
            Err(message) => {
                let end = AttemptEnd::NotStarted { message };
                let report = Box::<StreamReport>::default();
                self.queue.push_back(Input::Ended {
                    attempt: order.attempt,
                    end,
                    report,
                });
            }
        }
        Ok(())
    }

    fn try_spawn(&mut self, order: &SpawnOrder) -> Result<Watch, String> {
        let request = self.request;
        let words = |error: &dyn std::error::Error| error.to_string();
        let directory = directory(&request.state, order.attempt);
        let before = Tree::take(
            request.repository.as_ref(),
            &request.top,
            &request.excluded,
            None,
        )
        .map_err(|error| words(&error))?;
        let plan = request.plan.to_string();
        let prompt = request.prompt(order);
        let declared = order
            .steps
            .iter()
            .filter_map(|id| request.facts.steps.get(id));
        let files = AttemptFiles {
            attempt: order.attempt,
            top: request.top.clone(),
            steps: order.steps.clone(),
            format: request.agent.backend.format(),
            declared: declared.flat_map(|facts| facts.declared.clone()).collect(),
            beside: self
                .open_elsewhere(order.attempt)
                .map_err(|error| words(&error))?,
            sequence: self.view.sequence,
            before,
            prompt: prompt.clone(),
            resume: order.resume.clone(),
        };
        let files = match wishes::unread(request, self.means.store.as_ref(), &order.steps) {
            Some(earlier) => AttemptFiles {
                beside: earlier.beside,
                sequence: earlier.sequence,
                before: earlier.before,
                ..files
            },
            None => files,
        };
        files.write(&directory).map_err(|error| words(&error))?;
        fs_err::create_dir_all(temporary(&directory)).map_err(|error| words(&error))?;
        let call = Call {
            order,
            prompt: &prompt,
            plan: &plan,
            airboss: &request.airboss,
            working_directory: &request.top,
            directory: &directory,
            environment: &request.environment,
        };
        let spec = request.agent.spec(&call);
        let handle =
            supervise::start(&request.airboss, &directory, &spec).map_err(|error| words(&error))?;
        let watch = Watch::new(&directory, &request.top, files.format, Some(handle));
        Ok(watch.resuming(order.resume.is_some()))
    }

    /// The attempts of any run that may be at work in this tree now.
    fn open_elsewhere(&self, but: AttemptId) -> Result<Vec<AttemptId>, crate::store::StoreError> {
        let open = self.means.store.open_attempts()?;
        Ok(open
            .into_iter()
            .map(|stored| stored.attempt.id)
            .filter(|id| *id != but)
            .collect())
    }

    fn terminate(&mut self, attempt: AttemptId, now: bool) -> Result<(), RunError> {
        let how = if now { Stop::Kill } else { Stop::Interrupt };
        if let Some(supervisor) = self.watches.get(&attempt).and_then(Watch::supervisor) {
            supervise::request_stop(supervisor, how)?;
        }
        Ok(())
    }

    fn gather(&mut self, id: AttemptId) {
        let Some(attempt) = self.view.attempts.get(&id).cloned() else {
            return;
        };
        let facts = &self.request.facts;
        let due = |step: &StepId| {
            let known = facts.steps.get(step)?;
            let leftover = self.view.step(step).map(|step| step.state.leftover.clone());
            Some(StepDue {
                id: step.clone(),
                artifacts: known.artifacts.clone(),
                findings: known.findings.clone(),
                declared: known.declared.clone(),
                leftover: leftover.unwrap_or_default(),
            })
        };
        let phase = attempt.steps.first().and_then(|id| facts.steps.get(id));
        let phase = phase.map(|facts| facts.phase.clone()).unwrap_or_default();
        let others_settled = |only: Option<&str>| {
            self.view
                .steps
                .iter()
                .filter(|step| !step.state.vanished)
                .all(|step| {
                    only.is_some_and(|phase| step.record.phase != phase)
                        || step.state.status.is_settled()
                        || attempt.steps.contains(&step.record.id)
                })
        };
        let job = Job {
            steps: attempt.steps.iter().filter_map(due).collect(),
            phase_ends: others_settled(Some(&phase)),
            plan_ends: others_settled(None),
            others: self.others_of(&attempt),
            phase,
            attempt,
        };
        // The gatherer lives as long as the runner; should it be gone, the next run gathers.
        self.jobs.send(job).ok();
    }

    /// Attempts that overlapped with this one: those open when it began, and all since.
    fn others_of(&self, attempt: &Attempt) -> Vec<AttemptId> {
        let Some(files) = AttemptFiles::read(&directory(&self.request.state, attempt.id)) else {
            return Vec::new();
        };
        let mut others = files.beside;
        let mut after = files.sequence;
        loop {
            let query = OperationQuery {
                after,
                limit: PAGE,
                ..OperationQuery::default()
            };
            let page = self.means.store.operations(&query).unwrap_or_default();
            for stored in &page {
                after = stored.sequence;
                if let Operation::AttemptDispatched { attempt: other, .. } = &stored.operation
                    && *other != attempt.id
                    && !others.contains(other)
                {
                    others.push(*other);
                }
            }
            if page.len() < PAGE {
                return others;
            }
        }
    }

    fn poll_watches(&mut self) -> Result<(), RunError> {
        let ids: Vec<AttemptId> = self.watches.keys().copied().collect();
        for id in ids {
            let Some(watch) = self.watches.get_mut(&id) else {
                continue;
            };
            let news = watch.poll()?;
            let end = watch.end()?;
            self.tell_tools(id, news);
            let Some(end) = end else { continue };
            let Some(mut watch) = self.watches.remove(&id) else {
                continue;
            };
            let end = match end {
                AttemptEnd::Lost { .. } => {
                    let swept = supervise::sweep(id);
                    // A recording that cannot be compressed is still readable as it is.
                    supervise::seal(&directory(&self.request.state, id)).ok();
                    watch.catch_up();
                    AttemptEnd::Lost {
                        swept: swept.killed,
                    }
                }
                other => other,
            };
            let report = Box::new(watch.report());
            self.queue.push_back(Input::Ended {
                attempt: id,
                end,
                report,
            });
        }
        // After an end was seen and before it is stored: last words are words in time.
        self.drain_inbox();
        Ok(())
    }

    fn kick_commits(&mut self) {
        if let Some(rounds) = &self.rounds
            && rounds.send(self.rounds_asked + 1).is_ok()
        {
            self.rounds_asked += 1;
        }
    }

    fn commits_made(&mut self, round: u64, outcomes: Result<Vec<WishOutcome>, String>) {
        self.rounds_over = round;
        self.commits_pending = None;
        match outcomes {
            Err(message) => self.commits_pending = Some(message),
            Ok(outcomes) => {
                for outcome in outcomes {
                    self.commit_made(outcome);
                }
            }
        }
    }

    fn commit_made(&mut self, outcome: WishOutcome) {
        if outcome.plan != self.request.plan && outcome.result.is_ok() {
            return; // Its step would be taken for the one of that id here.
        }
        for file in &outcome.left_out {
            let message = format!("`{}` is not committed: {}", file.path, file.why);
            self.tell(&RunEvent::Warning { message });
        }
        match outcome.result {
            Ok(Some(commit)) => {
                self.tell(&RunEvent::Commit {
                    steps: outcome.steps,
                    outcome: Ok(commit),
                });
            }
            Ok(None) => {}
            Err(reason) => {
                self.commits_pending = Some(reason.clone());
                if self.told_deferred.as_ref() != Some(&reason) {
                    self.told_deferred = Some(reason.clone());
                    self.tell(&RunEvent::Commit {
                        steps: outcome.steps,
                        outcome: Err(reason),
                    });
                }
            }
        }
    }

    /// Waits for the last commits, closes the run and sums it up.
    fn end(mut self) -> Result<RunSummary, RunError> {
        let ending = self.finished.unwrap_or(RunEnding::Blocked);
        self.last_commits();
        let ended = Operation::RunEnded {
            run: self.control.run,
            ending,
            completed: self.tally.completed,
            failed: self.tally.failed,
        };
        self.store(vec![ended])?;
        self.tell(&RunEvent::Finished { ending });
        let waiting = self.means.store.git_wishes()?;
        let waiting = waiting
            .iter()
            .filter(|row| row.plan == self.request.plan)
            .count();
        let reason = self
            .commits_pending
            .take()
            .unwrap_or_else(|| "not tried yet".to_owned());
        let now = self.means.store.now();
        Ok(RunSummary {
            run: self.control.run,
            ending,
            counts: self.view.counts(),
            completed: self.tally.completed,
            failed: self.tally.failed,
            attempts: self.control.dispatched,
            retries: self.tally.retries,
            spending: self.tally.spending,
            setbacks: std::mem::take(&mut self.tally.setbacks),
            open: self.open_steps(now),
            commits_pending: (waiting > 0).then_some((waiting, reason)),
            publish_pending: self.publish_pending,
        })
    }

    fn last_commits(&mut self) {
        self.kick_commits();
        let begin = Instant::now();
        while self.rounds_over < self.rounds_asked && begin.elapsed() < LAST_COMMITS {
            match self.messages.recv_timeout(POLL) {
                Ok(Message::Commits { round, outcomes }) => self.commits_made(round, outcomes),
                // A second signal does not wait for git.
                Ok(Message::Signal(_)) | Err(RecvTimeoutError::Disconnected) => return,
                Ok(Message::Gathered { .. }) | Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    fn open_steps(&self, now: Timestamp) -> Vec<(StepId, String, Standing)> {
        let standings = standings(&self.request.flight, &self.view, now);
        let open = self.request.flight.units.iter().zip(standings);
        open.filter(|(_, standing)| *standing != Standing::Settled)
            .map(|(unit, standing)| {
                let step = self.view.step(&unit.step.id);
                let text = step
                    .map(|step| step.record.description.clone())
                    .unwrap_or_default();
                (unit.step.id.clone(), text, standing)
            })
            .collect()
    }
}

mod letters;
mod news;
mod tell;
