//! What a run came to, in a few lines: what is done, what is not and why, what to do next.

use airboss_core::dispatch::Standing;
use airboss_core::operation::RunEnding;
use airboss_core::text::sanitize;
use airboss_core::time::Timestamp;
use airboss_engine::run::RunSummary;
use owo_colors::OwoColorize as _;

use super::dim;
use crate::words;

/// Open steps named before the rest is only counted.
const NAMED_MAX: usize = 12;

/// The summary, with a line break at its end.
#[must_use]
pub fn summary(
    summary: &RunSummary,
    plan: &str,
    took: std::time::Duration,
    now: Timestamp,
) -> String {
    let counts = &summary.counts;
    let headline = match summary.ending {
        RunEnding::Complete => "complete".green().to_string(),
        RunEnding::Failed => "failed".red().to_string(),
        RunEnding::Blocked => "blocked".yellow().to_string(),
        RunEnding::Limited => "limited".yellow().to_string(),
        RunEnding::Exhausted => "stopped at its limit".yellow().to_string(),
        RunEnding::Drained { .. } => "stopped by you".yellow().to_string(),
        RunEnding::Interrupted => "interrupted".yellow().to_string(),
    };
    let mut lines = vec![
        String::new(),
        format!(
            "{} {headline} {}",
            plan.bold(),
            dim(&format!("in {}", words::duration(took)))
        ),
        format!(
            "  {} of {} done, {} in this run with {}",
            counts.completed + counts.skipped,
            words::count(counts.total, "step"),
            summary.completed,
            words::count(summary.attempts as usize, "attempt"),
        ),
    ];
    lines.extend(setbacks(summary));
    for (step, text, standing) in summary.open.iter().take(NAMED_MAX) {
        lines.push(format!(
            "  {} {step:<6} {} {}",
            sign(standing),
            sanitize(&words::cut(text, 48)),
            dim(&words::standing(standing, now)),
        ));
    }
    if summary.open.len() > NAMED_MAX {
        lines.push(dim(&format!(
            "  and {} more",
            summary.open.len() - NAMED_MAX
        )));
    }
    if let Some((count, reason)) = &summary.commits_pending {
        let what = words::count(*count, "commit");
        lines.push(format!(
            "  {} {what} pending: {reason}",
            "warning:".yellow()
        ));
    }
    for pending in &summary.publish_pending {
        lines.push(format!("  {} {pending}", "warning:".yellow()));
    }
    lines.extend(hint(summary).map(|hint| format!("{} {hint}", "hint:".cyan())));
    lines.push(String::new());
    lines.join("\n")
}

/// What was not accepted on the way, even where all ended well.
fn setbacks(summary: &RunSummary) -> Vec<String> {
    let shown = summary
        .setbacks
        .iter()
        .take(NAMED_MAX)
        .map(|(step, verdict, reason)| {
            let open = summary.open.iter().any(|(id, ..)| id == step);
            let later = if open { "" } else { ", done later" };
            let word = format!("{:<11}", verdict.word());
            format!(
                "  {} {step:<6} {} {}{later}",
                super::verdict_sign(*verdict).style(super::verdict_style(*verdict)),
                word.style(super::verdict_style(*verdict)),
                sanitize(&words::cut(reason, 60)),
            )
        });
    let mut lines: Vec<String> = shown.collect();
    if !lines.is_empty() {
        lines.insert(0, "  not accepted at first:".to_owned());
    }
    if summary.setbacks.len() > NAMED_MAX {
        lines.push(dim(&format!(
            "  and {} more",
            summary.setbacks.len() - NAMED_MAX
        )));
    }
    lines
}

fn sign(standing: &Standing) -> String {
    match standing {
        Standing::Exhausted => "✗".red().to_string(),
        Standing::NeedsAnswer | Standing::Held => "⁇".cyan().to_string(),
        Standing::Blocked(_) | Standing::WaitsFor(_) => "·".yellow().to_string(),
        _ => "·".to_owned(),
    }
}

/// The one thing to do next.
fn hint(summary: &RunSummary) -> Option<String> {
    let first = |wanted: fn(&Standing) -> bool| {
        summary
            .open
            .iter()
            .find(|(_, _, standing)| wanted(standing))
            .map(|(step, ..)| step)
    };
    if let Some(step) = first(|standing| *standing == Standing::NeedsAnswer) {
        return Some(format!(
            "`airboss why {step}` shows the question, `airboss answer {step} TEXT` answers it"
        ));
    }
    if let Some(step) = first(|standing| *standing == Standing::Held) {
        return Some(format!(
            "`airboss retry {step}` gives back the step that was ended"
        ));
    }
    match summary.ending {
        RunEnding::Complete => None,
        RunEnding::Failed => {
            let step = first(|standing| *standing == Standing::Exhausted)?;
            Some(format!(
                "`airboss why {step}` shows the evidence; `airboss run --retry-failed` tries again"
            ))
        }
        RunEnding::Blocked => {
            let (step, ..) = summary.open.first()?;
            Some(format!("`airboss why {step}` says what it waits for"))
        }
        _ => Some("the same command goes on from here".to_owned()),
    }
}
