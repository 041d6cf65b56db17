//! `airboss blame`: who gave each field of a task the value that it has, when, and in which
//! commit.

use std::collections::BTreeMap;

use airboss_core::board::{Board, BoardOperation, Field, Task, TaskChange};
use airboss_core::exit::ExitCode;
use airboss_core::id::OperationId;
use airboss_core::operation::{Operation, StoredOperation};
use airboss_core::time::Timestamp;
use owo_colors::Style;
use serde_json::json;

use crate::board::{BoardReading, changes_of};
use crate::context::Context;
use crate::error::CliError;
use crate::lookup;
use crate::page::{self, Table};
use crate::render::board as render;
use crate::report::short_commit;
use crate::words;

/// A task.
#[derive(clap::Args, Clone, Debug)]
pub struct BlameArguments {
    /// The task.
    #[arg(value_name = "N", value_parser = crate::command::task::number)]
    number: u32,
}

/// What set a field last.
#[derive(Clone, Debug)]
struct Origin {
    value: String,
    at: Timestamp,
    operation: OperationId,
    who: String,
    /// It was there before airboss.
    adopted: bool,
}

/// Shows the origin of each field.
///
/// # Errors
/// When there is no such task.
pub fn blame(context: &Context, arguments: &BlameArguments) -> Result<ExitCode, CliError> {
    let reading = BoardReading::open(context)?;
    // A number that a file gives twice is that of the first here; `task show` has both.
    let tasks = reading.tasks(arguments.number)?;
    let log = lookup::history(&reading.store, &reading.places.board.log(), None)?;
    let commits = commits(&log);
    for task in tasks {
        let origins = origins(&log, task);
        let commit = |origin: &Origin| commits.get(&origin.operation).map(String::as_str);
        if context.json {
            let rows = origins.iter().map(|(field, origin)| {
                json!({
                    "field": field,
                    "value": origin.value,
                    "at": origin.at,
                    "operation": origin.operation,
                    "by": origin.who,
                    "commit": commit(origin),
                })
            });
            let rows: Vec<_> = rows.collect();
            let number = task.number;
            context
                .printer
                .json(&json!({ "task": number, "fields": rows }));
            continue;
        }
        let mut table = Table::new(page::edge());
        for (field, origin) in &origins {
            let made = match commit(origin) {
                Some(commit) => short_commit(commit),
                None if origin.adopted => "–",
                None => "not committed",
            };
            let cells = [
                render::field(field),
                words::instant(origin.at),
                origin.operation.short(),
                made.to_owned(),
                origin.who.clone(),
                origin.value.clone(),
            ];
            table.row(cells.each_ref().map(String::as_str), Style::new());
        }
        context.printer.data(&table.finish());
    }
    Ok(ExitCode::Success)
}

/// The newest operation behind each field that has a value.
fn origins(log: &[StoredOperation], task: &Task) -> BTreeMap<Field, Origin> {
    let mut origins: BTreeMap<Field, Origin> = BTreeMap::new();
    let mut board = Board::default();
    for stored in log {
        let Operation::Board { operation } = &stored.operation else {
            continue;
        };
        if operation.task() != Some(task.id) {
            continue;
        }
        board.apply(stored.sequence, stored.id, operation);
        let Some(after) = board.tasks.get(&task.id) else {
            continue;
        };
        let (fields, who): (Vec<Field>, String) = match operation {
            BoardOperation::TaskChanged { changes, cause, .. } => {
                let fields = changes.iter().map(TaskChange::field);
                (fields.collect(), render::why(cause))
            }
            BoardOperation::TaskAdded { cause, .. } => (every_field(after), render::why(cause)),
            BoardOperation::TaskAdopted { .. } => {
                (every_field(after), "as it was adopted".to_owned())
            }
            _ => continue,
        };
        for field in fields {
            match value(after, &field) {
                Some(value) => {
                    let origin = Origin {
                        value,
                        at: stored.at,
                        operation: stored.id,
                        who: who.clone(),
                        adopted: matches!(operation, BoardOperation::TaskAdopted { .. }),
                    };
                    origins.insert(field, origin);
                }
                None => {
                    origins.remove(&field);
                }
            }
        }
    }
    origins.retain(|field, _| is_told(field));
    origins
}

/// The instants say when; what stands for another field is not told twice.
fn is_told(field: &Field) -> bool {
    !matches!(field, Field::Time(_) | Field::StatusBefore)
}

fn every_field(task: &Task) -> Vec<Field> {
    let mut fields = vec![
        Field::Number,
        Field::Title,
        Field::Slug,
        Field::Status,
        Field::Place,
        Field::Priority,
        Field::Language,
        Field::Effort,
        Field::Description,
        Field::Dependencies,
        Field::Parent,
        Field::Subtasks,
        Field::BlockedReason,
        Field::AbandonedReason,
        Field::Plan,
        Field::Checked,
        Field::Workflow,
    ];
    let artifacts = task.artifacts.iter();
    fields.extend(artifacts.map(|artifact| Field::Artifact(artifact.path.clone())));
    fields.extend(task.phases.keys().cloned().map(Field::Phase));
    fields
}

/// The value of a field in a few words; `None` when it is empty.
fn value(task: &Task, field: &Field) -> Option<String> {
    let numbers = |numbers: &[u32]| {
        let words: Vec<_> = numbers.iter().map(ToString::to_string).collect();
        (!words.is_empty()).then(|| words.join(", "))
    };
    match field {
        Field::Number => Some(task.number.to_string()),
        Field::Title => Some(task.title.clone()),
        Field::Slug => Some(task.slug.clone()),
        Field::Status => Some(render::status(&task.status)),
        Field::StatusBefore => task.status_before.as_ref().map(render::status),
        Field::Place => Some(format!("{:?}", task.place).to_lowercase()),
        Field::Priority => task.priority.clone(),
        Field::Language => task.language.clone(),
        Field::Effort => task.effort.clone(),
        Field::Description => task.description.clone(),
        Field::Dependencies => {
            let prose = task.dependencies.prose.clone();
            numbers(&task.dependencies.numbers).or(prose)
        }
        Field::Parent => task.parent.map(|parent| parent.to_string()),
        Field::Subtasks => numbers(&task.subtasks),
        Field::Time(key) => task.times.get(key).map(|at| words::instant(*at)),
        Field::BlockedReason => task.blocked_reason.clone(),
        Field::AbandonedReason => task.abandoned_reason.clone(),
        Field::Plan => task.plan.clone(),
        Field::Artifact(path) => {
            let known = task.artifacts.iter().find(|known| known.path == *path)?;
            Some(known.kind.clone())
        }
        Field::Phase(key) => {
            let state = task.phases.get(key)?;
            Some(render::phase_status(state.status))
        }
        Field::Checked => task
            .checked
            .as_ref()
            .map(|checked| checked.checks.join(", ")),
        Field::Workflow => {
            let workflow = task.workflow.as_ref()?;
            Some(format!(
                "{} at {}",
                workflow.scope.word(),
                workflow.state.word()
            ))
        }
    }
}

/// The commits, by the operations that they hold.
fn commits(log: &[StoredOperation]) -> BTreeMap<OperationId, String> {
    let by_sequence: BTreeMap<u64, OperationId> = log
        .iter()
        .map(|stored| (stored.sequence, stored.id))
        .collect();
    let changes = changes_of(log);
    let mut commits = BTreeMap::new();
    for stored in log {
        let Operation::CommitMade {
            sequence,
            commit: Some(commit),
            ..
        } = &stored.operation
        else {
            continue;
        };
        let last = by_sequence.get(sequence);
        let held = changes.iter().find(|ids| ids.last() == last);
        for id in held.into_iter().flatten() {
            commits.insert(*id, commit.clone());
        }
    }
    commits
}
