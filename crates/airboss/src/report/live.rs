//! Live lines on a terminal: verdicts scroll by, one line per attempt stays below.

use std::collections::HashMap;
use std::time::Duration;

use airboss_core::agent::Activity;
use airboss_core::id::{AttemptId, StepId};
use airboss_core::report::ReportKind;
use airboss_core::text::sanitize;
use airboss_core::time::Timestamp;
use airboss_core::verdict::Verdict;
use airboss_core::view::Counts;
use airboss_engine::run::events::{AttemptProgress, Reporter, RunEvent};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use owo_colors::OwoColorize as _;

use super::lines::short_commit;
use super::{dim, verdict_sign, verdict_style};
use crate::words;

/// Frames a second: faster than the eye needs, slow enough for a remote terminal.
const FRAMES: u8 = 10;
/// How often the spinner moves.
const TICK: Duration = Duration::from_millis(120);
/// The width of the step's text; the tool gets the rest of the line.
const TEXT_COLUMNS: usize = 34;
/// The width of a step id: `p3-9f2ab01c` fits.
const ID_COLUMNS: usize = 6;
/// The width of what an agent says: the line is cut where the terminal ends.
const CLAIM_COLUMNS: usize = 100;

/// Draws a run on standard error.
#[derive(Debug)]
pub struct LiveReporter {
    verbose: bool,
    lines: MultiProgress,
    total: ProgressBar,
    bars: HashMap<AttemptId, ProgressBar>,
    /// What each agent said last of its own work.
    claims: HashMap<AttemptId, String>,
}

impl LiveReporter {
    /// A reporter; a verbose one also tells every tool.
    #[must_use]
    pub fn new(verbose: bool) -> Self {
        let lines = MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(FRAMES));
        let total = lines.add(ProgressBar::new_spinner().with_style(plain_style()));
        Self {
            verbose,
            lines,
            total,
            bars: HashMap::new(),
            claims: HashMap::new(),
        }
    }

    /// A question is for a person and scrolls by; the rest stands in the attempt's line.
    fn reported(&mut self, attempt: AttemptId, step: &StepId, about: ReportKind, claim: &str) {
        let line = super::claim(about, claim, CLAIM_COLUMNS);
        if about == ReportKind::Ask {
            let sign = verdict_sign(Verdict::Waiting);
            let sign = sign.style(verdict_style(Verdict::Waiting)).to_string();
            self.print(&format!("{sign} {step:<ID_COLUMNS$} {line}"));
        } else if self.verbose {
            self.print(&dim(&format!("  {step:<ID_COLUMNS$} {line}")));
        }
        if self.bars.contains_key(&attempt) {
            self.claims.insert(attempt, line);
        }
    }

    /// What a person's hold of the run comes to.
    fn held(&self, event: &RunEvent) {
        match event {
            RunEvent::Paused { by, running } => self.print(&format!(
                "{} by {}, {} running; `airboss resume` goes on",
                "paused:".yellow(),
                sanitize(by),
                words::count(*running, "attempt")
            )),
            RunEvent::Resumed => self.print(&dim("resumed: what is ready is sent")),
            RunEvent::Stopping { step, reason } => {
                let line = format!("  {step:<ID_COLUMNS$} is stopped: {}", sanitize(reason));
                self.print(&dim(&line));
            }
            RunEvent::Draining { running } => self.print(&format!(
                "{} waiting for {} to end; Ctrl-C again ends them",
                "draining:".yellow(),
                words::count(*running, "attempt")
            )),
            _ => {}
        }
    }

    fn print(&self, line: &str) {
        // A terminal that is gone has nobody to tell.
        self.lines.println(line).ok();
    }
}

fn plain_style() -> ProgressStyle {
    ProgressStyle::with_template("{wide_msg}").unwrap_or_else(|_| ProgressStyle::default_spinner())
}

fn attempt_style() -> ProgressStyle {
    ProgressStyle::with_template("{spinner:.cyan} {wide_msg}")
        .unwrap_or_else(|_| ProgressStyle::default_spinner())
}

impl Reporter for LiveReporter {
    fn event(&mut self, event: &RunEvent) {
        match event {
            RunEvent::Started { run, plan, counts } => {
                let done = counts.completed + counts.skipped;
                let line = format!(
                    "{plan}: {done} of {} done",
                    words::count(counts.total, "step")
                );
                self.print(&format!(
                    "{} {}",
                    line.bold(),
                    dim(&format!("(run {})", run.short()))
                ));
            }
            RunEvent::Recovered { adopted, ended } => {
                let line = format!(
                    "taken over from the run before: {adopted} running, {ended} ended meanwhile"
                );
                self.print(&dim(&line));
            }
            RunEvent::AttemptStarted { attempt, .. } => {
                let bar = ProgressBar::new_spinner().with_style(attempt_style());
                let bar = self.lines.insert_before(&self.total, bar);
                bar.enable_steady_tick(TICK);
                self.bars.insert(*attempt, bar);
            }
            RunEvent::ToolStarted { step, tool, .. } if self.verbose => {
                self.print(&dim(&format!("  {step:<ID_COLUMNS$} {tool}")));
            }
            RunEvent::Reported {
                attempt,
                step,
                about,
                claim,
            } => self.reported(*attempt, step, *about, claim),
            RunEvent::Judged { .. } => self.print(&judged_line(event)),
            RunEvent::Commit { steps, outcome } => match outcome {
                Ok(commit) if self.verbose => {
                    let ids: Vec<String> = steps.iter().map(ToString::to_string).collect();
                    let line = format!("  {} committed as {}", ids.join(","), short_commit(commit));
                    self.print(&dim(&line));
                }
                Ok(_) => {}
                Err(reason) => self.print(&format!(
                    "{} the commit of {} waits: {reason}",
                    "warning:".yellow(),
                    steps.first().map(ToString::to_string).unwrap_or_default()
                )),
            },
            RunEvent::Warning { message } => {
                self.print(&format!("{} {}", "warning:".yellow(), sanitize(message)));
            }
            RunEvent::Paused { .. }
            | RunEvent::Resumed
            | RunEvent::Stopping { .. }
            | RunEvent::Draining { .. } => self.held(event),
            RunEvent::Finished { .. } => {
                for (_, bar) in self.bars.drain() {
                    bar.finish_and_clear();
                }
                self.total.finish_and_clear();
            }
            RunEvent::ToolStarted { .. } | RunEvent::ToolEnded { .. } => {}
        }
    }

    fn progress(&mut self, now: Timestamp, counts: &Counts, attempts: &[AttemptProgress]) {
        self.bars.retain(|id, bar| {
            let stays = attempts.iter().any(|attempt| attempt.attempt == *id);
            if !stays {
                bar.finish_and_clear();
                self.lines.remove(bar);
                self.claims.remove(id);
            }
            stays
        });
        for attempt in attempts {
            if let Some(bar) = self.bars.get(&attempt.attempt) {
                let claim = self.claims.get(&attempt.attempt);
                bar.set_message(attempt_line(attempt, claim, now));
            }
        }
        self.total.set_message(total_line(counts));
    }
}

fn judged_line(event: &RunEvent) -> String {
    let RunEvent::Judged {
        step,
        text,
        verdict,
        reason,
        wake_at,
        duration,
        ..
    } = event
    else {
        return String::new();
    };
    let style = verdict_style(*verdict);
    let again = if wake_at.is_some() {
        "; tried again"
    } else {
        ""
    };
    format!(
        "{} {:<ID_COLUMNS$} {:<TEXT_COLUMNS$} {} {} {}",
        verdict_sign(*verdict).style(style),
        step,
        words::cut(&sanitize(text), TEXT_COLUMNS),
        format!("{:<10}", verdict.word()).style(style),
        dim(&format!("{:>5}", words::duration(*duration))),
        sanitize(&format!("{reason}{again}")),
    )
}

/// Step, what it is, the tool now running, how long, what it cost, and what its agent says.
fn attempt_line(attempt: &AttemptProgress, claim: Option<&String>, now: Timestamp) -> String {
    let doing = match (&attempt.tool, attempt.activity) {
        _ if attempt.checking => "checking what it left".to_owned(),
        (Some((tool, since)), _) => format!("{tool} {}", words::duration(now.since(*since))),
        (None, _) if attempt.tools_unknown => "working (its tools are not told)".to_owned(),
        (None, Activity::Starting) => "starting".to_owned(),
        (None, Activity::Retrying) => "its model's service failed, retrying".to_owned(),
        (None, Activity::Waiting) => "waiting for a permission".to_owned(),
        (None, Activity::Limited) => "limited".to_owned(),
        (None, Activity::Ended) => "ending".to_owned(),
        (None, Activity::Thinking | Activity::Tool) => "thinking".to_owned(),
    };
    let tokens = match attempt.tokens {
        // Nothing was told yet, or this agent never tells.
        None | Some((0, 0)) => String::new(),
        Some((input, output)) => format!(" · {} tokens", words::amount(input + output)),
    };
    format!(
        "{:<ID_COLUMNS$} {:<TEXT_COLUMNS$} {} {}{}",
        attempt.step,
        words::cut(&sanitize(&attempt.text), TEXT_COLUMNS),
        dim(&format!(
            "{} · {:>5}{tokens}",
            attempt.agent,
            words::duration(now.since(attempt.since))
        )),
        doing,
        claim.map_or_else(String::new, |claim| dim(&format!(" · {claim}"))),
    )
}

fn total_line(counts: &Counts) -> String {
    let mut parts = vec![format!(
        "{} of {} done",
        counts.completed + counts.skipped,
        counts.total
    )];
    if counts.in_progress > 0 {
        parts.push(format!("{} in progress", counts.in_progress));
    }
    if counts.failed > 0 {
        parts.push(format!("{} failed", counts.failed));
    }
    dim(&format!(
        "  {}% · {}",
        counts.percentage(),
        parts.join(" · ")
    ))
}
