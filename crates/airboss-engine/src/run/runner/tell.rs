//! What the runner tells its reporter.

use std::time::Instant;

use airboss_core::agent::Activity;
use airboss_core::attempt::{AttemptStatus, Spending};
use airboss_core::id::{AttemptId, StepId};
use airboss_core::operation::{Operation, StepStatus};
use airboss_core::verdict::Verdict;

use super::super::SETBACKS_MAX;
use super::super::events::{AttemptProgress, RunEvent};
use super::super::watch::{ToolNews, Watch};
use super::{PROGRESS_EVERY, Runner};

/// What a run came to so far.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) completed: u32,
    pub(super) failed: u32,
    pub(super) retries: u32,
    /// What its agents spent, as far as they tell.
    pub(super) spending: Option<Spending>,
    pub(super) setbacks: Vec<(StepId, Verdict, String)>,
}

impl Runner<'_> {
    pub(super) fn tell(&mut self, event: &RunEvent) {
        self.means.reporter.event(event);
    }

    pub(super) fn tell_operation(&mut self, operation: &Operation) {
        match operation {
            Operation::AttemptDispatched {
                attempt,
                steps,
                agent,
                number,
                retry,
                ..
            } => {
                self.tally.retries += u32::from(*retry);
                let text = steps
                    .first()
                    .map(|step| self.text_of(step))
                    .unwrap_or_default();
                let event = RunEvent::AttemptStarted {
                    attempt: *attempt,
                    steps: steps.clone(),
                    text,
                    agent: agent.clone(),
                    number: *number,
                };
                self.tell(&event);
            }
            Operation::StepJudged {
                step,
                attempt,
                judgement,
                wake_at,
                ..
            } => {
                let state = self.view.step(step).map(|step| step.state.clone());
                let state = state.unwrap_or_default();
                let retries_max = self.request.flight.policy.rules.retries_max;
                match state.status {
                    StepStatus::Completed if judgement.verdict == Verdict::Verified => {
                        self.tally.completed += 1;
                    }
                    StepStatus::Failed if state.retry_count >= retries_max => {
                        self.tally.failed += 1;
                    }
                    _ => {}
                }
                let setbacks = &mut self.tally.setbacks;
                if judgement.verdict != Verdict::Verified && setbacks.len() < SETBACKS_MAX {
                    let reason = judgement.reason.clone();
                    setbacks.push((step.clone(), judgement.verdict, reason));
                }
                let known = self.view.attempts.get(attempt);
                let duration =
                    known.and_then(|known| Some(known.ended_at?.since(known.dispatched_at)));
                let event = RunEvent::Judged {
                    step: step.clone(),
                    text: self.text_of(step),
                    verdict: judgement.verdict,
                    reason: judgement.reason.clone(),
                    wake_at: *wake_at,
                    retries: (state.retry_count, retries_max),
                    duration: duration.unwrap_or_default(),
                };
                self.tell(&event);
            }
            Operation::AttemptStopRequested { attempt, reason } => {
                self.tell_stopping(*attempt, reason);
            }
            Operation::AttemptEnded { report, .. } => {
                let both = [self.tally.spending, report.spending].into_iter().flatten();
                self.tally.spending = both.reduce(Spending::and);
            }
            _ => {}
        }
    }

    fn tell_stopping(&mut self, attempt: AttemptId, reason: &str) {
        let known = self.view.attempts.get(&attempt);
        let step = known.and_then(|known| known.steps.first()).cloned();
        if let Some(step) = step {
            let reason = reason.to_owned();
            self.tell(&RunEvent::Stopping { step, reason });
        }
    }

    /// What another process stored: what an agent said by a command, MCP or the inbox, and what
    /// a person asked of this run.
    pub(super) fn tell_report(&mut self, operation: &Operation) {
        let event = match operation {
            Operation::StepClaimed {
                step,
                attempt,
                claim,
                about,
            } => RunEvent::Reported {
                attempt: *attempt,
                step: step.clone(),
                about: *about,
                claim: claim.clone(),
            },
            Operation::RunPaused { run, .. } if *run == self.control.run => {
                let run = self.view.run(*run);
                match run.and_then(|run| run.paused.as_ref()) {
                    Some(asked) => RunEvent::Paused {
                        by: asked.name().to_owned(),
                        running: self.view.open_attempts().len(),
                    },
                    None => return,
                }
            }
            Operation::RunResumed { run, .. } if *run == self.control.run => RunEvent::Resumed,
            _ => return,
        };
        self.tell(&event);
    }

    fn text_of(&self, step: &StepId) -> String {
        self.view
            .step(step)
            .map(|step| step.record.description.clone())
            .unwrap_or_default()
    }

    pub(super) fn tell_tools(&mut self, attempt: AttemptId, news: Vec<ToolNews>) {
        let known = self.view.attempts.get(&attempt);
        let Some(step) = known.and_then(|known| known.steps.first()).cloned() else {
            return;
        };
        for news in news {
            let step = step.clone();
            let event = match news {
                ToolNews::Started(tool) => RunEvent::ToolStarted {
                    attempt,
                    step,
                    tool,
                },
                ToolNews::Ended(tool, finished) => RunEvent::ToolEnded {
                    attempt,
                    step,
                    tool,
                    duration: finished.duration,
                    ok: finished.ok,
                },
            };
            self.tell(&event);
        }
    }

    pub(super) fn report_progress(&mut self) {
        if self.last_progress.elapsed() < PROGRESS_EVERY {
            return;
        }
        self.last_progress = Instant::now();
        let open = self.view.open_attempts();
        let attempts: Vec<AttemptProgress> = open
            .iter()
            .map(|attempt| {
                let watch = self.watches.get(&attempt.id);
                let step = attempt
                    .steps
                    .first()
                    .cloned()
                    .unwrap_or_else(|| StepId::new(""));
                AttemptProgress {
                    attempt: attempt.id,
                    text: self.text_of(&step),
                    step,
                    agent: attempt.agent.clone(),
                    since: attempt.dispatched_at,
                    activity: watch.map_or(Activity::Starting, |w| w.transcript.activity()),
                    tool: watch.and_then(Watch::running_tool),
                    tokens: watch.and_then(tokens),
                    tools_unknown: watch
                        .is_some_and(|watch| !watch.format().capabilities().tool_start),
                    checking: attempt.status == AttemptStatus::Ended,
                }
            })
            .collect();
        let now = self.means.store.now();
        let counts = self.view.counts();
        self.means.reporter.progress(now, &counts, &attempts);
    }
}

fn tokens(watch: &Watch) -> Option<(u64, u64)> {
    watch.format().capabilities().usage.then(|| {
        let usage = watch.transcript.usage();
        (usage.input + usage.cached + usage.cache_write, usage.output)
    })
}
