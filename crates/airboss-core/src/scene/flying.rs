//! One attempt that is in progress: what its agent is doing this second.

use std::time::Duration;

use super::feed::{Deed, deed, shown};
use crate::agent::{
    Activity, Asked, RunningTool, SessionUpdate, StreamFormat, ToolInput, Transcript, Usage,
    tool_line,
};
use crate::attempt::{Attempt, AttemptStatus};
use crate::id::StepId;
use crate::operation::PlanKey;
use crate::time::Timestamp;

/// Without a word for this long an agent is called silent. A model thinks for minutes, and the
/// supervisor ends what is idle for half an hour; in between a person may want to look.
pub const SILENT_AFTER: Duration = Duration::from_secs(5 * 60);

/// What the kernel says of a process that was started and recorded.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Vitality {
    /// It runs.
    Alive,
    /// It, or the agent below it, was stopped by a signal.
    Frozen,
    /// It ended in good order, and left how.
    Ended,
    /// It is no more, and left nothing.
    Gone,
}

/// What an attempt in progress is doing, so far as anybody can know.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Liveness {
    /// Nothing has been heard yet.
    Starting,
    /// The model works, or its answer is awaited.
    Thinking,
    /// A failed request to the model waits to be repeated.
    Retrying,
    /// A tool runs. It may run for long: tests do.
    Tool,
    /// It works, and its stream does not tell at what.
    Working,
    /// It waits for a permission.
    Waiting,
    /// A usage limit refuses requests.
    Limited,
    /// Its turn is over, and its process is about to end.
    Ending,
    /// It was asked to stop.
    Stopping,
    /// Its process has ended, and Airboss checks what it left.
    Checking,
    /// Nothing has been heard for [`SILENT_AFTER`], and no tool runs.
    Silent,
    /// Its process was stopped by a signal.
    Frozen,
    /// Its supervisor is gone without an outcome; the next run finds out what it left.
    Lost,
}

impl Liveness {
    /// The word for people.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Thinking => "thinking",
            Self::Retrying => "retrying",
            Self::Tool => "running a tool",
            Self::Working => "working",
            Self::Waiting => "waiting for a permission",
            Self::Limited => "limited",
            Self::Ending => "ending",
            Self::Stopping => "stopping",
            Self::Checking => "checking what it left",
            Self::Silent => "silent",
            Self::Frozen => "frozen",
            Self::Lost => "lost",
        }
    }
}

/// Which tools an attempt runs.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Tools<'scene> {
    /// These, the newest last.
    Known(&'scene [RunningTool]),
    /// Its stream does not announce tools when they start: nothing is known of them, which is
    /// not the same as none.
    NotAnnounced,
    /// Its recording has not been found yet.
    NotYetKnown,
}

/// An attempt in progress.
#[derive(Clone, PartialEq, Debug)]
pub struct Flying {
    plan: PlanKey,
    attempt: Attempt,
    text: String,
    format: Option<StreamFormat>,
    /// The top of its work tree with a slash, which paths do without.
    top: String,
    transcript: Transcript,
    doing: Activity,
    doing_since: Timestamp,
    status_since: Timestamp,
    vitality: Option<(Vitality, Timestamp)>,
}

impl Flying {
    /// An attempt of which only what is stored is known. `text` is its first step's.
    #[must_use]
    pub fn new(plan: PlanKey, attempt: Attempt, text: &str) -> Self {
        let since = attempt.dispatched_at;
        Self {
            plan,
            text: shown(text),
            format: None,
            top: String::new(),
            transcript: Transcript::default(),
            doing: Activity::Starting,
            doing_since: since,
            status_since: attempt.ended_at.unwrap_or(since),
            vitality: None,
            attempt,
        }
    }

    /// Takes what is stored of it since `at`.
    pub fn set(&mut self, attempt: &Attempt, at: Timestamp) {
        if attempt.status != self.attempt.status {
            self.status_since = at;
        }
        self.attempt.clone_from(attempt);
    }

    /// Its recording was found, and is heard from its beginning. `top` is its work tree's.
    pub fn open(&mut self, format: StreamFormat, top: &str) {
        self.top = format!("{}/", top.trim_end_matches('/'));
        self.format = Some(format);
        self.transcript = Transcript::default();
        self.doing = Activity::Starting;
        self.doing_since = self.attempt.dispatched_at;
    }

    /// Takes what it said, and tells what of it a person sees.
    pub fn hear(&mut self, at: Timestamp, update: &SessionUpdate) -> Option<Deed> {
        self.transcript.apply(at, update);
        let doing = self.transcript.activity();
        if doing != self.doing {
            self.doing = doing;
            self.doing_since = at;
        }
        deed(update, &self.transcript, |name, input| {
            self.line(name, input)
        })
    }

    /// A tool on one line, safe to show, with paths as the project has them.
    #[must_use]
    pub fn line(&self, name: &str, input: &ToolInput) -> String {
        let line = tool_line(name, input);
        // Without a work tree, or with `/` for one, nothing is left out.
        if self.top.len() < 2 {
            return line;
        }
        line.replace(&self.top, "")
    }

    /// Its process was looked at.
    pub fn look(&mut self, at: Timestamp, vitality: Vitality) {
        if self.vitality.is_none_or(|(known, _)| known != vitality) {
            self.vitality = Some((vitality, at));
        }
    }

    /// The plan, or the stage of a task.
    #[must_use]
    pub fn plan(&self) -> &PlanKey {
        &self.plan
    }

    /// What is stored of it: id, run, steps, agent, number, status, when it was dispatched.
    #[must_use]
    pub fn attempt(&self) -> &Attempt {
        &self.attempt
    }

    /// Its first step.
    #[must_use]
    pub fn step(&self) -> Option<&StepId> {
        self.attempt.steps.first()
    }

    /// The text of its first step, safe to show.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// When it began: when it was decided. Its process starts right after.
    #[must_use]
    pub fn began(&self) -> Timestamp {
        self.attempt.dispatched_at
    }

    /// The language of its stream, once its recording was found.
    #[must_use]
    pub fn format(&self) -> Option<StreamFormat> {
        self.format
    }

    /// All that was heard of it. Its texts are an agent's and not made safe to show.
    #[must_use]
    pub fn transcript(&self) -> &Transcript {
        &self.transcript
    }

    /// When the last line of its stream came.
    #[must_use]
    pub fn heard_at(&self) -> Option<Timestamp> {
        self.transcript.last_at
    }

    /// What it is doing, and since when.
    #[must_use]
    pub fn liveness(&self, now: Timestamp) -> (Liveness, Timestamp) {
        match (self.attempt.status, self.vitality) {
            (AttemptStatus::Ended | AttemptStatus::Judged, _) => {
                return (Liveness::Checking, self.status_since);
            }
            (_, Some((Vitality::Gone, at))) => return (Liveness::Lost, at),
            (_, Some((Vitality::Ended, at))) => return (Liveness::Ending, at),
            (_, Some((Vitality::Frozen, at))) => return (Liveness::Frozen, at),
            (AttemptStatus::Stopping, _) => return (Liveness::Stopping, self.status_since),
            _ => {}
        }
        let told = self
            .format
            .is_none_or(|format| format.capabilities().tool_start);
        let heard = self.heard_at().unwrap_or(self.began());
        let doing = match self.doing {
            Activity::Tool => return (Liveness::Tool, self.tool_since()),
            Activity::Waiting => return (Liveness::Waiting, self.doing_since),
            Activity::Limited => return (Liveness::Limited, self.doing_since),
            Activity::Ended => Liveness::Ending,
            Activity::Starting => Liveness::Starting,
            Activity::Retrying => Liveness::Retrying,
            Activity::Thinking if told => Liveness::Thinking,
            Activity::Thinking => Liveness::Working,
        };
        if now.since(heard) >= SILENT_AFTER {
            return (Liveness::Silent, heard);
        }
        (doing, self.doing_since)
    }

    fn tool_since(&self) -> Timestamp {
        let running = self.transcript.running.last();
        running.map_or(self.doing_since, |tool| tool.started_at)
    }

    /// The tools that run now.
    #[must_use]
    pub fn tools(&self) -> Tools<'_> {
        match self.format {
            None => Tools::NotYetKnown,
            Some(format) if format.capabilities().tool_start => {
                Tools::Known(&self.transcript.running)
            }
            Some(_) => Tools::NotAnnounced,
        }
    }

    /// The newest running tool on one line, safe to show, and when it was announced.
    #[must_use]
    pub fn tool(&self) -> Option<(String, Timestamp)> {
        let tool = self.transcript.running.last()?;
        Some((self.line(&tool.name, &tool.input), tool.started_at))
    }

    /// Open requests for a permission.
    pub fn asked(&self) -> impl Iterator<Item = &Asked> {
        self.transcript.asked.iter()
    }

    /// Tokens and money so far; `None` when its stream does not tell.
    #[must_use]
    pub fn usage(&self) -> Option<Usage> {
        let tells = self.format?.capabilities().usage;
        tells.then(|| self.transcript.usage())
    }
}
