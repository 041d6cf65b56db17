//! The exit codes of the program: one table, the same for every command.

/// How a command ended, as its caller sees it.
///
/// A caller can tell "it happened" from "it did not" from "it happened, but is not
/// everywhere yet".
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum ExitCode {
    /// Done, published, committed.
    Success = 0,
    /// The work failed: a step, a gate, a check.
    Failed = 1,
    /// The command line makes no sense.
    Usage = 2,
    /// Blocked, or waiting for a person.
    Blocked = 3,
    /// Bad input or an illegal transition; nothing changed.
    Refused = 4,
    /// A conflict needs a person.
    Conflict = 5,
    /// The change is durable; publishing a file is pending.
    PublishPending = 10,
    /// The change is durable and published; its git commit is pending.
    CommitPending = 11,
    /// An input or output error before the commit point; nothing was acknowledged.
    InputOutput = 74,
    /// TryLater or rate limited; nothing changed.
    TryLater = 75,
    /// A limit was reached: time, iterations, budget.
    Limit = 124,
    /// Ended by SIGINT after a clean drain.
    Interrupted = 130,
    /// Ended by SIGTERM after a clean drain.
    Terminated = 143,
}

impl ExitCode {
    /// All codes, in ascending order.
    pub const ALL: [Self; 13] = [
        Self::Success,
        Self::Failed,
        Self::Usage,
        Self::Blocked,
        Self::Refused,
        Self::Conflict,
        Self::PublishPending,
        Self::CommitPending,
        Self::InputOutput,
        Self::TryLater,
        Self::Limit,
        Self::Interrupted,
        Self::Terminated,
    ];

    /// The number that the process returns.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The code with this number.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.code() == code)
    }

    /// What it means, as one clause for help texts.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Success => "done, published, committed",
            Self::Failed => "the work failed: a step, a gate, a check",
            Self::Usage => "usage error",
            Self::Blocked => "blocked, or waiting for a person",
            Self::Refused => "refused: bad input or an illegal transition; nothing changed",
            Self::Conflict => "a conflict needs a person",
            Self::PublishPending => "the change is durable; publishing a file is pending",
            Self::CommitPending => "the change is durable and published; its git commit is pending",
            Self::InputOutput => "input/output error; nothing was acknowledged",
            Self::TryLater => "busy or rate limited: try later; nothing changed",
            Self::Limit => "a limit was reached: time, iterations, budget",
            Self::Interrupted => "ended by SIGINT after a clean drain",
            Self::Terminated => "ended by SIGTERM after a clean drain",
        }
    }
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order_and_complete() {
        assert!(ExitCode::ALL.is_sorted());
        for code in ExitCode::ALL {
            assert_eq!(ExitCode::from_code(code.code()), Some(code));
        }
        assert_eq!(ExitCode::from_code(42), None);
    }
}
