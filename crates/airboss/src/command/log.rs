//! `airboss log`: what happened, one line for each stored operation, the newest last.

use std::collections::HashMap;

use airboss_core::board::{BoardKey, BoardOperation, Task};
use airboss_core::exit::ExitCode;
use airboss_core::id::{AttemptId, StepId, TaskId};
use airboss_core::operation::{Actor, Operation, RunStop, StoredOperation};
use airboss_core::time::Timestamp;
use airboss_engine::store::{OperationQuery, SqliteStore, Store as _, StoreError, Wanted};
use owo_colors::Style;

use crate::context::Context;
use crate::error::CliError;
use crate::lookup::{self, Named};
use crate::page::{self, Table};
use crate::report::verdict_style;
use crate::words;

/// Show what happened, in order: every change of state, with its time.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct LogArguments {
    /// Only what concerns this task of the board (`58`), step (`2.3`) or attempt (`2.3#1`, or the
    /// beginning of its id).
    pub id: Option<String>,
    /// At most so many operations: the newest, or with --after the next ones.
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub limit: usize,
    /// Only operations behind this sequence number, oldest first: a reader's cursor.
    #[arg(long, value_name = "SEQ")]
    pub after: Option<u64>,
}

/// Shows the log.
///
/// # Errors
/// When there is no store, or the id names nothing.
pub fn log(context: &Context, arguments: &LogArguments) -> Result<ExitCode, CliError> {
    let (workspace, store) = context.reader()?;
    if let Some((board, task)) = task(context, &store, arguments)? {
        let after = arguments.after;
        let mut operations = store.operations(&OperationQuery {
            plan: Some(board.log()),
            task: Some(task),
            after: after.unwrap_or(0),
            limit: arguments.limit,
            newest_first: after.is_none(),
            ..OperationQuery::default()
        })?;
        operations.sort_by_key(|stored| stored.sequence);
        return show(context, &store, &operations);
    }
    let named = match &arguments.id {
        Some(id) => Some(lookup::find(context, &workspace, &store, id)?),
        None => None,
    };
    let plan = match (&named, &context.plan) {
        (Some(named), _) => Some(named.plan().clone()),
        (None, Some(_)) => context.plans(&workspace, &store)?.into_iter().next(),
        (None, None) => None,
    };
    let operations = operations(&store, named.as_ref(), plan, arguments)?;
    show(context, &store, &operations)
}

fn show(
    context: &Context,
    store: &SqliteStore,
    operations: &[StoredOperation],
) -> Result<ExitCode, CliError> {
    if context.json {
        for stored in operations {
            context.printer.json_line(stored);
        }
    } else if operations.is_empty() {
        context.printer.note("nothing happened yet");
    } else {
        context.printer.data(&table(store, operations)?);
    }
    Ok(ExitCode::Success)
}

/// The task that the id names, when it is a number and the board has such a task.
fn task(
    context: &Context,
    store: &SqliteStore,
    arguments: &LogArguments,
) -> Result<Option<(BoardKey, TaskId)>, CliError> {
    let number = arguments.id.as_deref().map(str::parse::<u32>);
    let (Some(Ok(number)), None) = (number, &context.plan) else {
        return Ok(None);
    };
    // Without a board it is a step.
    let Ok((_, places)) = crate::board::known(context) else {
        return Ok(None);
    };
    let Some(part) = store.board_part(&places.board, &Wanted::Tasks(vec![number]))? else {
        return Ok(None);
    };
    // One that was taken off the board for good has a history, too; ids are in order of time.
    let had = |task: &&Task| task.number == number || task.former_numbers.contains(&number);
    let gone = || part.tasks.values().filter(had).max_by_key(|task| task.id);
    let id = part.find(number).or_else(gone).map(|task| task.id);
    Ok(id.map(|id| (places.board, id)))
}

/// The operations asked for, oldest first.
fn operations(
    store: &SqliteStore,
    named: Option<&Named>,
    plan: Option<airboss_core::operation::PlanKey>,
    arguments: &LogArguments,
) -> Result<Vec<StoredOperation>, StoreError> {
    if let Some(Named::Attempt(plan, step, attempt)) = named {
        let mut all = lookup::history(store, plan, Some(step))?;
        all.retain(|stored| {
            concerns(&stored.operation, *attempt)
                && arguments.after.is_none_or(|after| stored.sequence > after)
        });
        let surplus = all.len().saturating_sub(arguments.limit);
        match arguments.after {
            Some(_) => all.truncate(arguments.limit),
            None => drop(all.drain(..surplus)),
        }
        return Ok(all);
    }
    let mut found = store.operations(&OperationQuery {
        plan,
        step: named.map(|named| named.step().clone()),
        task: None,
        after: arguments.after.unwrap_or(0),
        limit: arguments.limit,
        newest_first: arguments.after.is_none(),
    })?;
    found.sort_by_key(|stored| stored.sequence);
    Ok(found)
}

fn concerns(operation: &Operation, wanted: AttemptId) -> bool {
    match operation {
        Operation::StepJudged { attempt, .. } | Operation::StepClaimed { attempt, .. } => {
            *attempt == wanted
        }
        other => other.attempt() == Some(wanted),
    }
}

/// The length of `2026-03-02`.
const DAY: usize = 10;
/// Terminals of this width have room for the day in every line.
const WIDE: usize = 110;

fn table(store: &SqliteStore, operations: &[StoredOperation]) -> Result<String, StoreError> {
    let mut table = Table::new(page::edge());
    let mut names = AttemptNames::new(store);
    let first = &operations[0].plan;
    let several = operations.iter().any(|stored| stored.plan != *first);
    // On a narrow terminal the day goes first: what happened needs the room.
    let day = |stored: &StoredOperation| words::instant(stored.at)[..DAY].to_owned();
    let same_day = operations
        .windows(2)
        .all(|pair| day(&pair[0]) == day(&pair[1]));
    let brief = same_day && page::edge().is_some_and(|edge| edge < WIDE);
    for stored in operations {
        let subject = match &stored.operation {
            Operation::Board { operation } => task_number(store, stored, operation)?,
            other => subject(other, &mut names)?,
        };
        let mut essence = essence(&stored.operation, stored.at);
        if several {
            essence = format!("{}: {essence}", stored.plan);
        }
        let style = style(&stored.operation);
        table.row(
            [
                &format!("{:>4}", stored.sequence),
                &words::instant(stored.at)[if brief { DAY + 1 } else { 0 }..],
                stored.operation.word(),
                &subject,
                &essence,
            ],
            style,
        );
    }
    Ok(table.finish())
}

/// The colour of an operation's line.
pub(crate) fn style(operation: &Operation) -> Style {
    match operation {
        Operation::StepJudged { judgement, .. } => verdict_style(judgement.verdict),
        Operation::AttemptSpawned { .. } | Operation::AttemptJudged { .. } => Style::new().dimmed(),
        _ => Style::new(),
    }
}

/// The number that the task of an operation has now; empty when it is about none.
pub(crate) fn task_number(
    store: &SqliteStore,
    stored: &StoredOperation,
    operation: &BoardOperation,
) -> Result<String, StoreError> {
    let Some(task) = operation.task() else {
        return Ok(String::new());
    };
    let board = BoardKey::new(stored.plan.path().clone());
    let part = store.board_part(&board, &Wanted::Ids(vec![task]))?;
    let task = part.and_then(|part| part.tasks.get(&task).map(|task| task.number));
    Ok(task.map_or_else(String::new, |number| number.to_string()))
}

/// The names of attempts, each looked up once.
pub(crate) struct AttemptNames<'store> {
    store: &'store SqliteStore,
    known: HashMap<AttemptId, String>,
}

impl<'store> AttemptNames<'store> {
    pub(crate) fn new(store: &'store SqliteStore) -> Self {
        Self {
            store,
            known: HashMap::new(),
        }
    }

    /// `2.3#1`: the first attempt at step 2.3.
    pub(crate) fn name(&mut self, id: AttemptId) -> Result<String, StoreError> {
        if let Some(name) = self.known.get(&id) {
            return Ok(name.clone());
        }
        let name = match self.store.attempt(id)? {
            Some(found) => attempt_name(&found.attempt.steps, found.attempt.number),
            None => id.short(),
        };
        self.known.insert(id, name.clone());
        Ok(name)
    }
}

pub(crate) fn attempt_name(steps: &[StepId], number: u32) -> String {
    let first = steps.first().map(StepId::as_str).unwrap_or_default();
    format!("{first}#{number}")
}

/// What an operation is about: an attempt, steps, or a run.
pub(crate) fn subject(
    operation: &Operation,
    names: &mut AttemptNames<'_>,
) -> Result<String, StoreError> {
    if let Some(attempt) = operation.attempt() {
        return names.name(attempt);
    }
    if let Some(run) = operation.run() {
        return Ok(run.short());
    }
    Ok(words::ids(operation.steps()))
}

/// The rest of the line: what the operation says.
pub(crate) fn essence(operation: &Operation, at: Timestamp) -> String {
    match operation {
        Operation::Board { operation } => crate::render::board::essence(operation),
        Operation::PlanRegistered { name, steps, .. } => {
            format!("{name}, {}", words::count(steps.len(), "step"))
        }
        Operation::RunStarted { .. }
        | Operation::RunEnded { .. }
        | Operation::RunPaused { .. }
        | Operation::RunResumed { .. }
        | Operation::RunStopRequested { .. } => run_essence(operation),
        Operation::AttemptDispatched { .. }
        | Operation::AttemptSpawned { .. }
        | Operation::AttemptStopRequested { .. }
        | Operation::AttemptKillRequested { .. }
        | Operation::AttemptEnded { .. }
        | Operation::AttemptJudged { .. } => attempt_essence(operation),
        Operation::StepJudged {
            judgement, wake_at, ..
        } => {
            let again = match wake_at {
                Some(wake) => format!("; again in {}", words::duration(wake.since(at))),
                None => String::new(),
            };
            format!("{}: {}{again}", judgement.verdict.word(), judgement.reason)
        }
        Operation::StepMarked {
            status,
            actor,
            text,
            forced,
            ..
        } => {
            let who = match actor {
                Actor::Person => "by a person",
                Actor::Airboss => "by airboss",
            };
            let forced = if *forced { ", forced" } else { "" };
            let text = text.as_ref().map_or(String::new(), |t| format!(": {t}"));
            format!("{} {who}{forced}{text}", status.word())
        }
        Operation::StepImported { state, .. } => {
            format!("{}, as its status file says", state.status.word())
        }
        Operation::StepClaimed { claim, about, .. } => about.told(claim),
        Operation::RetryGranted { error, .. } => error.clone().unwrap_or_default(),
        Operation::StepAnswered { answer, .. } => answer.clone(),
        Operation::FindingsWritten { path, .. } => path.to_string(),
        Operation::CommitMade {
            commit, left_out, ..
        } => {
            let made = commit.as_deref().map_or("nothing to commit", |commit| {
                crate::report::short_commit(commit)
            });
            let left = match left_out.len() {
                0 => String::new(),
                count => format!("; {} left out", words::count(count, "file")),
            };
            format!("{made}{left}")
        }
        Operation::CommitDeferred { reason, .. } => format!("waits: {reason}"),
    }
}

fn run_essence(operation: &Operation) -> String {
    match operation {
        Operation::RunStarted { words, .. } => words.clone(),
        Operation::RunEnded {
            ending,
            completed,
            failed,
            ..
        } => format!(
            "{}; {completed} completed, {failed} failed",
            words::ending(*ending)
        ),
        Operation::RunPaused { by, .. } | Operation::RunResumed { by, .. } => by_whom(by.as_ref()),
        Operation::RunStopRequested { by, how, .. } => {
            let how = match how {
                RunStop::Drain => "after what is running",
                RunStop::End => "with what is running",
                RunStop::Kill => "at once",
            };
            format!("{how}, {}", by_whom(by.as_ref()))
        }
        _ => String::new(),
    }
}

fn by_whom(name: Option<&String>) -> String {
    format!("by {}", name.map_or("a person", String::as_str))
}

fn attempt_essence(operation: &Operation) -> String {
    match operation {
        Operation::AttemptDispatched {
            steps,
            agent,
            retry,
            ..
        } => {
            let retry = if *retry { ", a retry" } else { "" };
            let batch = match steps.as_slice() {
                [_] => String::new(),
                several => format!(", steps {}", words::ids(several)),
            };
            format!("{agent}{retry}{batch}")
        }
        Operation::AttemptSpawned { supervisor, .. } => format!("supervisor {}", supervisor.pid),
        Operation::AttemptStopRequested { reason, .. } => reason.clone(),
        Operation::AttemptKillRequested { by, .. } => by_whom(by.as_ref()),
        Operation::AttemptEnded { end, .. } => words::end(end),
        _ => String::new(),
    }
}
