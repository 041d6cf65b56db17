//! Hooks: programs of a person's that are told what happened in a run.
//!
//! ```text
//! store transaction ─▶ Hooks::stored ─▶ a thread ─▶ each hook under a supervisor ─▶ the cursor
//! ```
//!
//! A hook is told after what it is told of is durable, in the order of the log, one at a time and
//! beside the run: it holds nothing up, and nothing that it does or fails to do changes the run.
//! It is told *at least once*. The cursor, a file of Airboss's own for each plan, holds the
//! sequence number up to which everything was told; it moves after the hooks have ended, and what
//! lies behind it when a run begins is told then. So a crash in between tells a hook twice, and
//! the message's id is how it knows. The end of a run is told by [`Hooks::finish`], once the
//! board says what came of it, too.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use airboss_core::board::BoardKey;
use airboss_core::config::Hook;
use airboss_core::hook::{self, Event, Extent, Message};
use airboss_core::id::{AttemptId, TaskId};
use airboss_core::operation::{Operation, PlanKey, StepStatus, StoredOperation};
use airboss_core::stage::Stage;
use airboss_core::text::sanitize;
use airboss_core::verdict::GateExit;
use airboss_core::view::View;

use super::gates::{gate_exit, run_to_end};
use crate::clock;
use crate::own_file;
use crate::projection::digest;
use crate::store::{OperationQuery, Store, StoreError};
use crate::supervise::{Limits, Spec};

/// How long the end of a run waits for its hooks, besides the time of the slowest: what is not
/// told by then is told by the next run.
const FINISH_MAX: Duration = Duration::from_secs(30);
/// What is kept of a hook's output; a hook speaks to others, not to Airboss.
const OUTPUT_MAX: u64 = 1 << 20;
/// Operations that an earlier run did not tell, read at once.
const PAGE: usize = 500;

/// What hooks are run with.
#[derive(Clone, Debug)]
pub struct HookMeans {
    /// This program, which also is the supervisor.
    pub airboss: PathBuf,
    /// Airboss's own directory.
    pub state: PathBuf,
    /// The top of the work tree, where they run.
    pub top: PathBuf,
    /// Their environment.
    pub environment: Vec<(String, String)>,
}

/// A hook that did not do its work. The run went on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HookFailure {
    /// Its name in the configuration.
    pub hook: String,
    /// Why, in words.
    pub message: String,
}

/// The hooks of one run.
#[derive(Debug)]
pub struct Hooks {
    hooks: Vec<(String, Hook)>,
    means: HookMeans,
    stage: Option<(u32, Stage)>,
    cursor: PathBuf,
    jobs: Option<Sender<Job>>,
    news: Receiver<News>,
    /// Up to where a task's log was read.
    told: u64,
    /// What is told when the run is over.
    last: Option<Job>,
    /// Jobs given out, and those that are over.
    given: usize,
    over: usize,
    failures: Vec<HookFailure>,
}

#[derive(Debug)]
struct Job {
    sequence: u64,
    message: Message,
}

#[derive(Debug)]
enum News {
    Failed(HookFailure),
    Over,
}

impl Hooks {
    /// The hooks of a run of this plan, or of this stage of a task. None is started yet.
    #[must_use]
    pub fn new(
        hooks: impl IntoIterator<Item = (String, Hook)>,
        means: HookMeans,
        plan: &PlanKey,
        stage: Option<(u32, Stage)>,
    ) -> Self {
        let name = digest(plan.path().as_str().as_bytes());
        let cursor = means.state.join("hooks").join(format!("{name}.cursor"));
        let (_, news) = channel();
        Self {
            hooks: hooks.into_iter().collect(),
            means,
            stage,
            cursor,
            jobs: None,
            news,
            told: 0,
            last: None,
            given: 0,
            over: 0,
            failures: Vec::new(),
        }
    }

    /// Tells what an earlier run stored and did not tell. To be called before anything is stored.
    pub(super) fn begin(&mut self, store: &dyn Store, view: &View, plan: &PlanKey) {
        if self.hooks.is_empty() {
            // Who sets hooks up later is not told of what was before. A file that cannot be
            // removed leads to one message too many.
            fs_err::remove_file(&self.cursor).ok();
            return;
        }
        if self.jobs.is_some() {
            return; // The run goes on with a plan that was edited.
        }
        self.start();
        let result = match self.told_before() {
            Some(told) => self.catch_up(store, view, plan, told),
            None => write_cursor(&self.means.state, &self.cursor, view.sequence)
                .map_err(|error| error.to_string()),
        };
        if let Err(message) = result {
            let hook = "all of them".to_owned();
            self.failed(HookFailure { hook, message });
        }
    }

    fn catch_up(
        &mut self,
        store: &dyn Store,
        view: &View,
        plan: &PlanKey,
        mut after: u64,
    ) -> Result<(), String> {
        loop {
            let query = OperationQuery {
                plan: Some(plan.clone()),
                after,
                limit: PAGE,
                ..OperationQuery::default()
            };
            let words = |error: StoreError| error.after_storing();
            let page = store.operations(&query).map_err(words)?;
            for stored in &page {
                after = stored.sequence;
                // What a run before this one came to is not this run's end.
                if let Some(job) = self.job(stored, view) {
                    self.give(job);
                }
            }
            if page.len() < PAGE {
                return Ok(());
            }
        }
    }

    /// Tells what the board's log has of this task, by its id and number, and was not told yet. To
    /// be called before anything is stored, and again behind each change.
    pub fn tell_task(&mut self, store: &dyn Store, board: &BoardKey, task: (TaskId, u32)) {
        if self.hooks.is_empty() {
            fs_err::remove_file(&self.cursor).ok();
            return;
        }
        if let Err(message) = self.try_tell_task(store, board, task) {
            let hook = "all of them".to_owned();
            self.failed(HookFailure { hook, message });
        }
    }

    fn try_tell_task(
        &mut self,
        store: &dyn Store,
        board: &BoardKey,
        (task, number): (TaskId, u32),
    ) -> Result<(), String> {
        let words = |error: StoreError| error.after_storing();
        if self.jobs.is_none() {
            self.start();
            self.told = match self.told_before() {
                Some(told) => told,
                None => {
                    let now = store.sequence().map_err(words)?;
                    write_cursor(&self.means.state, &self.cursor, now)
                        .map_err(|error| error.to_string())?;
                    now
                }
            };
        }
        loop {
            let query = OperationQuery {
                plan: Some(board.log()),
                task: Some(task),
                after: self.told,
                limit: PAGE,
                ..OperationQuery::default()
            };
            let page = store.operations(&query).map_err(words)?;
            for stored in &page {
                let sequence = stored.sequence;
                self.told = sequence;
                if let Some(message) = hook::task_message(stored, number) {
                    self.give(Job { sequence, message });
                }
            }
            if page.len() < PAGE {
                return Ok(());
            }
        }
    }

    /// Up to where an earlier run told everything.
    fn told_before(&self) -> Option<u64> {
        let told = fs_err::read_to_string(&self.cursor).ok()?;
        told.trim().parse().ok()
    }

    fn start(&mut self) {
        // Unbounded, but no longer than what a run stores; the run itself never waits for it.
        let (jobs, inbox) = channel::<Job>();
        let (out, news) = channel();
        let (hooks, means, cursor) = (self.hooks.clone(), self.means.clone(), self.cursor.clone());
        self.jobs = Some(jobs);
        self.news = news;
        thread::spawn(move || {
            for job in inbox {
                let wanted = hooks.iter().filter(|(_, hook)| hook.wants(&job.message));
                for (name, hook) in wanted {
                    if let Err(message) = run_hook(&means, hook, &job.message) {
                        let hook = name.clone();
                        out.send(News::Failed(HookFailure { hook, message })).ok();
                    }
                }
                if let Err(error) = write_cursor(&means.state, &cursor, job.sequence) {
                    let (hook, message) = ("all of them".to_owned(), error.to_string());
                    out.send(News::Failed(HookFailure { hook, message })).ok();
                }
                if out.send(News::Over).is_err() {
                    return; // The run is gone; the next one goes on behind the cursor.
                }
            }
        });
    }

    /// Tells what was stored just now; the end of the run is kept for [`Self::finish`].
    pub(super) fn stored(&mut self, stored: &StoredOperation, view: &View) {
        if self.hooks.is_empty() {
            return;
        }
        match self.job(stored, view) {
            // A plan that was edited meanwhile is flown on: only the last end is one.
            Some(job) if job.message.extent == Extent::Run => self.last = Some(job),
            Some(job) => self.give(job),
            None => {}
        }
    }

    fn job(&self, stored: &StoredOperation, view: &View) -> Option<Job> {
        let message = hook::message(stored, view, self.stage)?;
        // A late verdict of an attempt that another one replaced is history.
        if let Operation::StepJudged { step, .. } = &stored.operation
            && message.event == Event::Done
            && view
                .step(step)
                .is_some_and(|step| step.state.status != StepStatus::Completed)
        {
            return None;
        }
        Some(Job {
            sequence: stored.sequence,
            message,
        })
    }

    fn give(&mut self, job: Job) {
        if let Some(jobs) = &self.jobs
            && jobs.send(job).is_ok()
        {
            self.given += 1;
        }
    }

    fn take(&mut self, news: News) {
        match news {
            News::Failed(failure) => self.failed(failure),
            News::Over => self.over += 1,
        }
    }

    /// One failure of each hook is enough: the others are alike.
    fn failed(&mut self, failure: HookFailure) {
        if self.failures.iter().all(|known| known.hook != failure.hook) {
            self.failures.push(failure);
        }
    }

    /// Tells the end of the run, and waits until everything is told, but not for ever. Answers
    /// the first failure of each hook.
    #[must_use]
    pub fn finish(&mut self) -> Vec<HookFailure> {
        if let Some(job) = self.last.take() {
            self.give(job);
        }
        self.jobs = None;
        let slowest = self.hooks.iter().map(|(_, hook)| hook.timeout).max();
        let end = Instant::now() + FINISH_MAX + slowest.unwrap_or_default();
        while self.over < self.given {
            let left = end.saturating_duration_since(Instant::now());
            match self.news.recv_timeout(left) {
                Ok(news) => self.take(news),
                Err(RecvTimeoutError::Timeout) => {
                    let hook = "some of them".to_owned();
                    let message = "they take long; the next run tells the rest".to_owned();
                    self.failed(HookFailure { hook, message });
                    break;
                }
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        std::mem::take(&mut self.failures)
    }
}

/// Runs one hook to its end.
fn run_hook(means: &HookMeans, hook: &Hook, message: &Message) -> Result<(), String> {
    let words = |error: &dyn std::error::Error| error.to_string();
    let (program, arguments) = hook.command.split_first().ok_or("it has no command")?;
    let attempt = AttemptId::from_uuid(clock::fresh_uuid());
    let directory = means.state.join("hooks").join(attempt.to_string());
    fs_err::create_dir_all(&directory).map_err(|error| words(&error))?;
    let mut input = serde_json::to_string(message).map_err(|error| words(&error))?;
    input.push('\n');
    let spec = Spec {
        attempt,
        fence: 1,
        program: PathBuf::from(program),
        arguments: arguments.to_vec(),
        environment: means.environment.clone(),
        working_directory: means.top.clone(),
        input: Some(input),
        reports: false,
        limits: Limits {
            deadline: hook.timeout,
            idle: hook.timeout,
            // Whoever has run out of time gets a second to tidy up.
            interrupt_grace: Duration::from_secs(1),
            terminate_grace: Duration::from_secs(1),
            log_bytes_max: OUTPUT_MAX,
            ..Limits::default()
        },
    };
    let ended = run_to_end(&means.airboss, &directory, &spec);
    // Nothing of it is needed any more, and the person's variables are in it.
    fs_err::remove_dir_all(&directory).ok();
    let (outcome, output) = ended.map_err(|error| words(&error))?;
    let output = sanitize(&output);
    let last = output.lines().rev().find(|line| !line.trim().is_empty());
    let last = last
        .map(|line| format!(": {}", line.trim()))
        .unwrap_or_default();
    match gate_exit(outcome.as_ref(), &output) {
        GateExit::Code { code: 0 } => Ok(()),
        GateExit::Code { code } => Err(format!("it exited with {code}{last}")),
        GateExit::Signal { signal } => Err(format!("signal {signal} ended it{last}")),
        GateExit::TimedOut => Err("its time ran out".to_owned()),
        GateExit::Missing { message } => Err(message),
    }
}

/// Writes the cursor. Should its name not last, an older one tells again.
fn write_cursor(state: &Path, cursor: &Path, sequence: u64) -> std::io::Result<()> {
    own_file::replace(state, cursor, format!("{sequence}\n").as_bytes())
}
