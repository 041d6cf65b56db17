//! `airboss watch`: what happens, told as it is stored, from any process.
//!
//! Every operation is told exactly once and in order, with the words of `airboss log`. What agents
//! do between two of them comes with `--activity`.

use std::collections::BTreeMap;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use airboss_core::agent::SessionUpdate;
use airboss_core::exit::ExitCode;
use airboss_core::id::AttemptId;
use airboss_core::operation::{Operation, PlanKey, StoredOperation};
use airboss_core::scene::{Change, Deed, Flying, Liveness, ToolOutcome, Vitality};
use airboss_core::text::sanitize;
use airboss_core::time::Timestamp;
use airboss_core::view::apply_attempt;
use airboss_engine::clock;
use airboss_engine::follow::{Follower, Subject, Wanted};
use airboss_engine::store::{SqliteStore, Store as _};
use airboss_engine::workspace::Workspace;
use owo_colors::{OwoColorize as _, Style};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use serde_json::{Value, json};
use signal_hook::consts::SIGTERM;

use super::log::{attempt_name, essence, style, task_number};
use super::run::catch_signals;
use crate::context::Context;
use crate::error::CliError;
use crate::{page, words};

/// How often it is looked whether a signal came or the reader went: at once for a person.
const LOOK: Duration = Duration::from_millis(200);
/// The width of the word: `attempt_dispatched` fits, and nearly all others do.
const WORD_COLUMNS: usize = 18;
/// The width of what it is about: `12.34#1` fits.
const SUBJECT_COLUMNS: usize = 7;
/// What follows is bounded like a log's line; the log has the whole text.
const LINE_CHARACTERS: usize = 400;

/// Follow what happens, live: one line for each change of state as it is stored.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct WatchArguments {
    /// Begin behind this sequence number of the log, 0 for all of it; without it, from now on.
    #[arg(long, value_name = "SEQ")]
    pub since: Option<u64>,
    /// Also what agents do: tools with their durations, texts, and how their processes are.
    #[arg(long)]
    pub activity: bool,
}

/// Follows a store until it is interrupted.
///
/// # Errors
/// When the plan or board cannot be what was named.
pub fn watch(context: &Context, arguments: &WatchArguments) -> Result<ExitCode, CliError> {
    let workspace = Workspace::open(&context.directory)?;
    let subject = subject(context, &workspace)?;
    let signals = catch_signals()?;
    let activity = arguments.activity || context.verbose;
    let wanted = Wanted {
        subject,
        scene: false,
        activity,
        since: arguments.since,
    };
    if !context.quiet && workspace.open_reader().is_ok_and(|store| store.is_none()) {
        let top = workspace.top.display();
        let note = format!("nothing is recorded in {top} yet; waiting for it");
        context.printer.note(&note);
    }
    let mut follower = Follower::start(&workspace, wanted)?;
    let begin = arguments.since.is_none().then(clock::now);
    let mut teller = Teller::new(context, &workspace, begin);
    loop {
        if let Some(code) = ended(&signals) {
            return Ok(code);
        }
        let told = match follower.next(Instant::now() + LOOK) {
            Some(change) => teller.tell(change),
            None if reader_is_gone() => return Ok(ExitCode::Success),
            None => Ok(()),
        };
        // Whoever closes the pipe has seen enough.
        if told.is_err() {
            return Ok(ExitCode::Success);
        }
    }
}

/// What is followed: the plan or board that was named, else everything that is recorded here.
///
/// # Errors
/// When the plan or board cannot be what was named.
pub fn subject(context: &Context, workspace: &Workspace) -> Result<Subject, CliError> {
    let plan = match &context.plan {
        Some(plan) => Some(workspace.plan_key(&context.directory.join(plan))?),
        None => None,
    };
    let board = match &context.board {
        Some(_) => Some(crate::board::known(context)?.1.board),
        None => None,
    };
    Ok(Subject { plan, board })
}

fn ended(signals: &Receiver<i32>) -> Option<ExitCode> {
    match signals.try_recv() {
        Ok(SIGTERM) => Some(ExitCode::Terminated),
        Ok(_) => Some(ExitCode::Interrupted),
        Err(_) => None,
    }
}

/// Whether standard output is a pipe that nobody reads any more.
fn reader_is_gone() -> bool {
    let out = rustix::stdio::stdout();
    let mut fds = [PollFd::from_borrowed_fd(out, PollFlags::empty())];
    let at_once = Timespec::default();
    poll(&mut fds, Some(&at_once)).is_ok() && fds[0].revents().contains(PollFlags::ERR)
}

/// Turns changes into lines.
struct Teller<'a> {
    context: &'a Context,
    workspace: &'a Workspace,
    /// A connection of its own for names; opened when one is wanted.
    store: Option<SqliteStore>,
    /// Attempts in progress.
    flying: BTreeMap<AttemptId, Told>,
    /// What agents did before this is not told.
    begin: Option<Timestamp>,
    edge: Option<usize>,
    begun: bool,
}

/// An attempt in progress, and what was told of its process.
struct Told {
    flying: Flying,
    liveness: Option<Liveness>,
}

impl<'a> Teller<'a> {
    fn new(context: &'a Context, workspace: &'a Workspace, begin: Option<Timestamp>) -> Self {
        Self {
            context,
            workspace,
            store: None,
            flying: BTreeMap::new(),
            begin,
            edge: page::edge(),
            begun: false,
        }
    }

    /// Tells a change.
    ///
    /// # Errors
    /// When standard output is closed.
    fn tell(&mut self, change: Change) -> std::io::Result<()> {
        match change {
            Change::Stored(stored) => {
                if stored.anew {
                    self.anew();
                }
                for operation in &stored.operations {
                    self.operation(operation)?;
                }
            }
            Change::Opened { attempt, format } => {
                if let Some(told) = self.known(attempt) {
                    told.flying.open(format);
                }
            }
            Change::Heard { attempt, updates } => {
                for (at, update) in &updates {
                    self.heard(attempt, *at, update)?;
                }
            }
            Change::Looked { at, attempts, .. } => {
                for (attempt, vitality) in attempts {
                    self.looked(attempt, at, vitality)?;
                }
            }
            Change::Trouble(Some(trouble)) => {
                self.context.printer.warning(&sanitize(&trouble));
            }
            Change::Trouble(None) | Change::Pending(_) => {}
        }
        Ok(())
    }

    fn anew(&mut self) {
        self.store = None;
        self.flying.clear();
        if std::mem::replace(&mut self.begun, true) && !self.context.quiet {
            let note = "another store took its place; its log is told from its beginning";
            self.context.printer.note(note);
        }
    }

    /// The store, for names; `None` while it cannot be read.
    fn store(&mut self) -> Option<&SqliteStore> {
        if self.store.is_none() {
            self.store = self.workspace.open_reader().ok().flatten();
        }
        self.store.as_ref()
    }

    fn known(&mut self, attempt: AttemptId) -> Option<&mut Told> {
        if !self.flying.contains_key(&attempt) {
            // It began before this was told.
            let found = self.store()?.attempt(attempt).ok().flatten()?;
            let flying = Flying::new(found.plan, found.attempt, "");
            let told = Told {
                flying,
                liveness: None,
            };
            self.flying.insert(attempt, told);
        }
        self.flying.get_mut(&attempt)
    }

    fn operation(&mut self, stored: &StoredOperation) -> std::io::Result<()> {
        let operation = &stored.operation;
        if let Some(id) = operation.attempt() {
            let before = match operation {
                Operation::AttemptDispatched { .. } => None,
                _ => self.known(id).map(|told| told.flying.attempt().clone()),
            };
            if let Ok(Some(attempt)) = apply_attempt(before, stored.at, operation) {
                let plan = stored.plan.clone();
                let told = self.flying.entry(id).or_insert_with(|| Told {
                    flying: Flying::new(plan, attempt.clone(), ""),
                    liveness: None,
                });
                told.flying.set(&attempt, stored.at);
            }
        }
        let line = if self.context.json {
            enveloped(&serde_json::to_value(stored).unwrap_or_default())
        } else {
            let subject = self.subject(stored);
            let mut text = essence(operation, stored.at);
            if self.context.plan.is_none() {
                text = format!("{}: {text}", stored.plan);
            }
            let line = Line {
                sequence: Some(stored.sequence),
                at: stored.at,
                word: operation.word(),
                subject: &subject,
                text: &text,
            };
            self.line(&line, style(operation))
        };
        if let Operation::AttemptJudged { attempt } = operation {
            self.flying.remove(attempt);
        }
        self.context.printer.try_data(&line)
    }

    /// What an operation is about: an attempt, a run, steps, or a task.
    fn subject(&mut self, stored: &StoredOperation) -> String {
        let operation = &stored.operation;
        if let Some(id) = operation.attempt() {
            return self.name(id);
        }
        if let Some(run) = operation.run() {
            return run.short();
        }
        if let Operation::Board { operation } = operation {
            let store = self.store();
            let number = store.and_then(|store| task_number(store, stored, operation).ok());
            return number.unwrap_or_default();
        }
        words::ids(operation.steps())
    }

    fn name(&mut self, attempt: AttemptId) -> String {
        match self.known(attempt) {
            Some(told) => {
                let attempt = told.flying.attempt();
                attempt_name(&attempt.steps, attempt.number)
            }
            None => attempt.short(),
        }
    }

    fn heard(
        &mut self,
        attempt: AttemptId,
        at: Timestamp,
        update: &SessionUpdate,
    ) -> std::io::Result<()> {
        let begin = self.begin;
        let Some(told) = self.known(attempt) else {
            return Ok(());
        };
        let Some(deed) = told.flying.hear(at, update) else {
            return Ok(());
        };
        let plan = told.flying.plan().clone();
        if begin.is_some_and(|begin| at < begin) {
            return Ok(());
        }
        let (word, style, text) = deed_words(&deed);
        let (ok, took) = match &deed {
            Deed::ToolEnded {
                outcome, duration, ..
            } => (Some(*outcome == ToolOutcome::Ok), *duration),
            _ => (None, None),
        };
        let took = took.map(|took| u64::try_from(took.as_millis()).unwrap_or(u64::MAX));
        let more = json!({ "ok": ok, "duration_ms": took });
        self.act(attempt, &plan, (at, word, &text), style, &more)
    }

    fn looked(
        &mut self,
        attempt: AttemptId,
        at: Timestamp,
        vitality: Vitality,
    ) -> std::io::Result<()> {
        let Some(told) = self.known(attempt) else {
            return Ok(());
        };
        told.flying.look(at, vitality);
        let (liveness, _) = told.flying.liveness(at);
        // Everything else is told by what it does.
        let is_news = matches!(
            liveness,
            Liveness::Silent | Liveness::Frozen | Liveness::Lost
        );
        let was_news = told.liveness.is_some();
        let now = is_news.then_some(liveness);
        if std::mem::replace(&mut told.liveness, now) == now {
            return Ok(());
        }
        let plan = told.flying.plan().clone();
        let text = if is_news || !was_news {
            liveness.word().to_owned()
        } else {
            format!("no longer; {}", liveness.word())
        };
        let style = Style::new().yellow();
        self.act(attempt, &plan, (at, "liveness", &text), style, &json!({}))
    }

    fn act(
        &mut self,
        attempt: AttemptId,
        plan: &PlanKey,
        (at, word, text): (Timestamp, &'static str, &str),
        style: Style,
        more: &Value,
    ) -> std::io::Result<()> {
        let name = self.name(attempt);
        let line = if self.context.json {
            let mut data = json!({
                "at": at, "plan": plan, "attempt": attempt, "name": name, "word": word,
                "text": text,
            });
            let more = more.as_object().into_iter().flatten();
            for (key, value) in more.filter(|(_, value)| !value.is_null()) {
                data[key] = value.clone();
            }
            enveloped(&json!({ "activity": data }))
        } else {
            let line = Line {
                sequence: None,
                at,
                word,
                subject: &name,
                text,
            };
            self.line(&line, style)
        };
        self.context.printer.try_data(&line)
    }

    fn line(&self, line: &Line<'_>, style: Style) -> String {
        let Line {
            at,
            word,
            subject,
            text,
            ..
        } = line;
        let sequence = line
            .sequence
            .map_or_else(String::new, |sequence| sequence.to_string());
        let at = words::instant(*at);
        let text: Vec<&str> = text.split_whitespace().collect();
        let text = words::cut(&sanitize(&text.join(" ")), LINE_CHARACTERS);
        let subject = sanitize(subject);
        let line =
            format!("{sequence:>5}  {at}  {word:<WORD_COLUMNS$}  {subject:<SUBJECT_COLUMNS$}  {text}");
        let line = match self.edge {
            Some(edge) => words::cut(&line, edge),
            None => line,
        };
        line.trim_end().style(style).to_string()
    }
}

struct Line<'a> {
    sequence: Option<u64>,
    at: Timestamp,
    word: &'static str,
    subject: &'a str,
    text: &'a str,
}

/// One object of the documented form.
fn enveloped(data: &Value) -> String {
    json!({ "schema_version": 1, "data": data }).to_string()
}

/// The stable word of what an agent did, its colour, and what it did.
fn deed_words(deed: &Deed) -> (&'static str, Style, String) {
    let (plain, dim) = (Style::new(), Style::new().dimmed());
    let yellow = Style::new().yellow();
    match deed {
        Deed::ToolStarted { tool } => ("tool_started", dim, tool.clone()),
        Deed::ToolEnded {
            tool,
            duration,
            outcome,
        } => {
            let outcome = match outcome {
                ToolOutcome::Ok => "ok",
                ToolOutcome::Failed => "failed",
                ToolOutcome::Denied => "denied",
            };
            let took = duration.map_or_else(String::new, |took| {
                format!(" after {}", words::duration(took))
            });
            ("tool_ended", dim, format!("{tool}: {outcome}{took}"))
        }
        Deed::Said { text } => ("said", plain, text.clone()),
        Deed::Claimed { kind, text } => ("claimed", plain, kind.told(text)),
        Deed::Asked { text } => ("asked", Style::new().cyan(), text.clone()),
        Deed::Retried { text } => ("retried", yellow, text.clone()),
        Deed::Limited { text } => ("limited", yellow, text.clone()),
        Deed::Warned { text } => ("warned", yellow, text.clone()),
        Deed::Ended { ok, text } => {
            let claim = if *ok { "a success" } else { "a failure" };
            ("turn_ended", dim, format!("claimed {claim}: {text}"))
        }
    }
}
