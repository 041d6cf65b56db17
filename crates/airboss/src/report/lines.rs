//! One line per event, for logs and CI: a time, a stable word, the step, the rest.

use airboss_core::id::StepId;
use airboss_core::report::ReportKind;
use airboss_core::text::sanitize;
use airboss_core::time::Timestamp;
use airboss_core::view::Counts;
use airboss_engine::clock;
use airboss_engine::run::events::{AttemptProgress, Reporter, RunEvent};

use crate::words;

/// Characters of an agent's claim: a line of a log is read at a glance, `airboss why` has the rest.
const CLAIM_COLUMNS: usize = 160;

/// Tells a run line by line on standard error.
#[derive(Debug)]
pub struct LineReporter {
    quiet: bool,
}

impl LineReporter {
    /// A reporter; a quiet one tells only what a person has to know.
    #[must_use]
    pub fn new(quiet: bool) -> Self {
        Self { quiet }
    }
}

impl Reporter for LineReporter {
    fn event(&mut self, event: &RunEvent) {
        let matters = matches!(
            event,
            RunEvent::Warning { .. }
                | RunEvent::Commit {
                    outcome: Err(_),
                    ..
                }
        );
        if self.quiet && !matters {
            return;
        }
        if let Some(line) = line(event) {
            let time = clock::now().seconds_text();
            // `2026-03-02T09:15:00Z` from the hour on: a run's record has the date.
            anstream::eprintln!("{} {}", &time[11..19], sanitize(&line));
        }
    }

    fn progress(&mut self, _now: Timestamp, _counts: &Counts, _attempts: &[AttemptProgress]) {}
}

/// The line of an event.
fn line(event: &RunEvent) -> Option<String> {
    Some(match event {
        RunEvent::Started { run, plan, counts } => format!(
            "run      {} started: {plan}, {} of {} done",
            run.short(),
            counts.completed + counts.skipped,
            words::count(counts.total, "step")
        ),
        RunEvent::Recovered { adopted, ended } => {
            format!("run      found {adopted} attempts running and {ended} ended")
        }
        RunEvent::AttemptStarted {
            attempt,
            steps,
            text,
            agent,
            number,
        } => {
            let ids: Vec<String> = steps.iter().map(ToString::to_string).collect();
            let attempt = attempt.short();
            format!(
                "started  {} attempt {number} ({agent}, {attempt}): {text}",
                ids.join(",")
            )
        }
        RunEvent::ToolStarted { step, tool, .. } => format!("tool     {step} {tool}"),
        RunEvent::ToolEnded {
            step,
            tool,
            duration,
            ok,
            ..
        } => {
            let outcome = if *ok { "ok" } else { "failed" };
            let took = duration.map_or_else(|| "unknown".to_owned(), words::duration);
            format!("tool     {step} {tool}: {outcome} after {took}")
        }
        RunEvent::Reported {
            step, about, claim, ..
        } => reported(step, *about, claim),
        RunEvent::Judged {
            step,
            verdict,
            reason,
            wake_at,
            retries,
            duration,
            ..
        } => {
            let again = match wake_at {
                Some(at) => format!("; again at {at} (retries {} of {})", retries.0, retries.1),
                None => String::new(),
            };
            let took = words::duration(*duration);
            format!("{:<8} {step} after {took}: {reason}{again}", verdict.word())
        }
        RunEvent::Commit { steps, outcome } => {
            let ids: Vec<String> = steps.iter().map(ToString::to_string).collect();
            match outcome {
                Ok(commit) => format!("commit   {} {}", ids.join(","), short_commit(commit)),
                Err(reason) => format!("commit   {} waits: {reason}", ids.join(",")),
            }
        }
        RunEvent::Warning { message } => format!("warning  {message}"),
        RunEvent::Paused { .. }
        | RunEvent::Resumed
        | RunEvent::Stopping { .. }
        | RunEvent::Draining { .. }
        | RunEvent::Finished { .. } => return held(event),
    })
}

/// What a person's hold of the run comes to.
fn held(event: &RunEvent) -> Option<String> {
    Some(match event {
        RunEvent::Paused { by, running } => format!(
            "paused   by {by}, {} running; `airboss resume` goes on",
            words::count(*running, "attempt")
        ),
        RunEvent::Resumed => "resumed  what is ready is sent".to_owned(),
        RunEvent::Stopping { step, reason } => format!("stopping {step}: {reason}"),
        RunEvent::Draining { running } => format!(
            "draining {} running; once more ends them",
            words::count(*running, "attempt")
        ),
        _ => return None,
    })
}

fn reported(step: &StepId, about: ReportKind, claim: &str) -> String {
    let claim = super::claim(about, claim, CLAIM_COLUMNS);
    format!("report   {step} {claim}")
}

/// The first digits of a commit id, as git shows it.
#[must_use]
pub fn short_commit(commit: &str) -> &str {
    commit.get(..9).unwrap_or(commit)
}
