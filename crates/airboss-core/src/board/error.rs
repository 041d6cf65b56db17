//! Failures as they are recorded, in two levels.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// One recorded failure.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ErrorEntry {
    /// `err_` and the milliseconds of its instant, made unique.
    pub id: String,
    /// When.
    pub at: Timestamp,
    /// What kind, in snake case; an open set.
    pub kind: String,
    /// The kind as a code: `VERIFICATION_FAILED`.
    pub code: String,
    /// How bad.
    pub severity: Severity,
    /// One sentence.
    pub message: String,
    /// Whether the work goes on.
    pub recoverable: bool,
    /// What to do.
    pub recommendation: String,
    /// What it happened to.
    pub context: ErrorContext,
    /// Whether somebody has seen to it.
    pub fix_status: FixStatus,
}

/// How bad a failure is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// A status, a link or an artifact is not as recorded: the command failed.
    Critical,
    /// Written by others.
    High,
    /// Written by others.
    Medium,
    /// The work went on.
    Low,
}

/// How far a failure has been seen to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FixStatus {
    /// Not at all.
    #[default]
    Unfixed,
    /// Somebody looks into it.
    Investigating,
    /// It is fixed.
    Fixed,
}

/// What a failure happened to.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct ErrorContext {
    /// The session that it happened in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// The command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// The task's number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<u32>,
    /// The phase.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<String>,
    /// GATE_IN, DELEGATE, GATE_OUT or COMMIT.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<String>,
}
