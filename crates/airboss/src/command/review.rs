//! `airboss review`: the tasks that nobody goes on with, each with the one command to do about it.
//!
//! It reads only. What is odd is decided by `airboss_core::board::review`; `doctor` asks the same
//! for what it shares with it.

use airboss_core::board::Task;
use airboss_core::board::review::{Finding, review as find};
use airboss_core::exit::ExitCode;
use airboss_engine::board::LookAround;
use airboss_engine::clock;
use owo_colors::Style;
use serde_json::json;

use crate::board::{BoardReading, board_settings};
use crate::context::Context;
use crate::error::CliError;
use crate::page::{self, Page};
use crate::words;

/// Whether findings are a failure.
#[derive(clap::Args, Clone, Debug)]
pub struct ReviewArguments {
    /// End with exit code 1 when there is something.
    #[arg(long)]
    check: bool,
}

/// Looks through the tasks of the board.
///
/// # Errors
/// When the board cannot be read.
pub fn review(context: &Context, arguments: &ReviewArguments) -> Result<ExitCode, CliError> {
    let reading = BoardReading::open(context)?;
    let ceiling = board_settings(&reading.workspace)?.stale_after;
    let around = LookAround::new(&reading.workspace, &reading.places, &reading.store)?;
    let now = clock::now();
    let mut found: Vec<(&Task, Finding)> = Vec::new();
    for task in reading.board.active() {
        let findings = find(&reading.board, task, &around.around(task), now, ceiling);
        found.extend(findings.into_iter().map(|finding| (task, finding)));
    }
    found.sort_by_key(|(task, finding)| (finding.kind, task.number));
    if context.json {
        let findings: Vec<_> = found.iter().map(|(task, it)| as_json(task, it)).collect();
        context.printer.json(&json!({ "findings": findings }));
    } else if found.is_empty() {
        context
            .printer
            .note("every task has somebody or something that goes on with it");
    } else {
        context.printer.data(&told(&found));
    }
    Ok(match arguments.check && !found.is_empty() {
        true => ExitCode::Failed,
        false => ExitCode::Success,
    })
}

fn as_json(task: &Task, finding: &Finding) -> serde_json::Value {
    json!({
        "task": task.number,
        "title": task.title,
        "finding": finding.kind.word(),
        "evidence": finding.evidence,
        "command": finding.command,
    })
}

fn told(found: &[(&Task, Finding)]) -> String {
    let mut page = Page::new(page::width());
    let mut kind = None;
    for (task, finding) in found {
        if kind != Some(finding.kind) {
            page.heading(finding.kind.heading());
            kind = Some(finding.kind);
        }
        let label = format!("{:>3}", task.number);
        page.field(2, (&label, Style::new().bold()), 4, &finding.evidence);
        page.command(8, &finding.command);
    }
    page.gap();
    page.sentence(&words::count(found.len(), "finding"), Style::new().bold());
    page.finish()
}
