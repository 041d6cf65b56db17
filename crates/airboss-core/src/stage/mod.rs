//! Stages: what a workflow command does to a task, and when it may.
//!
//! A stage has three parts. [`begin()`] is the preflight: whether the task may enter it, and what
//! changes when it does. [`work`] says what has to be made, unit by unit; a run flies these
//! units as it flies the steps of a plan, with the same retries and verdicts. [`finish()`] is the
//! postflight: what the verdicts mean for the task. An agent has no say in any of them.

mod begin;
pub mod checkpoint;
mod finish;
pub mod handoff;
pub mod prompt;
pub mod summary;
pub mod work;
pub mod workflow;

use serde::{Deserialize, Serialize};

pub use self::begin::{Entry, PlanAtHand, Refusal, begin};
pub use self::finish::{Closing, End, finish};
use crate::board::Status;

/// What a workflow command does.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Look into it, and write reports.
    Research,
    /// Write a plan.
    Plan,
    /// Write the next version of the plan.
    Revise,
    /// Carry the plan out, phase by phase.
    Implement,
    /// Run the project's checks.
    Test,
    /// Find out why a check fails, and mend it.
    Debug,
    /// Bring the documents up to date.
    Document,
}

impl Stage {
    /// All of them, in the order of the work.
    pub const ALL: [Self; 7] = [
        Self::Research,
        Self::Plan,
        Self::Revise,
        Self::Implement,
        Self::Test,
        Self::Debug,
        Self::Document,
    ];

    /// The command's name.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Research => "research",
            Self::Plan => "plan",
            Self::Revise => "revise",
            Self::Implement => "implement",
            Self::Test => "test",
            Self::Debug => "debug",
            Self::Document => "document",
        }
    }

    /// Reads a command's name.
    #[must_use]
    pub fn read(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stage| stage.word() == word)
    }

    /// What the task is while it lasts; `None` for a stage that says nothing about the task.
    #[must_use]
    pub const fn in_flight(self) -> Option<Status> {
        match self {
            Self::Research => Some(Status::Researching),
            Self::Plan => Some(Status::Planning),
            Self::Revise => Some(Status::Revising),
            Self::Implement => Some(Status::Implementing),
            Self::Test | Self::Debug | Self::Document => None,
        }
    }

    /// What the task is when all of it is verified.
    #[must_use]
    pub const fn success(self) -> Option<Status> {
        match self {
            Self::Research => Some(Status::Researched),
            Self::Plan => Some(Status::Planned),
            Self::Revise => Some(Status::Revised),
            Self::Implement => Some(Status::Completed),
            Self::Test | Self::Debug | Self::Document => None,
        }
    }

    /// The kind of its artifacts, as links name it.
    #[must_use]
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Research => "research",
            Self::Plan | Self::Revise => "plan",
            Self::Implement | Self::Document => "summary",
            Self::Test | Self::Debug => "debug",
        }
    }
}

impl std::fmt::Display for Stage {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.word())
    }
}

#[cfg(test)]
mod tests;
