//! Lists that keep their newest entries and count the rest.

use std::collections::VecDeque;
use std::time::Duration;

use crate::agent::{SessionUpdate, ToolInput, Transcript};
use crate::id::{AttemptId, StepId};
use crate::operation::PlanKey;
use crate::report::ReportKind;
use crate::text::{head, sanitize};
use crate::time::Timestamp;

/// Bytes of one text in a list: some lines of a screen. The recording and the log have it whole.
pub(super) const TEXT_MAX: usize = 2 << 10;

/// The newest entries, at most so many; what went is counted.
#[derive(Clone, PartialEq, Debug)]
pub struct Feed<T> {
    kept: VecDeque<T>,
    limit: usize,
    left_out: u64,
}

impl<T> Feed<T> {
    /// An empty list of at most `limit` entries.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            kept: VecDeque::new(),
            limit,
            left_out: 0,
        }
    }

    pub(super) fn push(&mut self, entry: T) {
        if self.kept.len() == self.limit {
            self.kept.pop_front();
            self.left_out += 1;
        }
        self.kept.push_back(entry);
    }

    /// The entries, the oldest first; `.rev()` gives the newest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &T> + ExactSizeIterator {
        self.kept.iter()
    }

    pub(super) fn iter_mut(&mut self) -> impl DoubleEndedIterator<Item = &mut T> {
        self.kept.iter_mut()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.kept.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// How many older ones are no longer kept.
    #[must_use]
    pub fn left_out(&self) -> u64 {
        self.left_out
    }
}

/// One thing that an agent was seen doing. Its texts are bounded and safe to show.
#[derive(Clone, PartialEq, Debug)]
pub struct Act {
    /// When.
    pub at: Timestamp,
    /// The plan, or the stage of a task.
    pub plan: PlanKey,
    /// The attempt.
    pub attempt: AttemptId,
    /// Its first step.
    pub step: StepId,
    /// What it did.
    pub deed: Deed,
}

/// What an agent was seen doing.
#[derive(Clone, PartialEq, Debug)]
pub enum Deed {
    /// It began a tool.
    ToolStarted {
        /// Its name and what it is asked to do, on one line.
        tool: String,
    },
    /// A tool ended.
    ToolEnded {
        /// Its name and what it was asked to do, on one line.
        tool: String,
        /// How long it took; `None` when its start was not announced.
        duration: Option<Duration>,
        /// How.
        outcome: ToolOutcome,
    },
    /// It said something to the person.
    Said {
        /// The text.
        text: String,
    },
    /// It reported on its own work: a claim, never a fact.
    Claimed {
        /// Which report.
        kind: ReportKind,
        /// Its words.
        text: String,
    },
    /// It asks for an answer or for a permission.
    Asked {
        /// For what.
        text: String,
    },
    /// A request to its model failed and is repeated.
    Retried {
        /// The agent's words.
        text: String,
    },
    /// Its service refuses to serve, or soon will.
    Limited {
        /// The agent's words.
        text: String,
    },
    /// It warned.
    Warned {
        /// Its words.
        text: String,
    },
    /// It says that its turn is over.
    Ended {
        /// It calls it a success: a claim.
        ok: bool,
        /// Why, in words.
        text: String,
    },
}

/// How a tool ended, by the agent's word.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ToolOutcome {
    /// It did what it was asked to.
    Ok,
    /// It did not.
    Failed,
    /// It was not run: it was not permitted.
    Denied,
}

/// A text as lists keep it.
pub(super) fn shown(text: &str) -> String {
    sanitize(head(text, TEXT_MAX))
}

/// What an update shows, after it was applied to the transcript; `None` for what says nothing to
/// a person. `line` puts a tool on one line.
pub(super) fn deed(
    update: &SessionUpdate,
    transcript: &Transcript,
    line: impl Fn(&str, &ToolInput) -> String,
) -> Option<Deed> {
    Some(match update {
        // A start is told once its input is known, so that the line says what is done.
        SessionUpdate::ToolStarted {
            name,
            input: Some(input),
            ..
        } => Deed::ToolStarted {
            tool: line(name, input),
        },
        SessionUpdate::ToolInput { id, input } => {
            let tool = transcript.running.iter().find(|tool| tool.id == *id)?;
            Deed::ToolStarted {
                tool: line(&tool.name, input),
            }
        }
        SessionUpdate::ToolEnded { .. } => {
            let tool = transcript.finished.back()?;
            let name = tool.name.as_deref().unwrap_or("tool");
            Deed::ToolEnded {
                tool: line(name, &tool.input),
                duration: tool.duration,
                outcome: match (tool.ok, tool.denied) {
                    (_, true) => ToolOutcome::Denied,
                    (true, false) => ToolOutcome::Ok,
                    (false, false) => ToolOutcome::Failed,
                },
            }
        }
        SessionUpdate::Text {
            text,
            partial: false,
            subagent: false,
        } => Deed::Said { text: shown(text) },
        SessionUpdate::PermissionAsked { tool, input, .. } => Deed::Asked {
            text: format!("permission for {}", line(tool, input)),
        },
        SessionUpdate::Question { text } => Deed::Asked { text: shown(text) },
        SessionUpdate::Retry { message, .. } => Deed::Retried {
            text: shown(message),
        },
        SessionUpdate::RateLimited {
            message,
            limit,
            rejected: true,
            ..
        } => {
            let words = message.as_deref().or(limit.as_deref());
            Deed::Limited {
                text: shown(words.unwrap_or("a usage limit")),
            }
        }
        SessionUpdate::Warning { message } => Deed::Warned {
            text: shown(message),
        },
        SessionUpdate::Ended(end) => Deed::Ended {
            ok: end.ok,
            text: end.reason.word().to_owned(),
        },
        _ => return None,
    })
}
