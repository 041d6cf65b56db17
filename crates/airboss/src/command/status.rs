//! `status`, `progress` and `phases`: where a plan stands, in three forms.

use std::time::Duration;

use airboss_core::exit::ExitCode;
use airboss_core::operation::{Asked, PlanKey, StepStatus};
use airboss_core::path::RepoPath;
use airboss_core::status_file::phase_text;
use airboss_core::step::Step;
use airboss_core::text::sanitize;
use airboss_core::view::{Counts, View};
use airboss_engine::store::Store as _;
use airboss_engine::workspace::Workspace;
use clap::ValueEnum;
use serde_json::{Value, json};

use super::control;
use crate::context::Context;
use crate::desk::Reading;
use crate::error::CliError;

/// How often `--watch` looks: a change is visible within a second.
const WATCH_PAUSE: Duration = Duration::from_millis(250);

/// Shows where a plan stands.
///
/// # Errors
/// When the plan cannot be read.
pub fn status(context: &Context) -> Result<ExitCode, CliError> {
    let glance = Glance::take(context)?;
    for path in &glance.pending {
        let text = format!("{path} is not up to date; the next command that writes mends it");
        context.printer.warning(&text);
    }
    let counts = glance.counts;
    let mut answer = json!({
        "planPath": glance.key,
        "planName": glance.name,
        "source": "status.json",
        "total": counts.total,
        "completed": counts.completed,
        "inProgress": counts.in_progress,
        "pending": counts.pending,
        "failed": counts.failed,
        "skipped": counts.skipped,
        "percentage": counts.percentage(),
        "currentPhase": glance.phase,
    });
    if let Some(paused) = &glance.paused {
        answer["paused"] = control::asked_json(paused);
    }
    context.answer(&answer, |_| {
        let phase = glance.phase.as_deref().unwrap_or_default();
        let paused = glance.paused.as_ref().map_or_else(String::new, |paused| {
            format!("\npaused by {}; `airboss resume` goes on", paused.name())
        });
        sanitize(&format!(
            "{}  {}\n{phase}{paused}",
            glance.name,
            bar(&counts)
        ))
    });
    Ok(ExitCode::Success)
}

/// A plan counted, without reading its steps where the store knows it.
struct Glance {
    key: PlanKey,
    name: String,
    counts: Counts,
    phase: Option<String>,
    /// Files that the store has not been able to publish yet; a reader only says so.
    pending: Vec<RepoPath>,
    /// Who paused the run that flies.
    paused: Option<Asked>,
}

impl Glance {
    fn take(context: &Context) -> Result<Self, CliError> {
        let workspace = Workspace::open(&context.directory)?;
        let path = context.plan_file(&workspace, None)?;
        let key = workspace.plan_key(&path)?;
        let store = workspace.open_reader()?;
        let known = match &store {
            Some(store) => store.overview(&key)?,
            None => None,
        };
        let (Some(store), Some(known)) = (&store, known) else {
            let reading = Reading::open(context)?;
            return Ok(Self {
                key,
                name: reading.view.name.clone(),
                counts: counts(&reading.view),
                phase: current_phase(&reading.view),
                pending: Vec::new(),
                paused: None,
            });
        };
        let current = known.current_phase.as_deref();
        let phase = known
            .phases
            .iter()
            .find(|phase| Some(phase.key.as_str()) == current);
        Ok(Self {
            phase: phase.map(|phase| phase_text(&phase.key, &phase.title)),
            counts: known.counts,
            name: known.name,
            paused: control::paused(&store.runs(&key)?).cloned(),
            pending: store
                .to_publish(Some(&key))?
                .into_iter()
                .map(|row| row.path)
                .collect(),
            key,
        })
    }
}

/// The steps that the plan has, counted.
#[must_use]
pub fn counts(view: &View) -> Counts {
    let mut counts = Counts::default();
    for step in steps(view) {
        counts.add(step.state.status, 1);
    }
    counts
}

/// The steps that the plan has; vanished ones are history.
pub fn steps(view: &View) -> impl Iterator<Item = &Step> {
    view.steps.iter().filter(|step| !step.state.vanished)
}

fn current_phase(view: &View) -> Option<String> {
    steps(view)
        .find(|step| !step.state.status.is_settled())
        .map(|step| phase_text(&step.record.phase, &step.record.phase_title))
}

/// `[#####...............]  25%  5/20 done, 1 in progress`
fn bar(counts: &Counts) -> String {
    // Twenty cells: five percent each.
    let full = counts.percentage() / 5;
    let mut text = format!(
        "[{}{}] {:>3}%  {}/{} done",
        "#".repeat(full),
        ".".repeat(20 - full),
        counts.percentage(),
        counts.completed,
        counts.total
    );
    let others = [
        (counts.in_progress, "in progress"),
        (counts.failed, "failed"),
        (counts.skipped, "skipped"),
    ];
    for (count, word) in others.into_iter().filter(|(count, _)| *count > 0) {
        text = format!("{text}, {count} {word}");
    }
    text
}

/// The form of `progress`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Format {
    /// A bar.
    Text,
    /// Numbers.
    Json,
    /// Lines that begin with `[PROGRESS]`, for programs that read a log.
    Markers,
}

/// Show progress as a bar, as JSON or as marker lines.
#[derive(clap::Args, Clone, Debug)]
pub struct ProgressArguments {
    /// The form.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Go on until the plan is complete, and print every change.
    #[arg(long)]
    watch: bool,
}

/// Shows progress, once or until the plan is complete.
///
/// # Errors
/// When the plan cannot be read.
pub fn progress(context: &Context, arguments: &ProgressArguments) -> Result<ExitCode, CliError> {
    let format = if context.json {
        Format::Json
    } else {
        arguments.format
    };
    let mut reading = Reading::open(context)?;
    let mut before = None;
    loop {
        let text = progress_text(&reading.view, format, before.as_ref());
        if !text.is_empty() && context.printer.try_data(&sanitize(&text)).is_err() {
            return Ok(ExitCode::Success);
        }
        if !arguments.watch || counts(&reading.view).is_complete() {
            return Ok(ExitCode::Success);
        }
        let seen = reading.view.sequence;
        before = Some(reading.view);
        reading = loop {
            std::thread::sleep(WATCH_PAUSE);
            let next = Reading::open(context)?;
            if next.view.sequence != seen {
                break next;
            }
        };
    }
}

fn progress_text(view: &View, format: Format, before: Option<&View>) -> String {
    let counts = counts(view);
    match format {
        Format::Text => format!("{}  {}", view.name, bar(&counts)),
        Format::Json => json!({
            "plan": view.name,
            "status": plan_word(&counts),
            "percentage": counts.percentage(),
            "completed": counts.completed,
            "total": counts.total,
            "inProgress": counts.in_progress,
            "pending": counts.pending,
            "failed": counts.failed,
            "skipped": counts.skipped,
            "currentPhase": current_phase(view),
        })
        .to_string(),
        Format::Markers => markers(view, &counts, before).join("\n"),
    }
}

fn plan_word(counts: &Counts) -> &'static str {
    if counts.is_complete() {
        "completed"
    } else if counts.total == counts.pending {
        "pending"
    } else {
        "in_progress"
    }
}

fn markers(view: &View, counts: &Counts, before: Option<&View>) -> Vec<String> {
    let mut lines = vec![format!(
        "[PROGRESS] plan status={} percent={}",
        plan_word(counts),
        counts.percentage()
    )];
    for step in steps(view) {
        let status = step.state.status;
        let known = before.and_then(|view| view.step(&step.record.id));
        let news = match known {
            Some(known) => known.state.status != status,
            None => status != StepStatus::Pending,
        };
        if news {
            let word = if status == StepStatus::InProgress {
                "started"
            } else {
                status.word()
            };
            lines.push(format!("[PROGRESS] task={} status={word}", step.record.id));
        }
    }
    lines.push(format!(
        "[PROGRESS] summary completed={} pending={} failed={}",
        counts.completed, counts.pending, counts.failed
    ));
    lines
}

/// Shows the phases of a plan, counted.
///
/// # Errors
/// When the plan cannot be read.
pub fn phases(context: &Context) -> Result<ExitCode, CliError> {
    let reading = Reading::open(context)?;
    let mut phases: Vec<(&str, &str, Counts)> = Vec::new();
    for step in steps(&reading.view) {
        let key = step.record.phase.as_str();
        let place = phases.iter().position(|(known, ..)| *known == key);
        let place = place.unwrap_or_else(|| {
            phases.push((key, &step.record.phase_title, Counts::default()));
            phases.len() - 1
        });
        phases[place].2.add(step.state.status, 1);
    }
    let list: Vec<Value> = phases
        .iter()
        .map(|(key, title, counts)| {
            let status = if counts.is_complete() {
                "complete"
            } else if counts.total == counts.pending {
                "pending"
            } else {
                "in_progress"
            };
            json!({
                "number": phase_value(key),
                "title": title,
                "total": counts.total,
                "completed": counts.completed,
                "percentage": counts.percentage(),
                "status": status,
            })
        })
        .collect();
    context.answer(&json!({ "phases": list }), |_| {
        let lines: Vec<String> = phases
            .iter()
            .map(|(key, title, counts)| format!("{}\n  {}", phase_text(key, title), bar(counts)))
            .collect();
        sanitize(&lines.join("\n"))
    });
    Ok(ExitCode::Success)
}

/// A phase as JSON has it: a number when it is one, else its key.
#[must_use]
pub fn phase_value(key: &str) -> Value {
    key.parse::<u64>()
        .map_or_else(|_| json!(key), |number| json!(number))
}
