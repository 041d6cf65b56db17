//! What a run tells while it goes on: events for logs, and the state of each attempt now.
//!
//! Reporting is one way. Nothing that a reporter does changes the run.

use std::time::Duration;

use airboss_core::agent::Activity;
use airboss_core::id::{AttemptId, RunId, StepId};
use airboss_core::operation::RunEnding;
use airboss_core::report::ReportKind;
use airboss_core::time::Timestamp;
use airboss_core::verdict::Verdict;
use airboss_core::view::Counts;

/// One thing that happened in a run. Each is told once, after it is durable.
#[derive(Clone, PartialEq, Debug)]
pub enum RunEvent {
    /// The run began.
    Started {
        /// The run.
        run: RunId,
        /// The plan's name.
        plan: String,
        /// Where its steps stand.
        counts: Counts,
    },
    /// Attempts of an earlier run were found.
    Recovered {
        /// Still running, and watched again.
        adopted: usize,
        /// Ended meanwhile, or lost.
        ended: usize,
    },
    /// An agent was started.
    AttemptStarted {
        /// The attempt.
        attempt: AttemptId,
        /// Its steps.
        steps: Vec<StepId>,
        /// The first step's text.
        text: String,
        /// The agent's name.
        agent: String,
        /// Which attempt of the step it is, from 1.
        number: u32,
    },
    /// A tool was announced.
    ToolStarted {
        /// The attempt.
        attempt: AttemptId,
        /// The first step.
        step: StepId,
        /// The tool's name and what it is asked to do, on one line.
        tool: String,
    },
    /// A tool ended.
    ToolEnded {
        /// The attempt.
        attempt: AttemptId,
        /// The first step.
        step: StepId,
        /// The tool's name and what it was asked to do, on one line.
        tool: String,
        /// How long it took, where its start was seen.
        duration: Option<Duration>,
        /// The agent says it worked.
        ok: bool,
    },
    /// An agent reported on its step. A claim: nothing follows from it.
    Reported {
        /// The attempt.
        attempt: AttemptId,
        /// The step.
        step: StepId,
        /// What it is about.
        about: ReportKind,
        /// In the agent's words, as they were stored.
        claim: String,
    },
    /// A step was judged.
    Judged {
        /// The step.
        step: StepId,
        /// Its text.
        text: String,
        /// The verdict.
        verdict: Verdict,
        /// Its reason.
        reason: String,
        /// When it is dispatched again.
        wake_at: Option<Timestamp>,
        /// Retries granted so far, and how many there are.
        retries: (u32, u32),
        /// How long the attempt took.
        duration: Duration,
    },
    /// A commit was made, or could not be.
    Commit {
        /// The steps.
        steps: Vec<StepId>,
        /// The commit's id, or why there is none yet.
        outcome: Result<String, String>,
    },
    /// Something a person should know; the run goes on.
    Warning {
        /// In words.
        message: String,
    },
    /// A person paused the dispatch by a command.
    Paused {
        /// Who, in words.
        by: String,
        /// Attempts that go on.
        running: usize,
    },
    /// The dispatch goes on.
    Resumed,
    /// An attempt was asked to stop.
    Stopping {
        /// Its first step.
        step: StepId,
        /// Why.
        reason: String,
    },
    /// No new work is started any more.
    Draining {
        /// Attempts that are still running.
        running: usize,
    },
    /// The run is over.
    Finished {
        /// How.
        ending: RunEnding,
    },
}

/// An attempt as it is now.
#[derive(Clone, PartialEq, Debug)]
pub struct AttemptProgress {
    /// The attempt.
    pub attempt: AttemptId,
    /// Its first step.
    pub step: StepId,
    /// That step's text.
    pub text: String,
    /// The agent's name.
    pub agent: String,
    /// When it was dispatched.
    pub since: Timestamp,
    /// What it is doing.
    pub activity: Activity,
    /// The tool that runs now, on one line, and since when.
    pub tool: Option<(String, Timestamp)>,
    /// Tokens read and written; `None` when the agent does not tell.
    pub tokens: Option<(u64, u64)>,
    /// The agent cannot tell which tools it runs.
    pub tools_unknown: bool,
    /// Its process has ended and Airboss checks what it left.
    pub checking: bool,
}

/// Where a run's events go.
pub trait Reporter {
    /// Takes an event.
    fn event(&mut self, event: &RunEvent);

    /// Takes the state of all attempts, about five times a second.
    fn progress(&mut self, now: Timestamp, counts: &Counts, attempts: &[AttemptProgress]);
}
