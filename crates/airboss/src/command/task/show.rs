//! Everything about one task: `show`.

use std::time::Duration;

use airboss_core::board::operation::Conflict;
use airboss_core::board::{BoardOperation, Task, TaskChange};
use airboss_core::exit::ExitCode;
use airboss_core::operation::{Operation, StoredOperation};
use airboss_core::plan::{Phase, PhaseStatus, Plan};
use airboss_core::time::Timestamp;
use airboss_engine::store::{OperationQuery, Store as _};
use owo_colors::Style;
use serde_json::{Value, json};

use crate::board::BoardReading;
use crate::context::Context;
use crate::error::CliError;
use crate::page::{Page, width};
use crate::render::board as render;
use crate::words;

/// The operations that a page ends with; `airboss log` has all of them.
const HISTORY: usize = 5;
/// The width of the labels.
const LABEL: usize = 12;

/// A task.
#[derive(clap::Args, Clone, Debug)]
pub struct ShowArguments {
    /// The task.
    #[arg(value_name = "N", value_parser = super::number)]
    number: u32,
}

/// Shows a task.
///
/// # Errors
/// When there is no such task.
pub fn show(context: &Context, arguments: &ShowArguments) -> Result<ExitCode, CliError> {
    let reading = BoardReading::open(context)?;
    let tasks = reading.tasks(arguments.number)?;
    if tasks.len() > 1 {
        context.printer.warning(&format!(
            "the number {} is that of {} tasks; `airboss doctor` gives new ones",
            arguments.number,
            tasks.len()
        ));
    }
    for task in tasks {
        let story = Story::of(&reading, task)?;
        if context.json {
            context.printer.json(&story.json());
        } else {
            context.printer.data(&story.page(context.verbose));
        }
    }
    Ok(ExitCode::Success)
}

/// The page of a task, with its colours.
///
/// # Errors
/// As for [`show`].
#[cfg(feature = "tui")]
pub(crate) fn text(context: &Context, number: u32) -> Result<String, CliError> {
    let reading = BoardReading::look(context)?;
    let tasks = reading.tasks(number)?.into_iter();
    let pages = tasks.map(|task| Ok(Story::of(&reading, task)?.page(true)));
    pages.collect()
}

/// The tasks with this number as JSON: one, unless a file gives it twice.
///
/// # Errors
/// As for [`show`].
pub fn told(context: &Context, number: u32) -> Result<Vec<Value>, CliError> {
    let reading = BoardReading::look(context)?;
    let tasks = reading.tasks(number)?.into_iter();
    tasks
        .map(|task| Ok(Story::of(&reading, task)?.json()))
        .collect()
}

/// What is told of a task.
struct Story<'a> {
    task: &'a Task,
    /// When its status was set; `None` when that is not known.
    since: Option<Timestamp>,
    now: Timestamp,
    /// What it waits for: number, and status where there is such a task.
    waits: Vec<(u32, Option<&'a Task>)>,
    /// What waits for it.
    needed_by: Vec<&'a Task>,
    /// Its artifacts; whether each is there.
    artifacts: Vec<(&'a airboss_core::board::Artifact, bool)>,
    plan: Option<String>,
    phases: Vec<(Phase, PhaseStatus)>,
    conflicts: Vec<&'a Conflict>,
    /// The newest operations, the newest first.
    history: Vec<StoredOperation>,
}

impl<'a> Story<'a> {
    fn of(reading: &'a BoardReading, task: &'a Task) -> Result<Self, CliError> {
        let BoardReading {
            places,
            store,
            board,
            ..
        } = reading;
        let history = store.operations(&OperationQuery {
            plan: Some(places.board.log()),
            task: Some(task.id),
            newest_first: true,
            ..OperationQuery::default()
        })?;
        let plan = places.plan(task);
        let text = plan
            .as_ref()
            .map(|path| fs_err::read(places.top.join(path)));
        let phases = match text.transpose()? {
            Some(bytes) => Plan::parse(&bytes).phases,
            None => Vec::new(),
        };
        let phases = phases.into_iter().map(|phase| {
            let status = task.phase(&phase.key, phase.status);
            (phase, status)
        });
        let waits = task.dependencies.numbers.iter();
        let is_there = |path: &str| {
            let found = places.resolve(task, path);
            found.is_some_and(|path| {
                fs_err::metadata(places.top.join(path)).is_ok_and(|facts| facts.len() > 0)
            })
        };
        let artifacts = task.artifacts.iter();
        Ok(Self {
            task,
            since: since(task, &history),
            now: store.now(),
            waits: waits.map(|number| (*number, board.find(*number))).collect(),
            needed_by: board
                .active()
                .filter(|other| other.dependencies.numbers.contains(&task.number))
                .collect(),
            artifacts: artifacts
                .map(|artifact| (artifact, is_there(&artifact.path)))
                .collect(),
            plan: plan
                .map(|path| path.to_string())
                .or_else(|| task.plan.clone()),
            phases: phases.collect(),
            conflicts: board
                .conflicts
                .iter()
                .filter(|conflict| conflict.task == task.id)
                .collect(),
            history: history.into_iter().take(HISTORY).collect(),
        })
    }

    fn page(&self, verbose: bool) -> String {
        let task = self.task;
        let mut page = Page::new(width());
        let title = format!("{}  {}", task.number, task.title);
        page.sentence(&title, Style::new().bold());
        self.facts(&mut page);
        if let Some(description) = &task.description {
            page.gap();
            page.sentence(description, Style::new());
        }
        self.made(&mut page);
        if !self.conflicts.is_empty() {
            page.heading("Conflicts");
            for conflict in &self.conflicts {
                let id = conflict.id.short();
                let other = render::changed(&conflict.other, &[]);
                let text = format!("{} says {other}", conflict.path);
                page.field(2, (&id, Style::new().cyan()), LABEL, &text);
            }
        }
        page.heading("History");
        for stored in &self.history {
            let text = match &stored.operation {
                Operation::Board { operation } => render::essence(operation),
                Operation::CommitMade { .. } | Operation::CommitDeferred { .. } => {
                    let essence = crate::command::log::essence(&stored.operation, stored.at);
                    format!("commit {essence}")
                }
                other => crate::command::log::essence(other, stored.at),
            };
            let text = if verbose {
                format!("{text} ({})", stored.id)
            } else {
                text
            };
            let at = words::instant(stored.at);
            page.field(2, (&at, Style::new().dimmed()), at.len(), &text);
        }
        page.finish()
    }

    /// The short facts.
    fn facts(&self, page: &mut Page) {
        let task = self.task;
        let mut fact = |label: &str, text: &str| {
            page.field(2, (label, Style::new().dimmed()), LABEL, text);
        };
        let status = render::status(&task.status);
        let since = match self.since {
            Some(at) => {
                format!(
                    " since {} ({})",
                    words::instant(at),
                    age(self.now.since(at))
                )
            }
            None => ", since when is not known".to_owned(),
        };
        fact("status", &format!("{status}{since}"));
        if let Some(reason) = reason(task) {
            fact("because", reason);
        }
        let texts = [
            ("priority", &task.priority),
            ("language", &task.language),
            ("effort", &task.effort),
        ];
        for (label, text) in texts {
            if let Some(text) = text {
                fact(label, text);
            }
        }
        let named = |other: &Task| format!("{} ({})", other.number, render::status(&other.status));
        let mut waits: Vec<_> = self
            .waits
            .iter()
            .map(|(number, found)| match found {
                Some(found) => named(found),
                None => format!("{number} (no such task)"),
            })
            .collect();
        let prose = task.dependencies.prose.iter();
        waits.extend(prose.map(|words| format!("“{words}”")));
        if !waits.is_empty() {
            fact("waits for", &waits.join(", "));
        }
        if !self.needed_by.is_empty() {
            let others: Vec<_> = self.needed_by.iter().map(|other| named(other)).collect();
            fact("needed by", &others.join(", "));
        }
        if let Some(parent) = task.parent {
            fact("parent", &parent.to_string());
        }
        if !task.subtasks.is_empty() {
            let numbers: Vec<_> = task.subtasks.iter().map(ToString::to_string).collect();
            fact("subtasks", &numbers.join(", "));
        }
    }

    /// Artifacts and phases.
    fn made(&self, page: &mut Page) {
        if !self.artifacts.is_empty() {
            page.heading("Artifacts");
        }
        for (artifact, is_there) in &self.artifacts {
            let (sign, style, missing) = match is_there {
                true => ("✓", Style::new().green(), ""),
                false => ("✗", Style::new().red(), ", which is missing"),
            };
            let label = format!("{sign} {}", artifact.kind);
            let about = artifact.summary.as_deref();
            let about = about.map_or_else(String::new, |about| format!(": {about}"));
            let text = format!("{}{missing}{about}", artifact.path);
            page.field(2, (&label, style), LABEL, &text);
        }
        let Some(plan) = &self.plan else {
            return;
        };
        page.heading(&format!("Plan {plan}"));
        for (phase, status) in &self.phases {
            let style = match status {
                PhaseStatus::Completed => Style::new().green(),
                PhaseStatus::InProgress | PhaseStatus::Partial | PhaseStatus::Blocked => {
                    Style::new().yellow()
                }
                _ => Style::new().dimmed(),
            };
            let status = render::phase_status(*status);
            let text = format!("{}  {}", phase.key, phase.title);
            page.field(2, (&status, style), LABEL, &text);
        }
    }

    fn json(&self) -> Value {
        let mut data = serde_json::to_value(self.task).unwrap_or_default();
        data["since"] = json!(self.since);
        let waits = self.waits.iter().map(|(number, found)| {
            json!({ "number": number, "status": found.map(|found| &found.status) })
        });
        data["waits"] = json!(waits.collect::<Vec<_>>());
        let needed = self.needed_by.iter().map(|other| other.number);
        data["neededBy"] = json!(needed.collect::<Vec<_>>());
        let artifacts = self.artifacts.iter().map(|(artifact, exists)| {
            let mut artifact = serde_json::to_value(artifact).unwrap_or_default();
            artifact["exists"] = json!(exists);
            artifact
        });
        data["artifacts"] = json!(artifacts.collect::<Vec<_>>());
        let phases = self.phases.iter().map(
            |(phase, status)| json!({ "key": phase.key, "title": phase.title, "status": status }),
        );
        data["phases"] = json!(phases.collect::<Vec<_>>());
        data["conflicts"] = json!(self.conflicts);
        data["history"] = json!(self.history);
        data
    }
}

/// How long ago, in days where hours say nothing.
fn age(age: Duration) -> String {
    const DAY: u64 = 24 * 60 * 60;
    match age.as_secs() / DAY {
        0 | 1 => words::duration(age),
        days => format!("{days} days"),
    }
}

/// When the task got its status: by the newest operation that says so, else by its own times.
fn since(task: &Task, history: &[StoredOperation]) -> Option<Timestamp> {
    let by_log = history.iter().find_map(|stored| match &stored.operation {
        Operation::Board { operation } => match operation {
            BoardOperation::TaskAdded { .. } => Some(stored.at),
            BoardOperation::TaskChanged { changes, .. } => changes
                .iter()
                .any(|change| matches!(change, TaskChange::Status(_)))
                .then_some(stored.at),
            _ => None,
        },
        _ => None,
    });
    let by_time = || {
        let key = match task.status.value() {
            "implementing" => "started",
            "not_started" => "created",
            other => other,
        };
        let mut times = task.times.iter();
        times.find(|(time, _)| time.key() == key).map(|(_, at)| *at)
    };
    by_log.or_else(by_time)
}

/// Why it stands still, where that is its status.
fn reason(task: &Task) -> Option<&str> {
    match task.status.value() {
        "blocked" => task.blocked_reason.as_deref(),
        "abandoned" => task.abandoned_reason.as_deref(),
        _ => None,
    }
}
