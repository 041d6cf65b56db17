//! One agent process working on one unit of work, as a state machine.
//!
//! [`AttemptStatus::next`] is the whole machine in one `match`. The dispatcher
//! uses it live, and the same function folds stored operations in recovery, so
//! the two cannot disagree. What an attempt *means* is the verdict's business.

use serde::{Deserialize, Serialize};

use crate::id::{AttemptId, RunId, StepId};
use crate::operation::Asked;
use crate::process::{ProcessIdentity, ProcessOutcome};
use crate::time::Timestamp;

/// Where an attempt stands.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttemptStatus {
    /// It is decided and stored; its process may or may not exist yet.
    Dispatched,
    /// Its supervisor is known and was alive.
    Running,
    /// It was asked to stop.
    Stopping,
    /// Nothing of it runs any more; evidence is being gathered.
    Ended,
    /// A verdict is stored. Nothing changes it.
    Judged,
}

/// What can happen to an attempt.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttemptEvent {
    /// Its supervisor reported itself.
    Spawned,
    /// Its supervisor could not be started.
    SpawnFailed,
    /// Somebody asked it to stop.
    StopRequested,
    /// Its supervisor wrote the outcome.
    ProcessEnded,
    /// Its supervisor is gone without an outcome.
    Lost,
    /// The evidence was weighed.
    Judged,
}

/// An event that cannot happen in a status: a bug or a stale message, never applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("event {event:?} is illegal for an attempt that is {status:?}")]
pub struct IllegalEvent {
    /// The status the attempt was in.
    pub status: AttemptStatus,
    /// The event that came.
    pub event: AttemptEvent,
}

impl AttemptStatus {
    /// All statuses, for the table test.
    pub const ALL: [Self; 5] = [
        Self::Dispatched,
        Self::Running,
        Self::Stopping,
        Self::Ended,
        Self::Judged,
    ];

    /// The status after `event`.
    ///
    /// # Errors
    /// When the event cannot happen in this status.
    pub fn next(self, event: AttemptEvent) -> Result<Self, IllegalEvent> {
        use AttemptEvent as E;
        match (self, event) {
            (Self::Dispatched, E::Spawned) => Ok(Self::Running),
            // A stop may overtake the report of the spawn.
            (Self::Stopping, E::Spawned) => Ok(Self::Stopping),
            (Self::Dispatched | Self::Stopping, E::SpawnFailed) => Ok(Self::Ended),
            (Self::Dispatched | Self::Running | Self::Stopping, E::StopRequested) => {
                Ok(Self::Stopping)
            }
            // Recovery may find the outcome before the spawn was ever recorded.
            (Self::Dispatched | Self::Running | Self::Stopping, E::ProcessEnded | E::Lost) => {
                Ok(Self::Ended)
            }
            (Self::Ended, E::Judged) => Ok(Self::Judged),
            (status, event) => Err(IllegalEvent { status, event }),
        }
    }

    /// Whether a process of it may exist.
    #[must_use]
    pub fn is_live(self) -> bool {
        matches!(self, Self::Dispatched | Self::Running | Self::Stopping)
    }
}

impl AttemptEvent {
    /// All events, for the table test.
    pub const ALL: [Self; 6] = [
        Self::Spawned,
        Self::SpawnFailed,
        Self::StopRequested,
        Self::ProcessEnded,
        Self::Lost,
        Self::Judged,
    ];
}

/// How the agent's own session says it ended. A claim, not evidence.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct SessionEnd {
    /// The agent called it a success.
    pub ok: bool,
    /// The agent's word for why it stopped.
    pub reason: String,
    /// The agent's message, bounded by the reader.
    pub message: String,
}

/// A usage limit, a rate limit or an overloaded service.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ServiceLimit {
    /// When the service says it will serve again, where it says so.
    pub resets_at: Option<Timestamp>,
    /// What kind of limit, in the service's words.
    pub kind: String,
}

/// Tokens and money, as far as the agent tells.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Spending {
    /// Tokens read, cached ones included.
    pub input_tokens: u64,
    /// Tokens read from a cache.
    pub cached_tokens: u64,
    /// Tokens written.
    pub output_tokens: u64,
    /// United States dollars; `None` when the agent does not tell.
    pub cost_usd: Option<f64>,
}

impl Spending {
    /// Both together; money that only one of them tells of is the sum.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let cost = [self.cost_usd, other.cost_usd].into_iter().flatten();
        Self {
            input_tokens: self.input_tokens.saturating_add(other.input_tokens),
            cached_tokens: self.cached_tokens.saturating_add(other.cached_tokens),
            output_tokens: self.output_tokens.saturating_add(other.output_tokens),
            cost_usd: cost.reduce(|one, other| one + other),
        }
    }
}

/// What the agent's stream told about an attempt, folded.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct StreamReport {
    /// The agent's own conversation, by which it can be resumed.
    pub session: Option<String>,
    /// It was to go on with an earlier conversation, and none came about.
    pub not_resumed: bool,
    /// The final result event.
    pub end: Option<SessionEnd>,
    /// Whether this agent always ends with a result event, so that its absence is a failure.
    pub end_expected: bool,
    /// Tools that were refused by a permission or a sandbox.
    pub denied: Vec<String>,
    /// A question or permission request that nobody answered.
    pub question: Option<String>,
    /// The service refused to serve.
    pub limit: Option<ServiceLimit>,
    /// Tools that were started.
    pub tools: u32,
    /// Tokens and money.
    pub spending: Option<Spending>,
    /// Paths that the agent's tool calls say it wrote, relative to the top of the work tree.
    pub claimed_paths: Vec<String>,
    /// The end of what the agent said, bounded.
    pub last_text: String,
    /// The end of its standard error, bounded.
    pub error_tail: String,
}

/// How the process of an attempt came to its end, as recorded.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "end")]
pub enum AttemptEnd {
    /// The supervisor saw it.
    Seen {
        /// What the supervisor saw.
        outcome: ProcessOutcome,
    },
    /// The supervisor could not be started.
    NotStarted {
        /// The operating system's words.
        message: String,
    },
    /// The runner was gone between the decision and the start.
    NeverStarted,
    /// The supervisor vanished; what was left of the agent was killed.
    Lost {
        /// How many processes were found and killed.
        swept: u32,
    },
}

/// An attempt as the view holds it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Attempt {
    /// Its id.
    pub id: AttemptId,
    /// The run that dispatched it.
    pub run: RunId,
    /// The steps it works on, in order; more than one in a batch.
    pub steps: Vec<StepId>,
    /// The agent's name in the configuration.
    pub agent: String,
    /// The fencing token: a step accepts results only from its newest.
    pub fence: u64,
    /// Which attempt of its first step this is, from 1.
    pub number: u32,
    /// Where it stands.
    pub status: AttemptStatus,
    /// When it was decided.
    pub dispatched_at: Timestamp,
    /// The process that watches over it.
    pub supervisor: Option<ProcessIdentity>,
    /// How its process ended.
    pub end: Option<AttemptEnd>,
    /// What its stream told.
    pub report: Option<StreamReport>,
    /// When its process ended, or was found ended.
    pub ended_at: Option<Timestamp>,
    /// The person who wanted it to end while it was live.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub killed: Option<Asked>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_table() {
        let mut table = Vec::new();
        for status in AttemptStatus::ALL {
            for event in AttemptEvent::ALL {
                let next = match status.next(event) {
                    Ok(next) => format!("{next:?}"),
                    Err(_) => "illegal".to_owned(),
                };
                table.push(format!("{status:?} + {event:?} -> {next}"));
            }
        }
        insta::assert_snapshot!(table.join("\n"));
    }
}
