//! `validate`, `sync` and `sync-check`: do the files say what the store says?

use std::collections::BTreeSet;

use airboss_core::exit::ExitCode;
use airboss_core::id::StepId;
use airboss_core::operation::StepStatus;
use airboss_core::plan::{Mark, Severity};
use airboss_core::status_file::StatusFile;
use airboss_engine::store::{Commit, Store as _};
use airboss_engine::workspace::PlanFile;
use serde_json::{Value, json};

use super::adopt;
use super::status::{counts, steps};
use crate::context::Context;
use crate::desk::{Reading, WriteOptions, Writing, output_of};
use crate::error::CliError;

/// A plan with its files, read and compared; nothing is written.
struct Files {
    reading: Reading,
    file: PlanFile,
    status: Option<StatusFile>,
    status_path: String,
}

impl Files {
    fn open(context: &Context) -> Result<Self, CliError> {
        let reading = Reading::open(context)?;
        let file = reading.file()?;
        let status_path = format!("{}/status.json", output_of(&file)?);
        let status = match fs_err::read(reading.workspace.top.join(&status_path)) {
            Ok(bytes) => Some(StatusFile::read(&String::from_utf8_lossy(&bytes))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(error.into()),
        };
        Ok(Self {
            reading,
            file,
            status,
            status_path,
        })
    }

    /// Where the files differ from the store, one sentence each.
    fn drift(&self) -> Vec<String> {
        let mut drift = Vec::new();
        let Some(status) = &self.status else {
            // Without a store there is nothing that should have been published.
            if self.reading.store.is_some() && self.reading.view.sequence > 0 {
                drift.push(format!("{} is missing", self.status_path));
            }
            return drift;
        };
        if let Some(damage) = &status.damage {
            drift.push(format!("{}: {damage}", self.status_path));
            return drift;
        }
        for task in &status.tasks {
            let Some(step) = self.reading.view.step(&task.id) else {
                continue;
            };
            let stored = step.state.status;
            if task.status != Some(stored) {
                drift.push(format!(
                    "{}: task {} is {:?}, and the store says {:?}",
                    self.status_path,
                    task.id,
                    task.status_word,
                    stored.word()
                ));
            }
        }
        let known: BTreeSet<&StepId> = status.tasks.iter().map(|task| &task.id).collect();
        for step in steps(&self.reading.view).filter(|step| !known.contains(&step.record.id)) {
            drift.push(format!(
                "{}: task {} is missing",
                self.status_path, step.record.id
            ));
        }
        drift
    }
}

/// Checks plan and status.json.
///
/// # Errors
/// When one of them cannot be read at all.
pub fn validate(context: &Context) -> Result<ExitCode, CliError> {
    let files = Files::open(context)?;
    let mut issues: Vec<Value> = Vec::new();
    let mut valid = true;
    for problem in &files.file.plan.problems {
        let error = problem.severity == Severity::Error;
        valid &= !error;
        issues.push(json!({
            "severity": if error { "error" } else { "warning" },
            "file": files.reading.key,
            "line": problem.line,
            "message": problem.message,
            "remedy": problem.remedy,
        }));
    }
    let status_issue = |severity: &str, message: &str| json!({ "severity": severity, "file": files.status_path, "message": message });
    for message in files.drift() {
        valid = false;
        issues.push(status_issue("error", &message));
    }
    for message in files.status.iter().flat_map(|status| &status.warnings) {
        issues.push(status_issue("warning", message));
    }
    let answer = json!({
        "valid": valid,
        "issuesFound": issues.len(),
        "issuesFixed": 0,
        "issues": issues,
        "summary": counts(&files.reading.view),
    });
    context.answer(&answer, |answer| {
        let issues = answer["issues"].as_array().map_or(&[][..], Vec::as_slice);
        let mut lines: Vec<String> = issues
            .iter()
            .map(|issue| {
                let text = |name: &str| issue[name].as_str().unwrap_or("");
                format!("{}: {}", text("severity"), text("message"))
            })
            .collect();
        lines.push(if valid { "valid" } else { "not valid" }.to_owned());
        airboss_core::text::sanitize(&lines.join("\n"))
    });
    Ok(if valid {
        ExitCode::Success
    } else {
        ExitCode::Failed
    })
}

/// Make the files of the board, or of a plan, equal to the store, or check them.
#[derive(clap::Args, Clone, Debug)]
pub struct SyncArguments {
    /// Only say what differs; exit code 1 when something does.
    #[arg(long, visible_alias = "dry-run")]
    check: bool,
    /// Take in edits of however many tasks at once.
    #[arg(long)]
    accept: bool,
}

/// Brings the files of a plan up to date, or says what differs.
///
/// # Errors
/// When the plan cannot be read or changed.
pub fn sync(context: &Context, arguments: &SyncArguments) -> Result<ExitCode, CliError> {
    if context.plan.is_none() && adopt::has_board(context)? {
        return match arguments.check {
            true => adopt::check_board(context),
            false => adopt::sync_board(context, arguments.accept),
        };
    }
    if arguments.check {
        let files = Files::open(context)?;
        let drift = files.drift();
        let answer = json!({ "inSync": drift.is_empty(), "drift": drift });
        context.answer(&answer, |_| {
            if drift.is_empty() {
                "in sync".to_owned()
            } else {
                drift.join("\n")
            }
        });
        return Ok(if drift.is_empty() {
            ExitCode::Success
        } else {
            ExitCode::Failed
        });
    }
    let mut writing = Writing::open(context, &WriteOptions::default())?;
    let mut commit = Commit::new(writing.key.clone(), Vec::new());
    let view = writing.store.view(&writing.key)?.unwrap_or_default();
    // Every step may be stale; one operation that names a step asks for every kind of file.
    let probe = view
        .steps
        .first()
        .map(|step| airboss_core::operation::Operation::RetryGranted {
            step: step.record.id.clone(),
            error: None,
        });
    commit.change.publish = writing.stale(probe.as_slice());
    writing.store.commit(&commit)?;
    writing.finish(context, &json!({ "success": true }), |_| {
        "in sync".to_owned()
    })
}

/// Compares status.json with the boxes of the plan, in the form of an earlier tool.
///
/// # Errors
/// When the plan cannot be read.
pub fn sync_check(context: &Context) -> Result<ExitCode, CliError> {
    let files = Files::open(context)?;
    let view = &files.reading.view;
    let mut discrepancies = Vec::new();
    for (_, plan_step) in files.file.plan.steps() {
        let Some(step) = view.step(&plan_step.id) else {
            continue;
        };
        let ticked = plan_step.mark == Mark::Ticked;
        let done = step.state.status == StepStatus::Completed;
        if ticked == done {
            continue;
        }
        let issue = if ticked {
            "ticked in the plan, but not completed"
        } else {
            "completed, but not ticked in the plan"
        };
        discrepancies.push(json!({
            "id": plan_step.id,
            "description": plan_step.text,
            "statusJson": step.state.status,
            "markdownChecked": ticked,
            "issue": issue,
        }));
    }
    let markdown: BTreeSet<&StepId> = files.file.plan.steps().map(|(_, step)| &step.id).collect();
    let tasks = files
        .status
        .as_ref()
        .map_or(&[][..], |status| &status.tasks);
    let recorded: BTreeSet<&StepId> = tasks.iter().map(|task| &task.id).collect();
    let only_status: Vec<_> = recorded.difference(&markdown).collect();
    let only_markdown: Vec<_> = markdown.difference(&recorded).collect();
    let in_sync = discrepancies.is_empty() && only_status.is_empty() && only_markdown.is_empty();
    let answer = json!({
        "planPath": files.reading.key,
        "statusJsonTasks": recorded.len(),
        "markdownTasks": markdown.len(),
        "inSync": in_sync,
        "discrepancies": discrepancies,
        "onlyInStatusJson": only_status,
        "onlyInMarkdown": only_markdown,
        "summary": {
            "discrepancyCount": discrepancies.len(),
            "onlyInStatusJsonCount": only_status.len(),
            "onlyInMarkdownCount": only_markdown.len(),
        },
        "recommendation": if in_sync {
            "nothing to do"
        } else {
            "boxes are the author's and count for nothing; `airboss sync` mends status.json"
        },
    });
    context.answer(&answer, |answer| {
        answer["recommendation"].as_str().unwrap_or("").to_owned()
    });
    Ok(if in_sync {
        ExitCode::Success
    } else {
        ExitCode::Failed
    })
}
