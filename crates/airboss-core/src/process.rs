//! What is known of an operating system process, as values.
//!
//! A pid alone says nothing: it is reused. A process is named by its pid, the
//! time it started and the boot it belongs to (its identity).

use serde::{Deserialize, Serialize};

use crate::id::AttemptId;
use crate::time::Timestamp;

/// Which process, on which boot of which machine.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct ProcessIdentity {
    /// The process id.
    pub pid: u32,
    /// Field 22 of `/proc/PID/stat`: clock ticks between boot and start.
    pub start_ticks: u64,
    /// `/proc/sys/kernel/random/boot_id`.
    pub boot_id: String,
}

/// Why a supervisor ended its agent before the agent ended itself.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// The attempt's whole time was used up.
    Deadline,
    /// No output and no processor time for the idle limit.
    Idle,
    /// More output than the log may hold.
    Flood,
    /// The person or the dispatcher asked for it.
    Requested,
    /// The program was stopped (SIGSTOP) and did not continue within the idle limit.
    Frozen,
}

/// How the agent's own process ended.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "how")]
pub enum Exit {
    /// It returned this exit code.
    Code {
        /// 0 to 255.
        code: i32,
    },
    /// A signal ended it.
    Signal {
        /// The signal's number.
        signal: i32,
    },
    /// It could not be started at all.
    NotStarted {
        /// The operating system's words and the program's path.
        message: String,
        /// The program or its directory does not exist, as opposed to any other reason.
        missing: bool,
    },
    /// The supervisor died before it could see the end.
    Unknown,
}

/// What the supervisor of an attempt saw: facts, no judgement.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ProcessOutcome {
    /// The attempt it belongs to.
    pub attempt: AttemptId,
    /// The fencing token under which it ran.
    pub fence: u64,
    /// How the agent's process ended.
    pub exit: Exit,
    /// Why the supervisor ended it, when it did.
    pub stopped: Option<StopReason>,
    /// When the agent was started.
    pub started_at: Timestamp,
    /// When the last process of its descent was gone.
    pub ended_at: Timestamp,
    /// Processes of its descent that were alive after the agent had ended and were killed.
    pub leaked: u32,
    /// Processes that could not be killed; anything but 0 is an error to report.
    pub survivors: u32,
    /// Lines that were longer than the limit and cut.
    pub lines_cut: u64,
    /// Bytes of output that were not kept: of cut lines, or because the log or its disk was full.
    pub bytes_dropped: u64,
}
