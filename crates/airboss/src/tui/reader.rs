//! Reading what detail views show, in threads of their own: drawing never waits for a disk.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use airboss_core::agent::StreamParser;
use airboss_core::board::{BoardOperation, TaskChange};
use airboss_core::id::{AttemptId, StepId};
use airboss_core::operation::{Operation, PlanKey, StoredOperation};
use airboss_core::text::{head, sanitize};
use airboss_core::verdict::{ChangedFile, Evidence};
use airboss_engine::run::attempt_files::{AttemptFiles, directory};
use airboss_engine::store::{OperationQuery, Store as _};
use airboss_engine::supervise::{Reader, Stream};
use owo_colors::Style;

use super::app::{Event, LogRow, Request, Told};
use super::paint::Line;
use super::theme::Slot;
use super::{Out, Wake, actions, ansi};
use crate::command::replay::{Narrator, is_over};
use crate::command::{findings, log, task, why};
use crate::context::Context;
use crate::error::CliError;
use crate::lookup;

/// Operations that are shown: as many as one reads through; `airboss log` has all of them.
const LOG_MAX: usize = 1000;
/// What one file's changes are shown of: more than anybody reads in a terminal.
const DIFF_MAX: usize = 256 << 10;
/// The changes of all files together.
const DIFFS_MAX: usize = 2 << 20;
/// How often a growing recording is looked at: faster than a person reads.
const POLL: Duration = Duration::from_millis(150);
/// Looks at a recording that nothing was ever in: three seconds.
const PATIENCE: u32 = 20;
/// One entry of a transcript: some screens.
const ENTRY_MAX: usize = 16 << 10;

/// What is to be read.
#[derive(Debug)]
pub(super) enum Order {
    /// A text, for so many columns.
    Text(Request, usize),
    /// The operation log.
    Log,
}

/// The thread that reads texts and the log, one after the other.
pub(super) fn start(context: Context, top: &Path, out: Out) -> Sender<Order> {
    let (orders, inbox) = channel();
    // The plan that was named is no filter here: a request names its own.
    let context = Context {
        directory: top.to_owned(),
        plan: None,
        json: false,
        // A warning would be printed over the screen.
        quiet: true,
        ..context
    };
    thread::spawn(move || serve(&context, &inbox, &out));
    orders
}

fn serve(context: &Context, inbox: &Receiver<Order>, out: &Out) {
    while let Ok(order) = inbox.recv() {
        let mut orders = vec![order];
        orders.extend(inbox.try_iter());
        // Of the same request only the newest: the store went on several times meanwhile.
        while let Some(order) = orders.pop() {
            let event = match order {
                Order::Log => {
                    orders.retain(|order| !matches!(order, Order::Log));
                    Event::Log(log_rows(context).map_err(told))
                }
                Order::Text(request, width) => {
                    orders.retain(|it| !matches!(it, Order::Text(of, _) if *of == request));
                    let text = text(context, &request, width);
                    Event::Text(request, text)
                }
            };
            if out.send(Wake::Event(event)).is_err() {
                return;
            }
        }
    }
}

fn told(error: CliError) -> String {
    let hints = error.hints.iter().map(|hint| format!("; {hint}"));
    format!("{error}{}", hints.collect::<String>())
}

fn text(context: &Context, request: &Request, width: usize) -> Result<Vec<Line>, String> {
    let of = |plan: &PlanKey| Context {
        plan: Some(context.directory.join(plan.path().as_str())),
        ..context.clone()
    };
    match request {
        Request::Why(plan, id) => why::text(&of(plan), id, width)
            .map(|text| ansi::lines(&text))
            .map_err(told),
        Request::Findings(plan, step) => {
            let (place, bytes) = findings::found(&of(plan), step).map_err(told)?;
            let mut lines = vec![vec![(Slot::Muted, sanitize(place.as_str()))], Line::new()];
            lines.extend(ansi::plain(&String::from_utf8_lossy(&bytes)));
            Ok(lines)
        }
        Request::Diff(plan, step, attempt) => diff(context, plan, step, *attempt).map_err(told),
        Request::Task(number) => task::show::text(context, *number)
            .map(|text| ansi::lines(&text))
            .map_err(told),
        Request::Words(words) => actions::read(context, words).map(|text| ansi::lines(&text)),
    }
}

fn log_rows(context: &Context) -> Result<Vec<LogRow>, CliError> {
    let (_, store) = context.reader()?;
    let mut operations = store.operations(&OperationQuery {
        limit: LOG_MAX,
        newest_first: true,
        ..OperationQuery::default()
    })?;
    operations.sort_by_key(|stored| stored.sequence);
    let mut names = log::AttemptNames::new(&store);
    let mut rows = Vec::with_capacity(operations.len());
    for stored in &operations {
        let subject = match &stored.operation {
            Operation::Board { operation } => log::task_number(&store, stored, operation)?,
            other => log::subject(other, &mut names)?,
        };
        let text = sanitize(head(&log::essence(&stored.operation, stored.at), 1 << 10));
        rows.push(LogRow {
            sequence: stored.sequence,
            at: stored.at,
            plan: stored.plan.to_string(),
            word: stored.operation.word(),
            subject: sanitize(&subject),
            text: text.split_whitespace().collect::<Vec<_>>().join(" "),
            slot: slot_of_operation(&stored.operation),
            undo: can_be_undone(stored).then_some(stored.id),
        });
    }
    Ok(rows)
}

fn slot_of_operation(operation: &Operation) -> Slot {
    match operation {
        Operation::StepJudged { .. } => slot_of(log::style(operation)),
        Operation::AttemptSpawned { .. } | Operation::AttemptJudged { .. } => Slot::Muted,
        Operation::CommitDeferred { .. } => Slot::Attention,
        Operation::StepMarked { .. } | Operation::StepAnswered { .. } => Slot::Turn,
        _ => Slot::Plain,
    }
}

/// Tasks that were added or changed; what the rest would mean backwards is `airboss undo`'s to say.
fn can_be_undone(stored: &StoredOperation) -> bool {
    let Operation::Board { operation } = &stored.operation else {
        return false;
    };
    match operation {
        BoardOperation::TaskAdded { .. } => true,
        BoardOperation::TaskChanged { changes, .. } => {
            let changes: &[TaskChange] = changes;
            !changes.is_empty()
        }
        _ => false,
    }
}

/// What a colour means, by `docs/style.md`.
fn slot_of(style: Style) -> Slot {
    let line = ansi::lines(&style.style("x").to_string());
    line.first()
        .and_then(|line| line.first())
        .map_or(Slot::Plain, |(slot, _)| *slot)
}

/// What an attempt changed, from the evidence that was stored with its verdict.
fn diff(
    context: &Context,
    plan: &PlanKey,
    step: &StepId,
    attempt: AttemptId,
) -> Result<Vec<Line>, CliError> {
    let (_, store) = context.reader()?;
    let history = lookup::history(&store, plan, Some(step))?;
    let evidence = history
        .iter()
        .rev()
        .find_map(|stored| match &stored.operation {
            Operation::StepJudged {
                attempt: of,
                evidence,
                ..
            } if *of == attempt => Some(evidence),
            _ => None,
        });
    let Some(evidence) = evidence else {
        return Err(
            CliError::refused("it was not judged yet, so nobody knows what is its own")
                .hint("`t` shows what it does"),
        );
    };
    let mut lines = overview(evidence);
    let mut left = DIFFS_MAX;
    for change in &evidence.changes {
        let text = changed(&context.directory, change);
        let text = head(&text, left.min(DIFF_MAX));
        left -= text.len();
        lines.push(Line::new());
        lines.push(vec![(Slot::Strong, sanitize(change.path.as_str()))]);
        lines.extend(text.lines().map(diff_line));
        if left == 0 {
            lines.push(vec![(
                Slot::Attention,
                "… the rest is too long to be shown".to_owned(),
            )]);
            break;
        }
    }
    Ok(lines)
}

/// The files in a line each, with those that are not its own.
fn overview(evidence: &Evidence) -> Vec<Line> {
    let mut lines = Vec::new();
    for change in &evidence.changes {
        let (slot, word) = match (&change.before, &change.after) {
            (None, _) => (Slot::Ok, "added    "),
            (_, None) => (Slot::Failed, "deleted  "),
            _ => (Slot::Plain, "changed  "),
        };
        lines.push(vec![
            (slot, word.to_owned()),
            (Slot::Plain, sanitize(change.path.as_str())),
        ]);
    }
    for file in &evidence.unowned {
        lines.push(vec![
            (Slot::Attention, "not its  ".to_owned()),
            (Slot::Plain, sanitize(&file.path)),
            (Slot::Muted, format!("  {}", sanitize(&file.why))),
        ]);
    }
    if lines.is_empty() {
        lines.push(vec![(Slot::Muted, "it changed no file".to_owned())]);
    }
    lines
}

fn diff_line(line: &str) -> Line {
    let slot = match line.as_bytes().first() {
        Some(b'+') => Slot::Ok,
        Some(b'-') => Slot::Failed,
        Some(b'@') => Slot::Turn,
        _ => Slot::Plain,
    };
    vec![(slot, sanitize(line).replace('\t', "    "))]
}

/// The difference of the two versions of a file, without git's own heading.
fn changed(top: &Path, change: &ChangedFile) -> String {
    let whole = |blob: &str, sign: char| {
        let text = git(top, &["cat-file", "blob", blob]);
        text.lines().map(|line| format!("{sign}{line}\n")).collect()
    };
    match (&change.before, &change.after) {
        (Some(before), Some(after)) if before.blob == after.blob => {
            "  only its kind changed\n".to_owned()
        }
        (Some(before), Some(after)) => {
            let text = git(
                top,
                &[
                    "diff",
                    "--no-color",
                    "--no-ext-diff",
                    &before.blob,
                    &after.blob,
                ],
            );
            let body = text
                .find("\n@@")
                .map_or(text.as_str(), |at| &text[at + 1..]);
            body.to_owned()
        }
        (None, Some(after)) => whole(&after.blob, '+'),
        (Some(before), None) => whole(&before.blob, '-'),
        (None, None) => String::new(),
    }
}

/// What git prints; its reason when it fails. Blob ids are hexadecimal, so nothing is an option.
fn git(top: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new("git");
    command
        .arg("--no-pager")
        .args(arguments)
        .current_dir(top)
        .stdin(Stdio::null());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("GIT_") {
            command.env_remove(name);
        }
    }
    match command.output() {
        Ok(output) if output.status.success() => {
            String::from_utf8_lossy(&output.stdout).into_owned()
        }
        Ok(output) => format!(
            "  git: {}\n",
            String::from_utf8_lossy(&output.stderr).trim()
        ),
        Err(error) => format!("  git: {error}\n"),
    }
}

/// Hears the recording of an attempt from its beginning, until the other end is dropped.
pub(super) fn listen(state: &Path, attempt: AttemptId, out: Out) -> Sender<()> {
    let (stop, stopped) = channel();
    let directory = directory(state, attempt);
    thread::spawn(move || hear(&directory, attempt, &stopped, &out));
    stop
}

fn hear(directory: &Path, attempt: AttemptId, stopped: &Receiver<()>, out: &Out) {
    let mut files = AttemptFiles::read(directory);
    let mut reader = Reader::new(directory);
    let mut ear = None;
    // A supervisor that has not told of itself yet is not one that is gone.
    let mut patience = PATIENCE;
    loop {
        // An attempt that was only just decided has no directory yet.
        files = files.or_else(|| AttemptFiles::read(directory));
        if let (None, Some(files)) = (&ear, &files) {
            ear = Some((StreamParser::new(files.format), Narrator::new(&files.top)));
        }
        // Asked before the recording is read, so that nothing comes after the last look.
        let over = is_over(directory);
        let mut lines = match &ear {
            Some(_) => reader.poll().unwrap_or_default(),
            None => Vec::new(),
        };
        patience = if lines.is_empty() {
            patience.saturating_sub(1)
        } else {
            0
        };
        let last = over && lines.is_empty() && patience == 0;
        if last {
            lines = reader.finish();
        }
        let mut heard = Vec::new();
        if let Some((parser, narrator)) = &mut ear {
            for line in lines.iter().filter(|line| line.stream == Stream::Stdout) {
                for update in parser.parse(&line.bytes) {
                    if let Some((word, style, text)) = narrator.hear(line.at, &update) {
                        let text = sanitize(head(&text, ENTRY_MAX)).replace('\t', "    ");
                        heard.push(Told {
                            at: line.at,
                            word,
                            slot: slot_of(style),
                            text,
                        });
                    }
                }
            }
        }
        let wait = if lines.is_empty() {
            POLL
        } else {
            Duration::ZERO
        };
        let event = Event::Heard {
            attempt,
            lines: heard,
            over: last,
        };
        if out.send(Wake::Event(event)).is_err() || last {
            return;
        }
        match stopped.recv_timeout(wait) {
            Err(RecvTimeoutError::Timeout) => {}
            Ok(()) | Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}
